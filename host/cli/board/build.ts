import type { BoardBuild } from '../../board/build.ts';
import { buildBoard, isBuilt } from '../../board/build.ts';
import { budgetLines } from '../../board/sizes.ts';
import { type TargetName, targets } from '../../board/targets.ts';
import { compilerOf, requireTools } from '../../board/toolchain.ts';
import { fromRoot } from '../../build/paths.mjs';
import { exitCode } from '../exit.ts';
import { print, wrapped } from '../output.ts';
import { tableOf } from '../table.ts';
import { startProgress } from '../progress.ts';

export interface BoardBuildOptions {
  force?: boolean;
  json?: boolean;
  jobs: number;
}

/** Runs `board build`. Exit 1 when a budget is exceeded, 4 when a compiler is missing. */
export async function boardBuild(
  names: readonly TargetName[],
  { force, json, jobs }: BoardBuildOptions,
): Promise<void> {
  requireTools(names.filter((name) => !isBuilt(targets[name], { force })).map((name) => compilerOf(targets[name])));
  const builds: BoardBuild[] = [];
  const queue = names.map((name, index) => ({ name, index }));
  const progress = startProgress('board build', names.length);
  let done = 0;
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      builds[next.index] = await buildBoard(next.name, { force });
      done += 1;
      progress.update(done, `${done} of ${names.length} boards, ${next.name}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, names.length) }, lane));
  } finally {
    progress.stop();
  }
  const reports = builds.map((build) => ({ build, lines: budgetLines(build.target, build.sizes) }));
  if (json) print(JSON.stringify(reports.map(asJson)));
  else for (const { build, lines } of reports) print(reportText(build, lines));
  if (reports.some(({ lines }) => lines.some((line) => !line.ok))) process.exitCode = exitCode.failed;
}

type Lines = ReturnType<typeof budgetLines>;

function asJson({ build, lines }: { build: BoardBuild; lines: Lines }) {
  const { target, elf, binary, hex, map, sizes } = build;
  const files = { elf: fromRoot(elf), binary: fromRoot(binary), hex: fromRoot(hex), map: fromRoot(map) };
  return { name: target.name, part: target.part, preset: target.preset, ...files, ...sizes, budgets: lines };
}

function reportText({ target, elf }: BoardBuild, lines: Lines): string {
  const bytes = (value: number | null) => (value === null ? '' : value.toLocaleString('en'));
  const rows = lines.map((line) => {
    const sizes = [bytes(line.bytes), bytes(line.budgetBytes), bytes(line.partBytes)];
    return [line.what, ...sizes, line.ok ? 'within' : 'EXCEEDED'];
  });
  return [
    wrapped(`${target.name}: ${target.part}, preset ${target.preset} → ${fromRoot(elf)}, .bin, .hex, .map`, 2),
    tableOf(['', 'bytes', 'budget', 'the part has', ''], rows, ['bytes', 'budget', 'the part has']),
  ].join('\n');
}

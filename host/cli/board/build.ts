import Table from 'cli-table3';
import { fromRoot } from '../../build/paths.mjs';
import { type BoardBuild, buildBoard } from '../../board/build.ts';
import { budgetLines } from '../../board/sizes.ts';
import type { TargetName } from '../../board/targets.ts';
import { exitCode } from '../exit.ts';

export interface BoardBuildOptions {
  force?: boolean;
  json?: boolean;
}

/** Compilers at once. */
const compilersMax = 2;

/** `board build`: exit 1 when a budget is exceeded, 4 when a tool is missing. */
export async function boardBuild(names: readonly TargetName[], options: BoardBuildOptions): Promise<void> {
  const builds: BoardBuild[] = [];
  const queue = names.map((name, index) => ({ name, index }));
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      builds[next.index] = await buildBoard(next.name, { force: options.force === true });
  };
  await Promise.all(Array.from({ length: compilersMax }, lane));
  const reports = builds.map((each) => ({ build: each, lines: budgetLines(each.target, each.sizes) }));
  if (options.json) console.log(JSON.stringify(reports.map(asJson)));
  else for (const { build: each, lines } of reports) print(each, lines);
  if (reports.some(({ lines }) => lines.some((line) => !line.ok))) process.exitCode = exitCode.failed;
}

type Lines = ReturnType<typeof budgetLines>;

function asJson({ build: each, lines }: { build: BoardBuild; lines: Lines }) {
  const { target, elf, binary, hex, map, sizes } = each;
  const files = { elf: fromRoot(elf), binary: fromRoot(binary), hex: fromRoot(hex), map: fromRoot(map) };
  return { name: target.name, part: target.part, preset: target.preset, ...files, ...sizes, budgets: lines };
}

function print(each: BoardBuild, lines: Lines): void {
  const { target } = each;
  console.log(`${target.name}: ${target.part}, preset ${target.preset} → ${fromRoot(each.elf)}, .bin, .hex, .map`);
  const table = new Table({ head: ['', 'bytes', 'budget', 'the part has', ''], style: { head: [], border: [] } });
  for (const line of lines) {
    const part = line.partBytes === null ? '' : line.partBytes.toLocaleString('en');
    table.push([
      line.what,
      line.bytes.toLocaleString('en'),
      line.budgetBytes.toLocaleString('en'),
      part,
      line.ok ? 'within' : 'EXCEEDED',
    ]);
  }
  console.log(table.toString());
}

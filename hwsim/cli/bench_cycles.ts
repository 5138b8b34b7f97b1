import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { committedTable, type CyclesTable, measureCycles } from '../bench/cycles/measure.ts';
import { cyclesText } from '../bench/cycles/report.ts';
import { buildRunner } from '../bench/cycles/runner.ts';
import { searchWorst, type TargetWorst, worstOn } from '../bench/cycles/search.ts';
import { whereWorst } from '../bench/cycles/worst_profile.ts';
import { type TargetName, targetNames, targets } from '../../host/board/targets.ts';
import { ToolError } from '../../host/board/toolchain.ts';
import { EmulatorError } from '../emulator/pool.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';

export interface BenchCyclesOptions {
  target?: TargetName[];
  json?: true;
  worst?: true;
  evaluations: number;
  seed: number;
  out?: string;
}

/** The search runs where the emulator is fastest; what it finds is counted on all others of the same preset. */
const searchedOn: Readonly<Record<'flight' | 'compact', TargetName>> = { flight: 'rv32', compact: 'm4' };

/** What the search finds, on every target asked for. Nothing that is known gets lost: it is where the search begins. */
async function search(names: readonly TargetName[], { evaluations, seed }: BenchCyclesOptions): Promise<TargetWorst[]> {
  const known = committedTable().worst ?? [];
  const worst: TargetWorst[] = [];
  for (const preset of ['flight', 'compact'] as const) {
    const concerned = names.filter((name) => targets[name].preset === preset);
    if (concerned.length === 0) continue;
    const base = searchedOn[preset];
    const runner = await buildRunner(targets[base]);
    const before = known.filter((input) => targets[input.target].preset === preset);
    const found = searchWorst(runner, before, evaluations, seed, (line) => console.error(`${base}: ${line}`));
    for (const name of concerned) worst.push(...worstOn(await buildRunner(targets[name]), found));
  }
  return worst;
}

/** `bench cycles`: exit 4 when a compiler or emulator is missing. */
export async function benchCycles(options: BenchCyclesOptions): Promise<void> {
  const names = options.target ?? [...targetNames];
  try {
    const worst = options.worst ? await search(names, options) : undefined;
    const where = worst === undefined ? undefined : await whereWorst(await buildRunner(targets[names[0]]), worst);
    const known: CyclesTable =
      worst === undefined ? committedTable() : { targets: [], nativeRatio: [], protection: [], worst, where };
    const table = await measureCycles(names, known, (line) => console.error(line));
    const searched = options.worst ? ` --worst --evaluations ${options.evaluations} --seed ${options.seed}` : '';
    const text = cyclesText({ ...table, where: known.where }, `npx heliograph bench cycles${searched}`);
    if (options.out !== undefined) {
      writeFileSync(
        options.out,
        `${JSON.stringify({ ...table, worst: known.worst ?? [], where: known.where ?? [] }, null, 1)}\n`,
      );
      writeFileSync(join(dirname(options.out), 'cycles.md'), text);
    }
    console.log(options.json ? JSON.stringify(table) : text);
  } catch (error) {
    if (error instanceof ToolError || error instanceof EmulatorError)
      throw new CommandError(error.message, exitCode.environment);
    throw error;
  }
}

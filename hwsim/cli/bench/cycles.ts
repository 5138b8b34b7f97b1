import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { writeReport, writeText } from '../../../host/cli/report_file.ts';
import { committedTable, type CyclesTable, measureCycles } from '../../bench/cycles/measure.ts';
import { cyclesText } from '../../bench/cycles/report.ts';
import { buildRunner } from '../../bench/cycles/runner.ts';
import { searchWorst, type TargetWorst, worstOn } from '../../bench/cycles/search.ts';
import { whereWorst } from '../../bench/cycles/worst_profile.ts';
import { type TargetName, targetNames, targets } from '../../../host/board/targets.ts';

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
export async function benchCycles(options: BenchCyclesOptions, command: Command): Promise<void> {
  const names = options.target ?? [...targetNames];
  const worst = options.worst ? await search(names, options) : undefined;
  const where = worst === undefined ? undefined : await whereWorst(await buildRunner(targets[names[0]]), worst);
  const known: CyclesTable =
    worst === undefined ? committedTable() : { targets: [], nativeRatio: [], protection: [], worst, where };
  const table = await measureCycles(names, known, (line) => console.error(line));
  const again = options.worst
    ? againLine(command, { target: null, evaluations: options.evaluations, seed: options.seed })
    : againLine(command, { target: null, evaluations: null, seed: null });
  const text = cyclesText({ ...table, where: known.where }, again);
  if (options.out !== undefined) {
    const report = { ...table, worst: known.worst ?? [], where: known.where ?? [] };
    writeReport(options.out, report);
    writeText(join(dirname(options.out), 'cycles.md'), text);
  }
  console.log(options.json ? JSON.stringify(table) : text);
}

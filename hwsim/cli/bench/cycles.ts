import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { checkReportPath, writeReport, writeText } from '../../../host/cli/report_file.ts';
import { committedTable, type CyclesTable, measureCycles } from '../../bench/cycles/measure.ts';
import { cyclesText } from '../../bench/cycles/report.ts';
import { buildRunner } from '../../bench/cycles/runner.ts';
import { searchWorst, type TargetWorst, worstOn } from '../../bench/cycles/search.ts';
import { profileWorst } from '../../bench/cycles/worst_profile.ts';
import { type TargetName, targetNames, targets } from '../../../host/board/targets.ts';
import { compilerOf, requireTools } from '../../../host/board/toolchain.ts';
import { cyclesSummary } from './cycles_text.ts';

export interface BenchCyclesOptions {
  target?: TargetName[];
  json?: true;
  worst?: true;
  evaluations: number;
  seed: number;
  out?: string;
}

/**
 * The search runs on the target whose emulator is fastest; what it finds is measured on all others
 * of the same preset.
 */
const searchedOn: Readonly<Record<'flight' | 'compact', TargetName>> = { flight: 'rv32', compact: 'm4' };

type Report = (line: string) => void;

/**
 * Searches for the slowest inputs of every wanted target. The search begins at the worst inputs
 * that are known.
 */
async function search(
  names: readonly TargetName[],
  { evaluations, seed }: BenchCyclesOptions,
  report: Report,
): Promise<TargetWorst[]> {
  const known = committedTable().worst ?? [];
  const worst: TargetWorst[] = [];
  for (const preset of ['flight', 'compact'] as const) {
    const concerned = names.filter((name) => targets[name].preset === preset);
    if (concerned.length === 0) continue;
    const base = searchedOn[preset];
    const runner = await buildRunner(targets[base]);
    const before = known.filter((input) => targets[input.target].preset === preset);
    const found = searchWorst(runner, before, { evaluations, seed, report: (line) => report(`${base}: ${line}`) });
    for (const name of concerned) worst.push(...worstOn(await buildRunner(targets[name]), found));
  }
  return worst;
}

/** Runs `bench cycles`. Exit 4 when a compiler or emulator is missing. */
export async function benchCycles(options: BenchCyclesOptions, command: Command): Promise<void> {
  const { out, evaluations, seed, json } = options;
  const names = options.target ?? [...targetNames];
  checkReportPath(out);
  requireTools(['gcc', ...names.flatMap((name) => [compilerOf(targets[name]), targets[name].emulator])]);
  const report: Report = (line) => console.error(wrapped(line, 4));
  const worst = options.worst ? await search(names, options, report) : undefined;
  const where = worst === undefined ? undefined : await profileWorst(await buildRunner(targets[names[0]]), worst);
  const known: CyclesTable =
    worst === undefined ? committedTable() : { targets: [], nativeRatio: [], protection: [], worst, where };
  const table = await measureCycles(names, known, report);
  const again = againLine(command, options.worst ? { evaluations, seed } : { evaluations: null, seed: null });
  if (out !== undefined) {
    writeReport(out, { ...table, worst: known.worst ?? [], where: known.where ?? [] });
    writeText(join(dirname(out), 'cycles.md'), cyclesText({ ...table, where: known.where }, again));
  }
  print(json ? JSON.stringify(table) : `${cyclesSummary(table)}\n\nagain  ${again}`);
}

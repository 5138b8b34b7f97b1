import type { Command } from 'commander';
import { z } from 'zod';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { type DeathFlight, type DeathsSummary, summaryOf } from '../../campaign/cluster/deaths.ts';
import { flyAll } from './flight_pool.ts';
import type { DeathJob } from './flights.ts';
import { openLines } from './json_lines.ts';

/** Formats the summary. `again`: the command that flies a seed again. */
export function deathsText(
  summary: DeathsSummary,
  flights: readonly DeathFlight[],
  again: (seed: number) => string,
): string {
  const { falseDeaths, ratePerNodeYearUpper95: rate, goneP50S, goneP99S, deadP50S, deadP99S, unknown } = summary;
  const image = summary.firmware?.slice(0, 16) ?? '–';
  const lines = [
    `flights       ${summary.flights}, ${summary.nodeYears.toFixed(1)} node·years, image ${image}`,
    `false deaths  ${falseDeaths}; rate at most ${rate.toExponential(2)} per node·year (95 %)`,
    `known silent  p50 ${goneP50S} s, p99 ${goneP99S} s`,
    `known dead    p50 ${deadP50S} s, p99 ${deadP99S} s; never known ${unknown}`,
  ];
  for (const { seed, examples } of flights) {
    if (examples.length === 0) continue;
    lines.push(...examples.map((example) => wrapped(`seed ${seed}: ${example}`, 2)), `  again: ${again(seed)}`);
  }
  return lines.join('\n');
}

const counts = z.array(z.number());
const row = z.looseObject({
  ...{ seed: z.int(), nodeYears: z.number(), falseDeaths: z.number(), unknown: z.number(), firmware: z.string() },
  ...{ examples: z.array(z.string()), goneBins: counts, deadBins: counts },
});

export interface DeathsOptions {
  flights: number;
  from: number;
  days: number;
  engine: EngineName;
  jobs: number;
  out?: string;
  resume?: boolean;
  json?: boolean;
}

/**
 * Runs `heliograph deaths`: flies seeds from…from + flights − 1 of lossy-30pct without work. Seeds
 * in a resumed file are not flown again, and all of its flights count. Exit 1 when a live member
 * was taken for dead.
 */
export async function deaths(options: DeathsOptions, command: Command): Promise<void> {
  const { flights: count, from, days, engine, jobs, out, resume = false, json } = options;
  const { sha256 } = createEngine(engine, readImage('flight')).image;
  const check = (flight: DeathFlight, place: string) => checkFlight(flight, place, sha256);
  const file = openLines<DeathFlight>(out, { resume, row, check });
  const flights = [...(file?.records ?? [])];
  const known = new Set(flights.map(({ seed }) => seed));
  const seeds = Array.from({ length: count }, (_, index) => from + index).filter((seed) => !known.has(seed));
  if (seeds.length + flights.length === 0)
    throw new CommandError(
      '--flights 0 selects nothing without the flights of a file (--out, --resume)',
      exitCode.usage,
    );
  const wanted = seeds.map((seed): DeathJob => ({ kind: 'deaths', seed, days, engine }));
  const progress = startProgress('deaths', seeds.length);
  let flown = 0;
  try {
    await flyAll(wanted, jobs, (flight) => {
      flights.push(flight);
      file?.add(flight);
      flown += 1;
      progress.update(
        flown,
        `${flown} of ${seeds.length} flights, seed ${flight.seed}: ${flight.falseDeaths} false deaths`,
      );
    });
  } finally {
    progress.stop();
  }
  flights.sort((a, b) => a.seed - b.seed);
  const summary = summaryOf(flights);
  const again = (seed: number) => againLine(command, { flights: 1, from: seed, days });
  print(json ? JSON.stringify(summary) : deathsText(summary, flights, again));
  if (summary.falseDeaths > 0) process.exitCode = exitCode.failed;
}

/** Checks a line of the file. Throws CommandError (3) for a flight of another image. */
function checkFlight(flight: DeathFlight, place: string, firmware: string): void {
  if (flight.firmware === firmware) return;
  const other = String(flight.firmware).slice(0, 16);
  throw new CommandError(`${place}: flown by image ${other}, not the one built (begin a new file)`, exitCode.input);
}

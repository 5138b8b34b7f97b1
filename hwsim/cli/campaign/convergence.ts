import type { Command } from 'commander';
import { z } from 'zod';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import {
  type ConvergenceFlight,
  type ConvergenceSummary,
  convergenceSummary,
  disruptionKinds,
  type KindSummary,
} from '../../campaign/cluster/convergence.ts';
import type { ConvergenceJob } from './convergence_flight.ts';
import { flyAll } from './flight_pool.ts';
import { openLines } from './json_lines.ts';

export interface ConvergenceOptions {
  loss: number;
  nodes: number;
  seeds: string;
  engine: EngineName;
  jobs: number;
  out?: string;
  resume?: boolean;
  json?: boolean;
}

const seconds = z.number().nullable();
const held = z.object({ views: z.number(), conflicts: z.number(), bindings: z.number(), production: z.number() });
const disruption = z.looseObject({
  ...{ kind: z.enum(disruptionKinds), sla: z.string(), detectedS: seconds, convergedS: seconds, onboardS: seconds },
  ...{ heldUpBy: held, lostKg: z.number() },
});
const row = z.looseObject({
  ...{ seed: z.int(), traceHash: z.string(), nodeDays: z.number(), falseDeaths: z.number(), events: z.number() },
  ...{ channelUse: z.number(), production: z.number(), failed: z.array(z.string()), firmware: z.string() },
  disruptions: z.array(disruption),
});

const seedsMax = 100_000;

/** Reads `A..B`, or one seed. Throws CommandError (2). */
export function seedsOf(text: string): number[] {
  const [, first, last = first] = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (first === undefined || count < 1 || count > seedsMax)
    throw new CommandError(
      `--seeds is '${text}', not a seed, nor A..B with at most ${seedsMax} seeds, as in 1..40`,
      exitCode.usage,
    );
  return Array.from({ length: count }, (_, index) => Number(first) + index);
}

const minutes = (timeS: number | null) => (timeS === null ? '–' : (timeS / 60).toFixed(1));

function kindRow(kind: string, summary: KindSummary): (string | number)[] {
  const { n, breaches, p50S, p90S, p99S, p99LowS, p99HighS, maxS, phases, lostKgMean } = summary;
  const times = [p50S, p90S, p99S].map(minutes);
  const interval = n === 0 ? '–' : `${minutes(p99LowS)}–${p99HighS === null ? '' : minutes(p99HighS)}`;
  const spent = [phases.detection, phases.views, phases.conflicts, phases.bindings, phases.production].map(minutes);
  return [kind, n, breaches, ...times, interval, minutes(maxS), ...spent, lostKgMean.toFixed(0)];
}

/** Formats the summary. `again`: the command that flies one seed again. */
export function convergenceText(
  summary: ConvergenceSummary,
  flights: readonly ConvergenceFlight[],
  again: (seed: number) => string,
): string {
  const { kinds, onboard, nodeYears, falseDeaths } = summary;
  const head = ['minutes', 'n', 'late', 'p50', 'p90', 'p99', '95 %', 'max'];
  const phases = ['known', 'views', 'conflicts', 'bindings', 'production', 'kg lost'];
  const columns = [...head, ...phases];
  const rows = disruptionKinds.map((kind) => kindRow(kind, kinds[kind]));
  const image = summary.firmware?.slice(0, 16) ?? '–';
  const share = onboard.n === 0 ? '–' : `${((onboard.within5Min / onboard.n) * 100).toFixed(1)} %`;
  const lines = [
    `${summary.flights} flights, ${summary.nodes} nodes, ${summary.loss * 100} % loss, image ${image}`,
    tableOf(columns, rows, columns.slice(1)),
    `on board      ${share} of ${onboard.n} within 5 min of the judge`,
    `false deaths  ${falseDeaths} in ${nodeYears.toFixed(1)} node·years`,
    `channel       ${(summary.channelUse * 100).toFixed(1)} %`,
    `events        ${summary.eventsPerNodeDay.toFixed(0)} per node·day`,
    `production    ${(summary.production * 100).toFixed(1)} % of the achievable`,
  ];
  for (const { seed, failed } of flights) {
    if (failed.length === 0) continue;
    lines.push(...failed.map((example) => wrapped(`seed ${seed}: ${example}`, 2)), `  again: ${again(seed)}`);
  }
  return lines.join('\n');
}

/**
 * Runs `heliograph convergence`: flies the seeds and sums up. Seeds in a resumed file are not flown
 * again. Exit 1 when a check failed or an SLA was breached.
 */
export async function convergence(options: ConvergenceOptions, command: Command): Promise<void> {
  const { loss, nodes, engine, jobs, out, resume = false, json } = options;
  const seeds = seedsOf(options.seeds);
  const { sha256 } = createEngine(engine, readImage('flight')).image;
  const head = { campaign: 1, kind: 'convergence', nodes, loss, firmware: sha256 };
  const file = openLines<ConvergenceFlight>(out, { resume, row, head });
  const flights = (file?.records ?? []).filter(({ seed }) => seeds.includes(seed));
  const known = new Set(flights.map(({ seed }) => seed));
  const wanted = seeds
    .filter((seed) => !known.has(seed))
    .map((seed): ConvergenceJob => ({ kind: 'convergence', seed, nodes, loss, engine }));
  const progress = startProgress('convergence', seeds.length);
  try {
    await flyAll(wanted, jobs, (flight) => {
      flights.push(flight);
      file?.add(flight);
      progress.update(flights.length, `${flights.length} of ${seeds.length} flights`);
    });
  } finally {
    progress.stop();
  }
  flights.sort((a, b) => a.seed - b.seed);
  const summary = convergenceSummary({ nodes, loss }, flights);
  const again = (seed: number) => againLine(command, { seeds: String(seed), loss, nodes });
  print(json ? JSON.stringify(summary) : convergenceText(summary, flights, again));
  const breaches = disruptionKinds.reduce((sum, kind) => sum + summary.kinds[kind].breaches, 0);
  if (summary.failed.length > 0 || breaches > 0) process.exitCode = exitCode.failed;
}

import type { Command } from 'commander';
import { againLine } from '../../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../../host/cli/exit.ts';
import { print } from '../../../../host/cli/output.ts';
import { startProgress } from '../../../../host/cli/progress.ts';
import { readImage } from '../../../../host/engine/image.ts';
import { createEngine } from '../../../../host/engine/load.ts';
import type { EngineName } from '../../../../host/engine/names.ts';
import {
  type ConvergenceFlight,
  type ConvergenceImage,
  convergenceSummary,
  disruptionKinds,
} from '../../../campaign/cluster/convergence.ts';
import type { ConvergenceJob } from './flight.ts';
import { convergenceRow } from './row.ts';
import { convergenceText } from './text.ts';
import { flyAll } from '../flight_pool.ts';
import { openLines } from '../json_lines.ts';

export interface ConvergenceOptions {
  image: ConvergenceImage;
  loss: number;
  nodes: number;
  seeds: string;
  engine: EngineName;
  jobs: number;
  out?: string;
  resume?: boolean;
  json?: boolean;
}

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

/**
 * Runs `heliograph convergence`: flies the seeds and sums up. Seeds in a resumed file are not flown
 * again. Exit 1 when a check failed or an SLA was breached.
 */
export async function convergence(options: ConvergenceOptions, command: Command): Promise<void> {
  const { image, loss, nodes, engine, jobs, out, resume = false, json } = options;
  const seeds = seedsOf(options.seeds);
  const { sha256 } = createEngine(engine, readImage(image)).image;
  const head = { campaign: 1, kind: 'convergence', image, nodes, loss, firmware: sha256 };
  const file = openLines<ConvergenceFlight>(out, { resume, row: convergenceRow, head });
  const flights = (file?.records ?? []).filter(({ seed }) => seeds.includes(seed));
  const known = new Set(flights.map(({ seed }) => seed));
  const wanted = seeds
    .filter((seed) => !known.has(seed))
    .map((seed): ConvergenceJob => ({ kind: 'convergence', seed, image, nodes, loss, engine }));
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
  const summary = convergenceSummary({ image, nodes, loss }, flights);
  const again = (seed: number) => againLine(command, { seeds: String(seed), loss, nodes });
  print(json ? JSON.stringify(summary) : convergenceText(summary, flights, again));
  const breaches = disruptionKinds.reduce((sum, kind) => sum + summary.kinds[kind].breaches, 0);
  if (summary.failed.length > 0 || breaches > 0) process.exitCode = exitCode.failed;
}

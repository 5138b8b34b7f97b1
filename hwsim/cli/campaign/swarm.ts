import type { Command } from 'commander';
import { z } from 'zod';
import { againLine } from '../../../host/cli/again.ts';
import { exitCode } from '../../../host/cli/exit.ts';
import { print, wrapped } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { flyAll } from './flight_pool.ts';
import type { SwarmFlight } from './swarm_flight.ts';
import { openLines } from './json_lines.ts';

const row = z.looseObject({ seed: z.int(), traceHash: z.string(), failed: z.array(z.string()) });

export interface SwarmOptions {
  from: number;
  seeds: number;
  engine: EngineName;
  jobs: number;
  out?: string;
  resume?: boolean;
  json?: boolean;
}

/**
 * Runs `heliograph swarm`: flies seeds from…from + seeds − 1 and prints each failed seed with the
 * command that flies it again. Exit 1 when a seed failed.
 */
export async function swarm(options: SwarmOptions, command: Command): Promise<void> {
  const { from, seeds, engine, jobs, out, resume = false, json } = options;
  const { sha256 } = createEngine(engine, readImage('flight')).image;
  const file = openLines<SwarmFlight>(out, { resume, row, head: { campaign: 1, kind: 'swarm', firmware: sha256 } });
  const isWanted = ({ seed }: { seed: number }) => seed >= from && seed < from + seeds;
  const flights = (file?.records ?? []).filter(isWanted);
  const known = new Set(flights.map(({ seed }) => seed));
  const wanted = Array.from({ length: seeds }, (_, index) => ({ kind: 'swarm' as const, seed: from + index, engine }));
  const progress = startProgress('swarm', seeds);
  const note = () =>
    `${flights.length} of ${seeds} seeds, ${flights.filter(({ failed }) => failed.length > 0).length} failed`;
  try {
    await flyAll(
      wanted.filter(({ seed }) => !known.has(seed)),
      jobs,
      (flight) => {
        flights.push(flight);
        file?.add(flight);
        progress.update(flights.length, note());
      },
    );
  } finally {
    progress.stop();
  }
  const failures = flights.filter(({ failed }) => failed.length > 0).sort((a, b) => a.seed - b.seed);
  const again = (seed: number) => againLine(command, { seeds: 1, from: seed });
  if (json) {
    const failed = failures.map((flight) => ({ ...flight, again: again(flight.seed) }));
    print(JSON.stringify({ from, seeds, firmware: sha256, failures: failed }));
  } else {
    for (const { seed, failed } of failures)
      print([`seed ${seed}`, ...failed.map((line) => wrapped(`  ${line}`, 4)), `  again: ${again(seed)}`].join('\n'));
    print(`${seeds - failures.length} of ${seeds} seeds hold`);
  }
  if (failures.length > 0) process.exitCode = exitCode.failed;
}

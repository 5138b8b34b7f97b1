import { drawScenario } from '../campaign/cluster/swarm.ts';
import type { EngineName } from '../../host/engine/names.ts';
import { loadBody } from './input.ts';
import { againLine } from '../../host/cli/again.ts';
import { exitCode } from '../../host/cli/exit.ts';
import type { Command } from 'commander';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from './sim.ts';

/** Flies one seed; the lines of what did not hold. */
export function flySeed(seed: number, engine: EngineName): string[] {
  const scenario = drawScenario(seed);
  const body = loadBody(scenario.body, undefined, console.error);
  const verdict = flyAndJudge({ scenario, body, image: readImage(scenario.preset), engine }, null);
  return verdict.checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples[0]}`);
}

export interface SwarmOptions {
  from: number;
  seeds: number;
  engine: EngineName;
}

/** `heliograph swarm`: flies seeds from…from + seeds − 1 and prints each that failed, with the command that flies it again. */
export function swarm({ from, seeds, engine }: SwarmOptions, command: Command): void {
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const faults = flySeed(seed, engine);
    if (faults.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed}\n  ${faults.join('\n  ')}\n  again: ${againLine(command, { seeds: 1, from: seed })}`);
  }
  console.log(`${seeds - failed} of ${seeds} seeds hold`);
  if (failed > 0) process.exitCode = exitCode.failed;
}

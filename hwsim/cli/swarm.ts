import { drawScenario } from '../campaign/cluster/swarm.ts';
import { engineFlag, type EngineName } from '../../host/engine/load.ts';
import { loadBody } from '../../host/cli/input.ts';
import { exitCode } from '../../host/cli/exit.ts';
import { flyAndJudge, readImage } from './sim.ts';

/** Flies one seed; the lines of what did not hold. */
export function flySeed(seed: number, engine: EngineName): string[] {
  const scenario = drawScenario(seed);
  const body = loadBody(scenario.body, undefined, console.error);
  const verdict = flyAndJudge({ scenario, body, image: readImage(scenario.preset), engine }, null);
  return verdict.checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples[0]}`);
}

/** `heliograph swarm`: flies seeds from…from + seeds − 1 and tells of each that failed, with the command that flies it again. */
export function swarm({ from, seeds, engine }: { from: number; seeds: number; engine: EngineName }): void {
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const faults = flySeed(seed, engine);
    if (faults.length === 0) continue;
    failed += 1;
    console.log(
      `seed ${seed}\n  ${faults.join('\n  ')}\n  again: npm run swarm -- --seeds 1 --from ${seed}${engineFlag(engine)}`,
    );
  }
  console.log(`${seeds - failed} of ${seeds} seeds hold`);
  if (failed > 0) process.exitCode = exitCode.failed;
}

import { readImage } from '../../../host/engine/image.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { drawScenario } from '../../campaign/cluster/swarm.ts';
import { shippedBody } from '../../world/bodies.ts';
import { flyAndJudge } from '../../report/fly_and_judge.ts';

/** Reports a seed of a swarm: the checks that failed, each with its first example. */
export interface SwarmFlight {
  seed: number;
  traceHash: string;
  failed: string[];
}

/** Flies the scenario of one seed. */
export function flySeed(seed: number, engine: EngineName): SwarmFlight {
  const scenario = drawScenario(seed);
  const setting = {
    scenario,
    body: shippedBody(scenario.body),
    image: readImage(scenario.preset),
    engine,
    silent: true,
  };
  const { traceHash, checks } = flyAndJudge(setting, null);
  const failed = checks.filter(({ ok }) => !ok).map(({ id, examples }) => `${id}: ${examples[0]}`);
  return { seed, traceHash, failed };
}

// How fast `quiet` is flown and judged, start-up included.

import type { Scenario } from '../../hwsim/scenario/schema.ts';
import { readImage } from '../../host/engine/image.ts';
import type { EngineName } from '../../host/engine/names.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import type { SimVerdict } from '../../hwsim/report/verdict.ts';
import { shippedScenario, withOverrides } from '../../hwsim/scenario/load.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';

export const flownImages = ['flight', 'fleet'] as const;
export type FlownImage = (typeof flownImages)[number];

export const flownNodes = 100;
export const flownDays = 2;

export const quiet = (days: number, nodes: number): Scenario =>
  withOverrides(shippedScenario('quiet'), { days, nodes, seed: 1 });

type Speed = SimVerdict['speed'] & {
  /** Processor time of the flight, with the threads that compile. */
  processorS: number;
};

/** Flies on both images, in turn; returns the better of two flights of each. */
export function speeds(engine: EngineName): Record<FlownImage, Speed> {
  const scenario = quiet(flownDays, flownNodes);
  const body = shippedBody(scenario.body);
  const fly = (image: FlownImage): Speed => {
    const before = process.cpuUsage();
    const { speed } = flyAndJudge({ scenario, body, image: readImage(image), engine, silent: true }, null);
    const { user, system } = process.cpuUsage(before);
    return { ...speed, processorS: (user + system) / 1e6 };
  };
  const better = (a: Speed, b: Speed) => (a.processorS < b.processorS ? a : b);
  const first = { flight: fly('flight'), fleet: fly('fleet') };
  return { flight: better(first.flight, fly('flight')), fleet: better(first.fleet, fly('fleet')) };
}

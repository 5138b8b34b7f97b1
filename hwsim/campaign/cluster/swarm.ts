import { RandomStream } from '../../kernel/random.ts';
import { impossibleDisruptions } from '../../scenario/impossible.ts';
import { scenarioOf } from '../../scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';

/**
 * Draws a scenario from a seed with all its knobs: sizes, loss, drift, world and disruptions.
 * Small, so that many can be flown. A drawn disruption that cannot happen in the drawn cluster, as
 * the death of its last node, is left out.
 */
export function drawScenario(seed: number): Scenario {
  let scenario = drawAny(seed);
  for (let left = impossibleDisruptions(scenario); left.length > 0; left = impossibleDisruptions(scenario)) {
    const unfit = new Set(left.map(({ path }) => path[1]));
    scenario = { ...scenario, disruptions: scenario.disruptions.filter((_, index) => !unfit.has(index)) };
  }
  return scenarioOf(scenario, scenario.name);
}

function drawAny(seed: number): Scenario {
  const random = new RandomStream(seed, 'campaign/swarm');
  const days = 1 + random.below(2);
  const disruptions = Array.from({ length: random.below(5) }, () => drawDisruption(random, days));
  return scenarioSchema.parse({
    heliograph: 1,
    name: `swarm-${seed}`,
    title: 'Drawn from its seed',
    seed,
    days,
    epoch: '2026-01-01T00:00:00Z',
    body: '101955',
    nodes: 3 + random.below(30),
    generations: [
      {
        generation: 1 + random.below(3),
        share: 1,
        rateKgPerDay: 100 + random.below(200),
        storageKg: 500 + random.below(8000),
        batteryWh: 2000 + random.below(6000),
        solarW: 600 + random.below(1500),
        baseW: 40,
        replicateW: random.below(200),
        mineWhPerKg: 40 + random.below(60),
      },
    ],
    world: {
      lots: 1 + random.below(4),
      saturation: random.between(0.4, 1.5),
      sitesPerNode: random.between(0.5, 2),
      tugs: random.below(5),
      tugLoadKg: 200 + random.below(600),
      depotKgPerDay: 1000 + random.below(9000),
    },
    radio: { meanLoss: random.between(0, 0.4), meanBurstS: random.between(0, 60), lightTimeMs: random.below(50) },
    clock: { driftPpm: random.below(50) },
    // Whether a drawn world is hard enough, or too hard, is no question of safety.
    greedyBaseline: false,
    production: { shareMin: 0, why: 'drawn at random: too few sites, tugs or hours may be left to work' },
    disruptions,
  });
}

function drawDisruption(random: RandomStream, days: number): object {
  const when = { atDay: random.between(0.05, days * 0.8) };
  switch (random.below(7)) {
    case 0:
      return { kind: 'node-death', when };
    case 1:
      return {
        kind: 'reset',
        when,
        count: 1 + random.below(2),
        downS: 1 + random.below(3600),
        badSlots: random.below(3),
      };
    case 2:
      return {
        kind: 'hung-task',
        when,
        persistent: random.below(2) === 1,
        failing: [1, 2, 3].slice(0, random.below(4)),
      };
    case 3:
      return { kind: 'hung-runtime', when };
    case 4:
      return { kind: 'lot-depleted', when };
    case 5:
      return {
        kind: 'storm',
        when,
        event: '2024-10-09T05:05Z',
        silenceHours: random.below(4),
        resetShare: random.between(0, 0.5),
      };
    default: {
      const predictedHours = random.below(2) * 6;
      return {
        kind: 'occultation',
        when,
        hours: random.between(0.5, 8),
        share: random.between(0.1, 0.5),
        predictedHours,
      };
    }
  }
}

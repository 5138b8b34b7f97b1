import type { EngineName } from '../../host/engine/names.ts';
import { SIMULATED_CLUSTER } from '../../host/security/simulated_keys.ts';
import { clusterNodes } from '../world/orbits/bounds.ts';
import { RandomStream } from '../kernel/random.ts';
import { scenarioOf, shippedScenario } from '../scenario/load.ts';
import type { Disruption, Scenario } from '../scenario/schema.ts';

/** Images that fly a fleet: `fleet` decides as `flight` does (docs/definitions.md). */
export type FleetImage = 'flight' | 'fleet';

/** How a fleet flies: every node runs the image, or clusters are drawn from kernels. */
export type Rung = 'firmware' | 'statistical';

/** A flight of many clusters. Threads get a copy of it. */
export interface FleetSetting {
  seed: number;
  /** Members of each cluster. */
  sizes: readonly number[];
  /** What each cluster flies, with a seed of its own. */
  scenario: Scenario;
  image: FleetImage;
  engine: EngineName;
  rung: Rung;
}

/**
 * Cuts a fleet into clusters of about 100 members, 50 to 149, whose sizes differ by one at most.
 */
export function sizesOf(nodes: number): number[] {
  const clusters = Math.max(1, Math.round(nodes / clusterNodes));
  const least = Math.floor(nodes / clusters);
  return Array.from({ length: clusters }, (_, index) => least + (index < nodes % clusters ? 1 : 0));
}

/**
 * The disruptions of cluster-neo, again in each further 14 days of a longer flight. Storms are at a
 * fixed time, so they meet all clusters at once; the rest is drawn for each cluster by itself. The
 * greedy baseline is a matter of one scenario of 14 days, and is not flown.
 */
export function fleetScenario(days: number): Scenario {
  const base = shippedScenario('cluster-neo');
  const disruptions: Disruption[] = [];
  for (let beginDay = 0; beginDay < days; beginDay += base.days) {
    for (const disruption of base.disruptions) {
      const { when } = disruption;
      const isFixed = 'atDay' in when;
      if (beginDay + (isFixed ? when.atDay : when.toDay) >= days) continue;
      const later = isFixed
        ? { atDay: beginDay + when.atDay }
        : { fromDay: beginDay + when.fromDay, toDay: beginDay + when.toDay };
      disruptions.push({ ...disruption, when: later });
    }
  }
  return scenarioOf({ ...base, name: 'fleet', greedyBaseline: false, days, disruptions }, 'the scenario of a fleet');
}

/** Number of a cluster in frames, keys and summaries. */
export const numberOf = (index: number): number => SIMULATED_CLUSTER + index;
export const indexOf = (cluster: number): number => cluster - SIMULATED_CLUSTER;

/** The seed of one cluster's world, disruptions, radio and keys. */
export function seedOf({ seed }: Pick<FleetSetting, 'seed'>, index: number): number {
  return new RandomStream(seed, 'fleet/cluster', index).uint32();
}

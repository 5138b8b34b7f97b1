import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';
import { givenClaims, MergeCount, splitScenario } from '../../campaign/cluster/merge.ts';
import { runScenario } from '../../fleet/run.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { shippedBody } from '../../world/bodies.ts';

/** One merge of two halves of a cluster. */
export interface MergeFlight {
  /** Versions published while the halves were apart. */
  difference: number;
  nodes: number;
  days: number;
  seed: number;
  engine: EngineName;
}

/** Counts of one merge. */
export interface MergeCounts {
  difference: number;
  messages: number;
  deliveries: number;
  /** Seconds from the end of the partition until the last version was stored. */
  lastS: number;
}

/** Flies one merge and counts. */
export function countMerge({ difference, nodes, days, seed, engine }: MergeFlight): MergeCounts {
  const scenario = splitScenario(shippedScenario('quiet'), nodes, days);
  const count = new MergeCount(days, simulatedLink(seed, nodes));
  runScenario(scenario, {
    seed,
    days: scenario.days,
    nodes,
    body: shippedBody(scenario.body),
    engine: createEngine(engine, readImage('flight')),
    consumers: [count],
    given: givenClaims(difference, nodes, days),
  });
  const { messages, deliveries, lastS } = count;
  return { difference, messages, deliveries, lastS };
}

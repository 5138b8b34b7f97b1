/** Flies clusters that are split in halves and merge again, and counts what a merge costs. */
import { FIELD, TYPE, WORK_KIND } from '../../../host/cbor/generated.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createFleetEngine } from '../../board/fleet_engine.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { decodeFrame, type LinkCipher } from '../../../host/security/frame.ts';
import { simulatedLink } from '../../../host/security/simulated_keys.ts';
import { type Given, runScenario } from '../../fleet/run.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import { shippedBody } from '../../world/bodies.ts';
import { fitLine } from '../statistics.ts';

const dayS = 86_400;
/** The cluster forms before it is split. */
const splitS = 4 * 3600;
/**
 * The difference is published in the last part of the partition, of this length. So leases of the
 * other half play no part.
 */
const publishS = 4 * 3600;
/**
 * Messages are counted for so long after the partition: long enough for the slowest merge found,
 * and the same for every difference.
 */
const countedS = 6 * 3600;
/** Intent slots that given claims may use. */
const slotsMax = 6;

/** Messages of anti-entropy. */
const countedNames = new Set(['intent', 'sync-digest', 'owner-summary', 'since', 'notice-summary', 'silent-list']);

/**
 * Builds a cluster that is split in two halves for `days` days and plans no work: only given claims
 * differ.
 */
function splitScenario(nodes: number, days: number): Scenario {
  const quiet = shippedScenario('quiet');
  return scenarioSchema.parse({
    ...quiet,
    name: 'merge',
    nodes,
    days: (splitS + countedS) / dayS + days,
    planWork: false,
    world: { ...quiet.world, contactMinutes: 0, maintenanceMinutes: 0 },
    disruptions: [
      { kind: 'occultation', when: { atDay: splitS / dayS }, hours: days * 24, share: 0.5, predictedHours: 0 },
    ],
  });
}

/** Returns the mission second at which the halves hear each other again. */
const healS = (days: number): number => splitS + days * dayS;

/**
 * Makes claims for members of both halves, one version each before the partition ends: member by
 * member, then intent slot by intent slot. At most 6 per node; throws RangeError for more.
 */
export function givenClaims(count: number, nodes: number, days: number): Given[] {
  if (count > slotsMax * nodes)
    throw new RangeError(`${count} claims do not fit ${nodes} nodes: at most ${slotsMax * nodes}`);
  const fromS = healS(days) - publishS;
  return Array.from({ length: count }, (_, index) => {
    const slot = Math.floor(index / nodes);
    const timeMs = (fromS + Math.floor((index * publishS) / 2 / Math.max(count, 1))) * 1000;
    const [startS, endS] = [healS(days) + 20 * dayS, healS(days) + 30 * dayS];
    return { timeMs, node: index % nodes, fields: [TYPE.assign, slot, WORK_KIND.mine, 1 << 16, startS, endS, 0, 1, 1] };
  });
}

/** Counts what the merge costs, from the end of the partition on. */
class MergeWatch implements TraceConsumer {
  messages = 0;
  /**
   * Seconds from the end of the partition until the last member stored an intent that it lacked.
   */
  lastS = 0;
  readonly #healMs: number;
  readonly #link: LinkCipher;
  /**
   * Intents stored before the end of the partition, and since: [member, owner, intent slot] as one
   * number.
   */
  readonly #storedBefore = new Set<number>();
  readonly #storedSince = new Set<number>();

  /** `link` opens what the cluster sends. */
  constructor(days: number, link: LinkCipher) {
    this.#healMs = healS(days) * 1000;
    this.#link = link;
  }

  /**
   * Intents that members lacked when the partition ended and store since; a newer version counts as
   * well.
   */
  get deliveries(): number {
    return this.#storedSince.size;
  }

  frame(timeMs: number, _sender: number, bytes: Uint8Array): void {
    if (timeMs < this.#healMs) return;
    const { messages } = decodeFrame(bytes, this.#link);
    for (const message of messages) {
      // Intents published after the partition are no part of the merge.
      if (message.name === 'intent' && message.publishedS * 1000 >= this.#healMs) continue;
      if (countedNames.has(message.name)) this.messages++;
    }
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.stored) return;
    const owner = fields[FIELD.stored.owner];
    if (owner === node) return;
    const isStored = fields[FIELD.stored.state] !== 0;
    const key = (node << 16) | (owner << 3) | fields[FIELD.stored.slot];
    if (timeMs < this.#healMs) {
      if (isStored) this.#storedBefore.add(key);
      else this.#storedBefore.delete(key);
    } else if (isStored && !this.#storedBefore.has(key) && !this.#storedSince.has(key)) {
      this.#storedSince.add(key);
      this.lastS = (timeMs - this.#healMs) / 1000;
    }
  }
}

/** One merge of two halves of a cluster. */
export interface MergeFlight {
  /** Versions published while the halves were apart; the other half lacks each. */
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
  const scenario = splitScenario(nodes, days);
  const watch = new MergeWatch(days, simulatedLink(seed, nodes));
  runScenario(scenario, {
    seed,
    days: scenario.days,
    nodes,
    body: shippedBody(scenario.body),
    engine: createFleetEngine(engine, readImage('flight')),
    consumers: [watch],
    given: givenClaims(difference, nodes, days),
  });
  const { messages, deliveries, lastS } = watch;
  return { difference, messages, deliveries, lastS };
}

export interface MergePoint {
  difference: number;
  /** Messages of the merge, less those of a merge without any difference. */
  messages: number;
  messagesPerVersion: number;
  /** Intents that members lacked when the partition ended and store since. */
  deliveries: number;
  /** Seconds from the end of the partition until the last of them was stored. */
  mergedS: number;
}

export interface MergeCurve {
  nodes: number;
  days: number;
  /** Messages that anti-entropy sends in the same time when nothing differs. */
  idleMessages: number;
  points: MergePoint[];
  /** Least squares over the points: messages = slope × difference + intercept. */
  slope: number;
  intercept: number;
  /** Share of the variance that the line explains. */
  rSquared: number;
}

/**
 * Returns what a merge costs, by how much differs (FLT-3). `counts` begins with a merge without any
 * difference.
 */
export function mergeCurve(counts: readonly MergeCounts[], nodes: number, days: number): MergeCurve {
  const [idle, ...others] = counts;
  const points = others.map(({ difference, messages, deliveries, lastS }): MergePoint => {
    const cost = messages - idle.messages;
    return { difference, messages: cost, messagesPerVersion: cost / difference, deliveries, mergedS: lastS };
  });
  const line = fitLine(points.map(({ difference, messages }) => ({ x: difference, y: messages })));
  return { nodes, days, idleMessages: idle.messages, points, ...line };
}

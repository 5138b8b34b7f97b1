import { TYPE } from '../../../host/cbor/generated.ts';
import { decodeFrame, type LinkCipher } from '../../../host/security/frame.ts';
import type { Given } from '../../fleet/run.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import type { TraceConsumer } from '../../kernel/trace.ts';

const dayS = 86_400;
/** The cluster forms before it is split. */
const splitS = 4 * 3600;
/** What differs is published within this before the path is back, so that leases of the other side play no part. */
const newsS = 4 * 3600;
/** Counted from the healing on; long enough for the slowest merge found, and the same for every difference. */
export const COUNTED_S = 6 * 3600;
/** Slots that work given from outside may use. */
const slots = 6;
const mineKind = 1;

/** A cluster cut in two halves for `days` days; nobody plans work, so that what differs is what is given from outside. */
export function splitScenario(quiet: Scenario, nodes: number, days: number): Scenario {
  return scenarioSchema.parse({
    ...quiet,
    name: 'merge',
    nodes,
    days: (splitS + COUNTED_S) / dayS + days,
    planWork: false,
    world: { ...quiet.world, contactMinutes: 0, maintenanceMinutes: 0 },
    disruptions: [
      { kind: 'occultation', when: { atDay: splitS / dayS }, hours: days * 24, share: 0.5, predictedHours: 0 },
    ],
  });
}

/** Mission second at which the halves hear each other again. */
export const healS = (days: number): number => splitS + days * dayS;

/** Claims given to members of both halves, one version each before the healing: member by member, then slot by slot. At most 6 per node. */
export function givenClaims(count: number, nodes: number, days: number): Given[] {
  if (count > slots * nodes)
    throw new RangeError(`${count} claims do not fit ${nodes} nodes: at most ${slots * nodes}`);
  const fromS = healS(days) - newsS;
  return Array.from({ length: count }, (_, index) => {
    const slot = Math.floor(index / nodes);
    const timeMs = (fromS + Math.floor((index * newsS) / 2 / Math.max(count, 1))) * 1000;
    const [startS, endS] = [healS(days) + 20 * dayS, healS(days) + 30 * dayS];
    return { timeMs, node: index % nodes, fields: [TYPE.assign, slot, mineKind, 1 << 16, startS, endS, 0, 1, 1] };
  });
}

/** What the merge cost, from the healing on. */
export class MergeCount implements TraceConsumer {
  /** Messages of anti-entropy (digests, summaries, gone lists, questions) and intents. */
  messages = 0;
  /** Seconds from the healing to the last member's first word of an intent that it lacked. */
  lastS = 0;
  private readonly healMs: number;
  private readonly link: LinkCipher;
  /** Who held which intent of another before the healing, and who took in which since: [holder, owner, slot] as one number. */
  private readonly had = new Set<number>();
  private readonly taken = new Set<number>();

  /** `link` opens what the cluster sends. */
  constructor(days: number, link: LinkCipher) {
    this.healMs = healS(days) * 1000;
    this.link = link;
  }

  /** Intents that members lacked at the healing and hold since: what had to cross. A newer version serves as well. */
  get deliveries(): number {
    return this.taken.size;
  }

  frame(timeMs: number, _sender: number, bytes: Uint8Array): void {
    if (timeMs < this.healMs) return;
    const { messages } = decodeFrame(bytes, this.link);
    for (const message of messages) {
      // What is published after the healing is ordinary news.
      if (message.name === 'intent' && message.publishedS * 1000 >= this.healMs) continue;
      if (counted.has(message.name)) this.messages++;
    }
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.held || fields[1] === node) return;
    const key = (node << 16) | (fields[1] << 3) | fields[2];
    if (timeMs < this.healMs) {
      if (fields[4] === 0) this.had.delete(key);
      else this.had.add(key);
    } else if (fields[4] !== 0 && !this.had.has(key) && !this.taken.has(key)) {
      this.taken.add(key);
      this.lastS = (timeMs - this.healMs) / 1000;
    }
  }
}

const counted = new Set(['intent', 'sync-digest', 'owner-summary', 'since', 'notice-summary', 'silent-list']);

import { FIELD, OWN_SLOTS, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import type { WorldChange } from '../kernel/trace.ts';
import { LEASE_S } from './bounds.ts';
import type { Observers } from './observe/observers.ts';

/**
 * Work that ends this long before its claim's end, seconds, was not ended by the claim: the guard
 * and the error of a trusted clock are less.
 */
const EARLY_S = 60;

/**
 * Counts lapsed leases: a member stops work because its lease ended, though it reached a majority
 * for the whole time of a lease. A member counts once until it works again. Source:
 * docs/definitions.md.
 */
export class LapsedLeases {
  count = 0;
  private readonly seen: Observers;
  /** By key: when the work last ordered ends, mission seconds; 0 = none runs. */
  private readonly untilS: Uint32Array;
  /** 1: the member's lapse is counted, and it has not worked since. */
  private readonly lapsed: Uint8Array;

  constructor(seen: Observers) {
    this.seen = seen;
    this.untilS = new Uint32Array(seen.facts.nodes * OWN_SLOTS);
    this.lapsed = new Uint8Array(seen.facts.nodes);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] === TYPE.stopWork) return this.ended(timeMs, node, fields[FIELD.stopWork.slot]);
    if (fields[0] !== TYPE.startWork || fields[FIELD.startWork.kind] === WORK_KIND.maintain) return;
    this.untilS[node * OWN_SLOTS + fields[FIELD.startWork.slot]] = fields[FIELD.startWork.untilS];
    this.lapsed[node] = 0;
  }

  world(timeMs: number, change: WorldChange): void {
    if (change.kind === 'work-ended') this.ended(timeMs, change.node, change.slot);
    else if (change.kind === 'node-down') this.untilS.fill(0, change.node * OWN_SLOTS, (change.node + 1) * OWN_SLOTS);
  }

  private ended(timeMs: number, node: number, slot: number): void {
    const key = node * OWN_SLOTS + slot;
    const untilS = this.untilS[key];
    this.untilS[key] = 0;
    if (untilS === 0 || timeMs < untilS * 1000 || this.lapsed[node] === 1) return;
    const plan = this.seen.plans.standing(key, timeMs);
    if (plan === undefined || !plan.settled || plan.settledEndS - untilS <= EARLY_S) return;
    const sinceMs = this.seen.ground.withMajoritySinceMs(node);
    if (sinceMs < 0 || timeMs - sinceMs < LEASE_S * 1000) return;
    this.lapsed[node] = 1;
    this.count++;
  }
}

// Counts frames by the TDMA cycle in which the sender sends (firmware/node/tx_slots.ts): one frame
// a cycle, so that no counter is used twice.

import { CYCLE_S, WINDOW_CYCLES } from '../cbor/generated.ts';

/** Seconds from the beginning of a member's TDMA slot to that of the next member. */
const slotS = 0.0625;

/**
 * Number of cycles that have begun for a member at a mission second: the counter of a frame that
 * the member sends then.
 */
export function cycleAt(missionS: number, member: number): number {
  return Math.floor((missionS + CYCLE_S - member * slotS) / CYCLE_S);
}

/**
 * Gives counters to tests and benchmarks that send more than one frame a cycle: unused counters of
 * the window, the oldest first.
 */
export class FreshCounters {
  readonly #last = new Map<number, number>();

  /** True when `next` has a counter to give. */
  has(sender: number, missionS: number): boolean {
    return (this.#last.get(sender) ?? 0) < cycleAt(missionS, sender);
  }

  /** Throws when the window has no unused counter left at that time. */
  next(sender: number, missionS: number): number {
    const now = cycleAt(missionS, sender);
    const counter = Math.max((this.#last.get(sender) ?? 0) + 1, now - WINDOW_CYCLES + 2, 1);
    if (counter > now)
      throw new Error(`sender ${sender} has used up its counters at ${missionS} s: let time pass, or use more senders`);
    this.#last.set(sender, counter);
    return counter;
  }
}

// Counters of frames: the TDMA cycle in which the sender sends (firmware/node/tx_slots.ts). One frame a cycle, so that no counter returns.

import { CYCLE_S, WINDOW_CYCLES } from '../cbor/generated.ts';

/** A member's slot begins this much after that of the one before it. */
const slotS = 0.0625;

/** Cycles that had begun for a member at this mission second: the counter of a frame that it sends then. */
export function cycleAt(missionS: number, member: number): number {
  return Math.floor((missionS + CYCLE_S - member * slotS) / CYCLE_S);
}

/** Counters for frames that come thicker than one a cycle, as tests and benchmarks make them: unused ones of the window, the oldest first. */
export class FreshCounters {
  readonly #last = new Map<number, number>();

  /** Whether `next` has one. */
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

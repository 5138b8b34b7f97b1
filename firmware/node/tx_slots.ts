// Controls medium access (TDMA by member index): when this node may send, and when it needs the
// next call.

import { PERIOD_S, TX_DELAY_MS_MAX } from '../memory/limits';
import { LIVENESS_TICK_S, CYCLE_S } from '../wire/generated/codes';
import { call } from '../memory/guard';
import { node, queues } from './table';

/** Cycles per probe period. */
const CYCLES: u32 = PERIOD_S / CYCLE_S;
const SATURATED: u32 = 0x7fffffff;

/** Begin of this node's TDMA slot in a cycle, ms: a TDMA slot is 62.5 ms long. */
function txSlotMs(ctx: usize): u32 {
  return (node(ctx).self * 125) >>> 1;
}

/** Milliseconds since this node's TDMA slot of the present cycle began. */
export function txDelayMs(ctx: usize): u32 {
  const now = call(ctx);
  return ((now.missionS % CYCLE_S) * 1000 + now.missionMs + CYCLE_S * 1000 - txSlotMs(ctx)) % (CYCLE_S * 1000);
}

/** Whether a frame that begins now keeps to this node's TDMA slot. */
export function isInTxSlot(ctx: usize): bool {
  return txDelayMs(ctx) <= TX_DELAY_MS_MAX;
}

/** Number of cycles that have begun for this node: its cycle begins with its own TDMA slot. */
export function cycleNow(ctx: usize): u32 {
  const now = call(ctx);
  const shiftS = txSlotMs(ctx) / 1000;
  const shiftMs = txSlotMs(ctx) % 1000;
  // One cycle is added so that the difference is not negative.
  const s = now.missionS + CYCLE_S - shiftS - (now.missionMs < shiftMs ? 1 : 0);
  return s / CYCLE_S;
}

/** Milliseconds until this node's TDMA slot of a cycle; 0 if it has begun. */
function untilCycleMs(ctx: usize, cycle: u32): u32 {
  const now = call(ctx);
  if (cycle <= cycleNow(ctx)) return 0;
  const offsetMs = txSlotMs(ctx);
  const startS = (cycle - 1) * CYCLE_S + offsetMs / 1000;
  const s = startS - now.missionS;
  if (s > 1000000) return SATURATED;
  return s * 1000 + (offsetMs % 1000) - now.missionMs;
}

/**
 * The first cycle after `cycle` in which this node's period tick is due: members are spread over
 * the cycles of a period.
 */
export function nextPeriodCycle(ctx: usize, cycle: u32): u32 {
  const phase = node(ctx).self % CYCLES;
  let next = cycle + 1;
  while (next % CYCLES != phase) next++;
  return next;
}

/** Milliseconds until this node needs tick() and transmit(). */
export function deadlineMs(ctx: usize): u32 {
  const state = node(ctx);
  const now = call(ctx);
  if (state.timeKnown == 0) {
    if (now.localS >= state.periodS) return 0;
    return (state.periodS - now.localS) * 1000 - now.localMs;
  }
  if (queues(ctx).due != 0) return 0;
  // A liveness tick turns in tick(), before frames that are received after it.
  const turnMs = (LIVENESS_TICK_S - (now.missionS % LIVENESS_TICK_S)) * 1000 - now.missionMs;
  const periodMs = untilCycleMs(ctx, queues(ctx).periodCycle);
  const tickMs = periodMs < turnMs ? periodMs : turnMs;
  // Without a reserved counter nothing is sent; the answer to the reservation brings a call.
  if (queues(ctx).outboxCount == 0 || queues(ctx).reserved <= max<u32>(queues(ctx).sentCycle, cycleNow(ctx) - 1))
    return tickMs;
  // What is queued after the begin of this cycle's TDMA slot waits for the next one.
  const cycle = isInTxSlot(ctx) ? cycleNow(ctx) : cycleNow(ctx) + 1;
  const sendMs = untilCycleMs(ctx, max<u32>(cycle, queues(ctx).sentCycle + 1));
  return sendMs < tickMs ? sendMs : tickMs;
}

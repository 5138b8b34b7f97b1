// Medium access: when this node may send and when it wants to be called (TDMA by member index, protocol.md).

import { LIVENESS_TICK_S, CYCLE_S, PERIOD_S } from '../memory/limits';
import { call } from '../memory/guard';
import { edge, queues } from './table';

/** Cycles per probe period. */
const CYCLES: u32 = PERIOD_S / CYCLE_S;
const SATURATED: u32 = 0x7fffffff;

/** Where this node's slot begins in a cycle, ms: slots are 62.5 ms. */
function slotMs(ctx: usize): u32 {
  return (edge(ctx).self * 125) >>> 1;
}

/** Cycles that had begun for this node: a cycle begins with its own slot. */
export function cycleNow(ctx: usize): u32 {
  const now = call(ctx);
  const shiftS = slotMs(ctx) / 1000;
  const shiftMs = slotMs(ctx) % 1000;
  // One cycle is added so that the difference is never negative.
  const s = now.missionS + CYCLE_S - shiftS - (now.missionMs < shiftMs ? 1 : 0);
  return s / CYCLE_S;
}

/** Milliseconds until the slot of a cycle, 0 if it has begun. */
function untilCycleMs(ctx: usize, cycle: u32): u32 {
  const now = call(ctx);
  if (cycle <= cycleNow(ctx)) return 0;
  const slot = slotMs(ctx);
  const startS = (cycle - 1) * CYCLE_S + slot / 1000;
  const s = startS - now.missionS;
  if (s > 1000000) return SATURATED;
  return s * 1000 + (slot % 1000) - now.missionMs;
}

/** The first cycle after `cycle` that is this node's for its period tick: members take turns over the cycles of a period. */
export function nextPeriodCycle(ctx: usize, cycle: u32): u32 {
  const phase = edge(ctx).self % CYCLES;
  let next = cycle + 1;
  while (next % CYCLES != phase) next++;
  return next;
}

/** Milliseconds until this node wants tick and transmit. */
export function deadlineMs(ctx: usize): u32 {
  const state = edge(ctx);
  const now = call(ctx);
  if (state.timeKnown == 0) {
    if (now.localS >= state.periodS) return 0;
    return (state.periodS - now.localS) * 1000 - now.localMs;
  }
  if (queues(ctx).due != 0) return 0;
  // A beat turns in a tick, before frames that come after it.
  const livenessTick = (LIVENESS_TICK_S - (now.missionS % LIVENESS_TICK_S)) * 1000 - now.missionMs;
  const cycle = untilCycleMs(ctx, queues(ctx).periodCycle);
  const period = cycle < livenessTick ? cycle : livenessTick;
  // Without a reservation nothing leaves: its answer brings a call.
  if (queues(ctx).outboxCount == 0 || queues(ctx).reserved <= max<u32>(queues(ctx).sentCycle, cycleNow(ctx) - 1))
    return period;
  const slot = untilCycleMs(ctx, queues(ctx).sentCycle + 1);
  return slot < period ? slot : period;
}

// Reads the mission clock (TIM-1): the processor's clock plus an offset, and a bound on its error.
// How the offset is learnt from peers stands in membership/time_sync.ts.

import { CLOCK_DRIFT_PPM_MAX, CLOCK_ERROR_MS_MAX } from '../memory/limits';
import { call, changes } from '../memory/guard';
import { node, clock, HOT } from './table';

/** Largest clock error that a heartbeat can carry (16 bits), milliseconds: this value or more. */
export const ERROR_WIRE_MS_MAX: u32 = 0xffff;
const DRIFT_S_PER_MS: u32 = 1000 / CLOCK_DRIFT_PPM_MAX;

/** Sets the local time of this call: the processor's clock. */
// @inline
export function setLocal(ctx: usize, nowS: u32, nowMs: u32): void {
  const now = call(ctx);
  now.localS = nowS;
  now.localMs = nowMs;
}

/** Sets the mission time of this call from its local time; 0 while mission time is unknown. */
export function setMission(ctx: usize): void {
  const state = node(ctx);
  const now = call(ctx);
  if (state.timeKnown == 0) {
    now.missionS = 0;
    now.missionMs = 0;
    return;
  }
  let ms = now.localMs + clock(ctx).offsetMs;
  let s = now.localS + clock(ctx).offsetS;
  if (ms >= 1000) {
    ms -= 1000;
    s += 1;
  }
  now.missionS = s;
  now.missionMs = ms;
}

/**
 * Returns the bound on the error against the cluster's time, milliseconds. The cluster's time is
 * the time of its majority, so the bound grows with drift from the last quorum on. A peer's sample
 * lowers the bound only as far as the peer's own error allows: two nodes that are cut off together
 * drift together.
 */
export function clockErrorMs(ctx: usize): u32 {
  const state = node(ctx);
  if (state.timeKnown == 0) return ERROR_WIRE_MS_MAX;
  // Rounded up: rounded down, frequent samples would keep the bound from growing.
  const elapsedS = call(ctx).localS - clock(ctx).sampleS + DRIFT_S_PER_MS - 1;
  return clock(ctx).errorMs + elapsedS / DRIFT_S_PER_MS;
}

/** Sets the error bound as of now, milliseconds. */
export function setClockError(ctx: usize, errorMs: u32): void {
  clock(ctx).errorMs = errorMs;
  clock(ctx).sampleS = call(ctx).localS;
  changes(ctx, HOT);
}

/** Whether the clock is good enough to claim, grant or renew anything (TIM-1). */
export function clockTrusted(ctx: usize): bool {
  return clockErrorMs(ctx) <= CLOCK_ERROR_MS_MAX;
}

// Divides mission time into liveness ticks of a minute and agreement rounds of two ticks.

import { ROUND_TICKS } from '../memory/limits';
import { CUT_LAG_S, LIVENESS_TICK_S, LIVENESS_TICK_FIRST } from '../wire/generated/codes';

/** The liveness tick of a mission second. */
// @inline
export function livenessTickOf(missionS: u32): u32 {
  return missionS / LIVENESS_TICK_S + LIVENESS_TICK_FIRST;
}

/** Mission second at which a liveness tick begins; 0 for ticks before the mission. */
// @inline
export function livenessTickStartS(livenessTick: u32): u32 {
  return livenessTick > LIVENESS_TICK_FIRST ? (livenessTick - LIVENESS_TICK_FIRST) * LIVENESS_TICK_S : 0;
}

/** The agreement round of a mission second. */
// @inline
export function roundOf(missionS: u32): u32 {
  return livenessTickOf(missionS) / ROUND_TICKS;
}

/** Mission second at which an agreement round begins, and at which it freezes who is silent. */
// @inline
export function roundStartS(round: u32): u32 {
  return livenessTickStartS(round * ROUND_TICKS);
}

/**
 * The last agreement round whose cut is at or before a mission second: what was published then is
 * in the digests of later rounds.
 */
export function lastRoundCutBy(missionS: u32): u32 {
  return roundOf(missionS + CUT_LAG_S);
}

/**
 * The cut of an agreement round: its digest covers what was published before this mission second.
 */
// @inline
export function roundCutS(round: u32): u32 {
  const startS = roundStartS(round);
  return startS > CUT_LAG_S ? startS - CUT_LAG_S : 0;
}

/** Plans how a Byzantine member keeps the digests of a whole agreement round apart. */
import { CYCLE_S, OWN_SLOTS, ROUND_S } from '../../host/cbor/generated.ts';

/** For so long after a cut members take all versions from before it (LATE_FREE_S). */
const freeS = ROUND_S / 2;
/** Two versions in each of so many cycles use up what members take after that (LATE_MAX). */
const lateCycles = 4;
/** The versions are dated so long before the cut, and not in the first minute of the mission. */
const beforeCutS = 30;
const earliestS = 60;

/** The publication time that the versions of the present round state: before its cut. */
export function splitPublishedS(nowS: number): number {
  return Math.max(earliestS, Math.floor(nowS / ROUND_S) * ROUND_S - beforeCutS);
}

/**
 * Intent slots of which the Byzantine member sends versions in this cycle. In the first half of a
 * round one of them a cycle changes the digest each time; then two a cycle use up the late
 * versions that members still take.
 */
export function splitSlots(nowS: number): number[] {
  const sinceCutS = nowS % ROUND_S;
  if (sinceCutS < freeS) return [Math.floor(sinceCutS / CYCLE_S) % OWN_SLOTS];
  const cycle = Math.floor((sinceCutS - freeS) / CYCLE_S);
  return cycle < lateCycles ? [(2 * cycle) % OWN_SLOTS, (2 * cycle + 1) % OWN_SLOTS] : [];
}

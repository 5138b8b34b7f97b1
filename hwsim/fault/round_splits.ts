/** Plans how a Byzantine member keeps the digests of a whole agreement round apart. */
import { CUT_LAG_S, CYCLE_S, OWN_SLOTS, ROUND_S } from '../../host/cbor/generated.ts';

/** For so long after a round began members take all versions from before its cut (LATE_FREE_S). */
const freeS = ROUND_S / 2;
/** Two versions in each of so many cycles use up what members take after that (LATE_MAX). */
const lateCycles = 4;
/** The versions are dated so long before the cut. */
const beforeCutS = 30;

/** Returns the time before the present round's cut that late versions state; null: none yet. */
export function latePublishedS(nowS: number): number | null {
  const publishedS = Math.floor(nowS / ROUND_S) * ROUND_S - CUT_LAG_S - beforeCutS;
  return publishedS > 0 ? publishedS : null;
}

/**
 * Intent slots of which the Byzantine member sends versions in this cycle. In the first half of a
 * round one of them a cycle changes the digest each time; then two a cycle use up the late
 * versions that members still take.
 */
export function splitSlots(nowS: number): number[] {
  const sinceBeginS = nowS % ROUND_S;
  if (sinceBeginS < freeS) return [Math.floor(sinceBeginS / CYCLE_S) % OWN_SLOTS];
  const cycle = Math.floor((sinceBeginS - freeS) / CYCLE_S);
  return cycle < lateCycles ? [(2 * cycle) % OWN_SLOTS, (2 * cycle + 1) % OWN_SLOTS] : [];
}

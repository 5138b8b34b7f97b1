/** Plans how a Byzantine member keeps the digests of a whole agreement round apart. */
import { CYCLE_S, OWN_SLOTS, ROUND_S } from '../../host/cbor/generated.ts';

/** For so long members take all versions from before the cut (LATE_FREE_S). */
const freeS = ROUND_S / 2;
/** Each member takes its last such versions in so many cycles after that: two in a cycle. */
const lastCycles = 4;

/** When the versions pretend to be published: before the cut of the present round. */
export function splitCutS(nowS: number): number {
  return Math.max(60, Math.floor(nowS / ROUND_S) * ROUND_S - 30);
}

/**
 * The intent slots of which members get versions in this cycle. One at a time changes the digest in
 * every cycle of the first half of a round; then all of them use up what a round still takes.
 */
export function splitSlots(nowS: number): number[] {
  const sinceCutS = nowS % ROUND_S;
  if (sinceCutS < freeS) return [Math.floor(sinceCutS / CYCLE_S) % OWN_SLOTS];
  const cycle = Math.floor((sinceCutS - freeS) / CYCLE_S);
  return cycle < lastCycles ? [(2 * cycle) % OWN_SLOTS, (2 * cycle + 1) % OWN_SLOTS] : [];
}

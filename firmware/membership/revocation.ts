// Revokes the votes of members that are silent for too long, and gives them back.

import { REVOKE_VOTE_S } from '../memory/limits';
import { LIVENESS_TICK_S } from '../wire/generated/codes';
import { changes } from '../memory/guard';
import { bitClear, bitSet, bitGet } from '../base/bits';
import { members } from '../node/table';
import {
  BITMAPS,
  memberToChange,
  votersAt,
  baseAt,
  member,
  readMembers,
  memberSeen,
  silentAt,
  membership,
} from './table';
import { revocationTerm, subtractFromDigest } from './view';

/** A member's counter of revocations stops here: its vote stays as it is. */
const REVOCATIONS_MAX: u32 = 254;

/**
 * Sets a member's counter. Until a majority is known to store it, the member counts in the quorum's
 * denominator and not in its numerator (proof in README.md).
 */
function setRevocations(ctx: usize, index: u32, revocations: u32): void {
  changes(ctx, BITMAPS);
  memberToChange(ctx, index).revocations = <u8>revocations;
  bitClear(votersAt(ctx), index);
  bitSet(baseAt(ctx), index);
}

/** Takes a peer's counter of revocations of a member. */
export function learnRevocations(ctx: usize, index: u32, revocations: u32): void {
  if (revocations <= <u32>member(ctx, index).revocations) return;
  const before = revocationTerm(index, member(ctx, index).revocations);
  setRevocations(ctx, index, revocations);
  subtractFromDigest(ctx, before - revocationTerm(index, revocations));
}

/**
 * Revokes the votes of members that are silent for long, and gives back those of members that
 * returned.
 */
export function revokeVotes(ctx: usize): void {
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = memberSeen(ctx, i);
    const revocations: u32 = entry.revocations;
    const isSilent = bitGet(silentAt(ctx), i);
    const long =
      isSilent &&
      entry.lastLivenessTick != 0 &&
      entry.lastLivenessTick + REVOKE_VOTE_S / LIVENESS_TICK_S <= membership(ctx).livenessTick;
    if ((revocations & 1) == 0 ? long && revocations < REVOCATIONS_MAX : !isSilent)
      setRevocations(ctx, i, revocations + 1);
  }
}

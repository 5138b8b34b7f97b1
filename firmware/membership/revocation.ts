// Revokes the votes of members that are silent for too long, and gives them back.

import { REVOKE_VOTE_S, LIVENESS_TICK_S } from '../memory/limits';
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
import { revocationTerm, silentChanged } from './view';

/** A member that was buried this often stays what it is. */
const REVOCATIONS_MAX: u32 = 254;

/** Until a majority is known to hold this, the member's vote does not count and yet is counted against (README, proof). */
function setRevocations(ctx: usize, index: u32, revocations: u32): void {
  changes(ctx, BITMAPS);
  memberToChange(ctx, index).revocations = <u8>revocations;
  bitClear(votersAt(ctx), index);
  bitSet(baseAt(ctx), index);
}

/** A peer's word on how often a member was buried and came back. */
export function learnRevocations(ctx: usize, index: u32, revocations: u32): void {
  if (revocations <= <u32>member(ctx, index).revocations) return;
  const before = revocationTerm(index, member(ctx, index).revocations);
  setRevocations(ctx, index, revocations);
  silentChanged(ctx, before - revocationTerm(index, revocations));
}

/** At a cut after a quorum: the long gone lose their vote, who came back has it again. */
export function revokeVotes(ctx: usize): void {
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = memberSeen(ctx, i);
    const revocations: u32 = entry.revocations;
    const gone = bitGet(silentAt(ctx), i);
    const long =
      gone &&
      entry.lastLivenessTick != 0 &&
      entry.lastLivenessTick + REVOKE_VOTE_S / LIVENESS_TICK_S <= membership(ctx).livenessTick;
    if ((revocations & 1) == 0 ? long && revocations < REVOCATIONS_MAX : !gone) setRevocations(ctx, i, revocations + 1);
  }
}

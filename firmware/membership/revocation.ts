// Revokes the votes of members that are silent for too long, and gives them back.

import { CONTAINED, MEMBER_WORDS, REVOKE_VOTE_S, ROUND_TICKS, TICKS_UNTIL_SILENT } from '../memory/limits';
import { COUNTER_REVOCATION_UNPROVEN, LIVENESS_TICK_S, ROUND_S } from '../wire/generated/codes';
import { changes } from '../memory/guard';
import { bitClear, bitSet } from '../base/bits';
import { countLoss } from '../node/queues';
import { members, missionS } from '../node/table';
import { isElsewhere } from './division';
import { ageOf } from './liveness';
import {
  BITMAPS,
  PROBING,
  RECOVERING_ALL,
  VIEW,
  everyoneAt,
  Member,
  memberToChange,
  votersAt,
  baseAt,
  member,
  readMembers,
  memberSeen,
  silentAt,
  membership,
  MARK_AWAY,
} from './table';
import { revocationTerm, subtractFromDigest } from './view';

/** A member's counter of revocations stops here: its vote stays as it is. */
const REVOCATIONS_MAX: u32 = 254;
/** Liveness ticks of silence after which a vote is revoked. */
const REVOKE_TICKS: u32 = REVOKE_VOTE_S / LIVENESS_TICK_S;
/** Nodes may differ by this much about when a member was last heard, liveness ticks. */
const SLACK_TICKS: u32 = 2 * TICKS_UNTIL_SILENT;
/** Rounds without a quorum after which counters that could not be checked are forgotten. */
const UNCHECKED_ROUNDS: u32 = 3600 / ROUND_S;

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

/**
 * Whether this node cannot know which votes were revoked: it booted without a checkpoint, or saw no
 * quorum for as long as it takes to lose a vote.
 */
function knowsNoVotes(ctx: usize): bool {
  const state = membership(ctx);
  return (
    state.recovering == RECOVERING_ALL ||
    state.quorumRound * ROUND_TICKS + REVOKE_TICKS <= state.livenessTick + SLACK_TICKS
  );
}

/**
 * Largest counter of a member that is borne out by what this node knows itself. A silent member can
 * have lost its vote if the silence is long enough; a member that is back can have got it again.
 */
function provenRevocations(ctx: usize, index: u32): u32 {
  const entry = member(ctx, index);
  const known: u32 = entry.revocations;
  if ((entry.marks & MARK_AWAY) != 0) return known + 2;
  if (ageOf(ctx, index) < TICKS_UNTIL_SILENT) return known + (known & 1);
  return isAwayLong(entry, membership(ctx).livenessTick) ? known | 1 : known;
}

/** Whether a member that was silent until `livenessTick` can have lost its vote meanwhile. */
function isAwayLong(entry: Member, livenessTick: u32): bool {
  return entry.lastLivenessTick != 0 && entry.lastLivenessTick + REVOKE_TICKS <= livenessTick + SLACK_TICKS;
}

/** Notes that a member is back, before its last liveness tick is overwritten. */
export function noteReturn(ctx: usize, index: u32): void {
  if (isAwayLong(member(ctx, index), membership(ctx).livenessTick)) memberToChange(ctx, index).marks |= <u8>MARK_AWAY;
}

/**
 * Takes a peer's counter of revocations of a member, if it is proven or cannot be checked here. A
 * false one would take a vote from every quorum for ever.
 */
export function learnRevocations(ctx: usize, index: u32, revocations: u32): void {
  if (revocations <= <u32>member(ctx, index).revocations || isElsewhere(ctx, index)) return;
  if (CONTAINED && !knowsNoVotes(ctx) && revocations > provenRevocations(ctx, index)) {
    countLoss(ctx, COUNTER_REVOCATION_UNPROVEN);
    return;
  }
  if (knowsNoVotes(ctx) || (member(ctx, index).marks & MARK_AWAY) != 0) {
    membership(ctx).believedRound = membership(ctx).round;
    changes(ctx, PROBING);
  }
  const before = revocationTerm(index, member(ctx, index).revocations);
  setRevocations(ctx, index, revocations);
  subtractFromDigest(ctx, before - revocationTerm(index, revocations));
}

/**
 * Forgets all counters if this node believed one that it could not check, and has seen no quorum
 * for UNCHECKED_ROUNDS since: a peer may have lied. The node is then one that booted without a
 * checkpoint: it has no vote until a majority without it agrees with it, and learns the counters
 * anew.
 */
export function forgetUnchecked(ctx: usize): void {
  const state = membership(ctx);
  if (state.believedRound == 0 || state.round <= max<u32>(state.believedRound, state.quorumRound) + UNCHECKED_ROUNDS)
    return;
  changes(ctx, VIEW | PROBING | BITMAPS);
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = memberToChange(ctx, i);
    entry.revocations = 0;
    entry.marks &= ~(<u8>MARK_AWAY);
  }
  memory.copy(baseAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  memory.copy(votersAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  state.believedRound = 0;
  state.recovering = RECOVERING_ALL;
  state.bootS = missionS(ctx);
}

/**
 * Revokes the votes of members that are silent for long, and gives back those of members that
 * returned.
 */
export function revokeVotes(ctx: usize): void {
  readMembers(ctx, members(ctx));
  const count = members(ctx);
  let silent: u32 = 0;
  for (let i: u32 = 0; i < count; i++, silent >>>= 1) {
    if ((i & 31) == 0) silent = load<u32>(silentAt(ctx) + ((i >>> 5) << 2));
    const entry = memberSeen(ctx, i);
    const revocations: u32 = entry.revocations;
    // A member that is silent without a vote, or heard with one, keeps what it has.
    if ((revocations & 1) == (silent & 1) || isElsewhere(ctx, i)) continue;
    const long = entry.lastLivenessTick != 0 && entry.lastLivenessTick + REVOKE_TICKS <= membership(ctx).livenessTick;
    if ((revocations & 1) != 0 || (long && revocations < REVOCATIONS_MAX)) setRevocations(ctx, i, revocations + 1);
  }
}

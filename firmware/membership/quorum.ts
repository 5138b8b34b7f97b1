// Counts who agrees with this node on the digest of the present round, and finds out when that is a
// majority.

import { MEMBER_WORDS } from '../memory/limits';
import { changes } from '../memory/guard';
import { bitSet, bitGet, bitCount, bitClear } from '../base/bits';
import { self, members, missionS } from '../node/table';
import { roundCutS } from './calendar';
import {
  AGREE,
  agreeAt,
  membership,
  VIEW,
  votersAt,
  baseAt,
  BITMAPS,
  everyoneAt,
  readMembers,
  memberSeen,
  memberToChange,
  PROBING,
  RECOVERING_LEASES,
  silentAt,
  MARK_AWAY,
} from './table';
import { clockAgreed } from './time_sync';

/**
 * Periods from a learnt extended lease or a changed decision to this node's agreement: both
 * checkpoint slots of a platform that writes them in turn must contain it, and the second must be
 * written.
 */
const STORE_PERIODS: u32 = 3;

/**
 * Clears the bitmap of members that agree, because the digest changed. This node's own bit is set
 * again unless it may have forgotten what it agreed to, or would forget it with the next restart.
 */
export function restartAgreement(ctx: usize): void {
  changes(ctx, AGREE);
  memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);
  agreeWithSelf(ctx);
}

function agreeWithSelf(ctx: usize): void {
  if (membership(ctx).recovering != 0 || membership(ctx).unstoredPeriods != 0) return;
  bitSet(agreeAt(ctx), self(ctx));
  changes(ctx, AGREE);
}

/**
 * Notes that a lease extended in advance was learnt, or a decision's record changed. Both outlast
 * the time for which a restarted node has no vote, so this node agrees to no digest that covers
 * them before checkpoints contain them.
 */
export function noteUnstored(ctx: usize): void {
  membership(ctx).unstoredPeriods = STORE_PERIODS;
  changes(ctx, VIEW);
}

/** Counts a written checkpoint, or the period in which the last one is written. */
export function noteStored(ctx: usize): void {
  membership(ctx).unstoredPeriods--;
  changes(ctx, VIEW);
  agreeWithSelf(ctx);
}

/**
 * Whether a majority of the base has the present digest. Only members that had a vote before and
 * after every change of the base are counted.
 */
export function majorityAgrees(ctx: usize): bool {
  let agreeing: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++)
    agreeing += popcnt<u32>(load<u32>(agreeAt(ctx) + (word << 2)) & load<u32>(votersAt(ctx) + (word << 2)));
  return agreeing * 2 > bitCount(baseAt(ctx), MEMBER_WORDS);
}

/** Whether the voters that this node has heard, itself left out, are a majority of the base. */
export function othersAreMajority(ctx: usize): bool {
  let others: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    others += popcnt<u32>(load<u32>(votersAt(ctx) + offset) & ~load<u32>(silentAt(ctx) + offset));
  }
  if (bitGet(votersAt(ctx), self(ctx)) && !bitGet(silentAt(ctx), self(ctx))) others--;
  return others * 2 > bitCount(baseAt(ctx), MEMBER_WORDS);
}

/**
 * Notes that this node discarded an intent that it may have agreed to. As after a restart it has no
 * vote until a majority without it has its digest: otherwise it might agree to a claim that the
 * discarded one excludes.
 */
export function noteForgotten(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW);
  if (state.recovering == 0) state.recovering = RECOVERING_LEASES;
  state.forgotS = missionS(ctx);
  restartAgreement(ctx);
}

/**
 * Looks for a majority after the agreement grew, and brings the base up to date when there is one.
 * Returns true the first time in a round.
 */
export function updateQuorum(ctx: usize): bool {
  const state = membership(ctx);
  if (state.quorum != 0 || roundCutS(state.round) < state.bootS) return false;
  if (!majorityAgrees(ctx)) return false;
  changes(ctx, VIEW | BITMAPS | PROBING);
  state.quorum = 1;
  state.believedRound = 0;
  state.quorumRound = state.round;
  state.formed = 1;
  clockAgreed(ctx);
  if (state.recovering != 0) {
    state.recovering = 0;
    state.forgotS = 0;
    agreeWithSelf(ctx);
  }
  memory.copy(baseAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  const count = members(ctx);
  readMembers(ctx, count);
  for (let i: u32 = 0; i < count; i++) {
    const entry = memberSeen(ctx, i);
    if (entry.revocations & 1) bitClear(baseAt(ctx), i);
    if ((entry.marks & MARK_AWAY) != 0) memberToChange(ctx, i).marks &= ~(<u8>MARK_AWAY);
  }
  memory.copy(votersAt(ctx), baseAt(ctx), MEMBER_WORDS << 2);
  return true;
}

// Finds out when a majority agrees with this node on the digest of the present round.

import { MEMBER_WORDS } from '../memory/limits';
import { changes } from '../memory/guard';
import { bitSet, bitCount, bitClear } from '../base/bits';
import { self, members } from '../node/table';
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
} from './table';
import { clockAgreed } from './time_sync';

/** Both slots of a platform that writes its checkpoints in turn shall hold a promise, and the last be written, before it is made. */
const STORE_PERIODS: u32 = 3;

/**
 * Nobody but this node is known to hold the present digest; nor does it say so itself while it may have forgotten what it agreed to, or
 * would forget it with the next restart.
 */
export function agreeAnew(ctx: usize): void {
  changes(ctx, AGREE);
  memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);
  agreeSelf(ctx);
}

function agreeSelf(ctx: usize): void {
  if (membership(ctx).recovering != 0 || membership(ctx).unstored != 0) return;
  bitSet(agreeAt(ctx), self(ctx));
  changes(ctx, AGREE);
}

/** A lease extended in advance was heard of: it outlasts the time for which a restarted node counts for nothing, so it is stored first. */
export function promiseHeard(ctx: usize): void {
  membership(ctx).unstored = STORE_PERIODS;
  changes(ctx, VIEW);
}

/** A checkpoint is written, or the last has had a period to be. */
export function promiseStored(ctx: usize): void {
  membership(ctx).unstored--;
  changes(ctx, VIEW);
  agreeSelf(ctx);
}

/** Whether a majority of the base holds the present digest, by the votes of those who have one in it before and after every change. */
export function majorityAgrees(ctx: usize): bool {
  let agreeing: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++)
    agreeing += popcnt<u32>(load<u32>(agreeAt(ctx) + (word << 2)) & load<u32>(votersAt(ctx) + (word << 2)));
  return agreeing * 2 > bitCount(baseAt(ctx), MEMBER_WORDS);
}

/** After the agreement grew: brings the base up to date when a majority agrees. Returns true the first time in an epoch. */
export function checkQuorum(ctx: usize): bool {
  const state = membership(ctx);
  if (state.quorum != 0 || roundCutS(state.epoch) < state.bootS) return false;
  if (!majorityAgrees(ctx)) return false;
  changes(ctx, VIEW | BITMAPS);
  state.quorum = 1;
  state.quorumRound = state.epoch;
  state.formed = 1;
  clockAgreed(ctx);
  if (state.recovering != 0) {
    state.recovering = 0;
    agreeSelf(ctx);
  }
  memory.copy(baseAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) if (memberSeen(ctx, i).revocations & 1) bitClear(baseAt(ctx), i);
  memory.copy(votersAt(ctx), baseAt(ctx), MEMBER_WORDS << 2);
  return true;
}

// Accesses the tables of membership: constants, bitmaps of all members, the lines they lie in.

import { BITMAP_BYTES, MEMBERSHIP_AT, MEMBERS_AT, MEMBER_BITMAPS_AT, LINES_AT } from '../memory/map';
import { lineOf, sweepsLines } from '../memory/guard';
import { MembershipState } from './records';

export * from './records';
export * from './accessors';

/** Checks the lines of the first `count` members, before a walk over them. */
export function readMembers(ctx: usize, count: u32): void {
  sweepsLines(ctx, lineOf(MEMBERS_AT), lineOf(MEMBERS_AT) + ((count + 1) >>> 1));
}

/**
 * Bit `plane` (0 to 2) of every member's freshness: FRESH in the liveness tick in which it was
 * heard, one less with each tick, 0 = silent.
 */
// @inline
export function freshAt(ctx: usize, plane: u32): usize {
  return ctx + MEMBER_BITMAPS_AT + plane * BITMAP_BYTES;
}
/** Members of word `word` that are not silent. */
// @inline
export function liveWord(ctx: usize, word: u32): u32 {
  const at = freshAt(ctx, 0) + (word << 2);
  return load<u32>(at) | load<u32>(at + BITMAP_BYTES) | load<u32>(at + 2 * BITMAP_BYTES);
}
/** Members that are known here to have the digest of the round. */
// @inline
export function agreeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 4 * BITMAP_BYTES;
}
/** Members that agreed in the round before, at its end. */
// @inline
export function agreedBeforeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 5 * BITMAP_BYTES;
}
/**
 * The base: members of which a majority must agree. All that have a vote, or had one at the last
 * quorum.
 */
// @inline
export function baseAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 6 * BITMAP_BYTES;
}
/**
 * Members silent at the round's cut: covered by the digest, so arbitration and leases use this set.
 */
// @inline
export function silentAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 8 * BITMAP_BYTES;
}
/** All members of the cluster. */
// @inline
export function everyoneAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 9 * BITMAP_BYTES;
}
/** Members that are suspected. */
// @inline
export function suspectAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 3 * BITMAP_BYTES;
}
/**
 * Members whose agreement counts: those of the base whose counter of revocations has not changed
 * since.
 */
// @inline
export function votersAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 7 * BITMAP_BYTES;
}
/** Members that agreed in both of the two rounds before. */
// @inline
export function agreedTwiceAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 10 * BITMAP_BYTES;
}
const MEMBER_BITMAPS: u32 = 11;

/**
 * Core lines: VIEW; PROBING and spreading; HEARD: freshness; SUSPECTS; AGREE; all BITMAPS.
 */
export const VIEW: u32 = 1 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
export const PROBING: u32 = 2 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
const PLANES: u32 = (MEMBER_BITMAPS_AT - LINES_AT) >> 6;
export const HEARD: u32 = (1 << PLANES) | (1 << (PLANES + ((2 * BITMAP_BYTES) >> 6)));
export const SUSPECTS: u32 = 1 << (PLANES + ((3 * BITMAP_BYTES) >> 6));
export const AGREE: u32 = 1 << (PLANES + ((4 * BITMAP_BYTES) >> 6));
export const BITMAPS: u32 =
  (2 << ((MEMBER_BITMAPS_AT + MEMBER_BITMAPS * BITMAP_BYTES - 1 - LINES_AT) >> 6)) - (1 << PLANES);

/** A member signed two contents under one version: what it publishes is refused. */
export const MARK_EQUIVOCATOR: u32 = 1;
/**
 * A member came back after a silence in which its vote may have been revoked and given back, both
 * unseen here. Cleared by the next quorum.
 */
export const MARK_AWAY: u32 = 2;
/** The marks from this bit on count the rounds in which a member differed (convergence/step.ts). */
export const MARKS_APART: u32 = 2;

/** Restarted from a checkpoint: this node may have forgotten ordinary leases. */
export const RECOVERING_LEASES: u32 = 1;
/** Booted without a checkpoint: it may have forgotten leases extended in advance, too. */
export const RECOVERING_ALL: u32 = 2;

if (offsetof<MembershipState>() != 128 || offsetof<MembershipState>('gapEndS') != 64)
  ERROR('the view fills the first line');

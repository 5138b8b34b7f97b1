// Who is in the cluster and when each was last heard: layout and accessors. See README.md for the ideas.

import { BITMAP_BYTES, MEMBERSHIP_AT, MEMBERS_AT, MEMBER_BITMAPS_AT, LINES_AT } from '../memory/map';
import { lineOf, sweepsLines } from '../memory/guard';
import { MembershipState } from './records';

export * from './records';
export * from './accessors';

export const STATE_UNKNOWN: u32 = 0;
export const STATE_ALIVE: u32 = 1;
export const STATE_SUSPECT: u32 = 2;
export const STATE_UNREACHABLE: u32 = 3;
export const STATE_DEAD: u32 = 4;

/** Before walks over the first `count` members. */
export function readMembers(ctx: usize, count: u32): void {
  sweepsLines(ctx, lineOf(MEMBERS_AT), lineOf(MEMBERS_AT) + ((count + 1) >>> 1));
}

/** Heard in the present beat (age 0), the one before (1) and the one before that (2), not in a younger one. */
// @inline
export function heardAt(ctx: usize, age: u32): usize {
  return ctx + MEMBER_BITMAPS_AT + age * BITMAP_BYTES;
}
/** Members that agree with the epoch digest, as far as known here. */
// @inline
export function agreeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 4 * BITMAP_BYTES;
}
/** Final agreement of the epoch before. */
// @inline
export function agreedBeforeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 5 * BITMAP_BYTES;
}
/** Members of which a majority must agree: all that have a vote, or had one when a majority was last seen to agree. */
// @inline
export function baseAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 6 * BITMAP_BYTES;
}
/** Members gone as of the epoch's cut: arbitration and leases use this, because it is covered by the digest. */
// @inline
export function silentAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 8 * BITMAP_BYTES;
}
/** All members of the cluster. */
// @inline
export function everyoneAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 9 * BITMAP_BYTES;
}
/** Own unacknowledged suspicion of members. */
// @inline
export function suspectAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 3 * BITMAP_BYTES;
}
/** Members whose agreement counts: those of the base whose revocations have not changed since. */
// @inline
export function votersAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 7 * BITMAP_BYTES;
}
export const MEMBER_BITMAPS: u32 = 10;

/** Core lines: the view; probing and rumours of members; who was heard in this beat and the one before; longer ago, and suspects; who agrees; all bitmaps. */
export const VIEW: u32 = 1 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
export const PROBING: u32 = 2 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
const PLANES: u32 = (MEMBER_BITMAPS_AT - LINES_AT) >> 6;
export const HEARD: u32 = 1 << PLANES;
export const HEARD_LONG_AGO: u32 = 1 << (PLANES + ((2 * BITMAP_BYTES) >> 6));
export const AGREE: u32 = 1 << (PLANES + ((4 * BITMAP_BYTES) >> 6));
export const BITMAPS: u32 =
  (2 << ((MEMBER_BITMAPS_AT + MEMBER_BITMAPS * BITMAP_BYTES - 1 - LINES_AT) >> 6)) - (1 << PLANES);

/** Restarted from a checkpoint: it may have forgotten ordinary leases. Booted without one: those extended in advance, too. */
export const RECOVERING_LEASES: u32 = 1;
export const RECOVERING_ALL: u32 = 2;

if (offsetof<MembershipState>() != 128 || offsetof<MembershipState>('deafS') != 64)
  ERROR('the view has a line of its own');

// Accesses the tables of intents: the index, flags of own intent slots, digests per minute.

import { INTENTS_MAX, NO_INDEX, BUCKETS } from '../memory/limits';
import {
  INTENTS_AT,
  INTENT_INDEX_AT,
  NOTICES_AT,
  BUCKETS_AT,
  RECENTS_AT,
  INTENT_SCRATCH_AT,
  LINES_AT,
} from '../memory/map';
import { call, changesLine, lineOf, reads, readsLine, readsLines, sweepsLines, readsAndChanges } from '../memory/guard';
import {
  BOOTS_MAX,
  INTENT_STATE_PLANNED,
  INTENT_STATE_STARTED,
  VERSION_BITS,
  OWN_SLOTS,
} from '../wire/generated/codes';
import { Intent } from './records';
import { intents, intentsToChange, INTENT_BYTES } from './accessors';

export * from './records';
export * from './accessors';

const MINUTES: u32 = (1 << ((RECENTS_AT - LINES_AT) >> 6)) - (1 << ((BUCKETS_AT - LINES_AT) >> 6));
const RECENTS: u32 = 1 << ((RECENTS_AT - LINES_AT) >> 6);

/** Offset in the context of the 32-bit word of priority, generation and last broadcast. */
// @inline
export function broadcastWordAt(index: u32): u32 {
  return INTENTS_AT + index * INTENT_BYTES + offsetof<Intent>('priority');
}
/**
 * Flags an own intent slot that was settled, changed, lost or finished: the next plan looks at it
 * (SCH-2).
 */
export function flagSlot(ctx: usize, slot: u32): void {
  intentsToChange(ctx).changedSlots |= 1 << slot;
}
/** Returns the flagged own intent slots, a bit each, and clears the flags. */
export function takeSlotFlags(ctx: usize): u32 {
  const flags = intents(ctx).changedSlots;
  if (flags != 0) intentsToChange(ctx).changedSlots = 0;
  return flags;
}
/** Checks the lines of all records, before a walk over them, once in a call. */
export function readIntents(ctx: usize): void {
  if (isSwept(ctx)) return;
  sweepsLines(ctx, lineOf(INTENTS_AT), lineOf(INTENTS_AT) + INTENTS_MAX);
}
/** Whether all records were checked in this call; if not, the caller checks them now. */
export function isSwept(ctx: usize): bool {
  const isDone = call(ctx).swept != 0;
  call(ctx).swept = 1;
  return isDone;
}
/** The record that stores an owner's intent slot, or NO_INDEX. */
export function intentIndex(ctx: usize, owner: u32, slot: u32): u32 {
  readsLine(ctx, lineOf(INTENT_INDEX_AT) + (owner >>> 2));
  return load<u16>(ctx + INTENT_INDEX_AT + ((owner * OWN_SLOTS + slot) << 1));
}
/** Sets the record that stores an owner's intent slot. */
export function setIntentIndex(ctx: usize, owner: u32, slot: u32, index: u32): void {
  changesLine(ctx, lineOf(INTENT_INDEX_AT) + (owner >>> 2));
  store<u16>(ctx + INTENT_INDEX_AT + ((owner * OWN_SLOTS + slot) << 1), <u16>index);
}
/** Checks the lines of all notices, before a walk over them. */
export function readNotices(ctx: usize): void {
  readsLines(ctx, lineOf(NOTICES_AT), lineOf(NOTICES_AT) + ((intents(ctx).noticeCount + 3) >>> 2));
}
/**
 * Change of the digest by what was published in one mission minute. A digest as of an earlier
 * minute is the present digest minus the younger buckets. The lower half, which anti-entropy
 * compares with every heartbeat, has a line of its own.
 */
export function bucketDigest(ctx: usize, minute: u32): u64 {
  reads(ctx, MINUTES);
  return load<u64>(ctx + BUCKETS_AT + ((minute & (BUCKETS - 1)) << 3));
}
/** The lower half of bucketDigest(). */
export function bucketRecent(ctx: usize, minute: u32): u32 {
  reads(ctx, RECENTS);
  return load<u32>(ctx + RECENTS_AT + ((minute & (BUCKETS - 1)) << 2));
}
/** Sets the change of one mission minute. */
export function setBucket(ctx: usize, minute: u32, digest: u64): void {
  readsAndChanges(ctx, MINUTES | RECENTS);
  store<u64>(ctx + BUCKETS_AT + ((minute & (BUCKETS - 1)) << 3), digest);
  store<u32>(ctx + RECENTS_AT + ((minute & (BUCKETS - 1)) << 2), <u32>digest);
}
/** Scratch: starts of the claims of a group, mission seconds, sorted (profile.ts). */
// @inline
export function usageStartsAt(ctx: usize): usize {
  return ctx + INTENT_SCRATCH_AT;
}

/** Whether a record claims its resource (planned, claimed or started). */
// @inline
export function isClaim(record: Intent): bool {
  return <u32>record.state >= INTENT_STATE_PLANNED && <u32>record.state <= INTENT_STATE_STARTED;
}

/** Whether a record claims an exclusive unit. */
export function claimsUnit(record: Intent): bool {
  return isClaim(record) && resourceUnit(record.resource) != 0;
}
// @inline
export function resourceGroup(resource: u32): u32 {
  return resource >>> 16;
}
// @inline
export function resourceUnit(resource: u32): u32 {
  return resource & 0xffff;
}

if (BOOTS_MAX >= 1 << (32 - VERSION_BITS)) ERROR('a version contains the number of its boot');
if (offsetof<Intent>('priority') != 60 || offsetof<Intent>('lastBroadcast') != 62)
  ERROR('the last broadcast shares a word');
if (BUCKETS != 16) ERROR('buckets fill their lines');
if ((BUCKETS & (BUCKETS - 1)) != 0) ERROR('buckets are indexed by mask');
if (INTENTS_MAX > NO_INDEX) ERROR('records are indexed by u16');

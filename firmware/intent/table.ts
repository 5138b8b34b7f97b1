// The intents held, one record each, and this node's own slots: layout and accessors. See README.md for the ideas.

import { VERSION_BITS } from '../wire/generated/codes';
import { INTENTS_MAX, OWN_SLOTS, NO_INDEX, BUCKETS, BOOTS_MAX } from '../memory/limits';
import {
  INTENTS_AT,
  INTENT_INDEX_AT,
  NOTICES_AT,
  BUCKETS_AT,
  RECENTS_AT,
  INTENT_SCRATCH_AT,
  LINES_AT,
} from '../memory/map';
import { changesLine, lineOf, reads, readsLine, readsLines, sweepsLines, readsAndChanges } from '../memory/guard';
import { Intent } from './records';
import { intents, intentsToChange, INTENT_BYTES } from './accessors';

export * from './records';
export * from './accessors';

const MINUTES: u32 = (1 << ((RECENTS_AT - LINES_AT) >> 6)) - (1 << ((BUCKETS_AT - LINES_AT) >> 6));
const RECENTS: u32 = 1 << ((RECENTS_AT - LINES_AT) >> 6);

/** Offset of the word of priority, generation and echo. */
// @inline
export function echoWordAt(index: u32): u32 {
  return INTENTS_AT + index * INTENT_BYTES + offsetof<Intent>('priority');
}
/** Flags an own slot that was settled, changed, lost or finished: the next plan looks at it (SCH-2). */
export function flagSlot(ctx: usize, slot: u32): void {
  intentsToChange(ctx).changedSlots |= 1 << slot;
}
/** Returns the flagged own slots, a bit each, and clears the flags. */
export function takeSlotFlags(ctx: usize): u32 {
  const flags = intents(ctx).changedSlots;
  if (flags != 0) intentsToChange(ctx).changedSlots = 0;
  return flags;
}
/** Before walks over all records. */
export function readIntents(ctx: usize): void {
  sweepsLines(ctx, lineOf(INTENTS_AT), lineOf(INTENTS_AT) + INTENTS_MAX);
}
/** The record that holds (owner, slot), or NO_INDEX. */
export function intentIndex(ctx: usize, owner: u32, slot: u32): u32 {
  readsLine(ctx, lineOf(INTENT_INDEX_AT) + (owner >>> 2));
  return load<u16>(ctx + INTENT_INDEX_AT + ((owner * OWN_SLOTS + slot) << 1));
}
export function setIntentIndex(ctx: usize, owner: u32, slot: u32, index: u32): void {
  changesLine(ctx, lineOf(INTENT_INDEX_AT) + (owner >>> 2));
  store<u16>(ctx + INTENT_INDEX_AT + ((owner * OWN_SLOTS + slot) << 1), <u16>index);
}
/** Before walks over all notices. */
export function readNotices(ctx: usize): void {
  readsLines(ctx, lineOf(NOTICES_AT), lineOf(NOTICES_AT) + ((intents(ctx).noticeCount + 3) >>> 2));
}
/**
 * What changed in one mission minute: digests as of an earlier minute are the running ones less the younger buckets. Here the whole digest, and in a line
 * of its own the lower half that anti-entropy compares with every heartbeat.
 */
export function bucketDigest(ctx: usize, minute: u32): u64 {
  reads(ctx, MINUTES);
  return load<u64>(ctx + BUCKETS_AT + ((minute & (BUCKETS - 1)) << 3));
}
export function bucketRecent(ctx: usize, minute: u32): u32 {
  reads(ctx, RECENTS);
  return load<u32>(ctx + RECENTS_AT + ((minute & (BUCKETS - 1)) << 2));
}
export function setBucket(ctx: usize, minute: u32, digest: u64): void {
  readsAndChanges(ctx, MINUTES | RECENTS);
  store<u64>(ctx + BUCKETS_AT + ((minute & (BUCKETS - 1)) << 3), digest);
  store<u32>(ctx + RECENTS_AT + ((minute & (BUCKETS - 1)) << 2), <u32>digest);
}
/** Accepted records while a group is walked (u16 each), in the order in which they begin and in that in which they end. */
// @inline
export function startsAt(ctx: usize): usize {
  return ctx + INTENT_SCRATCH_AT;
}

// @inline
export function boundsAt(ctx: usize): usize {
  return ctx + INTENT_SCRATCH_AT + INTENTS_MAX * 2;
}

// @inline
export function resourceGroup(resource: u32): u32 {
  return resource >>> 16;
}
// @inline
export function resourceUnit(resource: u32): u32 {
  return resource & 0xffff;
}

if (BOOTS_MAX >= 1 << (32 - VERSION_BITS)) ERROR('a version holds the number of its boot');
if (offsetof<Intent>('priority') != 60 || offsetof<Intent>('echo') != 62) ERROR('the echo shares a word');
if (BUCKETS != 16) ERROR('minutes fill their lines');
if ((BUCKETS & (BUCKETS - 1)) != 0) ERROR('buckets are indexed by mask');
if (INTENTS_MAX > NO_INDEX) ERROR('records are indexed by u16');

// Stores intents: boot, and removal of intents that are false, finished or expired.

import {
  INTENTS_MAX,
  NO_INDEX,
  RETENTION_S,
  EVENT_BYTES_MAX,
  MEMBERS_MAX,
  MEMBER_WORDS,
  TICKS_UNTIL_SILENT,
  EVENTS_MAX,
} from '../memory/limits';
import { SCRATCH_OUT_AT, INTENT_INDEX_AT } from '../memory/map';
import { lineOf, replacesLine } from '../memory/guard';
import { queues, missionS } from '../node/table';
import { eventSpace, eventDone } from '../node/queues';
import { liveWord, silentAt, membership } from '../membership/table';
import {
  LINE_BYTES,
  OWN_SLOTS,
  GROUPS_MAX,
  KIND_PLACEHOLDER,
  LIVENESS_TICK_S,
  LEASE_S,
  ROUND_S,
} from '../wire/generated/codes';
import { Stored, encodeStored } from '../wire/generated/messages';
import {
  intents,
  intentsToChange,
  intent,
  intentSeen,
  intentToChange,
  readIntents,
  setIntentIndex,
  groupToChange,
  resourceGroup,
  Intent,
} from './table';
import { accountOwner, slotTerm, versionHash, accountChange } from './digest';
import { invalidateHigherSlots } from './quota';
import { unlink } from './chain';
import { boundOfSilent } from './arbitration';
import { contentHashOf } from './version';

const INDEX_LINES: u32 = (MEMBERS_MAX * OWN_SLOTS * 2 + LINE_BYTES - 1) / LINE_BYTES;

/** Entries of the ring of events that an eviction of many intents leaves free. */
const EVENTS_SPARE: u32 = 4;
/**
 * A placeholder is evicted after this, seconds: no lease is left that this node agreed to before it
 * stored the forgery.
 */
const PLACEHOLDER_S: u32 = LEASE_S + ROUND_S;

/** Boots the store: no intent, all records free. */
export function intentsBoot(ctx: usize): void {
  const state = intentsToChange(ctx);
  for (let i: u32 = 0; i < INDEX_LINES; i++) replacesLine(ctx, lineOf(INTENT_INDEX_AT) + i);
  memory.fill(ctx + INTENT_INDEX_AT, 0xff, MEMBERS_MAX * OWN_SLOTS * 2);
  for (let i: u32 = 0; i < INTENTS_MAX; i++)
    intentToChange(ctx, i).next = <u16>(i + 1 < INTENTS_MAX ? i + 1 : NO_INDEX);
  for (let i: u32 = 0; i < GROUPS_MAX; i++) {
    groupToChange(ctx, i).first = <u16>NO_INDEX;
    groupToChange(ctx, i).dirtyFrom = <u16>NO_INDEX;
  }
  state.free = 0;
  state.nextEvictionS = 0xffffffff;
}

/** Emits the event that a record is stored in `state`; 0 = it is removed. */
export function emitStored(ctx: usize, record: Intent, state: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Stored>(ctx + SCRATCH_OUT_AT);
  m.owner = record.owner;
  m.slot = record.slot;
  m.version = record.version;
  m.state = state;
  m.publishedS = record.publishedS;
  eventDone(ctx, at, encodeStored(at, at + EVENT_BYTES_MAX - 1, m));
}

/**
 * Removes a record. The change counts as of `atS`, so that nodes agree on it whenever they remove
 * the record.
 */
function remove(ctx: usize, index: u32, atS: u32): void {
  const state = intentsToChange(ctx);
  const record = intentToChange(ctx, index);
  const delta = <u64>0 - versionHash(record.owner, record.slot, record.version, contentHashOf(record));
  unlink(ctx, index);
  setIntentIndex(ctx, record.owner, record.slot, NO_INDEX);
  accountChange(ctx, atS, delta);
  accountOwner(ctx, record.owner, 0 - slotTerm(record.owner, record.slot, record.version));
  invalidateHigherSlots(ctx, record.owner, record.slot);
  emitStored(ctx, record, 0);
  record.state = 0;
  record.next = <u16>state.free;
  state.free = index;
  state.count--;
}

/**
 * Retracts a version that was proved false: as if it had never been received. Until its owner sends
 * the true one again, the place only seems free.
 */
export function retract(ctx: usize, index: u32): void {
  const record = intent(ctx, index);
  groupToChange(ctx, resourceGroup(record.resource)).freedS = missionS(ctx);
  remove(ctx, index, record.publishedS);
}

/**
 * Puts a placeholder for the version that its owner's statement confirms in the place of a forgery.
 * The place is never empty: the digest of the present round contains the owner's version, so
 * others must not settle on its unit here. The confirmed version is newer than the placeholder.
 */
export function replaceByPlaceholder(ctx: usize, index: u32, confirmedVersion: u32): void {
  const record = intentToChange(ctx, index);
  const owner: u32 = record.owner;
  const before = slotTerm(owner, record.slot, record.version);
  const forged = versionHash(owner, record.slot, record.version, contentHashOf(record));
  emitStored(ctx, record, 0);
  record.version = confirmedVersion - 1;
  record.kind = <u8>KIND_PLACEHOLDER;
  const delta = versionHash(owner, record.slot, record.version, contentHashOf(record)) - forged;
  accountChange(ctx, record.publishedS, delta);
  accountOwner(ctx, owner, slotTerm(owner, record.slot, record.version) - before);
}

/**
 * Evicts at a round's cut what ended RETENTION_S before it. It counts as before the cut on all
 * nodes. The caller has checked the lines of all records.
 */
export function evictFinished(ctx: usize, cutS: u32): void {
  let left = intents(ctx).count;
  let at = changetype<usize>(intentSeen(ctx, 0));
  for (let i: u32 = 0; i < INTENTS_MAX && left != 0; i++, at += LINE_BYTES) {
    const record = changetype<Intent>(at);
    if (record.state == 0) continue;
    left--;
    const isOver = <u32>record.kind == KIND_PLACEHOLDER && record.publishedS + PLACEHOLDER_S <= cutS;
    if (isOver || record.endS + RETENTION_S <= cutS) remove(ctx, i, 0);
  }
}

/** Members of word `word` that were silent at the cut, and are still. */
// @inline
function stillSilentWord(ctx: usize, word: u32): u32 {
  return load<u32>(silentAt(ctx) + (word << 2)) & ~liveWord(ctx, word);
}

function isAnyoneStillSilent(ctx: usize): bool {
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) if (stillSilentWord(ctx, word) != 0) return true;
  return false;
}

/**
 * Evicts the claims of silent owners when their lease hold has ended (INT-5). They count as of that
 * second. What has ended binds nobody and stays for its retention: to a member back from a contact
 * window all owners seem silent, and it would lack what the others still have in their digests.
 */
export function evictExpired(ctx: usize): void {
  const state = intents(ctx);
  const now = missionS(ctx);
  // A node that has just booted has heard nobody: the others only seem silent.
  if (now < state.nextEvictionS || now < membership(ctx).bootS + TICKS_UNTIL_SILENT * LIVENESS_TICK_S) return;
  let next: u32 = 0xffffffff;
  readIntents(ctx);
  let left = isAnyoneStillSilent(ctx) ? state.count : 0;
  let at = changetype<usize>(intentSeen(ctx, 0));
  for (let i: u32 = 0; i < INTENTS_MAX && left != 0; i++, at += LINE_BYTES) {
    const record = changetype<Intent>(at);
    if (record.state == 0) continue;
    left--;
    if (record.endS <= now) continue;
    // A member that was silent at the cut may be back: its intents stay.
    if (((stillSilentWord(ctx, <u32>record.owner >>> 5) >>> (record.owner & 31)) & 1) == 0) continue;
    const boundS = boundOfSilent(ctx, record);
    if (boundS > now) {
      if (boundS < next) next = boundS;
      continue;
    }
    // Each eviction is an event. When the ring is nearly full, the next call continues.
    if (<u32>queues(ctx).eventCount >= EVENTS_MAX - EVENTS_SPARE) next = now;
    else remove(ctx, i, boundS);
  }
  intentsToChange(ctx).nextEvictionS = next;
}

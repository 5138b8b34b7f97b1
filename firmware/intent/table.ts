// The intents held, one record each, and this node's own slots: layout and accessors. See README.md for the ideas.

import { INTENTS_MAX, OWN_SLOTS, NO_INDEX, BUCKETS, BOOTS_MAX, RUMORS_MAX } from '../memory/limits';
import {
  INTENT_STATE_AT,
  INTENTS_AT,
  INTENT_INDEX_AT,
  OWN_AT,
  GROUPS_AT,
  NOTICES_AT,
  BUCKETS_AT,
  RECENTS_AT,
  RUMORS_AT,
  INTENT_SCRATCH_AT,
  LINES_AT,
} from '../memory/map';
import {
  changes,
  changesLine,
  lineOf,
  reads,
  readsLine,
  readsLines,
  sweepsLines,
  readsAndChanges,
} from '../memory/guard';

export const PLANNED: u32 = 1;
export const CLAIMED: u32 = 2;
export const STARTED: u32 = 3;
export const DONE: u32 = 4;
export const WITHDRAWN: u32 = 5;

export const KIND_MINE: u32 = 1;
export const KIND_HAUL: u32 = 2;
export const KIND_MOVE: u32 = 3;
export const KIND_MAINTAIN: u32 = 4;
export const KIND_REPLICATE: u32 = 5;

export const VERDICT_UNKNOWN: u32 = 0;
export const VERDICT_ACCEPTED: u32 = 1;
export const VERDICT_REFUSED: u32 = 2;

@unmanaged
export class IntentState {
  count: u32 = 0;
  /** First record of the free list. */
  free: u32 = 0;
  /** Running digest of all intents and notices held, and its 32-bit part for anti-entropy. */
  digest: u64 = 0;
  recent: u32 = 0;
  /** Mission minute of the newest bucket. */
  minute: u32 = 0;
  /** Version counter of this single writer (low VERSION_BITS; incarnation above). */
  version: u32 = 0;
  noticeCount: u32 = 0;
  noticeSum: u32 = 0;
  /** Of a frame just heard: the record of a claim that is to be checked, plus one. */
  claimToCheck: u32 = 0;
  rumorNext: u32 = 0;
  /** Mission second before which nothing new is planned; and the last epoch in which planning was tried. */
  planAfterS: u32 = 0;
  planRound: u32 = 0;
  haulAfterS: u32 = 0;
  /** Local second of the last exchange of digests begun here. */
  syncS: u32 = 0;
  /** Mission second at which the next gone owner's hold ends (0xffffffff = none known). */
  nextDropS: u32 = 0;
  attempts: u32 = 0;
  /** Predicted time without radio: mission seconds, and 1 once claims were extended for it. */
  outlookFromS: u32 = 0;
  outlookUntilS: u32 = 0;
  outlookKind: u32 = 0;
  /** 1 = own claims wait for agreement. */
  unsettled: u32 = 0;
  /** A peer's question for what was published lately: its index, and from when on. The newest is answered with the next tick. */
  sincePeer: u32 = 0;
  sinceFromS: u32 = 0;
}

/** One intent. 64 bytes; hot fields of arbitration first. */
@unmanaged
export class Intent {
  startS: u32 = 0;
  endS: u32 = 0;
  /** Where it stops to bind others: endS, or the end of its gone owner's lease and guard. */
  boundS: u32 = 0;
  /** kg/day */
  rate: u32 = 0;
  /** group << 16 | unit */
  resource: u32 = 0;
  /** Next in arbitration order in its group's chain. */
  next: u16 = 0;
  state: u8 = 0;
  verdict: u8 = 0;
  /** Arbitration order, ascending: started, priority, claimS, hash. */
  orderHigh: u32 = 0;
  orderLow: u32 = 0;
  owner: u16 = 0;
  slot: u8 = 0;
  kind: u8 = 0;
  version: u32 = 0;
  claimS: u32 = 0;
  publishedS: u32 = 0;
  nonce: u32 = 0;
  read: u32 = 0;
  leaseS: u32 = 0;
  priority: u8 = 0;
  generation: u8 = 0;
  /** Low 16 bits of the mission second when this version was last heard or sent as a broadcast. */
  echo: u16 = 0;
}

/** One of this node's own slots: what the record cannot say. 32 bytes. */
@unmanaged
export class Own {
  /** 0 = nothing is settled; else the version that settled, and what it may do. */
  settledVersion: u32 = 0;
  settledStartS: u32 = 0;
  settledEndS: u32 = 0;
  settledRate: u32 = 0;
  settledResource: u32 = 0;
  settledLeaseS: u32 = 0;
  /** 1 = the platform was told to start. */
  running: u8 = 0;
  /** 1 = given from outside (assign), not planned here. */
  assigned: u8 = 0;
  /** How many times more the newest version is broadcast, once a period. */
  retell: u16 = 0;
  /** 1 = a version that was over was brought back, and is withdrawn with the next tick. */
  returned: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
}

/** A resource group. 32 bytes, two to a line. */
@unmanaged
export class Group {
  kind: u32 = 0;
  units: u32 = 0;
  /** kg/day, as configured or as the newest notice says. */
  capacity: u32 = 0;
  loadKg: u32 = 0;
  /** First record of the chain. */
  first: u16 = 0;
  /** Verdicts are valid before this record; NO_INDEX = all are. */
  dirtyFrom: u16 = 0;
  length: u16 = 0;
  pad0: u16 = 0;
  pad1: u64 = 0;
}

/** A fact about a resource. 16 bytes. */
@unmanaged
export class Notice {
  group: u16 = 0;
  unit: u16 = 0;
  capacity: u32 = 0;
  observedS: u32 = 0;
  observer: u16 = 0;
  echo: u16 = 0;
}

export const INTENT_BYTES: u32 = 64;
export const OWN_BYTES: u32 = 32;
export const GROUP_BYTES: u32 = 32;
export const NOTICE_BYTES: u32 = 16;
export const RUMOR_BYTES: u32 = 4;

/** Versions of one incarnation: the low bits count, the others say which boot published it, so that a restarted node never reuses one. */
export const VERSION_BITS: u32 = 19;

/** Core lines: of the state (it begins in the third line of membership's), of the minutes, of rumours, of own slots. */
export const HELD: u32 =
  (2 << ((INTENT_STATE_AT + 96 - 1 - LINES_AT) >> 6)) - (1 << ((INTENT_STATE_AT - LINES_AT) >> 6));
const MINUTES: u32 = (1 << ((RECENTS_AT - LINES_AT) >> 6)) - (1 << ((BUCKETS_AT - LINES_AT) >> 6));
const RECENTS: u32 = 1 << ((RECENTS_AT - LINES_AT) >> 6);
export const RUMORS: u32 =
  (2 << ((RUMORS_AT + RUMORS_MAX * RUMOR_BYTES - 1 - LINES_AT) >> 6)) - (1 << ((RUMORS_AT - LINES_AT) >> 6));
const OWN_LINES: u32 =
  (2 << ((OWN_AT + OWN_SLOTS * OWN_BYTES - 1 - LINES_AT) >> 6)) - (1 << ((OWN_AT - LINES_AT) >> 6));

// @inline
export function intents(ctx: usize): IntentState {
  return changetype<IntentState>(ctx + INTENT_STATE_AT);
}
// @inline
export function intentsToChange(ctx: usize): IntentState {
  changes(ctx, HELD);
  return intents(ctx);
}
export function intent(ctx: usize, index: u32): Intent {
  readsLine(ctx, lineOf(INTENTS_AT) + index);
  return intentSeen(ctx, index);
}
export function intentToChange(ctx: usize, index: u32): Intent {
  changesLine(ctx, lineOf(INTENTS_AT) + index);
  return intentSeen(ctx, index);
}
/** A record that was read in this call before. */
// @inline
export function intentSeen(ctx: usize, index: u32): Intent {
  return changetype<Intent>(ctx + INTENTS_AT + index * INTENT_BYTES);
}
/** Offset of the word of priority, generation and echo. */
// @inline
export function echoWordAt(index: u32): u32 {
  return INTENTS_AT + index * INTENT_BYTES + offsetof<Intent>('priority');
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
export function own(ctx: usize, slot: u32): Own {
  reads(ctx, OWN_LINES);
  return changetype<Own>(ctx + OWN_AT + slot * OWN_BYTES);
}
export function ownToChange(ctx: usize, slot: u32): Own {
  changes(ctx, OWN_LINES);
  return own(ctx, slot);
}
export function group(ctx: usize, index: u32): Group {
  readsLine(ctx, lineOf(GROUPS_AT) + (index >>> 1));
  return changetype<Group>(ctx + GROUPS_AT + index * GROUP_BYTES);
}
export function groupToChange(ctx: usize, index: u32): Group {
  changesLine(ctx, lineOf(GROUPS_AT) + (index >>> 1));
  return changetype<Group>(ctx + GROUPS_AT + index * GROUP_BYTES);
}
export function notice(ctx: usize, index: u32): Notice {
  readsLine(ctx, lineOf(NOTICES_AT) + (index >>> 2));
  return changetype<Notice>(ctx + NOTICES_AT + index * NOTICE_BYTES);
}
/** Before walks over all notices. */
export function readNotices(ctx: usize): void {
  readsLines(ctx, lineOf(NOTICES_AT), lineOf(NOTICES_AT) + ((intents(ctx).noticeCount + 3) >>> 2));
}
export function noticeToChange(ctx: usize, index: u32): Notice {
  changesLine(ctx, lineOf(NOTICES_AT) + (index >>> 2));
  return notice(ctx, index);
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
/** Rumor i: record index (u16), times left (u16). The caller says so when it changes one. */
export function rumorAt(ctx: usize, index: u32): usize {
  reads(ctx, RUMORS);
  return ctx + RUMORS_AT + index * RUMOR_BYTES;
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
if (offsetof<IntentState>() > 96) ERROR('room for the state of intents');
if (offsetof<Intent>() != INTENT_BYTES) ERROR('stride of the intent table');
if (offsetof<Own>() != OWN_BYTES) ERROR('stride of the own slots');
if (offsetof<Group>() != GROUP_BYTES) ERROR('stride of the groups');
if (offsetof<Notice>() != NOTICE_BYTES) ERROR('stride of the notices');
if (BUCKETS != 16) ERROR('minutes fill their lines');
if ((BUCKETS & (BUCKETS - 1)) != 0) ERROR('buckets are indexed by mask');
if (INTENTS_MAX > NO_INDEX) ERROR('records are indexed by u16');

// Computes digests of the store as of now and as of any recent minute (INT-4, CVG-2): sums of
// hashes of versions, which do not depend on the order of arrival.

import { AHEAD_MINUTES, BUCKETS, BUCKET_S, INTENTS_MAX, MEMBERS_MAX } from '../memory/limits';
import { mix64 } from '../base/hash';
import { members, missionS } from '../node/table';
import { INTENT_SCRATCH_AT } from '../memory/map';
import { changes } from '../memory/guard';
import { member, membership, memberToChange, VIEW } from '../membership/table';
import { roundCutS } from '../membership/calendar';
import { restartAgreement } from '../membership/quorum';
import {
  intents,
  intentsToChange,
  intent,
  intentSeen,
  notice,
  Notice,
  bucketDigest,
  bucketRecent,
  setBucket,
} from './table';
import { contentHashOf } from './version';

/** Hash of owner, intent slot and version. */
export function identityHash(owner: u32, slot: u32, version: u32): u64 {
  return mix64(((<u64>((owner << 3) | slot)) << 32) | <u64>version);
}

/**
 * A stored version's term of the digest. It covers the content: nodes that store two contents do
 * not agree.
 */
export function versionHash(owner: u32, slot: u32, version: u32, contentHash: u32): u64 {
  return mix64(((<u64>((owner << 3) | slot)) << 32) ^ <u64>version ^ ((<u64>contentHash) << 13));
}

/** A notice's term of the sum that anti-entropy compares. */
export function noticeHash(group: u32, unit: u32, observedS: u32, observer: u32, capacity: u32): u32 {
  return <u32>(
    mix64(
      mix64(capacity) ^
        ((<u64>((group << 16) | unit)) << 32) ^
        <u64>observedS ^
        ((<u64>observer) << 21) ^
        ((<u64>1) << 63),
    )
  );
}

/** Term of a stored notice. */
export function noticeHashOf(fact: Notice): u32 {
  return noticeHash(fact.group, fact.unit, fact.observedS, fact.observer, fact.capacity);
}

/**
 * Opens the buckets of the minutes that have begun. It is called before digests are read or
 * written.
 */
export function turnMinute(ctx: usize): void {
  const state = intents(ctx);
  const minute = missionS(ctx) / BUCKET_S;
  if (minute <= state.minute && state.minute != 0) return;
  let from = state.minute + 1;
  if (state.minute == 0 || minute - state.minute > BUCKETS) from = minute > BUCKETS ? minute - BUCKETS + 1 : 0;
  for (let m = from; m <= minute; m++) setBucket(ctx, m + AHEAD_MINUTES, 0);
  intentsToChange(ctx).minute = minute;
}

/** Adds a change of the store to the digests, as of mission second `atS` (its publication). */
export function accountChange(ctx: usize, atS: u32, delta: u64): void {
  addToBuckets(ctx, atS, delta);
  const view = membership(ctx);
  if (view.round != 0 && atS < roundCutS(view.round)) {
    view.digest += delta;
    changes(ctx, VIEW);
    restartAgreement(ctx);
  }
}

function addToBuckets(ctx: usize, atS: u32, delta: u64): void {
  const state = intentsToChange(ctx);
  state.digest += delta;
  state.recent += <u32>delta;
  const minute = atS / BUCKET_S;
  if (minute + BUCKETS > state.minute + AHEAD_MINUTES + 1 && minute <= state.minute + AHEAD_MINUTES) {
    setBucket(ctx, minute, bucketDigest(ctx, minute) + delta);
  }
}

/**
 * An intent slot's term of the sum of its owner, by which exchanges find what a peer lacks. It
 * covers the version alone: a content that differs under one version is not sent again and again.
 */
export function slotTerm(owner: u32, slot: u32, version: u32): u32 {
  return <u32>identityHash(owner, slot, version);
}

/** Adds a change of an intent slot's term to the sum of its owner. */
export function accountOwner(ctx: usize, owner: u32, delta: u32): void {
  memberToChange(ctx, owner).intentSum += delta;
}

/**
 * Digest of what was published before mission second `cutS`: a whole minute, at most BUCKETS −
 * AHEAD_MINUTES − 1 minutes ago.
 */
export function digestAsOf(ctx: usize, cutS: u32): u64 {
  const state = intents(ctx);
  let digest = state.digest;
  for (let m = cutS / BUCKET_S; m <= state.minute + AHEAD_MINUTES; m++) digest -= bucketDigest(ctx, m);
  return digest;
}

/**
 * 32-bit digest of the intents that were published before the minute that precedes the minute of
 * `atS`, and of the notices stored now.
 */
export function recentAsOf(ctx: usize, atS: u32): u32 {
  const state = intents(ctx);
  let digest = state.recent + state.noticeSum;
  const minute = atS / BUCKET_S;
  for (let m = minute > 0 ? minute - 1 : 0; m <= state.minute + AHEAD_MINUTES; m++) digest -= bucketRecent(ctx, m);
  return digest;
}

/**
 * Whether a sum that is kept over the stored intents and notices differs from what the records
 * give. The caller has checked the lines of all records. Sums per minute are not compared: a
 * version that was replaced is no longer among the records.
 */
export function sumsDiffer(ctx: usize): bool {
  const state = intents(ctx);
  const sums = ctx + INTENT_SCRATCH_AT;
  memory.fill(sums, 0, MEMBERS_MAX << 2);
  let digest: u64 = 0;
  let count: u32 = 0;
  for (let i: u32 = 0; i < INTENTS_MAX; i++) {
    const record = intentSeen(ctx, i);
    if (record.state == 0) continue;
    const hash = versionHash(record.owner, record.slot, record.version, contentHashOf(record));
    const at = sums + (min<u32>(record.owner, MEMBERS_MAX - 1) << 2);
    store<u32>(at, load<u32>(at) + slotTerm(record.owner, record.slot, record.version));
    digest += hash;
    count++;
  }
  let notices: u32 = 0;
  for (let i: u32 = 0; i < state.noticeCount; i++) notices += noticeHashOf(notice(ctx, i));
  if (digest != state.digest || <u32>digest != state.recent || count != state.count || notices != state.noticeSum)
    return true;
  for (let owner: u32 = 0; owner < members(ctx); owner++)
    if (member(ctx, owner).intentSum != load<u32>(sums + (owner << 2))) return true;
  return false;
}

/**
 * Recomputes all sums from the store after a record was lost (RAD-1). A version that replaced
 * another one in these minutes is counted as if there had been no other: the digest of the round
 * may be wrong until the next cut.
 */
export function recomputeDigests(ctx: usize): void {
  const state = intentsToChange(ctx);
  state.digest = 0;
  state.recent = 0;
  for (let m: u32 = 0; m < BUCKETS; m++) setBucket(ctx, m, 0);
  for (let owner: u32 = 0; owner < MEMBERS_MAX; owner++) memberToChange(ctx, owner).intentSum = 0;
  for (let i: u32 = 0; i < INTENTS_MAX; i++) {
    const record = intent(ctx, i);
    if (record.state == 0) continue;
    const hash = versionHash(record.owner, record.slot, record.version, contentHashOf(record));
    addToBuckets(ctx, record.publishedS, hash);
    accountOwner(ctx, record.owner, slotTerm(record.owner, record.slot, record.version));
  }
  state.noticeSum = 0;
  for (let i: u32 = 0; i < state.noticeCount; i++) state.noticeSum += noticeHashOf(notice(ctx, i));
  const view = membership(ctx);
  if (view.round == 0) return;
  view.digest = digestAsOf(ctx, roundCutS(view.round)) + view.memberDigest;
  changes(ctx, VIEW);
  restartAgreement(ctx);
}

if (MEMBERS_MAX > INTENTS_MAX) ERROR('a sum per member fits the scratch of arbitration');

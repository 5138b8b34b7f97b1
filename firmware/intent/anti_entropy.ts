// Repairs differences between stores (anti-entropy, FLT-3): a node whose digest differs from a
// peer's sends it four bits of each owner's digest. A peer that agrees with a majority sends the
// versions of owners that differ; another one sends what versions it has of them. The cost is
// proportional to the difference: a member that missed much gets it in one exchange, because its
// own frames are what it lacks most.

import { CONTAINED, BROADCAST_PAUSE_S, INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { node, members, missionS, self, leaveToTick, DUE_SINCE } from '../node/table';
import {
  isCongested,
  send,
  SEND_SINCE,
  SEND_INTENT,
  SEND_SYNC_DIGEST,
  SEND_OWNER_SUMMARY,
  SEND_NOTICE,
  SEND_NOTICE_SUMMARY,
  SEND_SILENT_LIST,
  SEND_DECISION,
  SEND_PROOF,
  SEND_STATEMENT,
} from '../node/outbox';
import { fold32 } from '../base/hash';
import { call, setWord } from '../memory/guard';
import { majorityAgrees } from '../membership/quorum';
import { isWindow } from '../membership/decision';
import { decision, hearing, membership, member } from '../membership/table';
import { VERSION_BITS, ADDRESSEE_ALL, OWN_SLOTS } from '../wire/generated/codes';
import {
  SyncDigest,
  SYNC_DIGEST_STRUCT_BYTES,
  OwnerSummary,
  ownerSummaryEntryAt,
  NoticeSummary,
  noticeSummaryEntryAt,
} from '../wire/generated/messages';
import { requestStatement } from './statement/signing';
import { isConfirmed } from './statement/store';
import { isOverQuota } from './quota';
import {
  Intent,
  intents,
  intentsToChange,
  intent,
  broadcastWordAt,
  intentIndex,
  notice,
  statements,
  statement,
} from './table';

/** Owners that differ and are followed at once: the next exchange finds the rest. */
const FOLLOW_MAX: u32 = 4;
/** A version that was published so long ago is not on its way to the peer any more, seconds. */
const SPREAD_S: u32 = 60;
/** Local seconds between exchanges that this node begins. */
const SYNC_EVERY_S: u32 = 20;
/**
 * After a gap in hearing of this length a node asks for what was published meanwhile: for so many
 * seconds after the gap, and from this long before it.
 */
const SINCE_GAP_S: u32 = 120;
const SINCE_ASK_S: u32 = 180;
export const SINCE_MARGIN_S: u32 = 120;
/** Members that answer such a request, about, and the members for each share of the owners. */
const SINCE_ANSWERS: u32 = 24;
const SINCE_SHARE_MEMBERS: u32 = 12;
const SINCE_SHARES_MAX: u32 = 8;
/** A peer with a forged version gets a statement no older than this, seconds. */
const STATEMENT_EVERY_S: u32 = 60;
/** Records that one answer has at most. */
const SINCE_MAX: u32 = 8;
/** Notices in one summary. */
const NOTICE_WINDOW: u32 = 12;

/**
 * Begins an exchange with a peer whose store differs. `inRound`: its digest of the round does, too.
 * Then a node that agrees with a majority waits for the peer's digests: it is the peer that lacks
 * something.
 */
export function beginSync(ctx: usize, peer: u32, inRound: bool): void {
  const state = intents(ctx);
  const now = call(ctx).localS;
  if (state.syncS != 0 && now - state.syncS < SYNC_EVERY_S) return;
  // If an insider keeps views apart, exchanges must not keep this node from answering probes.
  if (CONTAINED && isCongested(ctx)) return;
  intentsToChange(ctx).syncS = now;
  // After a restart this node first needs what it published itself.
  if (membership(ctx).leaseUntilS == 0) send(ctx, SEND_OWNER_SUMMARY, peer, self(ctx), 0);
  if (!inRound || !majorityAgrees(ctx)) send(ctx, SEND_SYNC_DIGEST, peer, 0, 0);
  send(ctx, SEND_NOTICE_SUMMARY, peer, 1, 0);
  send(ctx, SEND_SILENT_LIST, peer, 0, 0);
  if (decision(ctx).number != 0 && isWindow(ctx)) send(ctx, SEND_DECISION, peer, 0, 0);
  // A peer that was out of contact when the proof was broadcast gets it with every fourth exchange.
  const proof = statements(ctx).proofA;
  if (CONTAINED && proof != 0 && ((now / SYNC_EVERY_S) & 3) == 0)
    send(ctx, SEND_PROOF, peer, statement(ctx, proof - 1).owner, 0);
}

/** Offers this node's digests to the member that it probes, if it knew no majority lately. */
export function offerDigest(ctx: usize): void {
  const target: u32 = hearing(ctx).probeTarget;
  if (target != 0 && !agreedLately(ctx)) send(ctx, SEND_SYNC_DIGEST, target - 1, 0, 0);
}

/** Whether this node agreed with a majority in this round or the one before. */
export function agreedLately(ctx: usize): bool {
  const view = membership(ctx);
  return view.quorumRound != 0 && view.quorumRound + 1 >= view.round;
}

/** Four bits of the digest of an owner's intents, under a salt. */
function partOf(ctx: usize, owner: u32, salt: u32): u32 {
  return owner < members(ctx) ? fold32(member(ctx, owner).intentSum, salt) >>> 28 : 0;
}

/** Composes the digests of all owners, in the outgoing scratch. */
export function composeSyncDigest(ctx: usize): SyncDigest {
  const m = changetype<SyncDigest>(ctx + SCRATCH_OUT_AT);
  const at: usize = ctx + SCRATCH_OUT_AT + SYNC_DIGEST_STRUCT_BYTES;
  const salt = (missionS(ctx) / SYNC_EVERY_S) & 0xff;
  const count = members(ctx);
  for (let owner: u32 = 0; owner < count; owner += 2)
    store<u8>(at + (owner >>> 1), <u8>(partOf(ctx, owner, salt) | (partOf(ctx, owner + 1, salt) << 4)));
  m.salt = salt;
  m.partsAt = <u32>at;
  m.partsLength = (count + 1) >>> 1;
  return m;
}

/** Whether received digests are of this cluster's members. */
export function syncPlausible(ctx: usize, m: SyncDigest): bool {
  return m.partsLength == (members(ctx) + 1) >>> 1;
}

/**
 * Follows owners that differ. The walk begins elsewhere each time and on each node, so that owners
 * which stay different do not keep later ones waiting, and peers do not send the same ones.
 */
export function onSyncDigest(ctx: usize, sender: u32, m: SyncDigest): void {
  const count = members(ctx);
  const begin = (missionS(ctx) / SYNC_EVERY_S) * FOLLOW_MAX + self(ctx);
  const pushes = agreedLately(ctx);
  let followed: u32 = 0;
  for (let i: u32 = 0; i < count && followed < FOLLOW_MAX; i++) {
    const owner = (begin + i) % count;
    const part: u32 = (<u32>load<u8>(m.partsAt + (owner >>> 1)) >>> ((owner & 1) << 2)) & 15;
    if (part == partOf(ctx, owner, m.salt)) continue;
    if (pushes && isCongested(ctx)) return;
    // Of its own intents a node has the newest versions, unless it restarted.
    if (pushes && owner != sender) sendVersions(ctx, sender, owner);
    else send(ctx, SEND_OWNER_SUMMARY, sender, owner, 1);
    followed++;
  }
}

/** Sends the versions of an owner that had time to spread. */
function sendVersions(ctx: usize, peer: u32, owner: u32): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = intentIndex(ctx, owner, slot);
    if (index != NO_INDEX && hasSpread(ctx, intent(ctx, index))) sendVersion(ctx, peer, intent(ctx, index));
  }
}

/** Whether a version was published long enough ago to have reached all members. */
function hasSpread(ctx: usize, record: Intent): bool {
  return record.publishedS + SPREAD_S <= missionS(ctx);
}

/** Sends a version to a peer, after the owner's statement if that confirms it. */
function sendVersion(ctx: usize, peer: u32, record: Intent): void {
  if (isConfirmed(ctx, record)) send(ctx, SEND_STATEMENT, peer, record.owner, record.slot);
  send(ctx, SEND_INTENT, peer, record.owner, record.slot);
}

/** Answers a peer that sent this node an older version than it has. */
export function answerStale(ctx: usize, owner: u32, slot: u32, version: u32): void {
  const index = intentIndex(ctx, owner, slot);
  if (index == NO_INDEX || isCongested(ctx)) return;
  const record = intent(ctx, index);
  if (record.version > version && hasSpread(ctx, record)) sendVersion(ctx, call(ctx).sender, record);
}

/** Asks all members, once per period, for what was published during a gap in hearing. */
export function askSince(ctx: usize): void {
  const view = membership(ctx);
  if (view.gapStartS <= SINCE_MARGIN_S || view.gapEndS - view.gapStartS < SINCE_GAP_S) return;
  if (missionS(ctx) < view.gapEndS + SINCE_ASK_S) send(ctx, SEND_SINCE, ADDRESSEE_ALL, 0, 0);
}

/**
 * Takes a member's request for recent versions; the next tick answers the newest one. Some
 * SINCE_ANSWERS members answer, others each minute.
 */
export function onSince(ctx: usize, sender: u32, fromS: u32): void {
  const oneIn = max<u32>(members(ctx) / SINCE_ANSWERS, 1);
  if ((self(ctx) + missionS(ctx) / 60) % oneIn != 0) return;
  intentsToChange(ctx).sincePeer = sender;
  intents(ctx).sinceFromS = fromS;
  leaveToTick(ctx, DUE_SINCE);
}

/**
 * Sends the versions of one share of the owners that were published since the requested time. The
 * share is another one each minute, and the walk begins elsewhere, so that repeated requests get
 * all.
 */
export function answerSince(ctx: usize): void {
  const sender = intents(ctx).sincePeer;
  const fromS = intents(ctx).sinceFromS;
  let sent: u32 = 0;
  const oneIn = max<u32>(members(ctx) / SINCE_ANSWERS, 1);
  const shares = min<u32>(max<u32>(members(ctx) / SINCE_SHARE_MEMBERS, 1), SINCE_SHARES_MAX);
  const share = (self(ctx) / oneIn + missionS(ctx) / 60) % shares;
  const begin = (missionS(ctx) / SYNC_EVERY_S) * SINCE_MAX;
  for (let i: u32 = 0; i < INTENTS_MAX && sent < SINCE_MAX; i++) {
    const record = intent(ctx, (begin + i) % INTENTS_MAX);
    if (record.state == 0 || record.publishedS < fromS || <u32>record.owner % shares != share) continue;
    sendVersion(ctx, sender, record);
    sent++;
  }
}

/**
 * Composes the versions of an owner, in the outgoing scratch. `answer`: 1 = the peer shall answer
 * in kind.
 */
export function composeOwnerSummary(ctx: usize, owner: u32, answer: u32): OwnerSummary {
  const m = changetype<OwnerSummary>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.answer = answer;
  let count: u32 = 0;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = intentIndex(ctx, owner, slot);
    if (index == NO_INDEX) continue;
    const entry = ownerSummaryEntryAt(m, count);
    entry.slot = slot;
    entry.version = intent(ctx, index).version;
    count++;
  }
  m.entriesLength = count;
  return m;
}

/**
 * Sends what the peer lacks, and a summary for what this node lacks if the peer wants an answer.
 */
export function onOwnerSummary(ctx: usize, sender: u32, m: OwnerSummary): void {
  let lacking = false;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    let theirs: u32 = 0;
    for (let i: u32 = 0; i < m.entriesLength; i++) {
      const entry = ownerSummaryEntryAt(m, i);
      if (entry.slot == slot) theirs = entry.version;
    }
    const index = intentIndex(ctx, m.owner, slot);
    const ours: u32 = index == NO_INDEX ? 0 : intent(ctx, index).version;
    if (m.owner == self(ctx) && isForged(ctx, index, ours, theirs))
      requestStatement(ctx, slot, missionS(ctx) - STATEMENT_EVERY_S);
    if (ours > theirs) sendIntent(ctx, sender, index);
    else if (ours < theirs) lacking = true;
  }
  if (lacking && m.answer != 0) send(ctx, SEND_OWNER_SUMMARY, sender, m.owner, 0);
}

/** Whether a peer's version of an own intent slot cannot be this node's. */
function isForged(ctx: usize, index: u32, ours: u32, theirs: u32): bool {
  if (!CONTAINED || theirs <= ours || theirs >>> VERSION_BITS < node(ctx).incarnation) return false;
  return index != NO_INDEX || theirs > intents(ctx).version;
}

/**
 * Sends an intent that a peer lacks: to all, because others may lack it; within BROADCAST_PAUSE_S
 * of a broadcast to the peer alone.
 */
function sendIntent(ctx: usize, peer: u32, index: u32): void {
  const record = intent(ctx, index);
  const addressee = isJustBroadcast(ctx, record) || isOverQuota(ctx, record.owner) ? peer : ADDRESSEE_ALL;
  // The peer may store the version only with the owner's statement, and the owner may be silent.
  if (isConfirmed(ctx, record)) send(ctx, SEND_STATEMENT, peer, record.owner, record.slot);
  send(ctx, SEND_INTENT, addressee, record.owner, record.slot);
}

/** Whether the stored version was broadcast within BROADCAST_PAUSE_S, by this node or another. */
export function isJustBroadcast(ctx: usize, record: Intent): bool {
  return record.lastBroadcast != 0 && <u32>(<u16>missionS(ctx) - record.lastBroadcast) < BROADCAST_PAUSE_S;
}

/** Notes that the stored version was just broadcast, by this node or another. */
export function noteBroadcast(ctx: usize, owner: u32, slot: u32): void {
  const stamp: u32 = <u16>missionS(ctx);
  setBroadcast(ctx, owner, slot, stamp == 0 ? 1 : stamp);
}

/** Notes that not all members have the content that was broadcast last. */
export function forgetBroadcast(ctx: usize, owner: u32, slot: u32): void {
  setBroadcast(ctx, owner, slot, 0);
}

function setBroadcast(ctx: usize, owner: u32, slot: u32, stamp: u32): void {
  const index = intentIndex(ctx, owner, slot);
  if (index == NO_INDEX) return;
  const record = intent(ctx, index);
  const rest = <u32>record.priority | ((<u32>record.generation) << 8);
  setWord(ctx, broadcastWordAt(index), rest | (stamp << 16));
}

/** Composes a summary of the notices, in the outgoing scratch. */
export function composeNoticeSummary(ctx: usize, answer: u32): NoticeSummary {
  const m = changetype<NoticeSummary>(ctx + SCRATCH_OUT_AT);
  const stored = intents(ctx).noticeCount;
  // The window moves with time, so that all notices are in it in turn.
  const from: u32 = stored > NOTICE_WINDOW ? (missionS(ctx) / SYNC_EVERY_S) % stored : 0;
  const count: u32 = stored < NOTICE_WINDOW ? stored : NOTICE_WINDOW;
  for (let i: u32 = 0; i < count; i++) {
    const fact = notice(ctx, (from + i) % stored);
    const entry = noticeSummaryEntryAt(m, i);
    entry.group = fact.group;
    entry.unit = fact.unit;
    entry.observedS = fact.observedS;
  }
  m.answer = answer;
  m.entriesLength = count;
  return m;
}

/**
 * Whether a summary has a notice that is not stored here, or is newer. An answer for nothing would
 * take a frame of its own.
 */
function lacksNotices(ctx: usize, m: NoticeSummary): bool {
  const stored = intents(ctx).noticeCount;
  for (let j: u32 = 0; j < m.entriesLength; j++) {
    const entry = noticeSummaryEntryAt(m, j);
    let observedS: u32 = 0;
    for (let i: u32 = 0; i < stored; i++) {
      const fact = notice(ctx, i);
      if (<u32>fact.group == entry.group && <u32>fact.unit == entry.unit) observedS = fact.observedS;
    }
    if (entry.observedS > observedS) return true;
  }
  return false;
}

/**
 * Sends notices that the peer lacks, and a summary if the peer answers and this node lacks some.
 */
export function onNoticeSummary(ctx: usize, sender: u32, m: NoticeSummary): void {
  const stored = intents(ctx).noticeCount;
  let sent: u32 = 0;
  for (let i: u32 = 0; i < stored && sent < FOLLOW_MAX; i++) {
    const fact = notice(ctx, i);
    let theirs: u32 = 0;
    for (let j: u32 = 0; j < m.entriesLength; j++) {
      const entry = noticeSummaryEntryAt(m, j);
      if (entry.group == <u32>fact.group && entry.unit == <u32>fact.unit) theirs = entry.observedS;
    }
    if (fact.observedS <= theirs) continue;
    send(ctx, SEND_NOTICE, sender, fact.group, fact.unit);
    sent++;
  }
  if (m.answer != 0 && lacksNotices(ctx, m)) send(ctx, SEND_NOTICE_SUMMARY, sender, 0, 0);
}

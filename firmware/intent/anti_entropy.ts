// Anti-entropy (FLT-3): two nodes whose digests differ narrow the difference down by ranges of owners, then exchange what differs. The
// cost is proportional to the difference times the depth of the narrowing (log₁₆ of the members), not to what is held.

import { VERSION_BITS } from '../wire/generated/codes';
import { ADDRESSEE_ALL, CONTAINED, ECHO_S, INTENTS_MAX, NO_INDEX, OWN_SLOTS } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { edge, members, missionS, self, leaveToTick, DUE_SINCE } from '../node/table';
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
  SEND_PROOF,
} from '../node/outbox';
import { call, setWord } from '../memory/guard';
import { membership, member } from '../membership/table';
import {
  SyncDigest,
  setSyncDigestDigestAt,
  syncDigestDigestAt,
  OwnerSummary,
  ownerSummaryEntryAt,
  NoticeSummary,
  noticeSummaryEntryAt,
} from '../wire/generated/messages';
import { isOverQuota } from './quota';
import { intents, intentsToChange, intent, echoWordAt, intentIndex, notice, statements, statement } from './table';
import { requestStatement } from './signing';

/** Ranges that one digest message tells, and how many differing ones are followed at once: the rest is found by the next exchange. */
const RANGES: u32 = 16;
const FOLLOW_MAX: u32 = 4;
/** Local seconds between exchanges begun here. */
const SYNC_EVERY_S: u32 = 20;
/** Who heard nothing lately asks for what was published meanwhile, for this long; and for a little from before. */
const SINCE_ASK_S: u32 = 900;
export const SINCE_MARGIN_S: u32 = 120;
/** Who holds what this node never published gets its word, of lately if not of now. */
const STATEMENT_EVERY_S: u32 = 60;
/** Records that one question gets. */
const SINCE_MAX: u32 = 8;
/** Ranges this short are not narrowed further: their owners' summaries take fewer frames. */
const SPAN_SMALL: u32 = 2;

/** The peer's view differs: begins to narrow it down. */
export function beginSync(ctx: usize, peer: u32): void {
  const state = intents(ctx);
  const now = call(ctx).localS;
  if (state.syncS != 0 && now - state.syncS < SYNC_EVERY_S) return;
  // Views that an insider keeps apart must not keep this node from answering probes.
  if (CONTAINED && isCongested(ctx)) return;
  intentsToChange(ctx).syncS = now;
  // After a restart what this node itself published comes first: without it nothing of its own can go on.
  if (membership(ctx).leaseUntilS == 0) send(ctx, SEND_OWNER_SUMMARY, peer, self(ctx), 0);
  const view = membership(ctx);
  if (view.gapStartS > SINCE_MARGIN_S && missionS(ctx) < view.gapEndS + SINCE_ASK_S) send(ctx, SEND_SINCE, peer, 0, 0);
  send(ctx, SEND_SYNC_DIGEST, peer, 0, (members(ctx) + RANGES - 1) / RANGES);
  send(ctx, SEND_NOTICE_SUMMARY, peer, 1, 0);
  send(ctx, SEND_SILENT_LIST, peer, 0, 0);
  // Who was away when a double-equivocator was proven one hears of it with every fourth exchange.
  const proof = statements(ctx).proofA;
  if (CONTAINED && proof != 0 && ((now / SYNC_EVERY_S) & 3) == 0)
    send(ctx, SEND_PROOF, peer, statement(ctx, proof - 1).owner, 0);
}

function sumOf(ctx: usize, first: u32, span: u32): u32 {
  let sum: u32 = 0;
  const count = members(ctx);
  for (let i = first; i < first + span && i < count; i++) sum += member(ctx, i).intentSum;
  return sum;
}

export function composeSyncDigest(ctx: usize, first: u32, span: u32): SyncDigest {
  const m = changetype<SyncDigest>(ctx + SCRATCH_OUT_AT);
  const count = members(ctx);
  m.first = first;
  m.span = span;
  let ranges: u32 = 0;
  while (ranges < RANGES && first + ranges * span < count) {
    setSyncDigestDigestAt(m, ranges, sumOf(ctx, first + ranges * span, span));
    ranges++;
  }
  m.digestsLength = ranges;
  return m;
}

export function syncPlausible(ctx: usize, m: SyncDigest): bool {
  return m.span >= 1 && m.span <= members(ctx) && m.first < members(ctx);
}

export function onSyncDigest(ctx: usize, sender: u32, m: SyncDigest): void {
  let followed: u32 = 0;
  for (let i: u32 = 0; i < m.digestsLength && followed < FOLLOW_MAX; i++) {
    const first = m.first + i * m.span;
    if (first >= members(ctx) || sumOf(ctx, first, m.span) == syncDigestDigestAt(m, i)) continue;
    followed++;
    if (m.span <= SPAN_SMALL) {
      for (let owner = first; owner < first + m.span && owner < members(ctx); owner++)
        send(ctx, SEND_OWNER_SUMMARY, sender, owner, 1);
    } else send(ctx, SEND_SYNC_DIGEST, sender, first, (m.span + RANGES - 1) / RANGES);
  }
}

export function onSince(ctx: usize, sender: u32, fromS: u32): void {
  intentsToChange(ctx).sincePeer = sender;
  intents(ctx).sinceFromS = fromS;
  leaveToTick(ctx, DUE_SINCE);
}

/** Gives what was published since a peer said, in an order that begins elsewhere each minute, so that in turn all is given. */
export function answerSince(ctx: usize): void {
  const sender = intents(ctx).sincePeer;
  const fromS = intents(ctx).sinceFromS;
  let given: u32 = 0;
  const begin = (missionS(ctx) / SYNC_EVERY_S) * SINCE_MAX;
  for (let i: u32 = 0; i < INTENTS_MAX && given < SINCE_MAX; i++) {
    const record = intent(ctx, (begin + i) % INTENTS_MAX);
    if (record.state == 0 || record.publishedS < fromS) continue;
    send(ctx, SEND_INTENT, sender, record.owner, record.slot);
    given++;
  }
}

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

/** Sends what the peer lacks; asks in kind for what we lack, if it wants an answer. */
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

/** Whether what a peer holds of this node's own slot cannot be this node's. */
function isForged(ctx: usize, index: u32, ours: u32, theirs: u32): bool {
  if (!CONTAINED || theirs <= ours || theirs >>> VERSION_BITS < edge(ctx).incarnation) return false;
  return index != NO_INDEX || theirs > intents(ctx).version;
}

/** What one lacks, others may lack: the first answer is a broadcast; within ECHO_S of one, only the peer gets it. */
function sendIntent(ctx: usize, peer: u32, index: u32): void {
  const record = intent(ctx, index);
  const recent = record.echo != 0 && <u32>(<u16>missionS(ctx) - record.echo) < ECHO_S;
  send(ctx, SEND_INTENT, recent || isOverQuota(ctx, record.owner) ? peer : ADDRESSEE_ALL, record.owner, record.slot);
}

/** The present version was just broadcast, by us or another. */
export function noteBroadcast(ctx: usize, owner: u32, slot: u32): void {
  const index = intentIndex(ctx, owner, slot);
  if (index == NO_INDEX) return;
  const stamp = <u16>missionS(ctx);
  const record = intent(ctx, index);
  const rest = <u32>record.priority | ((<u32>record.generation) << 8);
  setWord(ctx, echoWordAt(index), rest | ((<u32>(stamp == 0 ? 1 : stamp)) << 16));
}

export function composeNoticeSummary(ctx: usize, answer: u32): NoticeSummary {
  const m = changetype<NoticeSummary>(ctx + SCRATCH_OUT_AT);
  const held = intents(ctx).noticeCount;
  // The window of 12 moves on with time, so that in turn all are told.
  const from: u32 = held > 12 ? (missionS(ctx) / SYNC_EVERY_S) % held : 0;
  const count: u32 = held < 12 ? held : 12;
  for (let i: u32 = 0; i < count; i++) {
    const fact = notice(ctx, (from + i) % held);
    const entry = noticeSummaryEntryAt(m, i);
    entry.group = fact.group;
    entry.unit = fact.unit;
    entry.observedS = fact.observedS;
  }
  m.answer = answer;
  m.entriesLength = count;
  return m;
}

export function onNoticeSummary(ctx: usize, sender: u32, m: NoticeSummary): void {
  const held = intents(ctx).noticeCount;
  let given: u32 = 0;
  for (let i: u32 = 0; i < held && given < FOLLOW_MAX; i++) {
    const fact = notice(ctx, i);
    let theirs: u32 = 0;
    for (let j: u32 = 0; j < m.entriesLength; j++) {
      const entry = noticeSummaryEntryAt(m, j);
      if (entry.group == <u32>fact.group && entry.unit == <u32>fact.unit) theirs = entry.observedS;
    }
    if (fact.observedS <= theirs) continue;
    send(ctx, SEND_NOTICE, sender, fact.group, fact.unit);
    given++;
  }
  if (m.answer != 0) send(ctx, SEND_NOTICE_SUMMARY, sender, 0, 0);
}

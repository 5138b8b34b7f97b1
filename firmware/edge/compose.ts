// Composes a frame when this node's TDMA slot comes: a heartbeat, the messages for one addressee,
// rumours; then seals it.

import {
  ADDRESSEE_ALL,
  ENVELOPE_BYTES,
  FRAME_BYTES_MAX,
  KIND_PLACEHOLDER,
  PLAIN_BYTES_MAX,
} from '../wire/generated/codes';
import { AIR_MS_PER_35_BYTES, NO_INDEX, NOTICES_MAX, TICKS_UNTIL_SILENT } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { isElsewhere } from '../membership/division';
import { hearing, membership, member, PROBING } from '../membership/table';
import { composeHeartbeat } from '../membership/heartbeat';
import { isLarge } from '../membership/turns';
import { sealEnvelope } from '../security/envelope';
import { composeChunk, sendingKeyEpoch } from '../security/key_epoch';
import { ageOf } from '../membership/liveness';
import { intent, intentIndex, notice, intents } from '../intent/table';
import { recentAsOf } from '../intent/digest';
import { noticeIndex } from '../intent/notice';
import {
  SINCE_MARGIN_S,
  composeSyncDigest,
  composeOwnerSummary,
  composeNoticeSummary,
  isJustBroadcast,
  noteBroadcast,
} from '../intent/anti_entropy';
import {
  encodeHeartbeat,
  Probe,
  encodeProbe,
  Ack,
  encodeAck,
  ProbeRequest,
  encodeProbeRequest,
  RelayedAck,
  encodeRelayedAck,
  Suspicion,
  encodeSuspicion,
  Alive,
  encodeAlive,
  Join,
  encodeJoin,
  Isolation,
  encodeIsolation,
  SilentList,
  silentListEntryAt,
  encodeSilentList,
  SILENT_LIST_ENTRIES_MAX,
  Intent as IntentMessage,
  encodeIntent,
  encodeSyncDigest,
  Since,
  encodeSince,
  encodeOwnerSummary,
  Notice as NoticeMessage,
  encodeNotice,
  encodeNoticeSummary,
  Alarm,
  encodeAlarm,
  Beacon,
  encodeBeacon,
} from '../wire/generated/messages';
import { call, changes } from '../memory/guard';
import { node, queues, members, missionS, outgoing, Outgoing, timeKnown, upS } from '../node/table';
import { txDelayMs } from '../node/tx_slots';
import {
  readOutbox,
  unqueue,
  SEND_PROBE,
  SEND_ACK,
  SEND_PROBE_REQUEST,
  SEND_RELAYED_ACK,
  SEND_HEARTBEAT,
  SEND_ALIVE,
  SEND_JOIN,
  SEND_ISOLATION,
  SEND_SILENT_LIST,
  SEND_KEY_EPOCH,
  SEND_INTENT,
  SEND_SYNC_DIGEST,
  SEND_OWNER_SUMMARY,
  SEND_NOTICE,
  SEND_NOTICE_SUMMARY,
  SEND_SINCE,
  SEND_STATEMENT,
  SEND_PROOF,
  SEND_STATEMENT_REQUEST,
  SEND_SUMMARY,
  SEND_PROFILE,
  SEND_DECISION,
  SEND_SPLIT,
  SEND_ALARM,
  SEND_BEACON,
  NOTHING_TO_SEND,
} from '../node/outbox';
import { composeDecision } from '../federation/decisions';
import { composeSplit } from '../federation/split';
import { composeProfile } from '../federation/profiles';
import { composeSummary } from '../federation/step';
import { takeRumour } from '../intent/rumour';
import { toMessage } from '../intent/version';
import { composeProof } from '../intent/statement/equivocation';
import { composeStatement, composeStatementRequest } from '../intent/statement/store';

/**
 * Bytes that rumours leave free at the end of a TDMA slot (5 ms), for clocks that differ a little:
 * full frames of neighbours in the cycle would collide again and again.
 */
const SLOT_SPARE_BYTES: usize = 22;
/** Time that the longest frame leaves free at the end of a TDMA slot, ms. */
const SLOT_SPARE_MS: u32 = 4;
/** An intent is attached only if this much room is left: most intents fit, bytes. */
const INTENT_ROOM_BYTES: usize = 63;

/**
 * Composes one frame from the outbox. Returns its length; 0 if the outbox is empty or there is no
 * key.
 */
export function composeFrame(ctx: usize, out: usize, cap: u32, counter: u32): u32 {
  const keyEpoch = sendingKeyEpoch(ctx);
  if (cap < FRAME_BYTES_MAX || keyEpoch == 0) return 0;
  const now = call(ctx);
  now.counter = counter;
  now.keyEpoch = keyEpoch;
  const begin = out + ENVELOPE_BYTES;
  const end = begin + PLAIN_BYTES_MAX;
  const slotEnd = end - lateBytes(ctx);
  readOutbox(ctx, queues(ctx).outboxCount);
  while (queues(ctx).outboxCount != 0) {
    const addressee: u32 = outgoing(ctx, 0).addressee;
    now.addressee = addressee;
    if (<u32>outgoing(ctx, 0).what == SEND_KEY_EPOCH) {
      const at = composeChunk(ctx, begin, end, outgoing(ctx, 0).a);
      unqueue(ctx, 0);
      if (at <= begin) continue;
      now.keyEpoch = 0;
      return sealEnvelope(ctx, out, <u32>(at - begin));
    }
    if (<u32>outgoing(ctx, 0).what == SEND_SUMMARY) {
      const at = composeSummary(ctx, begin, outgoing(ctx, 0).a);
      unqueue(ctx, 0);
      if (at <= NOTHING_TO_SEND) continue;
      return sealEnvelope(ctx, out, <u32>(at - begin));
    }
    const heartbeat = heartbeatOf(ctx, addressee);
    const isWhole = heartbeat == HEARTBEAT_WHOLE;
    const body =
      heartbeat != HEARTBEAT_NONE
        ? encodeHeartbeat(begin, end, composeHeartbeat(ctx, recentAsOf(ctx, missionS(ctx)), isWhole))
        : begin;
    let at = composeEntries(ctx, body, end, slotEnd, addressee);
    if (at == body && heartbeat == HEARTBEAT_NONE) continue;
    at = composeRumours(ctx, at, slotEnd - SLOT_SPARE_BYTES);
    return sealEnvelope(ctx, out, <u32>(at - begin));
  }
  return 0;
}

/** Bytes that a full frame would be too long by, because it begins late in its TDMA slot. */
function lateBytes(ctx: usize): u32 {
  if (!timeKnown(ctx)) return 0;
  const delayMs = txDelayMs(ctx);
  return delayMs <= SLOT_SPARE_MS
    ? 0
    : ((delayMs - SLOT_SPARE_MS) * 35 + AIR_MS_PER_35_BYTES - 1) / AIR_MS_PER_35_BYTES;
}

/** Which heartbeat a frame has: none, one without bitmaps, a whole one. */
const HEARTBEAT_NONE: u32 = 0;
const HEARTBEAT_SHORT: u32 = 1;
const HEARTBEAT_WHOLE: u32 = 2;

/** Which heartbeat a frame to `addressee` carries: frames that are sent every period carry one. */
function heartbeatOf(ctx: usize, addressee: u32): u32 {
  let heartbeat = HEARTBEAT_NONE;
  for (let i: u32 = 0; i < queues(ctx).outboxCount; i++) {
    const entry = outgoing(ctx, i);
    if (<u32>entry.addressee != addressee) continue;
    const what: u32 = entry.what;
    if (what == SEND_HEARTBEAT || what == SEND_JOIN || what == SEND_ALIVE) return HEARTBEAT_WHOLE;
    if (what == SEND_PROBE || what == SEND_ACK) heartbeat = HEARTBEAT_SHORT;
  }
  return heartbeat == HEARTBEAT_SHORT && !isLarge(ctx) ? HEARTBEAT_WHOLE : heartbeat;
}

/**
 * Composes the entries for an addressee in order, as far as they fit before `slotEnd`. The first
 * one may reach to `end`, and is removed even if it does not fit.
 */
function composeEntries(ctx: usize, at: usize, end: usize, slotEnd: usize, addressee: u32): usize {
  let i: u32 = 0;
  let first = true;
  while (i < queues(ctx).outboxCount) {
    const entry = outgoing(ctx, i);
    if (<u32>entry.addressee != addressee) {
      i++;
      continue;
    }
    const next = composeEntry(ctx, at, first ? end : slotEnd, entry);
    if (next == 0 && !first) {
      i++;
      continue;
    }
    if (next > NOTHING_TO_SEND) at = next;
    first = false;
    unqueue(ctx, i);
  }
  return at;
}

/** Composes one entry. Returns the address after it; 0 if it does not fit; NOTHING_TO_SEND. */
function composeEntry(ctx: usize, at: usize, end: usize, entry: Outgoing): usize {
  const scratch: usize = ctx + SCRATCH_OUT_AT;
  const a = entry.a;
  const b = entry.b;
  switch (<u32>entry.what) {
    // Key epochs have frames of their own, under another key; a summary fills a frame.
    case SEND_KEY_EPOCH:
    case SEND_SUMMARY:
      return 0;
    case SEND_PROBE: {
      const m = changetype<Probe>(scratch);
      m.sequence = a;
      return encodeProbe(at, end, m);
    }
    case SEND_ACK: {
      const m = changetype<Ack>(scratch);
      m.sequence = a;
      return encodeAck(at, end, m);
    }
    case SEND_PROBE_REQUEST: {
      // The request of a period before is too late.
      if (a != <u32>hearing(ctx).relayedSequence) return NOTHING_TO_SEND;
      const m = changetype<ProbeRequest>(scratch);
      m.sequence = a;
      m.target = b;
      return encodeProbeRequest(at, end, m);
    }
    case SEND_RELAYED_ACK: {
      const m = changetype<RelayedAck>(scratch);
      m.sequence = a;
      m.target = b;
      return encodeRelayedAck(at, end, m);
    }
    case SEND_HEARTBEAT:
      return NOTHING_TO_SEND;
    case SEND_ALIVE: {
      const m = changetype<Alive>(scratch);
      m.member = node(ctx).self;
      m.incarnation = membership(ctx).incarnation;
      m.upS = upS(ctx);
      return encodeAlive(at, end, m);
    }
    case SEND_JOIN: {
      const m = changetype<Join>(scratch);
      m.incarnation = membership(ctx).incarnation;
      m.generation = node(ctx).generation;
      m.cause = node(ctx).cause;
      m.upS = upS(ctx);
      return encodeJoin(at, end, m);
    }
    case SEND_ISOLATION: {
      const m = changetype<Isolation>(scratch);
      m.fromS = intents(ctx).outlookFromS;
      m.untilS = intents(ctx).outlookUntilS;
      return encodeIsolation(at, end, m);
    }
    case SEND_PROFILE:
      return composeProfile(ctx, at, end);
    case SEND_DECISION:
      return composeDecision(ctx, at, end);
    case SEND_SPLIT:
      return composeSplit(ctx, at, end);
    case SEND_ALARM: {
      const m = changetype<Alarm>(scratch);
      m.class = a;
      m.onsetS = b;
      m.elapsedS = missionS(ctx) - b;
      return encodeAlarm(at, end, m);
    }
    case SEND_BEACON: {
      const m = changetype<Beacon>(scratch);
      m.cause = a;
      m.resets = b;
      m.timeS = missionS(ctx);
      return encodeBeacon(at, end, m);
    }
    default:
      return composeOfIntent(ctx, at, end, entry);
  }
}

/** Composes messages of intent: intents, statements, notices and anti-entropy. */
function composeOfIntent(ctx: usize, at: usize, end: usize, entry: Outgoing): usize {
  switch (<u32>entry.what) {
    case SEND_INTENT:
      return composeIntent(ctx, at, end, intentIndex(ctx, entry.a, entry.b), entry.addressee);
    case SEND_STATEMENT:
      return composeStatement(ctx, at, end, entry.a, entry.b);
    case SEND_PROOF:
      return composeProof(ctx, at, end);
    case SEND_STATEMENT_REQUEST:
      return composeStatementRequest(ctx, at, end, entry.a, entry.b);
    case SEND_SYNC_DIGEST:
      return encodeSyncDigest(at, end, composeSyncDigest(ctx));
    case SEND_OWNER_SUMMARY:
      return encodeOwnerSummary(at, end, composeOwnerSummary(ctx, entry.a, entry.b));
    case SEND_NOTICE_SUMMARY:
      return encodeNoticeSummary(at, end, composeNoticeSummary(ctx, entry.a));
    case SEND_SINCE: {
      const m = changetype<Since>(ctx + SCRATCH_OUT_AT);
      m.fromS = membership(ctx).gapStartS - SINCE_MARGIN_S;
      return encodeSince(at, end, m);
    }
    case SEND_SILENT_LIST:
      return composeSilentList(ctx, at, end);
    case SEND_NOTICE: {
      const index = noticeIndex(ctx, entry.a, entry.b);
      if (index == NOTICES_MAX) return NOTHING_TO_SEND;
      const fact = notice(ctx, index);
      const m = changetype<NoticeMessage>(ctx + SCRATCH_OUT_AT);
      m.group = fact.group;
      m.unit = fact.unit;
      m.capacity = fact.capacity;
      m.observedS = fact.observedS;
      m.observer = fact.observer;
      return encodeNotice(at, end, m);
    }
    default:
      return NOTHING_TO_SEND;
  }
}

/**
 * Composes an intent. A broadcast is left out if another node has just broadcast the same version.
 */
function composeIntent(ctx: usize, at: usize, end: usize, index: u32, addressee: u32): usize {
  if (index == NO_INDEX || <u32>intent(ctx, index).kind == KIND_PLACEHOLDER) return NOTHING_TO_SEND;
  const record = intent(ctx, index);
  const broadcast = addressee == ADDRESSEE_ALL;
  if (broadcast && <u32>record.owner != node(ctx).self && isJustBroadcast(ctx, record)) return NOTHING_TO_SEND;
  const m = changetype<IntentMessage>(ctx + SCRATCH_OUT_AT);
  toMessage(record, m);
  const next = encodeIntent(at, end, m);
  if (next != 0 && broadcast) noteBroadcast(ctx, record.owner, record.slot);
  return next;
}

/** Composes the last ticks of silent members, and counters of revocations. */
function composeSilentList(ctx: usize, at: usize, end: usize): usize {
  const m = changetype<SilentList>(ctx + SCRATCH_OUT_AT);
  const count = members(ctx);
  // The window moves with time, so that all members are in it in turn.
  const from = (missionS(ctx) / 60) % count;
  let found: u32 = 0;
  for (let i: u32 = 0; i < count && found < SILENT_LIST_ENTRIES_MAX; i++) {
    const index = (from + i) % count;
    const known = member(ctx, index);
    if ((ageOf(ctx, index) < TICKS_UNTIL_SILENT || known.lastLivenessTick == 0) && known.revocations == 0) continue;
    if (isElsewhere(ctx, index)) continue;
    const entry = silentListEntryAt(m, found);
    entry.member = index;
    entry.lastLivenessTick = known.lastLivenessTick;
    entry.revocations = known.revocations;
    found++;
  }
  m.entriesLength = found;
  return found == 0 ? NOTHING_TO_SEND : encodeSilentList(at, end, m);
}

/** Attaches a suspicion and new intents, as far as they fit. */
function composeRumours(ctx: usize, at: usize, end: usize): usize {
  const state = membership(ctx);
  if (state.suspicionLeft != 0) {
    const m = changetype<Suspicion>(ctx + SCRATCH_OUT_AT);
    m.member = state.suspicionMember - 1;
    m.incarnation = member(ctx, m.member).incarnation;
    const next = encodeSuspicion(at, end, m);
    if (next != 0) {
      at = next;
      state.suspicionLeft--;
      changes(ctx, PROBING);
    }
  }
  while (at + INTENT_ROOM_BYTES <= end) {
    const index = takeRumour(ctx);
    if (index == NO_INDEX) break;
    const m = changetype<IntentMessage>(ctx + SCRATCH_OUT_AT);
    toMessage(intent(ctx, index), m);
    const next = encodeIntent(at, end, m);
    if (next == 0) break;
    at = next;
  }
  return at;
}

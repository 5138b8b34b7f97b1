// A frame from the radio: checked whole before any of it is believed (no state changes on reject), then applied message by message.

import {
  FRAME_BYTES_MAX,
  CRC_BYTES,
  ADDRESSEE_ALL,
  NO_INDEX,
  STATUS_OK,
  STATUS_LENGTH,
  STATUS_CRC,
  STATUS_MALFORMED,
  STATUS_IMPLAUSIBLE,
  STATUS_REPLAY,
  STATUS_STALE,
  STATUS_AHEAD,
  HEARING_GAP_S,
  STATUS_TAG,
  COUNTER_FRAME_LENGTH,
  COUNTER_FRAME_CRC,
  COUNTER_FRAME_MALFORMED,
  COUNTER_FRAME_IMPLAUSIBLE,
  COUNTER_FRAME_REPLAY,
  COUNTER_FRAME_STALE,
  COUNTER_FRAME_AHEAD,
  COUNTER_FRAME_TAG,
  COUNTER_FRAME_SELF,
  COUNTER_FRAME_CHANNEL,
  COUNTER_MESSAGE_UNKNOWN,
  COUNTER_INTENT_STALE,
  COUNTER_EXCHANGES_FULL,
  EXCHANGES_PER_FRAME_MAX,
  PROBES_PER_FRAME_MAX,
  RUMOR_COUNT,
} from '../memory/limits';
import { PLAIN_AT, SCRATCH_AT } from '../memory/map';
import { crc32c } from '../base/crc32c';
import { constantsDoubted } from '../protection/scrub';
import { FRAME_BYTES_MIN, openEnvelope, readEnvelope } from '../security/envelope';
import { checkCounter, takeCounter } from '../security/counters';
import { applyKeys } from '../security/key_frames';
import { onIsolation } from '../membership/step';
import { hearing, membership, memberToChange } from '../membership/table';
import { learnLastLivenessTick } from '../membership/view';
import {
  heartbeatPlausible,
  mergeHeartbeat,
  HEARTBEAT_GREW,
  HEARTBEAT_VIEW_DIFFERS,
  HEARTBEAT_NOTHING,
} from '../membership/heartbeat';
import { markHeard } from '../membership/hearing';
import { onSuspicion, onAlive } from '../membership/suspicion';
import { intents, intentsToChange, intent, CLAIMED } from '../intent/table';
import { hold, intentPlausible, startRumor } from '../intent/store';
import { holdNotice, noticePlausible } from '../intent/notice';
import {
  beginSync,
  onSince,
  onSyncDigest,
  syncPlausible,
  onOwnerSummary,
  onNoticeSummary,
  noteEcho,
} from '../intent/anti_entropy';
import { adoptOwn } from '../intent/own';
import { isBelievable, isSampled, takeOwnerToken } from '../intent/quota';
import { onProof, onStatement, onStatementRequest } from '../intent/witness';
import { recentAsOf } from '../intent/digest';
import { disturb, CLASS_NODE } from '../convergence/step';
import {
  messageType,
  skipItem,
  TYPE_HEARTBEAT,
  Heartbeat,
  decodeHeartbeat,
  TYPE_PROBE,
  Probe,
  decodeProbe,
  TYPE_ACK,
  Ack,
  decodeAck,
  TYPE_PROBE_REQUEST,
  ProbeRequest,
  decodeProbeRequest,
  TYPE_RELAYED_ACK,
  RelayedAck,
  decodeRelayedAck,
  TYPE_SUSPICION,
  Suspicion,
  decodeSuspicion,
  TYPE_ALIVE,
  Alive,
  decodeAlive,
  TYPE_JOIN,
  Join,
  decodeJoin,
  TYPE_ISOLATION,
  Isolation,
  decodeIsolation,
  TYPE_SILENT_LIST,
  TYPE_KEY_EPOCH_HEAD,
  KeyEpochHead,
  decodeKeyEpochHead,
  TYPE_KEY_EPOCH_PART,
  KeyEpochPart,
  decodeKeyEpochPart,
  SilentList,
  decodeSilentList,
  silentListEntryAt,
  TYPE_INTENT,
  Intent as IntentMessage,
  decodeIntent,
  TYPE_SYNC_DIGEST,
  SyncDigest,
  decodeSyncDigest,
  TYPE_OWNER_SUMMARY,
  OwnerSummary,
  decodeOwnerSummary,
  TYPE_SINCE,
  Since,
  decodeSince,
  TYPE_NOTICE,
  Notice as NoticeMessage,
  decodeNotice,
  TYPE_NOTICE_SUMMARY,
  NoticeSummary,
  decodeNoticeSummary,
  TYPE_STATEMENT,
  Statement as StatementMessage,
  decodeStatement,
  TYPE_PROOF,
  Proof as ProofMessage,
  decodeProof,
  TYPE_STATEMENT_REQUEST,
  StatementRequest,
  decodeStatementRequest,
  TYPE_ALARM,
  Alarm,
  decodeAlarm,
  TYPE_BEACON,
  Beacon,
  decodeBeacon,
} from '../wire/generated/messages';
import { call } from '../memory/guard';
import { members, missionS, self, timeKnown, leaveToTick, DUE_SETTLE, DUE_CHECK, DUE_TIME } from '../node/table';
import { countLoss } from '../node/queues';
import { send, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { onProbe, onAck, onProbeRequest, onRelayedAck } from '../membership/probing';
import { learnRevocations } from '../membership/revocation';
import { silentListPlausible, noticeSummaryPlausible, ownerSummaryPlausible, proofPlausible } from './lists';
import { contradict, isImpersonated } from './impostor';

/** Types at or above this never cross the air. */
const TYPE_PLATFORM: i32 = 128;
/** What checkMessage returns when the bytes are well-formed but cannot be true. Not an address. */
const IMPLAUSIBLE: usize = 1;

/**
 * Checks what can be told of a frame without opening it, the cheapest first. Returns a status; nothing was changed but a loss counter, and on STATUS_OK the call
 * knows the envelope.
 */
export function checkFrame(ctx: usize, frame: usize, length: u32): u32 {
  if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) return reject(ctx, COUNTER_FRAME_LENGTH, STATUS_LENGTH);
  const end = frame + length - CRC_BYTES;
  const told = bswap<u32>(load<u32>(end, 0, 1));
  while (crc32c(frame, length - CRC_BYTES) != told)
    if (!constantsDoubted(ctx)) return reject(ctx, COUNTER_FRAME_CRC, STATUS_CRC);
  const status = readEnvelope(ctx, frame, length);
  const now = call(ctx);
  now.ahead = 0;
  if (status != STATUS_OK || now.epoch == 0) return status;
  const fresh = checkCounter(ctx, now.sender, now.counter);
  if (fresh == STATUS_OK) return STATUS_OK;
  if (fresh == STATUS_AHEAD && missionS(ctx) > hearing(ctx).heardS + HEARING_GAP_S) {
    now.ahead = 1;
    return STATUS_OK;
  }
  return reject(
    ctx,
    fresh == STATUS_REPLAY ? COUNTER_FRAME_REPLAY : fresh == STATUS_STALE ? COUNTER_FRAME_STALE : COUNTER_FRAME_AHEAD,
    fresh,
  );
}

/** Opens the frame that checkFrame let pass and checks its messages, all of them, before any is believed. */
export function openFrame(ctx: usize, frame: usize): u32 {
  if (!openEnvelope(ctx, frame)) return reject(ctx, COUNTER_FRAME_TAG, STATUS_TAG);
  const now = call(ctx);
  let at: usize = ctx + PLAIN_AT;
  const end = at + now.bodyBytes;
  if (now.sender == self(ctx) && !isImpersonated(ctx, at, end))
    return reject(ctx, COUNTER_FRAME_SELF, STATUS_IMPLAUSIBLE);
  let heartbeats: u32 = 0;
  while (at < end) {
    const type = messageType(at, end);
    // One time a frame: else a single one could tell a node without time what it is.
    if (type == TYPE_HEARTBEAT && heartbeats++ != 0) return reject(ctx, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
    if ((type == TYPE_KEY_EPOCH_HEAD || type == TYPE_KEY_EPOCH_PART) != (now.epoch == 0))
      return reject(ctx, COUNTER_FRAME_CHANNEL, STATUS_IMPLAUSIBLE);
    at = checkMessage(ctx, at, end, now.sender);
    if (at == 0) return reject(ctx, COUNTER_FRAME_MALFORMED, STATUS_MALFORMED);
    if (at == IMPLAUSIBLE) return reject(ctx, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
  }
  return STATUS_OK;
}

function reject(ctx: usize, counter: u32, status: u32): u32 {
  countLoss(ctx, counter);
  return status;
}

/** Place after a message that is well-formed and can be true; 0 malformed; IMPLAUSIBLE. */
function checkMessage(ctx: usize, at: usize, end: usize, sender: u32): usize {
  const type = messageType(at, end);
  const s: usize = ctx + SCRATCH_AT;
  const count = members(ctx);
  let next: usize = 0;
  let plausible = true;
  switch (type) {
    case TYPE_HEARTBEAT:
      next = decodeHeartbeat(at, end, changetype<Heartbeat>(s));
      plausible = heartbeatPlausible(ctx, changetype<Heartbeat>(s));
      break;
    case TYPE_PROBE:
      next = decodeProbe(at, end, changetype<Probe>(s));
      break;
    case TYPE_ACK:
      next = decodeAck(at, end, changetype<Ack>(s));
      break;
    case TYPE_PROBE_REQUEST:
      next = decodeProbeRequest(at, end, changetype<ProbeRequest>(s));
      plausible = changetype<ProbeRequest>(s).target < count;
      break;
    case TYPE_RELAYED_ACK:
      next = decodeRelayedAck(at, end, changetype<RelayedAck>(s));
      plausible = changetype<RelayedAck>(s).target < count;
      break;
    case TYPE_SUSPICION:
      next = decodeSuspicion(at, end, changetype<Suspicion>(s));
      plausible = changetype<Suspicion>(s).member < count;
      break;
    case TYPE_ALIVE:
      next = decodeAlive(at, end, changetype<Alive>(s));
      plausible = changetype<Alive>(s).member == sender;
      break;
    case TYPE_JOIN:
      next = decodeJoin(at, end, changetype<Join>(s));
      break;
    case TYPE_ISOLATION:
      next = decodeIsolation(at, end, changetype<Isolation>(s));
      plausible = changetype<Isolation>(s).fromS < changetype<Isolation>(s).untilS;
      break;
    case TYPE_SILENT_LIST:
      next = decodeSilentList(at, end, changetype<SilentList>(s));
      plausible = next == 0 || silentListPlausible(changetype<SilentList>(s), count);
      break;
    case TYPE_KEY_EPOCH_HEAD:
      next = decodeKeyEpochHead(at, end, changetype<KeyEpochHead>(s));
      break;
    case TYPE_KEY_EPOCH_PART:
      next = decodeKeyEpochPart(at, end, changetype<KeyEpochPart>(s));
      break;
    default:
      return checkKnowledge(ctx, type, at, end);
  }
  return next == 0 || plausible ? next : IMPLAUSIBLE;
}

function checkKnowledge(ctx: usize, type: i32, at: usize, end: usize): usize {
  const s: usize = ctx + SCRATCH_AT;
  let next: usize = 0;
  let plausible = true;
  switch (type) {
    case TYPE_INTENT:
      next = decodeIntent(at, end, changetype<IntentMessage>(s));
      plausible = next == 0 || intentPlausible(ctx, changetype<IntentMessage>(s));
      break;
    case TYPE_SYNC_DIGEST:
      next = decodeSyncDigest(at, end, changetype<SyncDigest>(s));
      plausible = syncPlausible(ctx, changetype<SyncDigest>(s));
      break;
    case TYPE_OWNER_SUMMARY:
      next = decodeOwnerSummary(at, end, changetype<OwnerSummary>(s));
      plausible = next == 0 || ownerSummaryPlausible(changetype<OwnerSummary>(s), members(ctx));
      break;
    case TYPE_SINCE:
      next = decodeSince(at, end, changetype<Since>(s));
      break;
    case TYPE_NOTICE:
      next = decodeNotice(at, end, changetype<NoticeMessage>(s));
      plausible = noticePlausible(ctx, changetype<NoticeMessage>(s));
      break;
    case TYPE_NOTICE_SUMMARY:
      next = decodeNoticeSummary(at, end, changetype<NoticeSummary>(s));
      plausible = next == 0 || noticeSummaryPlausible(changetype<NoticeSummary>(s));
      break;
    case TYPE_STATEMENT:
      next = decodeStatement(at, end, changetype<StatementMessage>(s));
      plausible = changetype<StatementMessage>(s).owner < members(ctx);
      break;
    case TYPE_PROOF:
      next = decodeProof(at, end, changetype<ProofMessage>(s));
      plausible = next == 0 || proofPlausible(changetype<ProofMessage>(s), members(ctx));
      break;
    case TYPE_STATEMENT_REQUEST:
      next = decodeStatementRequest(at, end, changetype<StatementRequest>(s));
      plausible = changetype<StatementRequest>(s).owner < members(ctx);
      break;
    case TYPE_ALARM:
      next = decodeAlarm(at, end, changetype<Alarm>(s));
      break;
    case TYPE_BEACON:
      next = decodeBeacon(at, end, changetype<Beacon>(s));
      break;
    default:
      // Append-only types: what a later release sends is skipped. Platform records never come by radio.
      return type < 0 || type >= TYPE_PLATFORM ? 0 : skipItem(at, end);
  }
  return next == 0 || plausible ? next : IMPLAUSIBLE;
}

/** Applies the messages of the frame that was opened, which has `length` bytes on the air. */
export function applyFrame(ctx: usize, length: u32): void {
  const now = call(ctx);
  let at: usize = ctx + PLAIN_AT;
  const end = at + now.bodyBytes;
  if (now.epoch == 0) {
    while (at < end) at = applyKeys(ctx, at, end);
    return;
  }
  takeCounter(ctx, now.sender, now.counter);
  if (now.sender == self(ctx)) return contradict(ctx, at, end);
  const broadcast = now.addressee == ADDRESSEE_ALL;
  markHeard(ctx, now.sender);
  now.exchanges = 0;
  now.probes = 0;
  while (at < end) at = applyMessage(ctx, at, end, now.sender, broadcast, length);
}

function applyMessage(ctx: usize, at: usize, end: usize, sender: u32, broadcast: bool, bytes: u32): usize {
  const type = messageType(at, end);
  const s: usize = ctx + SCRATCH_AT;
  // Without mission time nothing tells a fresh frame from one that was kept: it counts as a sample of the time, and no more.
  if (type != TYPE_HEARTBEAT && !timeKnown(ctx)) return skipItem(at, end);
  if ((type == TYPE_PROBE || type == TYPE_PROBE_REQUEST) && ++call(ctx).probes > PROBES_PER_FRAME_MAX) {
    countLoss(ctx, COUNTER_EXCHANGES_FULL);
    return skipItem(at, end);
  }
  switch (type) {
    case TYPE_HEARTBEAT: {
      const next = decodeHeartbeat(at, end, changetype<Heartbeat>(s));
      const knew = timeKnown(ctx);
      applyHeartbeat(ctx, sender, bytes, changetype<Heartbeat>(s), broadcast);
      // What a checkpoint holds is brought to the time just learnt before anything else is taken in: the rest of this frame is not.
      if (knew || !timeKnown(ctx)) return next;
      leaveToTick(ctx, DUE_TIME);
      return end;
    }
    case TYPE_PROBE: {
      const next = decodeProbe(at, end, changetype<Probe>(s));
      onProbe(ctx, sender, changetype<Probe>(s).sequence);
      return next;
    }
    case TYPE_ACK: {
      const next = decodeAck(at, end, changetype<Ack>(s));
      onAck(ctx, sender, changetype<Ack>(s).sequence);
      return next;
    }
    case TYPE_PROBE_REQUEST: {
      const m = changetype<ProbeRequest>(s);
      const next = decodeProbeRequest(at, end, m);
      onProbeRequest(ctx, sender, m.sequence, m.target);
      return next;
    }
    case TYPE_RELAYED_ACK: {
      const next = decodeRelayedAck(at, end, changetype<RelayedAck>(s));
      onRelayedAck(ctx, changetype<RelayedAck>(s).target);
      return next;
    }
    case TYPE_SUSPICION: {
      const m = changetype<Suspicion>(s);
      const next = decodeSuspicion(at, end, m);
      onSuspicion(ctx, m.member, m.incarnation);
      return next;
    }
    case TYPE_ALIVE: {
      const m = changetype<Alive>(s);
      const next = decodeAlive(at, end, m);
      restarted(ctx, sender, onAlive(ctx, sender, m.incarnation));
      return next;
    }
    case TYPE_JOIN: {
      const m = changetype<Join>(s);
      const next = decodeJoin(at, end, m);
      memberToChange(ctx, sender).generation = <u8>m.generation;
      restarted(ctx, sender, onAlive(ctx, sender, m.incarnation));
      return next;
    }
    case TYPE_ISOLATION: {
      const m = changetype<Isolation>(s);
      const next = decodeIsolation(at, end, m);
      onIsolation(ctx, sender, m.fromS, m.untilS);
      return next;
    }
    case TYPE_SILENT_LIST: {
      const m = changetype<SilentList>(s);
      const next = decodeSilentList(at, end, m);
      for (let i: u32 = 0; i < m.entriesLength; i++) {
        const entry = silentListEntryAt(m, i);
        learnLastLivenessTick(ctx, entry.member, entry.lastLivenessTick);
        learnRevocations(ctx, entry.member, entry.revocations);
      }
      return next;
    }
    default:
      return applyKnowledge(ctx, type, at, end, sender, broadcast);
  }
}

function restarted(ctx: usize, sender: u32, news: bool): void {
  if (news && timeKnown(ctx)) disturb(ctx, CLASS_NODE, missionS(ctx), sender, 0);
}

function applyKnowledge(ctx: usize, type: i32, at: usize, end: usize, sender: u32, broadcast: bool): usize {
  const s: usize = ctx + SCRATCH_AT;
  if (type == TYPE_SYNC_DIGEST || type == TYPE_OWNER_SUMMARY || type == TYPE_NOTICE_SUMMARY) {
    if (++call(ctx).exchanges > EXCHANGES_PER_FRAME_MAX) {
      countLoss(ctx, COUNTER_EXCHANGES_FULL);
      return skipItem(at, end);
    }
  }
  switch (type) {
    case TYPE_INTENT: {
      const next = decodeIntent(at, end, changetype<IntentMessage>(s));
      // A heartbeat before it in this frame may have told the time that its check lacked.
      if (timeKnown(ctx) && intentPlausible(ctx, changetype<IntentMessage>(s)))
        applyIntent(ctx, changetype<IntentMessage>(s), sender, broadcast, at, <u32>(next - at));
      return next;
    }
    case TYPE_SYNC_DIGEST: {
      const next = decodeSyncDigest(at, end, changetype<SyncDigest>(s));
      onSyncDigest(ctx, sender, changetype<SyncDigest>(s));
      return next;
    }
    case TYPE_OWNER_SUMMARY: {
      const next = decodeOwnerSummary(at, end, changetype<OwnerSummary>(s));
      onOwnerSummary(ctx, sender, changetype<OwnerSummary>(s));
      return next;
    }
    case TYPE_SINCE: {
      const next = decodeSince(at, end, changetype<Since>(s));
      onSince(ctx, sender, changetype<Since>(s).fromS);
      return next;
    }
    case TYPE_NOTICE: {
      const next = decodeNotice(at, end, changetype<NoticeMessage>(s));
      if (timeKnown(ctx) && noticePlausible(ctx, changetype<NoticeMessage>(s)))
        holdNotice(ctx, changetype<NoticeMessage>(s));
      return next;
    }
    case TYPE_NOTICE_SUMMARY: {
      const next = decodeNoticeSummary(at, end, changetype<NoticeSummary>(s));
      onNoticeSummary(ctx, sender, changetype<NoticeSummary>(s));
      return next;
    }
    case TYPE_STATEMENT: {
      const next = decodeStatement(at, end, changetype<StatementMessage>(s));
      onStatement(ctx, changetype<StatementMessage>(s));
      return next;
    }
    case TYPE_PROOF: {
      const next = decodeProof(at, end, changetype<ProofMessage>(s));
      onProof(ctx, changetype<ProofMessage>(s));
      return next;
    }
    case TYPE_STATEMENT_REQUEST: {
      const next = decodeStatementRequest(at, end, changetype<StatementRequest>(s));
      onStatementRequest(ctx, changetype<StatementRequest>(s));
      return next;
    }
    case TYPE_ALARM:
    case TYPE_BEACON:
      return skipItem(at, end);
    default:
      countLoss(ctx, COUNTER_MESSAGE_UNKNOWN);
      return skipItem(at, end);
  }
}

function applyHeartbeat(ctx: usize, sender: u32, bytes: u32, m: Heartbeat, broadcast: bool): void {
  const told = mergeHeartbeat(ctx, bytes, m);
  if (told == HEARTBEAT_NOTHING || !timeKnown(ctx)) return;
  if (told == HEARTBEAT_GREW && (membership(ctx).quorum == 0 || intents(ctx).unsettled != 0))
    leaveToTick(ctx, DUE_SETTLE);
  // Only a frame meant for us starts an exchange: else a broadcast would be answered by everybody.
  if (!broadcast && (told == HEARTBEAT_VIEW_DIFFERS || m.recent != recentAsOf(ctx, m.timeS))) beginSync(ctx, sender);
}

function applyIntent(ctx: usize, m: IntentMessage, sender: u32, broadcast: bool, at: usize, bytes: u32): void {
  const owner = m.owner;
  const slot = m.slot;
  if (!isBelievable(ctx, m, sender, broadcast, at, bytes)) return;
  const index = hold(ctx, m);
  if (index == NO_INDEX) {
    countLoss(ctx, COUNTER_INTENT_STALE);
    if (broadcast) noteEcho(ctx, owner, slot);
    return;
  }
  if (broadcast) noteEcho(ctx, owner, slot);
  if (isSampled(ctx, owner, intent(ctx, index).version)) send(ctx, SEND_STATEMENT_REQUEST, owner, owner, slot);
  // An owner that publishes without end is held to have, and not passed on.
  if (owner != self(ctx) && !takeOwnerToken(ctx, owner)) return;
  startRumor(ctx, index, RUMOR_COUNT);
  if (<u32>intent(ctx, index).state == CLAIMED && owner != self(ctx)) {
    intentsToChange(ctx).claimToCheck = index + 1;
    leaveToTick(ctx, DUE_CHECK);
  }
  if (owner == self(ctx)) adoptOwn(ctx, slot, index);
}

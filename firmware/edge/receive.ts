// Receives a frame from the radio: checks all of it first, then applies it message by message. A
// rejected frame changes nothing but a loss counter.

import {
  FRAME_BYTES_MIN,
  FRAME_BYTES_MAX,
  CRC_BYTES,
  STATUS_OK,
  STATUS_LENGTH,
  STATUS_CRC,
  STATUS_MALFORMED,
  STATUS_IMPLAUSIBLE,
  STATUS_REPLAY,
  STATUS_STALE,
  STATUS_AHEAD,
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
  COUNTER_EXCHANGES_FULL,
  COUNTER_QUOTA_CLAIM,
} from '../wire/generated/codes';
import { EXCHANGES_PER_FRAME_MAX, FRAMES_CHECKED, HEARING_GAP_S, PROBES_PER_FRAME_MAX } from '../memory/limits';
import { PLAIN_AT } from '../memory/map';
import { call } from '../memory/guard';
import { crc32c } from '../base/crc32c';
import { constantsDoubted } from '../protection/scrub';
import { openEnvelope, readEnvelope } from '../security/envelope';
import { checkCounter, acceptCounter } from '../security/counters';
import { hearing } from '../membership/table';
import { isElsewhere } from '../membership/division';
import { markHeard } from '../membership/hearing';
import {
  messageType,
  skipItem,
  Intent as IntentMessage,
  TYPE_HEARTBEAT,
  TYPE_INTENT,
  TYPE_PROBE,
  TYPE_PROBE_REQUEST,
  TYPE_KEY_EPOCH_HEAD,
  TYPE_KEY_EPOCH_PART,
  TYPE_SYNC_DIGEST,
  TYPE_OWNER_SUMMARY,
  TYPE_NOTICE_SUMMARY,
} from '../wire/generated/messages';
import { missionS, self, timeKnown, leaveToTick, DUE_TIME } from '../node/table';
import { countLoss } from '../node/queues';
import { plausibilityOf, BEYOND_SLOT } from '../intent/admission';
import { findForgedVersions, contradict } from '../intent/statement/impersonation';
import { keep, keptType, placeOf } from './decoded';
import { visitMessage, IMPLAUSIBLE, UNKNOWN } from './visit';

/** Message types from this on are records of the platform: they are never sent by radio. */
const TYPE_PLATFORM: i32 = 128;
/** Types of messages that need an answer, a bit each. */
const PROBING_TYPES: u32 = (1 << TYPE_PROBE) | (1 << TYPE_PROBE_REQUEST);
const EXCHANGE_TYPES: u32 = (1 << TYPE_SYNC_DIGEST) | (1 << TYPE_OWNER_SUMMARY) | (1 << TYPE_NOTICE_SUMMARY);

/**
 * Checks a frame as far as possible without opening it, the cheapest checks first. Returns a
 * status; on STATUS_OK the call has the envelope.
 */
export function checkFrame(ctx: usize, frame: usize, length: u32): u32 {
  if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) return reject(ctx, COUNTER_FRAME_LENGTH, STATUS_LENGTH);
  if (FRAMES_CHECKED) {
    const receivedCrc = bswap<u32>(load<u32>(frame + length - CRC_BYTES, 0, 1));
    while (crc32c(frame, length - CRC_BYTES) != receivedCrc)
      if (!constantsDoubted(ctx)) return reject(ctx, COUNTER_FRAME_CRC, STATUS_CRC);
  }
  const status = readEnvelope(ctx, frame, length);
  const now = call(ctx);
  now.ahead = 0;
  if (status != STATUS_OK || now.keyEpoch == 0) return status;
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

/** Opens a frame that checkFrame() accepted, and checks all its messages. Returns a status. */
export function openFrame(ctx: usize, frame: usize): u32 {
  if (!openEnvelope(ctx, frame)) return reject(ctx, COUNTER_FRAME_TAG, STATUS_TAG);
  const now = call(ctx);
  let at: usize = ctx + PLAIN_AT;
  const end = at + now.bodyBytes;
  if (now.sender == self(ctx) && !findForgedVersions(ctx, at, end))
    return reject(ctx, COUNTER_FRAME_SELF, STATUS_IMPLAUSIBLE);
  let heartbeats: u32 = 0;
  for (let index: u32 = 0; at < end; index++) {
    const type = messageType(at, end);
    // One heartbeat per frame: with several, one frame could set the clock of a node without time.
    if (type == TYPE_HEARTBEAT && heartbeats++ != 0) return reject(ctx, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
    if ((type == TYPE_KEY_EPOCH_HEAD || type == TYPE_KEY_EPOCH_PART) != (now.keyEpoch == 0))
      return reject(ctx, COUNTER_FRAME_CHANNEL, STATUS_IMPLAUSIBLE);
    const place = placeOf(ctx, index);
    const next = visitMessage(ctx, type, at, place, false);
    keep(place, type, next);
    if (next == IMPLAUSIBLE) {
      if (type == TYPE_INTENT && plausibilityOf(ctx, changetype<IntentMessage>(place)) == BEYOND_SLOT)
        countLoss(ctx, COUNTER_QUOTA_CLAIM);
      return reject(ctx, COUNTER_FRAME_IMPLAUSIBLE, STATUS_IMPLAUSIBLE);
    }
    at = next == UNKNOWN ? skipUnknown(type, at, end) : next;
    if (at == 0) return reject(ctx, COUNTER_FRAME_MALFORMED, STATUS_MALFORMED);
  }
  return STATUS_OK;
}

/**
 * Skips a message of an unknown type: later releases may add types. Returns the address after it; 0
 * malformed.
 */
function skipUnknown(type: i32, at: usize, end: usize): usize {
  return type < 0 || type >= TYPE_PLATFORM ? 0 : skipItem(at, end);
}

/** Counts a rejected frame. */
function reject(ctx: usize, counter: u32, status: u32): u32 {
  countLoss(ctx, counter);
  return status;
}

/** Applies the messages of the opened frame. `length`: bytes of the frame on the air. */
export function applyFrame(ctx: usize, length: u32): void {
  const now = call(ctx);
  let at: usize = ctx + PLAIN_AT;
  const end = at + now.bodyBytes;
  if (now.keyEpoch == 0) {
    for (let index: u32 = 0; at < end; index++) {
      const place = placeOf(ctx, index);
      at = visitMessage(ctx, keptType(ctx, place, at, end), at, place, true);
    }
    return;
  }
  // Without mission time a counter far ahead proves nothing: it would make this node deaf to the
  // member whose number it was sent under.
  if (timeKnown(ctx)) acceptCounter(ctx, now.sender, now.counter);
  if (now.sender == self(ctx)) return contradict(ctx, at, end);
  // A member of the other half that has not moved: what it says is of a cluster that is no more.
  if (isElsewhere(ctx, now.sender)) return;
  markHeard(ctx, now.sender);
  now.frameBytes = length;
  now.exchanges = 0;
  now.probes = 0;
  for (let index: u32 = 0; at < end; index++) {
    const knewTime = timeKnown(ctx);
    at = applyMessage(ctx, at, end, placeOf(ctx, index));
    // After time was learnt, a tick first brings the tables of a checkpoint to that time: the rest
    // of this frame is dropped.
    if (!knewTime && timeKnown(ctx)) return leaveToTick(ctx, DUE_TIME);
  }
}

/** Applies one message, for which `place` is kept. Returns the address after it. */
function applyMessage(ctx: usize, at: usize, end: usize, place: usize): usize {
  const type = keptType(ctx, place, at, end);
  // Without mission time a node cannot recognize a replayed frame: it only takes the heartbeat, as
  // a sample of time.
  if (type != TYPE_HEARTBEAT && !timeKnown(ctx)) return skipItem(at, end);
  if (!grantShare(ctx, type)) {
    countLoss(ctx, COUNTER_EXCHANGES_FULL);
    return skipItem(at, end);
  }
  const next = visitMessage(ctx, type, at, place, true);
  if (next != UNKNOWN) return next;
  countLoss(ctx, COUNTER_MESSAGE_UNKNOWN);
  return skipItem(at, end);
}

/** Counts messages that need an answer. Returns false for those beyond the share of a frame. */
function grantShare(ctx: usize, type: i32): bool {
  const bit: u32 = type < 32 ? 1 << type : 0;
  if ((bit & PROBING_TYPES) != 0) return ++call(ctx).probes <= PROBES_PER_FRAME_MAX;
  if ((bit & EXCHANGE_TYPES) != 0) return ++call(ctx).exchanges <= EXCHANGES_PER_FRAME_MAX;
  return true;
}

// Composes and merges heartbeats: what every periodic frame says of time, of who is alive and of
// who agrees.

import { MEMBER_WORDS, PERIOD_S, HEARING_GAP_S, CLOCK_STEP_S_MAX } from '../memory/limits';
import { COUNTER_CLOCK_DISAGREES } from '../wire/generated/codes';
import { SCRATCH_OUT_AT } from '../memory/map';
import { wordFromBytes } from '../base/bits';
import { call, changes } from '../memory/guard';
import { members, missionS, self, timeKnown, HOT } from '../node/table';
import { countLoss } from '../node/queues';
import { clockErrorMs, ERROR_WIRE_MS_MAX } from '../node/clock';
import { Heartbeat, HEARTBEAT_STRUCT_BYTES } from '../wire/generated/messages';
import { hearing, membership, heardAt, agreeAt, everyoneAt, PROBING, AGREE } from './table';
import { livenessTickOf, roundOf } from './calendar';
import { clockSample, AGREE_S } from './time_sync';
import { noteDigest } from './disagreement';
import { mergeHeard } from './hearing';

/** What a heartbeat says about this node's agreement with its sender. */
const HEARTBEAT_SAME: u32 = 0;
export const HEARTBEAT_GREW: u32 = 1;
export const HEARTBEAT_VIEW_DIFFERS: u32 = 2;
export const HEARTBEAT_NOTHING: u32 = 3;

/** Bytes of a bitmap of all members in a message. */
function bitmapBytes(ctx: usize): u32 {
  return (members(ctx) + 7) >>> 3;
}

/**
 * Composes a heartbeat in the outgoing scratch; the caller encodes it. `recent`: the 32-bit digest
 * as of the minute before the last whole one.
 */
export function composeHeartbeat(ctx: usize, recent: u32): Heartbeat {
  const state = membership(ctx);
  const m = changetype<Heartbeat>(ctx + SCRATCH_OUT_AT);
  const bytes = bitmapBytes(ctx);
  const planes: usize = ctx + SCRATCH_OUT_AT + HEARTBEAT_STRUCT_BYTES;
  // Plane 1 is written apart and then moved behind the bytes of plane 0, because whole words are
  // written.
  const second = planes + (MEMBER_WORDS << 2);
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const h1 = load<u32>(heardAt(ctx, 1) + offset);
    const h2 = load<u32>(heardAt(ctx, 2) + offset);
    const silent = load<u32>(everyoneAt(ctx) + offset) & ~(load<u32>(heardAt(ctx, 0) + offset) | h1 | h2);
    store<u32>(planes + offset, h1 | silent);
    store<u32>(second + offset, h2 | silent);
  }
  memory.copy(planes + bytes, second, bytes);
  const now = call(ctx);
  m.timeS = now.missionS;
  m.timeMs = now.missionMs;
  const errorMs = clockErrorMs(ctx);
  m.errorMs = errorMs < ERROR_WIRE_MS_MAX ? errorMs : ERROR_WIRE_MS_MAX;
  m.agesAt = <u32>planes;
  m.agesLength = bytes << 1;
  m.digestHigh = <u32>(state.digest >> 32);
  m.digestLow = <u32>state.digest;
  m.recent = recent;
  m.agreeAt = <u32>agreeAt(ctx);
  m.agreeLength = bytes;
  return m;
}

/** Whether the bitmaps of a heartbeat have the size of this cluster's. */
export function heartbeatPlausible(ctx: usize, m: Heartbeat): bool {
  const bytes = bitmapBytes(ctx);
  return m.agesLength == bytes << 1 && m.agreeLength == bytes;
}

/** Merges a heartbeat that was received in a frame of `bytes` bytes. Returns HEARTBEAT_*. */
export function mergeHeartbeat(ctx: usize, bytes: u32, m: Heartbeat): u32 {
  clockSample(ctx, bytes, m.timeS, m.timeMs, m.errorMs);
  const state = membership(ctx);
  if (!timeKnown(ctx) || state.livenessTick == 0) return HEARTBEAT_NOTHING;
  const off = <i32>(m.timeS - missionS(ctx));
  if (off > <i32>CLOCK_STEP_S_MAX || off < -(<i32>CLOCK_STEP_S_MAX)) {
    countLoss(ctx, COUNTER_CLOCK_DISAGREES);
    return HEARTBEAT_NOTHING;
  }
  hearing(ctx).heartbeatsHeard++;
  changes(ctx, HOT);
  const now = missionS(ctx);
  if (now > hearing(ctx).heardS + HEARING_GAP_S) {
    changes(ctx, PROBING);
    state.gapEndS = now;
    state.gapStartS = hearing(ctx).heardS;
  }
  hearing(ctx).heardS = now;
  mergeAges(ctx, livenessTickOf(m.timeS), m);
  if (roundOf(m.timeS) != state.round) return HEARTBEAT_NOTHING;
  const isOwn = m.digestHigh == <u32>(state.digest >> 32) && m.digestLow == <u32>state.digest;
  if (isOwn || isHeardBySender(ctx, m)) noteDigest(ctx, call(ctx).sender, m.digestLow, isOwn);
  if (!isOwn) return HEARTBEAT_VIEW_DIFFERS;
  // Agreement is merged only between clocks that agree: a majority also defines the cluster's time.
  if (off > AGREE_S || off < -AGREE_S) return HEARTBEAT_SAME;
  return mergeAgreement(ctx, m) ? HEARTBEAT_GREW : HEARTBEAT_SAME;
}

/**
 * Whether the sender of a heartbeat hears this node. Its digest contains whom it does not hear, so
 * a node that nobody hears agrees with nobody.
 */
function isHeardBySender(ctx: usize, m: Heartbeat): bool {
  const at: usize = m.agesAt + (self(ctx) >>> 3);
  return (load<u8>(at) & load<u8>(at + bitmapBytes(ctx)) & (1 << (self(ctx) & 7))) == 0;
}

/** Merges ages that are relative to the sender's `livenessTick`. */
function mergeAges(ctx: usize, livenessTick: u32, m: Heartbeat): void {
  const state = membership(ctx);
  const bytes = bitmapBytes(ctx);
  const first: usize = m.agesAt;
  const second: usize = first + bytes;
  for (let word: u32 = 0; word << 2 < bytes; word++) {
    const offset = word << 2;
    const p0 = wordFromBytes(first + offset, bytes - offset);
    const p1 = wordFromBytes(second + offset, bytes - offset);
    const age0 = ~(p0 | p1);
    const age1 = p0 & ~p1;
    const age2 = p1 & ~p0;
    if (livenessTick == state.livenessTick) mergeHeard(ctx, word, age0, age1, age2);
    else if (livenessTick + 1 == state.livenessTick) mergeHeard(ctx, word, 0, age0, age1);
    else if (livenessTick == state.livenessTick + 1) mergeHeard(ctx, word, age0 | age1, age2, 0);
  }
}

/**
 * Merges the sender's bitmap of members that agree: its digest equals this node's. The sender has
 * set its own bit unless it is recovering.
 */
function mergeAgreement(ctx: usize, m: Heartbeat): bool {
  const bytes = bitmapBytes(ctx);
  let grew: u32 = 0;
  for (let word: u32 = 0; word << 2 < bytes; word++) {
    const offset = word << 2;
    const at = agreeAt(ctx) + offset;
    const before = load<u32>(at);
    const now = before | (wordFromBytes(m.agreeAt + offset, bytes - offset) & load<u32>(everyoneAt(ctx) + offset));
    store<u32>(at, now);
    grew |= now ^ before;
  }
  if (grew == 0) return false;
  changes(ctx, AGREE);
  return true;
}

/** The member that broadcasts heartbeat j of the present period: members take turns. */
export function heartbeatTurn(ctx: usize, perPeriod: u32, j: u32): u32 {
  return ((missionS(ctx) / PERIOD_S) * perPeriod + j) % members(ctx);
}

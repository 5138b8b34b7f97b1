// Composes and merges heartbeats: what every periodic frame says of time, of who is alive and of
// who agrees.

import { HEARING_GAP_S, CLOCK_STEP_S_MAX } from '../memory/limits';
import { COUNTER_CLOCK_DISAGREES } from '../wire/generated/codes';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { members, missionS, self, timeKnown, HOT } from '../node/table';
import { countLoss } from '../node/queues';
import { clockErrorMs, ERROR_WIRE_MS_MAX } from '../node/clock';
import { Heartbeat, HEARTBEAT_STRUCT_BYTES } from '../wire/generated/messages';
import { hearing, membership, freshAt, agreeAt, everyoneAt, PROBING, AGREE } from './table';
import { livenessTickOf, roundOf } from './calendar';
import { clockSample, AGREE_S } from './time_sync';
import { noteDigest } from './disagreement';
import { mergeHeard } from './hearing';

/** What a heartbeat says about this node's agreement with its sender. */
const HEARTBEAT_SAME: u32 = 0;
export const HEARTBEAT_GREW: u32 = 1;
export const HEARTBEAT_VIEW_DIFFERS: u32 = 2;
export const HEARTBEAT_NOTHING: u32 = 3;

/** Heartbeats of so many ticks ago are merged. */
const BEHIND_MAX: u32 = 2;

/** Bytes of a bitmap of all members in a message. */
function bitmapBytes(ctx: usize): u32 {
  return (members(ctx) + 7) >>> 3;
}

/**
 * Composes a heartbeat in the outgoing scratch; the caller encodes it. `recent`: the 32-bit digest
 * as of the minute before the last whole one. One that is not `whole` has no bitmaps: it brings
 * time and digests only.
 */
export function composeHeartbeat(ctx: usize, recent: u32, whole: bool): Heartbeat {
  const state = membership(ctx);
  const m = changetype<Heartbeat>(ctx + SCRATCH_OUT_AT);
  const bytes = whole ? bitmapBytes(ctx) : 0;
  const planes: usize = ctx + SCRATCH_OUT_AT + HEARTBEAT_STRUCT_BYTES;
  for (let plane: u32 = 0; plane < 3; plane++) memory.copy(planes + plane * bytes, freshAt(ctx, plane), bytes);
  const now = call(ctx);
  m.timeS = now.missionS;
  m.timeMs = now.missionMs;
  const errorMs = clockErrorMs(ctx);
  m.errorMs = errorMs < ERROR_WIRE_MS_MAX ? errorMs : ERROR_WIRE_MS_MAX;
  m.agesAt = <u32>planes;
  m.agesLength = bytes * 3;
  m.digestHigh = <u32>(state.digest >> 32);
  m.digestLow = <u32>state.digest;
  m.recent = recent;
  m.agreeAt = <u32>agreeAt(ctx);
  m.agreeLength = bytes;
  return m;
}

/** Whether the bitmaps of a heartbeat have the size of this cluster's, or are left out. */
export function heartbeatPlausible(ctx: usize, m: Heartbeat): bool {
  const bytes = m.agreeLength == 0 ? 0 : bitmapBytes(ctx);
  return m.agesLength == bytes * 3 && m.agreeLength == bytes;
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
  const isWhole = m.agreeLength != 0;
  if (isWhole) {
    noteNews(ctx);
    mergeAges(ctx, livenessTickOf(m.timeS), m);
  }
  if (roundOf(m.timeS) != state.round) return HEARTBEAT_NOTHING;
  const isOwn = m.digestHigh == <u32>(state.digest >> 32) && m.digestLow == <u32>state.digest;
  if (isOwn || (isWhole && isHeardBySender(ctx, m))) noteDigest(ctx, call(ctx).sender, m.digestLow, isOwn);
  if (!isOwn) return HEARTBEAT_VIEW_DIFFERS;
  // Agreement is merged only between clocks that agree: a majority also defines the cluster's time.
  if (!isWhole || off > AGREE_S || off < -AGREE_S) return HEARTBEAT_SAME;
  return mergeAgreement(ctx, m) ? HEARTBEAT_GREW : HEARTBEAT_SAME;
}

/** Notes that this node hears of others now: a gap ends with the first heartbeat that has ages. */
function noteNews(ctx: usize): void {
  const heard = hearing(ctx);
  const now = missionS(ctx);
  if (now > heard.heardS + HEARING_GAP_S) {
    changes(ctx, PROBING);
    membership(ctx).gapEndS = now;
    membership(ctx).gapStartS = heard.heardS;
  }
  heard.heardS = now;
}

/**
 * Whether the sender of a heartbeat hears this node. Its digest contains whom it does not hear, so
 * a node that nobody hears agrees with nobody.
 */
function isHeardBySender(ctx: usize, m: Heartbeat): bool {
  const bytes = bitmapBytes(ctx);
  const at: usize = m.agesAt + (self(ctx) >>> 3);
  return ((load<u8>(at) | load<u8>(at + bytes) | load<u8>(at + 2 * bytes)) & (1 << (self(ctx) & 7))) != 0;
}

/**
 * Merges freshness that is relative to the sender's `livenessTick`, 64 members at a time. Bytes
 * that follow a bitmap are read with its last word: those bits are of no member.
 */
function mergeAges(ctx: usize, livenessTick: u32, m: Heartbeat): void {
  const behind = membership(ctx).livenessTick - livenessTick;
  if (behind > BEHIND_MAX && <i32>behind != -1) return;
  const bytes = bitmapBytes(ctx);
  for (let offset: u32 = 0; offset < bytes; offset += 8) {
    const at: usize = m.agesAt + offset;
    let f0 = load<u64>(at, 0, 1);
    let f1 = load<u64>(at + bytes, 0, 1);
    let f2 = load<u64>(at + 2 * bytes, 0, 1);
    if (<i32>behind == -1) {
      // The sender's tick is one ahead: everybody it knows alive is one fresher here.
      const live = f0 | f1 | f2;
      const fresh = f0 & f1 & f2;
      f2 = live & ((f2 ^ (f0 & f1)) | fresh);
      f1 = live & ((f1 ^ f0) | fresh);
      f0 = live & (~f0 | fresh);
    } else
      for (let left = behind; left != 0; left--) {
        const some = f0 | f1 | f2;
        f2 = some & (f2 ^ (~f0 & ~f1));
        f1 = some & (f1 ^ ~f0);
        f0 = some & ~f0;
      }
    mergeHeard(ctx, offset, f0, f1, f2);
  }
}

/**
 * Merges the sender's bitmap of members that agree: its digest equals this node's. The sender has
 * set its own bit unless it is recovering.
 */
function mergeAgreement(ctx: usize, m: Heartbeat): bool {
  const bytes = bitmapBytes(ctx);
  let grew: u64 = 0;
  for (let offset: u32 = 0; offset < bytes; offset += 8) {
    const at = agreeAt(ctx) + offset;
    const before = load<u64>(at);
    const news = load<u64>(m.agreeAt + offset, 0, 1) & load<u64>(everyoneAt(ctx) + offset) & ~before;
    store<u64>(at, before | news);
    grew |= news;
  }
  if (grew == 0) return false;
  changes(ctx, AGREE);
  return true;
}

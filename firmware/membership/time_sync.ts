// Synchronizes mission time with the cluster (TIM-1): learns an unknown offset from peers, follows
// peers slowly once it is known, and bounds the error.

import {
  CONTAINED,
  CLOCK_DRIFT_PPM_MAX,
  CLOCK_STEP_S_MAX,
  CLOCK_ERROR_MS_MAX,
  CLOCK_SAMPLES_MIN,
  PERIOD_S,
  RESERVE_CYCLES,
  EVENT_BYTES_MAX,
} from '../memory/limits';
import { CYCLE_S, COUNTER_CLOCK_DISAGREES } from '../wire/generated/codes';
import { SCRATCH_OUT_AT } from '../memory/map';
import { changes, call } from '../memory/guard';
import { clockErrorMs, setClockError, setMission } from '../node/clock';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { clock, HOT, node, NODE, queues } from '../node/table';
import { membership, PROBING } from './table';
import { TimeAcquired, encodeTimeAcquired } from '../wire/generated/messages';

/**
 * Air time of a byte on the cluster's channel of 35 kbit/s, in 1/128 ms. A frame is received when
 * its last bit arrives.
 */
const BYTE_MS_128: u32 = 29;
/**
 * Light time, processing and rounding inside a cluster, ms: the assumed bound on the error that
 * remains after the correction for air time.
 */
const TRANSIT_ERROR_MS: u32 = 60;
/**
 * Samples that differ by at most this agree; clocks that differ by at most this show one time,
 * seconds.
 */
export const AGREE_S: i32 = 2;
const AGREE_MS: i32 = AGREE_S * 1000;
/** Error that one sample adds, and error bound of a clock that agrees with a majority, ms. */
const SAMPLE_ERROR_MS: u32 = 2 * TRANSIT_ERROR_MS + 200;
const AGREED_ERROR_MS: u32 = <u32>AGREE_MS + SAMPLE_ERROR_MS;
/** A sample that differs by at most this agrees with a clock that is kept in step, ms. */
const NEAR_MS: u32 = 20;
/** Largest count of samples that agree, and from which on a clock is in step with its peers. */
const CLOCK_NEAR_MAX: u32 = 7;
const CLOCK_NEAR_MIN: u32 = 3;
/** Of each sender one sample is taken in so long, local seconds. */
const SAMPLE_S: u32 = 60;
/**
 * Largest step of a clock that is in step with its peers, ms: what oscillators drift apart in a
 * minute, in which each sender gives one sample.
 */
const SETTLED_STEP_MS: i32 = <i32>((CLOCK_DRIFT_PPM_MAX * SAMPLE_S) / 1000);
/**
 * An unknown clock is learnt from samples that agree over this time, local seconds; one that
 * contradicts the others begins it anew.
 */
const LEARN_S: u32 = PERIOD_S;
/** After a reset a node hears no true frame for so long, local seconds: it had reserved that. */
const DEAF_S: u32 = RESERVE_CYCLES * CYCLE_S;
/**
 * A time further than this beyond the last reserved counter is not learnt: 400 days, in TDMA
 * cycles.
 */
const LEARN_CYCLES_MAX: u32 = (400 * 86400) / CYCLE_S;

/**
 * Lowers the error bound when a majority agrees: each member of it is within AGREE_S of the peer it
 * heard from, so this is the cluster's time.
 */
export function clockAgreed(ctx: usize): void {
  if (clockErrorMs(ctx) > AGREED_ERROR_MS) setClockError(ctx, AGREED_ERROR_MS);
}

/** Difference a − b of two times, milliseconds, saturating at ± (CLOCK_STEP_S_MAX + 1 s). */
function differenceMs(aS: u32, aMs: u32, bS: u32, bMs: u32): i32 {
  const s = <i32>(aS - bS);
  const limit = <i32>CLOCK_STEP_S_MAX + 1;
  if (s > limit) return limit * 1000;
  if (s < -limit) return -limit * 1000;
  return s * 1000 + <i32>aMs - <i32>bMs;
}

/** Moves the offset by `ms` (|ms| ≤ 2³⁰). */
function shiftOffset(ctx: usize, ms: i32): void {
  let total = <i32>clock(ctx).offsetMs + ms;
  let s = total / 1000;
  total -= s * 1000;
  if (total < 0) {
    total += 1000;
    s -= 1;
  }
  clock(ctx).offsetMs = <u32>total;
  clock(ctx).offsetS += <u32>s;
  changes(ctx, HOT);
}

/**
 * Takes a peer's time from its heartbeat, in a frame of `bytes` bytes. An unknown clock is learnt
 * when CLOCK_SAMPLES_MIN samples agree over LEARN_S; a known clock follows slowly.
 */
export function clockSample(ctx: usize, bytes: u32, peerS: u32, peerMs: u32, peerErrorMs: u32): void {
  const transitMs = <i32>((bytes * BYTE_MS_128) >>> 7);
  const state = node(ctx);
  const trusted = peerErrorMs <= CLOCK_ERROR_MS_MAX;
  if (state.timeKnown != 0) {
    if (CONTAINED && isSampledTwice(ctx)) return;
    const errorMs = clockErrorMs(ctx);
    const off = differenceMs(peerS, peerMs, call(ctx).missionS, call(ctx).missionMs) + transitMs;
    noteNear(ctx, off);
    // TDMA needs nodes in contact to keep together: a near clock is followed whatever its error. A
    // far clock is followed only if it is trusted, or if neither is and its error bound is no
    // larger than the own.
    const far = off > AGREE_MS || off < -AGREE_MS;
    if (far && !trusted && (errorMs <= CLOCK_ERROR_MS_MAX || peerErrorMs > errorMs)) return;
    if (off <= <i32>CLOCK_STEP_S_MAX * 1000 && off >= -(<i32>CLOCK_STEP_S_MAX) * 1000) {
      // The cluster's time is within the own error bound: who is further off does not have it.
      if (CONTAINED && far && errorMs <= CLOCK_ERROR_MS_MAX && abs(off) > errorMs + AGREED_ERROR_MS)
        countLoss(ctx, COUNTER_CLOCK_DISAGREES);
      else follow(ctx, off, errorMs);
      return;
    }
    countLoss(ctx, COUNTER_CLOCK_DISAGREES);
    // A clock known to be bad is learnt anew; of two bad clocks, the one behind.
    if (errorMs <= CLOCK_ERROR_MS_MAX || (!trusted && off < 0)) return;
    forgetTime(ctx);
  }
  learn(ctx, peerS, <i32>peerMs + transitMs, peerErrorMs);
}

/** Forgets mission time: it is learnt anew from peers. */
export function forgetTime(ctx: usize): void {
  const state = node(ctx);
  setClockError(ctx, clockErrorMs(ctx));
  state.timeKnown = 0;
  state.bootKnown = 0;
  state.samples = 0;
  state.periodS = call(ctx).localS;
  changes(ctx, HOT | NODE);
}

/**
 * Moves an eighth of the way to a peer. A clock that agrees with most peers moves by
 * SETTLED_STEP_MS at most: that is more than oscillators drift between two samples, and bounds what
 * one false clock does to all. The error bound grows by the step; only a quorum lowers it, because
 * a peer's own bound may be false.
 */
function follow(ctx: usize, off: i32, errorMs: u32): void {
  // Rounded to the nearest: truncation would leave clocks up to 14 ms apart, and a TDMA slot has
  // only 4 ms to spare after the longest frame.
  let step = (off < 0 ? off - 4 : off + 4) / 8;
  if (CONTAINED && <u32>membership(ctx).clockNear >= CLOCK_NEAR_MIN)
    step = max<i32>(-SETTLED_STEP_MS, min<i32>(step, SETTLED_STEP_MS));
  shiftOffset(ctx, step);
  setClockError(ctx, errorMs + abs(step));
}

/**
 * Whether the sender of the present frame, or one whose number is equal modulo 32, gave a sample in
 * this minute. Notes it if not. So a member that sends in every cycle counts no more than others.
 */
function isSampledTwice(ctx: usize): bool {
  const state = membership(ctx);
  const minute = <u16>(call(ctx).localS / SAMPLE_S);
  const bit: u32 = 1 << (call(ctx).sender & 31);
  if (state.sampledMinute != minute) state.sampled = 0;
  else if ((state.sampled & bit) != 0) return true;
  state.sampledMinute = minute;
  state.sampled |= bit;
  changes(ctx, PROBING);
  return false;
}

/** Counts how many of the newest samples agree with this clock. */
function noteNear(ctx: usize, off: i32): void {
  const state = membership(ctx);
  if (abs(off) <= NEAR_MS) {
    if (<u32>state.clockNear < CLOCK_NEAR_MAX) state.clockNear++;
  } else if (state.clockNear != 0) state.clockNear--;
  changes(ctx, PROBING);
}

function abs(ms: i32): u32 {
  return <u32>(ms < 0 ? -ms : ms);
}

/**
 * Takes a sample while mission time is unknown: the time is peerS + sumMs at the present local
 * time.
 */
function learn(ctx: usize, peerS: u32, sumMs: i32, peerErrorMs: u32): void {
  const state = node(ctx);
  // Reserved counters never come back, so a time far in the future would silence this node for
  // good.
  const sent = queues(ctx).sentCycle;
  if (sent != 0 && sent != 0xffffffff && peerS / CYCLE_S > sent + LEARN_CYCLES_MAX) return;
  changes(ctx, HOT | NODE);
  // The first sample's offset is stored; the offsets of later samples are compared with it.
  let offsetS = peerS - call(ctx).localS;
  let offsetMs = sumMs - <i32>call(ctx).localMs;
  if (offsetMs < 0) {
    offsetMs += 1000;
    offsetS -= 1;
  } else if (offsetMs >= 1000) {
    offsetMs -= 1000;
    offsetS += 1;
  }
  const off = state.samples == 0 ? 0 : differenceMs(offsetS, <u32>offsetMs, clock(ctx).offsetS, clock(ctx).offsetMs);
  if (state.samples == 0 || off > AGREE_MS || off < -AGREE_MS) {
    // Until the first sample this is the local time of the boot.
    if (state.samples == 0 && sent != 0 && sent != 0xffffffff) clock(ctx).sampleS += DEAF_S;
    clock(ctx).sampleS = max<u32>(clock(ctx).sampleS, call(ctx).localS);
    state.samples = 1;
    clock(ctx).offsetS = offsetS;
    clock(ctx).offsetMs = <u32>offsetMs;
    return;
  }
  if (<u32>state.samples < CLOCK_SAMPLES_MIN) state.samples++;
  if (<u32>state.samples < CLOCK_SAMPLES_MIN || call(ctx).localS < clock(ctx).sampleS + LEARN_S) return;
  state.timeKnown = 1;
  const learntMs = peerErrorMs + <u32>AGREE_MS;
  // A peer without a trusted clock cannot lower this clock's error bound.
  setClockError(ctx, peerErrorMs > CLOCK_ERROR_MS_MAX && clock(ctx).errorMs > learntMs ? clock(ctx).errorMs : learntMs);
  setMission(ctx);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<TimeAcquired>(ctx + SCRATCH_OUT_AT);
  m.timeS = call(ctx).missionS;
  m.errorMs = clock(ctx).errorMs;
  eventDone(ctx, at, encodeTimeAcquired(at, at + EVENT_BYTES_MAX - 1, m));
}

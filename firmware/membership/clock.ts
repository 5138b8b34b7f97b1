// Mission time (TIM-1): the processor's own clock plus an offset that is configured or learnt from peers, with a bound on its error.

import {
  LIVENESS_TICK_S,
  LIVENESS_TICK_FIRST,
  ROUND_TICKS,
  CLOCK_ERROR_MS_MAX,
  CYCLE_S,
  CLOCK_DRIFT_PPM_MAX,
  CLOCK_STEP_S_MAX,
  CLOCK_SAMPLES_MIN,
  COUNTER_CLOCK_DISAGREES,
  EVENT_BYTES_MAX,
} from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { edge, queues, HOT, NODE } from '../node/table';
import { clock } from './accessors';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { TimeAcquired, encodeTimeAcquired } from '../wire/generated/messages';

/** Time on the air of a byte on the cluster's channel of 35 kbit/s, in 1/128 ms: a frame is heard when its last bit is. */
const BYTE_MS_128: u32 = 29;
/** Light time, processing and rounding inside a cluster, ms: assumed bound on what the correction for air time leaves over. */
const TRANSIT_ERROR_MS: u32 = 60;
/** Samples this near to each other (ms) count as agreeing, and clocks as one cluster's time. */
export const AGREE_S: i32 = 2;
const AGREE_MS: i32 = AGREE_S * 1000;
/** Error that one sample adds, and that of a clock whose majority agrees. */
const SAMPLE_ERROR_MS: u32 = 2 * TRANSIT_ERROR_MS + 200;
const AGREED_ERROR_MS: u32 = <u32>AGREE_MS + SAMPLE_ERROR_MS;
/** A time so far beyond the last reservation is not learnt: 400 days. */
const LEARN_CYCLES_MAX: u32 = (400 * 86400) / CYCLE_S;
/** A heartbeat has 16 bits for it: this or more. */
export const ERROR_WIRE_MS_MAX: u32 = 0xffff;
const DRIFT_S_PER_MS: u32 = 1000 / CLOCK_DRIFT_PPM_MAX;

/** Takes the processor's clock for this call. */
// @inline
export function setLocal(ctx: usize, nowS: u32, nowMs: u32): void {
  const now = call(ctx);
  now.localS = nowS;
  now.localMs = nowMs;
}

/** Derives mission time from it. */
export function setMission(ctx: usize): void {
  const state = edge(ctx);
  const now = call(ctx);
  if (state.timeKnown == 0) {
    now.missionS = 0;
    now.missionMs = 0;
    return;
  }
  let ms = now.localMs + clock(ctx).offsetMs;
  let s = now.localS + clock(ctx).offsetS;
  if (ms >= 1000) {
    ms -= 1000;
    s += 1;
  }
  now.missionS = s;
  now.missionMs = ms;
}

/**
 * Bound on the error against the cluster's time, milliseconds; a heartbeat tells at most ERROR_WIRE_MS_MAX. The cluster's time is that of
 * its majority, so the error grows with drift from the last quorum on, and a peer's sample lessens it only by as much as that peer's
 * own error allows: two nodes that are cut off together drift together.
 */
export function clockErrorMs(ctx: usize): u32 {
  const state = edge(ctx);
  if (state.timeKnown == 0) return ERROR_WIRE_MS_MAX;
  // Rounded up, or frequent samples would never let it grow.
  const elapsedS = call(ctx).localS - clock(ctx).sampleS + DRIFT_S_PER_MS - 1;
  return clock(ctx).errorMs + elapsedS / DRIFT_S_PER_MS;
}

/** A majority agrees, each within AGREE_S of those it heard it from: this is the cluster's time. */
export function clockAgreed(ctx: usize): void {
  if (clockErrorMs(ctx) > AGREED_ERROR_MS) setError(ctx, AGREED_ERROR_MS);
}

function setError(ctx: usize, errorMs: u32): void {
  clock(ctx).errorMs = errorMs;
  clock(ctx).sampleS = call(ctx).localS;
  changes(ctx, HOT);
}

/** TIM-1: whether this clock is good enough to claim, grant or renew anything. */
export function clockTrusted(ctx: usize): bool {
  return clockErrorMs(ctx) <= CLOCK_ERROR_MS_MAX;
}

// @inline
export function livenessTickOf(missionS: u32): u32 {
  return missionS / LIVENESS_TICK_S + LIVENESS_TICK_FIRST;
}
/** Mission second at which a beat begins; 0 for beats before the mission. */
// @inline
export function livenessTickStartS(livenessTick: u32): u32 {
  return livenessTick > LIVENESS_TICK_FIRST ? (livenessTick - LIVENESS_TICK_FIRST) * LIVENESS_TICK_S : 0;
}
// @inline
export function roundOf(missionS: u32): u32 {
  return livenessTickOf(missionS) / ROUND_TICKS;
}
/** An epoch's cut: digests cover what was published before this mission second. */
// @inline
export function roundCutS(epoch: u32): u32 {
  return livenessTickStartS(epoch * ROUND_TICKS);
}

/** Difference a − b of two times, milliseconds, saturating at ± CLOCK_STEP_S_MAX and one second. */
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

/** A peer's time as told in its heartbeat, in a frame of `bytes` bytes. An unknown clock is learnt when CLOCK_SAMPLES_MIN samples agree; a known one follows slowly. */
export function clockSample(ctx: usize, bytes: u32, peerS: u32, peerMs: u32, peerErrorMs: u32): void {
  const transitMs = <i32>((bytes * BYTE_MS_128) >>> 7);
  const state = edge(ctx);
  const trusted = peerErrorMs <= CLOCK_ERROR_MS_MAX;
  if (state.timeKnown != 0) {
    const errorMs = clockErrorMs(ctx);
    const off = differenceMs(peerS, peerMs, call(ctx).missionS, call(ctx).missionMs) + transitMs;
    // Slots need those who hear each other to keep together, so the near are followed whatever their error; who is far off, by the worse.
    const far = off > AGREE_MS || off < -AGREE_MS;
    if (far && !trusted && (errorMs <= CLOCK_ERROR_MS_MAX || peerErrorMs > errorMs)) return;
    if (off <= <i32>CLOCK_STEP_S_MAX * 1000 && off >= -(<i32>CLOCK_STEP_S_MAX) * 1000) {
      follow(ctx, off, errorMs, peerErrorMs);
      return;
    }
    countLoss(ctx, COUNTER_CLOCK_DISAGREES);
    // A clock known to be bad is learnt anew; of two that are, the one behind.
    if (errorMs <= CLOCK_ERROR_MS_MAX || (!trusted && off < 0)) return;
    forgetTime(ctx);
  }
  learn(ctx, peerS, <i32>peerMs + transitMs, peerErrorMs);
}

/** Mission time is not known any more: it is learnt anew. */
export function forgetTime(ctx: usize): void {
  const state = edge(ctx);
  setError(ctx, clockErrorMs(ctx));
  state.timeKnown = 0;
  state.bootKnown = 0;
  state.samples = 0;
  state.periodS = call(ctx).localS;
  changes(ctx, HOT | NODE);
}

/**
 * Moves an eighth of the way to a peer. Each of three bounds the error then: that before and the step; what is left and the peer's
 * error, if that is known; an eighth of the peer's and the rest of the own.
 */
function follow(ctx: usize, off: i32, errorMs: u32, peerErrorMs: u32): void {
  // To the nearest: what is cut off would leave clocks up to 14 ms apart, and slots have but 4 ms to spare behind the longest frame.
  const step = (off < 0 ? off - 4 : off + 4) / 8;
  shiftOffset(ctx, step);
  let bound = errorMs + abs(step);
  if (peerErrorMs < ERROR_WIRE_MS_MAX) {
    bound = min(bound, peerErrorMs + SAMPLE_ERROR_MS + abs(off - step));
    bound = min(bound, <u32>(<i32>errorMs + <i32>(peerErrorMs - errorMs) / 8));
  }
  setError(ctx, bound);
}

function abs(ms: i32): u32 {
  return <u32>(ms < 0 ? -ms : ms);
}

/** A sample for a clock that is unknown: time peerS + sumMs at the present local time. */
function learn(ctx: usize, peerS: u32, sumMs: i32, peerErrorMs: u32): void {
  const state = edge(ctx);
  // Counters that were reserved never come back: a time that no board sleeps for would silence this node for good.
  const sent = queues(ctx).sentCycle;
  if (sent != 0 && sent != 0xffffffff && peerS / CYCLE_S > sent + LEARN_CYCLES_MAX) return;
  changes(ctx, HOT | NODE);
  // The offset that this sample asks for; the first is kept and later ones are compared with it.
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
    state.samples = 1;
    clock(ctx).offsetS = offsetS;
    clock(ctx).offsetMs = <u32>offsetMs;
    return;
  }
  state.samples++;
  if (state.samples < CLOCK_SAMPLES_MIN) return;
  state.timeKnown = 1;
  const learntMs = peerErrorMs + <u32>AGREE_MS;
  // From peers that are themselves lost, nothing is learnt of how far off this clock may be.
  setError(ctx, peerErrorMs > CLOCK_ERROR_MS_MAX && clock(ctx).errorMs > learntMs ? clock(ctx).errorMs : learntMs);
  setMission(ctx);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<TimeAcquired>(ctx + SCRATCH_OUT_AT);
  m.timeS = call(ctx).missionS;
  m.errorMs = clock(ctx).errorMs;
  eventDone(ctx, at, encodeTimeAcquired(at, at + EVENT_BYTES_MAX - 1, m));
}

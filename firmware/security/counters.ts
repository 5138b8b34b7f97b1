// Decides which counters may be sent and accepted. A frame's counter is the TDMA cycle in which it
// is sent: a node sends one frame a cycle, so (sender, counter) identifies a frame for all time,
// and any node that knows the time knows how old a frame is.
//
// One number in non-volatile memory bounds both directions. It is reserved ahead, in blocks:
// nothing is sent or accepted beyond it. After a reset a node starts behind it: no nonce was used
// there, and no frame was accepted.

import { COMMAND_BYTES_MAX, EVENT_BYTES_MAX, MEMBERS_MAX, RESERVE_CYCLES } from '../memory/limits';
import {
  MUTE_CAUSE_COUNTERS_USED,
  MUTE_CAUSE_NO_KEY,
  MUTE_CAUSE_NO_RESERVATION,
  MUTE_CAUSE_NO_TIME,
  MUTE_CAUSE_NONE,
  STATUS_AHEAD,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
  STATUS_REPLAY,
  STATUS_STALE,
  WINDOW_CYCLES,
  FLAG_DEADLINE,
  CYCLE_S,
} from '../wire/generated/codes';
import { SCRATCH_OUT_AT } from '../memory/map';
import { changes } from '../memory/guard';
import { node, queues, timeKnown, HOT, NODE } from '../node/table';
import { commandDone, commandSpace, eventDone, eventSpace } from '../node/queues';
import { cycleNow, isInTxSlot } from '../node/tx_slots';
import { clockErrorMs } from '../node/clock';
import { newestKeyEpoch, sendingKeyEpoch } from './key_epoch';
import { Mute, encodeMute, ReserveCounters, encodeReserveCounters } from '../wire/generated/messages';
import { peer, peerToChange } from './table';

/**
 * The cycle sent last when a reservation was lost: without the time it is not known where counters
 * may start.
 */
export const NEVER: u32 = 0xffffffff;
/** A reservation that reaches further ahead was not requested. */
const CONFIRMED_CYCLES_MAX: u32 = 4096;

/**
 * Returns the counter of a frame that is sent now. Without mission time there are only beacons:
 * they use reserved counters one by one.
 */
export function counterNow(ctx: usize): u32 {
  const sent = queues(ctx).sentCycle;
  return timeKnown(ctx) ? cycleNow(ctx) : sent == NEVER ? NEVER : sent + 1;
}

/**
 * Whether a frame may be sent now: one waits, its counter is reserved and unused, and this node's
 * TDMA slot has begun. Without mission time only a node in safe mode sends.
 */
export function maySend(ctx: usize): bool {
  const waits = queues(ctx).outboxCount != 0 && (timeKnown(ctx) ? isInTxSlot(ctx) : node(ctx).safeMode != 0);
  if (!waits) return false;
  const counter = counterNow(ctx);
  return counter > queues(ctx).sentCycle && counter <= queues(ctx).reserved;
}

/**
 * Decides whether a frame with this counter may be accepted. Returns STATUS_OK or the reason
 * against it.
 */
export function checkCounter(ctx: usize, sender: u32, counter: u32): u32 {
  if (timeKnown(ctx)) {
    // A reservation can reach beyond a window only if the time was set back since: then old frames
    // would be new again.
    if (counter > queues(ctx).reserved || counter > cycleNow(ctx) + WINDOW_CYCLES) return STATUS_AHEAD;
    if (counter + WINDOW_CYCLES <= cycleNow(ctx)) return STATUS_STALE;
  }
  const heard = peer(ctx, sender);
  if (counter > heard.top) return STATUS_OK;
  const back = heard.top - counter;
  if (back >= WINDOW_CYCLES) return STATUS_STALE;
  return ((heard.seen >>> <u64>back) & 1) != 0 ? STATUS_REPLAY : STATUS_OK;
}

/** Marks a counter of `sender` as accepted, so that no frame with it is accepted again. */
export function acceptCounter(ctx: usize, sender: u32, counter: u32): void {
  const heard = peerToChange(ctx, sender);
  if (counter <= heard.top) {
    heard.seen |= (<u64>1) << (<u64>(heard.top - counter));
    return;
  }
  const step = counter - heard.top;
  heard.seen = (step < WINDOW_CYCLES ? heard.seen << (<u64>step) : 0) | 1;
  heard.top = counter;
}

/**
 * Excludes every member's counters up to `floor`. A window above `limit` was moved there by a
 * forger: it starts again at `restart`.
 */
export function raiseWindows(ctx: usize, floor: u32, limit: u32, restart: u32): void {
  for (let member: u32 = 0; member < MEMBERS_MAX; member++) {
    const heard = peerToChange(ctx, member);
    if (heard.top <= floor || heard.top > limit) {
      heard.top = heard.top > limit ? restart : floor;
      heard.seen = ~(<u64>0);
    } else if (heard.top - floor < WINDOW_CYCLES) heard.seen |= ~(<u64>0) << (<u64>(heard.top - floor));
  }
}

/**
 * Returns the cycle that a reservation is counted from. With a larger clock error, other members'
 * counters may be further ahead.
 */
function nextCycle(ctx: usize): u32 {
  const sent = queues(ctx).sentCycle;
  if (!timeKnown(ctx) || sent == NEVER) return sent;
  return max<u32>(cycleNow(ctx) + clockErrorMs(ctx) / (CYCLE_S * 1000), sent);
}

/** Requests a reservation, unless it reaches far enough. */
export function reserveAhead(ctx: usize): void {
  const next = nextCycle(ctx);
  if (next == NEVER || queues(ctx).reserved >= next + RESERVE_CYCLES || newestKeyEpoch(ctx) == 0) return;
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<ReserveCounters>(ctx + SCRATCH_OUT_AT);
  m.cycle = next + RESERVE_CYCLES;
  commandDone(ctx, at, encodeReserveCounters(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Accepts the platform's report that non-volatile memory has the reservation. */
export function onReserved(ctx: usize, cycle: u32): u32 {
  const state = queues(ctx);
  const next = nextCycle(ctx);
  if (next == NEVER || cycle > next + CONFIRMED_CYCLES_MAX) return STATUS_IMPLAUSIBLE;
  if (cycle > state.reserved) {
    state.reserved = cycle;
    state.flags |= FLAG_DEADLINE;
    changes(ctx, HOT);
  }
  return STATUS_OK;
}

/**
 * Excludes all counters up to the present cycle, after mission time was learnt: a replayed frame
 * may have helped to learn it. Counters far ahead that were accepted meanwhile prove nothing.
 */
export function timeLearnt(ctx: usize): void {
  const state = queues(ctx);
  const now = cycleNow(ctx);
  if (state.sentCycle == NEVER) {
    state.sentCycle = now + RESERVE_CYCLES;
    changes(ctx, HOT);
  }
  raiseWindows(ctx, now, now + WINDOW_CYCLES, max<u32>(now, state.sentCycle));
  reserveAhead(ctx);
}

/** Returns why no frame is sent now: MUTE_CAUSE_*. */
function muteCause(ctx: usize): u32 {
  if (sendingKeyEpoch(ctx) == 0) return MUTE_CAUSE_NO_KEY;
  if (!timeKnown(ctx)) return MUTE_CAUSE_NO_TIME;
  if (queues(ctx).sentCycle > cycleNow(ctx)) return MUTE_CAUSE_COUNTERS_USED;
  return queues(ctx).reserved < cycleNow(ctx) ? MUTE_CAUSE_NO_RESERVATION : MUTE_CAUSE_NONE;
}

/** Emits the event of a node that falls mute, or sends again. */
export function reportMute(ctx: usize): void {
  const cause = muteCause(ctx);
  if (node(ctx).muteCause == cause) return;
  const at = eventSpace(ctx);
  if (at == 0) return;
  node(ctx).muteCause = <u8>cause;
  changes(ctx, NODE);
  const m = changetype<Mute>(ctx + SCRATCH_OUT_AT);
  m.cause = cause;
  // The next cycle has begun for every member by the end of its seconds.
  m.untilS = cause == MUTE_CAUSE_COUNTERS_USED ? (queues(ctx).sentCycle + 1) * CYCLE_S : 0;
  eventDone(ctx, at, encodeMute(at, at + EVENT_BYTES_MAX - 1, m));
}

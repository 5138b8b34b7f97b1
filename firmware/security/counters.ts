// Which counters may be sent and accepted. A frame's counter is the TDMA cycle it leaves in: a node sends one frame a cycle, so (sender, counter) names a
// frame for all time, and how old a frame is can be told by anybody who knows the time.
//
// One number in non-volatile memory serves both sides. It is reserved ahead, in blocks: nothing is sent or accepted beyond it. After a reset this node begins
// behind it: no nonce was used there, and no frame was taken.

import {
  COMMAND_BYTES_MAX,
  MEMBERS_MAX,
  RESERVE_CYCLES,
  RESERVE_CYCLES_MIN,
  STATUS_AHEAD,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
  STATUS_REPLAY,
  STATUS_STALE,
  WINDOW_CYCLES,
  FLAG_DEADLINE,
  CYCLE_S,
} from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { changes } from '../memory/guard';
import { queues, timeKnown, HOT } from '../node/table';
import { commandDone, commandSpace } from '../node/queues';
import { cycleNow } from '../node/tx_slots';
import { clockErrorMs } from '../node/clock';
import { newestKeyEpoch } from './key_epoch';
import { ReserveCounters, encodeReserveCounters } from '../wire/generated/messages';
import { peer, peerToChange } from './table';

/** Sent up to here: a reservation was lost, and without the time nobody knows where counters may begin. */
export const NEVER: u32 = 0xffffffff;
/** A reservation further ahead than this was not asked for. */
const CONFIRMED_CYCLES_MAX: u32 = 4096;

/** The counter of a frame that leaves now. Without mission time there are only beacons: they take what is reserved, one by one. */
export function counterNow(ctx: usize): u32 {
  const sent = queues(ctx).sentCycle;
  return timeKnown(ctx) ? cycleNow(ctx) : sent == NEVER ? NEVER : sent + 1;
}

/** Whether a frame with this counter may be taken. */
export function checkCounter(ctx: usize, sender: u32, counter: u32): u32 {
  if (timeKnown(ctx)) {
    // What is reserved is little ahead of the present, but where the time went back since: then all that came before would be new again.
    if (counter > queues(ctx).reserved || counter > cycleNow(ctx) + WINDOW_CYCLES) return STATUS_AHEAD;
    if (counter + WINDOW_CYCLES <= cycleNow(ctx)) return STATUS_STALE;
  }
  const heard = peer(ctx, sender);
  if (counter > heard.top) return STATUS_OK;
  const back = heard.top - counter;
  if (back >= WINDOW_CYCLES) return STATUS_STALE;
  return ((heard.seen >>> <u64>back) & 1) != 0 ? STATUS_REPLAY : STATUS_OK;
}

/** It was taken: not again. */
export function takeCounter(ctx: usize, sender: u32, counter: u32): void {
  const heard = peerToChange(ctx, sender);
  if (counter <= heard.top) {
    heard.seen |= (<u64>1) << (<u64>(heard.top - counter));
    return;
  }
  const step = counter - heard.top;
  heard.seen = (step < WINDOW_CYCLES ? heard.seen << (<u64>step) : 0) | 1;
  heard.top = counter;
}

/** Of nobody is a frame taken with a counter up to `floor`. A window above `limit` is one that somebody pushed there: it begins at `anew`. */
export function raiseWindows(ctx: usize, floor: u32, limit: u32, anew: u32): void {
  for (let member: u32 = 0; member < MEMBERS_MAX; member++) {
    const heard = peerToChange(ctx, member);
    if (heard.top <= floor || heard.top > limit) {
      heard.top = heard.top > limit ? anew : floor;
      heard.seen = ~(<u64>0);
    } else if (heard.top - floor < WINDOW_CYCLES) heard.seen |= ~(<u64>0) << (<u64>(heard.top - floor));
  }
}

/** What a reservation is counted from. A clock that may be off by more lets others' counters be further ahead. */
function nextCycle(ctx: usize): u32 {
  const sent = queues(ctx).sentCycle;
  if (!timeKnown(ctx) || sent == NEVER) return sent;
  return max<u32>(cycleNow(ctx) + clockErrorMs(ctx) / (CYCLE_S * 1000), sent);
}

/** Asks for a reservation when the present one runs out. */
export function reserveAhead(ctx: usize): void {
  const next = nextCycle(ctx);
  if (next == NEVER || queues(ctx).reserved >= next + RESERVE_CYCLES_MIN || newestKeyEpoch(ctx) == 0) return;
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<ReserveCounters>(ctx + SCRATCH_OUT_AT);
  m.cycle = next + RESERVE_CYCLES;
  commandDone(ctx, at, encodeReserveCounters(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Non-volatile memory holds it now. */
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
 * Mission time was just learnt: whatever came up to this cycle is not taken any more, for a replayed frame may have helped to learn it. What counters came meanwhile that are far ahead
 * says nothing.
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

// Exports the ABI (docs/abi.md): every parameter and result is i32, the context comes first.

import {
  ABI_NULL_CIPHER,
  OBSERVED_BYTES_MAX,
  TRAP_SITE_CHECKPOINT,
  ABI_VERSION,
  STATUS_OK,
  STATUS_NOT_BOOTED,
  STATUS_SAFE_MODE,
  STATUS_TICK_FIRST,
  STATUS_AHEAD,
  FLAG_DEADLINE,
  FLAG_FRAME,
  DEADLINE_SHIFT,
  DEADLINE_MS_MAX,
  STATUS_LENGTH,
  COUNTER_RECORD_REJECTED,
  OWN_SLOTS,
} from '../wire/generated/codes';
import { NO_INDEX, MEMBERS_MAX, CIPHER } from '../memory/limits';
import { CONTEXT_BYTES, COUNTERS_AT, LINES_AT } from '../memory/map';
import {
  call,
  changes,
  closeCall,
  linesSound,
  openCall,
  renewAll,
  sweepsCore,
  CORE_ALL,
  CORE_NODE,
  CORE_HOT,
} from '../memory/guard';
import { invariant, trapSite } from '../memory/trap';
import { crc32c } from '../base/crc32c';
import { intentIndex } from '../intent/table';
import { verdictOf } from '../intent/arbitration';
import { node, queues, CONTEXT_MAGIC, HOT } from '../node/table';
import { countLoss, takeCommand, takeEvent } from '../node/queues';
import { deadlineMs } from '../node/tx_slots';
import { setLocal, setMission } from '../node/clock';
import { counterNow, maySend } from '../security/counters';
import { forgetTime } from '../membership/time_sync';
import { bootContext, clearContext, loadCheckpoint, restoreContext } from './boot';
import { CHECKPOINT_BYTES, writeCheckpoint } from './checkpoint';
import { checkFrame, openFrame, applyFrame } from './receive';
import { reportUpsets, scrubAndRebuild } from './rebuild';
import { visitRecord } from './visit';
import { turnDue, advance, catchUp, periodDue, periodTick, takeFlags, untilEvictionMs } from './order_of_work';
import { turnMinute } from '../intent/digest';
import { composeFrame } from './compose';
import { inspectContext } from './inspect';

/**
 * Version of the ABI. ABI_NULL_CIPHER is added to that of an image without a cipher: it is for the
 * simulator only.
 */
export function abi_version(): u32 {
  return CIPHER != 0 ? ABI_VERSION : ABI_VERSION + ABI_NULL_CIPHER;
}

export function context_bytes(): u32 {
  return CONTEXT_BYTES;
}

/** First byte above static data, 16-aligned. */
export function memory_base(): u32 {
  return (<u32>__heap_base + 15) & ~15;
}

export function checkpoint_bytes(): u32 {
  return CHECKPOINT_BYTES;
}

export function boot(ctx: usize, config: usize, length: u32, cause: u32, nowS: u32, nowMs: u32): u32 {
  clearContext(ctx, nowS, nowMs);
  const status = bootContext(ctx, config, length, cause);
  if (status != STATUS_OK) return status;
  const result = resultOf(ctx, status | FLAG_DEADLINE);
  renewAll(ctx);
  return result;
}

export function restore(
  ctx: usize,
  image: usize,
  length: u32,
  config: usize,
  configLength: u32,
  cause: u32,
  nowS: u32,
  nowMs: u32,
): u32 {
  const end = config + configLength;
  const status = loadCheckpoint(ctx, image, length, config, end);
  if (status != STATUS_OK) return status;
  setLocal(ctx, nowS, nowMs);
  openCall(ctx, CORE_ALL);
  restoreContext(ctx, config, end, cause);
  return closeWithFlags(ctx, STATUS_OK | FLAG_DEADLINE);
}

/**
 * Begins a call: checks the core lines in `mask` and sets the time. Returns false if the context is
 * not booted.
 */
function open(ctx: usize, mask: u32, nowS: u32, nowMs: u32): bool {
  // Memory that was never booted has no codes.
  if (node(ctx).magic == 0) return false;
  setLocal(ctx, nowS, nowMs);
  openCall(ctx, mask);
  if (node(ctx).magic != CONTEXT_MAGIC) return false;
  setMission(ctx);
  return true;
}

/** Ends a call: changed lines get their codes before anything leaves. */
function close(ctx: usize, result: u32): u32 {
  closeCall(ctx);
  return result;
}

/** Ends a call, with the flags and the deadline for the platform in its result. */
function closeWithFlags(ctx: usize, status: u32): u32 {
  reportUpsets(ctx);
  return close(ctx, resultOf(ctx, status));
}

/** Adds the flags of the present call to `status`, and the deadline if it moved. */
function resultOf(ctx: usize, status: u32): u32 {
  const flags = status | takeFlags(ctx);
  if ((flags & FLAG_DEADLINE) == 0) return flags;
  // The call may have changed the clock.
  setMission(ctx);
  return flags | (maySend(ctx) ? FLAG_FRAME : 0) | deadlineBits(ctx);
}

function deadlineBits(ctx: usize): u32 {
  const ms = min<u32>(deadlineMs(ctx), untilEvictionMs(ctx));
  return min<u32>(ms, DEADLINE_MS_MAX) << DEADLINE_SHIFT;
}

export function receive(ctx: usize, nowS: u32, nowMs: u32, frame: usize, length: u32): u32 {
  // A frame of another cluster must cost little: only the lines that its check reads are checked.
  if (!open(ctx, CORE_NODE, nowS, nowMs)) return STATUS_NOT_BOOTED;
  const state = node(ctx);
  if (state.safeMode != 0) return close(ctx, STATUS_SAFE_MODE);
  let status = checkFrame(ctx, frame, length);
  if (status != STATUS_OK) return close(ctx, status);
  sweepsCore(ctx, CORE_HOT);
  if (turnDue(ctx)) return close(ctx, STATUS_TICK_FIRST);
  status = openFrame(ctx, frame);
  if (status != STATUS_OK) return close(ctx, status);
  // The frame is authentic and its counter is ahead: this node's clock is behind.
  if (call(ctx).ahead != 0) {
    forgetTime(ctx);
    return closeWithFlags(ctx, STATUS_AHEAD | FLAG_DEADLINE);
  }
  if (state.timeKnown != 0) turnMinute(ctx);
  applyFrame(ctx, length);
  return closeWithFlags(ctx, STATUS_OK);
}

export function observe(ctx: usize, nowS: u32, nowMs: u32, record: usize, length: u32): u32 {
  if (!open(ctx, CORE_HOT, nowS, nowMs)) return STATUS_NOT_BOOTED;
  if (length == 0 || length > OBSERVED_BYTES_MAX) {
    countLoss(ctx, COUNTER_RECORD_REJECTED);
    return close(ctx, STATUS_LENGTH);
  }
  advance(ctx);
  const status = visitRecord(ctx, record, record + length);
  if (status != STATUS_OK) countLoss(ctx, COUNTER_RECORD_REJECTED);
  return closeWithFlags(ctx, status);
}

export function tick(ctx: usize, nowS: u32, nowMs: u32): u32 {
  if (!open(ctx, CORE_HOT, nowS, nowMs)) return STATUS_NOT_BOOTED;
  if (periodDue(ctx)) scrubAndRebuild(ctx);
  advance(ctx);
  catchUp(ctx);
  periodTick(ctx);
  return closeWithFlags(ctx, STATUS_OK | FLAG_DEADLINE);
}

/** Composes one frame per own TDMA slot. */
export function transmit(ctx: usize, nowS: u32, nowMs: u32, out: usize, cap: u32): u32 {
  if (!open(ctx, CORE_HOT, nowS, nowMs)) return 0;
  // A heartbeat gives ages as of its own time: the bitmaps must be turned to that tick.
  advance(ctx);
  let length: u32 = 0;
  if (maySend(ctx)) {
    const counter = counterNow(ctx);
    length = composeFrame(ctx, out, cap, counter);
    if (length != 0) {
      queues(ctx).sentCycle = counter;
      changes(ctx, HOT);
    }
  }
  return close(ctx, length | deadlineBits(ctx));
}

export function command(ctx: usize, out: usize, cap: u32): u32 {
  return open(ctx, CORE_NODE, call(ctx).localS, call(ctx).localMs) ? close(ctx, takeCommand(ctx, out, cap)) : 0;
}

export function event(ctx: usize, out: usize, cap: u32): u32 {
  return open(ctx, CORE_NODE, call(ctx).localS, call(ctx).localMs) ? close(ctx, takeEvent(ctx, out, cap)) : 0;
}

export function checkpoint(ctx: usize, out: usize, cap: u32): u32 {
  if (!open(ctx, CORE_NODE, call(ctx).localS, call(ctx).localMs)) return 0;
  closeCall(ctx);
  // A checkpoint that cannot be restored must not replace a good one.
  invariant(linesSound(ctx), TRAP_SITE_CHECKPOINT);
  return writeCheckpoint(ctx, out, cap);
}

/**
 * CRC-32C of the context without scratch, loss counters and codes: a rejected input does not change
 * it.
 */
export function hash(ctx: usize): u32 {
  return crc32c(ctx + LINES_AT, COUNTERS_AT - LINES_AT);
}

export function inspect(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  if (!open(ctx, CORE_HOT, call(ctx).localS, call(ctx).localMs)) return 0;
  return close(ctx, inspectContext(ctx, what, index, out, cap));
}

export function trap_site(): u32 {
  return trapSite();
}

/** 0 unknown, 1 accepted, 2 refused. */
export function verdict(ctx: usize, owner: u32, slot: u32, nowS: u32, nowMs: u32): u32 {
  if (owner >= MEMBERS_MAX || slot >= OWN_SLOTS || !open(ctx, CORE_HOT, nowS, nowMs)) return 0;
  const index = intentIndex(ctx, owner, slot);
  return close(ctx, index == NO_INDEX ? 0 : verdictOf(ctx, index));
}

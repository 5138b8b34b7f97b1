// The exported ABI, in call order (docs/abi.md). Every parameter and result is i32; the context comes first.

import { STATUS_OK, STATUS_NOT_BOOTED, STATUS_SAFE_MODE, STATUS_TICK_FIRST, STATUS_LENGTH, NO_INDEX, MEMBERS_MAX, OWN_SLOTS } from "../memory/limits";
import { CONTEXT_BYTES, COUNTERS_AT, COMMANDS_AT } from "../memory/map";
import { trapSite } from "../memory/trap";
import { crc32c } from "../base/crc32c";
import { setTime } from "../membership/clock";
import { intentIndex } from "../intent/table";
import { verdictOf } from "../intent/arbitrate";
import { edge, CONTEXT_MAGIC } from "./table";
import { takeCommand, takeEvent } from "./queues";
import { bootContext, restoreContext } from "./boot";
import { CHECKPOINT_BYTES, writeCheckpoint } from "./checkpoint";
import { checkFrame, applyFrame } from "./receive";
import { observeRecord } from "./observe";
import { turnDue, advance, catchUp, periodTick, takeFlags } from "./dispatch";
import { turnMinute } from "../intent/digest";
import { composeFrame } from "./compose";
import { cycleNow, deadlineMs } from "./slots";
import { inspectContext } from "./inspect";

/** Longest platform record accepted. */
const RECORD_BYTES_MAX: u32 = 256;

export function abi_version(): u32 {
  return 1;
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
  const status = bootContext(ctx, config, length, cause, nowS, nowMs);
  return status == STATUS_OK ? status | takeFlags(ctx) : status;
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
  const status = restoreContext(ctx, image, length, config, configLength, cause, nowS, nowMs);
  return status == STATUS_OK ? status | takeFlags(ctx) : status;
}

export function receive(ctx: usize, nowS: u32, nowMs: u32, frame: usize, length: u32): u32 {
  const state = edge(ctx);
  if (state.magic != CONTEXT_MAGIC) return STATUS_NOT_BOOTED;
  if (state.safeMode != 0) return STATUS_SAFE_MODE;
  const status = checkFrame(ctx, frame, length);
  if (status != STATUS_OK) return status;
  setTime(ctx, nowS, nowMs);
  if (turnDue(ctx)) return STATUS_TICK_FIRST;
  if (state.timeKnown != 0) turnMinute(ctx);
  applyFrame(ctx, frame, length);
  return STATUS_OK | takeFlags(ctx);
}

export function observe(ctx: usize, nowS: u32, nowMs: u32, record: usize, length: u32): u32 {
  if (edge(ctx).magic != CONTEXT_MAGIC) return STATUS_NOT_BOOTED;
  if (length == 0 || length > RECORD_BYTES_MAX) return STATUS_LENGTH;
  setTime(ctx, nowS, nowMs);
  advance(ctx);
  return observeRecord(ctx, record, length) | takeFlags(ctx);
}

export function tick(ctx: usize, nowS: u32, nowMs: u32): u32 {
  if (edge(ctx).magic != CONTEXT_MAGIC) return STATUS_NOT_BOOTED;
  setTime(ctx, nowS, nowMs);
  advance(ctx);
  catchUp(ctx);
  periodTick(ctx);
  return STATUS_OK | takeFlags(ctx);
}

/** One frame per own slot. A node without mission time only listens; one in safe mode beacons all the same. */
export function transmit(ctx: usize, nowS: u32, nowMs: u32, out: usize, cap: u32): u32 {
  const state = edge(ctx);
  if (state.magic != CONTEXT_MAGIC || state.outboxCount == 0) return 0;
  if (state.timeKnown == 0 && state.safeMode == 0) return 0;
  setTime(ctx, nowS, nowMs);
  // A pulse tells ages as of its own time: the planes must stand at that beat.
  advance(ctx);
  const cycle = cycleNow(ctx);
  if (state.timeKnown != 0 && cycle <= state.sentCycle) return 0;
  const length = composeFrame(ctx, out, cap);
  if (length != 0) state.sentCycle = cycle;
  return length;
}

export function command(ctx: usize, out: usize, cap: u32): u32 {
  return edge(ctx).magic == CONTEXT_MAGIC ? takeCommand(ctx, out, cap) : 0;
}

export function event(ctx: usize, out: usize, cap: u32): u32 {
  return edge(ctx).magic == CONTEXT_MAGIC ? takeEvent(ctx, out, cap) : 0;
}

export function deadline(ctx: usize, nowS: u32, nowMs: u32): u32 {
  if (edge(ctx).magic != CONTEXT_MAGIC) return 0x7fffffff;
  setTime(ctx, nowS, nowMs);
  return deadlineMs(ctx);
}

export function checkpoint(ctx: usize, out: usize, cap: u32): u32 {
  return edge(ctx).magic == CONTEXT_MAGIC ? writeCheckpoint(ctx, out, cap) : 0;
}

/** CRC-32C of the block without its loss counters and scratch: a rejected input leaves it as it was. */
export function hash(ctx: usize): u32 {
  return crc32c(ctx, COUNTERS_AT) ^ (crc32c(ctx + COMMANDS_AT, CONTEXT_BYTES - COMMANDS_AT) * 3);
}

export function inspect(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  return edge(ctx).magic == CONTEXT_MAGIC ? inspectContext(ctx, what, index, out, cap) : 0;
}

export function trap_site(): u32 {
  return trapSite();
}

/** 0 unknown, 1 accepted, 2 refused. */
export function verdict(ctx: usize, owner: u32, slot: u32, nowS: u32, nowMs: u32): u32 {
  if (edge(ctx).magic != CONTEXT_MAGIC || owner >= MEMBERS_MAX || slot >= OWN_SLOTS) return 0;
  setTime(ctx, nowS, nowMs);
  const index = intentIndex(ctx, owner, slot);
  return index == NO_INDEX ? 0 : verdictOf(ctx, index);
}

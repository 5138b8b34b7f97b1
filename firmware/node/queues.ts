// Queues commands and events for the platform in two rings of encoded records. A full ring counts
// its losses.

import { COMMANDS_MAX, COMMAND_STRIDE, EVENTS_MAX, EVENT_BYTES_MAX } from '../memory/limits';
import { FLAG_COMMAND, FLAG_EVENT, COUNTER_COMMANDS_FULL, COUNTER_EVENTS_FULL } from '../wire/generated/codes';
import { COMMANDS_AT, EVENTS_AT } from '../memory/map';
import { call, changes, lineOf, readsLine, replacesLine, setWord } from '../memory/guard';
import { queues, counterAt, HOT } from './table';

/** Counts a loss, and notes the local second of the first one. */
export function countLoss(ctx: usize, counter: u32): void {
  const at = counterAt(counter);
  const count = load<u32>(ctx + at);
  if (count == 0) setWord(ctx, at + 4, call(ctx).localS);
  if (count != 0xffffffff) setWord(ctx, at, count + 1);
}

/**
 * Address at which the next command record is encoded, in COMMAND_BYTES_MAX − 1 bytes; 0 when the
 * ring is full. Its length stands in the byte before.
 */
export function commandSpace(ctx: usize): usize {
  if (<u32>queues(ctx).commandCount >= COMMANDS_MAX) {
    countLoss(ctx, COUNTER_COMMANDS_FULL);
    return 0;
  }
  const index = (<u32>queues(ctx).commandFirst + <u32>queues(ctx).commandCount) % COMMANDS_MAX;
  replacesLine(ctx, lineOf(COMMANDS_AT) + index);
  return ctx + COMMANDS_AT + index * COMMAND_STRIDE + 1;
}

/**
 * Completes the record begun with commandSpace(). `end`: result of the encoder (0 = nothing was
 * encoded).
 */
export function commandDone(ctx: usize, at: usize, end: usize): void {
  if (end == 0) return;
  store<u8>(at - 1, <u8>(end - at));
  queues(ctx).commandCount++;
  queues(ctx).flags |= FLAG_COMMAND;
  changes(ctx, HOT);
}

/**
 * Address at which the next event record is encoded, in EVENT_BYTES_MAX − 1 bytes; 0 when the ring
 * is full.
 */
export function eventSpace(ctx: usize): usize {
  if (<u32>queues(ctx).eventCount >= EVENTS_MAX) {
    countLoss(ctx, COUNTER_EVENTS_FULL);
    return 0;
  }
  const index = (<u32>queues(ctx).eventFirst + <u32>queues(ctx).eventCount) % EVENTS_MAX;
  replacesLine(ctx, lineOf(EVENTS_AT) + index);
  return ctx + EVENTS_AT + index * EVENT_BYTES_MAX + 1;
}

/** Completes the record begun with eventSpace(). */
export function eventDone(ctx: usize, at: usize, end: usize): void {
  if (end == 0) return;
  store<u8>(at - 1, <u8>(end - at));
  queues(ctx).eventCount++;
  queues(ctx).flags |= FLAG_EVENT;
  changes(ctx, HOT);
}

/** Whether the event in line `index` of the ring waits for the platform. */
export function isEventQueued(ctx: usize, index: u32): bool {
  return (index + EVENTS_MAX - <u32>queues(ctx).eventFirst) % EVENTS_MAX < <u32>queues(ctx).eventCount;
}

/**
 * Copies the oldest command to `out` and removes it. Returns its length; 0 = none, or longer than
 * `cap`.
 */
export function takeCommand(ctx: usize, out: usize, cap: u32): u32 {
  if (queues(ctx).commandCount == 0) return 0;
  readsLine(ctx, lineOf(COMMANDS_AT) + queues(ctx).commandFirst);
  const at = ctx + COMMANDS_AT + queues(ctx).commandFirst * COMMAND_STRIDE;
  const length: u32 = load<u8>(at);
  if (length > cap) return 0;
  memory.copy(out, at + 1, length);
  queues(ctx).commandFirst = <u8>((<u32>queues(ctx).commandFirst + 1) % COMMANDS_MAX);
  queues(ctx).commandCount--;
  changes(ctx, HOT);
  return length;
}

/**
 * Copies the oldest event to `out` and removes it. Returns its length; 0 = none, or longer than
 * `cap`.
 */
export function takeEvent(ctx: usize, out: usize, cap: u32): u32 {
  if (queues(ctx).eventCount == 0) return 0;
  readsLine(ctx, lineOf(EVENTS_AT) + queues(ctx).eventFirst);
  const at = ctx + EVENTS_AT + queues(ctx).eventFirst * EVENT_BYTES_MAX;
  const length: u32 = load<u8>(at);
  if (length > cap) return 0;
  memory.copy(out, at + 1, length);
  queues(ctx).eventFirst = <u8>((<u32>queues(ctx).eventFirst + 1) % EVENTS_MAX);
  queues(ctx).eventCount--;
  changes(ctx, HOT);
  return length;
}

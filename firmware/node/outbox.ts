// Queues messages until this node's TDMA slot. An entry says which message to send; its bytes are
// composed when it begins, from the state of that moment.

import { LINE_BYTES, ADDRESSEE_ALL, COUNTER_OUTBOX_FULL, FLAG_DEADLINE } from '../wire/generated/codes';
import { CONTAINED, OUTBOX_MAX } from '../memory/limits';
import { OUTBOX_AT, LINES_AT } from '../memory/map';
import { changes, reads } from '../memory/guard';
import { outgoing, OUTGOING_BYTES } from './accessors';
import { queues, HOT } from './table';
import { countLoss } from './queues';

export const SEND_PROBE: u32 = 1;
export const SEND_ACK: u32 = 2;
export const SEND_PROBE_REQUEST: u32 = 3;
export const SEND_RELAYED_ACK: u32 = 4;
export const SEND_HEARTBEAT: u32 = 5;
export const SEND_ALIVE: u32 = 7;
export const SEND_JOIN: u32 = 8;
export const SEND_ISOLATION: u32 = 9;
export const SEND_SILENT_LIST: u32 = 10;
/** a = owner, b = intent slot */
export const SEND_INTENT: u32 = 16;
export const SEND_SYNC_DIGEST: u32 = 17;
/** a = owner, b = answer */
export const SEND_OWNER_SUMMARY: u32 = 18;
/** a = group, b = unit */
export const SEND_NOTICE: u32 = 19;
export const SEND_NOTICE_SUMMARY: u32 = 20;
export const SEND_SINCE: u32 = 21;
/** a = chunk */
export const SEND_KEY_EPOCH: u32 = 12;
/** a = owner, b = intent slot */
export const SEND_STATEMENT: u32 = 22;
/** a = owner */
export const SEND_PROOF: u32 = 23;
/** a = owner, b = intent slot */
export const SEND_STATEMENT_REQUEST: u32 = 24;
/** a = 0: the own one; else the place of a foreign one, plus one. It has a frame of its own. */
export const SEND_SUMMARY: u32 = 32;
export const SEND_PROFILE: u32 = 33;
export const SEND_DECISION: u32 = 34;
export const SEND_SPLIT: u32 = 35;
/** a = class, b = onset */
export const SEND_ALARM: u32 = 97;
export const SEND_BEACON: u32 = 98;

/** Acks that wait at one time: as many frames as leave in a period. */
const ACKS_MAX: u32 = 4;

const FIRST: u32 = 1 << ((OUTBOX_AT - LINES_AT) >> 6);

/**
 * Returned by functions that compose a message, instead of its end: its content no longer exists.
 */
export const NOTHING_TO_SEND: usize = 1;

/** The lines that the first `count` entries lie in. */
function outboxLines(count: u32): u32 {
  return FIRST * ((1 << ((count * OUTGOING_BYTES + LINE_BYTES - 1) >> 6)) - 1);
}

/** Checks the lines of the first `count` entries, before they are read. */
export function readOutbox(ctx: usize, count: u32): void {
  reads(ctx, outboxLines(count));
}

/**
 * Queues a message. The same request twice is one entry. A full outbox drops the newest and counts
 * it.
 */
export function send(ctx: usize, what: u32, addressee: u32, a: u32, b: u32): void {
  const count = queues(ctx).outboxCount;
  readOutbox(ctx, count < OUTBOX_MAX ? count + 1 : count);
  for (let i: u32 = 0; i < count; i++) {
    const entry = outgoing(ctx, i);
    if (entry.what == <u16>what && entry.addressee == <u16>addressee && entry.a == a && entry.b == b) return;
  }
  if (count >= OUTBOX_MAX) {
    countLoss(ctx, COUNTER_OUTBOX_FULL);
    return;
  }
  const entry = outgoing(ctx, count);
  entry.what = <u16>what;
  entry.addressee = <u16>addressee;
  entry.a = a;
  entry.b = b;
  queues(ctx).outboxCount = count + 1;
  queues(ctx).flags |= FLAG_DEADLINE;
  changes(ctx, outboxLines(count + 1) | HOT);
}

/** Whether the outbox is half full: what can be sent later is not begun. */
export function isCongested(ctx: usize): bool {
  return queues(ctx).outboxCount * 2 >= OUTBOX_MAX;
}

/** The member that waits longest for a message of its own; ADDRESSEE_ALL if none does. */
export function longestAwaited(ctx: usize): u32 {
  const count = queues(ctx).outboxCount;
  readOutbox(ctx, count);
  for (let i: u32 = 0; i < count; i++) {
    const addressee: u32 = outgoing(ctx, i).addressee;
    if (addressee != ADDRESSEE_ALL) return addressee;
  }
  return ADDRESSEE_ALL;
}

/**
 * Number of entries at the head that are this node's statements to all, each with the intent it is
 * about. Nothing is queued before them: otherwise a node that provokes enough acks could suppress
 * them.
 */
function statementsAtHead(ctx: usize, count: u32): u32 {
  let at: u32 = 0;
  while (at < count && isBroadcastOf(ctx, at, SEND_STATEMENT)) {
    at++;
    if (at < count && isBroadcastOf(ctx, at, SEND_INTENT)) at++;
  }
  return at;
}

/** Whether a broadcast of message `what` waits. */
export function hasBroadcast(ctx: usize, what: u32): bool {
  const count = queues(ctx).outboxCount;
  readOutbox(ctx, count);
  for (let i: u32 = 0; i < count; i++) if (isBroadcastOf(ctx, i, what)) return true;
  return false;
}

/** Whether an entry is a broadcast of message `what`. */
function isBroadcastOf(ctx: usize, index: u32, what: u32): bool {
  const entry = outgoing(ctx, index);
  return <u32>entry.what == what && <u32>entry.addressee == ADDRESSEE_ALL;
}

/**
 * Queues a message as send() does, but before all entries except statements: a late ack causes a
 * suspicion. A full outbox drops its last entry instead, and counts it.
 */
export function sendFirst(ctx: usize, what: u32, addressee: u32, a: u32, b: u32): void {
  if (CONTAINED && queues(ctx).outboxCount >= OUTBOX_MAX) {
    readOutbox(ctx, OUTBOX_MAX);
    unqueue(ctx, OUTBOX_MAX - 1);
    countLoss(ctx, COUNTER_OUTBOX_FULL);
  }
  const before = queues(ctx).outboxCount;
  send(ctx, what, addressee, a, b);
  if (queues(ctx).outboxCount == before || before == 0) return;
  changes(ctx, outboxLines(before + 1));
  const index = CONTAINED ? statementsAtHead(ctx, before) : 0;
  const at = ctx + OUTBOX_AT + index * OUTGOING_BYTES;
  memory.copy(at + OUTGOING_BYTES, at, (before - index) * OUTGOING_BYTES);
  const entry = outgoing(ctx, index);
  entry.what = <u16>what;
  entry.addressee = <u16>addressee;
  entry.a = a;
  entry.b = b;
}

/**
 * Queues an ack before all entries except statements. Each takes a frame of its own, and one that
 * waits for a period is too late: of more than ACKS_MAX the oldest is dropped. Otherwise the probes
 * that reach a member after a contact window fill its outbox for minutes.
 */
export function sendAck(ctx: usize, addressee: u32, sequence: u32): void {
  const count = queues(ctx).outboxCount;
  readOutbox(ctx, count);
  let acks: u32 = 0;
  let oldest: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (<u32>outgoing(ctx, i).what != SEND_ACK) continue;
    acks++;
    oldest = i;
  }
  if (acks >= ACKS_MAX) unqueue(ctx, oldest);
  sendFirst(ctx, SEND_ACK, addressee, sequence, 0);
}

/** Removes entry `index`; the others keep their order. Call readOutbox() first. */
export function unqueue(ctx: usize, index: u32): void {
  const last = queues(ctx).outboxCount - 1;
  changes(ctx, outboxLines(last + 1) | HOT);
  const at = ctx + OUTBOX_AT + index * OUTGOING_BYTES;
  memory.copy(at, at + OUTGOING_BYTES, (last - index) * OUTGOING_BYTES);
  queues(ctx).outboxCount = last;
}

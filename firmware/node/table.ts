// Accesses the state of a node: identity, time of the call, work due at the next tick, loss
// counters.

import { COUNTER_COUNT, FLAG_DEADLINE } from '../wire/generated/codes';
import { HOT_AT, QUEUES_AT, COUNTERS_AT, HEARING_AT, LINES_AT } from '../memory/map';
import { call, changes, lineOf, readsLine } from '../memory/guard';
import { Queues } from './records';
import { node, queues } from './accessors';

export * from './records';
export * from './accessors';

/** 'HELI': a context without it was never booted, or is corrupt. */
export const CONTEXT_MAGIC: u32 = 0x48454c49;

/** The hot line: state of three modules that nearly every call changes. */
export const HOT: u32 = 1 << ((HOT_AT - LINES_AT) >> 6);

/** The agreement grew: settle the claims that can be settled. */
export const DUE_SETTLE: u32 = 1;
/** Members are back: report their states. */
export const DUE_REPORT: u32 = 2;
/** A claim was received: compare its read digest with the stored intents. */
export const DUE_CHECK: u32 = 4;
/** A finished version of this node came back: withdraw it. */
export const DUE_WITHDRAW: u32 = 8;
/** Mission time was learnt: bring all tables to it. */
export const DUE_TIME: u32 = 16;
/** A peer asked for recent versions: send them. */
export const DUE_SINCE: u32 = 32;
/** A part of a new key epoch's cover was received: try to install the key. */
export const DUE_KEYS: u32 = 64;
/** A statement is to be signed or verified. */
export const DUE_STATEMENT: u32 = 128;
/** A foreign summary is to be verified. */
export const DUE_SUMMARY: u32 = 256;

/** A split was received: check and accept it, or count who says that it is decided. */
export const DUE_SPLIT: u32 = 512;

/** Leaves work (DUE_*) to the next tick, and requests that tick now. */
export function leaveToTick(ctx: usize, due: u32): void {
  queues(ctx).due |= due;
  queues(ctx).flags |= FLAG_DEADLINE;
  changes(ctx, HOT);
}

/** Mission seconds of the present call; meaningful only while timeKnown(ctx). */
// @inline
export function missionS(ctx: usize): u32 {
  return call(ctx).missionS;
}

/** Values of `half` of a node: its cluster was not split, or to which half it belongs. */
export const WHOLE: u32 = 0;
export const FIRST_HALF: u32 = 1;
export const SECOND_HALF: u32 = 2;

/** Whether this node belongs to the second half of a cluster that was split. */
export function isInSecondHalf(ctx: usize): bool {
  return <u32>node(ctx).half == SECOND_HALF;
}

/** Seconds since this node booted; 65,535 for more. */
export function upS(ctx: usize): u32 {
  return min<u32>(call(ctx).localS - node(ctx).startedS, 0xffff);
}

/** Whether mission time is known. */
// @inline
export function timeKnown(ctx: usize): bool {
  return node(ctx).timeKnown != 0;
}

/** Index of this node in its cluster. */
// @inline
export function self(ctx: usize): u32 {
  return node(ctx).self;
}

/** Size of the cluster. */
// @inline
export function members(ctx: usize): u32 {
  return node(ctx).members;
}

/** Offset of a loss counter in the context: its count, then the local second of the first loss. */
// @inline
export function counterAt(counter: u32): u32 {
  return COUNTERS_AT + (counter << 3);
}
/** A word of a loss counter, at offset `at` of the context. */
export function counterWord(ctx: usize, at: u32): u32 {
  readsLine(ctx, lineOf(at));
  return load<u32>(ctx + at);
}

if (COUNTER_COUNT > 256) ERROR('an event names a counter in one byte');
if (offsetof<Queues>() > HEARING_AT - QUEUES_AT) ERROR('queues and hearing share the hot line');

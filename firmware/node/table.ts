// What a node is (its configuration), and the state of one call: layout and accessors.

import { COUNTERS_MAX, FLAG_DEADLINE } from '../memory/limits';
import { HOT_AT, QUEUES_AT, COUNTERS_AT, HEARING_AT, LINES_AT } from '../memory/map';
import { call, changes, lineOf, readsLine } from '../memory/guard';
import { Queues } from './records';
import { edge, queues } from './accessors';

export * from './records';
export * from './accessors';

/** 'HELI': a context without it was never booted, or is lost. */
export const CONTEXT_MAGIC: u32 = 0x48454c49;

/** The line of what nearly every call changes, of three modules. */
export const HOT: u32 = 1 << ((HOT_AT - LINES_AT) >> 6);

/** The agreement grew: settle what can be settled. */
export const DUE_SETTLE: u32 = 1;
/** Members are back: tell it. */
export const DUE_REPORT: u32 = 2;
/** A claim came: compare the proof of what its owner had read. */
export const DUE_CHECK: u32 = 4;
/** An own version that was over came back: withdraw it. */
export const DUE_WITHDRAW: u32 = 8;
/** Mission time was learnt: bring all to it. */
export const DUE_TIME: u32 = 16;

/** A peer asked for what was published lately. */
export const DUE_SINCE: u32 = 32;
/** A part of a new epoch's cover came that may hold its secret for us. */
export const DUE_KEYS: u32 = 64;
/** A word is to be given or verified. */
export const DUE_WITNESS: u32 = 128;

/** Leaves work to the next tick, and asks for it now. */
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

// @inline
export function timeKnown(ctx: usize): bool {
  return edge(ctx).timeKnown != 0;
}

// @inline
export function self(ctx: usize): u32 {
  return edge(ctx).self;
}

// @inline
export function members(ctx: usize): u32 {
  return edge(ctx).members;
}

/** Offset of a loss counter: its count, and the local second of the first loss. */
// @inline
export function counterAt(counter: u32): u32 {
  return COUNTERS_AT + (counter << 3);
}
export function counterWord(ctx: usize, at: u32): u32 {
  readsLine(ctx, lineOf(at));
  return load<u32>(ctx + at);
}

if (COUNTERS_MAX > 256) ERROR('an event names a counter in one byte');
if (offsetof<Queues>() > HEARING_AT - QUEUES_AT) ERROR('room for the queues');

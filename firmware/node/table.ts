// What a node is (its configuration), and the state of one call: layout and accessors.

import { COUNTERS_MAX, FLAG_DEADLINE } from '../memory/limits';
import { EDGE_AT, HOT_AT, QUEUES_AT, CAPABILITY_AT, COUNTERS_AT, HEARING_AT, LINES_AT } from '../memory/map';
import { call, changes, lineOf, reads, readsLine } from '../memory/guard';

/** 'HELI': a context without it was never booted, or is lost. */
export const CONTEXT_MAGIC: u32 = 0x48454c49;

/** What a node is, and what of its course changes rarely. One line. */
@unmanaged
export class EdgeState {
  magic: u32 = 0;
  /** Index of this node, size of its cluster, cluster id. */
  self: u32 = 0;
  members: u32 = 0;
  cluster: u32 = 0;
  generation: u32 = 0;
  seed: u32 = 0;
  features: u32 = 0;
  incarnation: u32 = 0;
  safeMode: u32 = 0;
  /** Mission clock: 0 unknown, 1 known; samples that agreed so far. */
  timeKnown: u32 = 0;
  samples: u32 = 0;
  /** 1 = membership.bootS is set. */
  bootKnown: u32 = 0;
  /** Next periodic tick while mission time is unknown, local second. */
  periodS: u32 = 0;
  checkpointS: u32 = 0;
  checkpointSequence: u32 = 0;
  cause: u32 = 0;
}

/** What goes in and out. In the hot line. */
@unmanaged
export class Queues {
  /** Counters up to this one may be sent and accepted: non-volatile memory holds the reservation. */
  reserved: u32 = 0;
  /** FLAG_* to hand back with the present call's status. */
  flags: u32 = 0;
  /** Next periodic tick while mission time is known, a TDMA cycle number. */
  periodCycle: u32 = 0;
  /** Cycle in which the last frame left. */
  sentCycle: u32 = 0;
  outboxCount: u32 = 0;
  /** DUE_*: work that a frame gave rise to and that the next tick does, so that receiving stays short. */
  due: u32 = 0;
  commandFirst: u8 = 0;
  commandCount: u8 = 0;
  eventFirst: u8 = 0;
  eventCount: u8 = 0;
}

/** What the hardware can do. One line, written at boot. */
@unmanaged
export class Capability {
  /** kg/day, kg, Wh, W, W, W, Wh/kg. */
  rateMax: u32 = 0;
  storageKg: u32 = 0;
  batteryWhMax: u32 = 0;
  solarW: u32 = 0;
  baseW: u32 = 0;
  replicateW: u32 = 0;
  mineWhPerKg: u32 = 0;
  /** kg/day that one owner may claim on ore lots in all; 0 = no bound. */
  ownerRateMax: u32 = 0;
}

/** The line of identity, and the hot one. */
export const NODE: u32 = 1 << ((EDGE_AT - LINES_AT) >> 6);
export const HOT: u32 = 1 << ((HOT_AT - LINES_AT) >> 6);
const CAPABILITY: u32 = (2 << ((CAPABILITY_AT + 64 - 1 - LINES_AT) >> 6)) - (1 << ((CAPABILITY_AT - LINES_AT) >> 6));

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

// @inline
export function queues(ctx: usize): Queues {
  return changetype<Queues>(ctx + QUEUES_AT);
}

/** Leaves work to the next tick, and asks for it now. */
export function leaveToTick(ctx: usize, due: u32): void {
  queues(ctx).due |= due;
  queues(ctx).flags |= FLAG_DEADLINE;
  changes(ctx, HOT);
}

// @inline
export function edge(ctx: usize): EdgeState {
  return changetype<EdgeState>(ctx + EDGE_AT);
}

export function capability(ctx: usize): Capability {
  reads(ctx, CAPABILITY);
  return changetype<Capability>(ctx + CAPABILITY_AT);
}
export function capabilityToChange(ctx: usize): Capability {
  changes(ctx, CAPABILITY);
  return capability(ctx);
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
if (offsetof<EdgeState>() > 64) ERROR('room for the state of the edge');
if (offsetof<Queues>() > HEARING_AT - QUEUES_AT) ERROR('room for the queues');
if (offsetof<Capability>() > 64) ERROR('room for the capability');

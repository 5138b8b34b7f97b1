// The timeline and what it is planned from: layout and accessors. See README.md for the ideas.
//
// Units inside this room: energy in 1/96 Wh, mass in 1/96 kg, because a day has 96 slots: then a rate in kg/day is mass per slot,
// a power in W is 24 units per slot, and rate × Wh/kg is energy per slot, all exact integers.

import { TIMELINE_SLOTS_MAX, NO_INDEX } from '../memory/limits';
import { SCHEDULE_AT, TIMELINE_AT, COMMANDS_AT, LINES_AT } from '../memory/map';
import { LINE_BYTES } from '../memory/lines';
import { changesLine, isChanged, lineOf, readsLine, readsLines } from '../memory/guard';
import { capability } from '../node/table';

/** 15 minutes: long against the tick, short against a lease. */
export const SLOT_S: u32 = 900;
export const SLOTS_PER_DAY: u32 = 96;
/** Own slots 0–5 mine and haul under claims; these two are for work that needs no claim. */
export const CLAIM_SLOTS: u32 = 6;
export const REPLICATE_SLOT: u32 = 6;
export const MAINTAIN_SLOT: u32 = 7;

/** A timeline byte: what has the slot (own slot + 1; 0 = idle), and an overlay: the radio points out of the cluster. */
export const CODE_IDLE: u32 = 0;
export const CODE_REPLICATE: u32 = REPLICATE_SLOT + 1;
export const CODE_MAINTAIN: u32 = MAINTAIN_SLOT + 1;
export const CODE_MASK: u32 = 15;
export const CODE_RADIO: u32 = 64;

/** Contacts known ahead: one a day over a fortnight's half. A full table refuses the record. */
export const WINDOWS_MAX: u32 = 8;
/** Maintenance given and not done: more than the platform should ever owe. A full table refuses the record. */
export const JOBS_MAX: u32 = 4;
/** Bound on work: timeline slots looked at in one step. A whole plan of one claim takes about 1,200 of them (192 slots). */
export const OPERATIONS_PER_STEP_MAX: u32 = 512;
/** Capacities beyond this are taken as this (it keeps energies and masses below 2³¹ units). */
export const AMOUNT_MAX: u32 = 20000000;
const POWER_W_MAX: u32 = 10000000;

export const ROLE_NONE: u32 = 0;
export const ROLE_MINE: u32 = 1;
export const ROLE_HAUL: u32 = 2;

/** Why a new plan is wanted. Bits 0–5: the own intent in that slot. */
export const DIRTY_STOCK: u32 = 1 << 6;
export const DIRTY_JOB: u32 = 1 << 7;
export const DIRTY_WINDOW: u32 = 1 << 8;
export const DIRTY_HORIZON: u32 = 1 << 9;

/** Why no work may run now, whatever the plan says. */
export const HELD_BATTERY: u32 = 1;
export const HELD_STORAGE: u32 = 2;

export const JOB_FREE: u32 = 0;
export const JOB_WAITING: u32 = 1;
export const JOB_PLACED: u32 = 2;
export const JOB_RUNNING: u32 = 3;

@unmanaged
export class ScheduleState {
  /** 1 = the timeline stands at a mission time. */
  known: u32 = 0;
  /** Number of the present slot: mission seconds / SLOT_S. */
  baseSlot: u32 = 0;
  /** DIRTY_* waiting for the next plan. */
  dirty: u32 = 0;
  /** The plan in the making: PHASE_*, position in the timeline, and which pass. */
  phase: u32 = 0;
  cursor: u32 = 0;
  draftBase: u32 = 0;
  pass: u32 = 0;
  backward: u32 = 0;
  /** 1 = maintenance was placed in this plan, and what it displaced is filled in anew. */
  refill: u32 = 0;
  /** Energy and mass at `cursor` of a forward pass. */
  level: i32 = 0;
  mass: i32 = 0;
  /** Shedding: codes met so far (bit = code), and the code and end of the stretch to clear. */
  met: u32 = 0;
  shedCode: u32 = 0;
  shedUntil: u32 = 0;
  shedOnce: u32 = 0;
  /** Own slots by falling value density, 4 bits each, then the replication slot; how many. */
  order: u32 = 0;
  orderCount: u32 = 0;
  /** Maintenance being placed: which, which were tried in this plan (mask), cost of the stretch at the cursor, best so far. */
  seeking: u32 = 0;
  sought: u32 = 0;
  job: u32 = 0;
  windowCost: u32 = 0;
  windowFixed: u32 = 0;
  bestCost: u32 = 0;
  bestSlot: u32 = 0;
  /** Known or dead-reckoned stock at the beginning of the present slot, and what the plan had foreseen for it. */
  batteryLevel: i32 = 0;
  storedMass: i32 = 0;
  foreseenLevel: i32 = 0;
  foreseenMass: i32 = 0;
  solarW: u32 = 0;
  storedKg: u32 = 0;
  held: u32 = 0;
  /** Slots rolled on since the last plan. */
  rolled: u32 = 0;
  windowCount: u32 = 0;
  /** Plans finished; slot operations of the last step and of the last plan, for the bound's proof. */
  plans: u32 = 0;
  operationsStep: u32 = 0;
  operationsPlan: u32 = 0;
  /** 1 = even with everything shed the battery will go below the reserve. */
  shortfall: u32 = 0;
}

/** What an own slot is worth to the plan. 32 bytes. */
@unmanaged
export class Work {
  role: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
  /** Timeline slots [fromSlot, toSlot) in which it may run; of a haul fromSlot is the loading slot. */
  fromSlot: u32 = 0;
  toSlot: u32 = 0;
  /** Mining: kg/day = mass units per slot. Hauling: mass units taken away at toSlot. */
  mass: i32 = 0;
  /** Energy units per slot. */
  energy: i32 = 0;
  /** Value of one slot, and per unit of energy. */
  value: u32 = 0;
  density: u32 = 0;
  /** Entries of this slot before here make room for better work that came. */
  clearUntil: u32 = 0;
}

/** What the platform was told last about an own slot. 16 bytes. */
@unmanaged
export class Told {
  untilS: u32 = 0;
  rate: u32 = 0;
  resource: u32 = 0;
  /** Blocked or failed: not tried again before this mission second. */
  retryS: u32 = 0;
}

@unmanaged
export class RadioWindow {
  fromSlot: u32 = 0;
  toSlot: u32 = 0;
  /** Energy units in each slot. */
  energy: i32 = 0;
  pad0: u32 = 0;
}

@unmanaged
export class Job {
  state: u8 = 0;
  priority: u8 = 0;
  pad0: u16 = 0;
  startS: u32 = 0;
  endS: u32 = 0;
  durationS: u32 = 0;
  placedSlot: u32 = 0;
  startedS: u32 = 0;
  pad1: u64 = 0;
}

const STATE_BYTES: u32 = 192;
const WORK_BYTES: u32 = 32;
const TOLD_BYTES: u32 = 16;
const WINDOW_BYTES: u32 = 16;
const JOB_BYTES: u32 = 32;
const WORKS: u32 = 8;
const WORK_AT: u32 = SCHEDULE_AT + STATE_BYTES;
const TOLD_AT: u32 = WORK_AT + WORKS * WORK_BYTES;
const WINDOW_AT: u32 = TOLD_AT + WORKS * TOLD_BYTES;
const JOB_AT: u32 = WINDOW_AT + WINDOWS_MAX * WINDOW_BYTES;
const FINISHED_AT: u32 = JOB_AT + JOBS_MAX * JOB_BYTES;
/** Timeline: the plan in force, the draft, then per slot the energy needed and the mass allowed at its beginning. */
const DRAFT_AT: u32 = TIMELINE_AT + TIMELINE_SLOTS_MAX;
const NEED_AT: u32 = DRAFT_AT + TIMELINE_SLOTS_MAX;
const ROOM_AT: u32 = NEED_AT + TIMELINE_SLOTS_MAX * 4;

const SCHEDULE_LINE: u32 = (SCHEDULE_AT - LINES_AT) / LINE_BYTES;
const TIMELINE_LINE: u32 = (TIMELINE_AT - LINES_AT) / LINE_BYTES;

/**
 * Before anything of the schedule but its timeline is read: all is checked, and the state counts as changed, for nearly all who look at it write it, once
 * a period. Accessors below rely on it.
 */
export function scheduleToChange(ctx: usize): ScheduleState {
  if (isChanged(ctx, SCHEDULE_LINE)) return schedule(ctx);
  for (let line = SCHEDULE_LINE; line < SCHEDULE_LINE + STATE_BYTES / LINE_BYTES; line++) changesLine(ctx, line);
  readsLines(ctx, SCHEDULE_LINE, TIMELINE_LINE);
  return schedule(ctx);
}
/** Before the timeline is read. */
export function readTimeline(ctx: usize): void {
  readsLines(ctx, TIMELINE_LINE, lineOf(COMMANDS_AT));
}

/** Before one slot of the plan in force is read. */
export function readSlot(ctx: usize, slot: u32): void {
  readsLine(ctx, lineOf(TIMELINE_AT + ring(slot)));
}

// @inline
export function schedule(ctx: usize): ScheduleState {
  return changetype<ScheduleState>(ctx + SCHEDULE_AT);
}
/** Own slot 0–5, or REPLICATE_SLOT. Two to a line. */
// @inline
export function work(ctx: usize, slot: u32): Work {
  return changetype<Work>(ctx + WORK_AT + slot * WORK_BYTES);
}
export function workToChange(ctx: usize, slot: u32): Work {
  changesLine(ctx, lineOf(WORK_AT) + (slot >>> 1));
  return work(ctx, slot);
}
/** Four to a line. */
// @inline
export function told(ctx: usize, slot: u32): Told {
  return changetype<Told>(ctx + TOLD_AT + slot * TOLD_BYTES);
}
export function toldToChange(ctx: usize, slot: u32): Told {
  changesLine(ctx, lineOf(TOLD_AT) + (slot >>> 2));
  return told(ctx, slot);
}
/** Four to a line. */
// @inline
export function radioWindow(ctx: usize, index: u32): RadioWindow {
  return changetype<RadioWindow>(ctx + WINDOW_AT + index * WINDOW_BYTES);
}
export function radioWindowToChange(ctx: usize, index: u32): RadioWindow {
  changesLine(ctx, lineOf(WINDOW_AT) + (index >>> 2));
  return radioWindow(ctx, index);
}
/** Two to a line. */
// @inline
export function job(ctx: usize, index: u32): Job {
  return changetype<Job>(ctx + JOB_AT + index * JOB_BYTES);
}
export function jobToChange(ctx: usize, index: u32): Job {
  changesLine(ctx, lineOf(JOB_AT) + (index >>> 1));
  return job(ctx, index);
}
/** Version of the own intent in `slot` (0–5) whose haul is done; 0 = none. */
// @inline
export function finishedVersion(ctx: usize, slot: u32): u32 {
  return load<u32>(ctx + FINISHED_AT + (slot << 2));
}
export function setFinishedVersion(ctx: usize, slot: u32, version: u32): void {
  changesLine(ctx, lineOf(FINISHED_AT));
  store<u32>(ctx + FINISHED_AT + (slot << 2), version);
}

/** The timeline is a ring: slot number modulo its length, so that time rolls on without copying. */
// @inline
export function ring(slot: u32): u32 {
  return slot % TIMELINE_SLOTS_MAX;
}
/** The timeline's byte at offset `at` of the context, to be written. */
// @inline
function changeAt(ctx: usize, at: u32): usize {
  changesLine(ctx, lineOf(at));
  return ctx + at;
}

// @inline
export function planned(ctx: usize, slot: u32): u32 {
  return load<u8>(ctx + TIMELINE_AT + ring(slot));
}
export function setPlanned(ctx: usize, slot: u32, entry: u32): void {
  store<u8>(changeAt(ctx, TIMELINE_AT + ring(slot)), <u8>entry);
}
// @inline
export function drafted(ctx: usize, slot: u32): u32 {
  return load<u8>(ctx + DRAFT_AT + ring(slot));
}
export function setDrafted(ctx: usize, slot: u32, entry: u32): void {
  store<u8>(changeAt(ctx, DRAFT_AT + ring(slot)), <u8>entry);
}
export function copyPlanToDraft(ctx: usize): void {
  for (let line = lineOf(TIMELINE_AT); line <= lineOf(NEED_AT - 1); line++) changesLine(ctx, line);
  memory.copy(ctx + DRAFT_AT, ctx + TIMELINE_AT, TIMELINE_SLOTS_MAX);
}
/** Energy that must be there at the beginning of `slot` for what is planned from it on; of the horizon's end: the reserve. */
// @inline
export function need(ctx: usize, slot: u32): i32 {
  return load<i32>(ctx + NEED_AT + (ring(slot) << 2));
}
export function setNeed(ctx: usize, slot: u32, units: i32): void {
  store<i32>(changeAt(ctx, NEED_AT + (ring(slot) << 2)), units);
}
/** Mass that may be there at the beginning of `slot`. */
// @inline
export function room(ctx: usize, slot: u32): i32 {
  return load<i32>(ctx + ROOM_AT + (ring(slot) << 2));
}
export function setRoom(ctx: usize, slot: u32, units: i32): void {
  store<i32>(changeAt(ctx, ROOM_AT + (ring(slot) << 2)), units);
}

/** Entry `index` of the order of passes: an own slot, or REPLICATE_SLOT. */
// @inline
export function orderAt(state: ScheduleState, index: u32): u32 {
  return (state.order >>> (index << 2)) & 15;
}

// @inline
export function batteryUnitsMax(ctx: usize): i32 {
  return <i32>(min<u32>(capability(ctx).batteryWhMax, AMOUNT_MAX) * SLOTS_PER_DAY);
}
/** A fifth of the battery is not planned with: telemetry is up to a slot old, and cells age. */
// @inline
export function reserveUnits(ctx: usize): i32 {
  return batteryUnitsMax(ctx) / 5;
}
// @inline
export function storageUnitsMax(ctx: usize): i32 {
  return <i32>(min<u32>(capability(ctx).storageKg, AMOUNT_MAX) * SLOTS_PER_DAY);
}
// @inline
export function powerUnits(watts: u32): i32 {
  return <i32>(min<u32>(watts, POWER_W_MAX) * 24);
}

/** Telemetry: what the timeline holds for the slot `ahead` of the present one (own slot + 1, 0 idle; + CODE_RADIO). */
// @inline
export function timelineEntry(ctx: usize, ahead: u32): u32 {
  readTimeline(ctx);
  return ahead < TIMELINE_SLOTS_MAX ? planned(ctx, schedule(ctx).baseSlot + ahead) : CODE_IDLE;
}

export function scheduleSane(ctx: usize): bool {
  const state = scheduleToChange(ctx);
  if (state.phase > 7 || state.cursor > TIMELINE_SLOTS_MAX || state.pass > WORKS || state.orderCount > CLAIM_SLOTS + 1)
    return false;
  if (state.windowCount > WINDOWS_MAX || state.job > JOBS_MAX) return false;
  for (let i: u32 = 0; i < JOBS_MAX; i++) if (job(ctx, i).state > <u8>JOB_RUNNING) return false;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) if (work(ctx, slot).role > <u8>ROLE_HAUL) return false;
  return true;
}

if (offsetof<ScheduleState>() > STATE_BYTES) ERROR("room for the schedule's state");
if (offsetof<Work>() != WORK_BYTES) ERROR('stride of the works');
if (offsetof<Told>() != TOLD_BYTES) ERROR('stride of what was told');
if (offsetof<RadioWindow>() != WINDOW_BYTES) ERROR('stride of the radio windows');
if (offsetof<Job>() != JOB_BYTES) ERROR('stride of the jobs');
if (FINISHED_AT + CLAIM_SLOTS * 4 > TIMELINE_AT) ERROR('the schedule fits before its timeline');
if (ROOM_AT + TIMELINE_SLOTS_MAX * 4 > COMMANDS_AT) ERROR('the timeline fits before the commands');
if ((NEED_AT & 3) != 0) ERROR('words of the timeline are aligned');
if (TIMELINE_SLOTS_MAX >= NO_INDEX) ERROR('positions in the timeline are small');
if (STATE_BYTES % 64 != 0 || FINISHED_AT % 64 != SCHEDULE_AT % 64) ERROR('tables of the schedule begin with a line');

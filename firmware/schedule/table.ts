// The timeline and what it is planned from: layout and accessors. See README.md for the ideas.
//
// Units inside this room: energy in 1/96 Wh, mass in 1/96 kg, because a day has 96 slots: then a rate in kg/day is mass per slot,
// a power in W is 24 units per slot, and rate × Wh/kg is energy per slot, all exact integers.

import { TIMELINE_SLOTS_MAX, NO_INDEX, JOBS_MAX, OWN_SLOTS, WINDOWS_MAX } from '../memory/limits';
import { FINISHED_AT, SCHEDULE_AT, TIMELINE_AT, COMMANDS_AT, LINES_AT } from '../memory/map';
import { LINE_BYTES } from '../memory/lines';
import { changesLine, changesLines, isChanged, lineOf, readsLine, readsLines } from '../memory/guard';
import { capability } from '../node/table';
import { ScheduleState } from './records';
import { job, schedule, work, SCHEDULE_BYTES } from './accessors';

export * from './records';
export * from './accessors';

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
  changesLines(ctx, SCHEDULE_LINE, SCHEDULE_LINE + SCHEDULE_BYTES / LINE_BYTES);
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
  changesLines(ctx, lineOf(TIMELINE_AT), lineOf(NEED_AT - 1) + 1);
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
  if (
    state.phase > 7 ||
    state.cursor > TIMELINE_SLOTS_MAX ||
    state.pass > OWN_SLOTS ||
    state.orderCount > CLAIM_SLOTS + 1
  )
    return false;
  if (state.windowCount > WINDOWS_MAX || state.job > JOBS_MAX) return false;
  for (let i: u32 = 0; i < JOBS_MAX; i++) if (job(ctx, i).state > <u8>JOB_RUNNING) return false;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) if (work(ctx, slot).role > <u8>ROLE_HAUL) return false;
  return true;
}

if (ROOM_AT + TIMELINE_SLOTS_MAX * 4 > COMMANDS_AT) ERROR('the timeline fits before the commands');
if ((NEED_AT & 3) != 0) ERROR('words of the timeline are aligned');
if (TIMELINE_SLOTS_MAX >= NO_INDEX) ERROR('positions in the timeline are small');
if (SCHEDULE_BYTES % 64 != 0 || FINISHED_AT % 64 != SCHEDULE_AT % 64) ERROR('tables of the schedule begin with a line');

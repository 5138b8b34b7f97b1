// Defines the timeline and its accessors. README.md explains the ideas.
//
// Units in this module: energy in 1/96 Wh and mass in 1/96 kg, because a day has 96 entries. Then a
// rate in kg/day is mass per entry, a power in W is 24 units per entry, and rate × Wh/kg is energy
// per entry, all exact integers.

import { LINE_BYTES, OWN_SLOTS } from '../wire/generated/codes';
import { TIMELINE_ENTRIES_MAX, NO_INDEX, JOBS_MAX, WINDOWS_MAX } from '../memory/limits';
import { FEDERATION_AT, FINISHED_AT, SCHEDULE_AT, TIMELINE_AT, LINES_AT } from '../memory/map';
import { changesLine, changesLines, isChanged, lineOf, readsLine, readsLines } from '../memory/guard';
import { capability } from '../node/table';
import { ScheduleState } from './records';
import { job, schedule, work, SCHEDULE_BYTES } from './accessors';

export * from './records';
export * from './accessors';

/** 15 minutes: long compared with the tick, short compared with a lease. */
export const ENTRY_S: u32 = 900;
export const ENTRIES_PER_DAY: u32 = 96;
/** Intent slots 0–5 mine and haul under claims; these two are for work that needs no claim. */
export const CLAIM_SLOTS: u32 = 6;
export const REPLICATE_SLOT: u32 = 6;
export const MAINTAIN_SLOT: u32 = 7;

/**
 * A byte of the timeline: the entry's activity (intent slot + 1; 0 = idle), and CODE_RADIO if the
 * radio points out of the cluster.
 */
export const CODE_IDLE: u32 = 0;
export const CODE_REPLICATE: u32 = REPLICATE_SLOT + 1;
export const CODE_MAINTAIN: u32 = MAINTAIN_SLOT + 1;
export const CODE_MASK: u32 = 15;
export const CODE_RADIO: u32 = 64;

/**
 * Entries processed in one step at most. A whole plan of one claim takes about 1,200 (192 entries).
 */
export const OPERATIONS_PER_STEP_MAX: u32 = 512;
/** Larger capacities are taken as this one, which keeps energies and masses below 2³¹ units. */
export const AMOUNT_MAX: u32 = 20000000;
const POWER_W_MAX: u32 = 10000000;

export const ROLE_NONE: u32 = 0;
export const ROLE_MINE: u32 = 1;
export const ROLE_HAUL: u32 = 2;

/** Why a new plan is due. Bits 0–5: the own intent in that intent slot. */
export const DIRTY_STOCK: u32 = 1 << 6;
export const DIRTY_JOB: u32 = 1 << 7;
export const DIRTY_WINDOW: u32 = 1 << 8;
export const DIRTY_HORIZON: u32 = 1 << 9;

/** Why no work may run now, whatever the plan says. */
export const HALT_BATTERY: u32 = 1;
export const HALT_STORAGE: u32 = 2;

export const JOB_FREE: u32 = 0;
export const JOB_WAITING: u32 = 1;
export const JOB_PLACED: u32 = 2;
export const JOB_RUNNING: u32 = 3;

/**
 * The timeline: the plan in force, the draft, then per entry the energy needed and the mass allowed
 * at its beginning.
 */
const DRAFT_AT: u32 = TIMELINE_AT + TIMELINE_ENTRIES_MAX;
const ENERGY_NEEDED_AT: u32 = DRAFT_AT + TIMELINE_ENTRIES_MAX;
const MASS_ALLOWED_AT: u32 = ENERGY_NEEDED_AT + TIMELINE_ENTRIES_MAX * 4;

const SCHEDULE_LINE: u32 = (SCHEDULE_AT - LINES_AT) / LINE_BYTES;
const TIMELINE_LINE: u32 = (TIMELINE_AT - LINES_AT) / LINE_BYTES;

/**
 * Checks all of the schedule but its timeline before it is read, and marks the state as changed,
 * because nearly every caller writes it, once a period. The accessors below rely on this.
 */
export function scheduleToChange(ctx: usize): ScheduleState {
  if (isChanged(ctx, SCHEDULE_LINE)) return schedule(ctx);
  changesLines(ctx, SCHEDULE_LINE, SCHEDULE_LINE + SCHEDULE_BYTES / LINE_BYTES);
  readsLines(ctx, SCHEDULE_LINE, TIMELINE_LINE);
  return schedule(ctx);
}
/** Checks the timeline before it is read. */
export function readTimeline(ctx: usize): void {
  readsLines(ctx, TIMELINE_LINE, lineOf(FEDERATION_AT));
}

/** Checks one entry of the plan in force before it is read. */
export function readEntry(ctx: usize, entry: u32): void {
  readsLine(ctx, lineOf(TIMELINE_AT + ring(entry)));
}

/** Returns the version of the own intent in intent slot 0–5 whose haul is done; 0 = none. */
// @inline
export function finishedVersion(ctx: usize, intentSlot: u32): u32 {
  return load<u32>(ctx + FINISHED_AT + (intentSlot << 2));
}
export function setFinishedVersion(ctx: usize, intentSlot: u32, version: u32): void {
  changesLine(ctx, lineOf(FINISHED_AT));
  store<u32>(ctx + FINISHED_AT + (intentSlot << 2), version);
}

/**
 * Returns the place of an entry in the ring: its number modulo the ring's length, so that time
 * moves on without copying.
 */
// @inline
function ring(entry: u32): u32 {
  return entry % TIMELINE_ENTRIES_MAX;
}
/** Returns the address of the timeline's byte at offset `at` of the context, to be written. */
// @inline
function changeAt(ctx: usize, at: u32): usize {
  changesLine(ctx, lineOf(at));
  return ctx + at;
}

// @inline
export function planned(ctx: usize, entry: u32): u32 {
  return load<u8>(ctx + TIMELINE_AT + ring(entry));
}
export function setPlanned(ctx: usize, entry: u32, byte: u32): void {
  store<u8>(changeAt(ctx, TIMELINE_AT + ring(entry)), <u8>byte);
}
// @inline
export function drafted(ctx: usize, entry: u32): u32 {
  return load<u8>(ctx + DRAFT_AT + ring(entry));
}
export function setDrafted(ctx: usize, entry: u32, byte: u32): void {
  store<u8>(changeAt(ctx, DRAFT_AT + ring(entry)), <u8>byte);
}
export function copyPlanToDraft(ctx: usize): void {
  changesLines(ctx, lineOf(TIMELINE_AT), lineOf(ENERGY_NEEDED_AT - 1) + 1);
  memory.copy(ctx + DRAFT_AT, ctx + TIMELINE_AT, TIMELINE_ENTRIES_MAX);
}
/**
 * Returns the energy that must be there at the beginning of `entry` for all that is planned from it
 * on; at the horizon's end: the reserve.
 */
// @inline
export function energyNeeded(ctx: usize, entry: u32): i32 {
  return load<i32>(ctx + ENERGY_NEEDED_AT + (ring(entry) << 2));
}
export function setEnergyNeeded(ctx: usize, entry: u32, units: i32): void {
  store<i32>(changeAt(ctx, ENERGY_NEEDED_AT + (ring(entry) << 2)), units);
}
/** Returns the mass that may be in storage at the beginning of `entry`. */
// @inline
export function massAllowed(ctx: usize, entry: u32): i32 {
  return load<i32>(ctx + MASS_ALLOWED_AT + (ring(entry) << 2));
}
export function setMassAllowed(ctx: usize, entry: u32, units: i32): void {
  store<i32>(changeAt(ctx, MASS_ALLOWED_AT + (ring(entry) << 2)), units);
}

/** Returns entry `index` of the order of passes: an intent slot, or REPLICATE_SLOT. */
// @inline
export function orderAt(state: ScheduleState, index: u32): u32 {
  return (state.order >>> (index << 2)) & 15;
}

// @inline
export function batteryUnitsMax(ctx: usize): i32 {
  return <i32>(min<u32>(capability(ctx).batteryWhMax, AMOUNT_MAX) * ENTRIES_PER_DAY);
}
/**
 * Returns the energy that is kept in reserve, a fifth of the battery: telemetry is up to an entry
 * old, and cells age.
 */
// @inline
export function reserveUnits(ctx: usize): i32 {
  return batteryUnitsMax(ctx) / 5;
}
// @inline
export function storageUnitsMax(ctx: usize): i32 {
  return <i32>(min<u32>(capability(ctx).storageKg, AMOUNT_MAX) * ENTRIES_PER_DAY);
}
// @inline
export function powerUnits(watts: u32): i32 {
  return <i32>(min<u32>(watts, POWER_W_MAX) * 24);
}

/** Whether every number of the schedule is within its bound (WDG-1). */
export function scheduleSane(ctx: usize): bool {
  const state = scheduleToChange(ctx);
  if (
    state.phase > 7 ||
    state.cursor > TIMELINE_ENTRIES_MAX ||
    state.pass > OWN_SLOTS ||
    state.orderCount > CLAIM_SLOTS + 1
  )
    return false;
  if (state.windowCount > WINDOWS_MAX || state.job > JOBS_MAX) return false;
  for (let i: u32 = 0; i < JOBS_MAX; i++) if (job(ctx, i).state > <u8>JOB_RUNNING) return false;
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++)
    if (work(ctx, intentSlot).role > <u8>ROLE_HAUL) return false;
  return true;
}

if (MASS_ALLOWED_AT + TIMELINE_ENTRIES_MAX * 4 > FEDERATION_AT) ERROR('the timeline fits before the federation');
if ((ENERGY_NEEDED_AT & 3) != 0) ERROR('words of the timeline are aligned');
if (TIMELINE_ENTRIES_MAX >= NO_INDEX) ERROR('positions in the timeline are small');
if (SCHEDULE_BYTES % 64 != 0 || FINISHED_AT % 64 != SCHEDULE_AT % 64) ERROR('tables of the schedule begin with a line');

// Plans: makes a draft from the plan in force, a bounded number of timeline entries at a time, and
// puts it in force when it is complete.
//
//   prepare   takes out what is no longer valid, marks radio windows and loading entries
//   shed      walks forward; where energy or storage would not suffice, takes the least valued work
//             out (≤ 2 times per claim)
//   fill      per claim in order of value density: walks back for what the rest of the plan needs,
//             then forward, placing the claim wherever it fits (SCH-1)
//   seek      places each waiting maintenance where it displaces least, then fills again

import { JOBS_MAX, TIMELINE_ENTRIES_MAX } from '../memory/limits';
import { appraise } from './appraise';
import { activityEnergy, hauledMass, isMine, levelAfter, massAfter, minedMass, netEnergy, radioEnergy } from './model';
import { jobAt, jobsYield, seekBegin, seekEnd, seekNext, seekEntry } from './maintain';
import {
  CLAIM_SLOTS,
  CODE_IDLE,
  CODE_MAINTAIN,
  CODE_MASK,
  CODE_RADIO,
  CODE_REPLICATE,
  OPERATIONS_PER_STEP_MAX,
  ROLE_HAUL,
  ScheduleState,
  batteryUnitsMax,
  copyPlanToDraft,
  drafted,
  energyNeeded,
  orderAt,
  reserveUnits,
  massAllowed,
  schedule,
  setDrafted,
  setEnergyNeeded,
  setPlanned,
  setMassAllowed,
  storageUnitsMax,
  work,
} from './table';

export const PHASE_IDLE: u32 = 0;
const PHASE_PREPARE: u32 = 1;
const PHASE_SHED_WALK: u32 = 2;
const PHASE_SHED_CLEAR: u32 = 3;
const PHASE_FILL: u32 = 4;
const PHASE_SEEK: u32 = 5;
const PHASE_PUBLISH: u32 = 6;

/**
 * Plans one step: at most OPERATIONS_PER_STEP_MAX entries. The plan in force stays until the draft
 * is complete.
 */
export function planStep(ctx: usize): void {
  const state = schedule(ctx);
  let operations: u32 = 0;
  if (state.phase == PHASE_IDLE && state.dirty != 0) begin(ctx, state);
  while (state.phase != PHASE_IDLE && operations < OPERATIONS_PER_STEP_MAX) {
    operate(ctx, state);
    operations++;
  }
  state.operationsStep = operations;
  state.operationsPlan += operations;
}

/** Discards the draft. */
export function planDiscard(ctx: usize): void {
  schedule(ctx).phase = PHASE_IDLE;
}

function begin(ctx: usize, state: ScheduleState): void {
  const changed = appraise(ctx);
  const others = state.dirty >>> CLAIM_SLOTS;
  state.dirty = 0;
  if (changed == 0 && others == 0) return;
  jobsYield(ctx, changed);
  copyPlanToDraft(ctx);
  state.draftBase = state.baseEntry;
  state.foreseenLevel = state.batteryLevel;
  state.foreseenMass = state.storedMass;
  state.rolled = 0;
  state.refill = 0;
  state.seeking = 0;
  state.sought = 0;
  state.shedOnce = 0;
  state.shortfall = 0;
  state.operationsPlan = 0;
  state.phase = PHASE_PREPARE;
  state.cursor = 0;
}

/**
 * Processes one entry: the one under the cursor, in the present phase; then moves the cursor on.
 */
function operate(ctx: usize, state: ScheduleState): void {
  const end = state.draftBase + TIMELINE_ENTRIES_MAX;
  const entry = state.draftBase + state.cursor;
  switch (state.phase) {
    case PHASE_PREPARE:
      setDrafted(ctx, entry, prepared(ctx, entry));
      if (++state.cursor == TIMELINE_ENTRIES_MAX) walk(state, PHASE_SHED_WALK);
      return;
    case PHASE_SHED_WALK:
      if (!shedWalk(ctx, state, entry)) return;
      if (++state.cursor == TIMELINE_ENTRIES_MAX) fillBegin(state, 0);
      return;
    case PHASE_SHED_CLEAR:
      if ((drafted(ctx, entry) & CODE_MASK) == state.shedCode) setDrafted(ctx, entry, drafted(ctx, entry) & CODE_RADIO);
      if (++state.cursor >= state.shedUntil) walk(state, PHASE_SHED_WALK);
      return;
    case PHASE_FILL:
      if (state.pass >= state.orderCount) fillEnd(state);
      else if (state.backward != 0) fillBackward(ctx, state, entry, end);
      else fillForward(ctx, state, entry, end);
      return;
    case PHASE_SEEK:
      seek(ctx, state, entry);
      return;
    default:
      publish(ctx, state, entry);
  }
}

/** Starts a walk at the first entry, with the levels there. */
function walk(state: ScheduleState, phase: u32): void {
  state.phase = phase;
  state.cursor = 0;
  state.level = state.foreseenLevel;
  state.mass = state.foreseenMass;
  state.met = 0;
}

/**
 * Returns what remains of an entry in the draft: what is still claimed, placed or loading;
 * everything else is idle.
 */
function prepared(ctx: usize, entry: u32): u32 {
  const radio = radioEnergy(ctx, entry) > 0 ? CODE_RADIO : 0;
  const code = drafted(ctx, entry) & CODE_MASK;
  for (let i: u32 = 0; i < CLAIM_SLOTS; i++) {
    const w = work(ctx, i);
    if (w.role == <u8>ROLE_HAUL && w.fromEntry == entry) return radio | (i + 1);
  }
  if (code == CODE_MAINTAIN) return radio | (jobAt(ctx, entry) < JOBS_MAX ? code : CODE_IDLE);
  // Replication is the filler: it is placed anew after everything else, so that it takes no energy
  // from better work.
  if (code == CODE_IDLE || code > CLAIM_SLOTS) return radio;
  const w = work(ctx, code - 1);
  if (entry < w.clearUntil) return radio;
  return radio | (isMine(ctx, code) && entry >= w.fromEntry && entry < w.toEntry ? code : CODE_IDLE);
}

/**
 * Advances the walk by one entry. False if work must be taken out first: then the phase is already
 * PHASE_SHED_CLEAR.
 */
function shedWalk(ctx: usize, state: ScheduleState, entry: u32): bool {
  const code = drafted(ctx, entry) & CODE_MASK;
  const net = netEnergy(ctx, entry, code);
  const level = levelAfter(ctx, state.level, net);
  const mass = massAfter(ctx, state.mass, entry, code);
  if (code != CODE_IDLE && code <= CODE_REPLICATE) state.met |= 1 << code;
  const dark = level < reserveUnits(ctx);
  const full = mass > storageUnitsMax(ctx) && minedMass(ctx, code) > 0;
  if (dark || full) {
    const victim = leastMet(ctx, state, dark ? CODE_REPLICATE : CLAIM_SLOTS);
    if (victim != CODE_IDLE) {
      state.shedCode = victim;
      state.shedUntil = (state.shedOnce & (1 << victim)) != 0 ? TIMELINE_ENTRIES_MAX : state.cursor + 1;
      state.shedOnce |= 1 << victim;
      state.phase = PHASE_SHED_CLEAR;
      state.cursor = 0;
      return false;
    }
    if (dark && net < 0) state.shortfall = 1;
  }
  state.level = level;
  state.mass = mass;
  return true;
}

/**
 * Returns the last work in the order that this walk met and that draws energy (or mines, when
 * storage is full); CODE_IDLE = no work can be taken out.
 */
function leastMet(ctx: usize, state: ScheduleState, codeMax: u32): u32 {
  for (let i = state.orderCount; i > 0; i--) {
    const code = orderAt(state, i - 1) + 1;
    if (code > codeMax || (state.met & (1 << code)) == 0) continue;
    if (codeMax == CLAIM_SLOTS || activityEnergy(ctx, code) > 0) return code;
  }
  return CODE_IDLE;
}

function fillBegin(state: ScheduleState, pass: u32): void {
  state.phase = PHASE_FILL;
  state.pass = pass;
  state.backward = 1;
  state.cursor = TIMELINE_ENTRIES_MAX - 1;
}

function fillEnd(state: ScheduleState): void {
  state.cursor = 0;
  state.phase = state.refill == 0 ? PHASE_SEEK : PHASE_PUBLISH;
}

/**
 * Computes the energy needed and the mass allowed at the beginning of `entry`, for everything in
 * the draft from it on.
 */
function fillBackward(ctx: usize, state: ScheduleState, entry: u32, end: u32): void {
  const code = drafted(ctx, entry) & CODE_MASK;
  const needed = energyNeededAfter(ctx, entry, end) - netEnergy(ctx, entry, code);
  setEnergyNeeded(ctx, entry, max<i32>(reserveUnits(ctx), min<i32>(batteryUnitsMax(ctx), needed)));
  const allowed = massAllowedAfter(ctx, entry, end) - minedMass(ctx, code);
  setMassAllowed(
    ctx,
    entry,
    max<i32>(0, min<i32>(storageUnitsMax(ctx), max<i32>(0, allowed) + hauledMass(ctx, entry))),
  );
  if (state.cursor == 0) {
    state.backward = 0;
    state.level = state.foreseenLevel;
    state.mass = state.foreseenMass;
  } else state.cursor--;
}

function energyNeededAfter(ctx: usize, entry: u32, end: u32): i32 {
  return entry + 1 == end ? reserveUnits(ctx) : energyNeeded(ctx, entry + 1);
}

function massAllowedAfter(ctx: usize, entry: u32, end: u32): i32 {
  return entry + 1 == end ? storageUnitsMax(ctx) : massAllowed(ctx, entry + 1);
}

/**
 * Puts the pass's claim into `entry` if it is idle or has mining of less value, and energy and
 * storage allow it.
 */
function fillForward(ctx: usize, state: ScheduleState, entry: u32, end: u32): void {
  const byte = drafted(ctx, entry);
  let code = byte & CODE_MASK;
  const candidate = orderAt(state, state.pass) + 1;
  if (betters(ctx, candidate, code, entry) && fits(ctx, state, candidate, entry, end)) {
    code = candidate;
    setDrafted(ctx, entry, (byte & CODE_RADIO) | code);
  }
  state.level = levelAfter(ctx, state.level, netEnergy(ctx, entry, code));
  state.mass = massAfter(ctx, state.mass, entry, code);
  if (++state.cursor == TIMELINE_ENTRIES_MAX) fillBegin(state, state.pass + 1);
}

function betters(ctx: usize, candidate: u32, code: u32, entry: u32): bool {
  if (candidate == CODE_REPLICATE) return code == CODE_IDLE;
  const w = work(ctx, candidate - 1);
  if (entry < w.fromEntry || entry >= w.toEntry) return false;
  if (code == CODE_IDLE || code == CODE_REPLICATE) return true;
  return isMine(ctx, code) && work(ctx, code - 1).value < w.value;
}

function fits(ctx: usize, state: ScheduleState, candidate: u32, entry: u32, end: u32): bool {
  const level = levelAfter(ctx, state.level, netEnergy(ctx, entry, candidate));
  if (level < energyNeededAfter(ctx, entry, end)) return false;
  if (candidate == CODE_REPLICATE) return level >= batteryUnitsMax(ctx) / 2;
  return massAfter(ctx, state.mass, entry, candidate) <= massAllowedAfter(ctx, entry, end);
}

/** Seeks a place for one job after the other; what placed jobs displaced is filled in anew. */
function seek(ctx: usize, state: ScheduleState, entry: u32): void {
  if (state.seeking == 0) {
    if (seekNext(ctx, state)) {
      if (seekBegin(ctx, state)) state.seeking = 1;
    } else if (state.refill != 0) fillBegin(state, 0);
    else walk(state, PHASE_PUBLISH);
    return;
  }
  seekEntry(ctx, state, entry);
  if (++state.cursor < TIMELINE_ENTRIES_MAX) return;
  if (seekEnd(ctx, state)) state.refill = 1;
  state.seeking = 0;
}

/**
 * Copies the draft into the plan in force, entry by entry within one step's bound. Entries that
 * have passed are left as they are.
 */
function publish(ctx: usize, state: ScheduleState, entry: u32): void {
  if (entry >= state.baseEntry) setPlanned(ctx, entry, drafted(ctx, entry));
  if (++state.cursor < TIMELINE_ENTRIES_MAX) return;
  state.phase = PHASE_IDLE;
  state.plans++;
}

/**
 * Whether the levels differ from the plan's foresight by more than a sixteenth of the capacity:
 * then a new plan is due.
 */
export function planDrifted(ctx: usize): bool {
  const state = schedule(ctx);
  const level = state.batteryLevel - state.foreseenLevel;
  const mass = state.storedMass - state.foreseenMass;
  return (
    (level < 0 ? -level : level) > batteryUnitsMax(ctx) / 16 || (mass < 0 ? -mass : mass) > storageUnitsMax(ctx) / 16
  );
}

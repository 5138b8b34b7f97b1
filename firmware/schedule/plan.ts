// The planner: makes a draft from the plan in force, a bounded number of slot operations at a time, and puts it in force when done.
//
//   prepare   take out what no longer holds, mark radio windows and loading slots
//   shed      walk forward; where energy or storage would break, take the least valued work out (≤ 2 times per claim)
//   fill      per claim in order of value density: walk back for what the rest of the plan needs, then forward placing
//             the claim wherever it fits (SCH-1)
//   seek      place each waiting maintenance where it displaces least, then fill again

import { JOBS_MAX, TIMELINE_SLOTS_MAX } from '../memory/limits';
import { appraise } from './appraise';
import { activityEnergy, hauledMass, isMine, levelAfter, massAfter, minedMass, netEnergy, radioEnergy } from './model';
import { jobAt, jobsYield, seekBegin, seekEnd, seekNext, seekSlot } from './maintain';
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
  need,
  orderAt,
  reserveUnits,
  room,
  schedule,
  setDrafted,
  setNeed,
  setPlanned,
  setRoom,
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

/** One step of planning: at most OPERATIONS_PER_STEP_MAX slots are looked at. The plan in force stays until the draft is done. */
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

/** Forgets a plan in the making. */
export function planDrop(ctx: usize): void {
  schedule(ctx).phase = PHASE_IDLE;
}

function begin(ctx: usize, state: ScheduleState): void {
  const changed = appraise(ctx);
  const others = state.dirty >>> CLAIM_SLOTS;
  state.dirty = 0;
  if (changed == 0 && others == 0) return;
  jobsYield(ctx, changed);
  copyPlanToDraft(ctx);
  state.draftBase = state.baseSlot;
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

/** One slot operation: looks at the slot under the cursor in the present phase, and moves on. */
function operate(ctx: usize, state: ScheduleState): void {
  const end = state.draftBase + TIMELINE_SLOTS_MAX;
  const slot = state.draftBase + state.cursor;
  switch (state.phase) {
    case PHASE_PREPARE:
      setDrafted(ctx, slot, prepared(ctx, slot));
      if (++state.cursor == TIMELINE_SLOTS_MAX) walk(state, PHASE_SHED_WALK);
      return;
    case PHASE_SHED_WALK:
      if (!shedWalk(ctx, state, slot)) return;
      if (++state.cursor == TIMELINE_SLOTS_MAX) fillBegin(state, 0);
      return;
    case PHASE_SHED_CLEAR:
      if ((drafted(ctx, slot) & CODE_MASK) == state.shedCode) setDrafted(ctx, slot, drafted(ctx, slot) & CODE_RADIO);
      if (++state.cursor >= state.shedUntil) walk(state, PHASE_SHED_WALK);
      return;
    case PHASE_FILL:
      if (state.pass >= state.orderCount) fillEnd(state);
      else if (state.backward != 0) fillBackward(ctx, state, slot, end);
      else fillForward(ctx, state, slot, end);
      return;
    case PHASE_SEEK:
      seek(ctx, state, slot);
      return;
    default:
      publish(ctx, state, slot);
  }
}

/** Begins a walk from the first slot, with what is in store there. */
function walk(state: ScheduleState, phase: u32): void {
  state.phase = phase;
  state.cursor = 0;
  state.level = state.foreseenLevel;
  state.mass = state.foreseenMass;
  state.met = 0;
}

/** The entry that survives into the draft: what is still claimed, placed or loading; the rest is idle. */
function prepared(ctx: usize, slot: u32): u32 {
  const radio = radioEnergy(ctx, slot) > 0 ? CODE_RADIO : 0;
  const code = drafted(ctx, slot) & CODE_MASK;
  for (let i: u32 = 0; i < CLAIM_SLOTS; i++) {
    const w = work(ctx, i);
    if (w.role == <u8>ROLE_HAUL && w.fromSlot == slot) return radio | (i + 1);
  }
  if (code == CODE_MAINTAIN) return radio | (jobAt(ctx, slot) < JOBS_MAX ? code : CODE_IDLE);
  // Replication is the filler: it is laid anew around everything else, lest its energy be missing there.
  if (code == CODE_IDLE || code > CLAIM_SLOTS) return radio;
  const w = work(ctx, code - 1);
  if (slot < w.clearUntil) return radio;
  return radio | (isMine(ctx, code) && slot >= w.fromSlot && slot < w.toSlot ? code : CODE_IDLE);
}

/** False if work has to go first: then the phase is already PHASE_SHED_CLEAR. */
function shedWalk(ctx: usize, state: ScheduleState, slot: u32): bool {
  const code = drafted(ctx, slot) & CODE_MASK;
  const net = netEnergy(ctx, slot, code);
  const level = levelAfter(ctx, state.level, net);
  const mass = massAfter(ctx, state.mass, slot, code);
  if (code != CODE_IDLE && code <= CODE_REPLICATE) state.met |= 1 << code;
  const dark = level < reserveUnits(ctx);
  const full = mass > storageUnitsMax(ctx) && minedMass(ctx, code) > 0;
  if (dark || full) {
    const victim = leastMet(ctx, state, dark ? CODE_REPLICATE : CLAIM_SLOTS);
    if (victim != CODE_IDLE) {
      state.shedCode = victim;
      state.shedUntil = (state.shedOnce & (1 << victim)) != 0 ? TIMELINE_SLOTS_MAX : state.cursor + 1;
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

/** The last in order of what this walk met, that draws energy (or mines, when storage breaks); CODE_IDLE = nothing can go. */
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
  state.cursor = TIMELINE_SLOTS_MAX - 1;
}

function fillEnd(state: ScheduleState): void {
  state.cursor = 0;
  state.phase = state.refill == 0 ? PHASE_SEEK : PHASE_PUBLISH;
}

/** What must be there, and what may be there, at the beginning of `slot`, for all that stands in the draft from it on. */
function fillBackward(ctx: usize, state: ScheduleState, slot: u32, end: u32): void {
  const code = drafted(ctx, slot) & CODE_MASK;
  const needed = needAfter(ctx, slot, end) - netEnergy(ctx, slot, code);
  setNeed(ctx, slot, max<i32>(reserveUnits(ctx), min<i32>(batteryUnitsMax(ctx), needed)));
  const allowed = roomAfter(ctx, slot, end) - minedMass(ctx, code);
  setRoom(ctx, slot, max<i32>(0, min<i32>(storageUnitsMax(ctx), max<i32>(0, allowed) + hauledMass(ctx, slot))));
  if (state.cursor == 0) {
    state.backward = 0;
    state.level = state.foreseenLevel;
    state.mass = state.foreseenMass;
  } else state.cursor--;
}

function needAfter(ctx: usize, slot: u32, end: u32): i32 {
  return slot + 1 == end ? reserveUnits(ctx) : need(ctx, slot + 1);
}

function roomAfter(ctx: usize, slot: u32, end: u32): i32 {
  return slot + 1 == end ? storageUnitsMax(ctx) : room(ctx, slot + 1);
}

/** Puts the pass's claim into `slot` if it is idle there, or holds mining of less value, and energy and storage allow it. */
function fillForward(ctx: usize, state: ScheduleState, slot: u32, end: u32): void {
  const entry = drafted(ctx, slot);
  let code = entry & CODE_MASK;
  const candidate = orderAt(state, state.pass) + 1;
  if (betters(ctx, candidate, code, slot) && fits(ctx, state, candidate, slot, end)) {
    code = candidate;
    setDrafted(ctx, slot, (entry & CODE_RADIO) | code);
  }
  state.level = levelAfter(ctx, state.level, netEnergy(ctx, slot, code));
  state.mass = massAfter(ctx, state.mass, slot, code);
  if (++state.cursor == TIMELINE_SLOTS_MAX) fillBegin(state, state.pass + 1);
}

function betters(ctx: usize, candidate: u32, code: u32, slot: u32): bool {
  if (candidate == CODE_REPLICATE) return code == CODE_IDLE;
  const w = work(ctx, candidate - 1);
  if (slot < w.fromSlot || slot >= w.toSlot) return false;
  if (code == CODE_IDLE || code == CODE_REPLICATE) return true;
  return isMine(ctx, code) && work(ctx, code - 1).value < w.value;
}

function fits(ctx: usize, state: ScheduleState, candidate: u32, slot: u32, end: u32): bool {
  const level = levelAfter(ctx, state.level, netEnergy(ctx, slot, candidate));
  if (level < needAfter(ctx, slot, end)) return false;
  if (candidate == CODE_REPLICATE) return level >= batteryUnitsMax(ctx) / 2;
  return massAfter(ctx, state.mass, slot, candidate) <= roomAfter(ctx, slot, end);
}

/** Looks for the place of job after job; what the placed ones displaced is filled in anew. */
function seek(ctx: usize, state: ScheduleState, slot: u32): void {
  if (state.seeking == 0) {
    if (seekNext(ctx, state)) {
      if (seekBegin(ctx, state)) state.seeking = 1;
    } else if (state.refill != 0) fillBegin(state, 0);
    else walk(state, PHASE_PUBLISH);
    return;
  }
  seekSlot(ctx, state, slot);
  if (++state.cursor < TIMELINE_SLOTS_MAX) return;
  if (seekEnd(ctx, state)) state.refill = 1;
  state.seeking = 0;
}

/** The draft comes into force slot by slot within one step's bound; what lies behind by now is left alone. */
function publish(ctx: usize, state: ScheduleState, slot: u32): void {
  if (slot >= state.baseSlot) setPlanned(ctx, slot, drafted(ctx, slot));
  if (++state.cursor < TIMELINE_SLOTS_MAX) return;
  state.phase = PHASE_IDLE;
  state.plans++;
}

/** True if the plan's foresight is off by more than a sixteenth of what can be stored: then a new plan is due. */
export function planDrifted(ctx: usize): bool {
  const state = schedule(ctx);
  const level = state.batteryLevel - state.foreseenLevel;
  const mass = state.storedMass - state.foreseenMass;
  return (
    (level < 0 ? -level : level) > batteryUnitsMax(ctx) / 16 || (mass < 0 ? -mass : mass) > storageUnitsMax(ctx) / 16
  );
}

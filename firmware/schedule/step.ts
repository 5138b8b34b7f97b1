// What runs now: the plan in force, held to what may run, told to the platform as start-work and stop-work.

import { JOBS_MAX, TIMELINE_SLOTS_MAX } from '../memory/limits';
import { capability, edge, missionS, timeKnown } from '../node/table';
import { KIND_HAUL, KIND_MAINTAIN, KIND_MINE, KIND_REPLICATE, own, ownToChange, takeSlotFlags } from '../intent/table';
import { mayRun, runUntilS } from '../intent/own';
import { haulDone } from './observe';
import { scheduleEnforce, start, stop } from './orders';
import { roleOf } from './appraise';
import { jobAt, jobDone, jobRunning, jobsOverlooked } from './maintain';
import { isMine, levelAfter, massAfter, netEnergy, radioEnergy } from './model';
import { PHASE_IDLE, planDrop, planStep } from './plan';
import {
  CLAIM_SLOTS,
  CODE_IDLE,
  CODE_MAINTAIN,
  CODE_MASK,
  CODE_RADIO,
  CODE_REPLICATE,
  DIRTY_HORIZON,
  DIRTY_JOB,
  HELD_BATTERY,
  JOB_RUNNING,
  JOB_WAITING,
  MAINTAIN_SLOT,
  REPLICATE_SLOT,
  ROLE_HAUL,
  ROLE_MINE,
  SLOT_S,
  batteryUnitsMax,
  job,
  jobToChange,
  planned,
  readSlot,
  readTimeline,
  schedule,
  scheduleToChange,
  setPlanned,
  told,
  toldToChange,
  work,
} from './table';

/** A running start-work is renewed when its end is this near and a later one is allowed: two lease epochs ahead. */
const RENEW_S: u32 = 1200;
/** Replication is told this far ahead; it is the filler and stops when its slots do. */
const REPLICATE_S: u32 = 3600;
/** Slots that may roll on before the far end of the timeline is planned: 2 hours. */
const ROLLED_SLOTS_MAX: u32 = 8;
const EVERYTHING: u32 = 0x3ff;
/** The claim slots, a bit each. */
const CLAIMS: u32 = (1 << CLAIM_SLOTS) - 1;

/** After boot or restore: nothing is taken to run. Whatever an earlier boot started is stopped, known here or not, then decided anew. */
export function scheduleBoot(ctx: usize): void {
  const state = scheduleToChange(ctx);
  planDrop(ctx);
  state.dirty = EVERYTHING;
  if (state.known == 0) {
    state.batteryLevel = batteryUnitsMax(ctx);
    state.solarW = capability(ctx).solarW;
  }
  for (let slot: u32 = 0; slot <= MAINTAIN_SLOT; slot++) {
    if (edge(ctx).incarnation > 1 || own(ctx, slot).running != 0) stop(ctx, slot);
    ownToChange(ctx, slot).running = 0;
    toldToChange(ctx, slot).retryS = 0;
  }
  const index = jobRunning(ctx);
  if (index < JOBS_MAX) jobToChange(ctx, index).state = <u8>JOB_WAITING;
}

/** RAD-1: a part of the timeline was lost: all of it is planned anew. */
export function scheduleRestart(ctx: usize): void {
  const state = scheduleToChange(ctx);
  planDrop(ctx);
  state.known = 0;
  state.dirty = EVERYTHING;
}

/** Once per period: rolls the timeline on, plans a bounded part, and starts and stops what the plan in force says (SCH-1). */
export function scheduleStep(ctx: usize): void {
  scheduleEnforce(ctx);
  if (!timeKnown(ctx)) return;
  const state = schedule(ctx);
  state.dirty |= takeSlotFlags(ctx) & CLAIMS;
  const slotNow = missionS(ctx) / SLOT_S;
  if (slotNow == state.baseSlot && state.known != 0 && state.dirty == 0 && state.phase == PHASE_IDLE)
    readSlot(ctx, slotNow);
  else readTimeline(ctx);
  roll(ctx, slotNow);
  planStep(ctx);
  run(ctx);
}

/** The platform's word on commanded work. status 1 running, 2 done, 3 blocked, 4 failed. */
export function scheduleProgress(ctx: usize, slot: u32, status: u32, movedKg: u32): void {
  if (status < 2 || status > 4 || slot > MAINTAIN_SLOT) return;
  scheduleToChange(ctx);
  const mine = ownToChange(ctx, slot);
  const done = status == 2;
  if (slot == MAINTAIN_SLOT) {
    const index = jobRunning(ctx);
    mine.running = 0;
    if (index == JOBS_MAX) return;
    if (done) jobDone(ctx, index);
    else {
      jobToChange(ctx, index).state = <u8>JOB_WAITING;
      schedule(ctx).dirty |= DIRTY_JOB;
    }
    return;
  }
  if (slot < CLAIM_SLOTS && done && work(ctx, slot).role == <u8>ROLE_HAUL) haulDone(ctx, slot, movedKg);
  mine.running = 0;
  if (!done) toldToChange(ctx, slot).retryS = missionS(ctx) + SLOT_S;
}

/** Passes the time: slots gone by become the far end of the ring, and the stock is reckoned on. */
function roll(ctx: usize, slotNow: u32): void {
  const state = schedule(ctx);
  if (state.known != 0 && slotNow == state.baseSlot) return;
  if (state.known == 0 || slotNow < state.baseSlot || slotNow - state.baseSlot >= TIMELINE_SLOTS_MAX) {
    for (let i: u32 = 0; i < TIMELINE_SLOTS_MAX; i++) setPlanned(ctx, i, CODE_IDLE);
    planDrop(ctx);
    state.known = 1;
    state.baseSlot = slotNow;
    state.dirty = EVERYTHING;
    return;
  }
  while (state.baseSlot < slotNow) {
    const slot = state.baseSlot;
    const entry = planned(ctx, slot);
    const net = netEnergy(ctx, slot, entry);
    state.batteryLevel = levelAfter(ctx, state.batteryLevel, net);
    state.foreseenLevel = levelAfter(ctx, state.foreseenLevel, net);
    state.storedMass = massAfter(ctx, state.storedMass, slot, entry);
    state.foreseenMass = massAfter(ctx, state.foreseenMass, slot, entry);
    const far = slot + TIMELINE_SLOTS_MAX;
    setPlanned(ctx, far, radioEnergy(ctx, far) > 0 ? CODE_RADIO : CODE_IDLE);
    state.baseSlot = slot + 1;
    state.rolled++;
  }
  jobsOverlooked(ctx);
  haulsOverlooked(ctx);
  if (state.rolled >= ROLLED_SLOTS_MAX) state.dirty |= DIRTY_HORIZON;
}

/** A haul that did not load in its slot is given the next one. */
function haulsOverlooked(ctx: usize): void {
  const state = schedule(ctx);
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
    const w = work(ctx, slot);
    if (w.role == <u8>ROLE_HAUL && w.fromSlot < state.baseSlot && own(ctx, slot).running == 0) state.dirty |= 1 << slot;
  }
}

/** The activity of the present slot after what overrides the plan: running maintenance, an empty battery, full storage. */
function activity(ctx: usize): u32 {
  const state = schedule(ctx);
  const code = planned(ctx, state.baseSlot) & CODE_MASK;
  const running = jobRunning(ctx);
  if (running < JOBS_MAX) {
    const j = job(ctx, running);
    if (missionS(ctx) - j.startedS < j.durationS) return CODE_MAINTAIN;
    jobDone(ctx, running);
  }
  if (code == CODE_MAINTAIN) {
    const index = jobAt(ctx, state.baseSlot);
    return index < JOBS_MAX && job(ctx, index).placedSlot == state.baseSlot ? code : CODE_IDLE;
  }
  if (code == CODE_REPLICATE) return (state.held & HELD_BATTERY) != 0 ? CODE_IDLE : code;
  if (!isMine(ctx, code)) return code;
  return state.held != 0 ? CODE_IDLE : runnable(ctx, code);
}

/** The planned mine, or if it may not run just now another settled one that draws no more; else idle. */
function runnable(ctx: usize, code: u32): u32 {
  if (mayStart(ctx, code - 1)) return code;
  const rate = work(ctx, code - 1).mass;
  let best: u32 = CODE_IDLE;
  let bestRate: i32 = 0;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
    const w = work(ctx, slot);
    if (roleOf(ctx, slot) != ROLE_MINE || w.mass > rate || w.mass <= bestRate || !mayStart(ctx, slot)) continue;
    best = slot + 1;
    bestRate = w.mass;
  }
  return best;
}

function mayStart(ctx: usize, slot: u32): bool {
  return mayRun(ctx, slot) && missionS(ctx) >= told(ctx, slot).retryS;
}

/** Brings the platform to what should run now: stops first, then starts. A haul under way is not stopped by the plan. */
function run(ctx: usize): void {
  const code = activity(ctx);
  for (let slot: u32 = 0; slot <= MAINTAIN_SLOT; slot++) {
    if (own(ctx, slot).running == 0 || code == slot + 1) continue;
    if (slot < CLAIM_SLOTS && roleOf(ctx, slot) == ROLE_HAUL) renew(ctx, slot, KIND_HAUL);
    else stop(ctx, slot);
  }
  if (code == CODE_IDLE) return;
  const slot = code - 1;
  if (slot == MAINTAIN_SLOT) maintain(ctx);
  else if (slot == REPLICATE_SLOT) replicate(ctx);
  else if (mayStart(ctx, slot)) renew(ctx, slot, roleOf(ctx, slot) == ROLE_HAUL ? KIND_HAUL : KIND_MINE);
}

/** Starts a claim's work, or tells the platform again when what it may do has changed or its end draws near. */
function renew(ctx: usize, slot: u32, kind: u32): void {
  const mine = own(ctx, slot);
  const t = told(ctx, slot);
  const untilS = runUntilS(ctx, slot);
  const now = missionS(ctx);
  if (untilS <= now) return;
  const same = t.resource == mine.settledResource && t.rate == mine.settledRate;
  if (mine.running != 0 && !same && t.resource != mine.settledResource) stop(ctx, slot);
  const late = untilS > t.untilS && (t.untilS <= now || t.untilS - now < RENEW_S || untilS == mine.settledEndS);
  if (mine.running != 0 && same && untilS >= t.untilS && !late) return;
  start(ctx, slot, kind, mine.settledResource, mine.settledRate, untilS);
}

function maintain(ctx: usize): void {
  if (own(ctx, MAINTAIN_SLOT).running != 0) return;
  const index = jobAt(ctx, schedule(ctx).baseSlot);
  if (index == JOBS_MAX) return;
  const j = jobToChange(ctx, index);
  if (j.state == <u8>JOB_RUNNING) return;
  const now = missionS(ctx);
  start(ctx, MAINTAIN_SLOT, KIND_MAINTAIN, 0, 0, now + j.durationS);
  if (own(ctx, MAINTAIN_SLOT).running == 0) return;
  j.state = <u8>JOB_RUNNING;
  j.startedS = now;
}

function replicate(ctx: usize): void {
  const now = missionS(ctx);
  const t = told(ctx, REPLICATE_SLOT);
  if (now < t.retryS) return;
  if (own(ctx, REPLICATE_SLOT).running != 0 && t.untilS > now && t.untilS - now > RENEW_S) return;
  start(ctx, REPLICATE_SLOT, KIND_REPLICATE, 0, 0, now + REPLICATE_S);
}

// Runs the plan in force: compares it with what may run, and orders the platform to start and stop
// work.

import {
  ROUND_S,
  WORK_KIND_HAUL,
  WORK_KIND_MAINTAIN,
  WORK_KIND_MINE,
  WORK_KIND_REPLICATE,
} from '../wire/generated/codes';
import { JOBS_MAX, TIMELINE_ENTRIES_MAX } from '../memory/limits';
import { capability, node, missionS, timeKnown } from '../node/table';
import { own, ownToChange, takeSlotFlags } from '../intent/table';
import { mayRun, runUntilS } from '../intent/own/lease';
import { prepareContact } from '../intent/own/outlook';
import { haulDone } from './observe';
import { scheduleEnforce, start, stop } from './orders';
import { roleOf } from './appraise';
import { jobAt, jobDone, jobRunning, jobsOverlooked } from './maintain';
import { isMine, levelAfter, massAfter, netEnergy, radioEnergy } from './model';
import { PHASE_IDLE, planDiscard, planStep } from './plan';
import {
  CLAIM_SLOTS,
  CODE_IDLE,
  CODE_MAINTAIN,
  CODE_MASK,
  CODE_RADIO,
  CODE_REPLICATE,
  DIRTY_HORIZON,
  DIRTY_JOB,
  HALT_BATTERY,
  JOB_RUNNING,
  JOB_WAITING,
  MAINTAIN_SLOT,
  REPLICATE_SLOT,
  ROLE_HAUL,
  radioWindow,
  ROLE_MINE,
  ENTRY_S,
  batteryUnitsMax,
  job,
  jobToChange,
  planned,
  readEntry,
  readTimeline,
  schedule,
  scheduleToChange,
  setPlanned,
  workOrder,
  workOrderToChange,
  work,
} from './table';

/**
 * A running order is renewed when its end is this near and a later end is allowed: two agreement
 * rounds ahead.
 */
const RENEW_S: u32 = 2 * ROUND_S;
/** Replication is ordered this far ahead; as the filler it stops when its entries end. */
const REPLICATE_S: u32 = 3600;
/** Entries that may pass before the far end of the timeline is planned: 2 hours. */
const ROLLED_ENTRIES_MAX: u32 = 8;
const EVERYTHING: u32 = 0x3ff;
/** The intent slots of claims, a bit each. */
const CLAIMS: u32 = (1 << CLAIM_SLOTS) - 1;

/**
 * Starts after boot or restore: nothing counts as running. Orders everything to stop that an
 * earlier boot may have started, then the next step decides anew.
 */
export function scheduleBoot(ctx: usize): void {
  const state = scheduleToChange(ctx);
  planDiscard(ctx);
  state.dirty = EVERYTHING;
  if (state.known == 0) {
    state.batteryLevel = batteryUnitsMax(ctx);
    state.solarW = capability(ctx).solarW;
  }
  for (let intentSlot: u32 = 0; intentSlot <= MAINTAIN_SLOT; intentSlot++) {
    if (node(ctx).incarnation > 1 || own(ctx, intentSlot).running != 0) stop(ctx, intentSlot);
    ownToChange(ctx, intentSlot).running = 0;
    workOrderToChange(ctx, intentSlot).retryS = 0;
  }
  const index = jobRunning(ctx);
  if (index < JOBS_MAX) jobToChange(ctx, index).state = <u8>JOB_WAITING;
}

/** Discards the plan and plans all of it anew, after a part of the timeline was lost (RAD-1). */
export function scheduleRestart(ctx: usize): void {
  const state = scheduleToChange(ctx);
  planDiscard(ctx);
  state.known = 0;
  state.dirty = EVERYTHING;
}

/**
 * Moves the timeline on, plans a bounded part, and starts and stops what the plan in force says;
 * once per period (SCH-1).
 */
export function scheduleStep(ctx: usize): void {
  scheduleEnforce(ctx);
  if (!timeKnown(ctx)) return;
  const state = schedule(ctx);
  prepareWindows(ctx);
  state.dirty |= takeSlotFlags(ctx) & CLAIMS;
  const entryNow = missionS(ctx) / ENTRY_S;
  if (entryNow == state.baseEntry && state.known != 0 && state.dirty == 0 && state.phase == PHASE_IDLE)
    readEntry(ctx, entryNow);
  else readTimeline(ctx);
  roll(ctx, entryNow);
  planStep(ctx);
  run(ctx);
}

/** Announces the contact window that is near, and says after it that this node is back. */
function prepareWindows(ctx: usize): void {
  for (let i: u32 = 0; i < schedule(ctx).windowCount; i++) {
    const contact = radioWindow(ctx, i);
    prepareContact(ctx, contact.startS, contact.endS);
  }
}

/**
 * Accepts the platform's report on ordered work. `status`: 1 running, 2 done, 3 blocked, 4 failed.
 */
export function scheduleProgress(ctx: usize, intentSlot: u32, status: u32, movedKg: u32): void {
  if (status < 2 || status > 4 || intentSlot > MAINTAIN_SLOT) return;
  scheduleToChange(ctx);
  const mine = ownToChange(ctx, intentSlot);
  const done = status == 2;
  if (intentSlot == MAINTAIN_SLOT) {
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
  if (intentSlot < CLAIM_SLOTS && done && work(ctx, intentSlot).role == <u8>ROLE_HAUL)
    haulDone(ctx, intentSlot, movedKg);
  mine.running = 0;
  if (!done) workOrderToChange(ctx, intentSlot).retryS = missionS(ctx) + ENTRY_S;
}

/**
 * Moves the timeline on: entries that passed become the far end of the ring, and the levels are
 * extrapolated.
 */
function roll(ctx: usize, entryNow: u32): void {
  const state = schedule(ctx);
  if (state.known != 0 && entryNow == state.baseEntry) return;
  if (state.known == 0 || entryNow < state.baseEntry || entryNow - state.baseEntry >= TIMELINE_ENTRIES_MAX) {
    for (let i: u32 = 0; i < TIMELINE_ENTRIES_MAX; i++) setPlanned(ctx, i, CODE_IDLE);
    planDiscard(ctx);
    state.known = 1;
    state.baseEntry = entryNow;
    state.dirty = EVERYTHING;
    return;
  }
  while (state.baseEntry < entryNow) {
    const entry = state.baseEntry;
    const byte = planned(ctx, entry);
    const net = netEnergy(ctx, entry, byte);
    state.batteryLevel = levelAfter(ctx, state.batteryLevel, net);
    state.foreseenLevel = levelAfter(ctx, state.foreseenLevel, net);
    state.storedMass = massAfter(ctx, state.storedMass, entry, byte);
    state.foreseenMass = massAfter(ctx, state.foreseenMass, entry, byte);
    const far = entry + TIMELINE_ENTRIES_MAX;
    setPlanned(ctx, far, radioEnergy(ctx, far) > 0 ? CODE_RADIO : CODE_IDLE);
    state.baseEntry = entry + 1;
    state.rolled++;
  }
  jobsOverlooked(ctx);
  haulsOverlooked(ctx);
  if (state.rolled >= ROLLED_ENTRIES_MAX) state.dirty |= DIRTY_HORIZON;
}

/**
 * Asks for a plan when a haul did not load in its entry, so that it gets the next one. Time that
 * passes does not change the claim: its bit alone would cause no plan.
 */
function haulsOverlooked(ctx: usize): void {
  const state = schedule(ctx);
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
    const w = work(ctx, intentSlot);
    if (w.role == <u8>ROLE_HAUL && w.fromEntry < state.baseEntry && own(ctx, intentSlot).running == 0)
      state.dirty |= DIRTY_HORIZON;
  }
}

/**
 * Returns the activity of the present entry after what overrides the plan: running maintenance, an
 * empty battery, full storage.
 */
function activity(ctx: usize): u32 {
  const state = schedule(ctx);
  const code = planned(ctx, state.baseEntry) & CODE_MASK;
  const running = jobRunning(ctx);
  if (running < JOBS_MAX) {
    const j = job(ctx, running);
    if (missionS(ctx) - j.startedS < j.durationS) return CODE_MAINTAIN;
    jobDone(ctx, running);
  }
  if (code == CODE_MAINTAIN) {
    const index = jobAt(ctx, state.baseEntry);
    return index < JOBS_MAX && job(ctx, index).placedEntry == state.baseEntry ? code : CODE_IDLE;
  }
  if (code == CODE_REPLICATE) return (state.halted & HALT_BATTERY) != 0 ? CODE_IDLE : code;
  if (!isMine(ctx, code)) return code;
  return state.halted != 0 ? CODE_IDLE : runnable(ctx, code);
}

/**
 * Returns the planned mine, or if it may not run now, another settled mine that draws no more; else
 * idle.
 */
function runnable(ctx: usize, code: u32): u32 {
  if (mayStart(ctx, code - 1)) return code;
  const rate = work(ctx, code - 1).mass;
  let best: u32 = CODE_IDLE;
  let bestRate: i32 = 0;
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
    const w = work(ctx, intentSlot);
    if (roleOf(ctx, intentSlot) != ROLE_MINE || w.mass > rate || w.mass <= bestRate || !mayStart(ctx, intentSlot))
      continue;
    best = intentSlot + 1;
    bestRate = w.mass;
  }
  return best;
}

function mayStart(ctx: usize, intentSlot: u32): bool {
  return mayRun(ctx, intentSlot) && missionS(ctx) >= workOrder(ctx, intentSlot).retryS;
}

/**
 * Brings the platform to what should run now: stops first, then starts. A haul that is under way is
 * not stopped by the plan.
 */
function run(ctx: usize): void {
  const code = activity(ctx);
  for (let intentSlot: u32 = 0; intentSlot <= MAINTAIN_SLOT; intentSlot++) {
    if (own(ctx, intentSlot).running == 0 || code == intentSlot + 1) continue;
    if (intentSlot < CLAIM_SLOTS && roleOf(ctx, intentSlot) == ROLE_HAUL) renew(ctx, intentSlot, WORK_KIND_HAUL);
    else stop(ctx, intentSlot);
  }
  if (code == CODE_IDLE) return;
  const intentSlot = code - 1;
  if (intentSlot == MAINTAIN_SLOT) maintain(ctx);
  else if (intentSlot == REPLICATE_SLOT) replicate(ctx);
  else if (mayStart(ctx, intentSlot))
    renew(ctx, intentSlot, roleOf(ctx, intentSlot) == ROLE_HAUL ? WORK_KIND_HAUL : WORK_KIND_MINE);
}

/**
 * Starts a claim's work, or renews the order when what it may do has changed or its end is near.
 */
function renew(ctx: usize, intentSlot: u32, kind: u32): void {
  const mine = own(ctx, intentSlot);
  const t = workOrder(ctx, intentSlot);
  const untilS = runUntilS(ctx, intentSlot);
  const now = missionS(ctx);
  if (untilS <= now) return;
  const same = t.resource == mine.settledResource && t.rate == mine.settledRate;
  if (mine.running != 0 && !same && t.resource != mine.settledResource) stop(ctx, intentSlot);
  const late = untilS > t.untilS && (t.untilS <= now || t.untilS - now < RENEW_S || untilS == mine.settledEndS);
  if (mine.running != 0 && same && untilS >= t.untilS && !late) return;
  start(ctx, intentSlot, kind, untilS);
}

function maintain(ctx: usize): void {
  if (own(ctx, MAINTAIN_SLOT).running != 0) return;
  const index = jobAt(ctx, schedule(ctx).baseEntry);
  if (index == JOBS_MAX) return;
  const j = jobToChange(ctx, index);
  if (j.state == <u8>JOB_RUNNING) return;
  const now = missionS(ctx);
  start(ctx, MAINTAIN_SLOT, WORK_KIND_MAINTAIN, now + j.durationS);
  if (own(ctx, MAINTAIN_SLOT).running == 0) return;
  j.state = <u8>JOB_RUNNING;
  j.startedS = now;
}

function replicate(ctx: usize): void {
  const now = missionS(ctx);
  const t = workOrder(ctx, REPLICATE_SLOT);
  if (now < t.retryS) return;
  if (own(ctx, REPLICATE_SLOT).running != 0 && t.untilS > now && t.untilS - now > RENEW_S) return;
  start(ctx, REPLICATE_SLOT, WORK_KIND_REPLICATE, now + REPLICATE_S);
}

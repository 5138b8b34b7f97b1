// Maintenance: contiguous, exclusive of mining, inside its span. Placed where it displaces least.

import { TIMELINE_SLOTS_MAX, EVENT_BYTES_MAX, JOBS_MAX, PERIOD_S } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { eventDone, eventSpace } from '../node/queues';
import { Impossible, Maintained, encodeImpossible, encodeMaintained } from '../wire/generated/messages';
import { isMine } from './model';
import {
  CLAIM_SLOTS,
  CODE_IDLE,
  CODE_MAINTAIN,
  CODE_MASK,
  CODE_RADIO,
  DIRTY_JOB,
  JOB_FREE,
  JOB_PLACED,
  JOB_RUNNING,
  JOB_WAITING,
  Job,
  MAINTAIN_SLOT,
  ROLE_HAUL,
  ROLE_MINE,
  SLOT_S,
  ScheduleState,
  drafted,
  job,
  jobToChange,
  schedule,
  setDrafted,
  work,
} from './table';

/** Keeps the cost of a whole timeline below 2³². */
const COST_MINE_MAX: u32 = 8000000;
const SPAN_END_S_MAX: u32 = 0x7fffffff;

function slotsOf(j: Job): u32 {
  return (j.durationS + SLOT_S - 1) / SLOT_S;
}

/** The last slot in which it can begin and still end in time; work begins up to a tick after the slot does. */
function lastSlot(j: Job): u32 {
  const neededS = j.durationS + PERIOD_S;
  return j.endS < neededS ? 0 : (j.endS - neededS) / SLOT_S;
}

function firstSlot(j: Job): u32 {
  return (j.startS + SLOT_S - 1) / SLOT_S;
}

/** Index of the job that is placed or running in `slot`; JOBS_MAX = none. */
export function jobAt(ctx: usize, slot: u32): u32 {
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED && j.state != <u8>JOB_RUNNING) continue;
    if (slot >= j.placedSlot && slot < j.placedSlot + slotsOf(j)) return i;
  }
  return JOBS_MAX;
}

/** Index of the running job; JOBS_MAX = none. */
export function jobRunning(ctx: usize): u32 {
  for (let i: u32 = 0; i < JOBS_MAX; i++) if (job(ctx, i).state == <u8>JOB_RUNNING) return i;
  return JOBS_MAX;
}

/** Takes in maintenance given from outside. False if it is empty, or the table is full. The same span twice is one job. */
export function jobAdd(ctx: usize, startS: u32, endS: u32, durationS: u32, priority: u32): bool {
  if (endS <= startS || endS > SPAN_END_S_MAX || durationS == 0 || durationS > endS - startS) return false;
  let free: u32 = JOBS_MAX;
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state == <u8>JOB_FREE) {
      if (free == JOBS_MAX) free = i;
    } else if (j.startS == startS && j.endS == endS && j.durationS == durationS) return true;
  }
  if (free == JOBS_MAX) return false;
  const j = jobToChange(ctx, free);
  j.state = <u8>JOB_WAITING;
  j.priority = <u8>priority;
  j.startS = startS;
  j.endS = endS;
  j.durationS = durationS;
  schedule(ctx).dirty |= DIRTY_JOB;
  return true;
}

/** Picks the next waiting job of this plan: higher priority first, then the nearer end. False if there is none left. */
export function seekNext(ctx: usize, state: ScheduleState): bool {
  let best: u32 = JOBS_MAX;
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_WAITING || (state.sought & (1 << i)) != 0) continue;
    if (best < JOBS_MAX && !goesBefore(j, job(ctx, best))) continue;
    best = i;
  }
  if (best == JOBS_MAX) return false;
  state.sought |= 1 << best;
  state.job = best;
  return true;
}

function goesBefore(a: Job, b: Job): bool {
  return a.priority != b.priority ? a.priority > b.priority : a.endS < b.endS;
}

/** Prepares the search for `state.job`; false if it is not to be placed now. What can no longer be done in time is told and dropped. */
export function seekBegin(ctx: usize, state: ScheduleState): bool {
  const j = job(ctx, state.job);
  if (lastSlot(j) < max<u32>(firstSlot(j), earliest(state))) {
    emitImpossible(ctx, jobToChange(ctx, state.job));
    return false;
  }
  if (firstSlot(j) + slotsOf(j) > state.draftBase + TIMELINE_SLOTS_MAX) return false;
  state.cursor = 0;
  state.windowCost = 0;
  state.windowFixed = 0;
  state.bestCost = 0xffffffff;
  state.bestSlot = 0;
  return true;
}

/** The present slot is partly gone, and the draft is not yet in force. */
function earliest(state: ScheduleState): u32 {
  return state.draftBase + 1;
}

/** What maintenance in `slot` would displace, in value; idle costs nothing, replication next to nothing. */
function costAt(ctx: usize, code: u32): u32 {
  if (isMine(ctx, code)) return min<u32>(work(ctx, code - 1).value >>> 2, COST_MINE_MAX) + 1;
  return code == CODE_IDLE ? 0 : 1;
}

/** Loading and other maintenance cannot be displaced. */
function isFixed(ctx: usize, code: u32): bool {
  return code == CODE_MAINTAIN || (code != CODE_IDLE && code <= CLAIM_SLOTS && !isMine(ctx, code));
}

/** Slides the stretch by one: `slot` comes in at its end, the one that falls out at its beginning goes. */
export function seekSlot(ctx: usize, state: ScheduleState, slot: u32): void {
  const j = job(ctx, state.job);
  const length = slotsOf(j);
  const code = drafted(ctx, slot) & CODE_MASK;
  state.windowCost += costAt(ctx, code);
  if (isFixed(ctx, code)) state.windowFixed++;
  if (state.cursor >= length) {
    const gone = drafted(ctx, slot - length) & CODE_MASK;
    state.windowCost -= costAt(ctx, gone);
    if (isFixed(ctx, gone)) state.windowFixed--;
  }
  if (state.cursor + 1 < length) return;
  const begin = slot + 1 - length;
  if (begin < max<u32>(firstSlot(j), earliest(state)) || begin > lastSlot(j)) return;
  if (state.windowFixed == 0 && state.windowCost < state.bestCost) {
    state.bestCost = state.windowCost;
    state.bestSlot = begin;
  }
}

/** Places the job in the best stretch found; false if there was none: told as impossible when its span cannot grow any more. */
export function seekEnd(ctx: usize, state: ScheduleState): bool {
  const j = job(ctx, state.job);
  if (state.bestSlot == 0) {
    if (lastSlot(j) + slotsOf(j) < state.draftBase + TIMELINE_SLOTS_MAX)
      emitImpossible(ctx, jobToChange(ctx, state.job));
    return false;
  }
  for (let slot = state.bestSlot; slot < state.bestSlot + slotsOf(j); slot++) {
    setDrafted(ctx, slot, (drafted(ctx, slot) & CODE_RADIO) | CODE_MAINTAIN);
  }
  jobToChange(ctx, state.job);
  j.state = <u8>JOB_PLACED;
  j.placedSlot = state.bestSlot;
  return true;
}

/** Placed, but its slot went by without it being begun: it is sought a place anew. */
export function jobsOverlooked(ctx: usize): void {
  const state = schedule(ctx);
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED || j.placedSlot >= state.baseSlot) continue;
    jobToChange(ctx, i).state = <u8>JOB_WAITING;
    state.dirty |= DIRTY_JOB;
  }
}

/**
 * Placed maintenance is sought a place anew if a haul loads in one of its slots (the tug's time is fixed, the span is wider), or if a
 * mining claim that came or changed (mask `changed`) wants some of them. What has begun stays.
 */
export function jobsYield(ctx: usize, changed: u32): void {
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED) continue;
    const end = j.placedSlot + slotsOf(j);
    for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
      const w = work(ctx, slot);
      const loads = w.role == <u8>ROLE_HAUL && w.fromSlot >= j.placedSlot && w.fromSlot < end;
      const mines =
        w.role == <u8>ROLE_MINE && (changed & (1 << slot)) != 0 && w.fromSlot < end && w.toSlot > j.placedSlot;
      if (loads || mines) jobToChange(ctx, i).state = <u8>JOB_WAITING;
    }
  }
}

/** The first slot from `slot` on that running maintenance leaves free. */
export function afterRunning(ctx: usize, slot: u32): u32 {
  const index = jobAt(ctx, slot);
  if (index == JOBS_MAX || job(ctx, index).state != <u8>JOB_RUNNING) return slot;
  return job(ctx, index).placedSlot + slotsOf(job(ctx, index));
}

/** The running job is done: told, and its place in the table is free. */
export function jobDone(ctx: usize, index: u32): void {
  const j = jobToChange(ctx, index);
  j.state = <u8>JOB_FREE;
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Maintained>(ctx + SCRATCH_OUT_AT);
  m.slot = MAINTAIN_SLOT;
  m.startS = j.startedS;
  eventDone(ctx, at, encodeMaintained(at, at + EVENT_BYTES_MAX - 1, m));
}

function emitImpossible(ctx: usize, j: Job): void {
  j.state = <u8>JOB_FREE;
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Impossible>(ctx + SCRATCH_OUT_AT);
  m.slot = MAINTAIN_SLOT;
  m.endS = j.endS;
  eventDone(ctx, at, encodeImpossible(at, at + EVENT_BYTES_MAX - 1, m));
}

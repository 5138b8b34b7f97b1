// Places maintenance: contiguous, without mining beside it, inside its span, and where it displaces
// the least value.

import { TIMELINE_ENTRIES_MAX, EVENT_BYTES_MAX, JOBS_MAX, PERIOD_S } from '../memory/limits';
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
  ENTRY_S,
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

function entriesOf(j: Job): u32 {
  return (j.durationS + ENTRY_S - 1) / ENTRY_S;
}

/**
 * Returns the last entry in which the job can begin and still end in time. Work begins up to a tick
 * after its entry does.
 */
function lastEntry(j: Job): u32 {
  const neededS = j.durationS + PERIOD_S;
  return j.endS < neededS ? 0 : (j.endS - neededS) / ENTRY_S;
}

function firstEntry(j: Job): u32 {
  return (j.startS + ENTRY_S - 1) / ENTRY_S;
}

/** Returns the index of the job that is placed or running in `entry`; JOBS_MAX = none. */
export function jobAt(ctx: usize, entry: u32): u32 {
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED && j.state != <u8>JOB_RUNNING) continue;
    if (entry >= j.placedEntry && entry < j.placedEntry + entriesOf(j)) return i;
  }
  return JOBS_MAX;
}

/** Returns the index of the running job; JOBS_MAX = none. */
export function jobRunning(ctx: usize): u32 {
  for (let i: u32 = 0; i < JOBS_MAX; i++) if (job(ctx, i).state == <u8>JOB_RUNNING) return i;
  return JOBS_MAX;
}

/**
 * Adds maintenance that was assigned from outside. False if it is empty or the table is full. The
 * same span and duration twice is one job.
 */
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

/**
 * Picks the next waiting job of this plan, by higher priority, then by nearer end. False if none is
 * left.
 */
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

/**
 * Prepares the search for a place of `state.job`. False if the job is not placed now. A job that
 * can no longer end in time is reported as impossible and removed.
 */
export function seekBegin(ctx: usize, state: ScheduleState): bool {
  const j = job(ctx, state.job);
  if (lastEntry(j) < max<u32>(firstEntry(j), earliest(state))) {
    emitImpossible(ctx, jobToChange(ctx, state.job));
    return false;
  }
  if (firstEntry(j) + entriesOf(j) > state.draftBase + TIMELINE_ENTRIES_MAX) return false;
  state.cursor = 0;
  state.windowCost = 0;
  state.windowFixed = 0;
  state.bestCost = 0xffffffff;
  state.bestEntry = 0;
  return true;
}

/**
 * Returns the first entry that may be used: the present one is partly over, and the draft is not
 * yet in force.
 */
function earliest(state: ScheduleState): u32 {
  return state.draftBase + 1;
}

/**
 * Returns the value that maintenance in an entry with this code would displace: nothing for idle,
 * next to nothing for replication.
 */
function costAt(ctx: usize, code: u32): u32 {
  if (isMine(ctx, code)) return min<u32>(work(ctx, code - 1).value >>> 2, COST_MINE_MAX) + 1;
  return code == CODE_IDLE ? 0 : 1;
}

/** Whether work with this code cannot be displaced: loading, and other maintenance. */
function isFixed(ctx: usize, code: u32): bool {
  return code == CODE_MAINTAIN || (code != CODE_IDLE && code <= CLAIM_SLOTS && !isMine(ctx, code));
}

/**
 * Moves the stretch on by one entry: `entry` joins at its end, and the one at its beginning leaves.
 */
export function seekEntry(ctx: usize, state: ScheduleState, entry: u32): void {
  const j = job(ctx, state.job);
  const length = entriesOf(j);
  const code = drafted(ctx, entry) & CODE_MASK;
  state.windowCost += costAt(ctx, code);
  if (isFixed(ctx, code)) state.windowFixed++;
  if (state.cursor >= length) {
    const leaving = drafted(ctx, entry - length) & CODE_MASK;
    state.windowCost -= costAt(ctx, leaving);
    if (isFixed(ctx, leaving)) state.windowFixed--;
  }
  if (state.cursor + 1 < length) return;
  const begin = entry + 1 - length;
  if (begin < max<u32>(firstEntry(j), earliest(state)) || begin > lastEntry(j)) return;
  if (state.windowFixed == 0 && state.windowCost < state.bestCost) {
    state.bestCost = state.windowCost;
    state.bestEntry = begin;
  }
}

/**
 * Places the job in the best stretch found. False if there was none; the job is reported as
 * impossible when its span cannot grow any more.
 */
export function seekEnd(ctx: usize, state: ScheduleState): bool {
  const j = job(ctx, state.job);
  if (state.bestEntry == 0) {
    if (lastEntry(j) + entriesOf(j) < state.draftBase + TIMELINE_ENTRIES_MAX)
      emitImpossible(ctx, jobToChange(ctx, state.job));
    return false;
  }
  for (let entry = state.bestEntry; entry < state.bestEntry + entriesOf(j); entry++) {
    setDrafted(ctx, entry, (drafted(ctx, entry) & CODE_RADIO) | CODE_MAINTAIN);
  }
  jobToChange(ctx, state.job);
  j.state = <u8>JOB_PLACED;
  j.placedEntry = state.bestEntry;
  return true;
}

/** Makes placed jobs wait again whose entry passed without their beginning. */
export function jobsOverlooked(ctx: usize): void {
  const state = schedule(ctx);
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED || j.placedEntry >= state.baseEntry) continue;
    jobToChange(ctx, i).state = <u8>JOB_WAITING;
    state.dirty |= DIRTY_JOB;
  }
}

/**
 * Makes placed maintenance wait again if a haul loads in one of its entries (the tug's time is
 * fixed, the span is wider), or if a mining claim that came or changed (mask `changed`) wants some
 * of them. Maintenance that has begun stays.
 */
export function jobsYield(ctx: usize, changed: u32): void {
  for (let i: u32 = 0; i < JOBS_MAX; i++) {
    const j = job(ctx, i);
    if (j.state != <u8>JOB_PLACED) continue;
    const end = j.placedEntry + entriesOf(j);
    for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
      const w = work(ctx, intentSlot);
      const loads = w.role == <u8>ROLE_HAUL && w.fromEntry >= j.placedEntry && w.fromEntry < end;
      const mines =
        w.role == <u8>ROLE_MINE && (changed & (1 << intentSlot)) != 0 && w.fromEntry < end && w.toEntry > j.placedEntry;
      if (loads || mines) jobToChange(ctx, i).state = <u8>JOB_WAITING;
    }
  }
}

/** Returns the first entry from `entry` on that running maintenance leaves free. */
export function afterRunning(ctx: usize, entry: u32): u32 {
  const index = jobAt(ctx, entry);
  if (index == JOBS_MAX || job(ctx, index).state != <u8>JOB_RUNNING) return entry;
  return job(ctx, index).placedEntry + entriesOf(job(ctx, index));
}

/** Ends the running job: reports it and frees its place in the table. */
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

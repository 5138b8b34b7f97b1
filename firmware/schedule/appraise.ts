// Appraises the own intents: turns settled claims into candidates for a plan, in order of value
// density.

import { FEATURE_REPLICATES, GROUP_KIND_DEPOT, GROUP_KIND_LOT } from '../wire/generated/codes';
import { NO_INDEX } from '../memory/limits';
import { capability, node, missionS } from '../node/table';
import { group, intent, intentIndex, own, resourceGroup } from '../intent/table';
import { afterRunning } from './maintain';
import {
  AMOUNT_MAX,
  CLAIM_SLOTS,
  REPLICATE_SLOT,
  ROLE_HAUL,
  ROLE_MINE,
  ROLE_NONE,
  ENTRIES_PER_DAY,
  ENTRY_S,
  ScheduleState,
  Work,
  finishedVersion,
  orderAt,
  powerUnits,
  schedule,
  work,
  workToChange,
} from './table';

/** Keeps the energy and the value of one timeline entry below 2³¹. */
const RATE_MAX: u32 = 1000000;
const MINE_WH_PER_KG_MAX: u32 = 2000;
/**
 * Weighs a kilogram by the claim's priority, 0–255: 16 to 31 sixteenths. Priority decides between
 * claims of like rates; it does not outweigh every rate.
 */
const WEIGHT_BASE: u32 = 16;

/**
 * Rounds a claim's border to the nearest border of entries, so that claims that touch share no
 * entry.
 */
function nearestEntry(timeS: u32): u32 {
  return (timeS + ENTRY_S / 2) / ENTRY_S;
}

/**
 * Returns what the own intent is: ROLE_MINE, ROLE_HAUL, or ROLE_NONE if no claim is settled or the
 * claim is over.
 */
export function roleOf(ctx: usize, intentSlot: u32): u32 {
  const settled = own(ctx, intentSlot);
  if (settled.settledVersion == 0 || settled.settledVersion == finishedVersion(ctx, intentSlot)) return ROLE_NONE;
  if (settled.settledEndS <= missionS(ctx)) return ROLE_NONE;
  const kind = group(ctx, resourceGroup(settled.settledResource)).kind;
  return kind == GROUP_KIND_LOT ? ROLE_MINE : kind == GROUP_KIND_DEPOT ? ROLE_HAUL : ROLE_NONE;
}

function priorityOf(ctx: usize, intentSlot: u32): u32 {
  const index = intentIndex(ctx, node(ctx).self, intentSlot);
  return index == NO_INDEX ? 0 : intent(ctx, index).priority;
}

function appraiseMine(ctx: usize, intentSlot: u32, w: Work): void {
  const settled = own(ctx, intentSlot);
  const rate = min<u32>(settled.settledRate, RATE_MAX);
  w.fromEntry = max<u32>(nearestEntry(settled.settledStartS), schedule(ctx).baseEntry);
  w.toEntry = nearestEntry(settled.settledEndS);
  w.mass = <i32>rate;
  w.energy = <i32>(rate * min<u32>(capability(ctx).mineWhPerKg, MINE_WH_PER_KG_MAX));
  w.density = WEIGHT_BASE + (priorityOf(ctx, intentSlot) >>> 4);
  w.value = rate * w.density;
}

/**
 * Appraises a haul. Loading takes its first entry, and two hauls do not load in the same one. A
 * haul that is under way keeps the entry in which it loaded.
 */
function appraiseHaul(ctx: usize, intentSlot: u32, w: Work, before: u32): void {
  const settled = own(ctx, intentSlot);
  const kept = before == ROLE_HAUL && settled.running != 0;
  if (!kept) {
    w.fromEntry = afterRunning(ctx, max<u32>(nearestEntry(settled.settledStartS), schedule(ctx).baseEntry));
    for (let other: u32 = 0; other < intentSlot; other++) {
      if (work(ctx, other).role == <u8>ROLE_HAUL && work(ctx, other).fromEntry == w.fromEntry) w.fromEntry++;
    }
  }
  w.toEntry = (settled.settledEndS + ENTRY_S - 1) / ENTRY_S;
  const load = min<u32>(group(ctx, resourceGroup(settled.settledResource)).loadKg, AMOUNT_MAX) * ENTRIES_PER_DAY;
  const lengthS = settled.settledEndS - settled.settledStartS;
  // rate · length / ENTRY_S, without a 64-bit division, which boards do not have.
  const rate = settled.settledRate;
  const amount = <u64>(rate / ENTRY_S) * lengthS + ((rate % ENTRY_S) * lengthS) / ENTRY_S;
  w.mass = <i32>min<u64>(load, amount);
  w.energy = 0;
  w.density = 0;
  w.value = 0;
  if (w.fromEntry >= w.toEntry) w.role = <u8>ROLE_NONE;
}

/**
 * Updates the candidate of one own intent. Returns whether it changed; that time passed is no
 * change.
 */
function appraiseOne(ctx: usize, intentSlot: u32): bool {
  const w = workToChange(ctx, intentSlot);
  const base = schedule(ctx).baseEntry;
  const before: u32 = w.role;
  const fromEntry = max<u32>(w.fromEntry, base);
  const toEntry = w.toEntry;
  const mass = w.mass;
  const value = w.value;
  const role = roleOf(ctx, intentSlot);
  w.role = <u8>role;
  if (role == ROLE_MINE) appraiseMine(ctx, intentSlot, w);
  else if (role == ROLE_HAUL) appraiseHaul(ctx, intentSlot, w, before);
  else w.energy = 0;
  if (<u32>w.role != before) return true;
  if (w.role == <u8>ROLE_NONE) return false;
  return max<u32>(w.fromEntry, base) != fromEntry || w.toEntry != toEntry || w.mass != mass || w.value != value;
}

/**
 * Whether `a` is placed before `b`: by value density, then by value, then by the lower intent slot.
 */
function goesBefore(ctx: usize, a: u32, b: u32): bool {
  const first = work(ctx, a);
  const second = work(ctx, b);
  if (first.density != second.density) return first.density > second.density;
  if (first.value != second.value) return first.value > second.value;
  return a < b;
}

/**
 * Sorts the mining claims, six at most, by insertion; replication comes last, if this node
 * replicates.
 */
function sort(ctx: usize, state: ScheduleState): void {
  let order: u32 = 0;
  let count: u32 = 0;
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
    if (work(ctx, intentSlot).role != <u8>ROLE_MINE) continue;
    let place: u32 = 0;
    while (place < count && goesBefore(ctx, (order >>> (place << 2)) & 15, intentSlot)) place++;
    const below = order & ((1 << (place << 2)) - 1);
    order = below | (intentSlot << (place << 2)) | ((order ^ below) << 4);
    count++;
  }
  if ((node(ctx).features & FEATURE_REPLICATES) != 0 && capability(ctx).replicateW != 0) {
    order |= REPLICATE_SLOT << (count << 2);
    count++;
  }
  state.order = order;
  state.orderCount = count;
}

/**
 * Gives better work that came or changed precedence until its end: work that is later in the order
 * makes room there (SCH-2).
 */
function makeRoom(ctx: usize, state: ScheduleState, changed: u32): void {
  let until: u32 = 0;
  for (let i: u32 = 0; i < state.orderCount; i++) {
    const intentSlot = orderAt(state, i);
    const w = workToChange(ctx, intentSlot);
    w.clearUntil = until;
    if ((changed & (1 << intentSlot)) != 0) until = max<u32>(until, w.toEntry);
  }
}

/** Appraises all own intents. Returns a mask of those that changed since the last plan. */
export function appraise(ctx: usize): u32 {
  const state = schedule(ctx);
  let changed: u32 = 0;
  for (let intentSlot: u32 = 0; intentSlot < CLAIM_SLOTS; intentSlot++) {
    if (appraiseOne(ctx, intentSlot)) changed |= 1 << intentSlot;
  }
  workToChange(ctx, REPLICATE_SLOT).energy = powerUnits(capability(ctx).replicateW);
  sort(ctx, state);
  makeRoom(ctx, state, changed);
  return changed;
}

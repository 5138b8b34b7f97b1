// What the own slots are worth: turns settled claims into candidates of a plan, in order of value density.

import { NO_INDEX } from '../memory/limits';
import { capability, edge, missionS } from '../node/table';
import { group, intent, intentIndex, own, resourceGroup } from '../intent/table';
import { afterRunning } from './maintain';
import {
  AMOUNT_MAX,
  CLAIM_SLOTS,
  REPLICATE_SLOT,
  ROLE_HAUL,
  ROLE_MINE,
  ROLE_NONE,
  SLOTS_PER_DAY,
  SLOT_S,
  ScheduleState,
  Work,
  finishedVersion,
  orderAt,
  powerUnits,
  schedule,
  work,
  workToChange,
} from './table';

const GROUP_LOT: u32 = 1;
const GROUP_DEPOT: u32 = 2;
const FEATURE_REPLICATES: u32 = 2;
/** Bounds that keep one slot's energy and value below 2³¹. */
const RATE_MAX: u32 = 1000000;
const MINE_WH_PER_KG_MAX: u32 = 2000;
/** A kilogram's weight is 16 to 31 sixteenths by priority 0–255: priority leads between claims, it does not silence rates. */
const WEIGHT_BASE: u32 = 16;

/** A claim's border falls on the nearest slot border, so that claims that touch share no slot. */
function nearestSlot(timeS: u32): u32 {
  return (timeS + SLOT_S / 2) / SLOT_S;
}

/** What the own intent in `slot` is: ROLE_MINE, ROLE_HAUL, or ROLE_NONE if nothing is settled or it is over. */
export function roleOf(ctx: usize, slot: u32): u32 {
  const settled = own(ctx, slot);
  if (settled.settledVersion == 0 || settled.settledVersion == finishedVersion(ctx, slot)) return ROLE_NONE;
  if (settled.settledEndS <= missionS(ctx)) return ROLE_NONE;
  const kind = group(ctx, resourceGroup(settled.settledResource)).kind;
  return kind == GROUP_LOT ? ROLE_MINE : kind == GROUP_DEPOT ? ROLE_HAUL : ROLE_NONE;
}

function priorityOf(ctx: usize, slot: u32): u32 {
  const index = intentIndex(ctx, edge(ctx).self, slot);
  return index == NO_INDEX ? 0 : intent(ctx, index).priority;
}

function appraiseMine(ctx: usize, slot: u32, w: Work): void {
  const settled = own(ctx, slot);
  const rate = min<u32>(settled.settledRate, RATE_MAX);
  w.fromSlot = max<u32>(nearestSlot(settled.settledStartS), schedule(ctx).baseSlot);
  w.toSlot = nearestSlot(settled.settledEndS);
  w.mass = <i32>rate;
  w.energy = <i32>(rate * min<u32>(capability(ctx).mineWhPerKg, MINE_WH_PER_KG_MAX));
  w.density = WEIGHT_BASE + (priorityOf(ctx, slot) >>> 4);
  w.value = rate * w.density;
}

/** Loading takes the haul's first slot; two hauls do not load in the same one. A haul under way keeps the slot it loaded in. */
function appraiseHaul(ctx: usize, slot: u32, w: Work, before: u32): void {
  const settled = own(ctx, slot);
  const kept = before == ROLE_HAUL && settled.running != 0;
  if (!kept) {
    w.fromSlot = afterRunning(ctx, max<u32>(nearestSlot(settled.settledStartS), schedule(ctx).baseSlot));
    for (let other: u32 = 0; other < slot; other++) {
      if (work(ctx, other).role == <u8>ROLE_HAUL && work(ctx, other).fromSlot == w.fromSlot) w.fromSlot++;
    }
  }
  w.toSlot = (settled.settledEndS + SLOT_S - 1) / SLOT_S;
  w.mass = <i32>(min<u32>(group(ctx, resourceGroup(settled.settledResource)).loadKg, AMOUNT_MAX) * SLOTS_PER_DAY);
  w.energy = 0;
  w.density = 0;
  w.value = 0;
  if (w.fromSlot >= w.toSlot) w.role = <u8>ROLE_NONE;
}

/** Brings the candidate of one own slot up to date; true if it is not what it was. Time going by does not count as a change. */
function appraiseOne(ctx: usize, slot: u32): bool {
  const w = workToChange(ctx, slot);
  const base = schedule(ctx).baseSlot;
  const before: u32 = w.role;
  const fromSlot = max<u32>(w.fromSlot, base);
  const toSlot = w.toSlot;
  const mass = w.mass;
  const value = w.value;
  const role = roleOf(ctx, slot);
  w.role = <u8>role;
  if (role == ROLE_MINE) appraiseMine(ctx, slot, w);
  else if (role == ROLE_HAUL) appraiseHaul(ctx, slot, w, before);
  else w.energy = 0;
  if (<u32>w.role != before) return true;
  if (w.role == <u8>ROLE_NONE) return false;
  return max<u32>(w.fromSlot, base) != fromSlot || w.toSlot != toSlot || w.mass != mass || w.value != value;
}

/** True if `a` is to be placed before `b`: denser value first, then the greater value, then the lower slot. */
function goesBefore(ctx: usize, a: u32, b: u32): bool {
  const first = work(ctx, a);
  const second = work(ctx, b);
  if (first.density != second.density) return first.density > second.density;
  if (first.value != second.value) return first.value > second.value;
  return a < b;
}

/** Insertion sort of at most six mining claims; replication comes last, if this node replicates. */
function sort(ctx: usize, state: ScheduleState): void {
  let order: u32 = 0;
  let count: u32 = 0;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
    if (work(ctx, slot).role != <u8>ROLE_MINE) continue;
    let place: u32 = 0;
    while (place < count && goesBefore(ctx, (order >>> (place << 2)) & 15, slot)) place++;
    const below = order & ((1 << (place << 2)) - 1);
    order = below | (slot << (place << 2)) | ((order ^ below) << 4);
    count++;
  }
  if ((edge(ctx).features & FEATURE_REPLICATES) != 0 && capability(ctx).replicateW != 0) {
    order |= REPLICATE_SLOT << (count << 2);
    count++;
  }
  state.order = order;
  state.orderCount = count;
}

/** Better work that came or changed takes precedence until its end: what stands after it in order makes room there (SCH-2). */
function makeRoom(ctx: usize, state: ScheduleState, changed: u32): void {
  let until: u32 = 0;
  for (let i: u32 = 0; i < state.orderCount; i++) {
    const slot = orderAt(state, i);
    const w = workToChange(ctx, slot);
    w.clearUntil = until;
    if ((changed & (1 << slot)) != 0) until = max<u32>(until, w.toSlot);
  }
}

/** Appraises all own slots. Returns the mask of those that changed since the last plan. */
export function appraise(ctx: usize): u32 {
  const state = schedule(ctx);
  let changed: u32 = 0;
  for (let slot: u32 = 0; slot < CLAIM_SLOTS; slot++) {
    if (appraiseOne(ctx, slot)) changed |= 1 << slot;
  }
  workToChange(ctx, REPLICATE_SLOT).energy = powerUnits(capability(ctx).replicateW);
  sort(ctx, state);
  makeRoom(ctx, state, changed);
  return changed;
}

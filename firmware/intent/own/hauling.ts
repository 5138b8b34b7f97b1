// Plans tug windows, which haul to a depot what was mined (INT-1). The depot's intake is divided
// into lanes, and time into windows of equal length, in each of which one tug load passes through
// one lane. So loads follow each other without gaps, however little the depot takes.

import { NO_INDEX } from '../../memory/limits';
import { mix32, fold32 } from '../../base/hash';
import { node, self, missionS, capability } from '../../node/table';
import { GROUPS_MAX, GROUP_KIND_DEPOT, GROUP_KIND_LOT, WORK_KIND_HAUL } from '../../wire/generated/codes';
import { group, intents, intentsToChange } from '../table';
import { freeRate, freeUnit } from './free_capacity';
import { ownIndex, freshClaim, setClaim, publish } from './publish';

/** Intent slot of hauls. */
const HAUL_SLOT: u32 = 4;
/** Pause after an attempt, seconds: the longest when storage is empty, the shortest when full. */
const RETRY_S_MAX: u32 = 1200;
const RETRY_S_MIN: u32 = 120;
/** From this storage on, the pause is computed in units of 2048 kg, to stay below 2³². */
const LARGE_STORAGE_KG: u32 = 3500000;
/** A tug carries its load to a depot with capacity to spare in this time, seconds. */
const HAUL_S: u32 = 7200;
/**
 * A haul takes this long at most, with a smaller load if need be, seconds. A claim on a depot may
 * begin a day ahead at most (DEPOT_AHEAD_S_MAX): lead and window are less.
 */
const HAUL_S_MAX: u32 = 43200;
/** A haul begins this long ahead at least, so that its claim settles first, seconds. */
const LEAD_S: u32 = 2700;
/** Windows that begin within this time after the first possible one are tried too, seconds. */
const SPREAD_S: u32 = 14400;
const TRIES_MAX: u32 = 6;
/** Windows are multiples of this, seconds: an entry of the timeline. */
const QUARTER_S: u32 = 900;
const QUARTERS_PER_DAY: u32 = 86400 / QUARTER_S;
/** Larger loads are taken as this one, which keeps rates below 2³². */
const LOAD_KG_MAX: u32 = 20000000;

/** Whether the depot takes less than the lots give: then it must never wait for a full load. */
function isScarce(ctx: usize, capacity: u32): bool {
  let sum: u64 = 0;
  for (let g: u32 = 0; g < GROUPS_MAX; g++) if (group(ctx, g).kind == GROUP_KIND_LOT) sum += group(ctx, g).capacity;
  return capacity < sum;
}

/**
 * Returns what one haul moves, kg: a tug load, or so much less that storage does not fill before
 * the haul ends: a third of a day may pass from the attempt to its end. Half of storage is in use
 * at least, or a quarter where the depot is scarce.
 */
function haulKg(ctx: usize, loadKg: u32, capacity: u32): u32 {
  const storage = capability(ctx).storageKg;
  if (storage == 0) return loadKg;
  if (isScarce(ctx, capacity)) return min<u32>(loadKg, max<u32>(storage >>> 2, 1));
  const spare = capability(ctx).rateMax / 3;
  const kg = storage > spare ? max<u32>(storage - spare, storage >>> 1) : storage >>> 1;
  return min<u32>(loadKg, max<u32>(kg, 1));
}

/**
 * Returns the rate of one lane, kg/day: the depot's intake divided by as many lanes as it takes to
 * use it up, but no more lanes than there are tugs, and no faster than a tug is.
 */
function laneRate(loadKg: u32, capacity: u32, tugs: u32): u32 {
  const full = loadKg * (86400 / HAUL_S);
  const lanes = max<u32>(1, min<u32>(tugs, capacity / full + (capacity % full == 0 ? 0 : 1)));
  return min<u32>(full, capacity / lanes);
}

/** Returns how long a haul takes at a rate: whole quarters of an hour, at most HAUL_S_MAX. */
function windowS(kg: u32, rate: u32): u32 {
  const quarters = (kg * QUARTERS_PER_DAY + rate - 1) / rate;
  return min<u32>(quarters, HAUL_S_MAX / QUARTER_S) * QUARTER_S;
}

/** Returns the pause after an attempt: who has the least room left tries again first. */
function retryS(ctx: usize, storedKg: u32): u32 {
  const storage = capability(ctx).storageKg;
  if (storedKg >= storage) return storage == 0 ? RETRY_S_MAX : RETRY_S_MIN;
  const shift: u32 = storage < LARGE_STORAGE_KG ? 0 : 11;
  return max<u32>(RETRY_S_MIN, (RETRY_S_MAX * ((storage - storedKg) >>> shift)) / (storage >>> shift));
}

/** Returns the first depot that takes anything, or NO_INDEX. */
function firstDepot(ctx: usize): u32 {
  for (let g: u32 = 0; g < GROUPS_MAX; g++)
    if (group(ctx, g).kind == GROUP_KIND_DEPOT && group(ctx, g).capacity != 0) return g;
  return NO_INDEX;
}

/**
 * Claims a tug window, late enough for the claim to settle first, when enough is in storage.
 * `storedKg`: mass in storage, as last reported.
 */
export function planHaul(ctx: usize, storedKg: u32): void {
  const now = missionS(ctx);
  if (now < intents(ctx).haulAfterS || ownIndex(ctx, HAUL_SLOT) != NO_INDEX) return;
  const depot = firstDepot(ctx);
  if (depot == NO_INDEX) return;
  const loadKg = min<u32>(group(ctx, depot).loadKg, LOAD_KG_MAX);
  const capacity = group(ctx, depot).capacity;
  if (loadKg == 0 || capacity == 0) return;
  const kg = haulKg(ctx, loadKg, capacity);
  if (storedKg < kg) return;
  intentsToChange(ctx).haulAfterS = now + retryS(ctx, storedKg);
  const most = laneRate(loadKg, capacity, group(ctx, depot).units);
  const lengthS = windowS(kg, most);
  const rate = min<u32>(most, (kg * QUARTERS_PER_DAY + lengthS / QUARTER_S - 1) / (lengthS / QUARTER_S));
  const random = mix32(fold32(node(ctx).seed ^ (self(ctx) * 0x9e3779b1), now));
  const windows = 1 + SPREAD_S / lengthS;
  const first = (now + LEAD_S + lengthS - 1) / lengthS;
  for (let i: u32 = 0; i < min<u32>(windows, TRIES_MAX); i++) {
    const startS = (first + ((random + i) % windows)) * lengthS;
    if (freeRate(ctx, depot, startS, startS + lengthS) < rate) continue;
    const unit = freeUnit(ctx, depot, startS, startS + lengthS, random >>> 16);
    if (unit == 0) continue;
    const m = freshClaim(ctx, HAUL_SLOT, WORK_KIND_HAUL);
    setClaim(m, (depot << 16) | unit, startS, startS + lengthS, rate);
    publish(ctx, m);
    return;
  }
}

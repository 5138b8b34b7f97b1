// Finds free units and free capacity of resource groups.

import { VERDICT_ACCEPTED } from '../wire/generated/codes';
import { NO_INDEX } from '../memory/limits';
import { PLAN_UNITS_MAX, PLAN_UNITS_AT } from '../memory/map';
import { bitSet, bitGet } from '../base/bits';
import { self, missionS } from '../node/table';
import { arbitrate, unitUsable, isClaim } from './arbitration';
import { addToProfile, peakRate } from './profile';
import { group, intent, resourceUnit, Intent, resourceGroup } from './table';

/** A place that a gone owner still holds is claimed ahead if it comes free within this. */
const COMES_FREE_S_MAX: u32 = 3900;

// ---- what is free ----

/** Highest summed rate of accepted claims in [startS, endS), leaving out this node's own. */
function usageMax(ctx: usize, groupIndex: u32, startS: u32, endS: u32): u32 {
  arbitrate(ctx, groupIndex, NO_INDEX);
  const me = self(ctx);
  const half = group(ctx, groupIndex).capacity >>> 1;
  let count: u32 = 0;
  let sum: u32 = 0;
  let at: u32 = group(ctx, groupIndex).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (
      <u32>other.verdict == VERDICT_ACCEPTED &&
      <u32>other.owner != me &&
      other.startS < endS &&
      startS < other.boundS
    ) {
      addToProfile(ctx, count++, at);
      if (sum <= half) sum += other.rate;
    }
    at = other.next;
  }
  return sum <= half ? sum : peakRate(ctx, count, startS, endS, 0xffffffff);
}

/** kg/day still free in a group throughout [startS, endS). */
export function freeRate(ctx: usize, groupIndex: u32, startS: u32, endS: u32): u32 {
  const capacity = group(ctx, groupIndex).capacity;
  const used = usageMax(ctx, groupIndex, startS, endS);
  return used < capacity ? capacity - used : 0;
}

/** A unit that nobody claims in [startS, endS), sought from `preferred` on; 0 = none. */
export function freeUnit(ctx: usize, groupIndex: u32, startS: u32, endS: u32, preferred: u32): u32 {
  const units = group(ctx, groupIndex).units < PLAN_UNITS_MAX ? group(ctx, groupIndex).units : PLAN_UNITS_MAX - 1;
  if (units == 0) return 0;
  const used: usize = ctx + PLAN_UNITS_AT;
  memory.fill(used, 0, PLAN_UNITS_MAX >> 3);
  let at: u32 = group(ctx, groupIndex).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    const unit = resourceUnit(other.resource);
    if (unit < PLAN_UNITS_MAX && isClaim(other) && other.startS < endS && startS < other.boundS) bitSet(used, unit);
    at = other.next;
  }
  for (let i: u32 = 0; i < units; i++) {
    const unit = 1 + ((preferred + i) % units);
    if (!bitGet(used, unit) && unitUsable(ctx, groupIndex, unit)) return unit;
  }
  return 0;
}

/** The first moment after now at which a gone owner's hold in a group ends, if within AHEAD_S; else 0. */
export function comesFreeS(ctx: usize, groupIndex: u32): u32 {
  const now = missionS(ctx);
  let soonest: u32 = 0;
  let at: u32 = group(ctx, groupIndex).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (
      <u32>other.verdict == VERDICT_ACCEPTED &&
      other.boundS < other.endS &&
      other.boundS > now &&
      other.boundS < now + COMES_FREE_S_MAX &&
      (soonest == 0 || other.boundS < soonest)
    )
      soonest = other.boundS;
    at = other.next;
  }
  return soonest;
}

/** Whether nobody else claims our unit in [startS, endS). */
export function isUnitFree(ctx: usize, record: Intent, startS: u32, endS: u32): bool {
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (
      other.resource == record.resource &&
      other.owner != record.owner &&
      isClaim(other) &&
      other.startS < endS &&
      startS < other.boundS
    )
      return false;
    at = other.next;
  }
  return true;
}

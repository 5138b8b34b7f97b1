// Finds free units and free capacity of resource groups, for planning.

import { NO_INDEX } from '../../memory/limits';
import { PLAN_UNITS_MAX, PLAN_UNITS_AT } from '../../memory/map';
import { bitSet, bitGet } from '../../base/bits';
import { self, missionS } from '../../node/table';
import { VERDICT_ACCEPTED, LEASE_S, ROUND_S } from '../../wire/generated/codes';
import { arbitrate, unitUsable } from '../arbitration';
import { isOursThrough } from '../rota';
import { addToProfile, clearProfile, peakRate } from '../profile';
import { nextInChain } from '../chain';
import { group, intent, resourceUnit, isClaim, Intent, resourceGroup } from '../table';

/**
 * A place of a silent owner is claimed ahead if its lease hold ends within this, seconds: a lease
 * and two rounds, in which the claim settles.
 */
const COMES_FREE_S_MAX: u32 = LEASE_S + 2 * ROUND_S;

/** Highest summed rate of accepted claims of other owners in [startS, endS), kg/day. */
function usageMax(ctx: usize, groupIndex: u32, startS: u32, endS: u32): u32 {
  arbitrate(ctx, groupIndex, NO_INDEX);
  const me = self(ctx);
  const half = group(ctx, groupIndex).capacity >>> 1;
  clearProfile();
  let sum: u32 = 0;
  let at: u32 = group(ctx, groupIndex).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    if (
      <u32>other.verdict == VERDICT_ACCEPTED &&
      <u32>other.owner != me &&
      other.startS < endS &&
      startS < other.boundS
    ) {
      addToProfile(ctx, at);
      if (sum <= half) sum += other.rate;
    }
    at = nextInChain(other, steps++);
  }
  return sum <= half ? sum : peakRate(ctx, group(ctx, groupIndex).first, startS);
}

/** Rate that is free in a group throughout [startS, endS), kg/day. */
export function freeRate(ctx: usize, groupIndex: u32, startS: u32, endS: u32): u32 {
  const capacity = group(ctx, groupIndex).capacity;
  const used = usageMax(ctx, groupIndex, startS, endS);
  return used < capacity ? capacity - used : 0;
}

/** A usable unit that nobody claims in [startS, endS), the first from `preferred` on; 0 = none. */
export function freeUnit(ctx: usize, groupIndex: u32, startS: u32, endS: u32, preferred: u32): u32 {
  const units = group(ctx, groupIndex).units < PLAN_UNITS_MAX ? group(ctx, groupIndex).units : PLAN_UNITS_MAX - 1;
  if (units == 0) return 0;
  const used: usize = ctx + PLAN_UNITS_AT;
  memory.fill(used, 0, PLAN_UNITS_MAX >> 3);
  let at: u32 = group(ctx, groupIndex).first;
  let steps: u32 = 0;
  while (at != NO_INDEX) {
    const other = intent(ctx, at);
    const unit = resourceUnit(other.resource);
    if (unit < PLAN_UNITS_MAX && isClaim(other) && other.startS < endS && startS < other.boundS) bitSet(used, unit);
    at = nextInChain(other, steps++);
  }
  for (let i: u32 = 0; i < units; i++) {
    const unit = 1 + ((preferred + i) % units);
    if (
      !bitGet(used, unit) &&
      unitUsable(ctx, groupIndex, unit) &&
      isOursThrough(ctx, (groupIndex << 16) | unit, startS, endS)
    )
      return unit;
  }
  return 0;
}

/**
 * The next mission second at which a silent owner's lease hold in a group ends; 0 if none ends
 * within COMES_FREE_S_MAX.
 */
export function comesFreeS(ctx: usize, groupIndex: u32): u32 {
  const now = missionS(ctx);
  let soonest: u32 = 0;
  let at: u32 = group(ctx, groupIndex).first;
  let steps: u32 = 0;
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
    at = nextInChain(other, steps++);
  }
  return soonest;
}

/** Whether no other owner claims the unit of `record` in [startS, endS). */
export function isUnitFree(ctx: usize, record: Intent, startS: u32, endS: u32): bool {
  let at: u32 = group(ctx, resourceGroup(record.resource)).first;
  let steps: u32 = 0;
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
    at = nextInChain(other, steps++);
  }
  return true;
}

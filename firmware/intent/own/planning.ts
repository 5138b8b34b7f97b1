// Plans this node's claims (INT-1): a site on an ore lot to mine, and what hauling.ts plans. It
// makes at most one attempt per period, bounded by the length of the chains that it walks.

import { NO_INDEX } from '../../memory/limits';
import { mix32, fold32 } from '../../base/hash';
import { clockTrusted } from '../../node/clock';
import { node, self, timeKnown, missionS, capability } from '../../node/table';
import { membership } from '../../membership/table';
import { GROUPS_MAX, GROUP_KIND_LOT, ROUND_S, WORK_KIND_MINE } from '../../wire/generated/codes';
import { intent, group, intents, intentsToChange, own, resourceGroup } from '../table';
import { comesFreeS, freeRate, freeUnit, isUnitFree } from './free_capacity';
import { planHaul } from './hauling';
import { prepareSilence, MINE_SLOTS } from './outlook';
import { ownIndex, freshClaim, setClaim, publish, draft } from './publish';

/** Feature bit of the configuration: this node plans claims of its own. */
const FEATURE_PLANS: u32 = 1;

/** Length of a claim, and the spread that is added so that not all claims end together, seconds. */
const WORK_S: u32 = 2 * 86400;
const WORK_SPREAD_S: u32 = 86400;
/**
 * An extension is tried from this long before the end on, seconds: many rounds, so that it settles
 * in time.
 */
const EXTEND_BEFORE_S: u32 = 6 * 3600;
/** Pause after an attempt, seconds. */
const RETRY_S: u32 = 120;

/** Pseudo-random number of this node. */
function draw(ctx: usize, salt: u32): u32 {
  return mix32(fold32(node(ctx).seed ^ (self(ctx) * 0x9e3779b1), salt));
}

/** Plans this node's claims, once per period. `storedKg`: mass in storage, as last reported. */
export function planStep(ctx: usize, storedKg: u32): void {
  if (!timeKnown(ctx) || !clockTrusted(ctx)) return;
  // Before the first agreement since boot the view is old: what seems free may be claimed.
  if (membership(ctx).leaseUntilS == 0) return;
  prepareSilence(ctx);
  if ((node(ctx).features & FEATURE_PLANS) == 0) return;
  const slot = mineSlot(ctx);
  if (slot == NO_INDEX) claimSite(ctx);
  else extendSite(ctx, slot);
  planHaul(ctx, storedKg);
}

/** The own intent slot that claims a site, or NO_INDEX. */
function mineSlot(ctx: usize): u32 {
  for (let slot: u32 = 0; slot < MINE_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index != NO_INDEX && <u32>intent(ctx, index).kind == WORK_KIND_MINE) return slot;
  }
  return NO_INDEX;
}

// ---- mining ----

/** Number of ore lots. */
function lots(ctx: usize): u32 {
  let count: u32 = 0;
  for (let g: u32 = 0; g < GROUPS_MAX; g++) if (group(ctx, g).kind == GROUP_KIND_LOT) count++;
  return count;
}

/** The n-th ore lot. */
function lotAt(ctx: usize, n: u32): u32 {
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).kind != GROUP_KIND_LOT) continue;
    if (n == 0) return g;
    n--;
  }
  return 0;
}

/**
 * Claims a site: on the first lot, from the home lot on, that is free at the full rate; else where
 * the free rate is largest, if it is at least a quarter.
 */
function claimSite(ctx: usize): void {
  const state = intents(ctx);
  const now = missionS(ctx);
  const count = lots(ctx);
  if (now < state.planAfterS || count == 0) return;
  intentsToChange(ctx).planAfterS = now + RETRY_S;
  const wanted = capability(ctx).rateMax;
  let bestRate: u32 = wanted >>> 2;
  let bestLot: u32 = NO_INDEX;
  let bestStartS: u32 = 0;
  for (let j: u32 = 0; j < count && bestRate < wanted; j++) {
    const lot = lotAt(ctx, (self(ctx) + state.attempts + j) % count);
    for (let ahead: u32 = 0; ahead < 2; ahead++) {
      const startS = ahead == 0 ? now : comesFreeS(ctx, lot);
      if (startS == 0) continue;
      let rate = freeRate(ctx, lot, startS, startS + WORK_S);
      if (rate > wanted) rate = wanted;
      if (rate > bestRate || (bestLot == NO_INDEX && rate == bestRate && rate != 0)) {
        bestRate = rate;
        bestLot = lot;
        bestStartS = startS;
      }
    }
  }
  if (bestLot == NO_INDEX) return;
  const endS = bestStartS + WORK_S + (draw(ctx, now) % WORK_SPREAD_S);
  const preferred = state.attempts == 0 ? self(ctx) / count : draw(ctx, now + 1);
  const unit = freeUnit(ctx, bestLot, bestStartS, endS, preferred & 0xffff);
  if (unit == 0) {
    intentsToChange(ctx).attempts++;
    return;
  }
  for (let slot: u32 = 0; slot < MINE_SLOTS; slot++) {
    if (ownIndex(ctx, slot) != NO_INDEX) continue;
    const m = freshClaim(ctx, slot, WORK_KIND_MINE);
    setClaim(m, (bestLot << 16) | unit, bestStartS, endS, bestRate);
    publish(ctx, m);
    return;
  }
}

/** Extends a settled claim before it ends, and claims more rate where some is free. */
function extendSite(ctx: usize, slot: u32): void {
  const now = missionS(ctx);
  const mine = own(ctx, slot);
  const record = intent(ctx, ownIndex(ctx, slot));
  const round = now / ROUND_S;
  if (record.version != mine.settledVersion || round == intents(ctx).planRound) return;
  intentsToChange(ctx).planRound = round;
  const lot = resourceGroup(record.resource);
  let endS = record.endS;
  let rate = record.rate;
  if (endS - now < EXTEND_BEFORE_S) {
    const later = now + WORK_S + (draw(ctx, now) % WORK_SPREAD_S);
    if (isUnitFree(ctx, record, endS, later) && freeRate(ctx, lot, endS, later) >= rate) endS = later;
  }
  if (rate < capability(ctx).rateMax && (draw(ctx, round) & 1) == 0) {
    const free = freeRate(ctx, lot, now, endS);
    const wanted = free < capability(ctx).rateMax ? free : capability(ctx).rateMax;
    if (wanted > rate + (rate >>> 5)) rate = wanted;
  }
  if (endS == record.endS && rate == record.rate) return;
  const m = draft(ctx, slot);
  m.endS = endS;
  m.rate = rate;
  publish(ctx, m);
}

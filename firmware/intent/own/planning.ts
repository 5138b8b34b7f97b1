// Plans this node's claims (INT-1): a site on an ore lot to mine, and what hauling.ts plans. It
// makes at most one attempt per period, bounded by the length of the chains that it walks.

import { NO_INDEX, OBJECTION_S } from '../../memory/limits';
import { mix32, fold32 } from '../../base/hash';
import { clockTrusted } from '../../node/clock';
import { node, self, timeKnown, missionS, capability } from '../../node/table';
import { membership } from '../../membership/table';
import {
  FEATURE_PLANS,
  GROUPS_MAX,
  GROUP_KIND_LOT,
  INTENT_STATE_DONE,
  WORK_KIND_MINE,
} from '../../wire/generated/codes';
import { intent, group, intents, intentsToChange, own, resourceGroup } from '../table';
import { comesFreeS, freeRate, freeUnit, isUnitFree } from './free_capacity';
import { planHaul } from './hauling';
import { prepareSilence, MINE_SLOTS } from './outlook';
import { ownIndex, freshClaim, setClaim, publish, draft, finish } from './publish';

/** Length of a claim, and the spread that is added so that not all claims end together, seconds. */
const WORK_S: u32 = 2 * 86400;
const WORK_SPREAD_S: u32 = 86400;
/**
 * An extension is tried from this long before the end on, seconds: many rounds, so that it settles
 * in time.
 */
const EXTEND_BEFORE_S: u32 = 6 * 3600;
/** A settled claim is looked at this often: more would fill the channel with versions, seconds. */
const REPLAN_S: u32 = 600;
/** Pause after an attempt, seconds. */
const RETRY_S: u32 = 120;
/** A claim or a move must gain this share of the full rate, 1/16: a move costs half an hour. */
const GAIN_SHIFT: u32 = 4;
/** A move is tried in one of so many rounds, at random, so that not all take the same place. */
const MOVE_ONE_IN: u32 = 4;

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
 * Whether nobody's claim on a lot took less for a round: its owner had the time to object. Working
 * members leave nothing for what came free since, because a forged version frees what is in use.
 */
function isSteady(ctx: usize, lot: u32): bool {
  const freedS = group(ctx, lot).freedS;
  return freedS == 0 || freedS + OBJECTION_S <= missionS(ctx);
}

/** An offer, packed: lot, whether the place comes free later, rate in kg/day. */
const OFFER_LOT_SHIFT: u32 = 56;
const OFFER_LATER: u64 = 1 << 32;

/**
 * Finds the first lot, from the home lot on, that is free at the full rate; else that with the
 * largest free rate of at least `least`. A place may be free now, or come free when a silent
 * owner's lease hold ends. The lot `except` is left out, and so are those that are not steady, if
 * only steady ones count. Returns an offer; 0 = none.
 */
function findOffer(ctx: usize, least: u32, except: u32, onlySteady: bool): u64 {
  const count = lots(ctx);
  const wanted = capability(ctx).rateMax;
  let best: u64 = 0;
  let bestRate = least;
  for (let j: u32 = 0; j < count && (best == 0 || bestRate < wanted); j++) {
    const lot = lotAt(ctx, (self(ctx) + intents(ctx).attempts + j) % count);
    if (lot == except || (onlySteady && !isSteady(ctx, lot))) continue;
    for (let later: u32 = 0; later < 2; later++) {
      const startS = later == 0 ? missionS(ctx) : comesFreeS(ctx, lot);
      if (startS == 0) continue;
      const rate = min<u32>(wanted, freeRate(ctx, lot, startS, startS + WORK_S));
      if (rate == 0 || rate < bestRate || (best != 0 && rate == bestRate)) continue;
      bestRate = rate;
      best = ((<u64>lot) << OFFER_LOT_SHIFT) | (later != 0 ? OFFER_LATER : 0) | rate;
    }
  }
  return best;
}

/** Claims a site: little is better than nothing, it may be what a lot is short of. */
function claimSite(ctx: usize): void {
  const now = missionS(ctx);
  if (now < intents(ctx).planAfterS) return;
  intentsToChange(ctx).planAfterS = now + RETRY_S;
  const offer = findOffer(ctx, (capability(ctx).rateMax >>> GAIN_SHIFT) + 1, NO_INDEX, false);
  if (offer != 0) takeOffer(ctx, offer);
}

/** Claims a site as offered. */
function takeOffer(ctx: usize, offer: u64): void {
  const lot = <u32>(offer >>> OFFER_LOT_SHIFT);
  const now = missionS(ctx);
  const startS = (offer & OFFER_LATER) != 0 ? comesFreeS(ctx, lot) : now;
  const endS = startS + WORK_S + (draw(ctx, now) % WORK_SPREAD_S);
  const preferred = intents(ctx).attempts == 0 ? self(ctx) / lots(ctx) : draw(ctx, now + 1);
  const unit = freeUnit(ctx, lot, startS, endS, preferred & 0xffff);
  if (unit == 0) {
    intentsToChange(ctx).attempts++;
    return;
  }
  for (let slot: u32 = 0; slot < MINE_SLOTS; slot++) {
    if (ownIndex(ctx, slot) != NO_INDEX) continue;
    const m = freshClaim(ctx, slot, WORK_KIND_MINE);
    setClaim(m, (lot << 16) | unit, startS, endS, <u32>offer);
    publish(ctx, m);
    return;
  }
}

/**
 * Leaves a site at which this node is used in part for a lot where more is free. Only so is
 * capacity used that came free where all nodes are busy: a node that has a claim plans no other.
 * Each move adds to what the cluster mines, so moves come to an end. A node that is used for less
 * than a quarter moves as if it had no site, also to a place that comes free later.
 */
function moveSite(ctx: usize, slot: u32, lot: u32, rate: u32): void {
  const full = capability(ctx).rateMax;
  const least = rate + (full >>> GAIN_SHIFT) + 1;
  if (least > full) return;
  const isIdle = rate < full >>> 2;
  if (!isIdle && (draw(ctx, missionS(ctx) / REPLAN_S + 1) & (MOVE_ONE_IN - 1)) != 0) return;
  const offer = findOffer(ctx, least, isIdle ? NO_INDEX : lot, true);
  if (offer == 0 || (!isIdle && (offer & OFFER_LATER) != 0)) return;
  finish(ctx, slot, INTENT_STATE_DONE);
  takeOffer(ctx, offer);
}

/** Extends a settled claim before it ends, and claims more rate where some is free. */
function extendSite(ctx: usize, slot: u32): void {
  const now = missionS(ctx);
  const mine = own(ctx, slot);
  const record = intent(ctx, ownIndex(ctx, slot));
  const turn = now / REPLAN_S;
  if (record.version != mine.settledVersion || turn == intents(ctx).planTurn) return;
  intentsToChange(ctx).planTurn = turn;
  const lot = resourceGroup(record.resource);
  let endS = record.endS;
  let rate = record.rate;
  if (endS - now < EXTEND_BEFORE_S) {
    const later = now + WORK_S + (draw(ctx, now) % WORK_SPREAD_S);
    if (isUnitFree(ctx, record, endS, later) && freeRate(ctx, lot, endS, later) >= rate) endS = later;
  }
  if (rate < capability(ctx).rateMax && isSteady(ctx, lot) && (draw(ctx, turn) & 1) == 0) {
    const free = freeRate(ctx, lot, now, endS);
    const wanted = free < capability(ctx).rateMax ? free : capability(ctx).rateMax;
    if (wanted > rate + (rate >>> 5)) rate = wanted;
  }
  if (endS == record.endS && rate == record.rate) {
    moveSite(ctx, slot, lot, rate);
    return;
  }
  const m = draft(ctx, slot);
  m.endS = endS;
  m.rate = rate;
  publish(ctx, m);
}

// Finds where a cluster may be cut, and checks the cut that another member proposes
// (docs/federation.md, Split).
//
// Lots stay whole and in the order of their numbers: those from a boundary on go to the second
// half, with the members that mine there. Where no boundary leaves 40 to 60 % of the live members
// on each side, one lot is divided by the parity of its units. Depots are divided, so that each
// half hauls. The work of both functions is bounded by members × intent slots, and by stored
// intents.

import { INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { SCRATCH_AT } from '../memory/map';
import { bitGet, bitSet } from '../base/bits';
import { GROUPS_MAX, GROUP_KIND_DEPOT, GROUP_KIND_LOT, OWN_SLOTS } from '../wire/generated/codes';
import { members } from '../node/table';
import { isElsewhere, isOfSecond, secondHalfAt } from '../membership/division';
import { isSilent } from '../membership/liveness';
import { Cut } from '../membership/table';
import {
  group,
  intent,
  intentIndex,
  intents,
  intentSeen,
  isClaim,
  readIntents,
  resourceGroup,
  resourceUnit,
} from '../intent/table';

/** Each half has this share of the live members at least, percent. */
const HALF_PERCENT_MIN: u32 = 40;

/**
 * Live members that mine in each lot; those of them on units of odd number follow. They lie in the
 * scratch of received messages, of which a tick has none.
 */
// @inline
function minersAt(ctx: usize, lot: u32): usize {
  return ctx + SCRATCH_AT + (lot << 2);
}
const ODD: u32 = GROUPS_MAX << 2;

function isLot(ctx: usize, g: u32): bool {
  return group(ctx, g).kind == GROUP_KIND_LOT && group(ctx, g).capacity != 0;
}

/** The unit of a lot that a member mines or will mine; 0 = none. */
function siteOf(ctx: usize, member: u32): u32 {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = intentIndex(ctx, member, slot);
    if (index == NO_INDEX || !isClaim(intent(ctx, index))) continue;
    const resource = intent(ctx, index).resource;
    if (isLot(ctx, resourceGroup(resource))) return resource;
  }
  return 0;
}

/**
 * Counts who mines where. Returns how many live members mine nowhere, and in the upper half how
 * many are live.
 */
function countMiners(ctx: usize): u32 {
  memory.fill(minersAt(ctx, 0), 0, 2 * ODD);
  let idle: u32 = 0;
  let live: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    if (isElsewhere(ctx, i) || isSilent(ctx, i)) continue;
    live++;
    const site = siteOf(ctx, i);
    if (site == 0) {
      idle++;
      continue;
    }
    const at = minersAt(ctx, resourceGroup(site));
    store<u32>(at, load<u32>(at) + 1);
    store<u32>(at, load<u32>(at, ODD) + (resourceUnit(site) & 1), ODD);
  }
  return (live << 16) | idle;
}

/**
 * How far from half of `live` a second half with `mining` members is, once those that mine nowhere
 * (`idle`) have been placed, in half members.
 */
function imbalanceOf(mining: u32, idle: u32, live: u32): u32 {
  if (mining * 2 > live) return mining * 2 - live;
  return (mining + idle) * 2 < live ? live - (mining + idle) * 2 : 0;
}

/**
 * Finds the boundary or the lot to divide that balances the halves best; ties by number. Returns
 * false if there is none.
 */
function cutLots(ctx: usize, cut: Cut, live: u32, idle: u32, divides: bool): bool {
  let best: u32 = live - (2 * HALF_PERCENT_MIN * live) / 100 + 1;
  let found = false;
  let behind: u32 = 0;
  let lotsBehind: u32 = 0;
  // From the last lot down: `lotsBehind` go to the second half as a whole.
  for (let g = <i32>GROUPS_MAX - 1; g >= 0; g--) {
    if (!isLot(ctx, g)) continue;
    const mayDivide = group(ctx, g).units >= 2;
    const mining = divides ? behind + load<u32>(minersAt(ctx, g), ODD) : behind;
    const imbalance = imbalanceOf(mining, idle, live);
    if (imbalance < best && (divides ? mayDivide : lotsBehind != 0)) {
      best = imbalance;
      found = true;
      cut.groups = lotsBehind;
      cut.divided = divides ? 1 << g : 0;
    }
    behind += load<u32>(minersAt(ctx, g));
    lotsBehind |= 1 << g;
  }
  return found;
}

/** Divides depots by the parity of their lanes; those with one lane go to the halves in turn. */
function cutDepots(ctx: usize, cut: Cut): void {
  let toSecond = false;
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).kind != GROUP_KIND_DEPOT) continue;
    if (group(ctx, g).units >= 2) cut.divided |= 1 << g;
    else {
      if (toSecond) cut.groups |= 1 << g;
      toSecond = !toSecond;
    }
  }
}

/** Places members: with the unit that they mine, else where fewer are. */
function cutMembers(ctx: usize, cut: Cut, live: u32): void {
  let second: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    if (isElsewhere(ctx, i)) continue;
    const site = siteOf(ctx, i);
    if (site == 0 || !isOfSecond(cut, resourceGroup(site), resourceUnit(site))) continue;
    bitSet(secondHalfAt(cut), i);
    if (!isSilent(ctx, i)) second++;
  }
  for (let i: u32 = 0; i < members(ctx) && second * 2 < live; i++) {
    if (isElsewhere(ctx, i) || isSilent(ctx, i) || siteOf(ctx, i) != 0) continue;
    bitSet(secondHalfAt(cut), i);
    second++;
  }
}

/** Fills groups and members of a cut that has its time. False if there is no place to cut. */
export function findCut(ctx: usize, cut: Cut): bool {
  const counts = countMiners(ctx);
  const live = counts >>> 16;
  const idle = counts & 0xffff;
  if (!cutLots(ctx, cut, live, idle, false) && !cutLots(ctx, cut, live, idle, true)) return false;
  cutDepots(ctx, cut);
  cutMembers(ctx, cut, live);
  return true;
}

/** Whether each half has a group of this kind, if there is any. */
function isShared(ctx: usize, cut: Cut, kind: u32): bool {
  let halves: u32 = 0;
  let all: u32 = 0;
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).kind != kind || group(ctx, g).capacity == 0) continue;
    all++;
    halves |= ((cut.divided >>> g) & 1) != 0 ? 3 : ((cut.groups >>> g) & 1) + 1;
  }
  return all == 0 || halves == 3;
}

/** Whether only groups that exist go over, and only those with two units are divided. */
function areGroupsReal(ctx: usize, cut: Cut): bool {
  if ((cut.groups & cut.divided) != 0) return false;
  for (let g: u32 = 0; g < GROUPS_MAX; g++)
    if ((((cut.groups | cut.divided) >>> g) & 1) != 0 && group(ctx, g).units < 1 + ((cut.divided >>> g) & 1))
      return false;
  return true;
}

/** Whether each half has 40 % of the live members or more. */
function isBalanced(ctx: usize, cut: Cut): bool {
  let live: u32 = 0;
  let second: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    if (isElsewhere(ctx, i) || isSilent(ctx, i)) continue;
    live++;
    if (bitGet(secondHalfAt(cut), i)) second++;
  }
  return second * 100 >= live * HALF_PERCENT_MIN && (live - second) * 100 >= live * HALF_PERCENT_MIN;
}

/**
 * Whether a claim lies across the cut that binds beyond the switch at `untilS`: its lease was
 * extended in advance. Ordinary leases are over before the other half grants the unit.
 */
export function isClaimedAcross(ctx: usize, cut: Cut, untilS: u32): bool {
  readIntents(ctx);
  let left = intents(ctx).count;
  for (let i: u32 = 0; i < INTENTS_MAX && left != 0; i++) {
    const record = intentSeen(ctx, i);
    if (record.state == 0) continue;
    left--;
    if (!isClaim(record) || record.leaseS <= untilS) continue;
    const isSecond = isOfSecond(cut, resourceGroup(record.resource), resourceUnit(record.resource));
    if (isSecond != bitGet(secondHalfAt(cut), record.owner)) return true;
  }
  return false;
}

/** Whether a member may accept this cut. */
export function isWhole(ctx: usize, cut: Cut): bool {
  return (
    areGroupsReal(ctx, cut) &&
    isShared(ctx, cut, GROUP_KIND_LOT) &&
    isShared(ctx, cut, GROUP_KIND_DEPOT) &&
    isBalanced(ctx, cut) &&
    !isClaimedAcross(ctx, cut, cut.switchS)
  );
}

if (2 * ODD > 256) ERROR('counts of miners fit the scratch');

// Sums the use of a group's shared capacity over time, and knows which units are taken (INT-2).
// Accepted claims are listed as they come, in chains by their units. Most are well within the
// capacity. Only when all of them together are not, a binary tree is built over the starts of all
// claims, sorted: the use rises nowhere else. A node of the tree holds by how much the highest use
// below it is less than the highest use below its parent, so a claim is added or removed in some
// log2 n steps (a segment tree, changed from its leaves), and the highest use of all is known.

import { INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { CAPACITY_MAX } from '../wire/generated/codes';
import { Group, Intent, intent, intentSeen, isClaim, usageStartsAt, resourceUnit } from './table';
import { nextInChain } from './chain';

@unmanaged
class Profile {
  /** Summed rate of all claims, kg/day. */
  rate: u64 = 0;
  /** Highest summed rate at one time, kg/day, if there is a tree. */
  peak: u32 = 0;
  /** Starts of claims that are sorted. */
  starts: u32 = 0;
  /** Leaves of the tree, a power of two; 0 = there is no tree. */
  leaves: u32 = 0;
}

/** In static memory, because it is valid within one call only. */
const PROFILE_AT = memory.data(offsetof<Profile>(), 8);
/**
 * First claim of each chain, and each claim's next: u16 each. A unit's chain is that of its low
 * bits; claims of no unit have the last one.
 */
const UNIT_CHAINS: u32 = 32;
const FIRST_AT = memory.data((UNIT_CHAINS + 1) * 2, 4);
const NEXT_AT = memory.data(INTENTS_MAX * 2, 4);
/**
 * Nodes of the tree, u32 each: children of node i are 2 i and 2 i + 1; the root is 1. A small tree
 * has the first KiB of the memory, in which the compiler places nothing.
 */
const LEAVES_MAX: u32 = INTENTS_MAX > 128 ? 1024 : 128;
const TREE_AT: usize = INTENTS_MAX > 128 ? memory.data(LEAVES_MAX * 8, 8) : 0;

// @inline
function profile(): Profile {
  return changetype<Profile>(PROFILE_AT);
}

function firstOfUnitAt(unit: u32): usize {
  return FIRST_AT + ((unit == 0 ? UNIT_CHAINS : unit & (UNIT_CHAINS - 1)) << 1);
}

/** Removes all claims from the profile. */
export function clearProfile(): void {
  const state = profile();
  state.rate = 0;
  state.leaves = 0;
  memory.fill(FIRST_AT, 0xff, (UNIT_CHAINS + 1) * 2);
}

/** Adds a claim. Its record was read in this call, its bound is up to date. */
export function addToProfile(ctx: usize, index: u32): void {
  const state = profile();
  const record = intentSeen(ctx, index);
  const first = firstOfUnitAt(resourceUnit(record.resource));
  store<u16>(NEXT_AT + (index << 1), load<u16>(first));
  store<u16>(first, <u16>index);
  state.rate += record.rate;
}

/** Whether a claim of the profile has the exclusive unit of `record` at the same time. */
export function isUnitTaken(ctx: usize, record: Intent): bool {
  const unit = resourceUnit(record.resource);
  if (unit == 0) return false;
  let at: u32 = load<u16>(firstOfUnitAt(unit));
  for (let steps: u32 = 0; at != NO_INDEX && steps < INTENTS_MAX; steps++) {
    const other = intentSeen(ctx, at);
    if (other.resource == record.resource && other.startS < record.boundS && record.startS < other.boundS) return true;
    at = load<u16>(NEXT_AT + (at << 1));
  }
  return false;
}

/**
 * Whether a claim of the chain fits within `capacity` beside the claims of the profile, which all
 * do. If so it must be added next. No claim is checked that comes after record `upTo`.
 */
export function fitsCapacity(ctx: usize, chain: Group, upTo: u32, record: Intent, capacity: u32): bool {
  const state = profile();
  if (state.leaves == 0) {
    if (state.rate + record.rate <= <u64>capacity) return true;
    buildTree(ctx, chain.first, upTo, 0);
  }
  const left = leafOf(ctx, record.startS);
  const right = leafOf(ctx, record.boundS) - 1;
  changeUse(left, right, record.rate);
  if (state.peak <= capacity) return true;
  changeUse(left, right, -record.rate);
  return false;
}

/**
 * Highest summed rate of the claims, kg/day. All of them are in the chain that begins with `first`,
 * and are valid at or after `fromS`.
 */
export function peakRate(ctx: usize, first: u32, fromS: u32): u32 {
  buildTree(ctx, first, NO_INDEX, fromS);
  return profile().peak;
}

/** Builds the tree over the claims of a chain, and adds those that are in the profile. */
function buildTree(ctx: usize, first: u32, upTo: u32, fromS: u32): void {
  const starts = usageStartsAt(ctx);
  let count: u32 = 0;
  let at = first;
  for (let steps: u32 = 0; at != NO_INDEX; steps++) {
    const record = intent(ctx, at);
    if (isClaim(record)) store<u32>(starts + (count++ << 2), max<u32>(record.startS, fromS));
    if (at == upTo) break;
    at = nextInChain(record, steps);
  }
  sortWords(starts, count);
  const state = profile();
  state.peak = 0;
  state.starts = count;
  state.leaves = 1;
  while (state.leaves < count) state.leaves <<= 1;
  memory.fill(TREE_AT, 0, (<usize>state.leaves) << 3);
  for (let chain: u32 = 0; chain <= UNIT_CHAINS; chain++) {
    at = load<u16>(FIRST_AT + (chain << 1));
    for (let steps: u32 = 0; at != NO_INDEX && steps < INTENTS_MAX; steps++) {
      const record = intentSeen(ctx, at);
      changeUse(leafOf(ctx, record.startS), leafOf(ctx, record.boundS) - 1, record.rate);
      at = load<u16>(NEXT_AT + (at << 1));
    }
  }
}

/** Sorts words by Shell's method: some n^1.5 steps at most. */
function sortWords(words: usize, count: u32): void {
  let gap: u32 = 1;
  while (gap < count) gap = gap * 3 + 1;
  while (gap > 1) {
    gap = gap / 3;
    const step = gap << 2;
    for (let i = gap; i < count; i++) {
      let at = words + (i << 2);
      const word = load<u32>(at);
      for (; at >= words + step && load<u32>(at - step) > word; at -= step) store<u32>(at, load<u32>(at - step));
      store<u32>(at, word);
    }
  }
}

/** The leaf of the first start at or after `timeS`. */
function leafOf(ctx: usize, timeS: u32): u32 {
  const state = profile();
  let at: u32 = 0;
  let count = state.starts;
  while (count != 0) {
    const half = count >>> 1;
    if (load<u32>(usageStartsAt(ctx) + ((at + half) << 2)) < timeS) {
      at += half + 1;
      count -= half + 1;
    } else count = half;
  }
  return state.leaves + at;
}

/** Changes the use from leaf `left` to leaf `right` by `rate`, kg/day. */
function changeUse(left: u32, right: u32, rate: i32): void {
  let rise = rate;
  let riseRight = rate;
  for (; (left ^ right) > 1; left >>= 1, right >>= 1) {
    rise = raise(left, rise, (left & 1) == 0 ? rate : 0);
    riseRight = raise(right, riseRight, (right & 1) != 0 ? rate : 0);
  }
  if (left == right) riseRight = 0;
  for (; left > 1; left >>= 1, riseRight = 0) rise = raise(left, rise, riseRight);
  profile().peak += rise;
}

/**
 * Raises the highest use below a node by `rise`, and below the other child of its parent by
 * `riseOther`. Returns by how much that of their parent rises.
 */
// @inline
function raise(node: u32, rise: i32, riseOther: i32): i32 {
  const at = TREE_AT + (node << 2);
  const otherAt = at ^ 4;
  rise -= load<i32>(at);
  riseOther -= load<i32>(otherAt);
  const most = max<i32>(rise, riseOther);
  store<i32>(at, most - rise);
  store<i32>(otherAt, most - riseOther);
  return most;
}

if (TREE_AT == 0 && LEAVES_MAX * 8 > 1024) ERROR('a small tree fits below the data');
if (INTENTS_MAX > LEAVES_MAX) ERROR('every claim has a leaf');
if (CAPACITY_MAX > 1 << 30) ERROR('the use with one claim too many is an i32');

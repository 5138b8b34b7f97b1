// Records signs of life, direct and reported by peers, and members that come back.
// Bitmaps are merged word by word, so a frame costs O(members / 32).

import { TICKS_UNTIL_SILENT, ROUND_TICKS, CORRELATED_SILENT_MIN } from '../memory/limits';
import { changes } from '../memory/guard';
import { bitGet, bitSet, bitClear } from '../base/bits';
import { leaveToTick, DUE_REPORT } from '../node/table';
import { ageOf, lastLivenessTickOf } from './liveness';
import { membership, freshAt, HEARD, suspectAt, SUSPECTS, everyoneAt, VIEW, silentAt, BITMAPS } from './table';
import { silentTerm, subtractFromDigest } from './view';

/** Records a direct sign of life, now. */
export function markHeard(ctx: usize, index: u32): void {
  if (membership(ctx).livenessTick == 0) return;
  const age = ageOf(ctx, index);
  if (age == 0) return;
  for (let plane: u32 = 0; plane < PLANES; plane++) bitSet(freshAt(ctx, plane), index);
  changes(ctx, HEARD);
  if (bitGet(suspectAt(ctx), index)) {
    bitClear(suspectAt(ctx), index);
    changes(ctx, SUSPECTS);
  }
  if (age >= TICKS_UNTIL_SILENT) returned(ctx, index >>> 5, 1 << (index & 31));
}

/**
 * Merges what a peer heard of 32 members: three bit planes of their freshness, as of this node's
 * liveness tick. The greater freshness stays.
 */
export function mergeHeard(ctx: usize, word: u32, g0: u32, g1: u32, g2: u32): void {
  const offset = word << 2;
  const a0 = freshAt(ctx, 0) + offset;
  const a1 = freshAt(ctx, 1) + offset;
  const a2 = freshAt(ctx, 2) + offset;
  const f0 = load<u32>(a0);
  const f1 = load<u32>(a1);
  const f2 = load<u32>(a2);
  const greater =
    load<u32>(everyoneAt(ctx) + offset) & ((g2 & ~f2) | (~(g2 ^ f2) & ((g1 & ~f1) | (~(g1 ^ f1) & g0 & ~f0))));
  if (greater == 0) return;
  const n0 = (f0 & ~greater) | (g0 & greater);
  const n1 = (f1 & ~greater) | (g1 & greater);
  const n2 = (f2 & ~greater) | (g2 & greater);
  store<u32>(a0, n0);
  store<u32>(a1, n1);
  store<u32>(a2, n2);
  changes(ctx, HEARD);
  const suspects = suspectAt(ctx) + offset;
  const cleared = load<u32>(suspects) & greater & n0 & n1 & n2;
  if (cleared != 0) {
    store<u32>(suspects, load<u32>(suspects) & ~cleared);
    changes(ctx, SUSPECTS);
  }
  const back = greater & ~(f0 | f1 | f2);
  if (back != 0) returned(ctx, word, back);
}

const PLANES: u32 = 3;

/**
 * Handles silent members that are heard again: the bits `back` of a word. The changes of the digest
 * are summed up first, because half a cluster may come back with one frame.
 */
function returned(ctx: usize, word: u32, back: u32): void {
  leaveToTick(ctx, DUE_REPORT);
  const view = membership(ctx);
  changes(ctx, VIEW);
  view.returned += <u16>popcnt<u32>(back);
  // Late news that a member was alive at the cut after all changes the agreed view.
  const at = silentAt(ctx) + (word << 2);
  const cut = view.round * ROUND_TICKS;
  let less: u64 = 0;
  let alive: u32 = 0;
  let bits = back & load<u32>(at);
  while (bits != 0) {
    const index = (word << 5) + ctz<u32>(bits);
    const lastLivenessTick = lastLivenessTickOf(ctx, index);
    if (lastLivenessTick + TICKS_UNTIL_SILENT > cut && lastLivenessTick < cut) {
      less += silentTerm(ctx, index);
      alive |= bits & (<u32>0 - bits);
    }
    bits &= bits - 1;
  }
  if (alive == 0) return;
  store<u32>(at, load<u32>(at) & ~alive);
  changes(ctx, BITMAPS);
  subtractFromDigest(ctx, less);
}

/**
 * Whether parts of the cluster came together in this window of rounds or the one before: at least
 * as many members came back as fall silent together when a part is cut off.
 */
export function isMerging(ctx: usize): bool {
  const state = membership(ctx);
  return max<u32>(state.returned, state.returnedBefore) >= CORRELATED_SILENT_MIN;
}

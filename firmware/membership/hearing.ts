// Records signs of life, direct and reported by peers, and members that come back.
// Bitmaps are merged word by word, so a frame costs O(members / 64).

import { TICKS_UNTIL_SILENT, ROUND_TICKS, CORRELATED_SILENT_MIN } from '../memory/limits';
import { BITMAP_BYTES } from '../memory/map';
import { changes } from '../memory/guard';
import { leaveToTick, DUE_REPORT } from '../node/table';
import { membership, freshAt, HEARD, suspectAt, SUSPECTS, everyoneAt, VIEW, silentAt, BITMAPS } from './table';
import { silentTerm, subtractFromDigest } from './view';

/** Records a direct sign of life, now. */
export function markHeard(ctx: usize, index: u32): void {
  if (membership(ctx).livenessTick == 0) return;
  const offset = (index >>> 5) << 2;
  const bit: u32 = 1 << (index & 31);
  const at = freshAt(ctx, 0) + offset;
  const f0 = load<u32>(at);
  const f1 = load<u32>(at + BITMAP_BYTES);
  const f2 = load<u32>(at + 2 * BITMAP_BYTES);
  if ((f0 & f1 & f2 & bit) != 0) return;
  store<u32>(at, f0 | bit);
  store<u32>(at + BITMAP_BYTES, f1 | bit);
  store<u32>(at + 2 * BITMAP_BYTES, f2 | bit);
  changes(ctx, HEARD);
  const suspects = suspectAt(ctx) + offset;
  if ((load<u32>(suspects) & bit) != 0) {
    store<u32>(suspects, load<u32>(suspects) ^ bit);
    changes(ctx, SUSPECTS);
  }
  if (((f0 | f1 | f2) & bit) == 0) returned(ctx, index >>> 5, bit);
}

/**
 * Merges what a peer heard of 64 members, at byte `offset` of the bitmaps: three bit planes of
 * their freshness, as of this node's liveness tick. The greater freshness stays.
 */
export function mergeHeard(ctx: usize, offset: u32, g0: u64, g1: u64, g2: u64): void {
  const at = freshAt(ctx, 0) + offset;
  const f0 = load<u64>(at);
  const f1 = load<u64>(at + BITMAP_BYTES);
  const f2 = load<u64>(at + 2 * BITMAP_BYTES);
  const greater =
    load<u64>(everyoneAt(ctx) + offset) & ((g2 & ~f2) | (~(g2 ^ f2) & ((g1 & ~f1) | (~(g1 ^ f1) & g0 & ~f0))));
  if (greater == 0) return;
  store<u64>(at, f0 ^ ((f0 ^ g0) & greater));
  store<u64>(at + BITMAP_BYTES, f1 ^ ((f1 ^ g1) & greater));
  store<u64>(at + 2 * BITMAP_BYTES, f2 ^ ((f2 ^ g2) & greater));
  changes(ctx, HEARD);
  const suspects = suspectAt(ctx) + offset;
  const cleared = load<u64>(suspects) & greater & g0 & g1 & g2;
  if (cleared != 0) {
    store<u64>(suspects, load<u64>(suspects) ^ cleared);
    changes(ctx, SUSPECTS);
  }
  const back = greater & ~(f0 | f1 | f2);
  if (<u32>back != 0) returned(ctx, offset >>> 2, <u32>back);
  if (back >>> 32 != 0) returned(ctx, (offset >>> 2) + 1, <u32>(back >>> 32));
}

/**
 * Handles silent members that are heard again: the bits `back` of a word. The changes of the digest
 * are summed up first, because half a cluster may come back with one frame.
 */
function returned(ctx: usize, word: u32, back: u32): void {
  leaveToTick(ctx, DUE_REPORT);
  const view = membership(ctx);
  changes(ctx, VIEW);
  view.returned += <u16>popcnt<u32>(back);
  // Late news that a member was alive at the cut after all changes the agreed view: its newest sign
  // of life is older than the cut. So many ticks ago the cut was, by so much freshness exceeds it.
  const fresh = freshAt(ctx, 0) + (word << 2);
  let f0 = load<u32>(fresh);
  let f1 = load<u32>(fresh + BITMAP_BYTES);
  let f2 = load<u32>(fresh + 2 * BITMAP_BYTES);
  for (let ticks = min<u32>(view.livenessTick - view.round * ROUND_TICKS, TICKS_UNTIL_SILENT); ticks != 0; ticks--) {
    const newest = f0 & f1 & f2;
    f2 |= f0 & f1;
    f1 = (f1 ^ f0) | newest;
    f0 = ~f0 | newest;
  }
  const at = silentAt(ctx) + (word << 2);
  let alive = back & load<u32>(at) & ~(f0 & f1 & f2);
  if (alive == 0) return;
  store<u32>(at, load<u32>(at) ^ alive);
  changes(ctx, BITMAPS);
  let less: u64 = 0;
  for (; alive != 0; alive &= alive - 1) less += silentTerm(ctx, (word << 5) + ctz<u32>(alive));
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

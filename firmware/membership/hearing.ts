// Records signs of life, direct and reported by peers, and members that come back.
// Bitmaps are merged word by word, so a frame costs O(members / 32).

import { TICKS_UNTIL_SILENT, ROUND_TICKS, CORRELATED_SILENT_MIN } from '../memory/limits';
import { changes } from '../memory/guard';
import { bitGet, bitSet, bitClear } from '../base/bits';
import { leaveToTick, DUE_REPORT } from '../node/table';
import { ageOf, lastLivenessTickOf } from './liveness';
import { membership, heardAt, HEARD, suspectAt, HEARD_EARLIER, everyoneAt, VIEW, silentAt, BITMAPS } from './table';
import { silentTerm, subtractFromDigest } from './view';

/** Records a direct sign of life, now. */
export function markHeard(ctx: usize, index: u32): void {
  if (membership(ctx).livenessTick == 0) return;
  const h0 = heardAt(ctx, 0);
  if (bitGet(h0, index)) return;
  const back = ageOf(ctx, index) >= TICKS_UNTIL_SILENT;
  changes(ctx, HEARD);
  bitSet(h0, index);
  bitClear(heardAt(ctx, 1), index);
  if (bitGet(heardAt(ctx, 2), index) || bitGet(suspectAt(ctx), index)) {
    bitClear(heardAt(ctx, 2), index);
    bitClear(suspectAt(ctx), index);
    changes(ctx, HEARD_EARLIER);
  }
  if (back) returned(ctx, index >>> 5, 1 << (index & 31));
}

/** Merges what a peer heard of 32 members: bits by age, relative to this node's liveness tick. */
export function mergeHeard(ctx: usize, word: u32, age0: u32, age1: u32, age2: u32): void {
  const offset = word << 2;
  const a0 = heardAt(ctx, 0) + offset;
  const a1 = heardAt(ctx, 1) + offset;
  const a2 = heardAt(ctx, 2) + offset;
  const mask = load<u32>(everyoneAt(ctx) + offset);
  const h0 = load<u32>(a0);
  const h1 = load<u32>(a1);
  const h2 = load<u32>(a2);
  const n0 = h0 | (age0 & mask);
  const n1 = (h1 | (age1 & mask)) & ~n0;
  const n2 = (h2 | (age2 & mask)) & ~(n0 | n1);
  if (n0 == h0 && n1 == h1 && n2 == h2) return;
  if (n0 != h0 || n1 != h1) {
    store<u32>(a0, n0);
    store<u32>(a1, n1);
    changes(ctx, HEARD);
  }
  const suspects = suspectAt(ctx) + offset;
  const cleared = load<u32>(suspects) & n0 & ~h0;
  if (n2 != h2 || cleared != 0) {
    store<u32>(a2, n2);
    store<u32>(suspects, load<u32>(suspects) & ~cleared);
    changes(ctx, HEARD_EARLIER);
  }
  const back = (n0 | n1 | n2) & ~(h0 | h1 | h2);
  if (back != 0) returned(ctx, word, back);
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
 * Whether parts of the cluster came together in this round or the one before: at least as many
 * members came back as fall silent together when a part is cut off.
 */
export function isMerging(ctx: usize): bool {
  const state = membership(ctx);
  return max<u32>(state.returned, state.returnedBefore) >= CORRELATED_SILENT_MIN;
}

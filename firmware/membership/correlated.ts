// Finds members that fell silent together: then their radio path is interrupted.
//
// How many members fell silent in each liveness tick is counted once for a walk over the members,
// up to CORRELATED_SILENT_MIN, and each member is looked up. A comparison of each with each took
// most of the longest tick.

import { LIVENESS_TICK_S } from '../wire/generated/codes';
import { CORRELATED_SILENT_MIN, MEMBER_WORDS, UNREACHABLE_S_MAX } from '../memory/limits';
import { bitGet, bitSet } from '../base/bits';
import { everyoneAt, liveWord, memberSeen, membership } from './table';

/** Members that fall silent within so many ticks of each other may have one cause: five minutes. */
const CORRELATED_TICKS: u32 = 300 / LIVENESS_TICK_S;
/**
 * Members that were last heard so many ticks ago, or before, count in one tick: it is further than
 * CORRELATED_TICKS from those of which the state depends on others.
 */
const DISTANCE_MAX: u32 = UNREACHABLE_S_MAX / LIVENESS_TICK_S + 2 + 2 * CORRELATED_TICKS;

/**
 * By distance from the present tick: bitmaps of the ticks in which one member was last heard, two,
 * and three or more. In static memory, because they are valid within one call only.
 */
const PLANE_BYTES: u32 = ((DISTANCE_MAX + 2 * CORRELATED_TICKS + 31) >>> 5) * 4 + 4;
const PLANES_AT = memory.data(PLANE_BYTES * CORRELATED_SILENT_MIN, 8);

// @inline
function distanceOf(ctx: usize, livenessTick: u32): u32 {
  return min<u32>(membership(ctx).livenessTick - livenessTick, DISTANCE_MAX);
}

/** Counts when the silent members were heard last. Call readMembers() first. */
export function countSilences(ctx: usize): void {
  let silentBefore = false;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    let silent = load<u32>(everyoneAt(ctx) + (word << 2)) & ~liveWord(ctx, word);
    if (silent != 0 && !silentBefore) memory.fill(PLANES_AT, 0, PLANE_BYTES * CORRELATED_SILENT_MIN);
    silentBefore = silentBefore || silent != 0;
    for (; silent != 0; silent &= silent - 1)
      countSilence(distanceOf(ctx, memberSeen(ctx, (word << 5) + ctz<u32>(silent)).lastLivenessTick));
  }
}

function countSilence(distance: u32): void {
  let at: usize = PLANES_AT;
  const last = PLANES_AT + PLANE_BYTES * (CORRELATED_SILENT_MIN - 1);
  while (at < last && bitGet(at, distance + CORRELATED_TICKS)) at += PLANE_BYTES;
  bitSet(at, distance + CORRELATED_TICKS);
}

/**
 * Whether many members fell silent within CORRELATED_TICKS of `livenessTick`. Not all fall silent
 * in one tick: some were last heard before a contact window. Call countSilences() first.
 */
export function isCorrelatedSilence(ctx: usize, livenessTick: u32): bool {
  const first = distanceOf(ctx, livenessTick);
  let together: u32 = 0;
  for (let plane: u32 = 0; plane < CORRELATED_SILENT_MIN; plane++) {
    const at: usize = PLANES_AT + plane * PLANE_BYTES + ((first >>> 5) << 2);
    const ticks = <u32>((((<u64>load<u32>(at, 4)) << 32) | <u64>load<u32>(at)) >>> (first & 31));
    together += popcnt<u32>(ticks & ((1 << (2 * CORRELATED_TICKS + 1)) - 1));
  }
  return together >= CORRELATED_SILENT_MIN;
}

if (2 * CORRELATED_TICKS + 1 > 32) ERROR('the ticks around one fit into two words');

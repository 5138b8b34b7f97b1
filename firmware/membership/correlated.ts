// Finds members that fell silent together: then their radio path is interrupted.
//
// How many members fell silent in each liveness tick is counted once for a walk over the members,
// up to CORRELATED_SILENT_MIN, and each member is looked up. A comparison of each with each took
// most of the longest tick.

import { LIVENESS_TICK_S } from '../wire/generated/codes';
import { CORRELATED_SILENT_MIN, MEMBER_WORDS, UNREACHABLE_S_MAX } from '../memory/limits';
import { everyoneAt, liveWord, memberSeen, membership } from './table';

/** Members that fall silent within so many ticks of each other may have one cause: five minutes. */
const CORRELATED_TICKS: u32 = 300 / LIVENESS_TICK_S;
/**
 * Members that were last heard so many ticks ago, or before, count in one tick: it is further than
 * CORRELATED_TICKS from those of which the state depends on others.
 */
const DISTANCE_MAX: u32 = UNREACHABLE_S_MAX / LIVENESS_TICK_S + 2 + 2 * CORRELATED_TICKS;

/**
 * Two bits for each distance from the present tick: how many members were last heard then, 3 =
 * three or more. In static memory, because they are valid within one call only.
 */
const COUNTS_BYTES: u32 = (((DISTANCE_MAX + 2 * CORRELATED_TICKS) >>> 4) << 2) + 8;
const COUNTS_AT = memory.data(COUNTS_BYTES, 4);
/** The distance that was looked up last, and what was found. */
const ANSWERED_AT = memory.data(8, 4);

// @inline
function distanceOf(ctx: usize, livenessTick: u32): u32 {
  return min<u32>(membership(ctx).livenessTick - livenessTick, DISTANCE_MAX);
}

/** Counts when the silent members were heard last. Call readMembers() first. */
export function countSilences(ctx: usize): void {
  let silentBefore = false;
  store<u32>(ANSWERED_AT, 0xffffffff);
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    let silent = load<u32>(everyoneAt(ctx) + (word << 2)) & ~liveWord(ctx, word);
    if (silent != 0 && !silentBefore) memory.fill(COUNTS_AT, 0, COUNTS_BYTES);
    silentBefore = silentBefore || silent != 0;
    for (; silent != 0; silent &= silent - 1)
      countSilence(distanceOf(ctx, memberSeen(ctx, (word << 5) + ctz<u32>(silent)).lastLivenessTick));
  }
}

function countSilence(distance: u32): void {
  const bit = (distance + CORRELATED_TICKS) << 1;
  const at: usize = COUNTS_AT + ((bit >>> 5) << 2);
  const counts = load<u32>(at);
  if (((counts >>> (bit & 31)) & 3) != 3) store<u32>(at, counts + (1 << (bit & 31)));
}

/**
 * Whether many members fell silent within CORRELATED_TICKS of `livenessTick`. Not all fall silent
 * in one tick: some were last heard before a contact window. Call countSilences() first.
 */
export function isCorrelatedSilence(ctx: usize, livenessTick: u32): bool {
  const first = distanceOf(ctx, livenessTick);
  // Most fall silent in the tick of the one before.
  if (first == load<u32>(ANSWERED_AT)) return load<u32>(ANSWERED_AT, 4) != 0;
  const at: usize = COUNTS_AT + ((first >>> 4) << 2);
  let counts = (((<u64>load<u32>(at, 4)) << 32) | <u64>load<u32>(at)) >>> ((first << 1) & 31);
  counts &= ((<u64>1) << (4 * CORRELATED_TICKS + 2)) - 1;
  const together = <u32>(popcnt<u64>(counts & 0x5555555555555555) + 2 * popcnt<u64>(counts & 0xaaaaaaaaaaaaaaaa));
  store<u32>(ANSWERED_AT, first);
  store<u32>(ANSWERED_AT, <u32>(together >= CORRELATED_SILENT_MIN), 4);
  return together >= CORRELATED_SILENT_MIN;
}

if (4 * CORRELATED_TICKS + 2 > 33) ERROR('the counts of the ticks around one fit into two words');
if (CORRELATED_SILENT_MIN > 3) ERROR('a count has two bits');

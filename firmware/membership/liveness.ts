// Reads when each member was last heard: ages in liveness ticks.

import { TICKS_UNTIL_SILENT } from '../memory/limits';
import { BITMAP_BYTES } from '../memory/map';
import { freshAt, liveWord, membership, member } from './table';

/** Age of a member's newest sign of life in liveness ticks; TICKS_UNTIL_SILENT = silent. */
export function ageOf(ctx: usize, index: u32): u32 {
  const at = freshAt(ctx, 0) + ((index >>> 5) << 2);
  const shift = index & 31;
  const fresh =
    ((load<u32>(at) >>> shift) & 1) |
    (((load<u32>(at + BITMAP_BYTES) >>> shift) & 1) << 1) |
    (((load<u32>(at + 2 * BITMAP_BYTES) >>> shift) & 1) << 2);
  return TICKS_UNTIL_SILENT - fresh;
}

/** Whether a member is silent: its age is TICKS_UNTIL_SILENT. */
export function isSilent(ctx: usize, index: u32): bool {
  return ((liveWord(ctx, index >>> 5) >>> (index & 31)) & 1) == 0;
}

/** Newest liveness tick in which a member was heard; 0 = never. */
export function lastLivenessTickOf(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  return age < TICKS_UNTIL_SILENT ? membership(ctx).livenessTick - age : member(ctx, index).lastLivenessTick;
}

if (TICKS_UNTIL_SILENT != 7) ERROR('freshness has three bits');

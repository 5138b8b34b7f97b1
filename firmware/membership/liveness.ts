// Reads when each member was last heard: ages in liveness ticks.

import { TICKS_UNTIL_SILENT } from '../memory/limits';
import { BITMAP_BYTES } from '../memory/map';
import { heardAt, membership, member } from './table';

/** Age of a member's newest sign of life in liveness ticks; TICKS_UNTIL_SILENT = silent. */
export function ageOf(ctx: usize, index: u32): u32 {
  const at = heardAt(ctx, 0) + ((index >>> 5) << 2);
  const bit: u32 = 1 << (index & 31);
  for (let age: u32 = 0; age < TICKS_UNTIL_SILENT; age++)
    if ((load<u32>(at + age * BITMAP_BYTES) & bit) != 0) return age;
  return TICKS_UNTIL_SILENT;
}

/** Newest liveness tick in which a member was heard; 0 = never. */
export function lastLivenessTickOf(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  return age < TICKS_UNTIL_SILENT ? membership(ctx).livenessTick - age : member(ctx, index).lastLivenessTick;
}

// Spreads new versions with ordinary frames (rumour mongering): each version is attached to the
// next few frames.

import { RUMOURS_MAX, NO_INDEX, RUMOUR_COUNT } from '../memory/limits';
import { changes } from '../memory/guard';
import { KIND_PLACEHOLDER } from '../wire/generated/codes';
import { intents, rumourAt, intentsToChange, RUMOURS, intent } from './table';

/** Starts to spread a version with the next `times` frames. A full ring overwrites the oldest. */
export function startRumour(ctx: usize, index: u32, times: u32): void {
  const state = intents(ctx);
  const at = rumourAt(ctx, state.rumourNext);
  store<u16>(at, <u16>index);
  store<u16>(at + 2, <u16>times);
  intentsToChange(ctx).rumourNext = (state.rumourNext + 1) % RUMOURS_MAX;
  changes(ctx, RUMOURS);
}

/** Takes a version to attach to the present frame: its record, or NO_INDEX. */
export function takeRumour(ctx: usize): u32 {
  for (let i: u32 = 0; i < RUMOURS_MAX; i++) {
    const at = rumourAt(ctx, i);
    const left = load<u16>(at + 2);
    if (left == 0) continue;
    changes(ctx, RUMOURS);
    store<u16>(at + 2, left - 1);
    const index: u32 = load<u16>(at);
    if (intent(ctx, index).state != 0 && <u32>intent(ctx, index).kind != KIND_PLACEHOLDER) return index;
    store<u16>(at + 2, 0);
  }
  return NO_INDEX;
}

if (RUMOUR_COUNT > 15) ERROR('a rumour stops');

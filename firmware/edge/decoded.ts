// Keeps the decoded messages of a frame from their admission until they are applied, so that each
// is decoded once. They lie in the scratch of arbitration, which is the work of a tick. A message
// that has no place there is decoded into the common scratch in both passes.

import { INTENTS_MAX } from '../memory/limits';
import { SCRATCH_AT, INTENT_SCRATCH_AT, PLAN_UNITS_AT } from '../memory/map';
import { STRUCT_BYTES_MAX } from '../wire/generated/messages';

/** A message, and the address after its encoding. */
const PLACE_BYTES: u32 = STRUCT_BYTES_MAX + 4;
/** Messages of one frame that are kept: 16 in a flight image, 2 in a compact one. */
const PLACES: u32 = (INTENTS_MAX * 4) / PLACE_BYTES;
if (INTENT_SCRATCH_AT + PLACES * PLACE_BYTES > PLAN_UNITS_AT) ERROR('decoded messages fit the scratch of arbitration');

/** Where message `index` of a frame is decoded. */
export function placeOf(ctx: usize, index: u32): usize {
  return ctx + (index < PLACES ? INTENT_SCRATCH_AT + index * PLACE_BYTES : SCRATCH_AT);
}

/** Notes that a message was admitted. `next`: what visitMessage returned. */
export function keep(place: usize, next: usize): void {
  store<u32>(place, <u32>next, STRUCT_BYTES_MAX);
}

/** What visitMessage returned when the message at `place` was admitted; 0 if it was not kept. */
export function keptEnd(ctx: usize, place: usize): usize {
  return place == ctx + SCRATCH_AT ? 0 : load<u32>(place, STRUCT_BYTES_MAX);
}

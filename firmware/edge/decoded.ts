// Keeps the decoded messages of a frame from their admission until they are applied, so that each
// is decoded once. They lie in the scratch of arbitration, which is the work of a tick. A message
// that has no place there is decoded into the common scratch in both passes.

import { SCRATCH_AT, DECODED_AT, DECODED_MAX, DECODED_STRIDE } from '../memory/map';
import { STRUCT_BYTES_MAX, messageType } from '../wire/generated/messages';

/** Where message `index` of a frame is decoded. */
export function placeOf(ctx: usize, index: u32): usize {
  return ctx + (index < DECODED_MAX ? DECODED_AT + index * DECODED_STRIDE : SCRATCH_AT);
}

/** Notes that a message of type `type` was admitted. `next`: what visitMessage returned. */
export function keep(place: usize, type: i32, next: usize): void {
  store<u32>(place, <u32>next, STRUCT_BYTES_MAX);
  store<i32>(place, type, STRUCT_BYTES_MAX + 4);
}

/** Type of the admitted message at `at`, for which `place` is kept. */
export function keptType(ctx: usize, place: usize, at: usize, end: usize): i32 {
  return place == ctx + SCRATCH_AT ? messageType(at, end) : load<i32>(place, STRUCT_BYTES_MAX + 4);
}

/** What visitMessage returned when the message at `place` was admitted; 0 if it was not kept. */
export function keptEnd(ctx: usize, place: usize): usize {
  return place == ctx + SCRATCH_AT ? 0 : load<u32>(place, STRUCT_BYTES_MAX);
}

// What is known of words against words (witness.ts): layout and accessors.

import { WITNESS_AT } from "../memory/map";
import { changesLine, lineOf, readsLine } from "../memory/guard";

/** One line. */
@unmanaged
export class WitnessState {
  /** Late news of this epoch that changed the digest. */
  lateEpoch: u32 = 0;
  lateCount: u32 = 0;
}

export function witness(ctx: usize): WitnessState {
  readsLine(ctx, lineOf(WITNESS_AT));
  return changetype<WitnessState>(ctx + WITNESS_AT);
}
export function witnessToChange(ctx: usize): WitnessState {
  changesLine(ctx, lineOf(WITNESS_AT));
  return changetype<WitnessState>(ctx + WITNESS_AT);
}

if (offsetof<WitnessState>() > 64) ERROR("room for the state of the witness");

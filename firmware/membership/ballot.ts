// Numbers the ballots of decisions (docs/federation.md, Decisions): a try, and who proposes in it.

import { TRY_S } from '../memory/limits';

/** Proposers fill the low bits of a ballot; the try, counted from 1 on, stands above. */
const PROPOSER_BITS: u32 = 8;

/** The ballot of a proposer in the try of a mission second. */
export function ballotAt(atS: u32, proposer: u32): u32 {
  return ((atS / TRY_S + 1) << PROPOSER_BITS) | proposer;
}

/** The try of a ballot, from 1 on. */
export function tryOf(ballot: u32): u32 {
  return ballot >>> PROPOSER_BITS;
}

/** Mission second at which the try of a ballot began. */
export function tryStartS(ballot: u32): u32 {
  return (tryOf(ballot) - 1) * TRY_S;
}

export function proposerOf(ballot: u32): u32 {
  return ballot & ((1 << PROPOSER_BITS) - 1);
}

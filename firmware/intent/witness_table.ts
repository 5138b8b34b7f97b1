// What is known of words against words (witness.ts): layout and accessors. A small ring of statements; what it forgets, owners say again.

import { STATEMENTS_MAX } from '../memory/limits';
import { Statement } from './records';
import { statement, STATEMENT_BYTES } from './accessors';

export { Statement, WitnessState } from './records';
export { statement, statementToChange, witness, witnessToChange, STATEMENT_BYTES } from './accessors';

export const DIGEST_AT: u32 = 16;
export const DIGEST_BYTES: u32 = 16;
export const SIGNATURE_AT: u32 = 32;
export const SIGNATURE_BYTES: u32 = 64;

export const FREE: u32 = 0;
/** Its signature is to be verified; this node's own: to be made. */
export const HEARD: u32 = 1;
export const UNSIGNED: u32 = 2;
export const VALID: u32 = 3;

/** Another word on the same version says something else. */
export const CONTESTED: u16 = 1;
export const PROOF: u16 = 2;

if (offsetof<Statement>() != DIGEST_AT || SIGNATURE_AT + SIGNATURE_BYTES != STATEMENT_BYTES)
  ERROR('stride of the statements');
if (STATEMENTS_MAX > 16 || STATEMENTS_MAX < 2) ERROR('a ticket names a statement, and a proof has two');

export function sameDigest(a: usize, b: usize): bool {
  return load<u64>(a, 0, 1) == load<u64>(b, 0, 1) && load<u64>(a, 8, 1) == load<u64>(b, 8, 1);
}

/** Statements that wait to be verified. */
export function waiting(ctx: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) if (<u32>statement(ctx, i).state == HEARD) count++;
  return count;
}

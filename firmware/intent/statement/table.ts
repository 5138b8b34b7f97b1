// Defines the layout and the states of signed statements.

import { STATEMENTS_MAX } from '../../memory/limits';
import { SIGNATURE_BYTES } from '../../wire/generated/codes';
import { Statement, STATEMENT_BYTES } from '../table';

/** Offsets within an entry: digest of the intent's message, and signature. */
export const DIGEST_AT: u32 = 16;
export const SIGNATURE_AT: u32 = 32;

export const FREE: u32 = 0;
/** Its signature is to be verified. */
export const RECEIVED: u32 = 1;
/** An own statement whose signature is to be made. */
export const UNSIGNED: u32 = 2;
export const VALID: u32 = 3;

/** Another content was received under its version. */
export const CONTESTED: u16 = 1;
/** It is one of the two statements of the proof that is broadcast. */
export const IN_PROOF: u16 = 2;

if (offsetof<Statement>() != DIGEST_AT || SIGNATURE_AT + SIGNATURE_BYTES != STATEMENT_BYTES)
  ERROR('stride of the statements');
if (STATEMENTS_MAX > 16 || STATEMENTS_MAX < 2) ERROR('a ticket names a statement, and a proof has two');

export function sameDigest(a: usize, b: usize): bool {
  return load<u64>(a, 0, 1) == load<u64>(b, 0, 1) && load<u64>(a, 8, 1) == load<u64>(b, 8, 1);
}

// Defines the layout of signed statements: a small ring. What it forgets, owners send again.

import { SIGNATURE_BYTES } from '../wire/generated/codes';
import { STATEMENTS_MAX } from '../memory/limits';
import { Statement, STATEMENT_BYTES } from './table';

export const DIGEST_AT: u32 = 16;
export const SIGNATURE_AT: u32 = 32;

export const FREE: u32 = 0;
/** Its signature is to be verified; this node's own: to be made. */
export const RECEIVED: u32 = 1;
export const UNSIGNED: u32 = 2;
export const VALID: u32 = 3;

/** Another word on the same version says something else. */
export const CONTESTED: u16 = 1;
export const IN_PROOF: u16 = 2;

if (offsetof<Statement>() != DIGEST_AT || SIGNATURE_AT + SIGNATURE_BYTES != STATEMENT_BYTES)
  ERROR('stride of the statements');
if (STATEMENTS_MAX > 16 || STATEMENTS_MAX < 2) ERROR('a ticket names a statement, and a proof has two');

export function sameDigest(a: usize, b: usize): bool {
  return load<u64>(a, 0, 1) == load<u64>(b, 0, 1) && load<u64>(a, 8, 1) == load<u64>(b, 8, 1);
}

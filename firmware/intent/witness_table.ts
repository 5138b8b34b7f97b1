// What is known of words against words (witness.ts): layout and accessors. A small ring of statements; what it forgets, owners say again.

import { STATEMENTS_MAX } from '../memory/limits';
import { STATEMENTS_AT, WITNESS_AT } from '../memory/map';
import { changesLine, lineOf, readsLine } from '../memory/guard';

/** One line. */
@unmanaged
export class WitnessState {
  /** Late news of this epoch that changed the digest. */
  lateRound: u32 = 0;
  lateCount: u32 = 0;
  /** Own slots on which this node's word is wanted, a bit each. */
  disputed: u32 = 0;
  /** Newest publication that was made up in this node's name, mission second: its word says so of a time no earlier. */
  falseS: u32 = 0;
  /** The entry about which the platform's service is asked, plus one; and when, local second. */
  asked: u32 = 0;
  askedS: u32 = 0;
  /** Local second at which this node last signed because somebody asked. */
  signedS: u32 = 0;
  /** Where the ring forgets next. */
  cursor: u32 = 0;
  /** Two entries that prove each other's owner a double-equivocator, plus one each; and times left to broadcast them. */
  proofA: u32 = 0;
  proofB: u32 = 0;
  proofLeft: u32 = 0;
  /** 1 = the platform has a service that answers. */
  answered: u32 = 0;
}

/** An owner's signed word. 96 bytes: what stands here, its digest, its signature. */
@unmanaged
export class Statement {
  owner: u16 = 0;
  slot: u8 = 0;
  state: u8 = 0;
  version: u32 = 0;
  atS: u32 = 0;
  /** CONTESTED, PROOF. */
  flags: u16 = 0;
  /** Own ones: times left to broadcast. */
  left: u16 = 0;
}
export const STATEMENT_BYTES: u32 = 96;
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

export function witness(ctx: usize): WitnessState {
  readsLine(ctx, lineOf(WITNESS_AT));
  return changetype<WitnessState>(ctx + WITNESS_AT);
}
export function witnessToChange(ctx: usize): WitnessState {
  changesLine(ctx, lineOf(WITNESS_AT));
  return changetype<WitnessState>(ctx + WITNESS_AT);
}
/** An entry lies in two lines, three at most. */
export function statement(ctx: usize, index: u32): Statement {
  const at = STATEMENTS_AT + index * STATEMENT_BYTES;
  for (let line = lineOf(at); line <= lineOf(at + STATEMENT_BYTES - 1); line++) readsLine(ctx, line);
  return changetype<Statement>(ctx + at);
}
export function statementToChange(ctx: usize, index: u32): Statement {
  const at = STATEMENTS_AT + index * STATEMENT_BYTES;
  for (let line = lineOf(at); line <= lineOf(at + STATEMENT_BYTES - 1); line++) changesLine(ctx, line);
  return changetype<Statement>(ctx + at);
}

if (offsetof<WitnessState>() > 64) ERROR('room for the state of the witness');
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

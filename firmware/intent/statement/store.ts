// Stores signed statements (docs/insiders.md) in a small ring, and composes their messages. A
// statement that the ring loses is requested from its owner again.

import { NO_INDEX, STATEMENTS_MAX } from '../../memory/limits';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { NOTHING_TO_SEND } from '../../node/outbox';
import { countLoss } from '../../node/queues';
import { leaveToTick, DUE_STATEMENT } from '../../node/table';
import { STATEMENT_DIGEST_BYTES, SIGNATURE_BYTES, COUNTER_STATEMENTS_FULL } from '../../wire/generated/codes';
import {
  Statement as StatementMessage,
  encodeStatement,
  StatementRequest,
  encodeStatementRequest,
} from '../../wire/generated/messages';
import { statement, Statement, Intent, intentIndex, intent, statementsToChange, statementToChange } from '../table';
import { FREE, VALID, IN_PROOF, RECEIVED, DIGEST_AT, SIGNATURE_AT } from './table';

/** A statement or a proof is broadcast this many times more, one period apart. */
export const REBROADCASTS: u16 = 3;

/**
 * Finds an entry on an intent slot: the newest VALID one if there is one, else the last of any
 * state; or NO_INDEX.
 */
export function findStatement(ctx: usize, owner: u32, slot: u32): u32 {
  let found = NO_INDEX;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state == FREE || <u32>entry.owner != owner || <u32>entry.slot != slot) continue;
    if (found == NO_INDEX || <u32>statement(ctx, found).state != VALID) found = i;
    else if (<u32>entry.state == VALID && entry.atS > statement(ctx, found).atS) found = i;
  }
  return found;
}

/** The version that is stored in the intent slot of a statement; 0 = none. */
export function storedVersion(ctx: usize, entry: Statement): u32 {
  const stored = intentIndex(ctx, entry.owner, entry.slot);
  return stored == NO_INDEX ? 0 : intent(ctx, stored).version;
}

/** Whether a valid statement on the version of a record is stored. */
export function isConfirmed(ctx: usize, record: Intent): bool {
  const index = findStatement(ctx, record.owner, record.slot);
  if (index == NO_INDEX) return false;
  return <u32>statement(ctx, index).state == VALID && statement(ctx, index).version == record.version;
}

/**
 * Allocates an entry: a free one, else the next valid one that is not in a proof. A statement on a
 * version that this node lacks stays one turn longer, because it will confirm that version; one
 * that is still to be broadcast stays two. Counts and returns NO_INDEX if there is none.
 */
export function allocateStatement(ctx: usize): u32 {
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) if (<u32>statement(ctx, i).state == FREE) return i;
  const state = statementsToChange(ctx);
  for (let tries: u32 = 0; tries < 3 * STATEMENTS_MAX; tries++) {
    state.cursor = (state.cursor + 1) % STATEMENTS_MAX;
    const entry = statement(ctx, state.cursor);
    if (<u32>entry.state != VALID || (entry.flags & IN_PROOF) != 0) continue;
    const turn: u32 = entry.broadcastsLeft != 0 ? 2 : storedVersion(ctx, entry) < entry.version ? 1 : 0;
    if (turn * STATEMENTS_MAX <= tries) return state.cursor;
  }
  countLoss(ctx, COUNTER_STATEMENTS_FULL);
  return NO_INDEX;
}

/** Stores a received statement with `flags`, to be verified. */
export function storeReceived(ctx: usize, m: StatementMessage, flags: u16): void {
  const index = allocateStatement(ctx);
  if (index == NO_INDEX) return;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>m.owner;
  entry.slot = <u8>m.slot;
  entry.state = <u8>RECEIVED;
  entry.version = m.version;
  entry.atS = m.atS;
  entry.flags = flags;
  entry.broadcastsLeft = 0;
  memory.copy(changetype<usize>(entry) + DIGEST_AT, m.digestAt, STATEMENT_DIGEST_BYTES);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, m.signatureAt, SIGNATURE_BYTES);
  leaveToTick(ctx, DUE_STATEMENT);
}

/** Encodes the valid statement on an intent slot. */
export function composeStatement(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const index = findStatement(ctx, owner, slot);
  if (index == NO_INDEX) return NOTHING_TO_SEND;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID) return NOTHING_TO_SEND;
  const m = changetype<StatementMessage>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  m.version = entry.version;
  m.atS = entry.atS;
  m.digestAt = <u32>(changetype<usize>(entry) + DIGEST_AT);
  m.digestLength = STATEMENT_DIGEST_BYTES;
  m.signatureAt = <u32>(changetype<usize>(entry) + SIGNATURE_AT);
  m.signatureLength = SIGNATURE_BYTES;
  return encodeStatement(at, end, m);
}

/** Encodes a request for a statement. */
export function composeStatementRequest(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const m = changetype<StatementRequest>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  return encodeStatementRequest(at, end, m);
}

/** Number of statements that wait to be verified. */
export function countUnverified(ctx: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) if (<u32>statement(ctx, i).state == RECEIVED) count++;
  return count;
}

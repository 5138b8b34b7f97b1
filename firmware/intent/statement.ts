// What an owner's word, once it was found valid, says of a version: nothing, that it is true, that it is false.

import { SIGNATURE_BYTES, STATEMENT_DIGEST_BYTES } from '../wire/generated/codes';
import { NO_INDEX, STATEMENTS_MAX, COUNTER_STATEMENTS_FULL } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { invariant } from '../memory/trap';
import { countLoss } from '../node/queues';
import { leaveToTick, DUE_STATEMENT } from '../node/table';
import { sha256, shaConstantsSound, SHA_STATE_BYTES } from '../security/sha256';
import {
  encodeIntent,
  Intent as IntentMessage,
  INTENT_BYTES_MAX,
  INTENT_STRUCT_BYTES,
  Statement as StatementMessage,
  encodeStatement,
  StatementRequest,
  encodeStatementRequest,
} from '../wire/generated/messages';
import { Intent, statement, Statement, statementsToChange, statementToChange } from './table';
import { storedVersion } from './signing';
import { FREE, VALID, sameDigest, DIGEST_AT, SIGNATURE_AT, IN_PROOF, RECEIVED } from './statement_table';
import { toMessage } from './version';

const SITE_STATEMENT: u32 = 203;
/** Where an intent is laid out and encoded to be hashed; the hash's state, and then the digest. */
const ENCODED_AT: u32 = SCRATCH_OUT_AT + 64;
const HASH_AT: u32 = SCRATCH_OUT_AT + 136;

/** The first entry on a slot, of any state; a VALID one if there is any. */
export function findStatement(ctx: usize, owner: u32, slot: u32): u32 {
  let found = NO_INDEX;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (<u32>entry.state == FREE || <u32>entry.owner != owner || <u32>entry.slot != slot) continue;
    if (<u32>entry.state == VALID) return i;
    found = i;
  }
  return found;
}

/** The digest of a record's content, in the scratch. With wrong constants a node would give its word on what nobody published. */
export function digestOf(ctx: usize, record: Intent): usize {
  const m = changetype<IntentMessage>(ctx + SCRATCH_OUT_AT);
  toMessage(record, m);
  return digestOfMessage(ctx, m);
}

function digestOfMessage(ctx: usize, m: IntentMessage): usize {
  invariant(shaConstantsSound(), SITE_STATEMENT);
  const encoded: usize = ctx + ENCODED_AT;
  const end = encodeIntent(encoded, encoded + INTENT_BYTES_MAX, m);
  const digest: usize = ctx + HASH_AT;
  sha256(encoded, <u32>(end - encoded), digest, digest);
  return digest;
}

/** Whether a record cannot be what its owner held when it gave its word. */
export function contradicts(ctx: usize, entry: Statement, record: Intent): bool {
  if (record.publishedS > entry.atS || record.version < entry.version) return false;
  return record.version > entry.version || !sameDigest(changetype<usize>(entry) + DIGEST_AT, digestOf(ctx, record));
}

/** What an owner's word says of a version: nothing, that it is false, that it is true. */
export const UNKNOWN: u32 = 0;
export const REFUTED: u32 = 1;
export const CONFIRMED: u32 = 2;

/** What is known by its owner's word of a version that was heard. */
export function statementVerdict(ctx: usize, m: IntentMessage): u32 {
  const index = findStatement(ctx, m.owner, m.slot);
  if (index == NO_INDEX) return UNKNOWN;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID || m.publishedS > entry.atS || m.version < entry.version) return UNKNOWN;
  if (m.version > entry.version) return REFUTED;
  return sameDigest(changetype<usize>(entry) + DIGEST_AT, digestOfMessage(ctx, m)) ? CONFIRMED : REFUTED;
}

if (INTENT_STRUCT_BYTES > ENCODED_AT - SCRATCH_OUT_AT) ERROR('a struct stands before its encoding');
if (INTENT_BYTES_MAX > HASH_AT - ENCODED_AT || HASH_AT + SHA_STATE_BYTES > SCRATCH_OUT_AT + 256)
  ERROR('room to hash an intent');

/** A statement, and a proof, are broadcast so many times more, a period apart. */
export const REBROADCASTS: u16 = 3;

// ---- others' words ----

/**
 * A place for one more: a free one, else the next in turn that was seen to be valid and proves nothing. What is about a version that this node lacks is kept longer, for
 * then whoever brings that is believed; longest what is still to be told again.
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

export function storeReceived(
  ctx: usize,
  owner: u32,
  slot: u32,
  version: u32,
  atS: u32,
  digest: usize,
  signature: usize,
  flags: u16,
): void {
  const index = allocateStatement(ctx);
  if (index == NO_INDEX) return;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>owner;
  entry.slot = <u8>slot;
  entry.state = <u8>RECEIVED;
  entry.version = version;
  entry.atS = atS;
  entry.flags = flags;
  entry.broadcastsLeft = 0;
  memory.copy(changetype<usize>(entry) + DIGEST_AT, digest, STATEMENT_DIGEST_BYTES);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, signature, SIGNATURE_BYTES);
  leaveToTick(ctx, DUE_STATEMENT);
}

/** Not an address. */
export const MOOT: usize = 1;

// ---- on the air ----

export function composeStatement(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const index = findStatement(ctx, owner, slot);
  if (index == NO_INDEX) return MOOT;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID) return MOOT;
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

export function composeStatementRequest(ctx: usize, at: usize, end: usize, owner: u32, slot: u32): usize {
  const m = changetype<StatementRequest>(ctx + SCRATCH_OUT_AT);
  m.owner = owner;
  m.slot = slot;
  return encodeStatementRequest(at, end, m);
}

/** Statements that wait to be verified. */
export function countUnverified(ctx: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) if (<u32>statement(ctx, i).state == RECEIVED) count++;
  return count;
}

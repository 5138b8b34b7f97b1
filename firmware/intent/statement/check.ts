// Compares versions with signed statements: a valid statement confirms a version, refutes it, or
// says nothing.

import { NO_INDEX } from '../../memory/limits';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { invariant } from '../../memory/trap';
import { shaConstantsSound, sha256, SHA_STATE_BYTES } from '../../security/sha256';
import { TRAP_SITE_STATEMENT } from '../../wire/generated/codes';
import {
  Intent as IntentMessage,
  encodeIntent,
  INTENT_BYTES_MAX,
  INTENT_STRUCT_BYTES,
} from '../../wire/generated/messages';
import { Intent, Statement, statement } from '../table';
import { toMessage } from '../version';
import { findStatement } from './store';
import { sameDigest, DIGEST_AT, VALID } from './table';

/** In the scratch: where an intent's message is encoded, and where it is hashed. */
const ENCODED_AT: u32 = SCRATCH_OUT_AT + 64;
const HASH_AT: u32 = SCRATCH_OUT_AT + 136;

/** Digest of a record's message, in the scratch. */
export function digestOf(ctx: usize, record: Intent): usize {
  const m = changetype<IntentMessage>(ctx + SCRATCH_OUT_AT);
  toMessage(record, m);
  return digestOfMessage(ctx, m);
}

/**
 * Digest of a message, in the scratch. With corrupt constants a node would sign what it never
 * published: it traps.
 */
function digestOfMessage(ctx: usize, m: IntentMessage): usize {
  invariant(shaConstantsSound(), TRAP_SITE_STATEMENT);
  const encoded: usize = ctx + ENCODED_AT;
  const end = encodeIntent(encoded, encoded + INTENT_BYTES_MAX, m);
  const digest: usize = ctx + HASH_AT;
  sha256(encoded, <u32>(end - encoded), digest, digest);
  return digest;
}

/** Whether a statement contradicts a record: the owner had not stored the record when it signed. */
export function contradicts(ctx: usize, entry: Statement, record: Intent): bool {
  if (record.publishedS > entry.atS || record.version < entry.version) return false;
  return record.version > entry.version || !sameDigest(changetype<usize>(entry) + DIGEST_AT, digestOf(ctx, record));
}

/** What a statement says about a version: nothing, that it is false, that it is true. */
const UNKNOWN: u32 = 0;
export const REFUTED: u32 = 1;
export const CONFIRMED: u32 = 2;

/** Compares a received version with the valid statement on its intent slot. */
export function statementVerdict(ctx: usize, m: IntentMessage): u32 {
  const index = findStatement(ctx, m.owner, m.slot);
  if (index == NO_INDEX) return UNKNOWN;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID || m.publishedS > entry.atS || m.version < entry.version) return UNKNOWN;
  if (m.version > entry.version) return REFUTED;
  return sameDigest(changetype<usize>(entry) + DIGEST_AT, digestOfMessage(ctx, m)) ? CONFIRMED : REFUTED;
}

if (INTENT_STRUCT_BYTES > ENCODED_AT - SCRATCH_OUT_AT) ERROR('the encoding follows the message in the scratch');
if (INTENT_BYTES_MAX > HASH_AT - ENCODED_AT || HASH_AT + SHA_STATE_BYTES > SCRATCH_OUT_AT + 256)
  ERROR('the scratch has room to hash an intent');

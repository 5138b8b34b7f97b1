// What an owner's word, once it was found valid, says of a version: nothing, that it is true, that it is false.

import { NO_INDEX, STATEMENTS_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { invariant } from '../memory/trap';
import { sha256, shaConstantsRight, SHA_STATE_BYTES } from '../security/sha256';
import {
  encodeIntent,
  Intent as IntentMessage,
  INTENT_BYTES_MAX,
  INTENT_STRUCT_BYTES,
} from '../wire/generated/messages';
import { asMessage } from './store';
import { Intent } from './table';
import { sameDigest, statement, Statement, DIGEST_AT, FREE, VALID } from './witness_table';

const SITE_WORD: u32 = 203;
/** Where an intent is laid out and encoded to be hashed; the hash's state, and then the digest. */
const ENCODED_AT: u32 = SCRATCH_OUT_AT + 64;
const HASH_AT: u32 = SCRATCH_OUT_AT + 136;

/** The first entry on a slot, of any state; a VALID one if there is any. */
export function find(ctx: usize, owner: u32, slot: u32): u32 {
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
  asMessage(record, m);
  return digestOfMessage(ctx, m);
}

function digestOfMessage(ctx: usize, m: IntentMessage): usize {
  invariant(shaConstantsRight(), SITE_WORD);
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
export function wordOn(ctx: usize, m: IntentMessage): u32 {
  const index = find(ctx, m.owner, m.slot);
  if (index == NO_INDEX) return UNKNOWN;
  const entry = statement(ctx, index);
  if (<u32>entry.state != VALID || m.publishedS > entry.atS || m.version < entry.version) return UNKNOWN;
  if (m.version > entry.version) return REFUTED;
  return sameDigest(changetype<usize>(entry) + DIGEST_AT, digestOfMessage(ctx, m)) ? CONFIRMED : REFUTED;
}

if (INTENT_STRUCT_BYTES > ENCODED_AT - SCRATCH_OUT_AT) ERROR('a struct stands before its encoding');
if (INTENT_BYTES_MAX > HASH_AT - ENCODED_AT || HASH_AT + SHA_STATE_BYTES > SCRATCH_OUT_AT + 256)
  ERROR('room to hash an intent');

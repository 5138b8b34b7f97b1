// Derives the link key of a key epoch from its secret, and checks a secret against the head's
// commitment. This is done a few times in a node's life, in the scratch of messages.

import { TRAP_SITE_HASH, COMMITMENT_BYTES, SECRET_BYTES } from '../wire/generated/codes';
import { SCRATCH_OUT_AT, PLAIN_AT } from '../memory/map';
import { node } from '../node/table';
import { invariant } from '../memory/trap';
import { HKDF_SCRATCH_BYTES, hkdf } from './hkdf';
import { DIGEST_BYTES, sha256, shaConstantsSound } from './sha256';

/** A secret that was unwrapped, within one call; behind it a digest. */
export const SECRET_AT: u32 = PLAIN_AT;
const DIGEST_AT: u32 = PLAIN_AT + SECRET_BYTES;
/** The text that is hashed: a label, cluster and key epoch, a secret. */
const TEXT_AT: u32 = SCRATCH_OUT_AT + HKDF_SCRATCH_BYTES;

/** Labels, as loaded little-endian: "heliogra", "ph link", "ph commi", "tment". */
const LABEL: u64 = 0x6172676f696c6568;
const LABEL_LINK: u64 = 0x6b6e696c206870;
const LINK_BYTES: u32 = 15;
/** "ph half", as long as "ph link". */
const LABEL_HALF: u64 = 0x666c6168206870;
const LABEL_COMMI: u64 = 0x696d6d6f63206870;
const LABEL_TMENT: u64 = 0x746e656d74;
const COMMITMENT_LABEL_BYTES: u32 = 21;

/** Writes a cluster's number and a key epoch behind a label of `length` bytes. */
function writeScope(ctx: usize, length: u32, cluster: u16, keyEpoch: u32): void {
  const at: usize = ctx + TEXT_AT + length;
  store<u16>(at, bswap<u16>(cluster), 0, 1);
  store<u16>(at, bswap<u16>(<u16>keyEpoch), 2, 1);
}

/** Derives the link key of a key epoch from the secret at `secret` to `into`: 32 bytes each. */
export function deriveLinkKey(ctx: usize, keyEpoch: u32, secret: usize, into: usize): void {
  invariant(shaConstantsSound(), TRAP_SITE_HASH);
  const text: usize = ctx + TEXT_AT;
  store<u64>(text, LABEL);
  store<u64>(text, LABEL_LINK, 8);
  writeScope(ctx, LINK_BYTES, node(ctx).home, keyEpoch);
  hkdf(secret, SECRET_BYTES, 0, 0, text, LINK_BYTES + 4, into, ctx + SCRATCH_OUT_AT);
}

/**
 * Replaces the link key at `key` by that of this node's half of the cluster. Every member of the
 * cluster can derive it: the halves keep frames apart, not secrets.
 */
export function deriveHalfKey(ctx: usize, keyEpoch: u32, key: usize): void {
  invariant(shaConstantsSound(), TRAP_SITE_HASH);
  const text: usize = ctx + TEXT_AT;
  store<u64>(text, LABEL);
  store<u64>(text, LABEL_HALF, 8);
  writeScope(ctx, LINK_BYTES, node(ctx).cluster, keyEpoch);
  hkdf(key, SECRET_BYTES, 0, 0, text, LINK_BYTES + 4, key, ctx + SCRATCH_OUT_AT);
}

/** Whether the 16 bytes at `commitment` commit to the secret at `secret`. */
export function isCommitted(ctx: usize, keyEpoch: u32, secret: usize, commitment: usize): bool {
  invariant(shaConstantsSound(), TRAP_SITE_HASH);
  const text: usize = ctx + TEXT_AT;
  store<u64>(text, LABEL);
  store<u64>(text, LABEL_COMMI, 8);
  store<u64>(text, LABEL_TMENT, 16);
  writeScope(ctx, COMMITMENT_LABEL_BYTES, node(ctx).home, keyEpoch);
  memory.copy(text + COMMITMENT_LABEL_BYTES + 4, secret, SECRET_BYTES);
  const digest: usize = ctx + DIGEST_AT;
  sha256(text, COMMITMENT_LABEL_BYTES + 4 + SECRET_BYTES, digest, ctx + SCRATCH_OUT_AT);
  memory.fill(text, 0, COMMITMENT_LABEL_BYTES + 4 + SECRET_BYTES);
  return (
    load<u64>(digest) == load<u64>(commitment) &&
    load<u64>(digest, COMMITMENT_BYTES - 8) == load<u64>(commitment, COMMITMENT_BYTES - 8)
  );
}

if (DIGEST_AT + DIGEST_BYTES > PLAIN_AT + 256) ERROR('a secret and a digest fit where plain text is');

// Keys from secrets: the link key of an epoch, and what its head commits to. A few times in a node's life; it works in the scratch of messages.

import { SCRATCH_OUT_AT, PLAIN_AT } from '../memory/map';
import { edge } from '../node/table';
import { invariant } from '../memory/trap';
import { HKDF_SCRATCH_BYTES, hkdf } from './hkdf';
import { DIGEST_BYTES, sha256, shaConstantsRight } from './sha256';
import { COMMITMENT_BYTES, SECRET_BYTES } from './table';

/** A secret that was unwrapped, within one call; behind it a digest. */
export const SECRET_AT: u32 = PLAIN_AT;
const DIGEST_AT: u32 = PLAIN_AT + SECRET_BYTES;
/** What is hashed: a label, cluster and epoch, a secret. */
const TEXT_AT: u32 = SCRATCH_OUT_AT + HKDF_SCRATCH_BYTES;

/** Labels, as loaded little-endian: "heliogra", "ph link", "ph commi", "tment". */
const LABEL: u64 = 0x6172676f696c6568;
const LABEL_LINK: u64 = 0x6b6e696c206870;
const LINK_BYTES: u32 = 15;
const LABEL_COMMI: u64 = 0x696d6d6f63206870;
const LABEL_TMENT: u64 = 0x746e656d74;
const COMMITMENT_LABEL_BYTES: u32 = 21;

/** The constants of SHA-256 have flipped: a key would be wrong, and have the right code. */
const SITE_HASH: u32 = 906;

/** Cluster and epoch behind a label of `length` bytes. */
function name(ctx: usize, length: u32, epoch: u32): void {
  const at: usize = ctx + TEXT_AT + length;
  store<u16>(at, bswap<u16>(<u16>edge(ctx).cluster), 0, 1);
  store<u16>(at, bswap<u16>(<u16>epoch), 2, 1);
}

/** The link key of an epoch whose secret is at `secret`, to `into`: 32 bytes each. */
export function deriveLinkKey(ctx: usize, epoch: u32, secret: usize, into: usize): void {
  invariant(shaConstantsRight(), SITE_HASH);
  const text: usize = ctx + TEXT_AT;
  store<u64>(text, LABEL);
  store<u64>(text, LABEL_LINK, 8);
  name(ctx, LINK_BYTES, epoch);
  hkdf(secret, SECRET_BYTES, 0, 0, text, LINK_BYTES + 4, into, ctx + SCRATCH_OUT_AT);
}

/** Whether the secret at `secret` is the one that the 16 bytes at `commitment` commit to. */
export function isCommitted(ctx: usize, epoch: u32, secret: usize, commitment: usize): bool {
  invariant(shaConstantsRight(), SITE_HASH);
  const text: usize = ctx + TEXT_AT;
  store<u64>(text, LABEL);
  store<u64>(text, LABEL_COMMI, 8);
  store<u64>(text, LABEL_TMENT, 16);
  name(ctx, COMMITMENT_LABEL_BYTES, epoch);
  memory.copy(text + COMMITMENT_LABEL_BYTES + 4, secret, SECRET_BYTES);
  const digest: usize = ctx + DIGEST_AT;
  sha256(text, COMMITMENT_LABEL_BYTES + 4 + SECRET_BYTES, digest, ctx + SCRATCH_OUT_AT);
  memory.fill(text, 0, COMMITMENT_LABEL_BYTES + 4 + SECRET_BYTES);
  return (
    load<u64>(digest) == load<u64>(commitment) &&
    load<u64>(digest, COMMITMENT_BYTES - 8) == load<u64>(commitment, COMMITMENT_BYTES - 8)
  );
}

if (DIGEST_AT + DIGEST_BYTES > PLAIN_AT + 256) ERROR('room for a secret and a digest');

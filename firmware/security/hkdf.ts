// HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869): many keys from one secret, none of which
// reveals another.
//
//   scratch, 168 bytes, 8-aligned:    0  state of the hash
//                                   104  the key of HMAC, if it had to be hashed
//                                   136  HKDF's intermediate key

import { DIGEST_BYTES, SHA_BLOCK_BYTES, SHA_STATE_BYTES, sha256, shaAdd, shaAddByte, shaBegin, shaEnd } from './sha256';

const SHORT_KEY_AT: u32 = SHA_STATE_BYTES;
const EXTRACTED_AT: u32 = SHORT_KEY_AT + DIGEST_BYTES;
export const HKDF_SCRATCH_BYTES: u32 = EXTRACTED_AT + DIGEST_BYTES;

const INNER: u32 = 0x36;
const OUTER: u32 = 0x5c;

/**
 * Derives 32 bytes from a secret to `out`: extract, then the first block of expand (RFC 5869, 2.2
 * and 2.3 with L = 32). Clears the scratch.
 */
export function hkdf(
  secret: usize,
  secretLength: u32,
  salt: usize,
  saltLength: u32,
  info: usize,
  infoLength: u32,
  out: usize,
  scratch: usize,
): void {
  const extracted = scratch + EXTRACTED_AT;
  hmac(salt, saltLength, secret, secretLength, extracted, scratch);
  hashKey(scratch, extracted, DIGEST_BYTES, INNER);
  shaAdd(scratch, info, infoLength);
  shaAddByte(scratch, 1);
  hmacEnd(extracted, DIGEST_BYTES, out, scratch);
  memory.fill(scratch, 0, HKDF_SCRATCH_BYTES);
}

/**
 * Writes the HMAC-SHA-256 of `length` bytes at `at` to `out`, 32 bytes. Does not clear the scratch:
 * a caller with a secret key does.
 */
export function hmac(key: usize, keyLength: u32, at: usize, length: u32, out: usize, scratch: usize): void {
  if (keyLength > SHA_BLOCK_BYTES) {
    sha256(key, keyLength, scratch + SHORT_KEY_AT, scratch);
    key = scratch + SHORT_KEY_AT;
    keyLength = DIGEST_BYTES;
  }
  hashKey(scratch, key, keyLength, INNER);
  shaAdd(scratch, at, length);
  hmacEnd(key, keyLength, out, scratch);
}

/** Computes the outer hash over the inner one, whose state is in `scratch`. */
function hmacEnd(key: usize, keyLength: u32, out: usize, scratch: usize): void {
  shaEnd(scratch, out);
  hashKey(scratch, key, keyLength, OUTER);
  shaAdd(scratch, out, DIGEST_BYTES);
  shaEnd(scratch, out);
}

/** Starts a hash with the key, filled with zeros to a whole block, every byte xor `pad`. */
function hashKey(state: usize, key: usize, keyLength: u32, pad: u32): void {
  shaBegin(state);
  for (let at: u32 = 0; at < SHA_BLOCK_BYTES; at++) shaAddByte(state, at < keyLength ? load<u8>(key + at) ^ pad : pad);
}

// AEAD_CHACHA20_POLY1305 (RFC 8439, 2.8; COSE algorithm 24): secrecy and origin of frames. The
// functions take parameters instead of a struct in memory, because a test that finds branches on
// secrets treats all that is loaded as secret (test/security/secrets).

import { chacha20, chachaBlock } from './chacha20';
import { poly1305Add, poly1305Begin, poly1305End, poly1305Rest } from './poly1305';

/**
 * A block of key stream, or the state of Poly1305, whose one-time key is the beginning of a block.
 * Zero between calls.
 */
const SCRATCH_AT = memory.data(80, 8);

/**
 * Encrypts `length` bytes from `text` to `out`, which may be the same place, and writes the tag
 * behind them: length + 16 bytes in all. `key`: 32 bytes, 4-aligned; the nonce's twelve bytes as
 * three words, loaded little-endian. The tag also covers `aadLength` bytes at `aad`. The caller
 * never uses a nonce twice under one key.
 */
export function seal(
  key: usize,
  n0: u32,
  n1: u32,
  n2: u32,
  aad: usize,
  aadLength: u32,
  text: usize,
  length: u32,
  out: usize,
): void {
  chacha20(key, 1, n0, n1, n2, text, length, out, SCRATCH_AT);
  authenticate(key, n0, n1, n2, aad, aadLength, out, length, out + length);
  wipe();
}

/**
 * Decrypts `length` bytes from `text`, followed by the tag, to `out`, which may be the same place.
 * False if the tag is not that of key, nonce, aad and text: then nothing was decrypted and `out`
 * was not written. The time does not depend on where two tags differ.
 */
export function open(
  key: usize,
  n0: u32,
  n1: u32,
  n2: u32,
  aad: usize,
  aadLength: u32,
  text: usize,
  length: u32,
  out: usize,
): bool {
  const right = poly1305Rest(SCRATCH_AT);
  authenticate(key, n0, n1, n2, aad, aadLength, text, length, right);
  const tag = text + length;
  const difference = (load<u64>(right) ^ load<u64>(tag, 0, 1)) | (load<u64>(right, 8) ^ load<u64>(tag, 8, 1));
  const genuine = difference == 0;
  if (genuine) chacha20(key, 1, n0, n1, n2, text, length, out, SCRATCH_AT);
  wipe();
  return genuine;
}

/** Writes the tag of aad and ciphertext to `out`, 16 bytes. */
function authenticate(
  key: usize,
  n0: u32,
  n1: u32,
  n2: u32,
  aad: usize,
  aadLength: u32,
  text: usize,
  length: u32,
  out: usize,
): void {
  chachaBlock(key, 0, n0, n1, n2, SCRATCH_AT);
  poly1305Begin(SCRATCH_AT);
  poly1305Add(SCRATCH_AT, aad, aadLength, true);
  poly1305Add(SCRATCH_AT, text, length, true);
  const lengths = poly1305Rest(SCRATCH_AT);
  store<u64>(lengths, <u64>aadLength);
  store<u64>(lengths, <u64>length, 8);
  poly1305Add(SCRATCH_AT, lengths, 16, true);
  poly1305End(SCRATCH_AT, out);
}

/** Clears key stream and one-time key. */
function wipe(): void {
  for (let at: usize = SCRATCH_AT; at != SCRATCH_AT + 80; at += 8) store<u64>(at, 0);
}

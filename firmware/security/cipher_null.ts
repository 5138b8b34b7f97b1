// The null cipher, in place of `cipher.ts` in simulations of thousands of nodes: same functions,
// same sizes, same refusals, no secrecy. NOT a cipher. The text is copied as it is; the tag is a
// checksum that any reader of this file can compute. It covers key, nonce, aad and text, so that a
// frame that was altered, or sealed under another key, is refused as by the real cipher.
//
// The checksum is two sums of 64 bits. Each step, sum ← rotate((sum ^ word) · odd), is one-to-one
// in the sum and in the word: two inputs that differ in one word of eight bytes have different
// sums. The lengths come first, so that bytes cannot move from aad to text.

import { KEY_BYTES } from '../wire/generated/codes';

/**
 * Odd constants without further meaning: digits of the golden ratio, and the first constant of
 * SplitMix64's finaliser.
 */
const FACTOR: u64 = 0x9e3779b97f4a7c15;
const OTHER_FACTOR: u64 = 0xbf58476d1ce4e5b9;

/** Where open() computes the tag of what it was given. Valid within one call only. */
const RIGHT_AT = memory.data(16, 8);

/** As seal() of `cipher.ts`, but copies. */
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
  if (out != text) memory.copy(out, text, length);
  writeTag(key, n0, n1, n2, aad, aadLength, out, length, out + length);
}

/** As open() of `cipher.ts`, but copies. */
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
  writeTag(key, n0, n1, n2, aad, aadLength, text, length, RIGHT_AT);
  const tag = text + length;
  if (load<u64>(tag, 0, 1) != load<u64>(RIGHT_AT) || load<u64>(tag, 8, 1) != load<u64>(RIGHT_AT, 8)) return false;
  if (out != text) memory.copy(out, text, length);
  return true;
}

// @inline
function turned(value: u64, word: u64, factor: u64): u64 {
  return rotl<u64>((value ^ word) * factor, 29);
}

/** Writes the tag of aad and text to `out`, 16 bytes: both sums in one walk. */
function writeTag(
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
  let sum = turned(((<u64>n0) << 32) | <u64>n1, <u64>n2, FACTOR);
  sum = turned(sum, ((<u64>aadLength) << 32) | <u64>length, FACTOR);
  for (let at: u32 = 0; at < KEY_BYTES; at += 8) sum = turned(sum, load<u64>(key + at, 0, 4), FACTOR);
  let other = sum;
  let at = aad;
  let end = aad + aadLength;
  for (let part = 0; part < 2; part++) {
    const wordsEnd = end - ((end - at) & 7);
    while (at != wordsEnd) {
      const word = load<u64>(at, 0, 1);
      sum = turned(sum, word, FACTOR);
      other = turned(other, word, OTHER_FACTOR);
      at += 8;
    }
    while (at != end) {
      const byte: u64 = load<u8>(at);
      sum = turned(sum, byte, FACTOR);
      other = turned(other, byte, OTHER_FACTOR);
      at++;
    }
    at = text;
    end = text + length;
  }
  store<u64>(out, sum, 0, 1);
  store<u64>(out, other, 8, 1);
}

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
  const begun = begin(key, n0, n1, n2, aadLength, length);
  store<u64>(out + length, sum(begun, FACTOR, aad, aadLength, out, length), 0, 1);
  store<u64>(out + length, sum(begun, OTHER_FACTOR, aad, aadLength, out, length), 8, 1);
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
  const begun = begin(key, n0, n1, n2, aadLength, length);
  const tag = text + length;
  if (load<u64>(tag, 0, 1) != sum(begun, FACTOR, aad, aadLength, text, length)) return false;
  if (load<u64>(tag, 8, 1) != sum(begun, OTHER_FACTOR, aad, aadLength, text, length)) return false;
  if (out != text) memory.copy(out, text, length);
  return true;
}

// @inline
function turned(value: u64, word: u64, factor: u64): u64 {
  return rotl<u64>((value ^ word) * factor, 29);
}

function begin(key: usize, n0: u32, n1: u32, n2: u32, aadLength: u32, length: u32): u64 {
  let value = turned(((<u64>n0) << 32) | <u64>n1, <u64>n2, FACTOR);
  value = turned(value, ((<u64>aadLength) << 32) | <u64>length, FACTOR);
  for (let at: u32 = 0; at < KEY_BYTES; at += 8) value = turned(value, load<u64>(key + at, 0, 4), FACTOR);
  return value;
}

function sum(value: u64, factor: u64, aad: usize, aadLength: u32, text: usize, length: u32): u64 {
  return sumOf(sumOf(value, factor, aad, aadLength), factor, text, length);
}

function sumOf(value: u64, factor: u64, at: usize, length: u32): u64 {
  const end = at + length;
  const wordsEnd = at + (length & ~7);
  while (at != wordsEnd) {
    value = turned(value, load<u64>(at, 0, 1), factor);
    at += 8;
  }
  while (at != end) {
    value = turned(value, <u64>load<u8>(at), factor);
    at++;
  }
  return value;
}

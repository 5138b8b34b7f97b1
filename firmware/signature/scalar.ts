// Computes with integers modulo the base point's order, L = 2^252 + c, as little-endian rows of
// 32-bit words. Steps and addresses are the same for every value, except in `digits`, which is for
// verification.

import {
  SCALAR_CHALLENGE,
  SCALAR_HIGH,
  SCALAR_LOW,
  SCALAR_NONCE,
  SCALAR_PRODUCT,
  SCALAR_SECRET,
  SCALAR_SUM,
  SCALAR_WIDE,
  NAF_BYTES,
} from './workspace';
import { constantAt, ORDER, ORDER_TWICE, ORDER_TAIL } from './constants';

const TAIL_WORDS: u32 = 4;

/** out = a · b; out has the words of both together, and overlaps neither. */
function multiplyWords(out: usize, a: usize, aWords: u32, b: usize, bWords: u32): void {
  memory.fill(out, 0, (aWords + bWords) << 2);
  for (let i: u32 = 0; i < aWords; i++) {
    const factor = <u64>load<u32>(a + (i << 2));
    let carry: u64 = 0;
    const row = out + (i << 2);
    for (let j: u32 = 0; j < bWords; j++) {
      const sum = factor * <u64>load<u32>(b + (j << 2)) + <u64>load<u32>(row + (j << 2)) + carry;
      store<u32>(row + (j << 2), <u32>sum);
      carry = sum >> 32;
    }
    store<u32>(row + (bWords << 2), <u32>carry);
  }
}

/** sum += a. A carry out of the last word is discarded: callers exclude it. */
function addWords(sum: usize, a: usize, words: u32): void {
  let carry: u64 = 0;
  for (let i: u32 = 0; i < words; i++) {
    carry += <u64>load<u32>(sum + (i << 2)) + <u64>load<u32>(a + (i << 2));
    store<u32>(sum + (i << 2), <u32>carry);
    carry >>= 32;
  }
}

/** difference −= a, eight words. Returns 1 if the difference fell below zero and wrapped. */
function subtractScalar(difference: usize, a: usize): u32 {
  let borrow: u64 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const rest = <u64>load<u32>(difference + (i << 2)) - <u64>load<u32>(a + (i << 2)) - borrow;
    store<u32>(difference + (i << 2), <u32>rest);
    borrow = (rest >> 32) & 1;
  }
  return <u32>borrow;
}

/** out = x ÷ 2^252, rounded down, for x of `words` words; out has seven words fewer. */
function upper(out: usize, x: usize, words: u32): void {
  for (let i: u32 = 7; i < words; i++) {
    const next: u32 = i + 1 < words ? load<u32>(x + ((i + 1) << 2)) : 0;
    store<u32>(out + ((i - 7) << 2), (load<u32>(x + (i << 2)) >>> 28) | (next << 4));
  }
}

/** x = x modulo 2^252, in eight words. */
function keepLower(x: usize): void {
  store<u32>(x, load<u32>(x, 28) & 0x0fffffff, 28);
}

/** sum −= a where that is not below zero, eight words: otherwise a is added again under a mask. */
function subtractOnce(sum: usize, a: usize): void {
  const mask = 0 - subtractScalar(sum, a);
  let carry: u64 = 0;
  for (let i: u32 = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(sum + i) + <u64>(load<u32>(a + i) & mask);
    store<u32>(sum + i, <u32>carry);
    carry >>= 32;
  }
}

/**
 * out = the 16 words of SCALAR_WIDE, below 2^512, modulo L. With 2^252 = −c (mod L) the part above
 * 2^252 is multiplied by c and changes its sign: 512 bits become 385, then 258, then 131. The rest
 * is low − low′ + low″ − rest, each below 2^252; with 2L added it is between 0 and 4L.
 */
export function reduceWide(out: usize): void {
  const tail = constantAt(ORDER_TAIL);
  memory.copy(SCALAR_SUM, SCALAR_WIDE, 32);
  keepLower(SCALAR_SUM);
  addWords(SCALAR_SUM, constantAt(ORDER_TWICE), 8);

  upper(SCALAR_HIGH, SCALAR_WIDE, 16);
  multiplyWords(SCALAR_PRODUCT, SCALAR_HIGH, 9, tail, TAIL_WORDS);
  memory.copy(SCALAR_LOW, SCALAR_PRODUCT, 32);
  keepLower(SCALAR_LOW);
  upper(SCALAR_HIGH, SCALAR_PRODUCT, 13);
  subtractScalar(SCALAR_SUM, SCALAR_LOW);

  // Six words are more than 133 bits need; the upper bits are zero.
  multiplyWords(SCALAR_PRODUCT, SCALAR_HIGH, 6, tail, TAIL_WORDS);
  memory.copy(SCALAR_LOW, SCALAR_PRODUCT, 32);
  keepLower(SCALAR_LOW);
  upper(SCALAR_HIGH, SCALAR_PRODUCT, 10);
  addWords(SCALAR_SUM, SCALAR_LOW, 8);

  multiplyWords(SCALAR_PRODUCT, SCALAR_HIGH, 3, tail, TAIL_WORDS);
  store<u32>(SCALAR_PRODUCT, 0, 28);
  subtractScalar(SCALAR_SUM, SCALAR_PRODUCT);

  subtractOnce(SCALAR_SUM, constantAt(ORDER_TWICE));
  subtractOnce(SCALAR_SUM, constantAt(ORDER));
  memory.copy(out, SCALAR_SUM, 32);
}

/** out = nonce + challenge · secret modulo L. */
export function respond(out: usize): void {
  multiplyWords(SCALAR_WIDE, SCALAR_CHALLENGE, 8, SCALAR_SECRET, 8);
  memory.fill(SCALAR_PRODUCT, 0, 64);
  memory.copy(SCALAR_PRODUCT, SCALAR_NONCE, 32);
  addWords(SCALAR_WIDE, SCALAR_PRODUCT, 16);
  reduceWide(out);
}

/** out = a + b, eight words; no caller's sum carries out of them. */
export function addScalars(out: usize, a: usize, b: usize): void {
  memory.copy(out, a, 32);
  addWords(out, b, 8);
}

/** Whether the 32 bytes at `at` (4-aligned) are a number below L. */
export function isReduced(at: usize): bool {
  memory.copy(SCALAR_SUM, at, 32);
  return subtractScalar(SCALAR_SUM, constantAt(ORDER)) != 0;
}

/**
 * Writes the scalar at `at`, below 2^253, as signed digits: Σ digit_i 2^i, each zero or odd and
 * between −15 and 15, and at most one of any five in a row not zero. The time depends on the
 * scalar.
 */
export function digits(out: usize, at: usize): void {
  memory.fill(out, 0, NAF_BYTES);
  let carry: u32 = 0;
  let bit: u32 = 0;
  while (bit < NAF_BYTES) {
    if (bitsAt(at, bit, 1) == carry) {
      bit++;
      continue;
    }
    const word = bitsAt(at, bit, 5) + carry;
    carry = word >>> 4;
    store<i8>(out + bit, <i32>word - <i32>(carry << 5));
    bit += 5;
  }
}

/** Returns `count` bits of a scalar from `bit` on; beyond bit 255 they are zero. */
function bitsAt(at: usize, bit: u32, count: u32): u32 {
  const word = bit >>> 5;
  const shift = bit & 31;
  let bits = load<u32>(at + (word << 2)) >>> shift;
  if (shift + count > 32 && word < 7) bits |= load<u32>(at + ((word + 1) << 2)) << (32 - shift);
  return bits & ((1 << count) - 1);
}

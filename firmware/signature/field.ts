// Computes with integers modulo p = 2^255 − 19.
//
// Ten limbs represent f0 + 2^26 f1 + 2^51 f2 + 2^77 f3 + … + 2^230 f9: by turns 26 and 25 bits, so
// that a product of limbs is one multiplication of 32 bits and a column of ten products fits into
// 64 (the representation of D. J. Bernstein, "Curve25519: new Diffie-Hellman speed records", 2006).
// Limbs are signed: a difference needs no bias.
//
// Sizes are counted in units: an element of u units has even limbs of at most u · 2^25 · 1.01 and
// odd ones of at most u · 2^24 · 1.01 either way.
//   multiply, square   result of 1 unit
//   unpack             result of 2 units
//   add, subtract      result of the sum of the operands' units
// No branch and no address depends on a value.

import { FIELD_BYTES } from './workspace';

const HALF_EVEN: i64 = 1 << 25;
const HALF_ODD: i64 = 1 << 24;

// @inline
function product(a: i32, b: i32): i64 {
  return <i64>a * <i64>b;
}

/**
 * out = f · g. f may have 18 units, g at most 3.3 (19 g must fit into 32 bits), and both together
 * at most 60: a column is below 125 · 2^50 times both. `out` may be an operand.
 *
 * `…w`: times 19, since 2^255 = 19; `…d`: doubled, since two odd limbs are a bit lower than the sum
 * of their places. The function is long because it is straight-line code.
 */
export function multiply(out: usize, f: usize, g: usize): void {
  const f0 = load<i32>(f, 0);
  const f1 = load<i32>(f, 4);
  const f2 = load<i32>(f, 8);
  const f3 = load<i32>(f, 12);
  const f4 = load<i32>(f, 16);
  const f5 = load<i32>(f, 20);
  const f6 = load<i32>(f, 24);
  const f7 = load<i32>(f, 28);
  const f8 = load<i32>(f, 32);
  const f9 = load<i32>(f, 36);
  const g0 = load<i32>(g, 0);
  const g1 = load<i32>(g, 4);
  const g2 = load<i32>(g, 8);
  const g3 = load<i32>(g, 12);
  const g4 = load<i32>(g, 16);
  const g5 = load<i32>(g, 20);
  const g6 = load<i32>(g, 24);
  const g7 = load<i32>(g, 28);
  const g8 = load<i32>(g, 32);
  const g9 = load<i32>(g, 36);
  const f1d = f1 << 1;
  const f3d = f3 << 1;
  const f5d = f5 << 1;
  const f7d = f7 << 1;
  const f9d = f9 << 1;
  const g1w = g1 * 19;
  const g2w = g2 * 19;
  const g3w = g3 * 19;
  const g4w = g4 * 19;
  const g5w = g5 * 19;
  const g6w = g6 * 19;
  const g7w = g7 * 19;
  const g8w = g8 * 19;
  const g9w = g9 * 19;
  let column =
    product(f0, g0) +
    product(f1d, g9w) +
    product(f2, g8w) +
    product(f3d, g7w) +
    product(f4, g6w) +
    product(f5d, g5w) +
    product(f6, g4w) +
    product(f7d, g3w) +
    product(f8, g2w) +
    product(f9d, g1w);
  let carry = (column + HALF_EVEN) >> 26;
  let r0 = <i32>column - ((<i32>carry) << 26);
  column =
    carry +
    product(f0, g1) +
    product(f1, g0) +
    product(f2, g9w) +
    product(f3, g8w) +
    product(f4, g7w) +
    product(f5, g6w) +
    product(f6, g5w) +
    product(f7, g4w) +
    product(f8, g3w) +
    product(f9, g2w);
  carry = (column + HALF_ODD) >> 25;
  let r1 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0, g2) +
    product(f1d, g1) +
    product(f2, g0) +
    product(f3d, g9w) +
    product(f4, g8w) +
    product(f5d, g7w) +
    product(f6, g6w) +
    product(f7d, g5w) +
    product(f8, g4w) +
    product(f9d, g3w);
  carry = (column + HALF_EVEN) >> 26;
  const r2 = <i32>column - ((<i32>carry) << 26);
  column =
    carry +
    product(f0, g3) +
    product(f1, g2) +
    product(f2, g1) +
    product(f3, g0) +
    product(f4, g9w) +
    product(f5, g8w) +
    product(f6, g7w) +
    product(f7, g6w) +
    product(f8, g5w) +
    product(f9, g4w);
  carry = (column + HALF_ODD) >> 25;
  const r3 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0, g4) +
    product(f1d, g3) +
    product(f2, g2) +
    product(f3d, g1) +
    product(f4, g0) +
    product(f5d, g9w) +
    product(f6, g8w) +
    product(f7d, g7w) +
    product(f8, g6w) +
    product(f9d, g5w);
  carry = (column + HALF_EVEN) >> 26;
  const r4 = <i32>column - ((<i32>carry) << 26);
  column =
    carry +
    product(f0, g5) +
    product(f1, g4) +
    product(f2, g3) +
    product(f3, g2) +
    product(f4, g1) +
    product(f5, g0) +
    product(f6, g9w) +
    product(f7, g8w) +
    product(f8, g7w) +
    product(f9, g6w);
  carry = (column + HALF_ODD) >> 25;
  const r5 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0, g6) +
    product(f1d, g5) +
    product(f2, g4) +
    product(f3d, g3) +
    product(f4, g2) +
    product(f5d, g1) +
    product(f6, g0) +
    product(f7d, g9w) +
    product(f8, g8w) +
    product(f9d, g7w);
  carry = (column + HALF_EVEN) >> 26;
  const r6 = <i32>column - ((<i32>carry) << 26);
  column =
    carry +
    product(f0, g7) +
    product(f1, g6) +
    product(f2, g5) +
    product(f3, g4) +
    product(f4, g3) +
    product(f5, g2) +
    product(f6, g1) +
    product(f7, g0) +
    product(f8, g9w) +
    product(f9, g8w);
  carry = (column + HALF_ODD) >> 25;
  const r7 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0, g8) +
    product(f1d, g7) +
    product(f2, g6) +
    product(f3d, g5) +
    product(f4, g4) +
    product(f5d, g3) +
    product(f6, g2) +
    product(f7d, g1) +
    product(f8, g0) +
    product(f9d, g9w);
  carry = (column + HALF_EVEN) >> 26;
  const r8 = <i32>column - ((<i32>carry) << 26);
  column =
    carry +
    product(f0, g9) +
    product(f1, g8) +
    product(f2, g7) +
    product(f3, g6) +
    product(f4, g5) +
    product(f5, g4) +
    product(f6, g3) +
    product(f7, g2) +
    product(f8, g1) +
    product(f9, g0);
  carry = (column + HALF_ODD) >> 25;
  const r9 = <i32>column - ((<i32>carry) << 25);
  column = <i64>r0 + carry * 19;
  carry = (column + HALF_EVEN) >> 26;
  r0 = <i32>column - ((<i32>carry) << 26);
  r1 += <i32>carry;
  store<i32>(out, r0, 0);
  store<i32>(out, r1, 4);
  store<i32>(out, r2, 8);
  store<i32>(out, r3, 12);
  store<i32>(out, r4, 16);
  store<i32>(out, r5, 20);
  store<i32>(out, r6, 24);
  store<i32>(out, r7, 28);
  store<i32>(out, r8, 32);
  store<i32>(out, r9, 36);
}

/**
 * out = f². f has at most 3.3 units (`…v`: times 38). `out` may be f. Straight-line code as
 * multiply().
 */
export function square(out: usize, f: usize): void {
  const f0 = load<i32>(f, 0);
  const f1 = load<i32>(f, 4);
  const f2 = load<i32>(f, 8);
  const f3 = load<i32>(f, 12);
  const f4 = load<i32>(f, 16);
  const f5 = load<i32>(f, 20);
  const f6 = load<i32>(f, 24);
  const f7 = load<i32>(f, 28);
  const f8 = load<i32>(f, 32);
  const f9 = load<i32>(f, 36);
  const f0d = f0 << 1;
  const f1d = f1 << 1;
  const f2d = f2 << 1;
  const f3d = f3 << 1;
  const f4d = f4 << 1;
  const f5d = f5 << 1;
  const f6d = f6 << 1;
  const f7d = f7 << 1;
  const f8d = f8 << 1;
  const f9d = f9 << 1;
  const f5w = f5 * 19;
  const f6w = f6 * 19;
  const f7w = f7 * 19;
  const f8w = f8 * 19;
  const f9w = f9 * 19;
  const f7v = f7 * 38;
  const f9v = f9 * 38;
  let column =
    product(f0, f0) + product(f1d, f9v) + product(f2d, f8w) + product(f3d, f7v) + product(f4d, f6w) + product(f5d, f5w);
  let carry = (column + HALF_EVEN) >> 26;
  let r0 = <i32>column - ((<i32>carry) << 26);
  column = carry + product(f0d, f1) + product(f2d, f9w) + product(f3d, f8w) + product(f4d, f7w) + product(f5d, f6w);
  carry = (column + HALF_ODD) >> 25;
  let r1 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0d, f2) +
    product(f1d, f1) +
    product(f3d, f9v) +
    product(f4d, f8w) +
    product(f5d, f7v) +
    product(f6, f6w);
  carry = (column + HALF_EVEN) >> 26;
  const r2 = <i32>column - ((<i32>carry) << 26);
  column = carry + product(f0d, f3) + product(f1d, f2) + product(f4d, f9w) + product(f5d, f8w) + product(f6d, f7w);
  carry = (column + HALF_ODD) >> 25;
  const r3 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0d, f4) +
    product(f1d, f3d) +
    product(f2, f2) +
    product(f5d, f9v) +
    product(f6d, f8w) +
    product(f7d, f7w);
  carry = (column + HALF_EVEN) >> 26;
  const r4 = <i32>column - ((<i32>carry) << 26);
  column = carry + product(f0d, f5) + product(f1d, f4) + product(f2d, f3) + product(f6d, f9w) + product(f7d, f8w);
  carry = (column + HALF_ODD) >> 25;
  const r5 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0d, f6) +
    product(f1d, f5d) +
    product(f2d, f4) +
    product(f3d, f3) +
    product(f7d, f9v) +
    product(f8, f8w);
  carry = (column + HALF_EVEN) >> 26;
  const r6 = <i32>column - ((<i32>carry) << 26);
  column = carry + product(f0d, f7) + product(f1d, f6) + product(f2d, f5) + product(f3d, f4) + product(f8d, f9w);
  carry = (column + HALF_ODD) >> 25;
  const r7 = <i32>column - ((<i32>carry) << 25);
  column =
    carry +
    product(f0d, f8) +
    product(f1d, f7d) +
    product(f2d, f6) +
    product(f3d, f5d) +
    product(f4, f4) +
    product(f9d, f9w);
  carry = (column + HALF_EVEN) >> 26;
  const r8 = <i32>column - ((<i32>carry) << 26);
  column = carry + product(f0d, f9) + product(f1d, f8) + product(f2d, f7) + product(f3d, f6) + product(f4d, f5);
  carry = (column + HALF_ODD) >> 25;
  const r9 = <i32>column - ((<i32>carry) << 25);
  column = <i64>r0 + carry * 19;
  carry = (column + HALF_EVEN) >> 26;
  r0 = <i32>column - ((<i32>carry) << 26);
  r1 += <i32>carry;
  store<i32>(out, r0, 0);
  store<i32>(out, r1, 4);
  store<i32>(out, r2, 8);
  store<i32>(out, r3, 12);
  store<i32>(out, r4, 16);
  store<i32>(out, r5, 20);
  store<i32>(out, r6, 24);
  store<i32>(out, r7, 28);
  store<i32>(out, r8, 32);
  store<i32>(out, r9, 36);
}

/** out = f^(2^times), times ≥ 1. */
export function squareTimes(out: usize, f: usize, times: u32): void {
  square(out, f);
  for (let i: u32 = 1; i < times; i++) square(out, out);
}

export function add(out: usize, f: usize, g: usize): void {
  const r0 = load<i32>(f, 0) + load<i32>(g, 0);
  const r1 = load<i32>(f, 4) + load<i32>(g, 4);
  const r2 = load<i32>(f, 8) + load<i32>(g, 8);
  const r3 = load<i32>(f, 12) + load<i32>(g, 12);
  const r4 = load<i32>(f, 16) + load<i32>(g, 16);
  const r5 = load<i32>(f, 20) + load<i32>(g, 20);
  const r6 = load<i32>(f, 24) + load<i32>(g, 24);
  const r7 = load<i32>(f, 28) + load<i32>(g, 28);
  const r8 = load<i32>(f, 32) + load<i32>(g, 32);
  const r9 = load<i32>(f, 36) + load<i32>(g, 36);
  store<i32>(out, r0, 0);
  store<i32>(out, r1, 4);
  store<i32>(out, r2, 8);
  store<i32>(out, r3, 12);
  store<i32>(out, r4, 16);
  store<i32>(out, r5, 20);
  store<i32>(out, r6, 24);
  store<i32>(out, r7, 28);
  store<i32>(out, r8, 32);
  store<i32>(out, r9, 36);
}

export function subtract(out: usize, f: usize, g: usize): void {
  const r0 = load<i32>(f, 0) - load<i32>(g, 0);
  const r1 = load<i32>(f, 4) - load<i32>(g, 4);
  const r2 = load<i32>(f, 8) - load<i32>(g, 8);
  const r3 = load<i32>(f, 12) - load<i32>(g, 12);
  const r4 = load<i32>(f, 16) - load<i32>(g, 16);
  const r5 = load<i32>(f, 20) - load<i32>(g, 20);
  const r6 = load<i32>(f, 24) - load<i32>(g, 24);
  const r7 = load<i32>(f, 28) - load<i32>(g, 28);
  const r8 = load<i32>(f, 32) - load<i32>(g, 32);
  const r9 = load<i32>(f, 36) - load<i32>(g, 36);
  store<i32>(out, r0, 0);
  store<i32>(out, r1, 4);
  store<i32>(out, r2, 8);
  store<i32>(out, r3, 12);
  store<i32>(out, r4, 16);
  store<i32>(out, r5, 20);
  store<i32>(out, r6, 24);
  store<i32>(out, r7, 28);
  store<i32>(out, r8, 32);
  store<i32>(out, r9, 36);
}

/** f = −f where `mask` is all ones; where it is 0 nothing changes. */
export function negateMasked(f: usize, mask: i32): void {
  for (let at: u32 = 0; at < FIELD_BYTES; at += 4) store<i32>(f + at, (load<i32>(f + at) ^ mask) - mask);
}

export function copyField(out: usize, f: usize): void {
  memory.copy(out, f, FIELD_BYTES);
}

/** f = value, a small one. */
export function setSmall(f: usize, value: i32): void {
  memory.fill(f, 0, FIELD_BYTES);
  store<i32>(f, value);
}

/** Reads the element in 32 bytes at `at` (4-aligned), little-endian; bit 255 is ignored. */
export function unpack(out: usize, at: usize): void {
  const w0 = load<u32>(at);
  const w1 = load<u32>(at, 4);
  const w2 = load<u32>(at, 8);
  const w3 = load<u32>(at, 12);
  const w4 = load<u32>(at, 16);
  const w5 = load<u32>(at, 20);
  const w6 = load<u32>(at, 24);
  const w7 = load<u32>(at, 28);
  store<u32>(out, w0 & 0x3ffffff);
  store<u32>(out, ((w0 >>> 26) | (w1 << 6)) & 0x1ffffff, 4);
  store<u32>(out, ((w1 >>> 19) | (w2 << 13)) & 0x3ffffff, 8);
  store<u32>(out, ((w2 >>> 13) | (w3 << 19)) & 0x1ffffff, 12);
  store<u32>(out, w3 >>> 6, 16);
  store<u32>(out, w4 & 0x1ffffff, 20);
  store<u32>(out, ((w4 >>> 25) | (w5 << 7)) & 0x3ffffff, 24);
  store<u32>(out, ((w5 >>> 19) | (w6 << 13)) & 0x1ffffff, 28);
  store<u32>(out, ((w6 >>> 12) | (w7 << 20)) & 0x3ffffff, 32);
  store<u32>(out, (w7 >>> 6) & 0x1ffffff, 36);
}

/** Bits of the limb at `index`. */
// @inline
function limbBits(index: u32): i32 {
  return <i32>(26 - (index & 1));
}

/**
 * Writes the one encoding of f, of at most 2 units, to 32 bytes at `at` (4-aligned): 0 ≤ value < p,
 * little-endian, bit 255 clear. Makes the limbs of f non-negative.
 *
 * First computes the number of times that p fits into the value, rounded down: it is what f + 19
 * (2^-255 f rounded) carries out at the top. Subtracting it times p is adding 19 times it at the
 * bottom and discarding a carry at the top.
 */
export function pack(at: usize, f: usize): void {
  let quotient = (19 * load<i32>(f, 36) + (1 << 24)) >> 25;
  for (let i: u32 = 0; i < 10; i++) quotient = (load<i32>(f + (i << 2)) + quotient) >> limbBits(i);
  let carry = 19 * quotient;
  for (let i: u32 = 0; i < 10; i++) {
    const limb = load<i32>(f + (i << 2)) + carry;
    carry = limb >> limbBits(i);
    store<i32>(f + (i << 2), limb - (carry << limbBits(i)));
  }
  const f1 = load<u32>(f, 4);
  const f2 = load<u32>(f, 8);
  const f3 = load<u32>(f, 12);
  const f6 = load<u32>(f, 24);
  const f7 = load<u32>(f, 28);
  const f8 = load<u32>(f, 32);
  store<u32>(at, load<u32>(f) | (f1 << 26));
  store<u32>(at, (f1 >>> 6) | (f2 << 19), 4);
  store<u32>(at, (f2 >>> 13) | (f3 << 13), 8);
  store<u32>(at, (f3 >>> 19) | (load<u32>(f, 16) << 6), 12);
  store<u32>(at, load<u32>(f, 20) | (f6 << 25), 16);
  store<u32>(at, (f6 >>> 7) | (f7 << 19), 20);
  store<u32>(at, (f7 >>> 13) | (f8 << 12), 24);
  store<u32>(at, (f8 >>> 20) | (load<u32>(f, 36) << 6), 28);
}

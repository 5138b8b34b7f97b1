// Computes multiples of the base point B.
//
// Signing uses a comb of four blocks and four teeth; every entry of a block is read each time (M.
// Hamburg, "Fast and compact elliptic-curve cryptography", 2012). The scalar is first written with
// the digits 1 and −1 only, so that no step is omitted: Σ ±2^i over 256 places is 2k − (2^256 − 1)
// for the number k whose bits are the signs. The table has multiples of B ÷ 2, which cancels the 2.

import { ENTRY_DIFFERENCE, ENTRY_PACKED, ENTRY_PRODUCT, ENTRY_SUM, SCALAR_SHIFTED } from './workspace';
import { constantAt, BASE_COMB, BASE_ODD, COMB_SHIFT } from './constants';
import { addScalars } from './scalar';
import { addEntry, double, negateEntry, setNeutral } from './points';
import { unpack } from './field';

const BLOCKS: u32 = 4;
/** The sign of the upper tooth aside, three teeth choose among eight entries. */
const ENTRIES: u32 = 8;
const ENTRY_BYTES: u32 = 96;
/** Places between two teeth: 256 = 4 · 4 · 16. */
const SPACING: u32 = 16;

function unpackEntry(at: usize): void {
  unpack(ENTRY_SUM, at);
  unpack(ENTRY_DIFFERENCE, at + 32);
  unpack(ENTRY_PRODUCT, at + 64);
}

/** All ones if a and b, both below 2^31, are equal, else 0. */
// @inline
function equalMask(a: u32, b: u32): u32 {
  return 0 - (((a ^ b) - 1) >>> 31);
}

/** Copies entry `index` of the block at `block` to ENTRY_PACKED. Reads all eight. */
function selectEntry(block: usize, index: u32): void {
  const mask0 = equalMask(index, 0);
  const mask1 = equalMask(index, 1);
  const mask2 = equalMask(index, 2);
  const mask3 = equalMask(index, 3);
  const mask4 = equalMask(index, 4);
  const mask5 = equalMask(index, 5);
  const mask6 = equalMask(index, 6);
  const mask7 = equalMask(index, 7);
  for (let word: u32 = 0; word < ENTRY_BYTES; word += 4) {
    const at = block + word;
    const lower =
      (load<u32>(at) & mask0) |
      (load<u32>(at, 96) & mask1) |
      (load<u32>(at, 192) & mask2) |
      (load<u32>(at, 288) & mask3);
    const higher =
      (load<u32>(at, 384) & mask4) |
      (load<u32>(at, 480) & mask5) |
      (load<u32>(at, 576) & mask6) |
      (load<u32>(at, 672) & mask7);
    store<u32>(ENTRY_PACKED + word, lower | higher);
  }
}

/** Returns the bit of SCALAR_SHIFTED at `place`. */
// @inline
function sign(place: u32): u32 {
  return (load<u32>(SCALAR_SHIFTED + ((place >>> 5) << 2)) >>> (place & 31)) & 1;
}

/** p = k B for the scalar k at `scalar`, below 2^255. Neither steps nor addresses depend on k. */
export function multiplyBase(p: usize, scalar: usize): void {
  addScalars(SCALAR_SHIFTED, scalar, constantAt(COMB_SHIFT));
  setNeutral(p);
  for (let step: u32 = 0; step < SPACING; step++) {
    const place = SPACING - 1 - step;
    if (step > 0) double(p, true);
    for (let block: u32 = 0; block < BLOCKS; block++) {
      const first = block * 4 * SPACING + place;
      const upper = sign(first + 3 * SPACING);
      const lower = sign(first) | (sign(first + SPACING) << 1) | (sign(first + 2 * SPACING) << 2);
      // Where the upper tooth is negative, all four teeth and the entry are negated.
      const negative = upper - 1;
      selectEntry(constantAt(BASE_COMB) + block * ENTRIES * ENTRY_BYTES, lower ^ (negative & 7));
      unpackEntry(ENTRY_PACKED);
      negateEntry(<i32>negative);
      addEntry(p, block + 1 < BLOCKS);
    }
  }
}

/**
 * p += digit · B for a digit of verification, odd and between −15 and 15. A doubling must follow,
 * or nothing: T of p is not computed.
 */
export function addOddBase(p: usize, digit: i32): void {
  const positive = digit < 0 ? -digit : digit;
  unpackEntry(constantAt(BASE_ODD) + <u32>(positive >> 1) * ENTRY_BYTES);
  negateEntry(digit >> 31);
  addEntry(p, false);
}

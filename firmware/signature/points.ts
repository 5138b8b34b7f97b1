// Computes with points of the curve −x² + y² = 1 + d x² y² (RFC 8032, 5.1) in extended coordinates:
// x = X ÷ Z, y = Y ÷ Z, T = XY ÷ Z (H. Hisil and others, "Twisted Edwards curves revisited", 2008;
// both formulas are complete here, since −1 is a square and d is none). A point that a call adds
// often is prepared: y + x, y − x, 2 d t, and z where it is not 1.
//
// Steps and addresses are the same for every point, except in `decompress`, which is for
// verification.

import {
  ENTRY_DIFFERENCE,
  ENTRY_PRODUCT,
  ENTRY_SUM,
  FIELD_BYTES,
  FIELD_0,
  FIELD_1,
  FIELD_2,
  FIELD_3,
  FIELD_4,
  FIELD_5,
  FIELD_6,
  FIELD_7,
} from './workspace';
import { add, copyField, multiply, negateMasked, pack, setSmall, square, subtract, unpack } from './field';
import { powerForRoot } from './power';
import { constantAt, CURVE_D, CURVE_D_TWICE, ROOT_OF_MINUS_ONE } from './constants';

/** Coordinates of a point; of a prepared one: y + x, y − x, z, 2 d t. */
const X: usize = 0;
const Y: usize = FIELD_BYTES;
export const Z: usize = 2 * FIELD_BYTES;
const T: usize = 3 * FIELD_BYTES;

export function setNeutral(p: usize): void {
  setSmall(p + X, 0);
  setSmall(p + Y, 1);
  setSmall(p + Z, 1);
  setSmall(p + T, 0);
}

/**
 * p = (E F, G H, F G, E H), with E … H in FIELD_0 … 3: the end of both formulas. E and H have at
 * most 3 units, F 4, G 3.
 */
function finish(p: usize, wantsT: bool): void {
  multiply(p + X, FIELD_1, FIELD_0);
  multiply(p + Y, FIELD_2, FIELD_3);
  multiply(p + Z, FIELD_1, FIELD_2);
  if (wantsT) multiply(p + T, FIELD_0, FIELD_3);
}

/**
 * p = 2p. A doubling does not need T; it is computed only on request, for an addition that follows.
 */
export function double(p: usize, wantsT: bool): void {
  square(FIELD_4, p + X);
  square(FIELD_5, p + Y);
  square(FIELD_6, p + Z);
  add(FIELD_7, p + X, p + Y);
  square(FIELD_0, FIELD_7);
  // H = X² + Y², E = (X + Y)² − H, G = Y² − X², F = 2 Z² − G. H and F have the opposite sign of the
  // paper's, so all four coordinates have: that is the same point.
  add(FIELD_3, FIELD_4, FIELD_5);
  subtract(FIELD_0, FIELD_0, FIELD_3);
  subtract(FIELD_2, FIELD_5, FIELD_4);
  subtract(FIELD_1, FIELD_6, FIELD_2);
  add(FIELD_1, FIELD_1, FIELD_6);
  finish(p, wantsT);
}

/**
 * p += the prepared point at `sum`, `difference`, `product`, of at most 3 units each; FIELD_6 is
 * twice the product of both z. With sum and difference exchanged and product negated it subtracts.
 */
function addPrepared(p: usize, sum: usize, difference: usize, product: usize): void {
  subtract(FIELD_4, p + Y, p + X);
  multiply(FIELD_4, FIELD_4, difference);
  add(FIELD_5, p + Y, p + X);
  multiply(FIELD_5, FIELD_5, sum);
  multiply(FIELD_7, p + T, product);
  subtract(FIELD_0, FIELD_5, FIELD_4);
  add(FIELD_3, FIELD_5, FIELD_4);
  subtract(FIELD_1, FIELD_6, FIELD_7);
  add(FIELD_2, FIELD_6, FIELD_7);
}

/**
 * p += the base point's multiple in ENTRY_SUM, ENTRY_DIFFERENCE, ENTRY_PRODUCT, whose z is 1. T as
 * in `double`.
 */
export function addEntry(p: usize, wantsT: bool): void {
  add(FIELD_6, p + Z, p + Z);
  addPrepared(p, ENTRY_SUM, ENTRY_DIFFERENCE, ENTRY_PRODUCT);
  finish(p, wantsT);
}

/** Negates the entry where `mask` is all ones; where it is 0 nothing changes. */
export function negateEntry(mask: i32): void {
  for (let at: u32 = 0; at < FIELD_BYTES; at += 4) {
    const sum = load<i32>(ENTRY_SUM + at);
    const difference = load<i32>(ENTRY_DIFFERENCE + at);
    const exchanged = (sum ^ difference) & mask;
    store<i32>(ENTRY_SUM + at, sum ^ exchanged);
    store<i32>(ENTRY_DIFFERENCE + at, difference ^ exchanged);
  }
  negateMasked(ENTRY_PRODUCT, mask);
}

/** Prepares p at q, which is another place. */
export function prepare(q: usize, p: usize): void {
  add(q + X, p + Y, p + X);
  subtract(q + Y, p + Y, p + X);
  copyField(q + Z, p + Z);
  unpack(FIELD_0, constantAt(CURVE_D_TWICE));
  multiply(q + T, p + T, FIELD_0);
}

/** p += the prepared point at q, or −= it. T as in `double`. */
export function addPoint(p: usize, q: usize, negative: bool, wantsT: bool): void {
  multiply(FIELD_6, p + Z, q + Z);
  add(FIELD_6, FIELD_6, FIELD_6);
  if (!negative) {
    addPrepared(p, q + X, q + Y, q + T);
  } else {
    addPrepared(p, q + Y, q + X, q + T);
    // F and G are exchanged when the product changes its sign.
    copyField(FIELD_7, FIELD_1);
    copyField(FIELD_1, FIELD_2);
    copyField(FIELD_2, FIELD_7);
  }
  finish(p, wantsT);
}

/** Writes the encoding of p, 32 bytes, to `at` (4-aligned), with 1 ÷ Z at `inverse`. */
export function compress(at: usize, p: usize, inverse: usize): void {
  multiply(FIELD_0, p + X, inverse);
  pack(at, FIELD_0);
  const sign = load<u32>(at) << 31;
  multiply(FIELD_0, p + Y, inverse);
  pack(at, FIELD_0);
  store<u32>(at, load<u32>(at, 28) | sign, 28);
}

/**
 * Whether f, of at most 3 units, is zero. A product by 1 reduces f to what `pack` accepts. Uses
 * FIELD_6 and FIELD_7.
 */
function isZero(f: usize): bool {
  setSmall(FIELD_6, 1);
  multiply(FIELD_6, f, FIELD_6);
  pack(FIELD_7, FIELD_6);
  let any: u32 = 0;
  for (let at: u32 = 0; at < 32; at += 4) any |= load<u32>(FIELD_7 + at);
  return any == 0;
}

/**
 * p = the point that the 32 bytes at `at` (4-aligned) encode; false if there is none. `isCanonical`
 * checks that y is below p.
 */
export function decompress(p: usize, at: usize): bool {
  unpack(p + Y, at);
  setSmall(p + Z, 1);
  // x² = u ÷ v, u = y² − 1, v = d y² + 1. A candidate is u v³ (u v⁷)^((p − 5) ÷ 8).
  square(FIELD_0, p + Y);
  unpack(FIELD_1, constantAt(CURVE_D));
  multiply(FIELD_1, FIELD_0, FIELD_1);
  subtract(FIELD_0, FIELD_0, p + Z);
  add(FIELD_1, FIELD_1, p + Z);
  square(FIELD_2, FIELD_1);
  multiply(FIELD_2, FIELD_2, FIELD_1);
  square(FIELD_3, FIELD_2);
  multiply(FIELD_3, FIELD_3, FIELD_1);
  multiply(FIELD_3, FIELD_3, FIELD_0);
  powerForRoot(FIELD_3, FIELD_3);
  multiply(FIELD_3, FIELD_3, FIELD_2);
  multiply(p + X, FIELD_3, FIELD_0);
  // The candidate's square times v is u; or −u: then it is multiplied by the root of −1; otherwise
  // there is no point.
  square(FIELD_2, p + X);
  multiply(FIELD_2, FIELD_2, FIELD_1);
  subtract(FIELD_3, FIELD_2, FIELD_0);
  if (!isZero(FIELD_3)) {
    add(FIELD_3, FIELD_2, FIELD_0);
    if (!isZero(FIELD_3)) return false;
    unpack(FIELD_2, constantAt(ROOT_OF_MINUS_ONE));
    multiply(p + X, p + X, FIELD_2);
  }
  copyField(FIELD_2, p + X);
  pack(FIELD_7, FIELD_2);
  if ((load<u32>(FIELD_7) & 1) != load<u32>(at, 28) >>> 31) negateMasked(p + X, -1);
  multiply(p + T, p + X, p + Y);
  return true;
}

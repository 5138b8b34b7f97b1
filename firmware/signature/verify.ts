// Verifies s B = R + h A, without the cofactor: computes R as s B − h A and compares its encoding
// with the one received. The time may depend on the inputs, all of which are public.

import {
  DIGEST,
  FIELD_5,
  INPUT_KEY,
  INPUT_SIGNATURE,
  NAF_BASE,
  NAF_KEY,
  OUTPUT,
  POINT_A,
  POINT_BYTES,
  POINT_R,
  POINT_SPARE,
  SCALAR_CHALLENGE,
  SCALAR_WIDE,
  TABLE,
  TABLE_POINTS,
} from './workspace';
import { constantAt, FIELD_PRIME, SMALL_ORDER_Y, SMALL_ORDER_COUNT } from './constants';
import { hashBegin, hashBytes, hashEnd } from './sha512';
import { digits, isReduced, reduceWide } from './scalar';
import { addPoint, compress, decompress, double, prepare, setNeutral, Z } from './points';
import { addOddBase } from './base';
import { invert } from './power';

/** Whether the y in the 32 bytes at `at` (4-aligned) is below p, the sign of x aside. */
function isCanonical(at: usize): bool {
  const prime = constantAt(FIELD_PRIME);
  for (let i: u32 = 32; i > 0; i -= 4) {
    const word = load<u32>(at + i - 4) & (i == 32 ? 0x7fffffff : 0xffffffff);
    const limit = load<u32>(prime + i - 4);
    if (word != limit) return word < limit;
  }
  return false;
}

/** Whether y, the sign of x aside, is that of a point of order 1, 2, 4 or 8. */
function isSmallOrder(at: usize): bool {
  for (let entry: u32 = 0; entry < SMALL_ORDER_COUNT; entry++) {
    const known = constantAt(SMALL_ORDER_Y) + entry * 32;
    let different: u32 = (load<u32>(at, 28) & 0x7fffffff) ^ load<u32>(known, 28);
    for (let i: u32 = 0; i < 28; i += 4) different |= load<u32>(at + i) ^ load<u32>(known + i);
    if (different == 0) return true;
  }
  return false;
}

/** Prepares the odd multiples A, 3A, … 15A of POINT_A. */
function fillTable(): void {
  memory.copy(POINT_SPARE, POINT_A, POINT_BYTES);
  double(POINT_SPARE, true);
  // 2A is prepared where R will be.
  prepare(POINT_R, POINT_SPARE);
  prepare(TABLE, POINT_A);
  for (let i: u32 = 1; i < TABLE_POINTS; i++) {
    addPoint(POINT_A, POINT_R, false, true);
    prepare(TABLE + i * POINT_BYTES, POINT_A);
  }
}

/** POINT_R = s B − h A, both scalars as digits, on one chain of doublings. */
function combine(): void {
  setNeutral(POINT_R);
  let place: i32 = 255;
  while (place >= 0 && load<i8>(NAF_KEY + place) == 0 && load<i8>(NAF_BASE + place) == 0) place--;
  for (; place >= 0; place--) {
    const ofKey = <i32>load<i8>(NAF_KEY + place);
    const ofBase = <i32>load<i8>(NAF_BASE + place);
    double(POINT_R, (ofKey | ofBase) != 0);
    if (ofKey != 0) {
      const positive = ofKey < 0 ? -ofKey : ofKey;
      addPoint(POINT_R, TABLE + <u32>(positive >> 1) * POINT_BYTES, ofKey > 0, ofBase != 0);
    }
    if (ofBase != 0) addOddBase(POINT_R, ofBase);
  }
}

/** Verifies the signature in INPUT_SIGNATURE under the key in INPUT_KEY. */
export function verifies(message: usize, length: u32): bool {
  if (!isReduced(INPUT_SIGNATURE + 32)) return false;
  // An R that is not canonical equals no encoding that is computed here.
  if (!isCanonical(INPUT_KEY)) return false;
  if (isSmallOrder(INPUT_KEY) || isSmallOrder(INPUT_SIGNATURE)) return false;
  hashBegin();
  hashBytes(INPUT_SIGNATURE, 32);
  hashBytes(INPUT_KEY, 32);
  hashBytes(message, length);
  hashEnd();
  memory.copy(SCALAR_WIDE, DIGEST, 64);
  reduceWide(SCALAR_CHALLENGE);
  if (!decompress(POINT_A, INPUT_KEY)) return false;
  digits(NAF_KEY, SCALAR_CHALLENGE);
  digits(NAF_BASE, INPUT_SIGNATURE + 32);
  fillTable();
  combine();
  invert(FIELD_5, POINT_R + Z);
  compress(OUTPUT, POINT_R, FIELD_5);
  let different: u32 = 0;
  for (let i: u32 = 0; i < 32; i += 4) different |= load<u32>(OUTPUT + i) ^ load<u32>(INPUT_SIGNATURE + i);
  return different == 0;
}

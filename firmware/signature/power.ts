// Computes fixed powers modulo p: the inverse, and the power for a square root. The exponents are
// public, and the steps are the same for every value.

import { POWER_0, POWER_1, POWER_2, POWER_3 } from './workspace';
import { copyField, multiply, square, squareTimes } from './field';

/** POWER_0 = z^(2^ones − 1) becomes z^(2^(2 ones) − 1). */
function doubleOnes(ones: u32): void {
  squareTimes(POWER_3, POWER_0, ones);
  multiply(POWER_0, POWER_3, POWER_0);
}

/** Appends `ones` ones to the exponent of POWER_0 = z^(2^n − 1), with POWER_2 = z^(2^ones − 1). */
function appendOnes(ones: u32): void {
  squareTimes(POWER_0, POWER_0, ones);
  multiply(POWER_0, POWER_0, POWER_2);
}

/**
 * POWER_0 = z^(2^250 − 1), and POWER_1 = z^11 on the way. z has at most 3.3 units and is none of
 * POWER_0 … 3.
 */
function powerOf250Ones(z: usize): void {
  square(POWER_0, z);
  squareTimes(POWER_2, POWER_0, 2);
  multiply(POWER_2, POWER_2, z);
  multiply(POWER_1, POWER_0, POWER_2);
  square(POWER_0, POWER_1);
  // 22 + 9 = 31: five ones.
  multiply(POWER_0, POWER_0, POWER_2);
  doubleOnes(5);
  copyField(POWER_2, POWER_0);
  doubleOnes(10);
  doubleOnes(20);
  appendOnes(10);
  copyField(POWER_2, POWER_0);
  doubleOnes(50);
  doubleOnes(100);
  appendOnes(50);
}

/** out = 1 ÷ z, and 0 for 0: z^(p − 2), p − 2 = 2^255 − 21 = (2^250 − 1) · 2^5 + 11. */
export function invert(out: usize, z: usize): void {
  powerOf250Ones(z);
  squareTimes(POWER_0, POWER_0, 5);
  multiply(out, POWER_0, POWER_1);
}

/**
 * out = z^((p − 5) ÷ 8), (p − 5) ÷ 8 = 2^252 − 3 = (2^250 − 1) · 2^2 + 1. z has at most 3.3 units.
 */
export function powerForRoot(out: usize, z: usize): void {
  powerOf250Ones(z);
  squareTimes(POWER_0, POWER_0, 2);
  multiply(out, POWER_0, z);
}

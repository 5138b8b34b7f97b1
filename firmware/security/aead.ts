// Seals and opens with the cipher of this image: ChaCha20/Poly1305, or the null cipher of
// simulations.

import { CIPHER } from '../memory/limits';
import * as chacha from './cipher';
import * as none from './cipher_null';

// @inline
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
  if (CIPHER == 0) none.seal(key, n0, n1, n2, aad, aadLength, text, length, out);
  else chacha.seal(key, n0, n1, n2, aad, aadLength, text, length, out);
}

// @inline
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
  return CIPHER == 0
    ? none.open(key, n0, n1, n2, aad, aadLength, text, length, out)
    : chacha.open(key, n0, n1, n2, aad, aadLength, text, length, out);
}

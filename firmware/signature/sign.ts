// Derives keys and makes signatures (RFC 8032, 5.1.5 and 5.1.6). Neither steps nor addresses depend
// on the seed or on what is derived from it; they do depend on the length of the message.

import {
  DIGEST,
  FIELD_4,
  FIELD_5,
  INPUT_KEY,
  INPUT_SEED,
  INPUT_SIGNATURE,
  OUTPUT,
  POINT_A,
  POINT_R,
  SCALAR_CHALLENGE,
  SCALAR_NONCE,
  SCALAR_SECRET,
  SCALAR_WIDE,
} from './workspace';
import { hashBegin, hashBytes, hashEnd } from './sha512';
import { multiply } from './field';
import { invert } from './power';
import { multiplyBase } from './base';
import { compress, Z } from './points';
import { reduceWide, respond } from './scalar';

/**
 * Expands the seed in INPUT_SEED: the secret scalar to SCALAR_SECRET, its multiple of the base
 * point to POINT_A, and the prefix of nonces to INPUT_SEED.
 */
function expandSeed(): void {
  hashBegin();
  hashBytes(INPUT_SEED, 32);
  hashEnd();
  memory.copy(SCALAR_SECRET, DIGEST, 32);
  store<u32>(SCALAR_SECRET, load<u32>(SCALAR_SECRET) & ~7);
  store<u32>(SCALAR_SECRET, (load<u32>(SCALAR_SECRET, 28) & 0x7fffffff) | 0x40000000, 28);
  memory.copy(INPUT_SEED, DIGEST + 32, 32);
  multiplyBase(POINT_A, SCALAR_SECRET);
}

/** Writes the public key to OUTPUT. */
export function deriveKey(): void {
  expandSeed();
  invert(FIELD_5, POINT_A + Z);
  compress(OUTPUT, POINT_A, FIELD_5);
}

/**
 * Writes the signature to INPUT_SIGNATURE. False if the key in INPUT_KEY is not the seed's: a
 * second signature of a message under another key would reveal the seed, and a single upset in a
 * stored key would be enough for that. Computing the key anew costs a third of the whole; its
 * inversion is shared.
 */
export function makeSignature(message: usize, length: u32): bool {
  expandSeed();
  hashBegin();
  hashBytes(INPUT_SEED, 32);
  hashBytes(message, length);
  hashEnd();
  memory.copy(SCALAR_WIDE, DIGEST, 64);
  reduceWide(SCALAR_NONCE);
  multiplyBase(POINT_R, SCALAR_NONCE);
  // 1 ÷ Z of both from one inversion, of their product.
  multiply(FIELD_4, POINT_A + Z, POINT_R + Z);
  invert(FIELD_5, FIELD_4);
  multiply(FIELD_4, FIELD_5, POINT_R + Z);
  compress(OUTPUT, POINT_A, FIELD_4);
  multiply(FIELD_4, FIELD_5, POINT_A + Z);
  compress(INPUT_SIGNATURE, POINT_R, FIELD_4);
  let different: u32 = 0;
  for (let i: u32 = 0; i < 32; i += 4) different |= load<u32>(OUTPUT + i) ^ load<u32>(INPUT_KEY + i);
  if (different != 0) return false;
  hashBegin();
  hashBytes(INPUT_SIGNATURE, 32);
  hashBytes(INPUT_KEY, 32);
  hashBytes(message, length);
  hashEnd();
  memory.copy(SCALAR_WIDE, DIGEST, 64);
  reduceWide(SCALAR_CHALLENGE);
  respond(INPUT_SIGNATURE + 32);
  return true;
}

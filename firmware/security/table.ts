// Defines sizes of keys, heads and parts. README.md explains the ideas.

import { COVER_PARTS_MAX } from '../memory/limits';
import { PATH_KEYS } from '../wire/generated/codes';
import { Head } from './records';

export * from './records';
export * from './accessors';

/** The signature's place in a head, 64 bytes. */
export const SIGNATURE_AT: u32 = 64;

export const WRAPPED_AT: u32 = 8;

/** Index of the key of key epoch 0, which opens nothing but heads and parts. */
export const RECOVERY: u32 = 0;
/**
 * Returns the index of a key epoch's key: an even and an odd key epoch, which follow each other,
 * are stored together.
 */
// @inline
export function keyIndex(keyEpoch: u32): u32 {
  return keyEpoch == 0 ? RECOVERY : 1 + (keyEpoch & 1);
}

if (offsetof<Head>() > SIGNATURE_AT) ERROR("a head's signature has a line of its own");
if (COVER_PARTS_MAX < 3 || PATH_KEYS > 9) ERROR('a cover has parts, and a tree of 256 leaves nine levels');

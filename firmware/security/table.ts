// Keys, what hands on the newest epoch, and which frames were taken of whom: layout and accessors. README.md has the ideas.

import { COVER_PARTS_MAX, PATH_KEYS } from '../memory/limits';
import { Head } from './records';

export * from './records';
export * from './accessors';

/** 64 bytes. */
export const SIGNATURE_AT: u32 = 64;

export const WRAPPED_AT: u32 = 8;
export const SECRET_BYTES: u32 = 32;
export const WRAPPED_BYTES: u32 = 48;
export const COMMITMENT_BYTES: u32 = 16;
export const SIGNATURE_BYTES: u32 = 64;

/** Of the key of epoch 0, which opens nothing but heads and parts. */
export const RECOVERY: u32 = 0;
/** Epochs follow each other: an even one and an odd one are held at the same time. */
// @inline
export function keyIndex(epoch: u32): u32 {
  return epoch == 0 ? RECOVERY : 1 + (epoch & 1);
}

if (offsetof<Head>() > SIGNATURE_AT) ERROR("a head's signature has a line of its own");
if (COVER_PARTS_MAX < 3 || PATH_KEYS > 9) ERROR('a cover has parts, and a tree of 256 leaves nine levels');

// Mixes integers for digests and tie-breaks. Not cryptographic: digests are compared among
// authenticated members.

/** Mixes 32 bits (constants of MurmurHash3's fmix32, public domain, A. Appleby). */
export function mix32(x: u32): u32 {
  x ^= x >>> 16;
  x *= 0x85ebca6b;
  x ^= x >>> 13;
  x *= 0xc2b2ae35;
  x ^= x >>> 16;
  return x;
}

/** Folds one word into a running 32-bit state. */
// @inline
export function fold32(state: u32, word: u32): u32 {
  return mix32(state ^ (word * 0x9e3779b1)) + 0x7f4a7c15;
}

/** Mixes 64 bits (constants of SplitMix64, public domain, S. Vigna). */
export function mix64(x: u64): u64 {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  x ^= x >> 31;
  return x;
}

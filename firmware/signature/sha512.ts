// Computes SHA-512 (FIPS 180-4) over pieces that are added one after the other. Words have 64 bits;
// steps and addresses do not depend on the bytes.

import { DIGEST, HASH_BLOCK, HASH_LENGTH, HASH_STATE, ROUNDS, SCHEDULE } from './workspace';
import { constantAt, ROUND_CONSTANTS } from './constants';

const BLOCK_BYTES: u32 = 128;
const ROUND_COUNT: u32 = 80;

// @inline
function bigEndian(at: usize): u64 {
  return ((<u64>bswap<u32>(load<u32>(at))) << 32) | <u64>bswap<u32>(load<u32>(at, 4));
}

// @inline
function storeBigEndian(at: usize, word: u64): void {
  store<u32>(at, bswap<u32>(<u32>(word >>> 32)));
  store<u32>(at, bswap<u32>(<u32>word), 4);
}

export function hashBegin(): void {
  // The first 64 bits of the fractional parts of the square roots of the first eight primes.
  store<u64>(HASH_STATE, 0x6a09e667f3bcc908, 0);
  store<u64>(HASH_STATE, 0xbb67ae8584caa73b, 8);
  store<u64>(HASH_STATE, 0x3c6ef372fe94f82b, 16);
  store<u64>(HASH_STATE, 0xa54ff53a5f1d36f1, 24);
  store<u64>(HASH_STATE, 0x510e527fade682d1, 32);
  store<u64>(HASH_STATE, 0x9b05688c2b3e6c1f, 40);
  store<u64>(HASH_STATE, 0x1f83d9abfb41bd6b, 48);
  store<u64>(HASH_STATE, 0x5be0cd19137e2179, 56);
  store<u32>(HASH_LENGTH, 0);
}

/** Adds `length` bytes at `at` (any alignment). */
export function hashBytes(at: usize, length: u32): void {
  const total = load<u32>(HASH_LENGTH);
  let filled = total & (BLOCK_BYTES - 1);
  store<u32>(HASH_LENGTH, total + length);
  while (length > 0) {
    const taken = min<u32>(BLOCK_BYTES - filled, length);
    memory.copy(HASH_BLOCK + filled, at, taken);
    at += taken;
    length -= taken;
    filled += taken;
    if (filled < BLOCK_BYTES) return;
    hashBlock();
    filled = 0;
  }
}

/** Writes the 64 bytes of the hash to DIGEST. */
export function hashEnd(): void {
  const total = load<u32>(HASH_LENGTH);
  let filled = total & (BLOCK_BYTES - 1);
  store<u8>(HASH_BLOCK + filled, 0x80);
  filled++;
  // The length takes 16 bytes at a block's end; here it is never above 2^32 − 1 bits.
  if (filled > BLOCK_BYTES - 16) {
    memory.fill(HASH_BLOCK + filled, 0, BLOCK_BYTES - filled);
    hashBlock();
    filled = 0;
  }
  memory.fill(HASH_BLOCK + filled, 0, BLOCK_BYTES - filled);
  store<u32>(HASH_BLOCK + BLOCK_BYTES - 4, bswap<u32>(total << 3));
  hashBlock();
  for (let i: u32 = 0; i < 64; i += 8) storeBigEndian(DIGEST + i, load<u64>(HASH_STATE + i));
}

/** Computes the 80 words of the schedule. */
function fillSchedule(): void {
  for (let i: u32 = 0; i < 16; i++) store<u64>(SCHEDULE + (i << 3), bigEndian(HASH_BLOCK + (i << 3)));
  const end = SCHEDULE + (ROUND_COUNT << 3);
  for (let at = SCHEDULE + 128; at < end; at += 8) {
    const before15 = load<u64>(at - 120);
    const before2 = load<u64>(at - 16);
    const small0 = rotl<u64>(before15, 63) ^ rotl<u64>(before15, 56) ^ (before15 >> 7);
    const small1 = rotl<u64>(before2, 45) ^ rotl<u64>(before2, 3) ^ (before2 >> 6);
    store<u64>(at, load<u64>(at - 128) + small0 + load<u64>(at - 56) + small1);
  }
}

/**
 * Compresses one block. The eight working variables are a window that moves down by a word each
 * round: what FIPS calls b is where a was, so that nothing is moved and two words are written.
 */
function hashBlock(): void {
  fillSchedule();
  let at = ROUNDS + (ROUND_COUNT << 3);
  memory.copy(at, HASH_STATE, 64);
  const constants = constantAt(ROUND_CONSTANTS);
  for (let i: u32 = 0; i < ROUND_COUNT << 3; i += 8) {
    const a = load<u64>(at, 0);
    const b = load<u64>(at, 8);
    const e = load<u64>(at, 32);
    const f = load<u64>(at, 40);
    const g = load<u64>(at, 48);
    const large1 = rotl<u64>(e, 50) ^ rotl<u64>(e, 46) ^ rotl<u64>(e, 23);
    const chosen = g ^ (e & (f ^ g));
    const first = load<u64>(at, 56) + large1 + chosen + load<u64>(constants + i) + load<u64>(SCHEDULE + i);
    const large0 = rotl<u64>(a, 36) ^ rotl<u64>(a, 30) ^ rotl<u64>(a, 25);
    const majority = (a & b) | (load<u64>(at, 16) & (a | b));
    // d becomes e, and the new a is written below the old one.
    store<u64>(at, load<u64>(at, 24) + first, 24);
    at -= 8;
    store<u64>(at, first + large0 + majority);
  }
  for (let i: u32 = 0; i < 64; i += 8) store<u64>(HASH_STATE + i, load<u64>(HASH_STATE + i) + load<u64>(at + i));
}

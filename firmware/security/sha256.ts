// SHA-256 (FIPS 180-4), for keys that are derived a few times a day: small rather than fast. No
// branch depends on what is hashed, and the only table, of constants, is read in order.
//
//   state, 104 bytes, 8-aligned:   0  eight words
//                                 32  a block of sixteen words, then the schedule's last sixteen
//                                 96  number of bytes added

import { CODE_BYTES, LINE_BYTES } from '../wire/generated/codes';
import { crc32c, crcTablesDiffer, rebuildCrcEntries, CRC_ENTRIES } from '../base/crc32c';
import { codeOf, correct } from '../memory/lines';

const BLOCK_AT: u32 = 32;
const TAKEN_AT: u32 = 96;
export const SHA_STATE_BYTES: u32 = 104;
export const DIGEST_BYTES: u32 = 32;
export const SHA_BLOCK_BYTES: u32 = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
const CONSTANTS = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
  ],
  16,
);
/** Codes of the four lines that the constants fill (memory/lines.ts). */
const CODES = memory.data<u64>([0x7a7edec870773628, 0xd9d3d4e2d923758e, 0x75d8212e48a62b2d, 0x4018b76073745c95], 16);

/** CRC-32C of the constants, little-endian. */
const CONSTANTS_CRC: u32 = 0x923311f3;

/**
 * Checks the constants, which are in memory where bits flip, and corrects them. False if they
 * cannot be corrected: every hash would be wrong.
 */
export function shaConstantsSound(): bool {
  if (crc32c(CONSTANTS, 256) == CONSTANTS_CRC) return true;
  // Bits flip in the tables of the CRC too: they are corrected before they check others.
  if (crcTablesDiffer()) rebuildCrcEntries(0, CRC_ENTRIES);
  for (let line: usize = 0; line < 4; line++) {
    const at = CONSTANTS + line * LINE_BYTES;
    const code = CODES + line * CODE_BYTES;
    if (codeOf(at) != load<u64>(code)) correct(at, code);
  }
  return crc32c(CONSTANTS, 256) == CONSTANTS_CRC;
}

/** Starts a hash in `state`. */
export function shaBegin(state: usize): void {
  store<u32>(state, 0x6a09e667);
  store<u32>(state, 0xbb67ae85, 4);
  store<u32>(state, 0x3c6ef372, 8);
  store<u32>(state, 0xa54ff53a, 12);
  store<u32>(state, 0x510e527f, 16);
  store<u32>(state, 0x9b05688c, 20);
  store<u32>(state, 0x1f83d9ab, 24);
  store<u32>(state, 0x5be0cd19, 28);
  store<u32>(state, 0, TAKEN_AT);
}

/** Adds one byte. The words of a block are big-endian, which determines its place. */
export function shaAddByte(state: usize, byte: u32): void {
  const taken = load<u32>(state, TAKEN_AT);
  store<u8>(state + ((taken & 63) ^ 3), byte, BLOCK_AT);
  store<u32>(state, taken + 1, TAKEN_AT);
  if ((taken & 63) == 63) compress(state);
}

/** Adds `length` bytes; fewer than 2²⁹ in all. */
export function shaAdd(state: usize, at: usize, length: u32): void {
  const end = at + length;
  while (at != end) {
    shaAddByte(state, load<u8>(at));
    at++;
  }
}

/** Ends the hash and writes its 32 bytes to `out`, which may be `state`. */
export function shaEnd(state: usize, out: usize): void {
  const bits = load<u32>(state, TAKEN_AT) << 3;
  shaAddByte(state, 0x80);
  while ((load<u32>(state, TAKEN_AT) & 63) != 56) shaAddByte(state, 0);
  store<u32>(state, 0, BLOCK_AT + 56);
  store<u32>(state, bits, BLOCK_AT + 60);
  compress(state);
  for (let word: u32 = 0; word < DIGEST_BYTES; word += 4)
    store<u32>(out + word, bswap<u32>(load<u32>(state + word)), 0, 1);
}

/**
 * Writes the SHA-256 of `length` bytes at `at` to `out`. `state`: SHA_STATE_BYTES of scratch,
 * 8-aligned.
 */
export function sha256(at: usize, length: u32, out: usize, state: usize): void {
  shaBegin(state);
  shaAdd(state, at, length);
  shaEnd(state, out);
}

/** Compresses one block (6.2.2). Word t of the schedule replaces word t − 16 before it is used. */
function compress(state: usize): void {
  let a = load<u32>(state),
    b = load<u32>(state, 4),
    c = load<u32>(state, 8),
    d = load<u32>(state, 12);
  let e = load<u32>(state, 16),
    f = load<u32>(state, 20),
    g = load<u32>(state, 24),
    h = load<u32>(state, 28);
  const block = state + BLOCK_AT;
  for (let t: u32 = 0; t < 64; t++) {
    const place = block + ((t & 15) << 2);
    let word = load<u32>(place);
    if (t >= 16) {
      const near = load<u32>(block + (((t - 2) & 15) << 2));
      const far = load<u32>(block + (((t - 15) & 15) << 2));
      word += load<u32>(block + (((t - 7) & 15) << 2));
      word += rotr<u32>(near, 17) ^ rotr<u32>(near, 19) ^ (near >>> 10);
      word += rotr<u32>(far, 7) ^ rotr<u32>(far, 18) ^ (far >>> 3);
      store<u32>(place, word);
    }
    const chosen = g ^ (e & (f ^ g));
    const first =
      h + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + chosen + load<u32>(CONSTANTS + (t << 2)) + word;
    const most = (a & b) | (c & (a | b));
    const second = (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + most;
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}

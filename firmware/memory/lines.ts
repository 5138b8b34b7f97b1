// Computes the code of a protected line of 64 bytes: 8 bytes that correct any one flipped bit, of
// the line or of the code itself, and detect any two. Any number of flipped bits in one bit column
// of the line's words is detected too (a "vertical cluster": one bit line of a memory chip), and
// 99.9 % of three flipped bits at random places.
//
//   line:  sixteen words of 32 bits
//   P      xor of all words but the last: which column a flipped bit is in
//   A, B   xor of the even words, and of the odd ones, each rotated by a number of its own
//   Q      A ^ A rotated by EVEN ^ B ^ B rotated by ODD ^ the last word rotated by LAST
//   code   P and Q, xor CODE_OF_ZEROS
//
// Every bit of a line is in three bits of the code. Two flipped bits change an even number of bits
// of the code, so they are not taken for one (M. Y. Hsiao, "A class of optimal minimum
// odd-weight-column SEC-DED codes", 1970). The two bits in Q are an edge between two columns; the
// sixteen edges of one column of a line form no cycle, so no set of flipped bits in it leaves the
// edge of another bit. The rotations were found by search (test/radiation/lines.test.ts counts what
// they let pass). All sums are linear: there is no carry and no table.
//
// CODE_OF_ZEROS makes sure that memory which reads as one repeated byte, all zeros or all ones
// among them, is never a line with its code. The last word is not in P, so that a line of ones has
// another code than a line of zeros.

/** Rotations of words 0–7 and of words 8–15, a byte each, the lowest byte first. */
const ROTATIONS: u64 = 0x06020f0519170000;
const ROTATIONS_UPPER: u64 = 0x140305130b09121a;
const EVEN: u32 = 1;
const ODD: u32 = 6;
const LAST: u32 = 16;
/** Code of a line of zeros. */
export const CODE_OF_ZEROS: u64 = 0x9e3779b97f4a7c15;
const WORDS: u32 = 16;

/** Returns word `index` of a line, rotated as A and B take it. */
// @inline
function rotated(word: u32, index: u32): u32 {
  const rotations = index < 8 ? ROTATIONS : ROTATIONS_UPPER;
  return rotl<u32>(word, <u32>(rotations >>> ((index & 7) << 3)) & 31);
}

/** Returns the code of the line at `at` (8-aligned): Q in the lower half, P in the upper. */
export function codeOf(at: usize): u64 {
  let words = load<u64>(at);
  let parity = words;
  let a = rotated(<u32>words, 0);
  let b = rotated(<u32>(words >>> 32), 1);
  words = load<u64>(at, 8);
  parity ^= words;
  a ^= rotated(<u32>words, 2);
  b ^= rotated(<u32>(words >>> 32), 3);
  words = load<u64>(at, 16);
  parity ^= words;
  a ^= rotated(<u32>words, 4);
  b ^= rotated(<u32>(words >>> 32), 5);
  words = load<u64>(at, 24);
  parity ^= words;
  a ^= rotated(<u32>words, 6);
  b ^= rotated(<u32>(words >>> 32), 7);
  words = load<u64>(at, 32);
  parity ^= words;
  a ^= rotated(<u32>words, 8);
  b ^= rotated(<u32>(words >>> 32), 9);
  words = load<u64>(at, 40);
  parity ^= words;
  a ^= rotated(<u32>words, 10);
  b ^= rotated(<u32>(words >>> 32), 11);
  words = load<u64>(at, 48);
  parity ^= words;
  a ^= rotated(<u32>words, 12);
  b ^= rotated(<u32>(words >>> 32), 13);
  words = load<u64>(at, 56);
  const last = <u32>(words >>> 32);
  a ^= rotated(<u32>words, 14);
  b ^= rotated(last, 15);
  const p = <u32>parity ^ <u32>(parity >>> 32) ^ <u32>words;
  const q = a ^ rotl<u32>(a, EVEN) ^ b ^ rotl<u32>(b, ODD) ^ rotl<u32>(last, LAST);
  return (((<u64>p) << 32) | <u64>q) ^ CODE_OF_ZEROS;
}

/** Returns what flipping `bits` in the 32-bit word `index` (0–15) of a line flips in its code. */
export function codeOfChange(index: u32, bits: u32): u64 {
  const turned = rotated(bits, index);
  const q = turned ^ rotl<u32>(turned, (index & 1) != 0 ? ODD : EVEN);
  if (index == WORDS - 1) return <u64>(q ^ rotl<u32>(bits, LAST));
  return ((<u64>bits) << 32) | <u64>q;
}

/**
 * Corrects one flipped bit of the line at `at` or of its code at `code`. False if more than one bit
 * must have flipped: then nothing was changed.
 */
export function correct(at: usize, code: usize): bool {
  const computed = codeOf(at);
  const difference = computed ^ load<u64>(code);
  const p = <u32>(difference >>> 32);
  if (popcnt<u64>(difference) == 1) {
    store<u64>(code, computed);
    return true;
  }
  if (p == 0) {
    for (let bit: u32 = 0; bit < 32; bit++)
      if (codeOfChange(WORDS - 1, 1 << bit) == difference) return flip(at, WORDS - 1, 1 << bit);
  } else if (popcnt<u32>(p) == 1) {
    for (let index: u32 = 0; index < WORDS - 1; index++)
      if (codeOfChange(index, p) == difference) return flip(at, index, p);
  }
  return false;
}

/** Flips `bits` in word `index` of the line at `at`. */
function flip(at: usize, index: u32, bits: u32): bool {
  const place = at + (index << 2);
  store<u32>(place, load<u32>(place) ^ bits);
  return true;
}

// Computes the code of a protected line of 64 bytes: 8 bytes that correct any one flipped bit, of
// the line or of the code itself, and detect any two.
//
//   line:  eight words of 64 bits  a b c d A B C D
//   P      xor of all sixteen halves: which column a flipped bit is in
//   Q      P's words, and four sums of them rotated by 1, 2, 4 and 8 bits: which half it is in.
//          Each word is in one sum (a b c d) or in the three others (A B C D), and an upper half is
//          rotated by 16 bits more: every half leaves a different pattern of bits in Q.
//
// Each pattern has an even number of bits, so that two patterns differ in at least two bits, and a
// flipped bit of the code is distinguished from one of the line (the argument of an extended
// Hamming code; M. Y. Hsiao, "A class of optimal minimum odd-weight-column SEC-DED codes", 1970). P
// and Q are linear: there is no carry and no table.

/** Returns the lower half of a sum xor the upper one rotated by 16 bits. */
// @inline
function folded(sum: u64): u32 {
  return <u32>sum ^ rotl<u32>(<u32>(sum >>> 32), 16);
}

/** Returns the code of the line at `at` (8-aligned): Q in the lower half, P in the upper. */
export function codeOf(at: usize): u64 {
  const upperA = load<u64>(at, 32);
  const upperB = load<u64>(at, 40);
  const upperC = load<u64>(at, 48);
  const upperD = load<u64>(at, 56);
  const upper = upperA ^ upperB ^ upperC ^ upperD;
  const a = load<u64>(at) ^ upperA;
  const b = load<u64>(at, 8) ^ upperB;
  const c = load<u64>(at, 16) ^ upperC;
  const d = load<u64>(at, 24) ^ upperD;
  const all = a ^ b ^ c ^ d;
  const q =
    folded(all) ^
    rotl<u32>(folded(a ^ upper), 1) ^
    rotl<u32>(folded(b ^ upper), 2) ^
    rotl<u32>(folded(c ^ upper), 4) ^
    rotl<u32>(folded(d ^ upper), 8);
  return ((<u64>(<u32>all ^ <u32>(all >>> 32))) << 32) | <u64>q;
}

/**
 * Returns what a flipped bit 0 of half `half` (0–7 the lower halves of the words, 8–15 the upper
 * ones) leaves in Q.
 */
function pattern(half: u32): u32 {
  const word = half & 7;
  const bits: u32 = word < 4 ? 1 | (1 << (1 << word)) : 0x117 ^ (1 << (1 << (word - 4)));
  return half < 8 ? bits : rotl<u32>(bits, 16);
}

/**
 * Corrects one flipped bit of the line at `at` or of its code at `code`. False if more than one bit
 * must have flipped: then nothing was changed.
 */
export function correct(at: usize, code: usize): bool {
  const computed = codeOf(at);
  const difference = computed ^ load<u64>(code);
  const p = <u32>(difference >>> 32);
  const q = <u32>difference;
  if (p == 0 || q == 0) {
    if (popcnt<u32>(p | q) != 1) return false;
    store<u64>(code, computed);
    return true;
  }
  if (popcnt<u32>(p) != 1) return false;
  const seen = rotr<u32>(q, ctz<u32>(p));
  for (let half: u32 = 0; half < 16; half++) {
    if (seen != pattern(half)) continue;
    const place = at + ((half & 7) << 3) + ((half >>> 3) << 2);
    store<u32>(place, load<u32>(place) ^ p);
    return true;
  }
  return false;
}

/** Returns what flipping `bits` in the 32-bit word `index` (0–15) of a line flips in its code. */
export function codeOfChange(index: u32, bits: u32): u64 {
  const word = index >>> 1;
  const turned = (index & 1) != 0 ? rotl<u32>(bits, 16) : bits;
  let q = turned;
  if (word < 4) q ^= rotl<u32>(turned, 1 << word);
  else
    q ^=
      rotl<u32>(turned, 1) ^
      rotl<u32>(turned, 2) ^
      rotl<u32>(turned, 4) ^
      rotl<u32>(turned, 8) ^
      rotl<u32>(turned, 1 << (word - 4));
  return ((<u64>bits) << 32) | <u64>q;
}

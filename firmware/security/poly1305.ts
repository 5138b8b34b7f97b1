// Poly1305 (RFC 8439, 2.5): a polynomial in r over blocks of 16 bytes, modulo p = 2¹³⁰ − 5.
//
// The accumulator is h = h0 + h1·2³² + h2·2⁶⁴ + h3·2⁹⁶ + h4·2¹²⁸ + fold. 2¹³⁰ is 5 modulo p, and
// r1, r2, r3 are multiples of four ("clamped"): the part r·2¹²⁸ of a product at 2¹²⁸ and above
// returns as r·5/4 at the bottom. Every word of r is below 2²⁸, so that five products of 32 by 32
// bits fit into 64 bits.
//
//   state, 80 bytes:   0  r, clamped        16  s, added at the end
//                     32  h0 … h4           52  fold
//                     64  the last bytes of a message, filled up to 16

const S_AT: u32 = 16;
const H_AT: u32 = 32;
const FOLD_AT: u32 = 52;
const REST_AT: u32 = 64;

/** Returns the address of 16 bytes of scratch; poly1305Add and poly1305End overwrite them. */
// @inline
export function poly1305Rest(state: usize): usize {
  return state + REST_AT;
}

/** Starts with the one-time key in the first 32 bytes of `state` (8-aligned). */
export function poly1305Begin(state: usize): void {
  store<u32>(state, load<u32>(state) & 0x0fffffff);
  store<u32>(state, load<u32>(state, 4) & 0x0ffffffc, 4);
  store<u32>(state, load<u32>(state, 8) & 0x0ffffffc, 8);
  store<u32>(state, load<u32>(state, 12) & 0x0ffffffc, 12);
  store<u64>(state, 0, H_AT);
  store<u64>(state, 0, H_AT + 8);
  store<u64>(state, 0, H_AT + 16);
}

/**
 * Adds `length` bytes. Last bytes that do not fill 16 are followed by zeros if `padded`, as
 * AEAD_CHACHA20_POLY1305 wants it; otherwise the message ends with them.
 *
 * h4 is at most 6: 3 from before, 1 for the block, and a carry of 2. So h4 · s1 < 2³¹, the carry
 * into t4 < 2³⁰ + 2, t4 < 2.6 · 2³⁰, and fold = 5/4 · t4 < 2³².
 */
export function poly1305Add(state: usize, at: usize, length: u32, padded: bool): void {
  const r0 = load<u32>(state),
    r1 = load<u32>(state, 4),
    r2 = load<u32>(state, 8),
    r3 = load<u32>(state, 12);
  const s1 = r1 + (r1 >>> 2),
    s2 = r2 + (r2 >>> 2),
    s3 = r3 + (r3 >>> 2);
  let h0 = load<u32>(state, H_AT),
    h1 = load<u32>(state, H_AT + 4),
    h2 = load<u32>(state, H_AT + 8),
    h3 = load<u32>(state, H_AT + 12);
  let h4 = load<u32>(state, H_AT + 16),
    fold = load<u32>(state, FOLD_AT);
  let one: u32 = 1;
  while (length != 0) {
    if (length < 16) {
      fillRest(state + REST_AT, at, length);
      if (!padded) {
        store<u8>(state + length, 1, REST_AT);
        one = 0;
      }
      at = state + REST_AT;
      length = 16;
    }
    // The block, and what the block before left to be added.
    let t = <u64>h0 + <u64>load<u32>(at, 0, 1) + <u64>fold;
    h0 = <u32>t;
    t = <u64>h1 + <u64>load<u32>(at, 4, 1) + (t >>> 32);
    h1 = <u32>t;
    t = <u64>h2 + <u64>load<u32>(at, 8, 1) + (t >>> 32);
    h2 = <u32>t;
    t = <u64>h3 + <u64>load<u32>(at, 12, 1) + (t >>> 32);
    h3 = <u32>t;
    h4 += <u32>(t >>> 32) + one;
    // Times r.
    let d = <u64>h0 * <u64>r0 + <u64>h1 * <u64>s3 + <u64>h2 * <u64>s2 + <u64>h3 * <u64>s1;
    const e = <u64>h0 * <u64>r1 + <u64>h1 * <u64>r0 + <u64>h2 * <u64>s3 + <u64>h3 * <u64>s2 + <u64>(h4 * s1);
    const f = <u64>h0 * <u64>r2 + <u64>h1 * <u64>r1 + <u64>h2 * <u64>r0 + <u64>h3 * <u64>s3 + <u64>(h4 * s2);
    const g = <u64>h0 * <u64>r3 + <u64>h1 * <u64>r2 + <u64>h2 * <u64>r1 + <u64>h3 * <u64>r0 + <u64>(h4 * s3);
    h0 = <u32>d;
    d = e + (d >>> 32);
    h1 = <u32>d;
    d = f + (d >>> 32);
    h2 = <u32>d;
    d = g + (d >>> 32);
    h3 = <u32>d;
    const t4 = h4 * r0 + <u32>(d >>> 32);
    h4 = t4 & 3;
    fold = (t4 >>> 2) + (t4 & ~3);
    at += 16;
    length -= 16;
  }
  store<u32>(state, h0, H_AT);
  store<u32>(state, h1, H_AT + 4);
  store<u32>(state, h2, H_AT + 8);
  store<u32>(state, h3, H_AT + 12);
  store<u32>(state, h4, H_AT + 16);
  store<u32>(state, fold, FOLD_AT);
}

/** Copies fewer than 16 bytes, followed by zeros. */
function fillRest(rest: usize, at: usize, length: u32): void {
  store<u64>(rest, 0);
  store<u64>(rest, 0, 8);
  const end = rest + length;
  while (rest != end) {
    store<u8>(rest, load<u8>(at));
    rest++;
    at++;
  }
}

/**
 * Writes the tag, 16 bytes, to `out`: h modulo p, which is h + 5 · q modulo 2¹³⁰ with q = 1 if h ≥
 * p, plus s, modulo 2¹²⁸.
 */
export function poly1305End(state: usize, out: usize): void {
  let t = <u64>load<u32>(state, H_AT) + <u64>load<u32>(state, FOLD_AT);
  const h0 = <u32>t;
  t = <u64>load<u32>(state, H_AT + 4) + (t >>> 32);
  const h1 = <u32>t;
  t = <u64>load<u32>(state, H_AT + 8) + (t >>> 32);
  const h2 = <u32>t;
  t = <u64>load<u32>(state, H_AT + 12) + (t >>> 32);
  const h3 = <u32>t;
  const h4 = load<u32>(state, H_AT + 16) + <u32>(t >>> 32);
  // (h + 5) >> 130
  t = <u64>h0 + 5;
  t = <u64>h1 + (t >>> 32);
  t = <u64>h2 + (t >>> 32);
  t = <u64>h3 + (t >>> 32);
  const q = (h4 + <u32>(t >>> 32)) >>> 2;
  t = <u64>h0 + <u64>(q * 5) + <u64>load<u32>(state, S_AT);
  store<u32>(out, <u32>t, 0, 1);
  t = <u64>h1 + <u64>load<u32>(state, S_AT + 4) + (t >>> 32);
  store<u32>(out, <u32>t, 4, 1);
  t = <u64>h2 + <u64>load<u32>(state, S_AT + 8) + (t >>> 32);
  store<u32>(out, <u32>t, 8, 1);
  t = <u64>h3 + <u64>load<u32>(state, S_AT + 12) + (t >>> 32);
  store<u32>(out, <u32>t, 12, 1);
}

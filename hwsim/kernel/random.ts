/**
 * Generates seeded random numbers. A stream belongs to (seed, name, index): another draw from one
 * stream leaves all other streams unchanged. Generator: xoshiro128** 1.1 (Blackman & Vigna, 2018),
 * seeded through SplitMix32; 32-bit integers only, so that all engines agree.
 */
export class RandomStream {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(seed: number, name: string, index = 0) {
    let mixed = (seed ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
    for (let i = 0; i < name.length; i += 1) mixed = scramble((mixed + name.charCodeAt(i) + 0x9e3779b9) | 0);
    const next = () => {
      mixed = (mixed + 0x9e3779b9) | 0;
      return scramble(mixed);
    };
    this.#s0 = next();
    this.#s1 = next();
    this.#s2 = next();
    // An all-zero state would produce zeros only.
    this.#s3 = next() | 1;
  }

  /** Draws a whole number from 0 to 2³² − 1. */
  uint32(): number {
    const s1 = this.#s1;
    const times5 = Math.imul(s1, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    this.#s2 ^= this.#s0;
    this.#s3 ^= s1;
    this.#s1 = s1 ^ this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= s1 << 9;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result >>> 0;
  }

  /** Draws uniformly from [0, 1), in steps of 2⁻³². */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Draws a whole number from 0 to `limit` − 1, with a bias of at most limit ÷ 2³². */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** Draws uniformly from [from, to). */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  /** Returns the numbers 0 to count − 1 in random order. */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let i = count - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/**
 * The finalizer of MurmurHash3 (A. Appleby, public domain): each input bit changes each output bit
 * with probability near ½.
 */
function scramble(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

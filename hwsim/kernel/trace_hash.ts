/**
 * Computes a 64-bit hash over a sequence of 32-bit words, to compare two runs. Two lanes: each
 * xors, multiplies and rotates. Not cryptographic. Bytes are read four at a time, so that hashing a
 * frame costs tens of nanoseconds.
 */
export class TraceHash {
  #low = 0x2545f491 | 0;
  #high = 0x9e3779b9 | 0;

  /** Adds one 32-bit word. */
  word(value: number): void {
    const low = Math.imul(this.#low ^ value, 0xcc9e2d51);
    this.#low = (low << 13) | (low >>> 19);
    const high = Math.imul((this.#high + value) | 0, 0x85ebca6b);
    this.#high = ((high << 17) | (high >>> 15)) ^ this.#low;
  }

  /** Adds a whole number of milliseconds. */
  time(timeMs: number): void {
    this.word(timeMs | 0);
    this.word((timeMs / 0x1_0000_0000) | 0);
  }

  /** Adds the bits of a double. */
  double(value: number): void {
    doubles[0] = value;
    this.word(doubleWords[0]);
    this.word(doubleWords[1]);
  }

  text(value: string): void {
    this.word(value.length);
    for (let i = 0; i < value.length; i += 1) this.word(value.charCodeAt(i));
  }

  /**
   * Adds `length` bytes that begin at word `at` of `words` (byte address 4 × at). Later bytes do
   * not count.
   */
  bytes(words: Int32Array, at: number, length: number): void {
    let low = this.#low;
    let high = this.#high;
    const whole = at + (length >> 2);
    for (let i = at; i < whole; i += 1) {
      const value = words[i];
      low = Math.imul(low ^ value, 0xcc9e2d51);
      low = (low << 13) | (low >>> 19);
      high = Math.imul((high + value) | 0, 0x85ebca6b);
      high = ((high << 17) | (high >>> 15)) ^ low;
    }
    this.#low = low;
    this.#high = high;
    const rest = length & 3;
    this.word(rest === 0 ? length : (words[whole] & ((1 << (8 * rest)) - 1)) ^ Math.imul(length, 0x01000193));
  }

  /** Returns the hash as 16 hexadecimal digits. */
  digest(): string {
    return finish(this.#high ^ this.#low) + finish(this.#low + Math.imul(this.#high, 5));
  }
}

const doubles = new Float64Array(1);
const doubleWords = new Int32Array(doubles.buffer);

function finish(lane: number): string {
  let mixed = lane | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0');
}

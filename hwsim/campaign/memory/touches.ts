import { type CallLog, replayLog } from './golden.ts';
import { Machine, op, type Program } from './machine.ts';

/** No later call touches the word. */
export const never = -1;

/**
 * Knows which calls of a node's golden run read or write which words of its state. As long as no
 * call touches a word in which an injected state differs from the golden one, both states take the
 * same path, instruction by instruction. So an injected state need only be computed in calls that
 * touch such a word.
 */
export class Touches {
  /** Calls by word: those of word w are at first[w] to first[w + 1] − 1, in order. */
  readonly #first: Uint32Array;
  readonly #calls: Uint32Array;
  readonly #fromWord: number;

  constructor(first: Uint32Array, calls: Uint32Array, fromWord: number) {
    this.#first = first;
    this.#calls = calls;
    this.#fromWord = fromWord;
  }

  /**
   * Returns the first call from `call` on that touches word `word` (byte address ÷ 4), or `never`.
   */
  next(word: number, call: number): number {
    const index = word - this.#fromWord;
    let low = this.#first[index];
    const end = this.#first[index + 1];
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#calls[middle] < call) low = middle + 1;
      else high = middle;
    }
    return low < end ? this.#calls[low] : never;
  }
}

/** Collects pairs of (word, call), each once. */
class TouchLog {
  present = 0;
  readonly #lastCall: Int32Array;
  readonly #counts: Uint32Array;
  readonly #fromWord: number;
  #pairs = new Uint32Array(1 << 20);
  #used = 0;

  constructor(fromWord: number, words: number) {
    this.#fromWord = fromWord;
    this.#lastCall = new Int32Array(words).fill(-1);
    this.#counts = new Uint32Array(words);
  }

  /** The call `present` accesses `bytes` bytes at `at`. */
  touch(at: number, bytes: number): void {
    if (bytes === 0) return;
    const low = Math.max(0, (at >>> 2) - this.#fromWord);
    const high = Math.min(this.#counts.length - 1, ((at + bytes - 1) >>> 2) - this.#fromWord);
    for (let word = low; word <= high; word += 1) {
      if (this.#lastCall[word] === this.present) continue;
      this.#lastCall[word] = this.present;
      this.#counts[word] += 1;
      this.#add(word);
    }
  }

  #add(word: number): void {
    if (this.#used + 2 > this.#pairs.length) {
      const grown = new Uint32Array(this.#pairs.length * 2);
      grown.set(this.#pairs);
      this.#pairs = grown;
    }
    this.#pairs[this.#used] = word;
    this.#pairs[this.#used + 1] = this.present;
    this.#used += 2;
  }

  sorted(): Touches {
    const words = this.#counts.length;
    const first = new Uint32Array(words + 1);
    for (let word = 0; word < words; word += 1) first[word + 1] = first[word] + this.#counts[word];
    const calls = new Uint32Array(first[words]);
    const next = first.slice();
    for (let at = 0; at < this.#used; at += 2) calls[next[this.#pairs[at]]++] = this.#pairs[at + 1];
    return new Touches(first, calls, this.#fromWord);
  }
}

/** Repeats the node's calls on an image that reports its accesses. */
export function traceTouches(tracedProgram: Program, log: CallLog): Touches {
  const { stateFrom, stateTo, context } = tracedProgram;
  const fromWord = stateFrom >> 2;
  const touches = new TouchLog(fromWord, ((stateTo + 3) >> 2) - fromWord);
  const machine = new Machine(tracedProgram, (at, bytes) => touches.touch(at, bytes));
  replayLog(machine, log, (index) => {
    touches.present = index;
    // A boot loads the constants anew, from outside.
    if (log.op[index] <= op.restore) touches.touch(stateFrom, context - stateFrom);
  });
  return touches.sorted();
}

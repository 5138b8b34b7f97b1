import { type CallLog, replayLog } from './golden.ts';
import { Machine, op, type Program } from './machine.ts';

/** No call from here on touches the word. */
export const never = -1;

/**
 * Which calls of a node's golden run read or write which words of its state. As long as no call touches a word in which a struck state differs
 * from the golden one, both do the same, instruction by instruction: so a struck run need only be made in the calls that touch such a word.
 */
export class Touches {
  /** Calls by word: those of word w stand at first[w] to first[w + 1] − 1, in order. */
  readonly #first: Uint32Array;
  readonly #calls: Uint32Array;
  readonly #fromWord: number;

  constructor(first: Uint32Array, calls: Uint32Array, fromWord: number) {
    this.#first = first;
    this.#calls = calls;
    this.#fromWord = fromWord;
  }

  /** The first call from `call` on that touches word `word` (byte address ÷ 4), or `never`. */
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

/** Makes the node's calls again on an image that tells its accesses. */
export function traceTouches(tracedProgram: Program, log: CallLog): Touches {
  const { stateFrom, stateTo, context } = tracedProgram;
  const fromWord = stateFrom >> 2;
  const words = ((stateTo + 3) >> 2) - fromWord;
  const lastCall = new Int32Array(words).fill(-1);
  const counts = new Uint32Array(words + 1);
  let pairs = new Uint32Array(1 << 20);
  let used = 0;
  let present = 0;
  const touch = (at: number, bytes: number) => {
    if (bytes === 0) return;
    const low = Math.max(0, (at >>> 2) - fromWord);
    const high = Math.min(words - 1, ((at + bytes - 1) >>> 2) - fromWord);
    for (let word = low; word <= high; word += 1) {
      if (lastCall[word] === present) continue;
      lastCall[word] = present;
      counts[word] += 1;
      if (used + 2 > pairs.length) pairs = grown(pairs);
      pairs[used] = word;
      pairs[used + 1] = present;
      used += 2;
    }
  };
  replayLog(new Machine(tracedProgram, touch), log, (index) => {
    present = index;
    // Constants are loaded anew at a boot, from outside.
    if (log.op[index] <= op.restore) touch(stateFrom, context - stateFrom);
  });
  const first = new Uint32Array(words + 1);
  for (let word = 0; word < words; word += 1) first[word + 1] = first[word] + counts[word];
  const calls = new Uint32Array(first[words]);
  const fill = first.slice();
  for (let at = 0; at < used; at += 2) calls[fill[pairs[at]]++] = pairs[at + 1];
  return new Touches(first, calls, fromWord);
}

function grown(from: Uint32Array): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}

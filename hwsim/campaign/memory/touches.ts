import { type CallLog, replayLog } from './golden.ts';
import { assembleText, touchImport } from './instrument.ts';
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

  constructor(first: Uint32Array, calls: Uint32Array) {
    this.#first = first;
    this.#calls = calls;
  }

  /**
   * Returns the first call from `call` on that touches word `word` (byte address ÷ 4), or `never`.
   */
  next(word: number, call: number): number {
    let low = this.#first[word];
    const end = this.#first[word + 1];
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#calls[middle] < call) low = middle + 1;
      else high = middle;
    }
    return low < end ? this.#calls[low] : never;
  }
}

/** Words that the recorder distinguishes: those of the first 256 KiB. */
const wordsMax = 0x1_0000;
/** Where the recorder lists the words of the present call, 2 bytes each. */
const listAt = wordsMax * 4;

/**
 * Lists each word that a call touches, once. The recorder is WebAssembly because an image calls
 * another image several times as fast as it calls JavaScript. Its memory begins with one stamp per
 * word: the last call that touched the word.
 */
const recorderText = `(module
  (memory (export "memory") ${(listAt + wordsMax * 2) / 0x1_0000})
  (global $stamp (mut i32) (i32.const 0))
  (global $listed (mut i32) (i32.const 0))
  (func (export "begin") (param $stamp i32)
    (global.set $stamp (local.get $stamp))
    (global.set $listed (i32.const 0)))
  (func (export "listed") (result i32) (global.get $listed))
  (func (export "${touchImport.name}") (param $at i32) (param $bytes i32) (local $end i32)
    (if (i32.eqz (local.get $bytes)) (then (return)))
    (local.set $end (i32.and (i32.add (i32.add (local.get $at) (local.get $bytes)) (i32.const 3)) (i32.const -4)))
    (local.set $at (i32.and (local.get $at) (i32.const -4)))
    (loop $next
      (if (i32.ge_u (local.get $at) (i32.const ${wordsMax * 4})) (then (return)))
      (if (i32.ne (i32.load (local.get $at)) (global.get $stamp))
        (then
          (i32.store (local.get $at) (global.get $stamp))
          (i32.store16 offset=${listAt}
            (i32.shl (global.get $listed) (i32.const 1))
            (i32.shr_u (local.get $at) (i32.const 2)))
          (global.set $listed (i32.add (global.get $listed) (i32.const 1)))))
      (br_if $next
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))))`;

/** Assembles the recorder. */
export const assembleRecorder = (): Promise<Uint8Array> => assembleText(recorderText);

interface RecorderCalls {
  memory: WebAssembly.Memory;
  begin(stamp: number): void;
  listed(): number;
  touch(at: number, bytes: number): void;
}

/** Collects the words of each call. */
class TouchLog {
  readonly calls: RecorderCalls;
  readonly #list: Uint16Array;
  #words = new Uint16Array(1 << 20);
  #used = 0;
  /** By call: where its words end. */
  readonly #ends: number[] = [];

  constructor(recorder: WebAssembly.Module) {
    this.calls = new WebAssembly.Instance(recorder).exports as unknown as RecorderCalls;
    this.#list = new Uint16Array(this.calls.memory.buffer, listAt);
  }

  /** Begins the next call. */
  begin(): void {
    this.calls.begin(this.#ends.length + 1);
  }

  /** Ends the present call. */
  end(): void {
    const listed = this.calls.listed();
    if (this.#used + listed > this.#words.length) {
      const grown = new Uint16Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words.set(this.#list.subarray(0, listed), this.#used);
    this.#used += listed;
    this.#ends.push(this.#used);
  }

  sorted(): Touches {
    const words = this.#words;
    const first = new Uint32Array(wordsMax + 1);
    for (let at = 0; at < this.#used; at += 1) first[words[at] + 1] += 1;
    for (let word = 0; word < wordsMax; word += 1) first[word + 1] += first[word];
    const calls = new Uint32Array(this.#used);
    const next = first.slice();
    let at = 0;
    this.#ends.forEach((end, call) => {
      for (; at < end; at += 1) calls[next[words[at]]++] = call;
    });
    return new Touches(first, calls);
  }
}

/** Repeats the node's calls on an image that reports its accesses to a recorder. */
export function traceTouches(tracedProgram: Program, recorder: WebAssembly.Module, log: CallLog): Touches {
  const { stateFrom, stateTo, context } = tracedProgram;
  if (stateTo > wordsMax * 4)
    throw new Error(`the state ends at ${stateTo}: touches are recorded below ${wordsMax * 4}`);
  const touches = new TouchLog(recorder);
  const machine = new Machine(tracedProgram, touches.calls.touch);
  replayLog(machine, log, (index) => {
    if (index > 0) touches.end();
    touches.begin();
    // A boot loads the constants anew, from outside.
    if (log.op[index] <= op.restore) touches.calls.touch(stateFrom, context - stateFrom);
  });
  if (log.count > 0) touches.end();
  return touches.sorted();
}

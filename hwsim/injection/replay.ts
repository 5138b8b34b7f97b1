import { flip, type Upset } from './draw.ts';
import type { CallLog } from './golden.ts';
import { emptyCall, isTrap, Machine, op, type Program, yields } from './machine.ts';
import { never, type Touches } from './touches.ts';

/** What the struck node did first that the golden run did not. */
export interface Departure {
  kind: 'trap' | 'hang' | 'output' | 'checkpoint';
  /** The call that did it. */
  call: number;
  /** Of a trap. */
  site: number;
  /** A checkpoint was stored while the state was struck: what a restart brings back is struck as well. */
  stored: boolean;
  /** The struck state before that call: words that differ from the golden one (byte address ÷ 4) and their values. Empty `values`: the upset's own bits. */
  words: number[];
  values: number[];
}

/** How a struck node's replay ended. */
export interface Ending {
  upset: Upset;
  /** null: every output was the golden one up to the end of the run. */
  departure: Departure | null;
  /** Without a departure: the state is the golden one again; else it still differs at the end. */
  clean: boolean;
  /** Upsets that the node corrected and told of. */
  corrected: number;
  /** Calls that were made with the struck state. */
  steps: number;
}

/** A struck state: the golden one, and words that differ from it. */
interface Struck {
  upset: Upset;
  /** Word numbers (byte address ÷ 4) and their values. */
  words: number[];
  values: number[];
  stored: boolean;
  corrected: number;
  steps: number;
}

/**
 * Replays one node against the golden run's inputs, all its upsets in one pass: the golden machine makes every call once; a struck state is kept as
 * words that differ from the golden one, and is made real only in calls that touch one of those words. `exhaustive` makes it real in every call:
 * the slow way, to which the quick one must be equal.
 */
export class NodeReplay {
  readonly #log: CallLog;
  readonly #touches: Touches | null;
  readonly #golden: Machine;
  readonly #struck: Machine;
  readonly #before: Uint8Array;
  readonly #waiting: (Struck[] | undefined)[];
  readonly #fromWord: number;
  readonly #toWord: number;
  readonly #call = emptyCall();
  readonly #onEnd: (ending: Ending) => void;

  constructor(program: Program, log: CallLog, touches: Touches | null, onEnd: (ending: Ending) => void) {
    this.#log = log;
    this.#touches = touches;
    this.#golden = new Machine(program);
    this.#struck = new Machine(program);
    this.#before = new Uint8Array(this.#golden.state.length);
    this.#waiting = new Array(log.count);
    this.#fromWord = program.stateFrom >> 2;
    this.#toWord = program.stateTo >> 2;
    this.#onEnd = onEnd;
  }

  /** Adds an upset; to be called before `run`. */
  add(upset: Upset): void {
    const struck: Struck = { upset, words: [], values: [], stored: false, corrected: 0, steps: 0 };
    // The golden words are not known before their time: until then the difference is a mask, told apart by `values` being empty.
    for (const bit of upset.bits) {
      const word = (upset.place + (bit >> 3)) >> 2;
      if (!struck.words.includes(word)) struck.words.push(word);
    }
    this.#wait(struck, upset.call);
  }

  /** Puts a struck state off to the next call, from `call` on, in which it can matter. */
  #wait(struck: Struck, call: number): void {
    const next = this.#touches === null ? (call < this.#log.count ? call : never) : this.#nextTouch(struck, call);
    if (this.#storesWithin(call, next === never ? this.#log.count : next)) struck.stored = true;
    if (next === never) return this.#end(struck, null, false);
    const waiting = this.#waiting[next];
    if (waiting === undefined) this.#waiting[next] = [struck];
    else waiting.push(struck);
  }

  #nextTouch(struck: Struck, call: number): number {
    let next = never;
    for (const word of struck.words) {
      const touched = (this.#touches as Touches).next(word, call);
      if (touched !== never && (next === never || touched < next)) next = touched;
    }
    return next;
  }

  /** Whether a checkpoint is stored in calls from `from` to `to` − 1: then it holds the struck state. */
  #storesWithin(from: number, to: number): boolean {
    for (const store of this.#log.stores) if (store >= from && store < to) return true;
    return false;
  }

  #end({ upset, corrected, steps }: Struck, departure: Departure | null, clean: boolean): void {
    this.#onEnd({ upset, departure, clean, corrected, steps });
  }

  /** Makes the golden calls once, and with them all struck ones. */
  run(): void {
    const log = this.#log;
    const call = this.#call;
    this.#golden.renew();
    this.#struck.renew();
    for (let index = 0; index < log.count; index += 1) {
      const waiting = this.#waiting[index];
      if (waiting !== undefined) this.#before.set(this.#golden.state);
      log.read(index, call);
      this.#golden.invoke(call);
      if (waiting === undefined) continue;
      this.#waiting[index] = undefined;
      for (const struck of waiting) this.#step(struck, index);
    }
  }

  /** One call of one struck state. */
  #step(struck: Struck, index: number): void {
    const machine = this.#struck;
    const call = this.#call;
    machine.state.set(this.#before);
    if (struck.values.length === 0) flip(machine.bytes, struck.upset);
    else for (let at = 0; at < struck.words.length; at += 1) machine.words[struck.words[at]] = struck.values[at];
    struck.steps += 1;
    if (call.op <= op.restore && struck.stored && this.#log.op[index] === op.restore)
      return this.#depart(struck, 'checkpoint', index, 0);
    let result: number;
    try {
      result = machine.invoke(call);
    } catch (error) {
      if (!isTrap(error)) throw error;
      if (machine.ranOut) return this.#depart(struck, 'hang', index, 0);
      return this.#depart(struck, 'trap', index, machine.calls.trap_site());
    }
    if (result !== this.#log.result[index] || !this.#sameOutput(machine, call.op, index, result))
      return this.#depart(struck, 'output', index, 0);
    if (machine.state.length === 0 || Buffer.compare(machine.state, this.#golden.state) === 0) {
      if (struck.stored && this.#restoresAfter(index)) return this.#depart(struck, 'checkpoint', index, 0);
      return this.#end(struck, null, true);
    }
    this.#compare(struck);
    this.#wait(struck, index + 1);
  }

  #sameOutput(machine: Machine, operation: number, index: number, length: number): boolean {
    if (!yields(operation) || length <= 0) return true;
    const { bytes } = machine;
    const from = machine.outputAt(operation);
    const at = this.#log.at[index];
    for (let offset = 0; offset < length; offset += 1) if (bytes[from + offset] !== this.#log.bytes[at + offset]) return false;
    return true;
  }

  /** Whether the golden run restores the node from a checkpoint after call `index`: then a struck checkpoint comes back. */
  #restoresAfter(index: number): boolean {
    const found = this.#log.op.indexOf(op.restore, index + 1);
    return found >= 0 && found < this.#log.count;
  }

  /** Notes which words of the struck machine differ from the golden one's. */
  #compare(struck: Struck): void {
    const golden = this.#golden.words;
    const mine = this.#struck.words;
    struck.words.length = 0;
    struck.values.length = 0;
    for (let word = this.#fromWord; word < this.#toWord; word += 1) {
      if (golden[word] === mine[word]) continue;
      struck.words.push(word);
      struck.values.push(mine[word]);
    }
  }

  #depart(struck: Struck, kind: Departure['kind'], call: number, site: number): void {
    const { stored, words, values } = struck;
    this.#end(struck, { kind, call, site, stored, words, values }, false);
  }
}

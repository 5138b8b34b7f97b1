import { FLAG_EVENT } from '../../../host/engine/status.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { flip, Stuck, type Upset } from './draw.ts';
import type { CallLog } from './golden.ts';
import { differingWords, emptyCall, isTrap, Machine, op, type Program, recordCapacity, yields } from './machine.ts';
import { never, type Touches } from './touches.ts';
import { type Told, takeUpset } from '../upset_events.ts';

/** What the struck node did first that the golden run did not. */
export interface Divergence {
  kind: 'trap' | 'hang' | 'output' | 'checkpoint' | 'dropped';
  /** The call that did it. */
  call: number;
  /** Of a trap. */
  site: number;
  /** A checkpoint was stored while the state was struck: what a restart brings back is struck as well. */
  stored: boolean;
  /** From which call on the fork must compute: that one, or the input in which the node first had an upset to tell that is not yet polled. */
  strikeCall: number;
  /** The struck state before `strikeCall`: words that differ from the golden one (byte address ÷ 4) and their values. Empty `values`: the upset's own bits. */
  words: number[];
  values: number[];
  /** What the node had told of by then. */
  told: Told;
  stuck: boolean;
}

/** How a struck node's replay ended. */
export interface Ending {
  upset: Upset;
  /** null: every output was the golden one up to the end of the run. */
  divergence: Divergence | null;
  /** Without a divergence: the state is the golden one again; else it still differs at the end. */
  clean: boolean;
  /** Upsets that the node found and told of. */
  told: Told;
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
  told: Told;
  /** The node has events to be polled that the golden one has not. */
  telling: boolean;
  /** The last input before which it had nothing to tell, and the state then. */
  input: { call: number; words: number[]; values: number[] };
  /** After the last call nothing but bookkeeping differed. */
  settled: boolean;
  stuck: Stuck | null;
  steps: number;
}

/** Calls made with the state of a node that let something go, before it is left to the fork. */
const stepsAfterLossMax = 100;

/**
 * Replays one node against the golden run's inputs, all its upsets in one pass: the golden machine makes every call once; a struck state is kept as
 * words that differ from the golden one, and is made real only in calls that touch one of those words. `exhaustive` makes it real in every call:
 * the slow way, to which the quick one must be equal.
 */
export class NodeReplay {
  readonly #log: CallLog;
  readonly #touches: Touches | null;
  readonly #bookkeeping: Bookkeeping;
  readonly #golden: Machine;
  readonly #struck: Machine;
  readonly #before: Uint8Array;
  readonly #waiting: (Struck[] | undefined)[];
  readonly #call = emptyCall();
  readonly #onEnd: (ending: Ending) => void;

  constructor(
    program: Program,
    log: CallLog,
    touches: Touches | null,
    bookkeeping: Bookkeeping,
    onEnd: (ending: Ending) => void,
  ) {
    this.#log = log;
    this.#bookkeeping = bookkeeping;
    this.#touches = touches;
    this.#golden = new Machine(program);
    this.#struck = new Machine(program);
    this.#before = new Uint8Array(this.#golden.state.length);
    this.#waiting = new Array(log.count);
    this.#onEnd = onEnd;
  }

  /** Adds an upset; to be called before `run`. */
  add(upset: Upset): void {
    const struck: Struck = {
      upset,
      words: [],
      values: [],
      stored: false,
      told: { corrected: 0, dropped: 0 },
      telling: false,
      input: { call: 0, words: [], values: [] },
      settled: false,
      stuck: null,
      steps: 0,
    };
    // The golden words are not known before their time: until then the difference is a mask, told apart by `values` being empty.
    for (const bit of upset.bits) {
      const word = (upset.place + (bit >> 3)) >> 2;
      if (!struck.words.includes(word)) struck.words.push(word);
    }
    this.#wait(struck, upset.call);
  }

  /** Puts a struck state off to the next call, from `call` on, in which it can matter. */
  #wait(struck: Struck, call: number): void {
    const everyCall = this.#touches === null || struck.telling;
    const next = everyCall ? (call < this.#log.count ? call : never) : this.#nextTouch(struck, call);
    if (this.#storesWithin(call, next === never ? this.#log.count : next)) struck.stored = true;
    if (next === never) return this.#end(struck, null, false);
    const waiting = this.#waiting[next];
    if (waiting === undefined) this.#waiting[next] = [struck];
    else waiting.push(struck);
  }

  #nextTouch(struck: Struck, call: number): number {
    let next = never;
    const { words, stuck } = struck;
    for (const word of stuck === null ? words : [...words, stuck.word]) {
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

  #end({ upset, told, steps }: Struck, divergence: Divergence | null, clean: boolean): void {
    this.#onEnd({ upset, divergence, clean, told, steps });
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
    this.#realize(struck);
    if (!struck.telling && hasStatus(call.op))
      struck.input = { call: index, words: struck.words, values: struck.values };
    if (struck.stored && call.op === op.restore) return this.#depart(struck, 'checkpoint', index, 0);
    let fits: boolean;
    try {
      fits = this.#make(struck, index);
    } catch (error) {
      if (!isTrap(error)) throw error;
      if (machine.ranOut) return this.#depart(struck, 'hang', index, 0);
      return this.#depart(struck, 'trap', index, machine.calls.trap_site());
    }
    if (!fits) return this.#depart(struck, 'output', index, 0);
    struck.stuck?.hold(machine);
    this.#compare(struck);
    if (struck.stuck === null && struck.words.length === 0) {
      if (struck.stored && this.#restoresAfter(index)) return this.#depart(struck, 'checkpoint', index, 0);
      return this.#end(struck, null, true);
    }
    if (this.#isSettled(struck, index)) return this.#end(struck, null, true);
    // What was let go left the node in another state by right: how it does with that is for the cluster to show.
    if (struck.told.dropped > 0 && struck.steps > stepsAfterLossMax && !struck.telling && index + 1 < this.#log.count)
      return this.#depart(struck, 'dropped', index + 1, 0);
    this.#wait(struck, index + 1);
  }

  /** Gives the struck machine the state: the golden one before the call, and what differs. */
  #realize(struck: Struck): void {
    const machine = this.#struck;
    machine.state.set(this.#before);
    struck.steps += 1;
    if (struck.values.length > 0)
      for (let at = 0; at < struck.words.length; at += 1) machine.words[struck.words[at]] = struck.values[at];
    else if (struck.steps === 1) {
      flip(machine.bytes, struck.upset);
      if (struck.upset.model === 'stuck') struck.stuck = new Stuck(struck.upset, machine);
    }
    struck.stuck?.hold(machine);
  }

  /** Makes the call; false when what came of it is not what the golden run has. */
  #make(struck: Struck, index: number): boolean {
    const machine = this.#struck;
    const call = this.#call;
    if (struck.telling && !isPoll(call.op) && !this.#takeUpsets(struck)) return false;
    let result = machine.invoke(call);
    // An event that tells of an upset comes before the golden ones, or instead of none.
    while (
      call.op === op.event &&
      result > 0 &&
      takeUpset(machine.bytes, machine.program.recordAt, result, struck.told)
    )
      result = machine.invoke(call);
    if (call.op === op.event && result <= 0) struck.telling = false;
    const expected = this.#log.result[index];
    if (hasStatus(call.op) && result === (expected | FLAG_EVENT)) {
      struck.telling ||= result !== expected;
      return true;
    }
    return result === expected && this.#sameOutput(machine, call.op, index, result);
  }

  /** Polls the events that the golden run does not poll; false if one of them tells anything but an upset. */
  #takeUpsets(struck: Struck): boolean {
    const machine = this.#struck;
    struck.telling = false;
    for (;;) {
      const length = machine.calls.event(machine.program.context, machine.program.recordAt, recordCapacity);
      if (length <= 0) return true;
      if (!takeUpset(machine.bytes, machine.program.recordAt, length, struck.told)) return false;
    }
  }

  /** Whether an upset was put right and told, and two calls running nothing differs but how that is booked. */
  #isSettled(struck: Struck, index: number): boolean {
    const { told, telling, stuck, words } = struck;
    if (told.corrected + told.dropped === 0 || telling || stuck !== null) return false;
    const before = struck.settled;
    struck.settled = this.#bookkeeping.covers(words, this.#struck);
    return before && struck.settled && !(struck.stored && this.#restoresAfter(index));
  }

  #sameOutput(machine: Machine, operation: number, index: number, length: number): boolean {
    if (!yields(operation) || length <= 0) return true;
    const { bytes } = machine;
    const from = machine.outputAt(operation);
    const at = this.#log.at[index];
    for (let offset = 0; offset < length; offset += 1)
      if (bytes[from + offset] !== this.#log.bytes[at + offset]) return false;
    return true;
  }

  /** Whether the golden run restores the node from a checkpoint after call `index`: then a struck checkpoint comes back. */
  #restoresAfter(index: number): boolean {
    const found = this.#log.op.indexOf(op.restore, index + 1);
    return found >= 0 && found < this.#log.count;
  }

  /** Notes which words of the struck machine differ from the golden one's. The arrays are new: the old ones may be kept as the state before the last input. */
  #compare(struck: Struck): void {
    const mine = this.#struck.words;
    struck.words = differingWords(this.#struck, this.#golden);
    struck.values = struck.words.map((word) => mine[word]);
  }

  #depart(struck: Struck, kind: Divergence['kind'], call: number, site: number): void {
    const { stored, told, stuck } = struck;
    const { call: strikeCall, words, values } = struck.telling ? struck.input : { ...struck, call };
    this.#end(struck, { kind, call, site, stored, strikeCall, words, values, told, stuck: stuck !== null }, false);
  }
}

const isPoll = (operation: number) => operation === op.transmit || operation === op.command || operation === op.event;
const hasStatus = (operation: number) => operation === op.receive || operation === op.observe || operation === op.tick;

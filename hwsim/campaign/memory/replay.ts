import { FLAG } from '../../../host/cbor/generated.ts';
import { outputBytes } from '../../../host/platform/loop.ts';
import { type ReportedUpsets, takeUpset } from '../upset_events.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { flip, StuckBit, type Upset } from './draw.ts';
import type { CallLog } from './golden.ts';
import { differingWords, emptyCall, isTrap, Machine, op, type Program, recordCapacity, yields } from './machine.ts';
import { never, type Touches } from './touches.ts';

/** What the injected node did first that the golden run did not. */
export interface Divergence {
  kind: 'trap' | 'hang' | 'output' | 'checkpoint' | 'discarded';
  /** The call that diverged. */
  call: number;
  /** Of a trap. */
  site: number;
  /** A checkpoint was stored in an injected state: a restart brings back that state. */
  stored: boolean;
  /**
   * From which call on the fork must compute: `call`, or the input in which the node first had an
   * upset to report that was not polled yet.
   */
  forkCall: number;
  /**
   * The injected state before `forkCall`: words that differ from the golden state (byte address ÷
   * 4) and their values. Empty `values`: the upset's own bits.
   */
  words: number[];
  values: number[];
  /** What the node had reported by then. */
  upsets: ReportedUpsets;
  stuck: boolean;
}

/** How an injected node's replay ended. */
export interface Ending {
  upset: Upset;
  /** null: every output was the golden one up to the end of the run. */
  divergence: Divergence | null;
  /**
   * Without a divergence: the state is the golden one again; otherwise it still differs at the end.
   */
  clean: boolean;
  /** Upsets that the node found and reported. */
  upsets: ReportedUpsets;
  /** Calls that were made with the injected state. */
  steps: number;
}

/** An injected state: the golden one, and words that differ from it. */
interface Injected {
  upset: Upset;
  /** Word numbers (byte address ÷ 4) and their values. */
  words: number[];
  values: number[];
  stored: boolean;
  upsets: ReportedUpsets;
  /** The node has events to be polled that the golden one has not. */
  reportPending: boolean;
  /** The last input before which it had nothing to report, and the state then. */
  input: { call: number; words: number[]; values: number[] };
  /** After the last call nothing but bookkeeping differed. */
  settled: boolean;
  stuck: StuckBit | null;
  steps: number;
}

/** Calls made with the state of a node that discarded a record, before the fork takes over. */
const stepsAfterDiscardMax = 100;

function newInjected(upset: Upset): Injected {
  const injected: Injected = {
    upset,
    words: [],
    values: [],
    stored: false,
    upsets: { corrected: 0, discarded: 0 },
    reportPending: false,
    input: { call: 0, words: [], values: [] },
    settled: false,
    stuck: null,
    steps: 0,
  };
  // The golden words are not known before their time: until then `values` is empty.
  for (const bit of upset.bits) {
    const word = (upset.place + (bit >> 3)) >> 2;
    if (!injected.words.includes(word)) injected.words.push(word);
  }
  return injected;
}

/**
 * Replays one node against the golden run's inputs, with all its upsets in one pass. The golden
 * machine makes every call once. An injected state is kept as words that differ from the golden
 * state, and is loaded into a machine only in calls that touch one of those words. `touches` null:
 * it is loaded in every call. That is the slow way, and the quick one must give the same.
 */
export class NodeReplay {
  readonly #log: CallLog;
  readonly #touches: Touches | null;
  readonly #bookkeeping: Bookkeeping;
  readonly #golden: Machine;
  readonly #machine: Machine;
  readonly #before: Uint8Array;
  readonly #waiting: (Injected[] | undefined)[];
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
    this.#machine = new Machine(program);
    this.#before = new Uint8Array(this.#golden.state.length);
    this.#waiting = new Array(log.count);
    this.#onEnd = onEnd;
  }

  /** Adds an upset; to be called before `run`. */
  add(upset: Upset): void {
    this.#wait(newInjected(upset), upset.call);
  }

  /** Postpones an injected state to the next call, from `call` on, in which it can matter. */
  #wait(injected: Injected, call: number): void {
    const everyCall = this.#touches === null || injected.reportPending;
    const next = everyCall ? (call < this.#log.count ? call : never) : this.#nextTouch(injected, call);
    if (this.#storesWithin(call, next === never ? this.#log.count : next)) injected.stored = true;
    if (next === never) return this.#end(injected, null, false);
    const waiting = this.#waiting[next];
    if (waiting === undefined) this.#waiting[next] = [injected];
    else waiting.push(injected);
  }

  #nextTouch({ words, stuck }: Injected, call: number): number {
    let next = never;
    for (const word of stuck === null ? words : [...words, stuck.word]) {
      const touched = (this.#touches as Touches).next(word, call);
      if (touched !== never && (next === never || touched < next)) next = touched;
    }
    return next;
  }

  /**
   * True when a checkpoint is stored in calls from `from` to `to` − 1: it then holds the injected
   * state.
   */
  #storesWithin(from: number, to: number): boolean {
    for (const store of this.#log.stores) if (store >= from && store < to) return true;
    return false;
  }

  #end({ upset, upsets, steps }: Injected, divergence: Divergence | null, clean: boolean): void {
    this.#onEnd({ upset, divergence, clean, upsets, steps });
  }

  /** Makes the golden calls once, and with them the calls of all injected states. */
  run(): void {
    const log = this.#log;
    const call = this.#call;
    this.#golden.renew();
    this.#machine.renew();
    for (let index = 0; index < log.count; index += 1) {
      const waiting = this.#waiting[index];
      if (waiting !== undefined) this.#before.set(this.#golden.state);
      log.read(index, call);
      this.#golden.invoke(call);
      if (waiting === undefined) continue;
      this.#waiting[index] = undefined;
      for (const injected of waiting) this.#step(injected, index);
    }
  }

  /** Makes one call with one injected state. */
  #step(injected: Injected, index: number): void {
    const machine = this.#machine;
    const call = this.#call;
    this.#load(injected);
    if (!injected.reportPending && hasStatus(call.op))
      injected.input = { call: index, words: injected.words, values: injected.values };
    if (injected.stored && call.op === op.restore) return this.#diverge(injected, 'checkpoint', index, 0);
    let isGolden: boolean;
    try {
      isGolden = this.#make(injected, index);
    } catch (error) {
      if (!isTrap(error)) throw error;
      if (machine.ranOut) return this.#diverge(injected, 'hang', index, 0);
      return this.#diverge(injected, 'trap', index, machine.calls.trap_site());
    }
    if (!isGolden) return this.#diverge(injected, 'output', index, 0);
    injected.stuck?.force(machine);
    this.#compare(injected);
    this.#continue(injected, index);
  }

  /**
   * Decides after call `index`, whose output was golden: the state is golden again, diverges, or
   * waits.
   */
  #continue(injected: Injected, index: number): void {
    if (injected.words.length > 0 && this.#storesWithin(index, index + 1)) injected.stored = true;
    if (injected.stuck === null && injected.words.length === 0) {
      if (injected.stored && this.#restoresAfter(index)) return this.#diverge(injected, 'checkpoint', index, 0);
      return this.#end(injected, null, true);
    }
    if (this.#isSettled(injected, index)) return this.#end(injected, null, true);
    // A discarded record leaves the node rightly in another state: the fork shows how it recovers.
    const { upsets, steps, reportPending } = injected;
    if (upsets.discarded > 0 && steps > stepsAfterDiscardMax && !reportPending && index + 1 < this.#log.count)
      return this.#diverge(injected, 'discarded', index + 1, 0);
    this.#wait(injected, index + 1);
  }

  /**
   * Loads the state into the machine: the golden one before the call, and the words that differ.
   */
  #load(injected: Injected): void {
    const machine = this.#machine;
    machine.state.set(this.#before);
    injected.steps += 1;
    if (injected.values.length > 0)
      for (let at = 0; at < injected.words.length; at += 1) machine.words[injected.words[at]] = injected.values[at];
    else if (injected.steps === 1) {
      flip(machine.bytes, injected.upset);
      if (injected.upset.model === 'stuck') injected.stuck = new StuckBit(injected.upset, machine);
    }
    injected.stuck?.force(machine);
  }

  /** Makes the call; false when result or output are not the golden ones. */
  #make(injected: Injected, index: number): boolean {
    const machine = this.#machine;
    const call = this.#call;
    if (injected.reportPending && !yields(call.op) && !this.#takeUpsets(injected)) return false;
    let result = machine.invoke(call);
    // An event that reports an upset comes before the golden ones, or instead of none.
    while (
      call.op === op.event &&
      result > 0 &&
      takeUpset(machine.bytes, machine.program.recordAt, result, injected.upsets)
    )
      result = machine.invoke(call);
    if (call.op === op.event && result <= 0) injected.reportPending = false;
    const expected = this.#log.result[index];
    if (hasStatus(call.op) && result === (expected | FLAG.event)) {
      injected.reportPending ||= result !== expected;
      return true;
    }
    return result === expected && this.#sameOutput(machine, call.op, index, outputBytes(result));
  }

  /** Polls the events that the golden run does not poll; false when one of them is not an upset. */
  #takeUpsets(injected: Injected): boolean {
    const { calls, program, bytes } = this.#machine;
    injected.reportPending = false;
    for (;;) {
      const length = calls.event(program.context, program.recordAt, recordCapacity);
      if (length <= 0) return true;
      if (!takeUpset(bytes, program.recordAt, length, injected.upsets)) return false;
    }
  }

  /**
   * True when an upset was corrected and reported, and nothing but bookkeeping differs after two
   * calls in a row.
   */
  #isSettled(injected: Injected, index: number): boolean {
    const { upsets, reportPending, stuck, words } = injected;
    if (upsets.corrected + upsets.discarded === 0 || reportPending || stuck !== null) return false;
    const before = injected.settled;
    injected.settled = this.#bookkeeping.covers(words, this.#machine);
    return before && injected.settled && !(injected.stored && this.#restoresAfter(index));
  }

  #sameOutput(machine: Machine, operation: number, index: number, length: number): boolean {
    if (!yields(operation)) return true;
    const { bytes } = machine;
    const from = machine.outputAt(operation);
    const at = this.#log.at[index];
    for (let offset = 0; offset < length; offset += 1)
      if (bytes[from + offset] !== this.#log.bytes[at + offset]) return false;
    return true;
  }

  /**
   * True when the golden run restores the node from a checkpoint after call `index`: an injected
   * checkpoint then comes back.
   */
  #restoresAfter(index: number): boolean {
    const found = this.#log.op.indexOf(op.restore, index + 1);
    return found >= 0 && found < this.#log.count;
  }

  /**
   * Notes which words of the machine differ from the golden one's. The arrays are new: the old ones
   * may be kept as the state before the last input.
   */
  #compare(injected: Injected): void {
    const values = this.#machine.words;
    injected.words = differingWords(this.#machine, this.#golden);
    injected.values = injected.words.map((word) => values[word]);
  }

  #diverge(injected: Injected, kind: Divergence['kind'], call: number, site: number): void {
    const { stored, upsets, stuck } = injected;
    const { call: forkCall, words, values } = injected.reportPending ? injected.input : { ...injected, call };
    this.#end(injected, { kind, call, site, stored, forkCall, words, values, upsets, stuck: stuck !== null }, false);
  }
}

const hasStatus = (operation: number) => operation === op.receive || operation === op.observe || operation === op.tick;

import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { Debugger } from '../../emulator/debugger.ts';
import type { CallCount } from '../../emulator/plugin/plugin.ts';
import { askFor, type PortInput, type PortOutput } from '../../emulator/port.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import { BoardSession } from '../../emulator/session.ts';

/**
 * Bit flips at an exact instruction of a board's run (BRD-1): README.md, "Injection". The golden run tells which address is executed as instruction N of a call and how
 * often it was executed in that call before; a run with a debugger stops there, flips, and goes on. Same injection, same outcome.
 */

/** Before which instruction: number `at` of call number `call`, or of all calls one after the other. Both count from 0. */
export interface InjectionTime {
  call?: number;
  at: number;
}

/** A register by name, a byte by address, by wasm linear address, or by symbol and offset. */
export type InjectionPlace =
  | { register: string }
  | { address: number }
  | { linear: number }
  | { symbol: string; offset?: number };

export interface Injection {
  time: InjectionTime;
  place: InjectionPlace;
  /** Bit of the register, or of the byte and those after it. */
  bit: number;
}

/** What came of it, worst last that applies: nothing, another state at the end, other outputs, a trap, a restart, no end. */
export type Outcome =
  | { kind: 'masked' }
  | { kind: 'wrong-state' }
  | { kind: 'wrong-output'; input: number }
  | { kind: 'trap'; input: number; site: number; reason: number }
  | { kind: 'restart'; input: number; cause: number }
  | { kind: 'hang'; input: number; caughtBy: 'watchdog' | 'limit' | 'timeout' };

export interface InjectionResult {
  outcome: Outcome;
  /** The call and the instruction of it that the flip came before, and where that is. */
  call: number;
  op: string;
  at: number;
  address: number;
  /** The byte or register before and after. */
  before: string;
  after: string;
  /** Hash of the context at the end, null when the runtime was down. */
  hash: number | null;
}

export interface GoldenRun {
  /** What came back for each input. */
  outputs: PortOutput[][];
  hash: number;
  calls: CallCount[];
  /** Number of the first call that each input made. */
  firstCall: number[];
  /** Addresses executed in each call. */
  trace: Uint32Array[];
  /** Instructions of all calls. */
  instructions: number;
}

export interface InjectorParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  /** The first must boot. The hash is asked for once, at the end. */
  inputs: readonly PortInput[];
  /** A call of more instructions is a hang. Above what the board's own watchdog allows (a second) unless a campaign wants it sooner. */
  limit?: number;
}

const watchdogCause = 2;
const limitDefault = 1_200_000_000;

function same(a: PortOutput, b: PortOutput): boolean {
  const text = (output: PortOutput) =>
    JSON.stringify(output, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value));
  return text(a) === text(b);
}

/** Flips bits in runs of one board over one row of inputs. */
export class Injector {
  readonly #parts: InjectorParts;
  #golden: GoldenRun | null = null;

  constructor(parts: InjectorParts) {
    if (parts.inputs[0]?.kind !== 'boot')
      throw new EmulatorError('the first input of an injection run must boot the board');
    this.#parts = parts;
  }

  #session(how: { traced?: boolean; debugged?: boolean }): BoardSession {
    const { pool, target, path, elf, limit = limitDefault } = this.#parts;
    return new BoardSession({ pool, id: pool.uniqueId(target.name), target, path, elf, limit, ...how });
  }

  /** The run without a flip. Throws when it does not end well: then there is nothing to compare with. */
  golden(): GoldenRun {
    if (this.#golden !== null) return this.#golden;
    const session = this.#session({ traced: true });
    try {
      session.untilDone();
      const outputs: PortOutput[][] = [];
      const firstCall: number[] = [];
      for (const input of this.#parts.inputs) {
        firstCall.push(session.counts().length);
        session.give(input);
        outputs.push(session.untilDone());
      }
      const calls = session.counts();
      const trace = session.trace();
      const bad = outputs.findIndex((told) => told.at(-1)?.kind !== 'done');
      if (bad >= 0) throw new EmulatorError(`input ${bad} does not end well without any flip: ${told(outputs[bad])}`);
      const instructions = calls.reduce((sum, call) => sum + call.instructions, 0);
      this.#golden = { outputs, hash: askHash(session), calls, firstCall, trace, instructions };
      return this.#golden;
    } finally {
      session.close();
    }
  }

  /** Which call and which instruction of it a time means. Throws when the run has no such instruction. */
  locate({ call, at }: InjectionTime): { call: number; at: number } {
    const { calls, instructions } = this.golden();
    if (call !== undefined) {
      if (calls[call] === undefined) throw new EmulatorError(`the run has no call ${call}: it makes ${calls.length}`);
      if (at >= calls[call].instructions)
        throw new EmulatorError(
          `call ${call} (${calls[call].op}) has no instruction ${at}: it takes ${calls[call].instructions}`,
        );
      return { call, at };
    }
    let left = at;
    for (let index = 0; index < calls.length; index += 1) {
      if (left < calls[index].instructions) return { call: index, at: left };
      left -= calls[index].instructions;
    }
    throw new EmulatorError(`the run has no instruction ${at}: its calls take ${instructions} in all`);
  }

  /** One run with one flip. */
  inject(injection: Injection): InjectionResult {
    const golden = this.golden();
    const { call, at } = this.locate(injection.time);
    const executed = golden.trace[call];
    const address = executed[at];
    let passes = 0;
    for (let index = 0; index < at; index += 1) if (executed[index] === address) passes += 1;
    const input = golden.firstCall.findLastIndex((first) => first <= call);
    const session = this.#session({ debugged: true });
    try {
      const debug = session.debugger!;
      debug.resume();
      session.untilDone();
      for (let index = 0; index < input; index += 1) {
        session.give(this.#parts.inputs[index]);
        session.untilDone();
      }
      debug.interrupt();
      this.#runTo(session, debug, input, call - golden.firstCall[input], address, passes);
      const { before, after } = flip(debug, this.#parts.target, this.#parts.elf, injection);
      debug.resume();
      const { outcome, hash } = this.#finish(session, golden, input);
      return { outcome, call, op: golden.calls[call].op, at, address, before, after, hash };
    } finally {
      session.close();
    }
  }

  /** Gives the input, lets `callsBefore` of its calls pass, and stops in the next where the address is reached after `passes` passes. */
  #runTo(
    session: BoardSession,
    debug: Debugger,
    input: number,
    callsBefore: number,
    address: number,
    passes: number,
  ): void {
    const marks = this.#parts.elf.functions
      .filter(({ name }) => name.startsWith('measure_begin_'))
      .map((mark) => mark.address);
    for (const mark of marks) debug.setBreakpoint(mark);
    debug.resume();
    session.give(this.#parts.inputs[input]);
    debug.awaitStop();
    debug.passStops(callsBefore);
    for (const mark of marks) debug.clearBreakpoint(mark);
    debug.runTo(address, passes);
  }

  /** Reads on from the input that the flip hit, and judges. */
  #finish(session: BoardSession, golden: GoldenRun, from: number): { outcome: Outcome; hash: number | null } {
    const { inputs } = this.#parts;
    let wrong: Outcome | null = null;
    for (let index = from; index < inputs.length; index += 1) {
      let outputs: PortOutput[];
      try {
        if (index > from) session.give(inputs[index]);
        outputs = session.untilDone();
      } catch (error) {
        if (!(error instanceof EmulatorError)) throw error;
        const over = session.counts().at(-1)?.how === 'over';
        return { outcome: { kind: 'hang', input: index, caughtBy: over ? 'limit' : 'timeout' }, hash: null };
      }
      const last = outputs.at(-1)!;
      if (last.kind === 'trapped') {
        const { site, reason } = last;
        return { outcome: { kind: 'trap', input: index, site, reason }, hash: null };
      }
      if (last.kind === 'hello') {
        const { cause } = last;
        const restart: Outcome = { kind: 'restart', input: index, cause };
        return {
          outcome: cause === watchdogCause ? { kind: 'hang', input: index, caughtBy: 'watchdog' } : restart,
          hash: null,
        };
      }
      const expected = golden.outputs[index];
      const equal = outputs.length === expected.length && outputs.every((output, at) => same(output, expected[at]));
      if (!equal && wrong === null) wrong = { kind: 'wrong-output', input: index };
    }
    const hash = askHash(session);
    return { outcome: wrong ?? { kind: hash === golden.hash ? 'masked' : 'wrong-state' }, hash };
  }
}

function told(outputs: readonly PortOutput[]): string {
  return outputs.map(({ kind }) => kind).join(', ');
}

function askHash(session: BoardSession): number {
  session.give({ kind: 'ask', what: askFor.hash, index: 0 });
  const answer = session.untilDone().at(-1);
  if (answer?.kind !== 'answer') throw new EmulatorError('the board does not answer what its hash is');
  return answer.words[0];
}

/** Address of a byte of linear memory: on big-endian boards it lies backwards from its end. */
export function linearAddress(target: Target, elf: Elf, at: number): number {
  const begin = elf.symbols.get('linear_begin');
  const end = elf.symbols.get('zero_end');
  if (begin === undefined || end === undefined)
    throw new EmulatorError('the ELF does not say where linear memory lies');
  if (at < 0 || at >= end - begin) throw new EmulatorError(`linear memory has ${end - begin} bytes: no address ${at}`);
  return target.bigEndian ? end - 1 - at : begin + at;
}

function addressOf(target: Target, elf: Elf, place: Exclude<InjectionPlace, { register: string }>): number {
  if ('address' in place) return place.address;
  if ('linear' in place) return linearAddress(target, elf, place.linear);
  const symbol = elf.symbols.get(place.symbol);
  if (symbol === undefined) throw new EmulatorError(`the ELF has no symbol '${place.symbol}'`);
  return symbol + (place.offset ?? 0);
}

/** Flips the bit where the board stands. Bits above 7 are those of the bytes that follow, in the order of linear addresses for a linear place. */
function flip(debug: Debugger, target: Target, elf: Elf, { place, bit }: Injection): { before: string; after: string } {
  if ('register' in place) {
    const before = debug.register(place.register);
    const after = before ^ (1n << BigInt(bit));
    debug.setRegister(place.register, after);
    return { before: `0x${before.toString(16)}`, after: `0x${after.toString(16)}` };
  }
  const bytes = bit >> 3;
  const at =
    'linear' in place ? linearAddress(target, elf, place.linear + bytes) : addressOf(target, elf, place) + bytes;
  const [before] = debug.read(at, 1);
  const after = before ^ (1 << (bit & 7));
  debug.write(at, Uint8Array.of(after));
  if (debug.read(at, 1)[0] !== after) throw new EmulatorError(`0x${at.toString(16)} cannot be written: it is no RAM`);
  return { before: `0x${before.toString(16)}`, after: `0x${after.toString(16)}` };
}

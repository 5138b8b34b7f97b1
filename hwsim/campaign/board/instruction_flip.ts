import type { Elf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import type { Debugger } from '../../emulator/debugger.ts';
import type { CallCount } from '../../emulator/plugin/plugin.ts';
import { EmulatorError, type EmulatorPool } from '../../emulator/pool.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import { BoardSession } from '../../emulator/session.ts';
import { sameOutputs } from './port_items.ts';
import { linearAddress, symbolOf } from './ram.ts';
import { BOARD_CAUSE, PORT_ASK } from '../../../host/cbor/generated.ts';

/**
 * Flips one bit at an exact instruction of a board's run (BRD-1): hwsim/emulator/README.md,
 * "Injection". The golden run shows which address is executed as instruction N of a call, and how
 * often it was executed in that call before. A run with a debugger stops there, flips the bit, and
 * goes on. The same flip has the same outcome every time.
 */

/**
 * Before instruction number `at` of call number `call`, or of all calls one after the other. Both
 * count from 0.
 */
export interface FlipTime {
  call?: number;
  at: number;
}

/** A register by name, a byte by address, by wasm linear address, or by symbol and offset. */
export type FlipPlace =
  | { register: string }
  | { address: number }
  | { linear: number }
  | { symbol: string; offset?: number };

export interface InstructionFlip {
  time: FlipTime;
  place: FlipPlace;
  /** Bit of the register, or of the byte and those after it. */
  bit: number;
}

/**
 * Outcome of a flip, the worst last: nothing, another state at the end, other outputs, a trap, a
 * restart, no end.
 */
export type FlipOutcome =
  | { kind: 'masked' }
  | { kind: 'wrong-state' }
  | { kind: 'wrong-output'; input: number }
  | { kind: 'trap'; input: number; site: number; reason: number }
  | { kind: 'restart'; input: number; cause: number }
  | { kind: 'hang'; input: number; caughtBy: 'watchdog' | 'limit' | 'timeout' };

export interface FlipResult {
  outcome: FlipOutcome;
  /** The call, and the instruction of it before which the bit was flipped, with its address. */
  call: number;
  op: string;
  at: number;
  address: number;
  /** The byte or register before and after. */
  before: string;
  after: string;
  /** Hash of the context at the end; null when the runtime was down. */
  hash: number | null;
}

export interface GoldenRun {
  /** Outputs of each input. */
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

export interface FlipInjectorParts {
  pool: EmulatorPool;
  target: Target;
  path: string;
  elf: Elf;
  /** The first must boot the board. The hash is asked for once, at the end. */
  inputs: readonly PortInput[];
  /**
   * A call of more instructions is a hang. The default is above what the board's own watchdog
   * allows (a second).
   */
  limit?: number;
}

const limitDefault = 1_200_000_000;

/** Where a flip is made: an address, reached after so many passes in a call of an input. */
interface FlipPoint {
  input: number;
  callsBefore: number;
  address: number;
  passes: number;
}

/** Flips bits in runs of one board over the same inputs. */
export class FlipInjector {
  readonly #parts: FlipInjectorParts;
  #golden: GoldenRun | null = null;

  constructor(parts: FlipInjectorParts) {
    if (parts.inputs[0]?.kind !== 'boot')
      throw new EmulatorError('the first input of an injection run must boot the board');
    this.#parts = parts;
  }

  #session(how: { traced?: boolean; debugged?: boolean }): BoardSession {
    const { pool, target, path, elf, limit = limitDefault } = this.#parts;
    return new BoardSession({ pool, id: pool.uniqueId(target.name), target, path, elf, limit, ...how });
  }

  /**
   * Flies the run without a flip, once. Throws when an input does not end well: then there is
   * nothing to compare with.
   */
  golden(): GoldenRun {
    this.#golden ??= this.#flyGolden();
    return this.#golden;
  }

  #flyGolden(): GoldenRun {
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
      const bad = outputs.findIndex((answer) => answer.at(-1)?.kind !== 'done');
      if (bad >= 0) {
        const kinds = outputs[bad].map(({ kind }) => kind).join(', ');
        throw new EmulatorError(`input ${bad} does not end well without any flip: ${kinds}`);
      }
      const instructions = calls.reduce((sum, call) => sum + call.instructions, 0);
      return { outputs, hash: askHash(session), calls, firstCall, trace, instructions };
    } finally {
      session.close();
    }
  }

  /**
   * Returns the call and the instruction of it that a time means. Throws when the run has no such
   * instruction.
   */
  locate({ call, at }: FlipTime): { call: number; at: number } {
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

  /** Flies one run with one flip. */
  inject(flip: InstructionFlip): FlipResult {
    const golden = this.golden();
    const { target, elf, inputs } = this.#parts;
    const { call, at } = this.locate(flip.time);
    const point = pointOf(golden, call, at);
    const session = this.#session({ debugged: true });
    try {
      const debug = session.debugger!;
      debug.resume();
      session.untilDone();
      for (let index = 0; index < point.input; index += 1) {
        session.give(inputs[index]);
        session.untilDone();
      }
      debug.interrupt();
      this.#stopAt(session, debug, point);
      const { before, after } = flipAt(debug, target, elf, flip);
      debug.resume();
      const { outcome, hash } = this.#finish(session, golden, point.input);
      return { outcome, call, op: golden.calls[call].op, at, address: point.address, before, after, hash };
    } finally {
      session.close();
    }
  }

  /** Gives the input and stops where the flip is made. */
  #stopAt(session: BoardSession, debug: Debugger, { input, callsBefore, address, passes }: FlipPoint): void {
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
  #finish(session: BoardSession, golden: GoldenRun, from: number): { outcome: FlipOutcome; hash: number | null } {
    const { inputs } = this.#parts;
    let wrong: FlipOutcome | null = null;
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
      const end = outcomeOfEnd(outputs.at(-1)!, index);
      if (end !== null) return { outcome: end, hash: null };
      if (!sameOutputs(outputs, golden.outputs[index])) wrong ??= { kind: 'wrong-output', input: index };
    }
    const hash = askHash(session);
    return { outcome: wrong ?? { kind: hash === golden.hash ? 'masked' : 'wrong-state' }, hash };
  }
}

function pointOf({ trace, firstCall }: GoldenRun, call: number, at: number): FlipPoint {
  const executed = trace[call];
  const address = executed[at];
  let passes = 0;
  for (let index = 0; index < at; index += 1) if (executed[index] === address) passes += 1;
  const input = firstCall.findLastIndex((first) => first <= call);
  return { input, callsBefore: call - firstCall[input], address, passes };
}

/** Returns the outcome of an input that ended in a trap or a reset; null for another end. */
function outcomeOfEnd(last: PortOutput, input: number): FlipOutcome | null {
  if (last.kind === 'trapped') return { kind: 'trap', input, site: last.site, reason: last.reason };
  if (last.kind !== 'hello') return null;
  const { cause } = last;
  return cause === BOARD_CAUSE.watchdog
    ? { kind: 'hang', input, caughtBy: 'watchdog' }
    : { kind: 'restart', input, cause };
}

function askHash(session: BoardSession): number {
  session.give({ kind: 'ask', what: PORT_ASK.hash, index: 0 });
  const answer = session.untilDone().at(-1);
  if (answer?.kind !== 'answer') throw new EmulatorError('the board does not answer the question for its hash');
  return answer.words[0];
}

function addressOf(target: Target, elf: Elf, place: Exclude<FlipPlace, { register: string }>): number {
  if ('address' in place) return place.address;
  if ('linear' in place) return linearAddress(target, elf, place.linear);
  return symbolOf(elf, place.symbol) + (place.offset ?? 0);
}

/**
 * Flips the bit where the board stands. Bits above 7 are those of the following bytes, in the order
 * of linear addresses for a linear place.
 */
function flipAt(debug: Debugger, target: Target, elf: Elf, { place, bit }: InstructionFlip) {
  const spell = (value: number | bigint) => `0x${value.toString(16)}`;
  if ('register' in place) {
    const before = debug.register(place.register);
    const after = before ^ (1n << BigInt(bit));
    debug.setRegister(place.register, after);
    return { before: spell(before), after: spell(after) };
  }
  const bytes = bit >> 3;
  const at =
    'linear' in place ? linearAddress(target, elf, place.linear + bytes) : addressOf(target, elf, place) + bytes;
  const [before] = debug.read(at, 1);
  const after = before ^ (1 << (bit & 7));
  debug.write(at, Uint8Array.of(after));
  if (debug.read(at, 1)[0] !== after) throw new EmulatorError(`0x${at.toString(16)} cannot be written: it is no RAM`);
  return { before: spell(before), after: spell(after) };
}

/** Runs one node's image in an instance with a memory of its own. */
import type { FirmwareCalls } from '../../../host/engine/engine.ts';
import { budgetExport, staticsAt, touchImport } from './instrument.ts';
import { INSPECT, WASM_PAGE_BYTES } from '../../../host/cbor/generated.ts';

/**
 * One call into the firmware; its inputs are bytes of `source`. One object is filled again and
 * again.
 */
export interface Call {
  op: number;
  nowS: number;
  nowMs: number;
  /** Of boot and restore. */
  cause: number;
  source: Uint8Array;
  /** Frame, record or configuration. */
  at: number;
  length: number;
  /** Of restore: the checkpoint. */
  imageAt: number;
  imageLength: number;
}

export const op = {
  boot: 0,
  restore: 1,
  receive: 2,
  observe: 3,
  tick: 4,
  transmit: 5,
  command: 6,
  event: 7,
} as const;
export const opNames = Object.keys(op);

const frameCapacity = 256;
export const recordCapacity = 128;
const configCapacity = 34 * recordCapacity;

export const emptyCall = (): Call => ({
  op: 0,
  nowS: 0,
  nowMs: 0,
  cause: 0,
  source: new Uint8Array(0),
  at: 0,
  length: 0,
  imageAt: 0,
  imageLength: 0,
});

/**
 * Offsets within a context (inspect, WHAT_LAYOUT). What lives within one call stands before
 * `linesAt`; loss counters begin at `countersAt`, their codes at `counterCodesAt`.
 */
export interface Layout {
  linesAt: number;
  countersAt: number;
  /** Equal to the context's size in an image without protection. */
  codesAt: number;
  counterCodesAt: number;
}

/** An image ready to be instantiated, and its layout. */
export class Program {
  readonly module: WebAssembly.Module;
  readonly contextBytes: number;
  readonly checkpointBytes: number;
  readonly context: number;
  /** The image's state: static data, then the context. The host's buffers lie above. */
  readonly stateFrom: number;
  readonly stateTo: number;
  readonly frameAt: number;
  readonly recordAt: number;
  readonly configAt: number;
  readonly imageAt: number;
  readonly pages: number;
  /** The memory of a fresh instance. */
  readonly fresh: Uint8Array;

  constructor(image: Uint8Array) {
    this.module = new WebAssembly.Module(image as Uint8Array<ArrayBuffer>);
    const { exports } = new WebAssembly.Instance(
      this.module,
      importsOf(() => {}),
    );
    const calls = exports as unknown as FirmwareCalls;
    const memory = exports.memory as WebAssembly.Memory;
    const initial = new Uint8Array(memory.buffer).slice();
    this.contextBytes = calls.context_bytes();
    this.checkpointBytes = calls.checkpoint_bytes();
    this.context = (calls.memory_base() + 63) & ~63;
    this.stateFrom = staticsAt;
    this.stateTo = this.context + this.contextBytes;
    this.frameAt = (this.stateTo + 63) & ~63;
    this.recordAt = this.frameAt + frameCapacity;
    this.configAt = this.recordAt + recordCapacity;
    this.imageAt = this.configAt + configCapacity;
    this.pages = Math.ceil((this.imageAt + this.checkpointBytes) / WASM_PAGE_BYTES);
    this.fresh = new Uint8Array(this.pages * WASM_PAGE_BYTES);
    this.fresh.set(initial.subarray(0, Math.min(initial.length, this.fresh.length)));
  }
}

/**
 * Reads the layout from a machine whose context was booted. Throws when the image does not show it.
 */
export function layoutOf(machine: Machine): Layout {
  const { program, calls, words } = machine;
  const at = program.recordAt;
  if (calls.inspect(program.context, INSPECT.layout, 0, at, recordCapacity) < 4)
    throw new Error('the image does not show the layout of its context: run `npm run build`');
  const [linesAt, countersAt, codesAt, counterCodesAt] = words.subarray(at >> 2);
  return { linesAt, countersAt, codesAt, counterCodesAt };
}

const importsOf = (touch: (at: number, bytes: number) => void): WebAssembly.Imports => ({
  [touchImport.module]: { [touchImport.name]: touch },
});

/**
 * One node's processor: an instance with a memory of its own, so that a wild write stays within the
 * node, as in flight.
 */
export class Machine {
  readonly program: Program;
  readonly calls: FirmwareCalls;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Bytes of constants and context. */
  readonly state: Uint8Array;
  readonly exports: WebAssembly.Exports;
  readonly #budget: WebAssembly.Global | null;
  readonly buffer: Buffer;

  constructor(program: Program, touch: (at: number, bytes: number) => void = () => {}) {
    this.program = program;
    this.exports = new WebAssembly.Instance(program.module, importsOf(touch)).exports;
    this.calls = this.exports as unknown as FirmwareCalls;
    const memory = this.exports.memory as WebAssembly.Memory;
    const missing = program.pages - memory.buffer.byteLength / WASM_PAGE_BYTES;
    if (missing > 0) memory.grow(missing);
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.buffer = Buffer.from(memory.buffer);
    this.state = this.bytes.subarray(program.stateFrom, program.stateTo);
    this.#budget = (this.exports[budgetExport] as WebAssembly.Global | undefined) ?? null;
  }

  /** Resets the memory to that of a new instance. The image has no mutable globals to reset. */
  renew(): void {
    this.bytes.set(this.program.fresh);
  }

  /**
   * Loads constants and the trap site anew, as a board's start-up code loads them from non-volatile
   * memory.
   */
  #reload(): void {
    const { fresh, context } = this.program;
    this.bytes.set(fresh.subarray(0, context));
  }

  /**
   * Makes the call; its output lies at `frameAt` or `recordAt`. Throws what the instance throws.
   */
  invoke(call: Call): number {
    const { program, calls, bytes } = this;
    const { context: ctx, frameAt, recordAt, configAt, imageAt } = program;
    const { source, at, length, nowS, nowMs } = call;
    switch (call.op) {
      case op.receive:
        copy(source, at, bytes, frameAt, length);
        return calls.receive(ctx, nowS, nowMs, frameAt, length);
      case op.tick:
        return calls.tick(ctx, nowS, nowMs);
      case op.transmit:
        return calls.transmit(ctx, nowS, nowMs, frameAt, frameCapacity);
      case op.command:
        return calls.command(ctx, recordAt, recordCapacity);
      case op.event:
        return calls.event(ctx, recordAt, recordCapacity);
      case op.observe:
        copy(source, at, bytes, recordAt, length);
        return calls.observe(ctx, nowS, nowMs, recordAt, length);
      case op.boot:
        this.#reload();
        copy(source, at, bytes, configAt, length);
        return calls.boot(ctx, configAt, length, call.cause, nowS, nowMs);
      default:
        this.#reload();
        copy(source, at, bytes, configAt, length);
        copy(source, call.imageAt, bytes, imageAt, call.imageLength);
        return calls.restore(ctx, imageAt, call.imageLength, configAt, length, call.cause, nowS, nowMs);
    }
  }

  /** True when the last trap ended a loop whose turns were used up. */
  get ranOut(): boolean {
    return this.#budget !== null && this.#budget.value === 0;
  }

  /** Returns where a call's output lies. */
  outputAt(operation: number): number {
    return operation === op.transmit ? this.program.frameAt : this.program.recordAt;
  }
}

function copy(from: Uint8Array, at: number, to: Uint8Array, toAt: number, length: number): void {
  // Frames are short: a loop is faster than making a view.
  if (length > 512) to.set(from.subarray(at, at + length), toAt);
  else for (let index = 0; index < length; index += 1) to[toAt + index] = from[at + index];
}

/** True when a call's result has the length of an output that it wrote. */
export const yields = (operation: number) =>
  operation === op.transmit || operation === op.command || operation === op.event;

export const isTrap = (error: unknown) => error instanceof WebAssembly.RuntimeError;

const chunkWords = 512;

/**
 * Returns the words (byte address ÷ 4) of constants and context in which two machines differ. Equal
 * chunks are skipped whole.
 */
export function differingWords(one: Machine, other: Machine): number[] {
  const { stateFrom, stateTo } = one.program;
  const end = stateTo >> 2;
  const found: number[] = [];
  for (let from = stateFrom >> 2; from < end; from += chunkWords) {
    const to = Math.min(from + chunkWords, end);
    if (one.buffer.compare(other.buffer, from * 4, to * 4, from * 4, to * 4) === 0) continue;
    for (let word = from; word < to; word += 1) if (one.words[word] !== other.words[word]) found.push(word);
  }
  return found;
}

import type { Engine, FirmwareCalls, ImageFacts } from '../../../host/engine/engine.ts';
import { TYPE } from '../../../host/cbor/generated.ts';
import { outputBytes } from '../../../host/platform/loop.ts';
import { type Call, emptyCall, isTrap, type Machine, op, yields } from './machine.ts';

/** Where `Boards` begins to lay out its blocks: copies of contexts, buffers, frames in flight. */
const firstAddress = 64;
export const hostBytes = 1 << 23;

/**
 * The simulator's engine with one machine per node. `Boards` lays its blocks into a memory that
 * belongs to the host alone, and each call is made by the machine of the context that it names. A
 * context in the host's memory is only a placeholder; the real one is copied there when a
 * checkpoint is stored.
 */
export class ClusterEngine implements Engine {
  readonly name = 'v8';
  readonly image: ImageFacts;
  readonly calls: FirmwareCalls;
  readonly machines: readonly Machine[];
  /**
   * Instant of the last trace entry that `clock` received, ms: calls carry only the node's own
   * time.
   */
  timeMs = 0;
  readonly #host: Uint8Array;
  readonly #call: Call = emptyCall();
  #next = firstAddress;
  readonly #stride: number;
  #last = 0;

  /**
   * `machines`: one per node, and last the host's own, into which nothing is injected: it reads
   * checkpoints.
   */
  constructor(machines: readonly Machine[], image: ImageFacts, host: Uint8Array = new Uint8Array(hostBytes)) {
    this.machines = machines;
    this.#host = host;
    this.image = image;
    this.#stride = (image.contextBytes + 63) & ~63;
    this.#call.source = this.#host;
    this.calls = { ...this.#factCalls(), ...this.#nodeCalls(), ...this.#stateCalls() };
  }

  /**
   * A trace consumer that keeps `timeMs`. It takes no frames: for each, the run would make a view.
   */
  get clock() {
    const setTime = (timeMs: number) => {
      this.timeMs = timeMs;
    };
    return { command: setTime, event: setTime, world: setTime };
  }

  reserve(bytes: number): number {
    const at = this.#next;
    this.#next += (bytes + 63) & ~63;
    if (this.#next > hostBytes) throw new RangeError('the host memory of an injection run is full: fewer nodes');
    return at;
  }

  /** Does nothing: each machine loads its own static data before it boots or restores. */
  loadStatics(): void {}

  view(): Uint8Array {
    return this.#host;
  }

  isTrap(error: unknown): boolean {
    return isTrap(error);
  }

  /** Makes one call of a node. Overridden where calls are recorded or compared. */
  protected run(node: number, call: Call): number {
    return this.machines[node].invoke(call);
  }

  /**
   * Returns the node whose context is at an address: `Boards` reserves the contexts first, one
   * after the other.
   */
  protected nodeOf(context: number): number {
    return (context - firstAddress) / this.#stride;
  }

  get #groundMachine(): Machine {
    return this.machines[this.machines.length - 1];
  }

  /** The exports of the machine that a context belongs to. */
  #callsOf(context: number): FirmwareCalls {
    this.#last = this.nodeOf(context);
    return this.machines[this.#last].calls;
  }

  /**
   * Makes a call whose other operands stand in `#call`; copies its output to `#call.at` in the
   * host's memory.
   */
  #invoke(operation: number, context: number, nowS: number, nowMs: number): number {
    const node = this.nodeOf(context);
    this.#last = node;
    const call = this.#call;
    const { at } = call;
    call.op = operation;
    call.nowS = nowS;
    call.nowMs = nowMs;
    const result = this.run(node, call);
    const length = yields(operation) ? outputBytes(result) : 0;
    if (length === 0) return result;
    const machine = this.machines[node];
    const from = machine.outputAt(operation);
    const { bytes } = machine;
    for (let index = 0; index < length; index += 1) this.#host[at + index] = bytes[from + index];
    // A checkpoint holds the context as it is at this moment.
    if (operation === op.command && isStore(this.#host, at))
      this.publishContext(node, bytes.subarray(machine.program.context, machine.program.stateTo));
    return result;
  }

  /** Sets where the next call's input or output lies in the host's memory. */
  #place(at: number, length = 0): void {
    this.#call.at = at;
    this.#call.length = length;
  }

  /** Copies a node's context to where `Boards` looks for it. */
  protected publishContext(node: number, block: Uint8Array): void {
    this.#host.set(block, firstAddress + node * this.#stride);
  }

  /** Calls that ask for facts about the image. */
  #factCalls() {
    const ground = this.#groundMachine;
    const { program } = ground;
    return {
      abi_version: () => ground.calls.abi_version(),
      context_bytes: () => program.contextBytes,
      memory_base: () => ground.calls.memory_base(),
      checkpoint_bytes: () => program.checkpointBytes,
    } satisfies Partial<FirmwareCalls>;
  }

  /** Calls that a recording or a fork sees. */
  #nodeCalls() {
    const invoke = this.#invoke.bind(this);
    const place = this.#place.bind(this);
    const call = this.#call;
    return {
      boot: (ctx, config, length, cause, nowS, nowMs) => {
        place(config, length);
        call.cause = cause;
        return invoke(op.boot, ctx, nowS, nowMs);
      },
      restore: (ctx, image, length, config, configLength, cause, nowS, nowMs) => {
        place(config, configLength);
        call.cause = cause;
        call.imageAt = image;
        call.imageLength = length;
        return invoke(op.restore, ctx, nowS, nowMs);
      },
      receive: (ctx, nowS, nowMs, frame, length) => {
        place(frame, length);
        return invoke(op.receive, ctx, nowS, nowMs);
      },
      observe: (ctx, nowS, nowMs, record, length) => {
        place(record, length);
        return invoke(op.observe, ctx, nowS, nowMs);
      },
      tick: (ctx, nowS, nowMs) => {
        place(0);
        return invoke(op.tick, ctx, nowS, nowMs);
      },
      transmit: (ctx, nowS, nowMs, out) => {
        place(out);
        return invoke(op.transmit, ctx, nowS, nowMs);
      },
      command: (ctx, out) => {
        place(out);
        return invoke(op.command, ctx, 0, 0);
      },
      event: (ctx, out) => {
        place(out);
        return invoke(op.event, ctx, 0, 0);
      },
    } satisfies Partial<FirmwareCalls>;
  }

  /** Calls that read a node's state without changing it. */
  #stateCalls() {
    const { program } = this.#groundMachine;
    return {
      checkpoint: (ctx, out, capacity) => this.#checkpoint(ctx, out, capacity),
      hash: (ctx) => this.#callsOf(ctx).hash(program.context),
      inspect: (ctx, what, index, out, capacity) => {
        const shown = this.show(this.nodeOf(ctx), what, index);
        if (shown.length > capacity) return 0;
        this.#host.set(shown, out);
        return shown.length / 4;
      },
      trap_site: () => this.machines[this.#last].calls.trap_site(),
      verdict: (ctx, owner, slot, nowS, nowMs) => this.#callsOf(ctx).verdict(program.context, owner, slot, nowS, nowMs),
    } satisfies Partial<FirmwareCalls>;
  }

  /**
   * Returns what `inspect` shows of a node's present state; empty when it shows nothing. A copy of
   * the block is inspected, so that this is no call of the node. Overridden where it is recorded or
   * repeated.
   */
  protected show(node: number, what: number, index: number): Uint8Array {
    const { program, bytes, calls } = this.#groundMachine;
    bytes.set(this.machines[node].bytes.subarray(program.context, program.stateTo), program.context);
    try {
      const words = calls.inspect(program.context, what, index, program.imageAt, program.checkpointBytes);
      return bytes.slice(program.imageAt, program.imageAt + words * 4);
    } catch (error) {
      if (!isTrap(error)) throw error;
      return new Uint8Array(0);
    }
  }

  /** Writes the checkpoint image of the block at `ctx` in the host's memory. */
  #checkpoint(ctx: number, out: number, capacity: number): number {
    const block = this.#host.subarray(ctx, ctx + this.image.contextBytes);
    const length = checkpointLength(this.#groundMachine, block, capacity);
    const { program, bytes } = this.#groundMachine;
    this.#host.set(bytes.subarray(program.imageAt, program.imageAt + length), out);
    return length;
  }
}

/**
 * Lets a machine write the checkpoint image of a stored block to its own `imageAt`; returns the
 * image's length.
 */
export function checkpointLength({ program, bytes, calls }: Machine, block: Uint8Array, capacity: number): number {
  bytes.set(block, program.context);
  return calls.checkpoint(program.context, program.imageAt, capacity);
}

/** True for a `store-checkpoint` record: types above 127 stand after the array's head and 0x18. */
export const isStore = (bytes: Uint8Array, at: number) =>
  bytes[at + 1] === 0x18 && bytes[at + 2] === TYPE.storeCheckpoint;

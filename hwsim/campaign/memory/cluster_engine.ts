import type { Engine, FirmwareCalls, ImageFacts } from '../../../host/engine/engine.ts';
import { TYPE } from '../../../host/cbor/generated.ts';
import { type Call, emptyCall, isTrap, type Machine, op, yields } from './machine.ts';

/** Room for the blocks that `Boards` lays out: stand-ins of contexts, buffers, frames in the air. */
const firstAddress = 64;
export const hostBytes = 1 << 23;

/**
 * The simulator's engine with a machine per node: `Boards` lays its blocks into a memory that belongs to the host alone, and each call is made by
 * the machine of the context that it names. Contexts in the host's memory are stand-ins; a context is copied there when a checkpoint is stored.
 */
export class ClusterEngine implements Engine {
  readonly name = 'v8';
  readonly image: ImageFacts;
  readonly calls: FirmwareCalls;
  readonly machines: readonly Machine[];
  /** Instant of the trace that was last told to `clock`, ms: calls carry only the node's own time. */
  timeMs = 0;
  readonly #host: Uint8Array;
  readonly #call: Call = emptyCall();
  #next = firstAddress;
  readonly #stride: number;
  #last = 0;

  /** One machine per node and one more, on which nothing strikes: the host's, for reading checkpoints. */
  constructor(machines: readonly Machine[], image: ImageFacts, host: Uint8Array = new Uint8Array(hostBytes)) {
    this.machines = machines;
    this.#host = host;
    this.image = image;
    this.#stride = (image.contextBytes + 63) & ~63;
    this.#call.source = this.#host;
    this.calls = this.#callsOf();
  }

  /** To be seated among a run's consumers: keeps `timeMs`. It hears no frames: a view of each would be made for it. */
  get clock() {
    const tell = (timeMs: number) => {
      this.timeMs = timeMs;
    };
    return { command: tell, event: tell, world: tell };
  }

  reserve(bytes: number): number {
    const at = this.#next;
    this.#next += (bytes + 63) & ~63;
    if (this.#next > hostBytes) throw new RangeError('the host memory of an injection run is full: fewer nodes');

    return at;
  }

  view(): Uint8Array {
    return this.#host;
  }

  isTrap(error: unknown): boolean {
    return isTrap(error);
  }

  /** Makes one call of a node. To be overridden by whoever records or compares. */
  protected run(node: number, call: Call): number {
    return this.machines[node].invoke(call);
  }

  /** Whose context lies at an address: `Boards` reserves the contexts first, one behind the other. */
  protected nodeOf(context: number): number {
    return (context - firstAddress) / this.#stride;
  }

  #calls(context: number): FirmwareCalls {
    this.#last = this.nodeOf(context);
    return this.machines[this.#last].calls;
  }

  #make(operation: number, context: number, nowS: number, nowMs: number, at: number, length: number): number {
    const node = this.nodeOf(context);
    this.#last = node;
    const call = this.#call;
    call.op = operation;
    call.nowS = nowS;
    call.nowMs = nowMs;
    call.at = at;
    call.length = length;
    const result = this.run(node, call);
    if (!yields(operation) || result <= 0) return result;
    const machine = this.machines[node];
    const from = machine.outputAt(operation);
    const { bytes } = machine;
    for (let index = 0; index < result; index += 1) this.#host[at + index] = bytes[from + index];
    // What a checkpoint holds is the context at this moment.
    if (operation === op.command && isStore(this.#host, at))
      this.tell(node, bytes.subarray(machine.program.context, machine.program.stateTo));
    return result;
  }

  /** Puts a node's context where `Boards` looks for it. */
  protected tell(node: number, block: Uint8Array): void {
    this.#host.set(block, firstAddress + node * this.#stride);
  }

  #callsOf(): FirmwareCalls {
    const { machines } = this;
    const ground = machines[machines.length - 1];
    const { program } = ground;
    const make = this.#make.bind(this);
    return {
      abi_version: () => ground.calls.abi_version(),
      context_bytes: () => program.contextBytes,
      memory_base: () => ground.calls.memory_base(),
      checkpoint_bytes: () => program.checkpointBytes,
      boot: (ctx, config, length, cause, nowS, nowMs) => {
        this.#call.cause = cause;
        return make(op.boot, ctx, nowS, nowMs, config, length);
      },
      restore: (ctx, image, length, config, configLength, cause, nowS, nowMs) => {
        this.#call.cause = cause;
        this.#call.imageAt = image;
        this.#call.imageLength = length;
        return make(op.restore, ctx, nowS, nowMs, config, configLength);
      },
      receive: (ctx, nowS, nowMs, frame, length) => make(op.receive, ctx, nowS, nowMs, frame, length),
      observe: (ctx, nowS, nowMs, record, length) => make(op.observe, ctx, nowS, nowMs, record, length),
      tick: (ctx, nowS, nowMs) => make(op.tick, ctx, nowS, nowMs, 0, 0),
      transmit: (ctx, nowS, nowMs, out) => make(op.transmit, ctx, nowS, nowMs, out, 0),
      command: (ctx, out) => make(op.command, ctx, 0, 0, out, 0),
      event: (ctx, out) => make(op.event, ctx, 0, 0, out, 0),
      deadline: (ctx, nowS, nowMs) => make(op.deadline, ctx, nowS, nowMs, 0, 0),
      checkpoint: (ctx, out, capacity) => this.#checkpoint(ctx, out, capacity),
      hash: (ctx) => this.#calls(ctx).hash(program.context),
      inspect: (ctx, what, index, out, capacity) => {
        const shown = this.show(this.nodeOf(ctx), what, index);
        if (shown.length > capacity) return 0;
        this.#host.set(shown, out);
        return shown.length / 4;
      },
      trap_site: () => machines[this.#last].calls.trap_site(),
      verdict: (ctx, owner, slot, nowS, nowMs) => this.#calls(ctx).verdict(program.context, owner, slot, nowS, nowMs),
    };
  }

  /**
   * What a node's image shows (`inspect`) of its block as it is: a copy of it is looked at, so that looking is no call of the node's. Empty: nothing. To be overridden by
   * whoever records it, or repeats what was recorded.
   */
  protected show(node: number, what: number, index: number): Uint8Array {
    const ground = this.machines[this.machines.length - 1];
    const { program, bytes, calls } = ground;
    bytes.set(this.machines[node].bytes.subarray(program.context, program.stateTo), program.context);
    try {
      const words = calls.inspect(program.context, what, index, program.imageAt, program.checkpointBytes);
      return bytes.slice(program.imageAt, program.imageAt + words * 4);
    } catch (error) {
      if (!isTrap(error)) throw error;
      return new Uint8Array(0);
    }
  }

  /** A checkpoint's image out of the block at `ctx` in the host's memory. */
  #checkpoint(ctx: number, out: number, capacity: number): number {
    const ground = this.machines[this.machines.length - 1];
    return checkpointOf(ground, this.#host.subarray(ctx, ctx + this.image.contextBytes), this.#host, out, capacity);
  }
}

/** Lets a machine write the checkpoint image of a stored block to `out[at…]`; returns its length. */
export function checkpointOf(
  machine: Machine,
  block: Uint8Array,
  out: Uint8Array,
  at: number,
  capacity: number,
): number {
  const { program, bytes, calls } = machine;
  bytes.set(block, program.context);
  const length = calls.checkpoint(program.context, program.imageAt, capacity);
  out.set(bytes.subarray(program.imageAt, program.imageAt + length), at);
  return length;
}

/** A `store-checkpoint` record: types above 127 stand behind the array's head and 0x18. */
export const isStore = (bytes: Uint8Array, at: number) =>
  bytes[at + 1] === 0x18 && bytes[at + 2] === TYPE.storeCheckpoint;

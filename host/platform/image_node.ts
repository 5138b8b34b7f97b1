import type { Engine } from '../engine/engine.ts';
import { type CheckpointSource, reserveBuffers } from './buffers.ts';
import { IdlePlatform } from './idle.ts';
import { dueMs, PlatformLoop, type Trap, zeroCounts } from './loop.ts';

/** What one input made a node's image give out. Bytes are copies. */
export interface Outputs {
  /** Status of the input (docs/abi.md); `noStatus` when the image trapped. */
  readonly status: number;
  readonly frames: readonly Uint8Array[];
  /** Encoded records. Whoever drives the node carries them out. */
  readonly commands: readonly Uint8Array[];
  readonly events: readonly Uint8Array[];
  readonly trap: Trap | null;
}

const configBytesMax = 4096;
/**
 * Room for a record that is longer than any valid one, so that the image is the one that refuses
 * it.
 */
const recordBytesMax = 4096;

/**
 * One node in an engine, driven from outside: each input returns all that it made the image give
 * out.
 */
export class ImageNode extends IdlePlatform {
  readonly loop: PlatformLoop;
  /** When the image wants `tick`, by the processor's clock; Infinity: it waits for inputs only. */
  tickAtMs = Number.POSITIVE_INFINITY;
  readonly #engine: Engine;
  #frames: Uint8Array[] = [];
  #commands: Uint8Array[] = [];
  #events: Uint8Array[] = [];
  #trap: Trap | null = null;

  constructor(engine: Engine) {
    super(engine);
    this.#engine = engine;
    const context = engine.reserve(engine.image.contextBytes);
    const buffers = { ...reserveBuffers(engine, configBytesMax), record: engine.reserve(recordBytesMax) };
    this.loop = new PlatformLoop({ engine, context, buffers, handler: this, counts: zeroCounts() });
  }

  /**
   * Boots with an encoded configuration (`encodeConfig`), from a checkpoint if one is given and
   * accepted.
   */
  boot(config: Uint8Array, cause: number, nowMs: number, checkpoints: CheckpointSource | null = null): Outputs {
    this.#engine.view().set(config, this.loop.buffers.config);
    return this.#take(this.loop.at(nowMs).boot(config.length, cause, checkpoints));
  }

  receive(frame: Uint8Array, nowMs: number): Outputs {
    return this.#take(this.loop.at(nowMs).receiveBytes(frame));
  }

  observe(record: Uint8Array, nowMs: number): Outputs {
    return this.#take(this.loop.at(nowMs).observeBytes(record));
  }

  tick(nowMs: number): Outputs {
    return this.#take(this.loop.at(nowMs).tick());
  }

  #take(status: number): Outputs {
    const outputs = {
      status,
      frames: this.#frames,
      commands: this.#commands,
      events: this.#events,
      trap: this.#trap,
    };
    this.#frames = [];
    this.#commands = [];
    this.#events = [];
    this.#trap = null;
    return outputs;
  }

  // ---- outputs of the image ----

  override send(_loop: PlatformLoop, at: number, length: number): void {
    this.#frames.push(this.#copy(at, length));
  }

  override command({ buffers }: PlatformLoop, length: number): void {
    this.#commands.push(this.#copy(buffers.record, length));
  }

  override event({ buffers }: PlatformLoop, length: number): void {
    this.#events.push(this.#copy(buffers.record, length));
  }

  override deadline({ localMs }: PlatformLoop, waitMs: number): void {
    this.tickAtMs = dueMs(localMs, waitMs);
  }

  override trapped(_loop: PlatformLoop, trap: Trap): void {
    this.#trap = trap;
  }

  #copy(at: number, length: number): Uint8Array {
    return this.#engine.view().slice(at, at + length);
  }
}

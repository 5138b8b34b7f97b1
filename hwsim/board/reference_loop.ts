import {
  ANSWER_WORDS_MAX,
  FRAME_BYTES_MAX,
  NOT_ASKED,
  PORT_ASK,
  STATUS,
  TRAP,
  TYPE,
} from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';
import type { LoopBuffers } from '../../host/platform/buffers.ts';
import { mayRestore } from '../../host/platform/config.ts';
import { noStatus, PlatformLoop, type PlatformHandler, type Trap, zeroCounts } from '../../host/platform/loop.ts';
import type { CheckpointMemory } from './slot_memory.ts';
import { PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from './port.ts';

const recordInputBytesMax = 256;
/**
 * Outputs of one input after which it counts as a trap: an image without errors has fewer. On a
 * board the watchdog ends such a step (STEP_MS_MAX of firmware/boards/loop/loop.c).
 */
const outputsPerInputMax = 1024;

/** Reports that the image sends outputs without end, because its memory errs. */
class EndlessOutputs extends Error {}

type Emit = (output: PortOutput) => void;

/**
 * Runs the platform's loop over an engine with the inputs and outputs of a board's serial line, as
 * a flight board's main loop does (firmware/boards/loop/loop.c). The inputs set the clock. A board
 * and an engine can be compared after every input.
 */
export class ReferenceLoop implements PlatformHandler {
  readonly #engine: Engine;
  readonly #memory: CheckpointMemory;
  readonly #buffers: LoopBuffers;
  readonly #loop: PlatformLoop;
  readonly #outFrame: number;
  #bytes: Uint8Array;
  #emit: Emit = () => {};
  #booted = false;
  #hashed = false;
  #deadlineMs = NOT_ASKED;
  #traps = 0;
  #outputs = 0;

  constructor(engine: Engine, memory: CheckpointMemory) {
    this.#engine = engine;
    this.#memory = memory;
    const context = engine.reserve(engine.image.contextBytes);
    this.#outFrame = engine.reserve(FRAME_BYTES_MAX);
    this.#buffers = {
      frame: engine.reserve(FRAME_BYTES_MAX),
      record: engine.reserve(recordInputBytesMax),
      config: engine.reserve(PORT_FRAME_BYTES_MAX),
      checkpoint: engine.reserve(engine.image.checkpointBytes),
    };
    this.#loop = new PlatformLoop({ engine, context, buffers: this.#buffers, handler: this, counts: zeroCounts() });
    this.#bytes = engine.view();
  }

  /** Returns the address of the context, for inspection and for flipping its bits. */
  get context(): number {
    return this.#loop.context;
  }

  /** Takes over the other loop's state, after its context was copied to this one. */
  bootedLike(other: ReferenceLoop): void {
    this.#booted = other.#booted;
    this.#hashed = other.#hashed;
  }

  /** Resets the processor: the context is cleared. */
  reset(): void {
    this.#bytes = this.#engine.view();
    this.#bytes.fill(0, this.context, this.context + this.#engine.image.contextBytes);
    this.#booted = false;
    this.#traps = 0;
  }

  /**
   * Handles one input other than `reset`. `emit` gets what the board would put on the line; `done`,
   * `trapped` or `answer` is last.
   */
  handle(input: PortInput, emit: Emit): void {
    this.#bytes = this.#engine.view();
    this.#emit = emit;
    this.#deadlineMs = NOT_ASKED;
    this.#outputs = 0;
    if (input.kind === 'ask') return emit({ kind: 'answer', words: this.#answer(input.what, input.index) });
    try {
      const status = this.#step(input);
      if (status === noStatus) return;
      const hash = this.#hashed && this.#booted ? this.#engine.calls.hash(this.context) >>> 0 : 0;
      emit({ kind: 'done', status: status >>> 0, deadlineMs: this.#deadlineMs, hash });
    } catch (error) {
      if (!(error instanceof EndlessOutputs) && !this.#engine.isTrap(error)) throw error;
      this.#reportTrap(this.#engine.calls.trap_site());
    }
  }

  #step(input: Exclude<PortInput, { kind: 'ask' }>): number {
    if (input.kind === 'boot') return this.#boot(input);
    if (!this.#booted || input.kind === 'reset') return NOT_ASKED;
    const loop = this.#loop.at(input.nowS * 1000 + input.nowMs);
    switch (input.kind) {
      case 'frame':
        return input.bytes.length > FRAME_BYTES_MAX ? NOT_ASKED : loop.receiveBytes(input.bytes);
      case 'record':
        return input.bytes.length > recordInputBytesMax ? NOT_ASKED : loop.observeBytes(input.bytes);
      case 'tick':
        return loop.tick();
      case 'store':
        this.#store();
        return STATUS.ok;
    }
  }

  #boot({ cause, nowS, nowMs, config, hashed }: Extract<PortInput, { kind: 'boot' }>): number {
    this.#hashed = hashed;
    this.#booted = false;
    this.#bytes.set(config, this.#buffers.config);
    return this.#loop.at(nowS * 1000 + nowMs).boot(config.length, cause, mayRestore(cause) ? this.#memory : null);
  }

  // ---- outputs of the image ----

  booted(): void {
    this.#booted = true;
  }

  frameAt(): number {
    return this.#outFrame;
  }

  send(_loop: PlatformLoop, at: number, length: number): void {
    this.#put('frame', at, length);
  }

  command(_loop: PlatformLoop, length: number): void {
    this.#put('record', this.#buffers.record, length);
  }

  /**
   * Obeys only stores, as a driven board does, and moves the context: commands that end the runtime
   * are for its driver.
   */
  obey(loop: PlatformLoop, type: number): boolean {
    if (type === TYPE.storeCheckpoint) this.#store();
    if (type === TYPE.moveContext) {
      loop.moveContext();
      this.#bytes = this.#engine.view();
    }
    return true;
  }

  event(_loop: PlatformLoop, length: number): void {
    this.#put('record', this.#buffers.record, length);
  }

  deadline(_loop: PlatformLoop, waitMs: number): void {
    this.#deadlineMs = waitMs;
  }

  trapped(_loop: PlatformLoop, { site }: Trap): void {
    this.#reportTrap(site);
  }

  #reportTrap(site: number): void {
    this.#booted = false;
    this.#traps += 1;
    this.#emit({ kind: 'trapped', site: site >>> 0, reason: TRAP.assertion });
  }

  #put(kind: 'frame' | 'record', at: number, length: number): void {
    this.#outputs += 1;
    if (this.#outputs > outputsPerInputMax) throw new EndlessOutputs('more outputs than any step has');
    this.#emit({ kind, bytes: this.#bytes.slice(at, at + length) });
  }

  #store(): void {
    const image = this.#loop.checkpoint();
    if (image !== null) this.#memory.write(image);
  }

  #answer(what: number, index: number): number[] {
    if (what === PORT_ASK.hash) return [this.#engine.calls.hash(this.context) >>> 0];
    // An engine's stack cannot be measured here, and no input is lost on the way to it.
    if (what === PORT_ASK.stackDepth) return [0];
    if (what === PORT_ASK.counters) return [0, this.#traps];
    if (what < PORT_ASK.inspect) return [];
    return [...this.#loop.inspect(what - PORT_ASK.inspect, index, ANSWER_WORDS_MAX * 4)];
  }
}

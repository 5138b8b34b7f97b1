import { TYPE } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { FLAG_COMMAND, FLAG_DEADLINE, FLAG_EVENT, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { bootCause } from '../../host/platform/config.ts';
import type { CheckpointMemory } from './memory.ts';
import { askFor, PORT_FRAME_BYTES_MAX, type PortInput, type PortOutput } from './port.ts';

/** Nobody asked the image: what `done` carries as status of an input that it could not take, and as deadline when none was asked. */
export const notAsked = 0xffffffff;

const frameBytesMax = 256;
const recordBytesMax = 256;
const answerWordsMax = 64;
const endsRuntime: ReadonlySet<number> = new Set([TYPE.restartRuntime, TYPE.resetProcessor, TYPE.alternateImage]);
const assertion = 1;
/** As a board's watchdog ends a step that does not end (STEP_MS_MAX of firmware/boards/loop/loop.c): so many outputs has none of a sound image. */
const outputsPerInputMax = 1024;

/** The image gives out without end: its memory errs. */
class Babble extends Error {}

type Emit = (output: PortOutput) => void;

/**
 * The main loop of firmware/boards/loop/loop.c over an engine, with a driven clock: the same calls of the image in the same order, so that a board and an
 * engine can be compared after every input. hwsim/board makes these calls as well, inlined.
 */
export class BoardLoop {
  readonly #engine: Engine;
  readonly #memory: CheckpointMemory;
  readonly #context: number;
  readonly #buffer: number;
  readonly #config: number;
  readonly #image: number;
  #bytes: Uint8Array;
  #booted = false;
  #hashed = false;
  #now = { nowS: 0, nowMs: 0 };
  #deadlineMs = notAsked;
  #traps = 0;
  #outputs = 0;

  constructor(engine: Engine, memory: CheckpointMemory) {
    this.#engine = engine;
    this.#memory = memory;
    this.#context = engine.reserve(engine.image.contextBytes);
    this.#buffer = engine.reserve(frameBytesMax);
    this.#config = engine.reserve(PORT_FRAME_BYTES_MAX);
    this.#image = engine.reserve(engine.image.checkpointBytes);
    this.#bytes = engine.view();
  }

  /** Address of the context, for whoever looks at it or flips its bits. */
  get context(): number {
    return this.#context;
  }

  /** Whoever copied the other's context to this one goes on from where the other is. */
  bootedLike(other: BoardLoop): void {
    this.#booted = other.#booted;
    this.#hashed = other.#hashed;
    this.#now = other.#now;
  }

  /** A processor's reset: the context is gone. */
  reset(): void {
    this.#bytes = this.#engine.view();
    this.#bytes.fill(0, this.#context, this.#context + this.#engine.image.contextBytes);
    this.#booted = false;
    this.#traps = 0;
  }

  /** Takes one input other than `reset`; `emit` gets what the board would put on the line, ending in `done`, `trapped` or `answer`. */
  handle(input: PortInput, emit: Emit): void {
    this.#bytes = this.#engine.view();
    this.#deadlineMs = notAsked;
    this.#outputs = 0;
    if (input.kind === 'ask') return emit({ kind: 'answer', words: this.#answer(input.what, input.index) });
    try {
      const status = this.#step(input, emit);
      const hash = this.#hashed && this.#booted ? this.#engine.calls.hash(this.#context) >>> 0 : 0;
      emit({ kind: 'done', status, deadlineMs: this.#deadlineMs, hash });
    } catch (error) {
      if (!(error instanceof Babble) && !this.#engine.isTrap(error)) throw error;
      this.#booted = false;
      this.#traps += 1;
      emit({ kind: 'trapped', site: this.#engine.calls.trap_site() >>> 0, reason: assertion });
    }
  }

  #step(input: Exclude<PortInput, { kind: 'ask' }>, emit: Emit): number {
    const { calls } = this.#engine;
    if (input.kind === 'boot') return this.#boot(input, emit);
    if (!this.#booted || input.kind === 'reset') return notAsked;
    const { nowS, nowMs } = input;
    this.#now = { nowS, nowMs };
    switch (input.kind) {
      case 'frame': {
        if (input.bytes.length > frameBytesMax) return notAsked;
        const receive = () => {
          this.#bytes.set(input.bytes, this.#buffer);
          return calls.receive(this.#context, nowS, nowMs, this.#buffer, input.bytes.length);
        };
        const status = receive();
        if ((status & STATUS_MASK) !== STATUS.tickFirst) return this.#drain(status, 0, emit);
        this.#drain(calls.tick(this.#context, nowS, nowMs), FLAG_DEADLINE, emit);
        return this.#drain(receive(), 0, emit);
      }
      case 'record': {
        if (input.bytes.length > recordBytesMax) return notAsked;
        this.#bytes.set(input.bytes, this.#buffer);
        return this.#drain(calls.observe(this.#context, nowS, nowMs, this.#buffer, input.bytes.length), 0, emit);
      }
      case 'tick':
        return this.#drain(calls.tick(this.#context, nowS, nowMs), FLAG_DEADLINE, emit);
      case 'store':
        this.#store();
        return 0;
    }
  }

  #boot(input: Extract<PortInput, { kind: 'boot' }>, emit: Emit): number {
    const { calls } = this.#engine;
    const { cause, nowS, nowMs, config } = input;
    this.#hashed = input.hashed;
    this.#now = { nowS, nowMs };
    this.#bytes.set(config, this.#config);
    let status: number = STATUS.checkpoint;
    const restorable = cause !== bootCause.powerOn && cause !== bootCause.alternateImage;
    for (const age of [0, 1] as const) {
      const image = restorable && (status & STATUS_MASK) !== STATUS.ok ? this.#memory.read(age) : null;
      if (image === null || image.length > this.#engine.image.checkpointBytes) continue;
      this.#bytes.set(image, this.#image);
      status = calls.restore(this.#context, this.#image, image.length, this.#config, config.length, cause, nowS, nowMs);
    }
    if ((status & STATUS_MASK) !== STATUS.ok)
      status = calls.boot(this.#context, this.#config, config.length, cause, nowS, nowMs);
    this.#booted = (status & STATUS_MASK) === STATUS.ok;
    if (this.#booted) this.#drain(status, FLAG_DEADLINE, emit);
    return status >>> 0;
  }

  /** Hands out what the status says that there is, and `forced` besides. Returns the status. */
  #drain(status: number, forced: number, emit: Emit): number {
    const { calls } = this.#engine;
    const { nowS, nowMs } = this.#now;
    const flags = status | forced;
    if ((flags & FLAG_DEADLINE) !== 0) {
      for (;;) {
        const length = calls.transmit(this.#context, nowS, nowMs, this.#buffer, frameBytesMax);
        if (length <= 0) break;
        this.#emit('frame', length, emit);
      }
    }
    if ((flags & FLAG_COMMAND) !== 0) this.#drainCommands(emit);
    if ((flags & FLAG_EVENT) !== 0) this.#drainEvents(emit);
    if ((flags & FLAG_DEADLINE) !== 0) this.#deadlineMs = calls.deadline(this.#context, nowS, nowMs) >>> 0;
    return status >>> 0;
  }

  #drainCommands(emit: Emit): void {
    for (;;) {
      const length = this.#engine.calls.command(this.#context, this.#buffer, recordBytesMax);
      if (length <= 0) return;
      const type = this.#bytes[this.#buffer + 1] === 0x18 ? this.#bytes[this.#buffer + 2] : 0;
      this.#emit('record', length, emit);
      if (type === TYPE.storeCheckpoint) this.#store();
      // What a runtime told before it ends itself is heard.
      else if (endsRuntime.has(type)) this.#drainEvents(emit);
    }
  }

  #drainEvents(emit: Emit): void {
    for (;;) {
      const length = this.#engine.calls.event(this.#context, this.#buffer, recordBytesMax);
      if (length <= 0) return;
      this.#emit('record', length, emit);
    }
  }

  #emit(kind: 'frame' | 'record', length: number, emit: Emit): void {
    this.#outputs += 1;
    if (this.#outputs > outputsPerInputMax) throw new Babble('more outputs than any step has');
    emit({ kind, bytes: this.#bytes.slice(this.#buffer, this.#buffer + length) });
  }

  #store(): void {
    const length = this.#engine.calls.checkpoint(this.#context, this.#image, this.#engine.image.checkpointBytes);
    if (length > 0) this.#memory.write(this.#bytes.slice(this.#image, this.#image + length));
  }

  #answer(what: number, index: number): number[] {
    const { calls } = this.#engine;
    if (what === askFor.hash) return [calls.hash(this.#context) >>> 0];
    // An engine's stack is not ours to measure, and nothing is dropped on the way to it.
    if (what === askFor.stackDepth) return [0];
    if (what === askFor.counters) return [0, this.#traps];
    if (what < askFor.inspect) return [];
    const words = calls.inspect(this.#context, what - askFor.inspect, index, this.#buffer, answerWordsMax * 4);
    const view = new DataView(this.#bytes.buffer, this.#buffer);
    return Array.from({ length: words }, (_, word) => view.getUint32(4 * word, true));
  }
}

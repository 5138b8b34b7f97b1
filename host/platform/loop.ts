// The platform's loop around the image of one node: gives it inputs, and polls what it gives out in
// the order of docs/abi.md.
//
//     boot │ receive │ observe │ tick  →  frame  →  commands  →  events  →  deadline
//
// Every host of an image calls it through this class: the node, the simulator, the reference loop
// of the emulated boards, tests. The flight boards' loop in C (firmware/boards/loop/loop.c) makes
// the same calls in the same order; `heliograph board trace` compares the two after every input.

import {
  DEADLINE_SHIFT,
  FLAG,
  FRAME_BYTES_MAX,
  OUTPUT_BYTES_MASK,
  RECORD_BYTES_MAX,
  STATUS,
  STATUS_MASK,
  TYPE,
} from '../cbor/generated.ts';
import { isChecked } from '../cbor/check.ts';
import { commandTypeMin } from '../cbor/types.ts';
import type { Engine, FirmwareCalls } from '../engine/engine.ts';
import type { CheckpointSource, LoopBuffers } from './buffers.ts';

/**
 * What an input returns in place of a status when the runtime trapped, or ended before the input
 * was given.
 */
export const noStatus = -1;

/**
 * What a platform does with the outputs of its nodes' images: one object for all nodes, its methods
 * are called on the hot path.
 */
export interface PlatformHandler {
  /** The image runs; it is about to be polled for the first time. */
  booted(loop: PlatformLoop): void;
  /** Address for the next frame: room for FRAME_BYTES_MAX bytes, 4-aligned. */
  frameAt(loop: PlatformLoop): number;
  /** A frame of `length` bytes for the radio stands at `at`. */
  send(loop: PlatformLoop, at: number, length: number): void;
  /** A command of `length` bytes stands in the record buffer, which it leaves when this returns. */
  command(loop: PlatformLoop, length: number): void;
  /**
   * Carries out the command that came last. False: the runtime runs no longer, and nothing more is
   * polled.
   */
  obey(loop: PlatformLoop, type: number): boolean;
  /** An event of `length` bytes stands in the record buffer, which it leaves when this returns. */
  event(loop: PlatformLoop, length: number): void;
  /** The image wants `tick` in `waitMs` milliseconds of its clock. */
  deadline(loop: PlatformLoop, waitMs: number): void;
  /** The image trapped, and must be booted before it is called again. */
  trapped(loop: PlatformLoop, trap: Trap): void;
}

export interface Trap {
  /** Of the assertion that failed (`trap_site` of docs/abi.md). */
  readonly site: number;
  /** It trapped while it booted, or in the first poll after that. */
  readonly isBooting: boolean;
  /** The engine's own words. */
  readonly message: string;
}

/** Calls that carried an input or an output, of all loops that share the object. */
export interface CallCounts {
  boots: number;
  receives: number;
  observes: number;
  ticks: number;
  commands: number;
  events: number;
  /** Inputs that the image refused. */
  rejected: number;
  /** Commands that the platform refused: no record, or one whose check does not fit. */
  commandsRefused: number;
  traps: number;
}

export function zeroCounts(): CallCounts {
  const refused = { rejected: 0, commandsRefused: 0 };
  return { boots: 0, receives: 0, observes: 0, ticks: 0, commands: 0, events: 0, ...refused, traps: 0 };
}

/** Commands after which the firmware does not run on. */
export function endsRuntime(type: number): boolean {
  return type === TYPE.restartRuntime || type === TYPE.resetProcessor || type === TYPE.alternateImage;
}

/** Type of the command of `length` bytes at `at`; 0: it is none, or its check does not fit. */
function commandTypeAt(bytes: Uint8Array, at: number, length: number): number {
  return isChecked(bytes, at, length) && bytes[at + 2] >= commandTypeMin ? bytes[at + 2] : 0;
}

/** Whether a restore was refused for its configuration: the checkpoint may be good. */
function isConfigAtFault(status: number): boolean {
  const code = status & STATUS_MASK;
  return code === STATUS.malformed || code === STATUS.implausible;
}

/**
 * When the image wants to be called, by the processor's clock. A deadline of 0 after a full poll
 * would spin: the next chance is the next millisecond.
 */
export function dueMs(localMs: number, waitMs: number): number {
  return localMs + Math.max(1, waitMs);
}

/** Length of the output of `transmit`, `command` or `event`. */
export function outputBytes(result: number): number {
  return result & OUTPUT_BYTES_MASK;
}

/** The deadline in a result whose flag says that it moved, and in every result of `transmit`. */
export function deadlineMsOf(result: number): number {
  return result >>> DEADLINE_SHIFT;
}

export function isOk(status: number): boolean {
  return (status & STATUS_MASK) === STATUS.ok;
}

export interface LoopParts {
  readonly engine: Engine;
  /** Address of the node's context. */
  readonly context: number;
  readonly buffers: LoopBuffers;
  readonly handler: PlatformHandler;
  readonly counts: CallCounts;
  /** Index by which the handler knows the node. */
  readonly node?: number;
}

/** The loop of one node. Every input is given at the time that was set last by `at`. */
export class PlatformLoop {
  readonly node: number;
  readonly buffers: LoopBuffers;
  readonly counts: CallCounts;
  /** Milliseconds since the processor's power-on. */
  localMs = 0;
  /** The same instant as the platform counts it; it is not given to the image. */
  timeMs = 0;
  #nowS = 0;
  #nowMs = 0;
  #context: number;
  /** The context's other place, once it was moved. */
  #otherPlace: number | null = null;
  readonly #engine: Engine;
  readonly #calls: FirmwareCalls;
  readonly #handler: PlatformHandler;
  /** Records that answer commands: observed once all that waits is polled. */
  readonly #answers: Uint8Array[] = [];

  constructor({ engine, context, buffers, handler, counts, node = 0 }: LoopParts) {
    this.node = node;
    this.#context = context;
    this.buffers = buffers;
    this.counts = counts;
    this.#engine = engine;
    this.#calls = engine.calls;
    this.#handler = handler;
  }

  /** Address of the node's context. */
  get context(): number {
    return this.#context;
  }

  /**
   * Copies the context to another place and uses that from now on; the next time, back. What a
   * stuck cell has falsified is corrected in the copy. Makes earlier views of the memory stale.
   */
  moveContext(): void {
    const { contextBytes } = this.#engine.image;
    const from = this.#context;
    const to = this.#otherPlace ?? this.#engine.reserve(contextBytes);
    this.#engine.view().copyWithin(to, from, from + contextBytes);
    this.#otherPlace = from;
    this.#context = to;
  }

  /** Sets the time of the inputs that follow. */
  at(localMs: number, timeMs: number = localMs): this {
    this.localMs = localMs;
    this.timeMs = timeMs;
    this.#nowS = Math.floor(localMs / 1000);
    this.#nowMs = localMs - this.#nowS * 1000;
    return this;
  }

  // ---- inputs: each returns the status of its call, or `noStatus` ----

  /**
   * Begins to run, with the configuration in its buffer: from the newest checkpoint that the image
   * accepts, else from nothing. `checkpoints` null: from nothing. When the status is not ok the
   * node does not run.
   */
  boot(configBytes: number, cause: number, checkpoints: CheckpointSource | null): number {
    this.counts.boots += 1;
    this.#answers.length = 0;
    try {
      const status = this.#start(configBytes, cause, checkpoints);
      if (!isOk(status)) return status;
      this.#handler.booted(this);
      this.#poll(status);
      return status;
    } catch (error) {
      return this.#trapped(error, true);
    }
  }

  /**
   * Gives the frame of `length` bytes in its buffer. An image that must tick first is ticked, and
   * given the frame again.
   */
  receive(length: number): number {
    this.counts.receives += 1;
    const { frame } = this.buffers;
    try {
      let status = this.#calls.receive(this.context, this.#nowS, this.#nowMs, frame, length);
      if ((status & STATUS_MASK) === STATUS.tickFirst) {
        this.counts.ticks += 1;
        const ticked = this.#calls.tick(this.context, this.#nowS, this.#nowMs);
        if (!this.#poll(ticked)) return noStatus;
        status = this.#calls.receive(this.context, this.#nowS, this.#nowMs, frame, length);
      }
      if ((status & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
      if ((status & ~STATUS_MASK) !== 0) this.#poll(status);
      return status;
    } catch (error) {
      return this.#trapped(error, false);
    }
  }

  /** Gives the platform record of `length` bytes in its buffer. */
  observe(length: number): number {
    try {
      const status = this.#observe(length);
      this.#poll(status);
      return status;
    } catch (error) {
      return this.#trapped(error, false);
    }
  }

  /** To be called when the deadline has passed; earlier is harmless. */
  tick(): number {
    this.counts.ticks += 1;
    try {
      const status = this.#calls.tick(this.context, this.#nowS, this.#nowMs);
      this.#poll(status);
      return status;
    } catch (error) {
      return this.#trapped(error, false);
    }
  }

  /** Likewise `receive` of a frame that lies elsewhere. */
  receiveBytes(frame: Uint8Array): number {
    this.#engine.view().set(frame, this.buffers.frame);
    return this.receive(frame.length);
  }

  /** Likewise `observe` of a record that lies elsewhere. */
  observeBytes(record: Uint8Array): number {
    this.#engine.view().set(record, this.buffers.record);
    return this.observe(record.length);
  }

  /**
   * Answers a command: the record is observed as soon as all that waits now is polled. To be called
   * by the handler's `obey`.
   */
  answer(record: Uint8Array): void {
    this.#answers.push(record);
  }

  // ---- the order of calls ----

  /**
   * Polls in the order of docs/abi.md, then gives what answers the commands. False: the runtime
   * ended.
   */
  #poll(status: number): boolean {
    let isRunning = this.#pollOnce(status);
    while (isRunning && this.#answers.length > 0) {
      const record = this.#answers.shift() as Uint8Array;
      this.#engine.view().set(record, this.buffers.record);
      isRunning = this.#pollOnce(this.#observe(record.length));
    }
    if (!isRunning) this.#answers.length = 0;
    return isRunning;
  }

  #pollOnce(status: number): boolean {
    const newest = (status & FLAG.frame) !== 0 ? this.#pollFrame() : status;
    if ((status & FLAG.command) !== 0 && !this.#pollCommands()) return false;
    if ((status & FLAG.event) !== 0) this.#pollEvents();
    if ((status & FLAG.deadline) !== 0) this.#handler.deadline(this, deadlineMsOf(newest));
    return true;
  }

  /** Takes the frame that may be sent now. Returns the result of the call: it has the deadline. */
  #pollFrame(): number {
    const at = this.#handler.frameAt(this);
    const result = this.#calls.transmit(this.context, this.#nowS, this.#nowMs, at, FRAME_BYTES_MAX);
    const length = outputBytes(result);
    if (length > 0) this.#handler.send(this, at, length);
    return result;
  }

  #pollCommands(): boolean {
    const { record } = this.buffers;
    for (;;) {
      const length = this.#calls.command(this.context, record, RECORD_BYTES_MAX);
      if (length <= 0) return true;
      this.counts.commands += 1;
      const type = commandTypeAt(this.#engine.view(), record, length);
      if (type === 0) {
        this.counts.commandsRefused += 1;
        continue;
      }
      this.#handler.command(this, length);
      // What a runtime reports before it ends itself is heard.
      if (endsRuntime(type)) this.#pollEvents();
      if (!this.#handler.obey(this, type)) return false;
    }
  }

  #pollEvents(): void {
    const { record } = this.buffers;
    for (;;) {
      const length = this.#calls.event(this.context, record, RECORD_BYTES_MAX);
      if (length <= 0) return;
      this.counts.events += 1;
      this.#handler.event(this, length);
    }
  }

  #observe(length: number): number {
    this.counts.observes += 1;
    const status = this.#calls.observe(this.context, this.#nowS, this.#nowMs, this.buffers.record, length);
    if ((status & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
    return status;
  }

  /**
   * Starts with static data as they were built: an upset there may be why the runtime ended.
   *
   * A checkpoint that the image refuses, or traps over, is not tried again; nor is one that does
   * not fit, as another image's. A configuration that it refuses ends the boot: the checkpoints
   * stay.
   */
  #start(configBytes: number, cause: number, checkpoints: CheckpointSource | null): number {
    const { config, checkpoint } = this.buffers;
    const refused: { age: 0 | 1; why: string }[] = [];
    this.#engine.loadStatics();
    try {
      for (const age of checkpoints === null ? [] : ([0, 1] as const)) {
        const image = checkpoints?.read(age) ?? null;
        if (image === null) continue;
        const { checkpointBytes } = this.#engine.image;
        if (image.length > checkpointBytes) {
          const why = `it has ${image.length} bytes, and a checkpoint of this image has ${checkpointBytes}`;
          refused.unshift({ age, why });
          continue;
        }
        this.#engine.view().set(image, checkpoint);
        refused.unshift({ age, why: 'the firmware refused it, or trapped over it' });
        const status = this.#calls.restore(
          this.context,
          checkpoint,
          image.length,
          config,
          configBytes,
          cause,
          this.#nowS,
          this.#nowMs,
        );
        if (!isOk(status) && !isConfigAtFault(status)) continue;
        refused.shift();
        return status;
      }
      return this.#calls.boot(this.context, config, configBytes, cause, this.#nowS, this.#nowMs);
    } finally {
      // The older first, so that ages do not move.
      for (const { age, why } of refused) checkpoints?.invalidate?.(age, why);
    }
  }

  #trapped(error: unknown, isBooting: boolean): number {
    if (!this.#engine.isTrap(error)) throw error;
    this.#answers.length = 0;
    this.counts.traps += 1;
    this.#handler.trapped(this, { site: this.#calls.trap_site(), isBooting, message: (error as Error).message });
    return noStatus;
  }

  // ---- questions: they change nothing ----

  /**
   * A copy of the checkpoint of the node as it is; null when the image makes none. Throws the
   * engine's trap.
   */
  checkpoint(): Uint8Array | null {
    const { checkpoint } = this.buffers;
    const length = this.#calls.checkpoint(this.context, checkpoint, this.#engine.image.checkpointBytes);
    return length > 0 ? this.#engine.view().slice(checkpoint, checkpoint + length) : null;
  }

  /**
   * A copy of what the image shows of itself, in words (`inspect` of docs/abi.md); empty when it
   * shows nothing, or more than `bytesMax`. Throws the engine's trap.
   */
  inspect(what: number, index: number, bytesMax = this.#engine.image.checkpointBytes): Uint32Array {
    const { checkpoint } = this.buffers;
    const words = this.#calls.inspect(this.context, what, index, checkpoint, bytesMax);
    return new Uint32Array(this.#engine.view().slice(checkpoint, checkpoint + words * 4).buffer);
  }
}

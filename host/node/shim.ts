import { FIELD, FRAME_BYTES_MAX, RECORD_BYTES_MAX, TYPE, type Group } from '../cbor/generated.ts';
import { encodeMessage } from '../cbor/message.ts';
import { readRecord, writeRecord } from '../cbor/record.ts';
import type { Alarm, Clock } from '../clock/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { FLAG_COMMAND, FLAG_EVENT, STATUS, STATUS_MASK, statusName } from '../engine/status.ts';
import type { Radio } from '../radio/radio.ts';
import { bootCause, type BootFacts, encodeConfig, type NodeConfig } from '../platform/config.ts';
import type { Log } from './log.ts';
import type { Memory } from './memory.ts';
import { LinkPlatform, type NodeLink } from './link.ts';
import { ModelPlatform } from './model_platform.ts';

export interface ShimParts {
  engine: Engine;
  clock: Clock;
  memory: Memory;
  config: NodeConfig;
  groups: readonly Group[];
  link: NodeLink;
  /** True when the wall clock may be believed at this boot; otherwise the firmware asks its peers (TIM-1). */
  timeKnown: boolean;
  /** Mission milliseconds now, by the wall: for the first boot and for converting the platform's orders. */
  missionMs: () => number;
  log: Log;
  /** Names of an event's fields, in order after the type. */
  nameEvent: (fields: Uint32Array, length: number) => { name: string; fields: Record<string, number> };
}

/** Recoveries in a row before the shim gives up; a real board would lie silent as well. */
const restartsMax = 8;
/** A clean hour clears the count, as the config record says. */
const stableMs = 3_600_000;
/** Steps in one turn of the event loop before timers and sockets get theirs. */
const stepsPerTurnMax = 5000;
/** The hardware watchdog bites when it was not fed for this long. *Assumed*; the simulator's board uses the same. */
const watchdogMsMax = 900_000;
const configBytesMax = 4096;
const inspectBytesMax = 256;

/**
 * One node: the firmware image, a clock, a radio, non-volatile memory. Local time runs along the wall clock times the scale, but the
 * firmware is called at the very instants that it asked for, as a timer interrupt would: the event loop's own lateness is no fault of
 * the node, and its slot would be gone by then.
 */
export class NodeShim {
  private readonly parts: ShimParts;
  private readonly context: number;
  private readonly buffer: number;
  private readonly bufferBytes: number;
  private readonly fields = new Uint32Array(24);
  private radio: Radio | null = null;
  private platform: ModelPlatform;
  private readonly linkPlatform: LinkPlatform;
  private localMs = 0;
  private alarm: Alarm | null = null;
  private restarts = 0;
  private bootedAtMs = 0;
  private fedAtMs = 0;
  private stopped = false;
  private alternateImage = false;
  /** What a command asked for while records were being read: done after them. */
  private pendingCause = 0;
  private onGivenUp: (reason: string) => void = () => {};

  constructor(parts: ShimParts) {
    this.parts = parts;
    const { engine } = parts;
    this.bufferBytes = Math.max(configBytesMax, engine.image.checkpointBytes);
    this.context = engine.reserve(engine.image.contextBytes);
    this.buffer = engine.reserve(this.bufferBytes + configBytesMax);
    this.platform = new ModelPlatform(parts.config, 0);
    this.linkPlatform = new LinkPlatform(parts.link, parts.memory);
  }

  /** Boots, from the newest checkpoint when there is one, and runs until `stop`. `onGivenUp` is called when recovery is exhausted. */
  start(radio: Radio, onGivenUp: (reason: string) => void): void {
    this.radio = radio;
    this.onGivenUp = onGivenUp;
    this.guarded(() => this.boot(bootCause.powerOn, this.parts.timeKnown));
    this.run();
  }

  /** A frame came in. */
  receive(frame: Uint8Array): void {
    if (this.stopped || this.radio === null) return;
    this.advance(this.wallMs());
    if (this.stopped) return;
    this.guarded(() => {
      let status = this.give(frame);
      if ((status & STATUS_MASK) === STATUS.tickFirst) {
        this.step();
        status = this.give(frame);
      }
      this.drain(status);
    });
    this.arm();
  }

  /** Records from a ground link, each as encoded. Returns the status that the firmware gave the first one that it refused, or ok. */
  uplink(records: readonly Uint8Array[]): number {
    let refused: number = STATUS.ok;
    if (this.stopped || this.radio === null) return STATUS.notBooted;
    this.advance(this.wallMs());
    this.guarded(() => {
      for (const record of records) {
        const status = this.observeBytes(record) & STATUS_MASK;
        if (refused === STATUS.ok) refused = status;
      }
    });
    this.arm();
    return refused;
  }

  private give(frame: Uint8Array): number {
    const { engine } = this.parts;
    engine.view().set(frame, this.buffer);
    const { seconds, rest } = this.now();
    return engine.calls.receive(this.context, seconds, rest, this.buffer, frame.length);
  }

  /** Writes a last checkpoint and stops. Throws StoreError when it cannot be written. */
  stop(): void {
    this.stopped = true;
    this.alarm?.cancel();
    try {
      this.checkpoint();
    } catch (error) {
      // A block that does not pass its own check is not kept; the checkpoint before it is.
      if (!this.parts.engine.isTrap(error)) throw error;
      this.parts.log('trap', { site: this.parts.engine.calls.trap_site() }, 'no last checkpoint');
    }
  }

  private now(): { seconds: number; rest: number } {
    return { seconds: Math.floor(this.localMs / 1000), rest: this.localMs % 1000 };
  }

  private wallMs(): number {
    return Math.max(this.localMs, Math.floor(this.parts.clock.elapsedMs()));
  }

  private boot(cause: number, timeKnown: boolean): void {
    const { engine, config, groups, memory, missionMs } = this.parts;
    const facts: BootFacts = {
      incarnation: memory.nextIncarnation(),
      timeKnown,
      missionMs: Math.max(0, missionMs() - (this.wallMs() - this.localMs)),
      resets: memory.resets,
      alternateImage: this.alternateImage,
      reserved: memory.reserved,
    };
    // Mission time in the config is that of local time zero of this boot.
    facts.missionMs = Math.max(0, facts.missionMs - this.localMs);
    const block = encodeConfig(config, groups, facts, this.parts.link.keys);
    const configAt = this.buffer + this.bufferBytes;
    engine.view().set(block, configAt);
    try {
      this.bootFrom(configAt, block.length, cause);
    } finally {
      // It holds keys: the firmware has its own copy, which is protected.
      engine.view().fill(0, configAt, configAt + block.length);
      block.fill(0);
    }
  }

  /** From the newest checkpoint that the firmware takes, or without one. */
  private bootFrom(configAt: number, configBytes: number, cause: number): void {
    const { engine, config, memory, log } = this.parts;
    this.platform = new ModelPlatform(config, this.localMs);
    this.bootedAtMs = this.localMs;
    this.fedAtMs = this.localMs;
    const { seconds, rest } = this.now();
    const { calls } = engine;
    for (const saved of memory.checkpoints(log)) {
      const { bytes } = saved;
      if (bytes.length > this.bufferBytes) continue;
      engine.view().set(bytes, this.buffer);
      let status: number = STATUS.checkpoint;
      try {
        status = calls.restore(this.context, this.buffer, bytes.length, configAt, configBytes, cause, seconds, rest);
      } catch (error) {
        memory.rejectCheckpoint(saved);
        throw error;
      }
      if ((status & STATUS_MASK) === STATUS.ok) return this.drain(status);
      log('checkpoint-refused', {}, `the firmware says ${statusName(status)}; booting without it`);
      memory.rejectCheckpoint(saved);
    }
    const status = engine.calls.boot(this.context, configAt, configBytes, cause, seconds, rest);
    if ((status & STATUS_MASK) !== STATUS.ok)
      throw new Error(`the firmware refused its configuration: ${statusName(status)}`);
    this.drain(status);
  }

  private run(): void {
    if (this.stopped) return;
    this.advance(this.wallMs());
    this.arm();
  }

  /** Sets the timer for whatever comes next. */
  private arm(): void {
    this.alarm?.cancel();
    if (this.stopped) return;
    this.alarm = this.parts.clock.wakeAt(this.nextMs(), () => this.run());
  }

  private nextMs(): number {
    const { seconds, rest } = this.now();
    let firmware = this.localMs;
    this.guarded(() => {
      firmware += this.parts.engine.calls.deadline(this.context, seconds, rest);
    });
    return Math.min(firmware, this.platform.nextMs(), this.fedAtMs + watchdogMsMax);
  }

  /** Lives through everything that was due up to `untilMs`, each at its own instant. */
  private advance(untilMs: number): void {
    let stalled = 0;
    for (let step = 0; step < stepsPerTurnMax && !this.stopped; step++) {
      const next = Math.max(this.localMs, this.nextMs());
      if (next > untilMs) {
        this.localMs = Math.max(this.localMs, untilMs);
        return;
      }
      // A deadline that stays at now would hold the clock; one millisecond on, the world goes on.
      stalled = next === this.localMs ? stalled + 1 : 0;
      this.localMs = stalled > 4 ? next + 1 : next;
      this.guarded(() => this.step());
    }
  }

  private step(): void {
    const { calls } = this.parts.engine;
    for (const record of this.platform.due(this.localMs)) this.observe(record);
    if (this.localMs - this.fedAtMs >= watchdogMsMax) {
      this.parts.log('watchdog-bites', {}, 'not fed in time; resetting');
      this.recover(bootCause.watchdog);
      return;
    }
    if (this.localMs - this.bootedAtMs >= stableMs && this.restarts > 0) {
      this.restarts = 0;
      this.parts.memory.setResets(0);
    }
    const { seconds, rest } = this.now();
    this.drain(calls.tick(this.context, seconds, rest));
    this.transmit();
  }

  private transmit(): void {
    const { engine } = this.parts;
    const { seconds, rest } = this.now();
    for (;;) {
      const length = engine.calls.transmit(this.context, seconds, rest, this.buffer, FRAME_BYTES_MAX);
      if (length === 0) return;
      this.radio?.send(engine.view().subarray(this.buffer, this.buffer + length));
    }
  }

  private observe(record: readonly number[]): void {
    const { engine } = this.parts;
    const length = writeRecord(engine.view(), this.buffer, record);
    if (length < 0) throw new Error(`a platform record of type ${record[0]} does not encode: ${record.join(', ')}`);
    this.observed(length);
  }

  private observeBytes(record: Uint8Array): number {
    this.parts.engine.view().set(record, this.buffer);
    return this.observed(record.length);
  }

  private observed(length: number): number {
    const { seconds, rest } = this.now();
    const status = this.parts.engine.calls.observe(this.context, seconds, rest, this.buffer, length);
    this.drain(status);
    return status;
  }

  private inspect(what: number, index: number): Uint32Array {
    const { engine } = this.parts;
    const words = engine.calls.inspect(this.context, what, index, this.buffer, inspectBytesMax);
    return new Uint32Array(engine.view().slice(this.buffer, this.buffer + words * 4).buffer);
  }

  /** Polls commands, then events. */
  private drain(status: number): void {
    const { engine, log, nameEvent } = this.parts;
    const { calls } = engine;
    if (status & FLAG_COMMAND) {
      for (;;) {
        const length = calls.command(this.context, this.buffer, RECORD_BYTES_MAX);
        if (length === 0) break;
        readRecord(engine.view(), this.buffer, length, this.fields);
        this.obey(this.fields.slice());
      }
    }
    if (status & FLAG_EVENT) {
      for (;;) {
        const length = calls.event(this.context, this.buffer, RECORD_BYTES_MAX);
        if (length === 0) break;
        const count = readRecord(engine.view(), this.buffer, length, this.fields);
        const { name, fields } = nameEvent(this.fields, count);
        log(name, fields);
      }
    }
    if (this.pendingCause !== 0) {
      const cause = this.pendingCause;
      this.pendingCause = 0;
      this.recover(cause);
    }
  }

  private obey(command: Uint32Array): void {
    const answer = this.linkPlatform.obey(command, (what, index) => this.inspect(what, index));
    if (answer !== null) {
      this.observeBytes(encodeMessage(answer));
      return;
    }
    switch (command[0]) {
      case TYPE.startWork:
        return this.startWork(command);
      case TYPE.stopWork:
        return this.platform.stopWork(command[FIELD.stopWork.slot]);
      case TYPE.feedWatchdog:
        this.fedAtMs = this.localMs;
        return;
      case TYPE.storeCheckpoint:
        return this.checkpoint();
      case TYPE.restartTask:
        return this.observe([TYPE.recovery, 1, command[FIELD.restartTask.task], 1]);
      case TYPE.restartRuntime:
        this.pendingCause = bootCause.runtimeRestart;
        return;
      case TYPE.resetProcessor:
        this.parts.memory.setResets(this.parts.memory.resets + 1);
        this.pendingCause = bootCause.commandedReset;
        return;
      case TYPE.alternateImage:
        this.alternateImage = true;
        this.pendingCause = bootCause.alternateImage;
        return;
      case TYPE.safeMode:
        this.parts.log('safe-mode', { cause: command[FIELD.safeMode.cause] });
        return;
    }
  }

  private startWork(command: Uint32Array): void {
    const { slot, kind, resource, rate, untilS } = FIELD.startWork;
    const leftMs = Math.max(0, command[untilS] * 1000 - this.parts.missionMs());
    const work = {
      slot: command[slot],
      kind: command[kind],
      resource: command[resource],
      rate: command[rate],
      untilS: command[untilS],
    };
    this.parts.log('start-work', work);
    this.platform.startWork(work.slot, work.kind, work.rate, this.localMs + leftMs, this.localMs);
  }

  private checkpoint(): void {
    const { engine, memory } = this.parts;
    const length = engine.calls.checkpoint(this.context, this.buffer, this.bufferBytes);
    if (length > 0) memory.saveCheckpoint(engine.view().slice(this.buffer, this.buffer + length));
  }

  /** Runs a call into the firmware; a trap is recorded and answered with a restart from the checkpoint. */
  private guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (!this.parts.engine.isTrap(error)) throw error;
      this.parts.log('trap', { site: this.parts.engine.calls.trap_site() }, (error as Error).message);
      this.recover(bootCause.watchdog);
    }
  }

  private recover(cause: number): void {
    if (this.stopped) return;
    this.restarts += 1;
    if (cause === bootCause.watchdog) this.parts.memory.setResets(Math.min(255, this.parts.memory.resets + 1));
    if (this.restarts > restartsMax) {
      this.stopped = true;
      this.alarm?.cancel();
      this.onGivenUp(`${restartsMax} restarts without a stable hour between them`);
      return;
    }
    this.engineMemoryCleared();
    this.guarded(() => this.boot(cause, false));
  }

  /** A reset loses the context; only what was saved comes back. */
  private engineMemoryCleared(): void {
    const { engine } = this.parts;
    engine.view().fill(0, this.context, this.context + engine.image.contextBytes);
  }
}

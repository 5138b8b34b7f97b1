import {
  ANSWER,
  BOOT_CAUSE,
  CYCLE_S,
  FEED_LATE_S,
  FIELD,
  FRAME_BYTES_MAX,
  type Group,
  INSPECT,
  RECORD_BYTES_MAX,
  STATUS,
  STATUS_MASK,
  TYPE,
} from '../cbor/generated.ts';
import { encodeMessage } from '../cbor/message.ts';
import { readRecord, writeRecord } from '../cbor/record.ts';
import type { Alarm, Clock } from '../clock/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { statusName } from '../engine/status.ts';
import { reserveBuffers } from '../platform/buffers.ts';
import { type BootFacts, encodeConfig, type NodeConfig } from '../platform/config.ts';
import { dueMs, isOk, noStatus, PlatformLoop, type PlatformHandler, type Trap, zeroCounts } from '../platform/loop.ts';
import type { Radio } from '../radio/radio.ts';
import type { Log } from './log.ts';
import type { Memory } from './memory.ts';
import { StoreError } from '../store/store.ts';
import { LinkPlatform, type NodeLink } from './link.ts';
import { type MeasuredConvergence, measuredConvergence } from './phases.ts';
import { assayOf, ModelPlatform } from './model_platform.ts';
import type { TelemetrySource } from './telemetry.ts';
import { type TimeSource, WallFallback } from './wall_fallback.ts';

export interface ShimParts {
  engine: Engine;
  clock: Clock;
  memory: Memory;
  config: NodeConfig;
  groups: readonly Group[];
  link: NodeLink;
  timeSource: TimeSource;
  /** Mission seconds per second of the wall: as fast as `clock` goes. */
  timeScale: number;
  /** Mission milliseconds now by the wall clock, for boots that take the time from it (TIM-1). */
  wallMissionMs: () => number;
  log: Log;
  /** Names of an event's fields, in order after the type. */
  nameEvent: (fields: Uint32Array, length: number) => { name: string; fields: Record<string, number> };
}

/** The node cannot recover: it used up its restarts. */
export class RestartsExhausted extends Error {}

/** Recoveries in a row before the shim gives up; a real board would be silent as well. */
const restartsMax = 8;
/** A clean hour clears the count, as the config record says. */
const stableMs = 3_600_000;
/** Steps in one turn of the event loop before timers and sockets get theirs. */
const stepsPerTurnMax = 5000;
/**
 * The hardware watchdog resets when it was not fed for this long. *Assumed*; the simulator's board
 * uses the same.
 */
const watchdogMsMax = 1000 * FEED_LATE_S;
const configBytesMax = 4096;
const fieldsMax = 24;
/** A busy machine delays the event loop by up to this, milliseconds of the wall. */
const latenessWallMs = 5000;

/**
 * Runs one node: the firmware image, a clock, a radio, non-volatile memory. Local time is the
 * monotonic clock's, times the scale; steps of the wall clock do not move it. The firmware is
 * called at the very instants that it asked for, as a timer interrupt would call it: the lateness
 * of the event loop is not the node's, and by then its TDMA slot would be over. What a process that
 * was paused for longer gives out of that time is held back: its frames and its orders are of the
 * past.
 */
export class NodeShim implements PlatformHandler {
  private readonly parts: ShimParts;
  private readonly loop: PlatformLoop;
  private readonly outFrame: number;
  private readonly linkPlatform: LinkPlatform;
  /** The command at hand. */
  private readonly order = new Uint32Array(fieldsMax);
  private readonly fields = new Uint32Array(fieldsMax);
  private radio: Radio | null = null;
  private platform: ModelPlatform;
  private localMs = 0;
  /** When the firmware wants to be called, local milliseconds. */
  private tickAtMs = 0;
  private alarm: Alarm | null = null;
  private restarts = 0;
  private bootedAtMs = 0;
  private fedAtMs = 0;
  private stopped = false;
  private alternateImage = false;
  private readonly fallback: WallFallback;
  /** Orders to start work whose end was past, and frames that were due too long ago. */
  private readonly heldBack = { orders: 0, frames: 0 };
  private mute = { cause: 0, untilS: 0 };
  private lastConverged: MeasuredConvergence | null = null;
  /** The process was paused, and what was due meanwhile is being made up for. */
  private isCatchingUp = false;
  /**
   * Cause of the boot that a command or a trap calls for, 0: none. It comes after the input at
   * hand.
   */
  private pendingCause = 0;
  private onFailed: (error: Error) => void = () => {};

  constructor(parts: ShimParts) {
    this.parts = parts;
    const { engine } = parts;
    const context = engine.reserve(engine.image.contextBytes);
    this.outFrame = engine.reserve(FRAME_BYTES_MAX);
    const buffers = reserveBuffers(engine, configBytesMax);
    this.loop = new PlatformLoop({ engine, context, buffers, handler: this, counts: zeroCounts() });
    this.platform = new ModelPlatform(parts.config, 0);
    this.linkPlatform = new LinkPlatform(parts.link, parts.memory);
    this.fallback = new WallFallback(parts.timeSource, parts.config.self);
  }

  /**
   * Boots, from the newest checkpoint when there is one, and runs until `stop`. `onFailed` is
   * called when the node stopped because it cannot go on: RestartsExhausted, StoreError. Throws
   * when the firmware refuses its configuration, and StoreError.
   */
  start(radio: Radio, onFailed: (error: Error) => void): void {
    this.radio = radio;
    this.onFailed = onFailed;
    const { timeSource, memory } = this.parts;
    this.localMs = this.elapsedMs();
    this.boot(BOOT_CAUSE.powerOn, timeSource === 'wall' || (timeSource === 'auto' && !memory.hasHistory));
    this.recoverIfPending();
    this.run();
  }

  /**
   * Gives a frame to the node at the present instant. What comes before the node has made up for a
   * pause is lost: it would be a frame of the future.
   */
  receive(frame: Uint8Array): void {
    if (this.stopped || this.radio === null) return;
    this.guarded(() => {
      this.advance(this.elapsedMs());
      if (!this.stopped && !this.isLate(this.elapsedMs() - this.localMs)) {
        this.loop.at(this.localMs).receiveBytes(frame);
        this.recoverIfPending();
      }
      this.arm();
    });
  }

  /**
   * Gives encoded records from a ground link to the node. Returns the first status that is not ok,
   * or ok.
   */
  uplink(records: readonly Uint8Array[]): number {
    let refused: number = STATUS.ok;
    if (this.stopped || this.radio === null) return STATUS.notBooted;
    this.guarded(() => {
      this.advance(this.elapsedMs());
      for (const record of records) {
        const status = this.observe(record);
        if (refused === STATUS.ok) refused = status === noStatus ? STATUS.notBooted : status & STATUS_MASK;
      }
      this.arm();
    });
    return refused;
  }

  /** Writes a last checkpoint and stops. Throws StoreError when it cannot be written. */
  stop(): void {
    this.stopped = true;
    this.alarm?.cancel();
    try {
      this.storeCheckpoint();
    } catch (error) {
      // A block that does not pass its own check is not kept; the checkpoint before it is.
      if (!this.parts.engine.isTrap(error)) throw error;
      this.parts.log('trap', { site: this.parts.engine.calls.trap_site() }, 'no last checkpoint');
    }
  }

  /** What this node shows to whoever asks the running process. */
  telemetry(radio: Radio): TelemetrySource {
    const { config, memory } = this.parts;
    const { heldBack, restarts, mute } = this;
    return {
      ...{ id: config.self, cluster: config.cluster, members: config.members, incarnation: memory.boots },
      ...{ heldBack, restarts, mute, radio: radio.counters },
      lastConverged: this.lastConverged,
      inspect: (what, index) => this.loop.inspect(what, index),
    };
  }

  private elapsedMs(): number {
    return Math.max(this.localMs, Math.floor(this.parts.clock.elapsedMs()));
  }

  /** Stops the node when its memory cannot be written: nothing may be sent that is not reserved. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.fail(error);
    }
  }

  private fail(error: Error): void {
    this.stopped = true;
    this.alarm?.cancel();
    this.onFailed(error);
  }

  // ---- boots and recovery ----

  private boot(cause: number, timeKnown: boolean): void {
    const { engine, config, groups, memory, wallMissionMs, link } = this.parts;
    const incarnation = memory.nextIncarnation();
    this.mute = { cause: 0, untilS: 0 };
    this.fallback.dueMs = Number.POSITIVE_INFINITY;
    const facts: BootFacts = {
      incarnation,
      timeKnown,
      // Mission time in the config is that of local time zero.
      missionMs: timeKnown ? Math.max(0, wallMissionMs() - this.elapsedMs()) : 0,
      resets: memory.resets,
      alternateImage: this.alternateImage,
      reserved: memory.reserved,
    };
    const block = encodeConfig(config, groups, facts, link.keys);
    const { config: configAt } = this.loop.buffers;
    engine.view().set(block, configAt);
    this.platform = new ModelPlatform(config, this.localMs);
    this.bootedAtMs = this.localMs;
    this.fedAtMs = this.localMs;
    try {
      const status = this.loop.at(this.localMs).boot(block.length, cause, memory);
      if (status !== noStatus && !isOk(status))
        throw new Error(`the firmware refused its configuration: ${statusName(status)}`);
    } finally {
      // The block holds keys. The firmware has its own copy, which is protected.
      engine.view().fill(0, configAt, configAt + block.length);
      block.fill(0);
    }
  }

  /** A boot may call for the next one, until the restarts are used up. */
  private recoverIfPending(): void {
    while (this.pendingCause !== 0 && !this.stopped) {
      const cause = this.pendingCause;
      this.pendingCause = 0;
      this.recover(cause);
    }
  }

  private recover(cause: number): void {
    const { memory, engine } = this.parts;
    this.restarts += 1;
    if (cause === BOOT_CAUSE.watchdog) memory.setResets(Math.min(255, memory.resets + 1));
    if (this.restarts > restartsMax) {
      this.fail(new RestartsExhausted(`${restartsMax} restarts without a stable hour between them`));
      return;
    }
    // A reset loses the context; only what was saved comes back.
    engine.view().fill(0, this.loop.context, this.loop.context + engine.image.contextBytes);
    this.boot(cause, this.parts.timeSource === 'wall');
  }

  /** Boots with the wall's time, when no member gave the time and the wall may be believed. */
  private askWall(): void {
    const { memory, wallMissionMs, log } = this.parts;
    const missionMs = wallMissionMs();
    if (!this.fallback.believes(missionMs, memory.reserved, this.localMs)) {
      const behindS = Math.ceil(memory.reserved * CYCLE_S - missionMs / 1000);
      log('wall-behind', { behindS }, 'the wall clock is before counters that were reserved: it is asked again later');
      return;
    }
    log('time-from-wall', {}, 'no member gave the time: the wall clock is believed');
    this.storeCheckpoint();
    this.boot(BOOT_CAUSE.runtimeRestart, true);
  }

  // ---- time ----

  private run(): void {
    if (this.stopped) return;
    this.guarded(() => {
      this.advance(this.elapsedMs());
      this.arm();
    });
  }

  /** Sets the timer for whatever comes next. */
  private arm(): void {
    this.alarm?.cancel();
    if (this.stopped) return;
    this.alarm = this.parts.clock.wakeAt(this.nextMs(), () => this.run());
  }

  private nextMs(): number {
    return Math.min(this.tickAtMs, this.platform.nextMs(), this.fedAtMs + watchdogMsMax, this.fallback.dueMs);
  }

  /** Does everything that was due up to `untilMs`, each at its own instant. */
  private advance(untilMs: number): void {
    this.noteLateness(untilMs - this.localMs);
    for (let step = 0; step < stepsPerTurnMax && !this.stopped; step++) {
      const next = Math.max(this.localMs, this.nextMs());
      if (next > untilMs) {
        this.localMs = Math.max(this.localMs, untilMs);
        return;
      }
      this.localMs = next;
      this.step();
    }
  }

  /** Whether what is due now comes so late that it must not leave this process. */
  private isLate(latenessMs: number): boolean {
    return latenessMs > Math.max(CYCLE_S * 1000, latenessWallMs * this.parts.timeScale);
  }

  private noteLateness(latenessMs: number): void {
    const isLate = this.isLate(latenessMs);
    if (isLate && !this.isCatchingUp)
      this.parts.log('paused', { heldUpMs: latenessMs }, 'frames and orders of that time are held back');
    this.isCatchingUp = isLate;
  }

  private step(): void {
    if (this.localMs >= this.fallback.dueMs) {
      this.askWall();
      return this.recoverIfPending();
    }
    for (const record of this.platform.due(this.localMs)) this.observe(encodeRecord(record));
    if (this.localMs - this.fedAtMs >= watchdogMsMax) {
      this.parts.log('watchdog-bites', {}, 'not fed in time; resetting');
      this.pendingCause = BOOT_CAUSE.watchdog;
      return this.recoverIfPending();
    }
    if (this.localMs - this.bootedAtMs >= stableMs && this.restarts > 0) {
      this.restarts = 0;
      this.parts.memory.setResets(0);
    }
    if (this.tickAtMs > this.localMs || this.stopped) return;
    this.loop.at(this.localMs).tick();
    this.recoverIfPending();
  }

  private observe(record: Uint8Array): number {
    if (this.stopped) return noStatus;
    const status = this.loop.at(this.localMs).observeBytes(record);
    this.recoverIfPending();
    return status;
  }

  // ---- outputs of the image ----

  booted(): void {}

  frameAt(): number {
    return this.outFrame;
  }

  send(_loop: PlatformLoop, at: number, length: number): void {
    if (this.isLate(this.elapsedMs() - this.localMs)) {
      this.heldBack.frames += 1;
      return;
    }
    this.radio?.send(this.parts.engine.view().subarray(at, at + length));
  }

  command({ buffers }: PlatformLoop, length: number): void {
    readRecord(this.parts.engine.view(), buffers.record, length, this.order);
  }

  obey(loop: PlatformLoop, type: number): boolean {
    const { order } = this;
    const answer = this.linkPlatform.obey(order, (what, index) => loop.inspect(what, index));
    if (answer !== null) {
      loop.answer(encodeMessage(answer));
      return true;
    }
    switch (type) {
      case TYPE.startWork:
        this.startWork(loop);
        return true;
      case TYPE.stopWork:
        this.platform.stopWork(order[FIELD.stopWork.slot]);
        return true;
      case TYPE.requestAssay:
        loop.answer(encodeMessage(assayOf(this.parts.groups, order)));
        return true;
      case TYPE.feedWatchdog:
        this.fedAtMs = this.localMs;
        return true;
      case TYPE.storeCheckpoint:
        this.storeCheckpoint();
        return true;
      case TYPE.moveContext:
        loop.moveContext();
        this.parts.log('context-moved', { line: order[FIELD.moveContext.line] });
        return true;
      case TYPE.restartTask:
        loop.answer(encodeMessage({ name: 'recovery', level: 1, task: order[FIELD.restartTask.task], ok: 1 }));
        return true;
      case TYPE.safeMode:
        this.parts.log('safe-mode', { cause: order[FIELD.safeMode.cause] });
        return true;
      default:
        return !this.endsRuntime(type);
    }
  }

  /** True when the command ends the runtime; its boot is pending then. */
  private endsRuntime(type: number): boolean {
    const { memory } = this.parts;
    switch (type) {
      case TYPE.restartRuntime:
        this.pendingCause = BOOT_CAUSE.runtimeRestart;
        return true;
      case TYPE.resetProcessor:
        memory.setResets(memory.resets + 1);
        this.pendingCause = BOOT_CAUSE.commandedReset;
        return true;
      case TYPE.alternateImage:
        this.alternateImage = true;
        this.pendingCause = BOOT_CAUSE.alternateImage;
        return true;
      default:
        return false;
    }
  }

  event(loop: PlatformLoop, length: number): void {
    const { engine, log, nameEvent } = this.parts;
    const count = readRecord(engine.view(), loop.buffers.record, length, this.fields);
    const { name, fields } = nameEvent(this.fields, count);
    if (this.fields[0] === TYPE.converged) this.lastConverged = measuredConvergence(this.fields);
    if (this.fields[0] !== TYPE.mute) return log(name, fields);
    this.mute = { cause: fields.cause, untilS: fields.untilS };
    log(name, fields, this.fallback.onMute(this.mute, this.localMs, Math.floor(missionMsOf(loop) / 1000)));
  }

  deadline({ localMs }: PlatformLoop, waitMs: number): void {
    this.tickAtMs = dueMs(localMs, waitMs);
  }

  /** A trap is answered with a restart from the checkpoint. */
  trapped(_loop: PlatformLoop, { site, message }: Trap): void {
    this.parts.log('trap', { site }, message);
    this.pendingCause = BOOT_CAUSE.watchdog;
  }

  /**
   * Starts work until the order's end, by the firmware's own clock. An order whose end is past, as
   * a process that was paused gives, is held back: by now another may work the unit.
   */
  private startWork(loop: PlatformLoop): void {
    const { order, localMs } = this;
    const at = FIELD.startWork;
    const [slot, kind, resource, rate] = [order[at.slot], order[at.kind], order[at.resource], order[at.rate]];
    const untilS = order[at.untilS];
    const untilMs = localMs + untilS * 1000 - missionMsOf(loop);
    const lateMs = this.elapsedMs() - untilMs;
    if (lateMs >= 0) {
      this.heldBack.orders += 1;
      this.platform.stopWork(slot);
      const marks = { lateMs, heldBack: this.heldBack.orders };
      this.parts.log('start-work-held-back', { slot, kind, resource, rate, untilS, ...marks }, 'its end is past');
      return;
    }
    this.parts.log('start-work', { slot, kind, resource, rate, untilS });
    this.platform.startWork(slot, kind, rate, untilMs, localMs);
  }

  private storeCheckpoint(): void {
    const image = this.loop.checkpoint();
    if (image !== null) this.parts.memory.saveCheckpoint(image);
  }
}

/** Mission milliseconds as of the last call into the image. */
function missionMsOf(loop: PlatformLoop): number {
  const words = loop.inspect(INSPECT.node, 0);
  return words[ANSWER.node.missionS] * 1000 + words[ANSWER.node.missionMs];
}

function encodeRecord(record: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES_MAX);
  const length = writeRecord(bytes, 0, record);
  if (length < 0) throw new Error(`a platform record of type ${record[0]} does not encode: ${record.join(', ')}`);
  return bytes.subarray(0, length);
}

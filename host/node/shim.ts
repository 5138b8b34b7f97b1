import {
  BOOT_CAUSE,
  FEED_LATE_S,
  FIELD,
  FRAME_BYTES_MAX,
  type Group,
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
import { LinkPlatform, type NodeLink } from './link.ts';
import { ModelPlatform } from './model_platform.ts';

export interface ShimParts {
  engine: Engine;
  clock: Clock;
  memory: Memory;
  config: NodeConfig;
  groups: readonly Group[];
  link: NodeLink;
  /**
   * True when the wall clock may be believed at this boot; otherwise the firmware asks its peers
   * (TIM-1).
   */
  timeKnown: boolean;
  /**
   * Mission milliseconds now, by the wall: for the first boot and for converting the platform's
   * orders.
   */
  missionMs: () => number;
  log: Log;
  /** Names of an event's fields, in order after the type. */
  nameEvent: (fields: Uint32Array, length: number) => { name: string; fields: Record<string, number> };
}

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

/**
 * Runs one node: the firmware image, a clock, a radio, non-volatile memory. Local time follows the
 * wall clock times the scale. The firmware is called at the very instants that it asked for, as a
 * timer interrupt would call it: the lateness of the event loop is not the node's, and by then its
 * TDMA slot would be over.
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
  /**
   * Cause of the boot that a command or a trap calls for, 0: none. It comes after the input at
   * hand.
   */
  private pendingCause = 0;
  private onGivenUp: (reason: string) => void = () => {};

  constructor(parts: ShimParts) {
    this.parts = parts;
    const { engine } = parts;
    const context = engine.reserve(engine.image.contextBytes);
    this.outFrame = engine.reserve(FRAME_BYTES_MAX);
    const buffers = reserveBuffers(engine, configBytesMax);
    this.loop = new PlatformLoop({ engine, context, buffers, handler: this, counts: zeroCounts() });
    this.platform = new ModelPlatform(parts.config, 0);
    this.linkPlatform = new LinkPlatform(parts.link, parts.memory);
  }

  /**
   * Boots, from the newest checkpoint when there is one, and runs until `stop`. `onGivenUp` is
   * called when recovery is exhausted. Throws when the firmware refuses its configuration.
   */
  start(radio: Radio, onGivenUp: (reason: string) => void): void {
    this.radio = radio;
    this.onGivenUp = onGivenUp;
    this.boot(BOOT_CAUSE.powerOn, this.parts.timeKnown);
    this.recoverIfPending();
    this.run();
  }

  /** Gives a frame to the node at the present instant. */
  receive(frame: Uint8Array): void {
    if (this.stopped || this.radio === null) return;
    this.advance(this.wallMs());
    if (this.stopped) return;
    this.loop.at(this.localMs).receiveBytes(frame);
    this.recoverIfPending();
    this.arm();
  }

  /**
   * Gives encoded records from a ground link to the node. Returns the first status that is not ok,
   * or ok.
   */
  uplink(records: readonly Uint8Array[]): number {
    let refused: number = STATUS.ok;
    if (this.stopped || this.radio === null) return STATUS.notBooted;
    this.advance(this.wallMs());
    for (const record of records) {
      const status = this.observe(record);
      if (refused === STATUS.ok) refused = status === noStatus ? STATUS.notBooted : status & STATUS_MASK;
    }
    this.arm();
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

  private wallMs(): number {
    return Math.max(this.localMs, Math.floor(this.parts.clock.elapsedMs()));
  }

  // ---- boots and recovery ----

  private boot(cause: number, timeKnown: boolean): void {
    const { engine, config, groups, memory, missionMs, link } = this.parts;
    const incarnation = memory.nextIncarnation();
    const missionNowMs = Math.max(0, missionMs() - (this.wallMs() - this.localMs));
    const facts: BootFacts = {
      incarnation,
      timeKnown,
      // Mission time in the config is that of local time zero of this boot.
      missionMs: Math.max(0, missionNowMs - this.localMs),
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
      this.stopped = true;
      this.alarm?.cancel();
      this.onGivenUp(`${restartsMax} restarts without a stable hour between them`);
      return;
    }
    // A reset loses the context; only what was saved comes back.
    engine.view().fill(0, this.loop.context, this.loop.context + engine.image.contextBytes);
    this.boot(cause, false);
  }

  // ---- time ----

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
    return Math.min(this.tickAtMs, this.platform.nextMs(), this.fedAtMs + watchdogMsMax);
  }

  /** Does everything that was due up to `untilMs`, each at its own instant. */
  private advance(untilMs: number): void {
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

  private step(): void {
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
        this.startWork();
        return true;
      case TYPE.stopWork:
        this.platform.stopWork(order[FIELD.stopWork.slot]);
        return true;
      case TYPE.feedWatchdog:
        this.fedAtMs = this.localMs;
        return true;
      case TYPE.storeCheckpoint:
        this.storeCheckpoint();
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

  event({ buffers }: PlatformLoop, length: number): void {
    const { engine, log, nameEvent } = this.parts;
    const count = readRecord(engine.view(), buffers.record, length, this.fields);
    const { name, fields } = nameEvent(this.fields, count);
    log(name, fields);
  }

  deadline({ localMs }: PlatformLoop, waitMs: number): void {
    this.tickAtMs = dueMs(localMs, waitMs);
  }

  /** A trap is answered with a restart from the checkpoint. */
  trapped(_loop: PlatformLoop, { site, message }: Trap): void {
    this.parts.log('trap', { site }, message);
    this.pendingCause = BOOT_CAUSE.watchdog;
  }

  private startWork(): void {
    const { slot, kind, resource, rate, untilS } = FIELD.startWork;
    const { order } = this;
    const work = {
      slot: order[slot],
      kind: order[kind],
      resource: order[resource],
      rate: order[rate],
      untilS: order[untilS],
    };
    this.parts.log('start-work', work);
    const untilMs = this.localMs + Math.max(0, work.untilS * 1000 - this.parts.missionMs());
    this.platform.startWork(work.slot, work.kind, work.rate, untilMs, this.localMs);
  }

  private storeCheckpoint(): void {
    const image = this.loop.checkpoint();
    if (image !== null) this.parts.memory.saveCheckpoint(image);
  }
}

function encodeRecord(record: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES_MAX);
  const length = writeRecord(bytes, 0, record);
  if (length < 0) throw new Error(`a platform record of type ${record[0]} does not encode: ${record.join(', ')}`);
  return bytes.subarray(0, length);
}

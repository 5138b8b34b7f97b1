import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { FLAG_COMMAND, FLAG_DEADLINE, FLAG_EVENT, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { addresseeOf, type Channel, framesInAirMax } from '../channel/channel.ts';
import { eventKind } from '../fleet/events.ts';
import type { EventQueue } from '../kernel/queue.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { WorldPlan } from '../world/plan.ts';
import { NonVolatile } from './nonvolatile.ts';
import { HardwareWatchdogs } from './watchdog.ts';

/** running: the firmware is called. hung: powered, but its runtime does nothing. safe: only its beacon lives. */
export const boardState = { off: 0, running: 1, hung: 2, dead: 3, safe: 4 } as const;
export const bootCause = { powerOn: 1, watchdog: 2, commandedReset: 3, runtimeRestart: 4, alternateImage: 5 } as const;

/** From reset to the first call, and from a runtime's restart to its first call. *Assumed*. */
export const processorBootMs = 20_000;
export const runtimeRestartMs = 2_000;
const frameCapacity = 256;
const recordCapacity = 128;
const fieldsMax = 24;
const stableMs = 3_600_000;
const allTasks = 0xff;

export interface BoardsParts {
  engine: Engine;
  plan: WorldPlan;
  queue: EventQueue;
  channel: Channel;
  tracer: Tracer;
  seed: number;
  driftPpm: number;
  planWork: boolean;
  /** What else a board is wired to: actuators, and whoever keeps books on its state. */
  platform: Platform;
}

/** What commands reach beyond the controller itself. */
export interface Platform {
  startWork(
    timeMs: number,
    node: number,
    slot: number,
    kind: number,
    resource: number,
    rateKgPerDay: number,
    untilMs: number,
  ): void;
  stopWork(timeMs: number, node: number, slot: number): void;
  /** The runtime takes calls again; the platform tells it what it must know. */
  booted(timeMs: number, node: number, cause: number): void;
  /** The controller no longer runs. */
  down(timeMs: number, node: number, permanent: boolean): void;
  /** A hung task was restarted with success. */
  taskRecovered(timeMs: number, node: number): void;
}

/** Calls and records counted as events; the rest (deadline, empty polls) is bookkeeping. */
export interface CallCounts {
  boots: number;
  receives: number;
  observes: number;
  ticks: number;
  commands: number;
  events: number;
  rejected: number;
  traps: number;
}

/** Commands after which the firmware does not run on. */
const endsRuntime: ReadonlySet<number> = new Set([TYPE.restartRuntime, TYPE.resetProcessor, TYPE.alternateImage]);

/** All node controllers of a cluster around the real image: contexts side by side in one engine's memory. */
export class Boards {
  readonly counts: CallCounts = { boots: 0, receives: 0, observes: 0, ticks: 0, commands: 0, events: 0, rejected: 0, traps: 0 };
  readonly state: Uint8Array;
  readonly nonVolatile: NonVolatile[];
  readonly watchdogs: HardwareWatchdogs;
  /** Bit i set: task i checks in. */
  readonly tasks: Uint8Array;
  /** A hang that no restart ends. */
  readonly hangPersists: Uint8Array;
  /** Bit (level − 1) set: a recovery of that level is ordered in vain. */
  readonly failingLevels: Uint8Array;
  /** Site of each trap, with node and time. */
  readonly trapSites: { node: number; timeMs: number; site: number }[] = [];

  readonly #parts: BoardsParts;
  readonly #contexts: number[] = [];
  readonly #wakeMs: Float64Array;
  readonly #clockZeroMs: Float64Array;
  readonly #clockRate: Float64Array;
  readonly #seeds: Uint32Array;
  readonly #watchdogTimer: Uint8Array;
  readonly #scratch: number;
  readonly #record: number;
  readonly #config: number;
  readonly #image: number;
  readonly #frames: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #fields = new Uint32Array(fieldsMax);

  constructor(parts: BoardsParts) {
    this.#parts = parts;
    const { engine, plan, seed } = parts;
    const nodes = plan.nodes.length;
    const random = new RandomStream(seed, 'board');
    this.state = new Uint8Array(nodes);
    this.nonVolatile = plan.nodes.map(() => new NonVolatile());
    this.watchdogs = new HardwareWatchdogs(nodes);
    this.tasks = new Uint8Array(nodes).fill(allTasks);
    this.hangPersists = new Uint8Array(nodes);
    this.failingLevels = new Uint8Array(nodes);
    this.#wakeMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.#clockZeroMs = new Float64Array(nodes);
    this.#clockRate = Float64Array.from({ length: nodes }, () => 1 + random.between(-parts.driftPpm, parts.driftPpm) * 1e-6);
    this.#seeds = Uint32Array.from({ length: nodes }, () => random.uint32());
    this.#watchdogTimer = new Uint8Array(nodes);
    for (let node = 0; node < nodes; node += 1) this.#contexts.push(engine.reserve(engine.image.contextBytes));
    this.#scratch = engine.reserve(engine.image.contextBytes);
    this.#record = engine.reserve(recordCapacity);
    this.#config = engine.reserve((plan.groups.length + 1) * recordCapacity);
    this.#image = engine.reserve(engine.image.checkpointBytes + 16);
    this.#frames = engine.reserve(framesInAirMax * frameCapacity);
    this.#bytes = engine.view();
    this.#words = new Int32Array(this.#bytes.buffer);
  }

  /** The context's address, for tests and tools. */
  context(node: number): number {
    return this.#contexts[node];
  }

  /** Firmware takes calls on this node. */
  isRunning(node: number): boolean {
    return this.state[node] === boardState.running || this.state[node] === boardState.safe;
  }

  /** First power: mission time is known from the launcher. */
  powerOn(timeMs: number, node: number): void {
    this.boot(timeMs, node, bootCause.powerOn);
  }

  // ---- power and resets ----

  /** Stops the controller for good. */
  kill(timeMs: number, node: number): void {
    this.#halt(timeMs, node, boardState.dead);
  }

  /** The runtime stops answering; the watchdog will notice. */
  hang(node: number): void {
    this.state[node] = boardState.hung;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    this.#parts.channel.setPowered(node, false);
  }

  /** Resets the processor: down for `downMs`, then boots; its clock starts anew. No effect on a dead board. */
  resetProcessor(timeMs: number, node: number, cause: number, downMs: number): void {
    if (this.state[node] === boardState.dead) return;
    this.nonVolatile[node].resetsInRow = Math.min(255, this.nonVolatile[node].resetsInRow + 1);
    this.#halt(timeMs, node, boardState.off);
    this.#parts.queue.push(timeMs + downMs, node, eventKind.boot, cause, 0);
  }

  #halt(timeMs: number, node: number, state: number): void {
    this.state[node] = state;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    this.nonVolatile[node].interrupt(timeMs);
    this.watchdogs.stop(node);
    this.#parts.channel.setPowered(node, false);
    this.#parts.platform.down(timeMs, node, state === boardState.dead);
  }

  /** Begins to run: from the newest checkpoint that verifies, else from nothing. An alternate image trusts no checkpoint. */
  boot(timeMs: number, node: number, cause: number, keepClock = false): void {
    if (this.state[node] === boardState.dead || this.isRunning(node)) return;
    const { engine } = this.#parts;
    const memory = this.nonVolatile[node];
    memory.incarnation += 1;
    if (!keepClock) this.#clockZeroMs[node] = timeMs;
    const length = this.#writeConfig(timeMs, node, cause);
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    const nowMs = local - nowS * 1000;
    const ctx = this.#contexts[node];
    this.counts.boots += 1;
    this.state[node] = boardState.running;
    let flags: number = STATUS.checkpoint;
    const restorable = cause !== bootCause.powerOn && cause !== bootCause.alternateImage;
    for (let age = 0; restorable && age < memory.filled && (flags & STATUS_MASK) !== STATUS.ok; age += 1) {
      const bytes = memory.read(engine, age, this.#scratch, this.#image);
      if (bytes > 0) flags = engine.calls.restore(ctx, this.#image, bytes, this.#config, length, cause, nowS, nowMs);
    }
    if ((flags & STATUS_MASK) !== STATUS.ok) flags = engine.calls.boot(ctx, this.#config, length, cause, nowS, nowMs);
    if ((flags & STATUS_MASK) !== STATUS.ok)
      throw new Error(`node ${node} refuses its configuration with status ${flags & STATUS_MASK}`);
    if (this.hangPersists[node] === 0 && this.tasks[node] !== allTasks) {
      this.tasks[node] = allTasks;
      this.#parts.platform.taskRecovered(timeMs, node);
    }
    this.watchdogs.start(node, timeMs);
    this.#armWatchdog(node);
    this.#parts.channel.setPowered(node, true);
    this.#parts.queue.push(timeMs + stableMs, node, eventKind.stable, memory.incarnation);
    this.#parts.platform.booted(timeMs, node, cause);
    this.#drain(timeMs, node, flags | FLAG_DEADLINE);
  }

  /** An hour without another boot: the count of resets in a row starts anew. */
  stable(node: number, incarnation: number): void {
    if (this.nonVolatile[node].incarnation === incarnation) this.nonVolatile[node].resetsInRow = 0;
  }

  #writeConfig(timeMs: number, node: number, cause: number): number {
    const { plan, planWork } = this.#parts;
    const facts = plan.nodes[node];
    const memory = this.nonVolatile[node];
    const known = cause === bootCause.powerOn;
    const features = (planWork ? 1 : 0) | (facts.replicateW > 0 ? 2 : 0);
    const config = [
      TYPE.config,
      1,
      node,
      plan.nodes.length,
      facts.generation,
      memory.incarnation & 0xffff,
      this.#seeds[node],
      known ? 1 : 0,
    ];
    config.push(
      known ? Math.floor(timeMs / 1000) : 0,
      known ? timeMs % 1000 : 0,
      facts.rateKgPerDay,
      facts.storageKg,
      facts.batteryWh,
    );
    config.push(
      facts.solarW,
      facts.baseW,
      facts.replicateW,
      facts.mineWhPerKg,
      features,
      memory.resetsInRow,
      cause === bootCause.alternateImage ? 1 : 0,
    );
    let length = writeRecord(this.#bytes, this.#config, config);
    for (const group of plan.groups) {
      const record = [TYPE.group, group.group, group.kind, group.units, group.capacityKgPerDay, group.stockKg, group.loadKg];
      length += writeRecord(this.#bytes, this.#config + length, record);
    }
    return length;
  }

  // ---- calls ----

  /** The node's own clock: ms since its processor's power-on. */
  #localMs(node: number, timeMs: number): number {
    return Math.floor((timeMs - this.#clockZeroMs[node]) * this.#clockRate[node]);
  }

  /** A node's deadline: tick, then put on the air what it has. */
  wake(timeMs: number, node: number): void {
    if (this.#wakeMs[node] !== timeMs || !this.isRunning(node)) return;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    const { calls } = this.#parts.engine;
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    try {
      this.counts.ticks += 1;
      const flags = calls.tick(this.#contexts[node], nowS, local - nowS * 1000);
      this.#drain(timeMs, node, flags | FLAG_DEADLINE);
    } catch (error) {
      this.#trapped(timeMs, node, error);
    }
  }

  /** Gives a platform record to the firmware; nothing while it does not run. */
  observe(timeMs: number, node: number, values: readonly number[]): void {
    if (!this.isRunning(node)) return;
    const { calls } = this.#parts.engine;
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    const length = writeRecord(this.#bytes, this.#record, values);
    try {
      this.counts.observes += 1;
      const flags = calls.observe(this.#contexts[node], nowS, local - nowS * 1000, this.#record, length);
      if ((flags & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
      this.#drain(timeMs, node, flags);
    } catch (error) {
      this.#trapped(timeMs, node, error);
    }
  }

  /** A frame's last bit arrives: decide who hears it, tell the judges, call the receivers in id order. */
  arrive(timeMs: number, sender: number, slot: number, length: number): void {
    const { channel, tracer } = this.#parts;
    const at = this.#frames + slot * frameCapacity;
    channel.resolve(timeMs, slot, addresseeOf(this.#bytes, at));
    tracer.frame(timeMs, sender, this.#bytes, this.#words, at, length, channel.heardCount, channel.missedCount);
    // A receiver's answer may take this very slot: its bytes must outlive the loop, so the frame moves to the scratch record.
    this.#bytes.copyWithin(this.#scratch, at, at + length);
    const count = channel.heardCount;
    for (let i = 0; i < count; i += 1) this.#receive(timeMs, channel.heard[i], length);
  }

  #receive(timeMs: number, node: number, length: number): void {
    if (!this.isRunning(node)) return;
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    try {
      this.counts.receives += 1;
      const flags = this.#parts.engine.calls.receive(this.#contexts[node], nowS, local - nowS * 1000, this.#scratch, length);
      if ((flags & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
      if ((flags & ~STATUS_MASK) !== 0) this.#drain(timeMs, node, flags);
    } catch (error) {
      this.#trapped(timeMs, node, error);
    }
  }

  /** Polls in the ABI's order: transmit, commands, events, deadline. A command may stop the node: then the rest is moot. */
  #drain(timeMs: number, node: number, flags: number): void {
    const boots = this.nonVolatile[node].incarnation;
    if ((flags & FLAG_DEADLINE) !== 0) this.#transmit(timeMs, node);
    if ((flags & FLAG_COMMAND) !== 0 && !this.#drainCommands(timeMs, node, boots)) return;
    if ((flags & FLAG_EVENT) !== 0) this.#drainEvents(timeMs, node);
    if ((flags & FLAG_DEADLINE) !== 0) this.#askDeadline(timeMs, node);
  }

  #transmit(timeMs: number, node: number): void {
    const { engine, channel, queue } = this.#parts;
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    for (;;) {
      const slot = channel.takeSlot();
      const at = this.#frames + slot * frameCapacity;
      const length = engine.calls.transmit(this.#contexts[node], nowS, local - nowS * 1000, at, frameCapacity);
      if (length <= 0) return;
      queue.push(channel.begin(timeMs, node, slot, length), node, eventKind.frame, slot, length);
    }
  }

  #drainCommands(timeMs: number, node: number, boots: number): boolean {
    const { engine, tracer } = this.#parts;
    for (;;) {
      const length = engine.calls.command(this.#contexts[node], this.#record, recordCapacity);
      if (length <= 0) return true;
      const count = readRecord(this.#bytes, this.#record, length, this.#fields);
      if (count < 1) throw new Error(`node ${node} gave a command that is no record`);
      this.counts.commands += 1;
      tracer.command(timeMs, node, this.#fields, count);
      this.#obey(timeMs, node);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) return false;
    }
  }

  #drainEvents(timeMs: number, node: number): void {
    const { engine, tracer } = this.#parts;
    for (;;) {
      const length = engine.calls.event(this.#contexts[node], this.#record, recordCapacity);
      if (length <= 0) return;
      const count = readRecord(this.#bytes, this.#record, length, this.#fields);
      if (count < 1) throw new Error(`node ${node} gave an event that is no record`);
      this.counts.events += 1;
      tracer.event(timeMs, node, this.#fields, count);
    }
  }

  #askDeadline(timeMs: number, node: number): void {
    const local = this.#localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    const waitMs = this.#parts.engine.calls.deadline(this.#contexts[node], nowS, local - nowS * 1000);
    if (waitMs >= 0x7fffffff) return;
    // A deadline of 0 after a full poll would spin: the next chance is the next millisecond.
    const dueMs = this.#clockZeroMs[node] + Math.ceil((local + Math.max(1, waitMs)) / this.#clockRate[node]);
    if (dueMs === this.#wakeMs[node]) return;
    this.#wakeMs[node] = Math.max(dueMs, timeMs + 1);
    this.#parts.queue.push(this.#wakeMs[node], node, eventKind.wake);
  }

  #trapped(timeMs: number, node: number, error: unknown): void {
    if (!this.#parts.engine.isTrap(error)) throw error;
    this.counts.traps += 1;
    this.trapSites.push({ node, timeMs, site: this.#parts.engine.calls.trap_site() });
    this.#restartRuntime(timeMs, node);
  }

  #restartRuntime(timeMs: number, node: number): void {
    this.#halt(timeMs, node, boardState.off);
    this.#parts.queue.push(timeMs + runtimeRestartMs, node, eventKind.boot, bootCause.runtimeRestart, 1);
  }

  // ---- commands ----

  #obey(timeMs: number, node: number): void {
    const fields = this.#fields;
    const { platform, queue } = this.#parts;
    // What a runtime told before it ends itself is heard, as the host shim does it too.
    if (endsRuntime.has(fields[0])) {
      const command = fields[0];
      this.#drainEvents(timeMs, node);
      fields[0] = command;
    }
    switch (fields[0]) {
      case TYPE.startWork:
        return platform.startWork(timeMs, node, fields[1], fields[2], fields[3], fields[4], fields[5] * 1000);
      case TYPE.stopWork:
        return platform.stopWork(timeMs, node, fields[1]);
      case TYPE.feedWatchdog:
        if (!this.watchdogs.feed(node, timeMs)) this.resetProcessor(timeMs, node, bootCause.watchdog, processorBootMs);
        return;
      case TYPE.storeCheckpoint: {
        const ctx = this.#contexts[node];
        return this.nonVolatile[node].store(timeMs, this.#bytes.subarray(ctx, ctx + this.#parts.engine.image.contextBytes));
      }
      case TYPE.safeMode:
        if (this.#fails(timeMs, node, 5)) return;
        this.state[node] = boardState.safe;
        this.watchdogs.stop(node);
        return platform.down(timeMs, node, true);
      case TYPE.restartTask:
        return this.#restartTask(timeMs, node, fields[1] & 7);
      case TYPE.restartRuntime:
        if (!this.#fails(timeMs, node, 2)) this.#restartRuntime(timeMs, node);
        return;
      case TYPE.resetProcessor:
        if (!this.#fails(timeMs, node, 3)) this.resetProcessor(timeMs, node, bootCause.commandedReset, processorBootMs);
        return;
      case TYPE.alternateImage:
        if (this.#fails(timeMs, node, 4)) return;
        this.#halt(timeMs, node, boardState.off);
        queue.push(timeMs + processorBootMs, node, eventKind.boot, bootCause.alternateImage, 0);
    }
  }

  /** An injected failure of this rung: nothing happens but a word of it. */
  #fails(timeMs: number, node: number, level: number): boolean {
    if ((this.failingLevels[node] & (1 << (level - 1))) === 0) return false;
    this.#parts.queue.push(timeMs + 1, node, eventKind.recovery, level * 256, 0);
    return true;
  }

  #restartTask(timeMs: number, node: number, task: number): void {
    if (this.#fails(timeMs, node, 1)) return;
    const recovers = this.hangPersists[node] === 0;
    if (recovers && (this.tasks[node] & (1 << task)) === 0) {
      this.tasks[node] |= 1 << task;
      this.#parts.platform.taskRecovered(timeMs, node);
    }
    this.#parts.queue.push(timeMs + 1, node, eventKind.recovery, 256 + task, recovers ? 1 : 0);
  }

  // ---- watchdog ----

  #armWatchdog(node: number): void {
    if (this.#watchdogTimer[node] !== 0) return;
    this.#watchdogTimer[node] = 1;
    this.#parts.queue.push(this.watchdogs.dueMs(node), node, eventKind.watchdog);
  }

  /** One timer per node follows the feeds: when it rings early it is set again. */
  watchdogDue(timeMs: number, node: number): void {
    this.#watchdogTimer[node] = 0;
    const dueMs = this.watchdogs.dueMs(node);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    if (dueMs > timeMs) this.#armWatchdog(node);
    else this.resetProcessor(timeMs, node, bootCause.watchdog, processorBootMs);
  }
}

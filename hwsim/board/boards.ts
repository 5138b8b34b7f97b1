import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import { TYPE } from '../../host/cbor/generated.ts';
import { FLAG_COMMAND, FLAG_DEADLINE, FLAG_EVENT, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { addresseeOf, framesInAirMax } from '../channel/channel.ts';
import type { Liar } from '../fault/liar.ts';
import { eventKind } from '../fleet/events.ts';
import { RandomStream } from '../kernel/random.ts';
import { LocalClocks } from './clocks.ts';
import { writeConfig } from './config.ts';
import { ContextImage } from './context_image.ts';
import {
  type Controller,
  deadlineNotAsked,
  eventTypeMin,
  type FirmwareInput,
  isEvent,
  type Reply,
  storesCheckpoint,
} from './controller.ts';
import { DyingPath, runtimeRestartMs } from './dying.ts';
import { keeperOf } from './keeper.ts';
import { LinkService } from './link.ts';
import { StatementService } from './statements.ts';
import { keptElsewhere, NonVolatile } from './nonvolatile.ts';
import { OwnMemoryBoard } from './own_memory.ts';
import { type BoardsParts, boardState, bootCause, type CallCounts, processorBootMs } from './parts.ts';
import { startContext } from './start.ts';
import { StruckBoards } from './struck.ts';
import { Tasks } from './tasks.ts';
import { HardwareWatchdogs } from './watchdog.ts';

const frameCapacity = 256;
const recordCapacity = 128;
const fieldsMax = 24;
/** Of `inspect`: loss counters. */
const whatCounters = 4;
const whatStatement = 13;
const stableMs = 3_600_000;
/** In place of a status. */
const broken = -1;

/** Commands after which the firmware does not run on. */
const endsRuntime: ReadonlySet<number> = new Set([TYPE.restartRuntime, TYPE.resetProcessor, TYPE.alternateImage]);

/**
 * All node controllers of a cluster around the real image: contexts side by side in one engine's memory. A node may run elsewhere, on an
 * emulated board or another image: then each call is an input of its controller, and the controller's outputs are what polling gives here.
 */
export class Boards {
  readonly counts: CallCounts = { boots: 0, receives: 0, observes: 0, ticks: 0, commands: 0, events: 0, rejected: 0, traps: 0 };
  readonly state: Uint8Array;
  readonly nonVolatile: NonVolatile[];
  readonly watchdogs: HardwareWatchdogs;
  readonly tasks: Tasks;
  readonly dying: DyingPath;
  readonly link: LinkService;
  readonly statements: StatementService;
  readonly struck: StruckBoards;

  readonly #parts: BoardsParts;
  /** Null: the node's context lies in the engine's memory. */
  readonly #controllers: (Controller | null)[];
  readonly #elsewhere: number;
  readonly #contexts: number[] = [];
  readonly #wakeMs: Float64Array;
  readonly #clocks: LocalClocks;
  readonly #seeds: Uint32Array;
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
    this.#controllers = plan.nodes.map((_, node) => parts.controllers?.get(node) ?? null);
    this.#elsewhere = parts.controllers?.size ?? 0;
    this.nonVolatile = this.#controllers.map((controller) => new NonVolatile(keeperOf(controller)));
    this.watchdogs = new HardwareWatchdogs(nodes);
    this.tasks = new Tasks(nodes, parts.queue, parts.platform);
    this.dying = new DyingPath(nodes);
    this.struck = new StruckBoards(parts.tracer, this.#controllers);
    this.#wakeMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.#clocks = new LocalClocks(nodes, parts.driftPpm, random);
    this.#seeds = Uint32Array.from({ length: nodes }, () => random.uint32());
    for (let node = 0; node < nodes; node += 1) this.#contexts.push(engine.reserve(engine.image.contextBytes));
    this.#scratch = engine.reserve(engine.image.contextBytes);
    this.#record = engine.reserve(recordCapacity);
    this.statements = new StatementService(seed, nodes, parts.queue);
    this.link = new LinkService(seed, this.nonVolatile, parts.queue);
    this.#config = engine.reserve((plan.groups.length + 1) * recordCapacity + this.link.records(0).length);
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

  /** Stops the controller for good. */
  kill(timeMs: number, node: number): void {
    this.#halt(timeMs, node, boardState.dead);
    this.#controllers[node]?.powerOff();
  }

  /** The runtime stops answering; the watchdog will notice. */
  hang(node: number): void {
    this.state[node] = boardState.hung;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    this.#parts.channel.setPowered(node, false);
  }

  /** Resets the processor, or cuts its power: down for `downMs`, then boots; its clock starts anew. No effect on a dead board. */
  resetProcessor(timeMs: number, node: number, cause: number, downMs: number, losesPower = false): void {
    if (this.state[node] === boardState.dead) return;
    this.nonVolatile[node].resetsInRow = Math.min(255, this.nonVolatile[node].resetsInRow + 1);
    this.#halt(timeMs, node, boardState.off);
    if (losesPower) this.#controllers[node]?.powerOff();
    else this.#controllers[node]?.reset();
    this.#parts.queue.push(timeMs + downMs, node, eventKind.boot, cause, 0);
  }

  #halt(timeMs: number, node: number, state: number): void {
    this.state[node] = state;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    this.nonVolatile[node].checkpoints.interrupt(timeMs);
    this.watchdogs.stop(node);
    this.#parts.channel.setPowered(node, false);
    this.#parts.platform.down(timeMs, node, state === boardState.dead);
  }

  /** Begins to run: from the newest checkpoint that verifies, else from nothing. An alternate image trusts no checkpoint. */
  boot(timeMs: number, node: number, cause: number, keepClock = false): void {
    if (this.state[node] === boardState.dead || this.isRunning(node)) return;
    const memory = this.nonVolatile[node];
    memory.incarnation += 1;
    if (!keepClock) this.#clocks.zero(node, timeMs);
    this.counts.boots += 1;
    this.state[node] = boardState.running;
    const controller = this.#controllers[node];
    const reply = controller === null ? null : this.#bootElsewhere(timeMs, node, cause, controller);
    const status = reply === null ? this.#bootHere(timeMs, node, cause) : reply.status;
    // Its clients know nothing of a node that breaks off before it is up.
    if (reply !== null && reply.trap !== null) return this.#broke(timeMs, node, reply.trap.site, true);
    if (status === broken) return;
    if ((status & STATUS_MASK) !== STATUS.ok) {
      // A configuration that the image refuses is a slip of ours, unless its memory errs: then it is one way to break off.
      if (controller instanceof OwnMemoryBoard) return this.#broke(timeMs, node, 0, true);
      throw new Error(`node ${node} refuses its configuration with status ${status & STATUS_MASK}`);
    }
    this.tasks.booted(timeMs, node);
    this.watchdogs.start(node, timeMs);
    this.watchdogs.arm(node, this.#parts.queue);
    this.#parts.channel.setPowered(node, true);
    this.#parts.queue.push(timeMs + stableMs, node, eventKind.stable, memory.incarnation);
    this.#parts.platform.booted(timeMs, node);
    if (reply !== null) this.#follow(timeMs, node, reply);
    else {
      try {
        this.#drain(timeMs, node, status | FLAG_DEADLINE);
      } catch (error) {
        this.#trapped(timeMs, node, error, true);
      }
    }
    if (this.isRunning(node)) this.#parts.platform.brief(timeMs, node);
  }

  /** Writes the configuration of a boot into the engine's memory; returns its length. */
  #configure(timeMs: number, node: number, cause: number): number {
    const facts = { timeMs, cause, seed: this.#seeds[node], planWork: this.#parts.planWork };
    return writeConfig(this.#bytes, this.#config, this.#parts.plan, node, this.nonVolatile[node], this.link.records(node), facts);
  }

  /** `broken`: it broke off, and is on its dying path. */
  #bootHere(timeMs: number, node: number, cause: number): number {
    const configBytes = this.#configure(timeMs, node, cause);
    const places = { context: this.#contexts[node], image: this.#image, config: this.#config, configBytes };
    const now = this.#clocks.now(node, timeMs);
    try {
      return startContext(this.#parts.engine, this.nonVolatile[node].checkpoints, places, cause, now);
    } catch (error) {
      this.#trapped(timeMs, node, error, true);
      return broken;
    }
  }

  #bootElsewhere(timeMs: number, node: number, cause: number, controller: Controller): Reply {
    const config = this.#bytes.slice(this.#config, this.#config + this.#configure(timeMs, node, cause));
    controller.give({ kind: 'boot', ...this.#clocks.now(node, timeMs), cause, hashed: false, config });
    return controller.reply();
  }

  /** An hour without another boot: the count of resets in a row starts anew. */
  stable(node: number, incarnation: number): void {
    if (this.nonVolatile[node].incarnation !== incarnation) return;
    this.nonVolatile[node].resetsInRow = 0;
    this.dying.stable(node);
  }

  /** A node's firmware asks for a signature: what is signed or verified is what its image shows. */
  #askService(timeMs: number, node: number, what: number, ticket: number): void {
    const shown = this.#statement(node, ticket);
    if (shown === null) return;
    const { incarnation } = this.nonVolatile[node];
    if (what === TYPE.sign) this.statements.sign(timeMs, node, incarnation, ticket, shown);
    else this.statements.verify(timeMs, node, incarnation, ticket, shown);
  }

  #statement(node: number, ticket: number): Uint32Array | null {
    const controller = this.#controllers[node];
    if (controller !== null) {
      const words = controller.inspect(whatStatement, ticket);
      return words === null ? null : Uint32Array.from(words);
    }
    const { engine } = this.#parts;
    const words = engine.calls.inspect(this.#contexts[node], whatStatement, ticket, this.#image, engine.image.checkpointBytes);
    // Not in the scratch: a frame that others are still to be given lies there.
    return new Uint32Array(this.#bytes.slice(this.#image, this.#image + words * 4).buffer);
  }

  /** The service's answer is due. */
  answered(timeMs: number, node: number, index: number): void {
    const record = this.statements.take(index, this.nonVolatile[node].incarnation);
    if (record !== null) this.#observe(timeMs, node, record);
  }

  /** Counters are reserved for the boot of that number. */
  reserved(timeMs: number, node: number, incarnation: number): void {
    const answer = this.link.answer(node, incarnation);
    if (answer !== null) this.observe(timeMs, node, answer);
  }

  /** A node's deadline: tick, then put on the air what it has. */
  wake(timeMs: number, node: number): void {
    if (this.#wakeMs[node] !== timeMs || !this.isRunning(node)) return;
    this.#wakeMs[node] = Number.POSITIVE_INFINITY;
    const now = this.#clocks.now(node, timeMs);
    this.counts.ticks += 1;
    const controller = this.#controllers[node];
    if (controller !== null) return this.#tell(timeMs, node, controller, { kind: 'tick', ...now });
    try {
      const flags = this.#parts.engine.calls.tick(this.#contexts[node], now.nowS, now.nowMs);
      this.#drain(timeMs, node, flags | FLAG_DEADLINE);
    } catch (error) {
      this.#trapped(timeMs, node, error);
    }
  }

  /** Gives a platform record to the firmware; nothing while it does not run. */
  observe(timeMs: number, node: number, values: readonly number[]): void {
    if (!this.isRunning(node)) return;
    this.#observeWritten(timeMs, node, writeRecord(this.#bytes, this.#record, values));
  }

  /** Likewise one that holds more than numbers. */
  #observe(timeMs: number, node: number, record: Uint8Array): void {
    if (!this.isRunning(node)) return;
    this.#bytes.set(record, this.#record);
    this.#observeWritten(timeMs, node, record.length);
  }

  #observeWritten(timeMs: number, node: number, length: number): void {
    const now = this.#clocks.now(node, timeMs);
    this.counts.observes += 1;
    const controller = this.#controllers[node];
    if (controller !== null) {
      const bytes = this.#bytes.slice(this.#record, this.#record + length);
      return this.#tell(timeMs, node, controller, { kind: 'record', ...now, bytes });
    }
    try {
      const flags = this.#parts.engine.calls.observe(this.#contexts[node], now.nowS, now.nowMs, this.#record, length);
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
    if (this.#elsewhere > 0) this.#giveFrame(timeMs, length);
    const upset = this.struck.arrived(slot);
    const by: number[] = [];
    for (let i = 0; i < count; i += 1)
      if (this.#receive(timeMs, channel.heard[i], length) && upset !== null) by.push(channel.heard[i]);
    if (upset !== null) this.struck.accepted(timeMs, sender, upset, by);
  }

  /** Controllers elsewhere get the frame before the first of them is asked what it did: so they work at the same time. */
  #giveFrame(timeMs: number, length: number): void {
    const { channel } = this.#parts;
    const bytes = this.#bytes.slice(this.#scratch, this.#scratch + length);
    for (let i = 0; i < channel.heardCount; i += 1) {
      const node = channel.heard[i];
      if (this.isRunning(node)) this.#controllers[node]?.give({ kind: 'frame', ...this.#clocks.now(node, timeMs), bytes });
    }
  }

  /** True when the node took the frame in. */
  #receive(timeMs: number, node: number, length: number): boolean {
    if (!this.isRunning(node)) return false;
    this.counts.receives += 1;
    const controller = this.#controllers[node];
    if (controller !== null) {
      const reply = controller.reply();
      this.#follow(timeMs, node, reply);
      return reply.trap === null && (reply.status & STATUS_MASK) === STATUS.ok;
    }
    if (this.#parts.liar?.node === node)
      this.#parts.liar.hear(timeMs, this.#bytes.subarray(this.#scratch, this.#scratch + length));
    const local = this.#clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    const { calls } = this.#parts.engine;
    const ctx = this.#contexts[node];
    try {
      let flags = calls.receive(ctx, nowS, local - nowS * 1000, this.#scratch, length);
      if ((flags & STATUS_MASK) === STATUS.tickFirst) {
        const boots = this.nonVolatile[node].incarnation;
        this.counts.ticks += 1;
        this.#drain(timeMs, node, calls.tick(ctx, nowS, local - nowS * 1000) | FLAG_DEADLINE);
        if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) return false;
        flags = calls.receive(ctx, nowS, local - nowS * 1000, this.#scratch, length);
      }
      const accepted = (flags & STATUS_MASK) === STATUS.ok;
      if (!accepted) this.counts.rejected += 1;
      if ((flags & ~STATUS_MASK) !== 0) this.#drain(timeMs, node, flags);
      return accepted;
    } catch (error) {
      this.#trapped(timeMs, node, error);
      return false;
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

  #tell(timeMs: number, node: number, controller: Controller, input: FirmwareInput): void {
    controller.give(input);
    this.#follow(timeMs, node, controller.reply());
  }

  /** What a controller elsewhere answered, in the order and with the consequences of #drain. */
  #follow(timeMs: number, node: number, { outputs, status, trap, deadlineMs }: Reply): void {
    const boots = this.nonVolatile[node].incarnation;
    if ((status & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
    const departing = this.struck.tell(timeMs, node);
    for (let next = 0; next < outputs.length; ) {
      const { kind, bytes } = outputs[next];
      next += 1;
      if (kind === 'frame') {
        this.#putOnAir(timeMs, node, bytes, departing?.has(next - 1) ?? false);
        continue;
      }
      const count = readRecord(bytes, 0, bytes.length, this.#fields);
      // A runtime whose memory errs may give out anything; a platform obeys no record that it cannot read.
      if (count < 1 && this.#controllers[node] instanceof OwnMemoryBoard) continue;
      const type = this.#fields[0];
      if (type >= eventTypeMin) {
        this.#traceEvent(timeMs, node, count);
        continue;
      }
      this.#traceCommand(timeMs, node, count);
      for (const ends = endsRuntime.has(type); ends && isEvent(outputs[next]); next += 1)
        this.#traceEvent(timeMs, node, readRecord(outputs[next].bytes, 0, outputs[next].bytes.length, this.#fields));
      this.#fields[0] = type;
      this.#obey(timeMs, node);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) {
        // What the board did behind this command is moot; so is a checkpoint that it stored then.
        if (outputs.slice(next).some(storesCheckpoint)) this.#controllers[node]?.undoStore();
        return;
      }
    }
    if (trap !== null) this.#broke(timeMs, node, trap.site);
    else if (deadlineMs !== deadlineNotAsked) this.#wakeAfter(timeMs, node, this.#clocks.localMs(node, timeMs), deadlineMs);
  }

  #putOnAir(timeMs: number, node: number, frame: Uint8Array, departs: boolean): void {
    const { channel, queue } = this.#parts;
    // A runtime whose memory errs may babble: its modem's buffer is full then.
    if (!channel.hasSlot && this.#controllers[node] instanceof OwnMemoryBoard) return;
    const slot = channel.takeSlot();
    if (departs) this.struck.onAir(slot, node);
    this.#bytes.set(frame, this.#frames + slot * frameCapacity);
    queue.push(channel.begin(timeMs, node, slot, frame.length), node, eventKind.frame, slot, frame.length);
  }

  #transmit(timeMs: number, node: number): void {
    const { engine, channel, queue } = this.#parts;
    const local = this.#clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    for (;;) {
      const slot = channel.takeSlot();
      const at = this.#frames + slot * frameCapacity;
      const length = engine.calls.transmit(this.#contexts[node], nowS, local - nowS * 1000, at, frameCapacity);
      if (length <= 0) return;
      const liar = this.#liar(timeMs, node);
      if (liar !== null) liar.carry(this.#bytes.slice(at, at + length), addresseeOf(this.#bytes, at));
      else queue.push(channel.begin(timeMs, node, slot, length), node, eventKind.frame, slot, length);
    }
  }

  /** The liar, if `node` is one and lies now. */
  #liar(timeMs: number, node: number): Liar | null {
    const { liar } = this.#parts;
    return liar !== undefined && liar.node === node && liar.lies(timeMs) ? liar : null;
  }

  /** A frame that its firmware did not make leaves a node's radio. */
  say(timeMs: number, node: number, frame: Uint8Array): void {
    if (this.isRunning(node) && this.#parts.channel.hasSlot) this.#putOnAir(timeMs, node, frame, false);
  }

  /** Loss counters of a node whose context lies in the engine's memory. */
  counters(node: number): number[] {
    const { engine } = this.#parts;
    const words = engine.calls.inspect(this.#contexts[node], whatCounters, 0, this.#scratch, engine.image.contextBytes);
    return Array.from({ length: words / 2 }, (_, index) => this.#words[this.#scratch / 4 + 2 * index] >>> 0);
  }

  #drainCommands(timeMs: number, node: number, boots: number): boolean {
    const { engine } = this.#parts;
    for (;;) {
      const length = engine.calls.command(this.#contexts[node], this.#record, recordCapacity);
      if (length <= 0) return true;
      this.#traceCommand(timeMs, node, readRecord(this.#bytes, this.#record, length, this.#fields));
      this.#obey(timeMs, node);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) return false;
    }
  }

  #drainEvents(timeMs: number, node: number): void {
    const { engine } = this.#parts;
    for (;;) {
      const length = engine.calls.event(this.#contexts[node], this.#record, recordCapacity);
      if (length <= 0) return;
      this.#traceEvent(timeMs, node, readRecord(this.#bytes, this.#record, length, this.#fields));
    }
  }

  /** The command in #fields. */
  #traceCommand(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} gave a command that is no record`);
    this.counts.commands += 1;
    this.#parts.tracer.command(timeMs, node, this.#fields, count);
  }

  #traceEvent(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} gave an event that is no record`);
    this.counts.events += 1;
    this.#parts.tracer.event(timeMs, node, this.#fields, count);
  }

  #askDeadline(timeMs: number, node: number): void {
    const local = this.#clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    this.#wakeAfter(timeMs, node, local, this.#parts.engine.calls.deadline(this.#contexts[node], nowS, local - nowS * 1000));
  }

  #wakeAfter(timeMs: number, node: number, local: number, waitMs: number): void {
    if (waitMs >= 0x7fffffff) return;
    // A deadline of 0 after a full poll would spin: the next chance is the next millisecond.
    const dueMs = this.#clocks.trueMs(node, local + Math.max(1, waitMs));
    if (dueMs === this.#wakeMs[node]) return;
    this.#wakeMs[node] = Math.max(dueMs, timeMs + 1);
    this.#parts.queue.push(this.#wakeMs[node], node, eventKind.wake);
  }

  #trapped(timeMs: number, node: number, error: unknown, booting = false): void {
    if (!this.#parts.engine.isTrap(error)) throw error;
    this.#broke(timeMs, node, this.#parts.engine.calls.trap_site(), booting);
  }

  /** The dying path: the node is silent at once, and comes back by the next rung. */
  #broke(timeMs: number, node: number, site: number, booting = false): void {
    const resets = this.nonVolatile[node].resetsInRow;
    this.counts.traps += 1;
    this.#parts.tracer.world(timeMs, { kind: 'trap', node, site, booting, resets });
    const next = this.dying.broke(timeMs, node, site, resets);
    if (next.kind === 'runtime') this.#restartRuntime(timeMs, node, next.afterMs);
    else if (next.kind === 'reset') this.resetProcessor(timeMs, node, bootCause.watchdog, processorBootMs);
    else if (next.kind === 'image') this.#takeAlternateImage(timeMs, node);
    else this.kill(timeMs, node);
  }

  #takeAlternateImage(timeMs: number, node: number): void {
    this.#halt(timeMs, node, boardState.off);
    this.#controllers[node]?.reset();
    this.#parts.queue.push(timeMs + processorBootMs, node, eventKind.boot, bootCause.alternateImage, 0);
  }

  #restartRuntime(timeMs: number, node: number, afterMs = runtimeRestartMs): void {
    this.#halt(timeMs, node, boardState.off);
    this.#parts.queue.push(timeMs + afterMs, node, eventKind.boot, bootCause.runtimeRestart, 1);
  }

  #obey(timeMs: number, node: number): void {
    const fields = this.#fields;
    const { platform } = this.#parts;
    // What a runtime told before it ends itself is heard, as the host shim does it too.
    if (endsRuntime.has(fields[0]) && this.#controllers[node] === null) {
      const command = fields[0];
      this.#drainEvents(timeMs, node);
      fields[0] = command;
    }
    switch (fields[0]) {
      case TYPE.sign:
      case TYPE.verify:
        return this.#askService(timeMs, node, fields[0], fields[1]);
      case TYPE.reserveCounters:
        return this.link.reserve(timeMs, node, fields[1]);
      case TYPE.startWork:
        // A liar's machines do nothing: what it claims is lost to all.
        if (this.#liar(timeMs, node) !== null) return;
        return platform.startWork(timeMs, node, fields[1], fields[2], fields[3], fields[4], fields[5] * 1000);
      case TYPE.stopWork:
        return platform.stopWork(timeMs, node, fields[1]);
      case TYPE.feedWatchdog:
        if (!this.watchdogs.feed(node, timeMs)) this.resetProcessor(timeMs, node, bootCause.watchdog, processorBootMs);
        return;
      case TYPE.storeCheckpoint: {
        const controller = this.#controllers[node];
        if (controller !== null) {
          controller.keepStore();
          return this.nonVolatile[node].checkpoints.store(timeMs, keptElsewhere);
        }
        const image = new ContextImage(this.#parts.engine, this.#contexts[node], this.#scratch, this.#image);
        return this.nonVolatile[node].checkpoints.store(timeMs, image);
      }
      case TYPE.safeMode:
        if (this.tasks.fails(timeMs, node, 5)) return;
        this.state[node] = boardState.safe;
        this.watchdogs.stop(node);
        return platform.down(timeMs, node, true);
      case TYPE.restartTask:
        return this.tasks.restart(timeMs, node, fields[1] & 7);
      case TYPE.restartRuntime:
        if (!this.tasks.fails(timeMs, node, 2)) this.#restartRuntime(timeMs, node);
        return;
      case TYPE.resetProcessor:
        if (!this.tasks.fails(timeMs, node, 3)) this.resetProcessor(timeMs, node, bootCause.commandedReset, processorBootMs);
        return;
      case TYPE.alternateImage:
        if (this.tasks.fails(timeMs, node, 4)) return;
        this.#takeAlternateImage(timeMs, node);
    }
  }

  /** One timer per node follows the feeds: when it rings early it is set again. */
  watchdogDue(timeMs: number, node: number): void {
    if (this.watchdogs.rings(node, timeMs, this.#parts.queue))
      this.resetProcessor(timeMs, node, bootCause.watchdog, processorBootMs);
  }
}

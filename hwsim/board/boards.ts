import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import { FLAG_COMMAND, FLAG_DEADLINE, FLAG_EVENT, STATUS, STATUS_MASK } from '../../host/engine/status.ts';
import { addresseeOf } from '../channel/channel.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import { writeConfig } from './config.ts';
import {
  type Controller,
  deadlineNotAsked,
  eventTypeMin,
  type FirmwareInput,
  isEvent,
  type Reply,
  storesCheckpoint,
} from './controller.ts';
import { FaultableMemoryBoard } from './faultable_memory.ts';
import { boardState } from './parts.ts';
import { startContext } from './start.ts';
import { BoardOrders, endsRuntime, frameCapacity, recordCapacity } from './orders.ts';

const stableMs = 3_600_000;
/** In place of a status. */
const broken = -1;

/**
 * All node controllers of a cluster around the real image: contexts side by side in one engine's memory. A node may run elsewhere, on an
 * emulated board or another image: then each call is an input of its controller, and the controller's outputs are what polling gives here.
 */
export class Boards extends BoardOrders {
  /** Begins to run: from the newest checkpoint that verifies, else from nothing. An alternate image trusts no checkpoint. */
  boot(timeMs: number, node: number, cause: number, keepClock = false): void {
    if (this.state[node] === boardState.dead || this.isRunning(node)) return;
    const memory = this.nonVolatile[node];
    memory.incarnation += 1;
    if (!keepClock) this.clocks.zero(node, timeMs);
    this.counts.boots += 1;
    this.state[node] = boardState.running;
    const controller = this.controllers[node];
    const reply = controller === null ? null : this.bootElsewhere(timeMs, node, cause, controller);
    const status = reply === null ? this.bootHere(timeMs, node, cause) : reply.status;
    // Its clients know nothing of a node that breaks off before it is up.
    if (reply !== null && reply.trap !== null) return this.broke(timeMs, node, reply.trap.site, true);
    if (status === broken) return;
    if ((status & STATUS_MASK) !== STATUS.ok) {
      // A configuration that the image refuses is a slip of ours, unless its memory errs: then it is one way to break off.
      if (controller instanceof FaultableMemoryBoard) return this.broke(timeMs, node, 0, true);
      throw new Error(`node ${node} refuses its configuration with status ${status & STATUS_MASK}`);
    }
    this.tasks.booted(timeMs, node);
    this.watchdogs.start(node, timeMs);
    this.watchdogs.arm(node, this.parts.queue);
    this.parts.channel.setPowered(node, true);
    this.parts.queue.push(timeMs + stableMs, node, eventKind.stable, memory.incarnation);
    this.parts.platform.booted(timeMs, node);
    if (reply !== null) this.follow(timeMs, node, reply);
    else {
      try {
        this.drain(timeMs, node, status | FLAG_DEADLINE);
      } catch (error) {
        this.trapped(timeMs, node, error, true);
      }
    }
    if (this.isRunning(node)) this.parts.platform.brief(timeMs, node);
  }

  /** Writes the configuration of a boot into the engine's memory; returns its length. */
  protected configure(timeMs: number, node: number, cause: number): number {
    const facts = { timeMs, cause, seed: this.seeds[node], planWork: this.parts.planWork };
    return writeConfig(
      this.bytes,
      this.config,
      this.parts.plan,
      node,
      this.nonVolatile[node],
      this.link.records(node),
      facts,
    );
  }

  /** `broken`: it broke off, and is on its crash recovery. */
  protected bootHere(timeMs: number, node: number, cause: number): number {
    const configBytes = this.configure(timeMs, node, cause);
    const places = { context: this.contexts[node], image: this.image, config: this.config, configBytes };
    const now = this.clocks.now(node, timeMs);
    try {
      return startContext(this.parts.engine, this.nonVolatile[node].checkpoints, places, cause, now);
    } catch (error) {
      this.trapped(timeMs, node, error, true);
      return broken;
    }
  }

  protected bootElsewhere(timeMs: number, node: number, cause: number, controller: Controller): Reply {
    const config = this.bytes.slice(this.config, this.config + this.configure(timeMs, node, cause));
    controller.give({ kind: 'boot', ...this.clocks.now(node, timeMs), cause, hashed: false, config });
    return controller.reply();
  }

  /** The service's answer is due. */
  answered(timeMs: number, node: number, index: number): void {
    const record = this.statements.take(index, this.nonVolatile[node].incarnation);
    if (record !== null) this.observeRecord(timeMs, node, record);
  }

  /** Counters are reserved for the boot of that number. */
  reserved(timeMs: number, node: number, incarnation: number): void {
    const answer = this.link.answer(node, incarnation);
    if (answer !== null) this.observe(timeMs, node, answer);
  }

  /** A node's deadline: tick, then put on the air what it has. */
  wake(timeMs: number, node: number): void {
    if (this.wakeMs[node] !== timeMs || !this.isRunning(node)) return;
    this.wakeMs[node] = Number.POSITIVE_INFINITY;
    const now = this.clocks.now(node, timeMs);
    this.counts.ticks += 1;
    const controller = this.controllers[node];
    if (controller !== null) return this.tell(timeMs, node, controller, { kind: 'tick', ...now });
    try {
      const flags = this.parts.engine.calls.tick(this.contexts[node], now.nowS, now.nowMs);
      this.drain(timeMs, node, flags | FLAG_DEADLINE);
    } catch (error) {
      this.trapped(timeMs, node, error);
    }
  }

  /** Gives a platform record to the firmware; nothing while it does not run. */
  observe(timeMs: number, node: number, values: readonly number[]): void {
    if (!this.isRunning(node)) return;
    this.observeWritten(timeMs, node, writeRecord(this.bytes, this.record, values));
  }

  /** Likewise one that holds more than numbers. */
  observeRecord(timeMs: number, node: number, record: Uint8Array): void {
    if (!this.isRunning(node)) return;
    this.bytes.set(record, this.record);
    this.observeWritten(timeMs, node, record.length);
  }

  protected observeWritten(timeMs: number, node: number, length: number): void {
    const now = this.clocks.now(node, timeMs);
    this.counts.observes += 1;
    const controller = this.controllers[node];
    if (controller !== null) {
      const bytes = this.bytes.slice(this.record, this.record + length);
      return this.tell(timeMs, node, controller, { kind: 'record', ...now, bytes });
    }
    try {
      const flags = this.parts.engine.calls.observe(this.contexts[node], now.nowS, now.nowMs, this.record, length);
      if ((flags & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
      this.drain(timeMs, node, flags);
    } catch (error) {
      this.trapped(timeMs, node, error);
    }
  }

  /** A frame's last bit arrives: decide who hears it, tell the judges, call the receivers in id order. */
  arrive(timeMs: number, sender: number, slot: number, length: number): void {
    const { channel, tracer } = this.parts;
    const at = this.frames + slot * frameCapacity;
    channel.resolve(timeMs, slot, addresseeOf(this.bytes, at));
    const { bytes, words } = this;
    tracer.frame(timeMs, sender, {
      bytes,
      words,
      at,
      length,
      received: channel.heardCount,
      lost: channel.missedCount,
    });
    // A receiver's answer may take this very slot: its bytes must outlive the loop, so the frame moves to the scratch record.
    this.bytes.copyWithin(this.scratch, at, at + length);
    const count = channel.heardCount;
    if (this.elsewhere > 0) this.giveFrame(timeMs, length);
    const upset = this.upsets.frameArrived(slot);
    const by: number[] = [];
    for (let i = 0; i < count; i += 1)
      if (this.receive(timeMs, channel.heard[i], length) && upset !== null) by.push(channel.heard[i]);
    if (upset !== null) this.upsets.reportAccepted(timeMs, sender, upset, by);
  }

  /** Controllers elsewhere get the frame before the first of them is asked what it did: so they work at the same time. */
  protected giveFrame(timeMs: number, length: number): void {
    const { channel } = this.parts;
    const bytes = this.bytes.slice(this.scratch, this.scratch + length);
    for (let i = 0; i < channel.heardCount; i += 1) {
      const node = channel.heard[i];
      if (this.isRunning(node))
        this.controllers[node]?.give({ kind: 'frame', ...this.clocks.now(node, timeMs), bytes });
    }
  }

  /** True when the node took the frame in. */
  protected receive(timeMs: number, node: number, length: number): boolean {
    if (!this.isRunning(node)) return false;
    this.counts.receives += 1;
    const controller = this.controllers[node];
    if (controller !== null) {
      const reply = controller.reply();
      this.follow(timeMs, node, reply);
      return reply.trap === null && (reply.status & STATUS_MASK) === STATUS.ok;
    }
    if (this.parts.byzantine?.node === node)
      this.parts.byzantine.hear(timeMs, this.bytes.subarray(this.scratch, this.scratch + length));
    const local = this.clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    const { calls } = this.parts.engine;
    const ctx = this.contexts[node];
    try {
      let flags = calls.receive(ctx, nowS, local - nowS * 1000, this.scratch, length);
      if ((flags & STATUS_MASK) === STATUS.tickFirst) {
        const boots = this.nonVolatile[node].incarnation;
        this.counts.ticks += 1;
        this.drain(timeMs, node, calls.tick(ctx, nowS, local - nowS * 1000) | FLAG_DEADLINE);
        if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) return false;
        flags = calls.receive(ctx, nowS, local - nowS * 1000, this.scratch, length);
      }
      const accepted = (flags & STATUS_MASK) === STATUS.ok;
      if (!accepted) this.counts.rejected += 1;
      if ((flags & ~STATUS_MASK) !== 0) this.drain(timeMs, node, flags);
      return accepted;
    } catch (error) {
      this.trapped(timeMs, node, error);
      return false;
    }
  }

  /** Polls in the ABI's order: transmit, commands, events, deadline. A command may stop the node: then the rest is moot. */
  protected drain(timeMs: number, node: number, flags: number): void {
    const boots = this.nonVolatile[node].incarnation;
    if ((flags & FLAG_DEADLINE) !== 0) this.transmit(timeMs, node);
    if ((flags & FLAG_COMMAND) !== 0 && !this.drainCommands(timeMs, node, boots)) return;
    if ((flags & FLAG_EVENT) !== 0) this.drainEvents(timeMs, node);
    if ((flags & FLAG_DEADLINE) !== 0) this.askDeadline(timeMs, node);
  }

  protected tell(timeMs: number, node: number, controller: Controller, input: FirmwareInput): void {
    controller.give(input);
    this.follow(timeMs, node, controller.reply());
  }

  /** What a controller elsewhere answered, in the order and with the consequences of drain. */
  protected follow(timeMs: number, node: number, { outputs, status, trap, deadlineMs }: Reply): void {
    const boots = this.nonVolatile[node].incarnation;
    if ((status & STATUS_MASK) !== STATUS.ok) this.counts.rejected += 1;
    const departing = this.upsets.reportDivergences(timeMs, node);
    for (let next = 0; next < outputs.length; ) {
      const { kind, bytes } = outputs[next];
      next += 1;
      if (kind === 'frame') {
        this.putOnAir(timeMs, node, bytes, departing?.has(next - 1) ?? false);
        continue;
      }
      const count = readRecord(bytes, 0, bytes.length, this.fields);
      // A runtime whose memory errs may give out anything; a platform obeys no record that it cannot read.
      if (count < 1 && this.controllers[node] instanceof FaultableMemoryBoard) continue;
      const type = this.fields[0];
      if (type >= eventTypeMin) {
        this.traceEvent(timeMs, node, count);
        continue;
      }
      this.traceCommand(timeMs, node, count);
      for (const ends = endsRuntime.has(type); ends && isEvent(outputs[next]); next += 1)
        this.traceEvent(timeMs, node, readRecord(outputs[next].bytes, 0, outputs[next].bytes.length, this.fields));
      this.fields[0] = type;
      this.obey(timeMs, node);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) {
        // What the board did behind this command is moot; so is a checkpoint that it stored then.
        if (outputs.slice(next).some(storesCheckpoint)) this.controllers[node]?.undoStore();
        return;
      }
    }
    if (trap !== null) this.broke(timeMs, node, trap.site);
    else if (deadlineMs !== deadlineNotAsked)
      this.wakeAfter(timeMs, node, this.clocks.localMs(node, timeMs), deadlineMs);
  }

  protected putOnAir(timeMs: number, node: number, frame: Uint8Array, departs: boolean): void {
    const { channel, queue } = this.parts;
    // A runtime whose memory errs may babble: its modem's buffer is full then.
    if (!channel.hasFrameSlot && this.controllers[node] instanceof FaultableMemoryBoard) return;
    const slot = channel.takeFrameSlot();
    if (departs) this.upsets.frameOnAir(slot, node);
    this.bytes.set(frame, this.frames + slot * frameCapacity);
    queue.push(channel.begin(timeMs, node, slot, frame.length), node, eventKind.frame, slot, frame.length);
  }

  protected transmit(timeMs: number, node: number): void {
    const { engine, channel, queue } = this.parts;
    const local = this.clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    for (;;) {
      const slot = channel.takeFrameSlot();
      const at = this.frames + slot * frameCapacity;
      const length = engine.calls.transmit(this.contexts[node], nowS, local - nowS * 1000, at, frameCapacity);
      if (length <= 0) return;
      const byzantine = this.byzantine(timeMs, node);
      if (byzantine !== null) byzantine.takeImageFrame(this.bytes.slice(at, at + length), addresseeOf(this.bytes, at));
      else queue.push(channel.begin(timeMs, node, slot, length), node, eventKind.frame, slot, length);
    }
  }

  /** Sends a frame that the node's firmware did not make; nothing while the node does not run. */
  sendFrame(timeMs: number, node: number, frame: Uint8Array): void {
    if (this.isRunning(node) && this.parts.channel.hasFrameSlot) this.putOnAir(timeMs, node, frame, false);
  }

  protected drainCommands(timeMs: number, node: number, boots: number): boolean {
    const { engine } = this.parts;
    for (;;) {
      const length = engine.calls.command(this.contexts[node], this.record, recordCapacity);
      if (length <= 0) return true;
      this.traceCommand(timeMs, node, readRecord(this.bytes, this.record, length, this.fields));
      this.obey(timeMs, node);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) return false;
    }
  }

  protected override drainEvents(timeMs: number, node: number): void {
    const { engine } = this.parts;
    for (;;) {
      const length = engine.calls.event(this.contexts[node], this.record, recordCapacity);
      if (length <= 0) return;
      this.traceEvent(timeMs, node, readRecord(this.bytes, this.record, length, this.fields));
    }
  }

  /** The command in fields. */
  protected traceCommand(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} gave a command that is no record`);
    this.counts.commands += 1;
    this.parts.tracer.command(timeMs, node, this.fields, count);
  }

  protected traceEvent(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} gave an event that is no record`);
    this.counts.events += 1;
    this.parts.tracer.event(timeMs, node, this.fields, count);
  }

  protected askDeadline(timeMs: number, node: number): void {
    const local = this.clocks.localMs(node, timeMs);
    const nowS = Math.floor(local / 1000);
    this.wakeAfter(
      timeMs,
      node,
      local,
      this.parts.engine.calls.deadline(this.contexts[node], nowS, local - nowS * 1000),
    );
  }

  protected wakeAfter(timeMs: number, node: number, local: number, waitMs: number): void {
    if (waitMs >= 0x7fffffff) return;
    // A deadline of 0 after a full poll would spin: the next chance is the next millisecond.
    const dueMs = this.clocks.trueMs(node, local + Math.max(1, waitMs));
    if (dueMs === this.wakeMs[node]) return;
    this.wakeMs[node] = Math.max(dueMs, timeMs + 1);
    this.parts.queue.push(this.wakeMs[node], node, eventKind.wake);
  }
}

import { FRAME_BYTES_MAX, STATUS_MASK } from '../../host/cbor/generated.ts';
import { readRecord, writeRecord } from '../../host/cbor/record.ts';
import { eventTypeMin } from '../../host/cbor/types.ts';
import { mayRestore } from '../../host/platform/config.ts';
import {
  dueMs,
  endsRuntime,
  isOk,
  noStatus,
  PlatformLoop,
  type PlatformHandler,
  type Trap,
} from '../../host/platform/loop.ts';
import { addresseeOf } from '../channel/channel.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import { encodeBootConfig } from './config.ts';
import {
  type Controller,
  deadlineNotAsked,
  type FirmwareInput,
  isEvent,
  type Reply,
  storesCheckpoint,
} from './controller.ts';
import { FaultableMemoryBoard } from './faultable_memory.ts';
import { boardState, type BoardsParts } from './parts.ts';
import { BoardOrders } from './orders.ts';

const stableMs = 3_600_000;

/**
 * Runs all node controllers of a cluster with the real image: their contexts are in one engine's
 * memory. A node may have an external controller, an emulated board or another image: then each
 * call is an input of the controller, and the controller's outputs replace the results of polling.
 */
export class Boards extends BoardOrders implements PlatformHandler {
  protected readonly loops: readonly PlatformLoop[];

  constructor(parts: BoardsParts) {
    super(parts);
    const { engine } = parts;
    const { buffers, counts } = this;
    this.loops = this.contexts.map(
      (context, node) => new PlatformLoop({ engine, context, buffers, handler: this, counts, node }),
    );
  }

  /** Returns the loop of a node, set to this time. */
  protected loopAt(timeMs: number, node: number): PlatformLoop {
    return this.loops[node].at(this.clocks.localMs(node, timeMs), timeMs);
  }

  /**
   * Boots a node from the newest checkpoint that verifies, else without; an alternate image trusts
   * no checkpoint.
   */
  boot(timeMs: number, node: number, cause: number, keepClock = false): void {
    if (this.state[node] === boardState.dead || this.isRunning(node)) return;
    this.nonVolatile[node].incarnation += 1;
    if (!keepClock) this.clocks.zero(node, timeMs);
    this.state[node] = boardState.running;
    const controller = this.controllers[node];
    if (controller === null) this.bootInternal(timeMs, node, cause);
    else this.bootExternal(timeMs, node, cause, controller);
    if (this.isRunning(node)) this.parts.platform.brief(timeMs, node);
  }

  protected bootInternal(timeMs: number, node: number, cause: number): void {
    const config = this.configOf(timeMs, node, cause);
    this.bytes.set(config, this.buffers.config);
    const checkpoints = mayRestore(cause) ? this.nonVolatile[node].checkpoints : null;
    const status = this.loopAt(timeMs, node).boot(config.length, cause, checkpoints);
    if (status !== noStatus && !isOk(status)) this.throwRefusal(node, status);
  }

  protected bootExternal(timeMs: number, node: number, cause: number, controller: Controller): void {
    this.counts.boots += 1;
    const config = this.configOf(timeMs, node, cause);
    controller.give({ kind: 'boot', ...this.clocks.now(node, timeMs), cause, hashed: false, config });
    const reply = controller.reply();
    // A node that traps before it is up does not count as booted.
    if (reply.trap !== null) return this.recoverExternal(timeMs, node, reply.trap.site, true);
    if (!isOk(reply.status)) {
      // The image refuses a configuration by our mistake, or because the node's memory errs: then
      // its start failed.
      if (controller instanceof FaultableMemoryBoard) return this.recoverExternal(timeMs, node, 0, true);
      this.throwRefusal(node, reply.status);
    }
    this.markBooted(timeMs, node);
    this.follow(timeMs, node, reply);
  }

  protected throwRefusal(node: number, status: number): never {
    throw new Error(`node ${node} refuses its configuration with status ${status & STATUS_MASK}`);
  }

  /** Starts the board's other parts, before the runtime's first outputs. */
  protected markBooted(timeMs: number, node: number): void {
    this.tasks.booted(timeMs, node);
    this.watchdogs.start(node, timeMs);
    this.watchdogs.arm(node, this.parts.queue);
    this.parts.channel.setPowered(node, true);
    this.parts.queue.push(timeMs + stableMs, node, eventKind.stable, this.nonVolatile[node].incarnation);
    this.parts.platform.booted(timeMs, node);
  }

  protected configOf(timeMs: number, node: number, cause: number): Uint8Array {
    const { plan, planWork, cluster, abroad } = this.parts;
    const place = abroad?.place;
    const memory = this.nonVolatile[node];
    const keys = this.link.keys(node);
    const seed = this.seeds[node];
    return encodeBootConfig({ cluster, place, plan, node, memory, keys, timeMs, cause, seed, planWork });
  }

  /** Passes on an answer of the signature service. */
  answered(timeMs: number, node: number, index: number): void {
    const record = this.statements.take(index, this.nonVolatile[node].incarnation);
    if (record !== null) this.observeRecord(timeMs, node, record);
  }

  /** Passes on that counters are reserved, for the boot of that incarnation. */
  reserved(timeMs: number, node: number, incarnation: number): void {
    const answer = this.link.answer(node, incarnation);
    if (answer !== null) this.observe(timeMs, node, answer);
  }

  /** Ticks a node at its deadline. */
  wake(timeMs: number, node: number): void {
    if (!this.isRunning(node)) return;
    const controller = this.controllers[node];
    if (controller === null) {
      this.loopAt(timeMs, node).tick();
      return;
    }
    this.counts.ticks += 1;
    this.giveExternal(timeMs, node, controller, { kind: 'tick', ...this.clocks.now(node, timeMs) });
  }

  /** Gives a platform record to the firmware. No effect while it does not run. */
  observe(timeMs: number, node: number, values: readonly number[]): void {
    if (!this.isRunning(node)) return;
    this.observeWritten(timeMs, node, writeRecord(this.bytes, this.buffers.record, values));
  }

  /** Gives an encoded platform record to the firmware. No effect while it does not run. */
  observeRecord(timeMs: number, node: number, record: Uint8Array): void {
    if (!this.isRunning(node)) return;
    this.bytes.set(record, this.buffers.record);
    this.observeWritten(timeMs, node, record.length);
  }

  protected observeWritten(timeMs: number, node: number, length: number): void {
    const controller = this.controllers[node];
    if (controller === null) {
      this.loopAt(timeMs, node).observe(length);
      return;
    }
    this.counts.observes += 1;
    const at = this.buffers.record;
    const bytes = this.bytes.slice(at, at + length);
    this.giveExternal(timeMs, node, controller, { kind: 'record', ...this.clocks.now(node, timeMs), bytes });
  }

  /**
   * Handles the arrival of a frame's last bit: resolves who hears it, traces it, calls the
   * receivers in order of id.
   */
  arrive(timeMs: number, sender: number, frameSlot: number, length: number): void {
    const { channel, tracer } = this.parts;
    const at = this.frames + frameSlot * FRAME_BYTES_MAX;
    channel.resolve(timeMs, frameSlot, addresseeOf(this.bytes, at));
    const { bytes, words } = this;
    tracer.frame(timeMs, sender, {
      bytes,
      words,
      at,
      length,
      received: channel.heardCount,
      lost: channel.missedCount,
    });
    // A receiver's answer may use this frame slot: the frame moves to the receive buffer, where it
    // stays during the loop.
    this.bytes.copyWithin(this.buffers.frame, at, at + length);
    const count = channel.heardCount;
    if (this.externalCount > 0) this.giveFrame(timeMs, length);
    const upset = this.upsets.frameArrived(frameSlot);
    const by: number[] = [];
    for (let i = 0; i < count; i += 1)
      if (this.receive(timeMs, channel.heard[i], length) && upset !== null) by.push(channel.heard[i]);
    if (upset !== null) this.upsets.reportAccepted(timeMs, sender, upset, by);
  }

  /**
   * Gives the frame to all external controllers before the first must reply, so that they work in
   * parallel.
   */
  protected giveFrame(timeMs: number, length: number): void {
    const { channel } = this.parts;
    const from = this.buffers.frame;
    const bytes = this.bytes.slice(from, from + length);
    for (let i = 0; i < channel.heardCount; i += 1) {
      const node = channel.heard[i];
      if (this.isRunning(node))
        this.controllers[node]?.give({ kind: 'frame', ...this.clocks.now(node, timeMs), bytes });
    }
  }

  /** Returns whether the node accepted the frame. */
  protected receive(timeMs: number, node: number, length: number): boolean {
    if (!this.isRunning(node)) return false;
    const controller = this.controllers[node];
    if (controller !== null) {
      this.counts.receives += 1;
      const reply = controller.reply();
      this.follow(timeMs, node, reply);
      return reply.trap === null && isOk(reply.status);
    }
    if (this.parts.byzantine?.node === node) {
      const from = this.buffers.frame;
      this.parts.byzantine.hear(timeMs, this.bytes.subarray(from, from + length));
    }
    const status = this.loopAt(timeMs, node).receive(length);
    return status !== noStatus && isOk(status);
  }

  protected giveExternal(timeMs: number, node: number, controller: Controller, input: FirmwareInput): void {
    controller.give(input);
    this.follow(timeMs, node, controller.reply());
  }

  /**
   * Handles the reply of an external controller, in the order and with the effects of the
   * platform's loop.
   */
  protected follow(timeMs: number, node: number, { outputs, status, trap, deadlineMs }: Reply): void {
    const boots = this.nonVolatile[node].incarnation;
    if (!isOk(status)) this.counts.rejected += 1;
    const diverging = this.upsets.reportDivergences(timeMs, node);
    for (let next = 0; next < outputs.length; ) {
      const { kind, bytes } = outputs[next];
      next += 1;
      if (kind === 'frame') {
        this.putOnAir(timeMs, node, bytes, diverging?.has(next - 1) ?? false);
        continue;
      }
      const count = readRecord(bytes, 0, bytes.length, this.fields);
      // A platform obeys no record that it cannot read.
      if (count < 1) {
        this.counts.commandsRefused += 1;
        continue;
      }
      const type = this.fields[0];
      if (type >= eventTypeMin) {
        this.traceExternalEvent(timeMs, node, bytes);
        continue;
      }
      this.counts.commands += 1;
      this.traceCommand(timeMs, node, readRecord(bytes, 0, bytes.length, this.order));
      for (const ends = endsRuntime(type); ends && isEvent(outputs[next]); next += 1)
        this.traceExternalEvent(timeMs, node, outputs[next].bytes);
      this.carryOut(timeMs, node, type);
      if (!this.isRunning(node) || this.nonVolatile[node].incarnation !== boots) {
        // What the board did after this command does not count, nor a checkpoint that it stored
        // then.
        if (outputs.slice(next).some(storesCheckpoint)) this.controllers[node]?.undoStore();
        return;
      }
    }
    if (trap !== null) this.recoverExternal(timeMs, node, trap.site);
    else if (deadlineMs !== deadlineNotAsked)
      this.wakeAfter(timeMs, node, this.clocks.localMs(node, timeMs), deadlineMs);
  }

  protected putOnAir(timeMs: number, node: number, frame: Uint8Array, diverges: boolean): void {
    const { channel, queue } = this.parts;
    // A runtime whose memory errs may send without end: then its modem's buffer is full.
    if (!channel.hasFrameSlot && this.controllers[node] instanceof FaultableMemoryBoard) return;
    const frameSlot = channel.takeFrameSlot();
    if (diverges) this.upsets.frameOnAir(frameSlot, node);
    this.bytes.set(frame, this.frames + frameSlot * FRAME_BYTES_MAX);
    const arrivalMs = channel.begin(timeMs, node, frameSlot, frame.length);
    queue.push(arrivalMs, node, eventKind.frame, frameSlot, frame.length);
  }

  /** Sends a frame that the node's firmware did not make; nothing while the node does not run. */
  sendFrame(timeMs: number, node: number, frame: Uint8Array): void {
    if (this.isRunning(node) && this.parts.channel.hasFrameSlot) this.putOnAir(timeMs, node, frame, false);
  }

  protected recoverExternal(timeMs: number, node: number, site: number, booting = false): void {
    this.counts.traps += 1;
    this.recover(timeMs, node, site, booting);
  }

  protected traceExternalEvent(timeMs: number, node: number, bytes: Uint8Array): void {
    this.counts.events += 1;
    this.traceEvent(timeMs, node, readRecord(bytes, 0, bytes.length, this.fields));
  }

  // ---- outputs of images in the simulator's own engine ----

  booted({ timeMs, node }: PlatformLoop): void {
    this.markBooted(timeMs, node);
  }

  frameAt(): number {
    return this.frames + this.parts.channel.takeFrameSlot() * FRAME_BYTES_MAX;
  }

  send({ timeMs, node }: PlatformLoop, at: number, length: number): void {
    const { channel, queue } = this.parts;
    const byzantine = this.byzantine(timeMs, node);
    if (byzantine !== null) {
      byzantine.takeImageFrame(this.bytes.slice(at, at + length), addresseeOf(this.bytes, at));
      return;
    }
    const frameSlot = (at - this.frames) / FRAME_BYTES_MAX;
    queue.push(channel.begin(timeMs, node, frameSlot, length), node, eventKind.frame, frameSlot, length);
  }

  command({ timeMs, node }: PlatformLoop, length: number): void {
    this.traceCommand(timeMs, node, readRecord(this.bytes, this.buffers.record, length, this.order));
  }

  obey({ timeMs, node }: PlatformLoop, type: number): boolean {
    this.carryOut(timeMs, node, type);
    return this.isRunning(node);
  }

  event({ timeMs, node }: PlatformLoop, length: number): void {
    this.traceEvent(timeMs, node, readRecord(this.bytes, this.buffers.record, length, this.fields));
  }

  deadline({ timeMs, node, localMs }: PlatformLoop, waitMs: number): void {
    this.wakeAfter(timeMs, node, localMs, waitMs);
  }

  trapped({ timeMs, node }: PlatformLoop, { site, isBooting }: Trap): void {
    this.recover(timeMs, node, site, isBooting);
  }

  /** Traces the command in `order`. */
  protected traceCommand(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} sent a command that is no record`);
    this.parts.tracer.command(timeMs, node, this.order, count);
  }

  /** Traces the event in `fields`. */
  protected traceEvent(timeMs: number, node: number, count: number): void {
    if (count < 1) throw new Error(`node ${node} sent an event that is no record`);
    this.parts.tracer.event(timeMs, node, this.fields, count);
  }

  protected wakeAfter(timeMs: number, node: number, local: number, waitMs: number): void {
    const { queue } = this.parts;
    const trueDueMs = this.clocks.trueMs(node, dueMs(local, waitMs));
    if (trueDueMs !== queue.timerMs(node)) queue.setTimer(Math.max(trueDueMs, timeMs + 1), node);
  }
}

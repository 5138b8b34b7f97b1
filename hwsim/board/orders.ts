import { ANSWER, BOOT_CAUSE, FRAME_BYTES_MAX, INSPECT, RECOVERY_LEVEL, TYPE } from '../../host/cbor/generated.ts';
import { framesInAirMax } from '../channel/channel.ts';
import type { ByzantineNode } from '../fault/byzantine.ts';
import { summaryOf } from '../../host/security/summary.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import { RandomStream } from '../kernel/random.ts';
import { regionClustersMax } from '../world/orbits/bounds.ts';
import { LocalClocks } from './clocks.ts';
import { ContextImages } from './context_image.ts';
import type { Controller } from './controller.ts';
import { CrashRecovery, runtimeRestartMs } from './crash_recovery.ts';
import { checkpointStoreOf } from './checkpoint_store.ts';
import { LinkService } from './link.ts';
import { StatementService } from './statements.ts';
import { noContent, NonVolatile } from './nonvolatile.ts';
import type { LoopBuffers } from '../../host/platform/buffers.ts';
import { type PlatformLoop, zeroCounts } from '../../host/platform/loop.ts';
import { type BoardsParts, boardState, processorBootMs } from './parts.ts';
import { UpsetInjector } from './upset_injector.ts';
import { Tasks } from './tasks.ts';
import { HardwareWatchdogs } from './watchdog.ts';

/** Bytes of a record of the configuration, at most. */
const configRecordBytes = 128;
/** Bytes of a record, at most: one may hold a message of the radio. */
const recordCapacity = 256;
const fieldsMax = 24;

/**
 * Carries out what power, watchdog and commands do to node controllers. The calls of the firmware
 * are in boards.ts.
 */
export abstract class BoardOrders {
  readonly counts = zeroCounts();
  readonly state: Uint8Array;
  readonly nonVolatile: NonVolatile[];
  readonly watchdogs: HardwareWatchdogs;
  readonly tasks: Tasks;
  readonly crashRecovery: CrashRecovery;
  readonly link: LinkService;
  readonly statements: StatementService;
  readonly upsets: UpsetInjector;

  protected readonly parts: BoardsParts;
  /** By node; null: the node's context is in the engine's memory. */
  protected readonly controllers: (Controller | null)[];
  protected readonly externalCount: number;
  protected readonly contexts: number[] = [];
  protected readonly clocks: LocalClocks;
  protected readonly seeds: Uint32Array;
  protected abstract readonly loops: readonly PlatformLoop[];
  /** Shared by all nodes. The frame buffer has room for a context as well. */
  protected readonly buffers: LoopBuffers;
  protected readonly images: ContextImages;
  protected readonly frames: number;
  protected readonly bytes: Uint8Array;
  protected readonly words: Int32Array;
  /** Fields of the present command. */
  protected readonly order = new Uint32Array(fieldsMax);
  /** Fields of the present event. */
  protected readonly fields = new Uint32Array(fieldsMax);

  constructor(parts: BoardsParts) {
    this.parts = parts;
    const { engine, plan, seed, cluster } = parts;
    const nodes = plan.nodes.length;
    const random = new RandomStream(seed, 'board');
    this.state = new Uint8Array(nodes);
    this.controllers = plan.nodes.map((_, node) => parts.controllers?.get(node) ?? null);
    this.externalCount = parts.controllers?.size ?? 0;
    this.nonVolatile = this.controllers.map((controller) => new NonVolatile(checkpointStoreOf(controller)));
    this.watchdogs = new HardwareWatchdogs(nodes);
    this.tasks = new Tasks(nodes, parts.queue, parts.platform);
    this.crashRecovery = new CrashRecovery(nodes);
    this.upsets = new UpsetInjector(parts.tracer, this.controllers);
    this.clocks = new LocalClocks(nodes, parts.driftPpm, random);
    this.seeds = Uint32Array.from({ length: nodes }, () => random.uint32());
    for (let node = 0; node < nodes; node += 1) this.contexts.push(engine.reserve(engine.image.contextBytes));
    const frame = engine.reserve(engine.image.contextBytes);
    const record = engine.reserve(recordCapacity);
    this.statements = new StatementService(seed, cluster, nodes, parts.queue);
    this.link = new LinkService(seed, cluster, this.nonVolatile, parts.queue);
    const { secrets, path } = this.link.keys(0);
    const configRecords = 2 + plan.groups.length + secrets.length + path.length;
    const config = engine.reserve(configRecords * configRecordBytes);
    const checkpoint = engine.reserve(engine.image.checkpointBytes + 16);
    this.buffers = { frame, record, config, checkpoint };
    this.images = new ContextImages(engine, frame, checkpoint);
    this.frames = engine.reserve(framesInAirMax * FRAME_BYTES_MAX);
    this.bytes = engine.view();
    this.words = new Int32Array(this.bytes.buffer);
  }

  /** Returns the context's address, for tests and tools. */
  context(node: number): number {
    return this.contexts[node];
  }

  /** Returns whether the node's firmware takes calls. */
  isRunning(node: number): boolean {
    return this.state[node] === boardState.running || this.state[node] === boardState.safe;
  }

  /** Stops the controller permanently. */
  kill(timeMs: number, node: number): void {
    this.halt(timeMs, node, boardState.dead);
    this.controllers[node]?.powerOff();
  }

  /** Stops the runtime; the hardware watchdog will reset the processor. */
  hang(node: number): void {
    this.state[node] = boardState.hung;
    this.parts.queue.setTimer(Number.POSITIVE_INFINITY, node);
    this.parts.channel.setPowered(node, false);
  }

  /**
   * Resets the processor, or cuts its power: it is down for `downMs` and then boots with a new
   * clock. No effect on a dead board.
   */
  resetProcessor(timeMs: number, node: number, cause: number, downMs: number, losesPower = false): void {
    if (this.state[node] === boardState.dead) return;
    this.nonVolatile[node].resetsInRow = Math.min(255, this.nonVolatile[node].resetsInRow + 1);
    this.halt(timeMs, node, boardState.off);
    if (losesPower) this.controllers[node]?.powerOff();
    else this.controllers[node]?.reset();
    this.parts.queue.push(timeMs + downMs, node, eventKind.boot, cause, 0);
  }

  protected halt(timeMs: number, node: number, state: number): void {
    this.state[node] = state;
    this.parts.queue.setTimer(Number.POSITIVE_INFINITY, node);
    this.nonVolatile[node].checkpoints.interrupt(timeMs);
    this.watchdogs.stop(node);
    this.parts.channel.setPowered(node, false);
    this.parts.platform.down(timeMs, node, state === boardState.dead);
  }

  /** Clears the count of resets in a row, after an hour without another boot. */
  stable(node: number, incarnation: number): void {
    if (this.nonVolatile[node].incarnation !== incarnation) return;
    this.nonVolatile[node].resetsInRow = 0;
    this.crashRecovery.stable(node);
  }

  /**
   * Asks the signature service to sign or verify what the node's image shows. `ticket` of a head:
   * its key epoch.
   */
  protected askService(timeMs: number, node: number, what: number, ticket: number): void {
    const isHead = what === TYPE.checkKeyEpoch;
    const shown = isHead ? this.inspect(node, INSPECT.pendingHead, 0) : this.inspect(node, INSPECT.statement, ticket);
    if (shown === null) return;
    const { incarnation } = this.nonVolatile[node];
    if (isHead) this.statements.checkKeyEpoch(timeMs, node, incarnation, ticket, shown);
    else if (what === TYPE.sign) this.statements.sign(timeMs, node, incarnation, ticket, shown);
    else this.statements.verify(timeMs, node, incarnation, ticket, shown);
  }

  /**
   * Does a platform's part in the federation: signs the draft of a summary, sends it abroad, or
   * verifies another cluster's summary. No effect in a cluster without a place.
   */
  protected serveAbroad(timeMs: number, node: number, what: number, argument: number): void {
    const { abroad } = this.parts;
    const draftOrWaiting = what === TYPE.verifyForeign ? argument + 1 : 0;
    const shown = abroad && this.inspect(node, INSPECT.summary, draftOrWaiting);
    if (!shown) return;
    const { incarnation } = this.nonVolatile[node];
    if (what === TYPE.signSummary) return this.statements.signSummary(timeMs, node, incarnation, argument, shown);
    const message = summaryOf(shown);
    if (message === null) return;
    if (what === TYPE.sendAbroad) abroad.send(node, message);
    else this.statements.verifyForeign(timeMs, node, incarnation, argument, abroad.isSigned(message));
  }

  /** Returns the words of `inspect`; null when the controller cannot be read any more. */
  protected inspect(node: number, what: number, index: number): Uint32Array | null {
    const controller = this.controllers[node];
    if (controller !== null) {
      const words = controller.inspect(what, index);
      return words === null ? null : Uint32Array.from(words);
    }
    return this.loops[node].inspect(what, index);
  }

  /** Returns the Byzantine node, if `node` is it and it is active now. */
  protected byzantine(timeMs: number, node: number): ByzantineNode | null {
    const { byzantine } = this.parts;
    return byzantine !== undefined && byzantine.node === node && byzantine.isActive(timeMs) ? byzantine : null;
  }

  /** Returns the loss counters of a node whose context is in the engine's memory. */
  counters(node: number): number[] {
    return [...this.loops[node].inspect(INSPECT.counters, 0)].filter((_, word) => word % 2 === 0);
  }

  /**
   * Returns how old what a node knows of each of these clusters is, seconds of mission time; −1: it
   * knows nothing of it.
   */
  knownAges(timeMs: number, node: number, clusters: readonly number[]): number[] {
    const ages = new Map<number, number>();
    for (let index = 0; index < regionClustersMax; index += 1) {
      const words = this.inspect(node, INSPECT.cluster, index);
      if (words !== null && words.length > 0)
        ages.set(words[ANSWER.cluster.cluster], Math.max(0, timeMs / 1000 - words[ANSWER.cluster.asOfS]));
    }
    return clusters.map((cluster) => ages.get(cluster) ?? -1);
  }

  /**
   * Starts crash recovery after a trap: the node is silent at once, and comes back by the next
   * step.
   */
  protected recover(timeMs: number, node: number, site: number, booting = false): void {
    const resets = this.nonVolatile[node].resetsInRow;
    this.parts.tracer.world(timeMs, { kind: 'trap', node, site, booting, resets });
    const next = this.crashRecovery.trapped(timeMs, node, site, resets);
    if (next.kind === 'runtime') this.restartRuntime(timeMs, node, next.afterMs);
    else if (next.kind === 'reset') this.resetProcessor(timeMs, node, BOOT_CAUSE.watchdog, processorBootMs);
    else if (next.kind === 'image') this.takeAlternateImage(timeMs, node);
    else this.kill(timeMs, node);
  }

  protected takeAlternateImage(timeMs: number, node: number): void {
    this.halt(timeMs, node, boardState.off);
    this.controllers[node]?.reset();
    this.parts.queue.push(timeMs + processorBootMs, node, eventKind.boot, BOOT_CAUSE.alternateImage, 0);
  }

  protected restartRuntime(timeMs: number, node: number, afterMs = runtimeRestartMs): void {
    this.halt(timeMs, node, boardState.off);
    this.parts.queue.push(timeMs + afterMs, node, eventKind.boot, BOOT_CAUSE.runtimeRestart, 1);
  }

  /** Carries out the command in `order`. */
  protected carryOut(timeMs: number, node: number, type: number): void {
    const { order } = this;
    const { platform } = this.parts;
    switch (type) {
      case TYPE.sign:
      case TYPE.verify:
      case TYPE.checkKeyEpoch:
        return this.askService(timeMs, node, type, order[1]);
      case TYPE.signSummary:
      case TYPE.sendAbroad:
      case TYPE.verifyForeign:
        return this.serveAbroad(timeMs, node, type, order[1]);
      case TYPE.reserveCounters:
        return this.link.reserve(timeMs, node, order[1]);
      case TYPE.startWork:
        // The machines of a Byzantine node do nothing: what it claims is lost to all.
        if (this.byzantine(timeMs, node) !== null) return;
        return platform.startWork(timeMs, node, order[1], {
          kind: order[2],
          resource: order[3],
          rateKgPerDay: order[4],
          untilMs: order[5] * 1000,
        });
      case TYPE.stopWork:
        return platform.stopWork(timeMs, node, order[1]);
      case TYPE.requestAssay:
        return platform.requestAssay(timeMs, node, (order[1] << 16) | order[2]);
      case TYPE.feedWatchdog:
        if (!this.watchdogs.feed(node, timeMs)) this.resetProcessor(timeMs, node, BOOT_CAUSE.watchdog, processorBootMs);
        return;
      case TYPE.storeCheckpoint: {
        const controller = this.controllers[node];
        if (controller !== null) {
          controller.keepStore();
          return this.nonVolatile[node].checkpoints.store(timeMs, noContent);
        }
        return this.nonVolatile[node].checkpoints.store(timeMs, this.images.take(this.contexts[node]));
      }
      case TYPE.safeMode:
        if (this.tasks.fails(timeMs, node, RECOVERY_LEVEL.safeMode)) return;
        this.state[node] = boardState.safe;
        this.watchdogs.stop(node);
        return platform.down(timeMs, node, true);
      case TYPE.restartTask:
        return this.tasks.restart(timeMs, node, order[1] & 7);
      case TYPE.restartRuntime:
        if (!this.tasks.fails(timeMs, node, RECOVERY_LEVEL.runtimeRestart)) this.restartRuntime(timeMs, node);
        return;
      case TYPE.resetProcessor:
        if (!this.tasks.fails(timeMs, node, RECOVERY_LEVEL.processorReset))
          this.resetProcessor(timeMs, node, BOOT_CAUSE.commandedReset, processorBootMs);
        return;
      case TYPE.alternateImage:
        if (this.tasks.fails(timeMs, node, RECOVERY_LEVEL.alternateImage)) return;
        this.takeAlternateImage(timeMs, node);
    }
  }

  /** Handles the expiry of a node's watchdog timer. */
  watchdogDue(timeMs: number, node: number): void {
    if (this.watchdogs.expires(node, timeMs, this.parts.queue))
      this.resetProcessor(timeMs, node, BOOT_CAUSE.watchdog, processorBootMs);
  }
}

import { BOOT_CAUSE, OUTLOOK_KIND } from '../../host/cbor/generated.ts';
import type { Boards } from '../board/boards.ts';
import { processorBootMs } from '../board/parts.ts';
import type { Channel } from '../channel/channel.ts';
import { disruptionFact, type Fault } from '../fault/draw.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { DisruptionFact } from '../kernel/trace.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { NodePlatform, Outlook } from './platform.ts';

interface FaultInjectorParts {
  faults: Fault[];
  queue: EventQueue;
  boards: Boards;
  channel: Channel;
  platform: NodePlatform;
  tracer: Tracer;
}

/**
 * Injects the drawn faults into boards, channel and world, and records the facts that judges get.
 */
export class FaultInjector {
  /** By index of the fault; null until its onset. */
  readonly facts: (DisruptionFact | null)[];
  readonly #faults: Fault[];
  readonly #queue: EventQueue;
  readonly #boards: Boards;
  readonly #channel: Channel;
  readonly #platform: NodePlatform;
  readonly #tracer: Tracer;
  readonly #outlooks: (Outlook | null)[];
  /** By node: the fault whose end is known only when it comes. */
  readonly #open = new Map<number, number>();

  constructor({ faults, queue, boards, channel, platform, tracer }: FaultInjectorParts) {
    this.#faults = faults;
    this.#queue = queue;
    this.#boards = boards;
    this.#channel = channel;
    this.#platform = platform;
    this.#tracer = tracer;
    this.facts = faults.map(() => null);
    this.#outlooks = faults.map(() => null);
    platform.onRecovered = (timeMs, node) => this.#recovered(timeMs, node);
  }

  /** Schedules all onsets, ends and outlooks. */
  begin(): void {
    this.#faults.forEach((fault, index) => {
      this.#queue.push(fault.atMs, -1, eventKind.fault, index);
      const predicted = (fault.kind === 'occultation' && fault.warningMs > 0) || fault.kind === 'storm';
      if (predicted) this.#queue.push(Math.max(0, fault.atMs - fault.warningMs), -1, eventKind.outlook, index);
      for (const reset of fault.resets) this.#queue.push(reset.atMs, reset.node, eventKind.stormReset, index);
      if (fault.healMs !== null) this.#queue.push(fault.healMs, -1, eventKind.heal, index);
    });
  }

  /** Reports a predicted silence to the nodes that it isolates. */
  outlook(timeMs: number, index: number): void {
    const fault = this.#faults[index];
    const outlook: Outlook = {
      fromS: Math.floor(fault.atMs / 1000),
      untilS: Math.ceil((fault.healMs ?? fault.atMs) / 1000),
      kind: fault.kind === 'storm' ? OUTLOOK_KIND.storm : OUTLOOK_KIND.occultation,
      nodes: new Set(fault.nodes),
    };
    this.#outlooks[index] = outlook;
    this.#platform.outlooks.push(outlook);
    for (const node of fault.nodes) this.#platform.reportOutlook(timeMs, node, outlook);
  }

  onset(timeMs: number, index: number): void {
    const fault = this.#faults[index];
    const healMs = fault.kind === 'reset' ? fault.atMs + fault.downMs : fault.healMs;
    this.#report(timeMs, index, healMs);
    const node = fault.nodes[0];
    const { world, affectedBy } = this.#platform;
    switch (fault.kind) {
      case 'node-death':
        affectedBy[node] = fault.id;
        return this.#boards.kill(timeMs, node);
      case 'reset':
        this.#affect(node, index);
        for (let slot = 0; slot < fault.badSlots; slot += 1)
          this.#boards.nonVolatile[node].checkpoints.corrupt(slot as 0 | 1);
        return this.#boards.resetProcessor(timeMs, node, BOOT_CAUSE.watchdog, fault.downMs, fault.losesPower);
      case 'hung-task':
        this.#affect(node, index);
        this.#boards.tasks.hangPersists[node] = fault.persistent ? 1 : 0;
        this.#boards.tasks.failingLevels[node] = fault.failingLevels;
        this.#boards.tasks.alive[node] &= ~(1 << fault.task);
        return;
      case 'hung-runtime':
        if (!this.#boards.isRunning(node)) return;
        this.#affect(node, index);
        this.#boards.hang(node);
        // Commanded work goes on until the watchdog resets the processor; for the cluster the node
        // is down.
        this.#tracer.world(timeMs, { kind: 'node-down', node, permanent: false, disruption: fault.id });
        return;
      case 'lot-depleted':
        world.setGroup(timeMs, fault.group, 0, 0, fault.id);
        return this.#platform.followWorld();
      case 'tug-lost':
        world.setUnit(timeMs, fault.group, fault.unit, false, fault.id);
        return this.#platform.followWorld();
      case 'occultation':
        return this.#occult(timeMs, index, true);
      case 'storm':
        for (const affected of fault.nodes) this.#platform.silence(timeMs, affected, true, fault.id);
    }
  }

  heal(timeMs: number, index: number): void {
    const fault = this.#faults[index];
    if (fault.kind === 'occultation') this.#occult(timeMs, index, false);
    else if (fault.kind === 'storm') {
      for (const node of fault.nodes) this.#platform.silence(timeMs, node, false, fault.id);
    }
  }

  stormReset(timeMs: number, node: number, index: number): void {
    const fault = this.#faults[index];
    if (!this.#boards.isRunning(node)) return;
    this.#platform.affectedBy[node] = fault.id;
    this.#boards.resetProcessor(timeMs, node, BOOT_CAUSE.watchdog, fault.downMs || processorBootMs);
  }

  #affect(node: number, index: number): void {
    this.#platform.affectedBy[node] = this.#faults[index].id;
    this.#open.set(node, index);
  }

  #recovered(timeMs: number, node: number): void {
    const index = this.#open.get(node);
    // A hang that no restart ends is not over, however often the board boots.
    if (index !== undefined && this.#faults[index].persistent) return;
    this.#platform.affectedBy[node] = null;
    if (index === undefined) return;
    this.#open.delete(node);
    this.#boards.tasks.failingLevels[node] = 0;
    if (this.#faults[index].kind !== 'reset') this.facts[index] = disruptionFact(this.#faults[index], timeMs);
  }

  /**
   * Reports a fact once, at its onset, with the end as far as it is known; an end known later is in
   * `facts` only.
   */
  #report(timeMs: number, index: number, healedMs: number | null): void {
    const fact = disruptionFact(this.#faults[index], healedMs);
    this.facts[index] = fact;
    this.#tracer.world(timeMs, { kind: 'disruption', id: fact.id, disruption: fact });
  }

  /**
   * Begins or ends an occultation. Each one is one bit of a node's partition key; nodes with equal
   * keys hear each other.
   */
  #occult(timeMs: number, index: number, begins: boolean): void {
    const fault = this.#faults[index];
    const bit = 1 << (index % 31);
    for (const node of fault.nodes) {
      const key = this.#channel.partitionKey(node);
      this.#channel.setPartitionKey(node, begins ? key | bit : key & ~bit);
    }
    const sets = new Map<number, number[]>();
    for (let node = 0; node < this.#platform.affectedBy.length; node += 1) {
      const key = this.#channel.partitionKey(node);
      const set = sets.get(key);
      if (set === undefined) sets.set(key, [node]);
      else set.push(node);
    }
    const listed = sets.size > 1 ? [...sets.values()] : [];
    this.#tracer.world(timeMs, { kind: 'partition', sets: listed, disruption: fault.id });
  }
}

import type { Boards } from '../board/boards.ts';
import { bootCause, processorBootMs } from '../board/parts.ts';
import type { Channel } from '../channel/channel.ts';
import { disruptionFact, type Fault } from '../fault/draw.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { DisruptionFact } from '../kernel/trace.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { NodePlatform, Outlook } from './platform.ts';

const outlookKind = { occultation: 1, storm: 2 } as const;

/** Makes the drawn faults happen to boards, channel and world, and keeps the facts that judges are told. */
export class FaultInjector {
  /** Index = the fault's; null until its onset. */
  readonly facts: (DisruptionFact | null)[];
  readonly #faults: Fault[];
  readonly #queue: EventQueue;
  readonly #boards: Boards;
  readonly #channel: Channel;
  readonly #platform: NodePlatform;
  readonly #tracer: Tracer;
  readonly #outlooks: (Outlook | null)[];
  /** Faults whose end is known only when it comes, by node. */
  readonly #open = new Map<number, number>();

  constructor(
    faults: Fault[],
    queue: EventQueue,
    boards: Boards,
    channel: Channel,
    platform: NodePlatform,
    tracer: Tracer,
  ) {
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

  /** Puts all onsets, ends and warnings into the queue. */
  begin(): void {
    this.#faults.forEach((fault, index) => {
      this.#queue.push(fault.atMs, -1, eventKind.fault, index);
      const predicted = (fault.kind === 'occultation' && fault.warningMs > 0) || fault.kind === 'storm';
      if (predicted) this.#queue.push(Math.max(0, fault.atMs - fault.warningMs), -1, eventKind.outlook, index);
      for (const reset of fault.resets) this.#queue.push(reset.atMs, reset.node, eventKind.stormReset, index);
      if (fault.healMs !== null) this.#queue.push(fault.healMs, -1, eventKind.heal, index);
    });
  }

  /** A silence is foreseen: those it isolates are told. */
  outlook(timeMs: number, index: number): void {
    const fault = this.#faults[index];
    const outlook: Outlook = {
      fromS: Math.floor(fault.atMs / 1000),
      untilS: Math.ceil((fault.healMs ?? fault.atMs) / 1000),
      kind: fault.kind === 'storm' ? outlookKind.storm : outlookKind.occultation,
      nodes: new Set(fault.nodes),
    };
    this.#outlooks[index] = outlook;
    this.#platform.outlooks.push(outlook);
    for (const node of fault.nodes) this.#platform.reportOutlook(timeMs, node, outlook);
  }

  onset(timeMs: number, index: number): void {
    const fault = this.#faults[index];
    const healMs = fault.kind === 'reset' ? fault.atMs + fault.downMs : fault.healMs;
    this.#tell(timeMs, index, healMs);
    const node = fault.nodes[0];
    const { world, struckBy } = this.#platform;
    switch (fault.kind) {
      case 'node-death':
        struckBy[node] = fault.id;
        return this.#boards.kill(timeMs, node);
      case 'reset':
        this.#strike(node, index);
        for (let slot = 0; slot < fault.badSlots; slot += 1)
          this.#boards.nonVolatile[node].checkpoints.corrupt(slot as 0 | 1);
        return this.#boards.resetProcessor(timeMs, node, bootCause.watchdog, fault.downMs, fault.losesPower);
      case 'hung-task':
        this.#strike(node, index);
        this.#boards.tasks.hangPersists[node] = fault.persistent ? 1 : 0;
        this.#boards.tasks.failingLevels[node] = fault.failingLevels;
        this.#boards.tasks.alive[node] &= ~(1 << fault.task);
        return;
      case 'hung-runtime':
        if (!this.#boards.isRunning(node)) return;
        this.#strike(node, index);
        this.#boards.hang(node);
        // What was commanded goes on until the watchdog resets the processor; for the cluster the node is gone.
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
        for (const struck of fault.nodes) this.#platform.silence(timeMs, struck, true, fault.id);
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
    this.#platform.struckBy[node] = fault.id;
    this.#boards.resetProcessor(timeMs, node, bootCause.watchdog, fault.downMs || processorBootMs);
  }

  #strike(node: number, index: number): void {
    this.#platform.struckBy[node] = this.#faults[index].id;
    this.#open.set(node, index);
  }

  #recovered(timeMs: number, node: number): void {
    const index = this.#open.get(node);
    // A hang that no restart ends is over for nobody, however often the board boots.
    if (index !== undefined && this.#faults[index].persistent) return;
    this.#platform.struckBy[node] = null;
    if (index === undefined) return;
    this.#open.delete(node);
    this.#boards.tasks.failingLevels[node] = 0;
    if (this.#faults[index].kind !== 'reset') this.facts[index] = disruptionFact(this.#faults[index], timeMs);
  }

  /** A fact is told once, at its onset, with its end as far as that is known then; an end learnt later stands in `facts` alone. */
  #tell(timeMs: number, index: number, healedMs: number | null): void {
    const fact = disruptionFact(this.#faults[index], healedMs);
    this.facts[index] = fact;
    this.#tracer.world(timeMs, { kind: 'disruption', id: fact.id, disruption: fact });
  }

  /** Each occultation under way is one bit of a node's key; nodes with equal keys hear each other. */
  #occult(timeMs: number, index: number, begins: boolean): void {
    const fault = this.#faults[index];
    const bit = 1 << (index % 31);
    for (const node of fault.nodes) {
      const key = this.#channel.partitionKey(node);
      this.#channel.setPartitionKey(node, begins ? key | bit : key & ~bit);
    }
    const sets = new Map<number, number[]>();
    for (let node = 0; node < this.#platform.struckBy.length; node += 1) {
      const key = this.#channel.partitionKey(node);
      const set = sets.get(key);
      if (set === undefined) sets.set(key, [node]);
      else set.push(node);
    }
    const listed = sets.size > 1 ? [...sets.values()] : [];
    this.#tracer.world(timeMs, { kind: 'partition', sets: listed, disruption: fault.id });
  }
}

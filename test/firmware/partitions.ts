import {
  FIELD,
  type Group,
  INTENT_STATE,
  LEASE_S,
  type Message,
  ROUND_S,
  TYPE,
  WORK_STATUS,
} from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { TestCluster } from './cluster.ts';
import { type ExecutionWatch, watched } from './watch.ts';

const DAY = 86_400;
/** Two units that all nodes compete for. */
const lot: Group = { name: 'group', group: 1, kind: 1, units: 2, capacity: 2000, stockKg: 1_000_000, loadKg: 0 };
const slots = 3;

export interface Storm {
  doubles: string[];
  /** Times that work on a unit began: a run in which nothing ever does proves nothing. */
  starts: number;
  /**
   * Times that a node was assigned what a silent member worked, from the end of its lease hold on.
   */
  successions: number;
  log: string[];
}

/**
 * Flies one cluster through random partitions, one-way deafness, loss, restarts, drifting clocks
 * and assigned claims, all drawn from the seed (INT-5). Most disturbances follow one another within
 * a round or two, some after several leases. Every second seed extends leases in
 * advance, and its nodes restart from one of the two checkpoints that their boards stored, or from
 * nothing. Nodes of the other seeds restart from any of their last four checkpoints.
 */
export class PartitionStorm {
  readonly log: string[] = [];
  private readonly random: RandomStream;
  private readonly nodes: number;
  private readonly cluster: TestCluster;
  private readonly boots: number[];
  private readonly kept: Uint8Array[][];
  private readonly stored: boolean;
  private readonly deaf = new Set<string>();
  private readonly watch: ExecutionWatch;
  private readonly seed: number;
  private successions = 0;
  /** Whether a working node was cut off for longer than its lease. */
  private besieged = false;

  constructor(seed: number) {
    this.seed = seed;
    const random = new RandomStream(seed, 'partitions');
    this.random = random;
    this.nodes = 3 + random.below(6);
    this.stored = random.below(2) === 0;
    const driftPpm = Array.from({ length: this.nodes }, () => random.below(50) - 25);
    const loss = random.below(3) * 0.15;
    // Some plan for themselves, too.
    const features = random.below(3) === 0 ? 1 : 0;
    this.cluster = new TestCluster({ nodes: this.nodes, seed, features, groups: [lot], driftPpm, loss });
    this.watch = watched(this.cluster);
    this.cluster.jam = (sender, receiver) => this.deaf.has(`${sender}>${receiver}`);
    this.boots = Array.from({ length: this.nodes }, () => 1);
    this.kept = Array.from({ length: this.nodes }, () => []);
  }

  run(days: number): Storm {
    try {
      return this.fly(days);
    } catch (error) {
      throw new Error(`seed ${this.seed}: ${(error as Error).message}\n${this.log.join('\n')}`, { cause: error });
    }
  }

  private fly(days: number): Storm {
    const { cluster, random } = this;
    const { watch } = this;
    let nowS = 5 * ROUND_S;
    cluster.runTo(nowS);
    while (nowS < days * DAY) {
      this.disturb();
      if (this.besieged) {
        nowS += 3 * ROUND_S + random.below(2 * ROUND_S);
        cluster.runTo(nowS);
        this.succeed(random.below(this.nodes));
        nowS += LEASE_S;
        cluster.runTo(nowS);
        this.besieged = false;
      }
      nowS +=
        random.below(20) === 0
          ? random.below(8 * LEASE_S)
          : random.below(2) === 0
            ? random.below(4 * ROUND_S)
            : random.below(90);
      cluster.runTo(nowS);
    }
    const starts = cluster.commands.filter(
      ({ fields }) => fields[0] === TYPE.startWork && (fields[FIELD.startWork.resource] & 0xffff) !== 0,
    ).length;
    return { doubles: watch.doubles, starts, successions: this.successions, log: this.log };
  }

  private note(what: string): void {
    this.log.push(`${this.cluster.nowMs / 1000} s: ${what}`);
  }

  private disturb(): void {
    const dice = this.random.below(100);
    const node = this.random.below(this.nodes);
    if (dice < 22) {
      if (!this.succeed(node)) this.assign(node);
    } else if (dice < 50) this.split();
    else if (dice < 58) this.heal();
    else if (dice < 66) this.deafen(node);
    else if (dice < 72) this.give(node);
    else if (dice < 80) this.restart(node);
    else if (dice < 84) this.kept[node] = [...this.kept[node], this.cluster.checkpoint(node)].slice(-4);
    else if (dice < 90) this.outlook(node);
    else this.betray();
  }

  private observe(node: number, message: Message): void {
    if (this.cluster.up[node]) this.cluster.observe(node, message);
  }

  private get nowS(): number {
    return Math.floor(this.cluster.nowMs / 1000);
  }

  private assign(node: number, unit = 1 + this.random.below(2), fromS = this.nowS): void {
    const { random } = this;
    const startS = fromS + (random.below(2) === 0 ? 0 : random.below(6 * LEASE_S));
    const endS = startS + LEASE_S + random.below(random.below(2) === 0 ? 8 * LEASE_S : DAY);
    const slot = random.below(slots);
    const resource = (1 << 16) | unit;
    const priority = 1 + random.below(3);
    this.observe(node, { name: 'assign', slot, kind: 1, resource, startS, endS, durationS: 0, rate: 100, priority });
    this.note(`assign ${node}/${slot} unit ${resource & 0xffff} [${startS}, ${endS}) priority ${priority}`);
  }

  /**
   * Assigns a node what it takes for the work of a silent member, from the end of the lease hold
   * on. Returns false if there is no such work.
   */
  private succeed(node: number): boolean {
    for (let owner = 0; owner < this.nodes; owner += 1)
      for (let slot = 0; slot < slots; slot += 1) {
        const intent = this.cluster.nodes[node].intent(owner, slot);
        if (intent?.state !== INTENT_STATE.started || intent.boundS >= intent.endS || intent.boundS < this.nowS)
          continue;
        this.successions += 1;
        this.assign(node, intent.resource & 0xffff, intent.boundS);
        return true;
      }
    return false;
  }

  private split(): void {
    const parts = 2 + this.random.below(2);
    for (let node = 0; node < this.nodes; node += 1) this.cluster.part[node] = this.random.below(parts);
    this.note(`split ${this.cluster.part.join('')}`);
  }

  private heal(): void {
    this.cluster.part.fill(0);
    this.deaf.clear();
    this.note('heal');
  }

  /**
   * Cuts off a working node with a few others, or lets the others hear it no more. Of the rest,
   * which let that work begin, some restart and one is assigned the same unit.
   */
  private betray(): void {
    const all = Array.from({ length: this.nodes }, (_, node) => node);
    const owner = all.find((node) => this.unitOf(node) !== 0);
    if (owner === undefined) return;
    this.deaf.clear();
    const others = all.filter((node) => node !== owner);
    const isMute = this.random.below(6) === 0;
    for (const node of all) this.cluster.part[node] = !isMute && (node === owner || this.random.below(4) === 0) ? 0 : 1;
    if (isMute) for (const node of others) this.deaf.add(`${owner}>${node}`);
    this.besieged = isMute || this.random.below(4) === 0;
    if (isMute) return;
    this.note(`betray ${owner}: ${this.cluster.part.join('')}`);
    for (const node of others) if (this.cluster.part[node] === 1 && this.random.below(2) === 0) this.restart(node);
    const rivals = others.filter((node) => this.cluster.part[node] === 1);
    if (rivals.length > 0) this.assign(rivals[this.random.below(rivals.length)], this.unitOf(owner));
  }

  /** The unit that a node works, 0 if none. */
  private unitOf(node: number): number {
    for (let slot = 0; slot < slots; slot += 1)
      if (this.cluster.nodes[node].isRunning(slot))
        return (this.cluster.nodes[node].intent(node, slot)?.resource ?? 0) & 0xffff;
    return 0;
  }

  /** Makes nodes deaf to `node` in one direction only. */
  private deafen(node: number): void {
    if (this.random.below(2) === 0) this.deaf.clear();
    for (let other = 0; other < this.nodes; other += 1)
      if (this.random.below(2) === 0) this.deaf.add(`${node}>${other}`);
    this.note(`deaf ${[...this.deaf].join(' ')}`);
  }

  private give(node: number): void {
    for (let slot = 0; slot < slots; slot += 1)
      if (this.cluster.nodes[node].isRunning(slot) && this.random.below(2) === 0) {
        this.watch.ended(node, slot);
        this.observe(node, { name: 'progress', slot, status: WORK_STATUS.failed, movedKg: 0 });
        this.note(`failed ${node}/${slot}`);
      }
  }

  private restart(node: number): void {
    this.boots[node] += 1;
    const images = this.stored ? this.cluster.stored[node] : this.kept[node];
    const image = images[this.random.below(images.length + 1)];
    const timeKnown = this.random.below(2) === 0;
    if (image === undefined) this.cluster.boot(node, this.boots[node], timeKnown);
    else this.cluster.restore(node, this.boots[node], image, timeKnown);
    const origin = image === undefined ? 'from nothing' : 'from a checkpoint';
    this.note(`restart ${node} ${origin}, clock ${timeKnown ? 'kept' : 'lost'}`);
  }

  private outlook(node: number): void {
    if (!this.stored) return;
    const untilS = this.nowS + 3 * LEASE_S + this.random.below(DAY);
    this.observe(node, { name: 'outlook', fromS: this.nowS, untilS, kind: 1 });
    this.note(`outlook ${node} until ${untilS}`);
  }
}

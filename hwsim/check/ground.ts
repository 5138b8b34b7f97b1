import type { DisruptionFact, WorldChange } from '../kernel/trace.ts';

/** A resource group as it stands at the run's beginning. kind 1 ore lot (units are sites), 2 depot (units are tugs). */
export interface GroupFact {
  group: number;
  kind: number;
  units: number;
  capacityKgPerDay: number;
}

/** What a unit or a whole group (unit 0) was destroyed by. */
export interface Destroyed {
  disruption: string;
  group: number;
  unit: number;
}

const DOWN = -1;

/** The world's ground truth as the trace tells it: who lives, who can reach whom, what is left of the resources. */
export class Ground {
  readonly nodes: number;
  /** 1 while the node's controller runs. */
  readonly up: Uint8Array;
  readonly radio: Uint8Array;
  /** 1 while the radio points out of the cluster in a planned contact window: no disruption silenced it. */
  readonly away: Uint8Array;
  /** When the radio last came back from such a window, milliseconds; −1e12 = never. */
  readonly backMs: Float64Array;
  /** Nodes that hear each other carry the same number; −1 = not up. */
  readonly component: Int32Array;
  /** Grows with every change that may alter who reaches whom. */
  changes = 0;
  readonly disruptions: DisruptionFact[] = [];
  readonly capacityKgPerDay = new Map<number, number>();
  /** When a group's capacity last changed, by group, milliseconds. */
  readonly capacityChangedMs = new Map<number, number>();
  /** Keys are `group << 16 | unit`. */
  readonly unusable = new Set<number>();
  readonly destroyed: Destroyed[] = [];
  readonly permanentlyDown: Uint8Array;
  private readonly setOf: Int32Array;
  /** Times at which the component array changed, with a copy; the last few suffice for looking back a suspicion time. */
  private readonly history: { timeMs: number; component: Int32Array }[] = [];
  private readonly upSinceMs: Float64Array;
  private liveMsBefore = 0;

  constructor(nodes: number, groups: readonly GroupFact[]) {
    this.nodes = nodes;
    this.up = new Uint8Array(nodes).fill(1);
    this.radio = new Uint8Array(nodes).fill(1);
    this.away = new Uint8Array(nodes);
    this.backMs = new Float64Array(nodes).fill(-1e12);
    this.component = new Int32Array(nodes);
    this.permanentlyDown = new Uint8Array(nodes);
    this.setOf = new Int32Array(nodes);
    this.upSinceMs = new Float64Array(nodes);
    for (const group of groups) this.capacityKgPerDay.set(group.group, group.capacityKgPerDay);
    this.regroup(0);
  }

  world(timeMs: number, change: WorldChange): void {
    switch (change.kind) {
      case 'node-up':
        if (!this.up[change.node]) this.upSinceMs[change.node] = timeMs;
        this.up[change.node] = 1;
        this.permanentlyDown[change.node] = 0;
        return this.regroup(timeMs);
      case 'node-down':
        if (this.up[change.node]) this.liveMsBefore += timeMs - this.upSinceMs[change.node];
        this.up[change.node] = 0;
        this.permanentlyDown[change.node] = change.permanent ? 1 : 0;
        return this.regroup(timeMs);
      case 'radio-down':
      case 'radio-up':
        this.radio[change.node] = change.kind === 'radio-up' ? 1 : 0;
        if (change.kind === 'radio-up' && this.away[change.node]) this.backMs[change.node] = timeMs;
        this.away[change.node] = change.kind === 'radio-down' && change.disruption === null ? 1 : 0;
        return this.regroup(timeMs);
      case 'partition':
        this.setOf.fill(0);
        for (let set = 0; set < change.sets.length; set++)
          for (const node of change.sets[set]) this.setOf[node] = set + 1;
        return this.regroup(timeMs);
      case 'group-capacity':
        this.capacityKgPerDay.set(change.group, change.capacityKgPerDay);
        this.capacityChangedMs.set(change.group, timeMs);
        if (change.capacityKgPerDay === 0 && change.disruption !== null) {
          this.destroyed.push({ disruption: change.disruption, group: change.group, unit: 0 });
        }
        return;
      case 'unit':
        if (change.usable) this.unusable.delete((change.group << 16) | change.unit);
        else this.unusable.add((change.group << 16) | change.unit);
        if (!change.usable && change.disruption !== null) {
          this.destroyed.push({ disruption: change.disruption, group: change.group, unit: change.unit });
        }
        return;
      case 'disruption':
        this.disruptions.push(change.disruption);
        return;
      default:
        return;
    }
  }

  /** Both live and a frame can pass, directly or relayed. */
  connected(a: number, b: number): boolean {
    return this.component[a] !== DOWN && this.component[a] === this.component[b];
  }

  live(node: number): boolean {
    return this.up[node] === 1;
  }

  /** Milliseconds within [fromMs, toMs) during which a frame could pass between the two. */
  pathMs(a: number, b: number, fromMs: number, toMs: number): number {
    let total = 0;
    let until = toMs;
    for (let index = this.history.length - 1; index >= 0 && until > fromMs; index--) {
      const { timeMs, component } = this.history[index];
      const from = Math.max(timeMs, fromMs);
      if (from < until && component[a] !== DOWN && component[a] === component[b]) total += until - from;
      until = Math.min(until, timeMs);
    }
    return total;
  }

  /** Milliseconds since when a frame can pass between the two without a break, or −1 if none can. */
  connectedSinceMs(a: number, b: number): number {
    let since = -1;
    for (let index = this.history.length - 1; index >= 0; index--) {
      const { timeMs, component } = this.history[index];
      if (component[a] === DOWN || component[a] !== component[b]) break;
      since = timeMs;
    }
    return since;
  }

  /** Sum over nodes of the milliseconds that each was up until `timeMs`. */
  liveMs(timeMs: number): number {
    let total = this.liveMsBefore;
    for (let node = 0; node < this.nodes; node++) if (this.up[node]) total += timeMs - this.upSinceMs[node];
    return total;
  }

  /** The component with the most live members; of equal ones that with the lowest member. −1 if nobody lives. */
  majority(): number {
    const size = new Int32Array(this.nodes + 1);
    let best = DOWN;
    for (let node = 0; node < this.nodes; node++) if (this.component[node] !== DOWN) size[this.component[node]]++;
    for (let node = 0; node < this.nodes; node++) {
      const mine = this.component[node];
      if (mine !== DOWN && (best === DOWN || size[mine] > size[best])) best = mine;
    }
    return best;
  }

  /** A component carries the number of its lowest member. A node whose radio is down is alone. */
  private regroup(timeMs: number): void {
    this.changes++;
    const first = new Map<number, number>();
    for (let node = 0; node < this.nodes; node++) {
      if (!this.up[node]) this.component[node] = DOWN;
      else if (!this.radio[node]) this.component[node] = node;
      else {
        const set = this.setOf[node];
        const known = first.get(set);
        if (known === undefined) first.set(set, node);
        this.component[node] = known ?? node;
      }
    }
    const last = this.history[this.history.length - 1];
    if (last !== undefined && last.timeMs === timeMs) last.component.set(this.component);
    else this.history.push({ timeMs, component: this.component.slice() });
  }
}

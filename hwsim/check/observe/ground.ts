import type { DisruptionFact, WorldChange } from '../../kernel/trace.ts';

/**
 * A resource group at the run's start. kind 1: ore lot (units are sites); kind 2: depot (units are
 * tugs).
 */
export interface GroupFact {
  group: number;
  kind: number;
  units: number;
  capacityKgPerDay: number;
}

/** A unit or a whole group (unit 0) that a disruption destroyed. */
interface Destroyed {
  disruption: string;
  group: number;
  unit: number;
}

const DOWN = -1;

/**
 * Follows the world's ground truth in the trace: which nodes live, which reach each other, what
 * resources are left.
 */
export class Ground {
  readonly nodes: number;
  /** 1 while the node's controller runs. */
  readonly up: Uint8Array;
  readonly radio: Uint8Array;
  /**
   * 1 while the radio points out of the cluster in a planned contact window, without a disruption.
   */
  readonly away: Uint8Array;
  /** When the radio last came back from such a window, milliseconds; −1e12 = never. */
  readonly backMs: Float64Array;
  /** Nodes that hear each other have the same number; −1 = not up. */
  readonly component: Int32Array;
  /** Grows with every change of who may reach whom. */
  changes = 0;
  readonly disruptions: DisruptionFact[] = [];
  readonly capacityKgPerDay = new Map<number, number>();
  /** When a group's capacity last changed, by group, milliseconds. */
  readonly capacityChangedMs = new Map<number, number>();
  readonly destroyed: Destroyed[] = [];
  /** Disruptions that affected a node, a resource or a path; all others affected nobody. */
  readonly effective = new Set<string>();
  readonly permanentlyDown: Uint8Array;
  private readonly setOf: Int32Array;
  /** Copies of `component` with the times of their start, for looking back. */
  private readonly history: { timeMs: number; component: Int32Array }[] = [];

  constructor(nodes: number, groups: readonly GroupFact[]) {
    this.nodes = nodes;
    this.up = new Uint8Array(nodes).fill(1);
    this.radio = new Uint8Array(nodes).fill(1);
    this.away = new Uint8Array(nodes);
    this.backMs = new Float64Array(nodes).fill(-1e12);
    this.component = new Int32Array(nodes);
    this.permanentlyDown = new Uint8Array(nodes);
    this.setOf = new Int32Array(nodes);
    for (const group of groups) this.capacityKgPerDay.set(group.group, group.capacityKgPerDay);
    this.regroup(0);
  }

  world(timeMs: number, change: WorldChange): void {
    const affecting = this.effectOf(change);
    if (affecting !== null) this.effective.add(affecting);
    switch (change.kind) {
      case 'node-up':
        this.up[change.node] = 1;
        this.permanentlyDown[change.node] = 0;
        return this.regroup(timeMs);
      case 'node-down':
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

  /**
   * Returns the disruption that affects something by this change, or null. What is dead, empty or
   * lost already is not affected again, and a partition must have members on two sides.
   */
  private effectOf(change: WorldChange): string | null {
    switch (change.kind) {
      case 'node-down':
        return this.up[change.node] || (change.permanent && !this.permanentlyDown[change.node])
          ? change.disruption
          : null;
      case 'radio-down':
        return this.up[change.node] ? change.disruption : null;
      case 'partition':
        return change.sets.filter((set) => set.some((node) => this.up[node])).length > 1 ? change.disruption : null;
      case 'group-capacity':
        return (this.capacityKgPerDay.get(change.group) ?? 0) > 0 ? change.disruption : null;
      case 'unit':
        return this.destroyed.some(({ group, unit }) => group === change.group && unit === change.unit)
          ? null
          : change.disruption;
      case 'disruption': {
        // A task hangs without a change of the world, and a reset may extend an outage.
        const { id, kind, nodes } = change.disruption;
        const isHang = kind === 'hung-task' && nodes.some((node) => this.up[node]);
        return isHang || (kind === 'reset' && nodes.some((node) => !this.permanentlyDown[node])) ? id : null;
      }
      default:
        return null;
    }
  }

  /** Returns whether both live and a frame can pass between them, direct or relayed. */
  connected(a: number, b: number): boolean {
    return this.component[a] !== DOWN && this.component[a] === this.component[b];
  }

  live(node: number): boolean {
    return this.up[node] === 1;
  }

  /**
   * Returns the milliseconds within [fromMs, toMs) during which a frame could pass between the two.
   */
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

  /**
   * Returns since when a frame can pass between the two without a break, milliseconds; −1 if none
   * can.
   */
  connectedSinceMs(a: number, b: number): number {
    let since = -1;
    for (let index = this.history.length - 1; index >= 0; index--) {
      const { timeMs, component } = this.history[index];
      if (component[a] === DOWN || component[a] !== component[b]) break;
      since = timeMs;
    }
    return since;
  }

  /**
   * Returns since when the node reaches more than half of the cluster without a break,
   * milliseconds; −1 if it does not.
   */
  withMajoritySinceMs(node: number): number {
    let since = -1;
    for (let index = this.history.length - 1; index >= 0; index--) {
      const { timeMs, component } = this.history[index];
      const mine = component[node];
      if (mine === DOWN) break;
      let reached = 0;
      for (let other = 0; other < this.nodes; other++) if (component[other] === mine) reached++;
      if (2 * reached <= this.nodes) break;
      since = timeMs;
    }
    return since;
  }

  /**
   * Returns the component with the most live members; of equal ones that with the lowest member.
   * −1: nobody lives.
   */
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

  /** Returns whether the node is the lowest live member of the largest component. */
  coordinates(node: number): boolean {
    // A component has the number of its lowest member.
    return this.component[node] !== DOWN && node === this.majority();
  }

  /**
   * Numbers the components: each has the number of its lowest member. A node whose radio is down is
   * alone.
   */
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

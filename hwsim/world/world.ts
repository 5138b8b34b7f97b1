import { GROUP_KIND, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { EventQueue } from '../kernel/queue.ts';
import type { WorldChange } from '../kernel/trace.ts';
import { batteryDueMs, integrateGroup, integrateNode, storeDueMs, updateCommanded, updateLimits } from './flows.ts';
import type { WorldPlan } from './plan.ts';
import type { GroupState, NodeState } from './state.ts';
import type { Work, WorkOrder } from './work.ts';

/** Gets what happens in the world: the simulator, or a baseline's controller. */
export interface WorldListener {
  change(timeMs: number, change: WorldChange): void;
  progress(timeMs: number, node: number, slot: number, status: number, movedKg: number): void;
}

const msPerDay = 86_400_000;
const msPerHour = 3_600_000;
const intentSlotsPerNode = 8;
/** Overdue maintenance costs a tenth of the rate. *Assumed*. */
const overdueFactor = 0.9;
const event = { node: 1, group: 2, workEnd: 3 } as const;
/** In the list of who works a unit: no node, and several nodes. */
const noWorker = -1;
const several = -2;

/**
 * Simulates the ground truth that production is measured against. Between changes all quantities
 * are linear in time: states are integrated only when something changes, and the instants at which
 * a stock, a store or a battery runs out are events. The world knows nothing of firmware: any
 * controller may start and stop work.
 */
export class World {
  minedKg = 0;
  hauledKg = 0;
  /** Time spent on building the next node, summed over all nodes. */
  replicateHours = 0;
  readonly #plan: WorldPlan;
  readonly #listener: WorldListener;
  readonly #queue = new EventQueue();
  readonly #nodes: NodeState[];
  readonly #groups: (GroupState | undefined)[] = [];
  /** By unit of the group that is being settled: the node that works it, none or several. */
  readonly #workers: Int32Array;
  #workId = 0;

  constructor(plan: WorldPlan, listener: WorldListener) {
    this.#plan = plan;
    this.#listener = listener;
    this.#nodes = plan.nodes.map((node) => ({
      plan: node,
      up: false,
      lost: false,
      storedKg: 0,
      batteryWh: node.batteryWh,
      storeFlow: 0,
      powerFlow: 0,
      extraW: 0,
      commandedKgPerDay: 0,
      full: false,
      empty: false,
      maintaining: false,
      maintainedMs: 0,
      lastMs: 0,
      timerMs: -1,
      works: new Array<Work | null>(intentSlotsPerNode).fill(null),
    }));
    this.#workers = new Int32Array(1 + Math.max(0, ...plan.groups.map(({ units }) => units))).fill(noWorker);
    for (const group of plan.groups) {
      this.#groups[group.group] = {
        plan: group,
        capacityKgPerDay: group.capacityKgPerDay,
        stockKg: group.stockKg,
        drainFlow: 0,
        lastMs: 0,
        timerMs: -1,
        works: [],
        unusable: new Set(),
      };
    }
  }

  /** Returns when the world next changes by itself; Infinity if never. */
  get nextMs(): number {
    return this.#queue.nextMs;
  }

  /** Processes all events up to and including `timeMs`. */
  advance(timeMs: number): void {
    const queue = this.#queue;
    while (queue.nextMs <= timeMs && queue.pop()) {
      const dueMs = queue.timeMs;
      if (queue.kind === event.workEnd) {
        const work = this.#nodes[queue.node].works[queue.first];
        if (work !== null && work.id === queue.second && Math.min(work.untilMs, this.#haulEndMs(work)) <= dueMs)
          this.#finish(dueMs, work);
      } else if (queue.kind === event.node) {
        const node = this.#nodes[queue.node];
        if (node.timerMs === dueMs) this.#nodeDue(dueMs, node);
      } else {
        const group = this.#groups[queue.first];
        if (group !== undefined && group.timerMs === dueMs) this.#groupDue(dueMs, group);
      }
    }
  }

  /**
   * Starts work, or changes rate and end of the same work in that intent slot. A refusal is
   * reported as progress `blocked`.
   */
  startWork(timeMs: number, node: number, slot: number, order: WorkOrder): void {
    const { kind, resource, rateKgPerDay, untilMs } = order;
    const state = this.#nodes[node];
    const group = resource >>> 16;
    const unit = resource & 0xffff;
    const running = state.works[slot];
    if (!state.up || untilMs <= timeMs) return;
    if (running !== null && running.kind === kind && running.group === group && running.unit === unit) {
      running.rateKgPerDay = rateKgPerDay;
      updateCommanded(state);
      running.untilMs = untilMs;
      this.#queue.push(Math.min(untilMs, this.#haulEndMs(running)), node, event.workEnd, slot, running.id);
      this.#settleNode(timeMs, state);
      return;
    }
    if (running !== null) this.stopWork(timeMs, node, slot);
    if (this.#refuses(kind, group, unit)) {
      this.#listener.progress(timeMs, node, slot, WORK_STATUS.blocked, 0);
      return;
    }
    this.#workId += 1;
    const work: Work = {
      id: this.#workId,
      node,
      intentSlot: slot,
      kind,
      group,
      unit,
      rateKgPerDay,
      startMs: timeMs,
      untilMs,
      wantedKgPerDay: 0,
      flow: 0,
      lastMs: timeMs,
      unreportedKg: 0,
      totalKg: 0,
      intakeMs: 0,
    };
    state.works[slot] = work;
    updateCommanded(state);
    if (kind === WORK_KIND.maintain) state.maintaining = true;
    if (kind === WORK_KIND.mine || kind === WORK_KIND.haul) this.#occupy(timeMs, work);
    this.#queue.push(Math.min(untilMs, this.#haulEndMs(work)), node, event.workEnd, slot, work.id);
    this.#settleNode(timeMs, state);
    this.#listener.progress(timeMs, node, slot, WORK_STATUS.running, 0);
  }

  /**
   * Ends work at once; a haul delivers what it has moved. An empty intent slot is ignored: the work
   * may have ended by itself.
   */
  stopWork(timeMs: number, node: number, slot: number): void {
    const work = this.#nodes[node].works[slot];
    if (work === null || work === undefined) return;
    if (work.kind === WORK_KIND.haul) this.#deliver(timeMs, work);
    this.#remove(timeMs, work);
  }

  /** Returns when a tug has moved its load at the commanded rate; Infinity for other work. */
  #haulEndMs(work: Work): number {
    if (work.kind !== WORK_KIND.haul || work.rateKgPerDay <= 0) return Number.POSITIVE_INFINITY;
    return work.startMs + Math.ceil((this.#group(work.group).plan.loadKg * msPerDay) / work.rateKgPerDay);
  }

  /**
   * Moves mass from the node's store to the depot: what the tug moved at its rate, at most its load
   * and the store.
   */
  #deliver(timeMs: number, work: Work): void {
    const state = this.#nodes[work.node];
    this.#settleNode(timeMs, state);
    const movable = (this.#wantedKgPerDay(timeMs, work) * work.intakeMs) / msPerDay;
    const movedKg = Math.min(this.#group(work.group).plan.loadKg, state.storedKg, movable);
    state.storedKg -= movedKg;
    work.unreportedKg = movedKg;
    work.totalKg = movedKg;
    work.intakeMs = 0;
    this.hauledKg += movedKg;
  }

  /** Sets whether a node is up. A node that goes down stops all its work. */
  setNodeUp(timeMs: number, node: number, up: boolean, permanent: boolean, disruption: string | null): void {
    const state = this.#nodes[node];
    // A node that is down may still change to permanently down.
    if (state.up === up && (!permanent || state.lost)) return;
    state.lost = permanent;
    if (!up) this.stopAllWork(timeMs, node);
    integrateNode(timeMs, state);
    state.up = up;
    this.#settleNode(timeMs, state);
    this.#listener.change(timeMs, { kind: up ? 'node-up' : 'node-down', node, permanent, disruption });
  }

  /** Stops all work of a node, whose actuators lost their controller. */
  stopAllWork(timeMs: number, node: number): void {
    for (const work of this.#nodes[node].works) if (work !== null) this.#remove(timeMs, work);
  }

  /** Returns whether the node is up for the world. */
  isUp(node: number): boolean {
    return this.#nodes[node].up;
  }

  /** Sets a group's capacity and stock from now on; with 0 kg/day all work there is refused. */
  setGroup(timeMs: number, group: number, capacityKgPerDay: number, stockKg: number, disruption: string | null): void {
    const state = this.#group(group);
    this.#settleGroup(timeMs, state);
    state.capacityKgPerDay = capacityKgPerDay;
    state.stockKg = stockKg;
    this.#listener.change(timeMs, { kind: 'group-capacity', group, capacityKgPerDay, stockKg, disruption });
    if (capacityKgPerDay <= 0) this.#blockAll(timeMs, [...state.works]);
    this.#settleGroup(timeMs, state);
  }

  setUnit(timeMs: number, group: number, unit: number, usable: boolean, disruption: string | null): void {
    const state = this.#group(group);
    if (usable) state.unusable.delete(unit);
    else state.unusable.add(unit);
    this.#listener.change(timeMs, { kind: 'unit', group, unit, usable, disruption });
    if (!usable)
      this.#blockAll(
        timeMs,
        state.works.filter((work) => work.unit === unit),
      );
  }

  /** Sets the power drawn beside base load, replication and mining, as in a contact window. */
  setExtraDraw(timeMs: number, node: number, watts: number): void {
    this.#nodes[node].extraW = watts;
    this.#settleNode(timeMs, this.#nodes[node]);
  }

  /**
   * Applies a change of ground truth from a fault timeline; kinds without physics are only
   * forwarded.
   */
  applyDisruption(timeMs: number, change: WorldChange): void {
    if (change.kind === 'node-up' || change.kind === 'node-down') {
      this.setNodeUp(timeMs, change.node, change.kind === 'node-up', change.permanent, change.disruption);
    } else if (change.kind === 'group-capacity') {
      this.setGroup(timeMs, change.group, change.capacityKgPerDay, change.stockKg, change.disruption);
    } else if (change.kind === 'unit')
      this.setUnit(timeMs, change.group, change.unit, change.usable, change.disruption);
    else this.#listener.change(timeMs, change);
  }

  /** Reports all credits up to now: called hourly, so that production per hour can be judged. */
  reportCredits(timeMs: number): void {
    for (const node of this.#nodes) {
      for (const work of node.works) {
        if (work === null || work.kind === WORK_KIND.haul) continue;
        this.#integrateWork(timeMs, work);
        this.#reportCredit(timeMs, work);
      }
    }
  }

  storedKg(timeMs: number, node: number): number {
    integrateNode(timeMs, this.#nodes[node]);
    return this.#nodes[node].storedKg;
  }

  batteryWh(timeMs: number, node: number): number {
    integrateNode(timeMs, this.#nodes[node]);
    return this.#nodes[node].batteryWh;
  }

  capacityKgPerDay(group: number): number {
    return this.#groups[group]?.capacityKgPerDay ?? 0;
  }

  stockKg(timeMs: number, group: number): number {
    const state = this.#group(group);
    integrateGroup(timeMs, state);
    return state.stockKg;
  }

  unitUsable(group: number, unit: number): boolean {
    const state = this.#groups[group];
    return state !== undefined && unit <= state.plan.units && !state.unusable.has(unit);
  }

  /** Returns the nodes that work on a group now (`unit` 0) or on one of its units, ascending. */
  nodesAt(group: number, unit: number): number[] {
    const nodes = new Set<number>();
    for (const work of this.#group(group).works) if (unit === 0 || work.unit === unit) nodes.add(work.node);
    return [...nodes].sort((a, b) => a - b);
  }

  #group(group: number): GroupState {
    const state = this.#groups[group];
    if (state === undefined) throw new RangeError(`the world has no group ${group}`);
    return state;
  }

  /**
   * Returns whether work is refused: mining and hauling need a usable unit of the right kind of
   * group, and some stock.
   */
  #refuses(kind: number, group: number, unit: number): boolean {
    if (kind !== WORK_KIND.mine && kind !== WORK_KIND.haul) return false;
    const state = this.#groups[group];
    if (state === undefined || state.plan.kind !== kind || unit === 0 || !this.unitUsable(group, unit)) return true;
    return state.capacityKgPerDay <= 0 || (kind === WORK_KIND.mine && state.stockKg <= 0);
  }

  #occupy(timeMs: number, work: Work): void {
    const group = this.#group(work.group);
    const others = group.works.filter((other) => other.unit === work.unit && other.node !== work.node);
    group.works.push(work);
    if (others.length === 0) return;
    const nodes = [...others.map((other) => other.node), work.node].sort((a, b) => a - b);
    this.#listener.change(timeMs, { kind: 'double-execution', group: work.group, unit: work.unit, nodes });
  }

  #remove(timeMs: number, work: Work): void {
    const state = this.#nodes[work.node];
    this.#settleNode(timeMs, state);
    this.#integrateWork(timeMs, work);
    this.#reportCredit(timeMs, work);
    state.works[work.intentSlot] = null;
    updateCommanded(state);
    if (work.kind === WORK_KIND.maintain) state.maintaining = false;
    const group = this.#groups[work.group];
    const at = group === undefined ? -1 : group.works.indexOf(work);
    if (group !== undefined && at >= 0) {
      group.works.splice(at, 1);
      this.#settleGroup(timeMs, group);
    }
    this.#settleNode(timeMs, state);
  }

  #blockAll(timeMs: number, works: Work[]): void {
    for (const work of works) {
      this.#remove(timeMs, work);
      this.#reportProgress(timeMs, work, WORK_STATUS.blocked);
    }
  }

  #finish(timeMs: number, work: Work): void {
    if (work.kind === WORK_KIND.haul) this.#deliver(timeMs, work);
    if (work.kind === WORK_KIND.maintain) this.#nodes[work.node].maintainedMs = timeMs;
    this.#remove(timeMs, work);
    this.#reportProgress(timeMs, work, WORK_STATUS.done);
  }

  #reportProgress(timeMs: number, work: Work, status: number): void {
    this.#listener.progress(timeMs, work.node, work.intentSlot, status, Math.floor(work.totalKg));
  }

  #reportCredit(timeMs: number, work: Work): void {
    if (work.unreportedKg <= 0) return;
    const kg = work.unreportedKg;
    work.unreportedKg = 0;
    this.#listener.change(timeMs, { kind: 'credit', node: work.node, group: work.group, unit: work.unit, kg });
  }

  #integrateWork(timeMs: number, work: Work): void {
    const elapsedMs = timeMs - work.lastMs;
    work.lastMs = timeMs;
    if (work.kind === WORK_KIND.haul) work.intakeMs += work.flow * elapsedMs;
    else if (work.kind === WORK_KIND.mine) {
      const kg = work.flow * elapsedMs;
      work.unreportedKg += kg;
      work.totalKg += kg;
      this.minedKg += kg;
    } else if (work.kind === WORK_KIND.replicate) this.replicateHours += elapsedMs / msPerHour;
  }

  // ---- rates ----

  /** Updates the rates after a change of one node: of its groups, or of the node alone. */
  #settleNode(timeMs: number, node: NodeState): void {
    let settled = false;
    for (const work of node.works) {
      const group = work === null ? undefined : this.#groups[work.group];
      if (group === undefined || (work?.kind !== WORK_KIND.mine && work?.kind !== WORK_KIND.haul)) continue;
      this.#settleGroup(timeMs, group);
      settled = true;
    }
    if (!settled) this.#settleEnergy(timeMs, node);
  }

  /** Returns what the work would take if its group had plenty, kg per day. */
  #wantedKgPerDay(timeMs: number, work: Work): number {
    if (work.kind === WORK_KIND.haul) {
      const loadKg = this.#group(work.group).plan.loadKg;
      return work.rateKgPerDay > 0 ? work.rateKgPerDay : (loadKg * msPerDay) / (work.untilMs - work.startMs);
    }
    const node = this.#nodes[work.node];
    if (!node.up || node.maintaining || node.full || node.empty) return 0;
    const { commandedKgPerDay, plan } = node;
    const share = commandedKgPerDay > plan.rateKgPerDay ? plan.rateKgPerDay / commandedKgPerDay : 1;
    const overdue = timeMs - node.maintainedMs >= 2 * this.#plan.maintenanceEveryMs;
    return work.rateKgPerDay * share * (overdue ? overdueFactor : 1);
  }

  #settleGroup(timeMs: number, group: GroupState): void {
    integrateGroup(timeMs, group);
    const workers = this.#workers;
    let wantedSum = 0;
    for (const work of group.works) {
      this.#integrateWork(timeMs, work);
      work.wantedKgPerDay = this.#wantedKgPerDay(timeMs, work);
      wantedSum += work.wantedKgPerDay;
      const worker = workers[work.unit];
      workers[work.unit] = worker === noWorker || worker === work.node ? work.node : several;
    }
    const granted = wantedSum > group.capacityKgPerDay ? group.capacityKgPerDay / wantedSum : 1;
    group.drainFlow = 0;
    for (const work of group.works) {
      const doubled = workers[work.unit] === several;
      if (work.kind === WORK_KIND.haul) work.flow = doubled ? 0 : granted;
      else {
        work.flow = doubled ? 0 : (work.wantedKgPerDay * granted) / msPerDay;
        group.drainFlow += work.flow;
      }
    }
    for (const work of group.works) {
      workers[work.unit] = noWorker;
      this.#settleEnergy(timeMs, this.#nodes[work.node], granted);
    }
    if (group.plan.kind !== GROUP_KIND.lot) return;
    const dueMs = group.drainFlow > 0 ? timeMs + Math.ceil(group.stockKg / group.drainFlow) : -1;
    if (dueMs !== group.timerMs && dueMs > timeMs) this.#queue.push(dueMs, -1, event.group, group.plan.group);
    group.timerMs = dueMs;
  }

  #settleEnergy(timeMs: number, node: NodeState, granted = 1): void {
    integrateNode(timeMs, node);
    const { plan } = node;
    let dugKgPerDay = 0;
    let creditedFlow = 0;
    let replicateW = 0;
    for (const work of node.works) {
      if (work !== null && work.kind === WORK_KIND.replicate) replicateW = plan.replicateW;
      if (work === null || work.kind !== WORK_KIND.mine) continue;
      creditedFlow += work.flow;
      // A unit with two workers costs the energy of digging and yields no credit.
      dugKgPerDay += work.flow > 0 ? work.flow * msPerDay : this.#wantedKgPerDay(timeMs, work) * granted;
    }
    node.storeFlow = creditedFlow;
    const drawW = plan.baseW + replicateW + node.extraW + (dugKgPerDay * plan.mineWhPerKg) / 24;
    node.powerFlow = (plan.solarW - (node.up ? drawW : 0)) / msPerHour;
    const dueMs = Math.min(storeDueMs(timeMs, node), batteryDueMs(timeMs, node), this.#overdueMs(timeMs, node));
    if (dueMs !== node.timerMs && dueMs < Number.POSITIVE_INFINITY) this.#queue.push(dueMs, plan.node, event.node);
    node.timerMs = dueMs;
  }

  #overdueMs(timeMs: number, node: NodeState): number {
    const overdueMs = node.maintainedMs + 2 * this.#plan.maintenanceEveryMs;
    return overdueMs > timeMs ? overdueMs : Number.POSITIVE_INFINITY;
  }

  #nodeDue(timeMs: number, node: NodeState): void {
    node.timerMs = -1;
    integrateNode(timeMs, node);
    updateLimits(node);
    this.#settleNode(timeMs, node);
  }

  #groupDue(timeMs: number, group: GroupState): void {
    group.timerMs = -1;
    this.setGroup(timeMs, group.plan.group, 0, 0, null);
  }
}

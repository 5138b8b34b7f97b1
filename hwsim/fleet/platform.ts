import { TYPE, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import type { Boards } from '../board/boards.ts';
import { boardState, type Platform } from '../board/parts.ts';
import type { EventQueue } from '../kernel/queue.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { WorldChange } from '../kernel/trace.ts';
import type { Channel } from '../channel/channel.ts';
import type { WorldPlan } from '../world/plan.ts';
import type { WorkOrder } from '../world/work.ts';
import { World, type WorldListener } from '../world/world.ts';
import { eventKind } from '../kernel/event_kinds.ts';

const maintenanceSlot = 7;
const msPerDay = 86_400_000;
/** Contact windows are announced this long before they begin. *Assumed*. */
const contactNoticeMs = 6 * 3_600_000;

const needsResource = (kind: number): boolean => kind === WORK_KIND.mine || kind === WORK_KIND.haul;

/**
 * A predicted silence. It is reported to the nodes concerned, and again to those that boot before
 * it ends.
 */
export interface Outlook {
  fromS: number;
  untilS: number;
  kind: number;
  nodes: Set<number>;
}

/** Time from a request to look at a resource to the report, ms. */
const assayMs = 5000;

interface NodePlatformParts {
  plan: WorldPlan;
  queue: EventQueue;
  tracer: Tracer;
  channel: Channel;
  telemetryS: number;
  seed: number;
}

/** Connects controllers with the world: actuators, telemetry, assays, assigned work, contact
 * windows.
 */
export class NodePlatform implements Platform, WorldListener {
  readonly world: World;
  readonly outlooks: Outlook[] = [];
  /**
   * By node: id of the last fault that affects the node and is not over; marks the node's downs and
   * ups.
   */
  readonly affectedBy: (string | null)[];
  /** Called when an affected node is up again, or a hung task runs again. */
  onRecovered: (timeMs: number, node: number) => void = () => {};
  /** Called when a node's contact window begins. */
  onContact: (timeMs: number, node: number) => void = () => {};
  boards!: Boards;

  readonly #plan: WorldPlan;
  readonly #queue: EventQueue;
  readonly #tracer: Tracer;
  readonly #channel: Channel;
  readonly #telemetryMs: number;
  readonly #phaseMs: number[];
  #worldWakeMs = Number.POSITIVE_INFINITY;
  /** By node: resources that its next telemetry reports. */
  readonly #assays: Set<number>[];
  /** Maintenance last assigned: [start, end) seconds, end 0 = none open. */
  readonly #maintenance: { startS: number; endS: number }[];
  readonly #contactStartMs: Float64Array;
  /**
   * Units whose beacon is missing: a node notices them when it looks out of the cluster in its
   * contact window.
   */
  readonly #missing = new Set<number>();

  constructor({ plan, queue, tracer, channel, telemetryS, seed }: NodePlatformParts) {
    this.#plan = plan;
    this.#queue = queue;
    this.#tracer = tracer;
    this.#channel = channel;
    this.#telemetryMs = telemetryS * 1000;
    const random = new RandomStream(seed, 'platform');
    this.#phaseMs = plan.nodes.map(() => random.below(this.#telemetryMs));
    this.#assays = plan.nodes.map(() => new Set());
    this.#maintenance = plan.nodes.map(() => ({ startS: 0, endS: 0 }));
    this.#contactStartMs = new Float64Array(plan.nodes.length).fill(Number.POSITIVE_INFINITY);
    this.affectedBy = plan.nodes.map(() => null);
    this.world = new World(plan, this);
  }

  /**
   * Schedules what recurs: telemetry spread evenly, maintenance, and contact windows one node after
   * another.
   */
  begin(): void {
    const { nodes, maintenanceEveryMs, maintenanceMs, contactEveryMs, contactMs } = this.#plan;
    for (let node = 0; node < nodes.length; node += 1) {
      this.#queue.push(60_000 + this.#phaseMs[node], node, eventKind.health);
      if (maintenanceMs > 0) {
        const firstMs = Math.floor((maintenanceEveryMs * (node + 1)) / (nodes.length + 1));
        this.#queue.push(firstMs, node, eventKind.maintenance);
      }
      if (contactMs > 0) {
        const startMs = contactNoticeMs + Math.floor((contactEveryMs * node) / nodes.length);
        this.#queue.push(startMs - contactNoticeMs, node, eventKind.contact, 0, startMs);
      }
    }
  }

  /** Lets the world change by itself; called at the time for which `followWorld` scheduled it. */
  worldDue(timeMs: number): void {
    this.#worldWakeMs = Number.POSITIVE_INFINITY;
    this.world.advance(timeMs);
    this.followWorld();
  }

  /** Schedules the world's next change; called after each access that may move it. */
  followWorld(): void {
    const nextMs = this.world.nextMs;
    if (nextMs >= this.#worldWakeMs) return;
    this.#worldWakeMs = nextMs;
    this.#queue.push(nextMs, -1, eventKind.world);
  }

  // ---- commands from the boards ----

  startWork(timeMs: number, node: number, slot: number, order: WorkOrder): void {
    if (slot > maintenanceSlot) return;
    const { kind, resource } = order;
    const group = resource >>> 16;
    const unit = resource & 0xffff;
    // A refusal is noticed at once: the assay of the resource comes before the progress `blocked`.
    if (needsResource(kind) && this.world.capacityKgPerDay(group) <= 0)
      this.#queue.push(timeMs + 1, node, eventKind.assay, group << 16);
    else if (needsResource(kind) && !this.world.unitUsable(group, unit))
      this.#queue.push(timeMs + 1, node, eventKind.assay, resource);
    this.world.startWork(timeMs, node, slot, order);
    this.followWorld();
  }

  stopWork(timeMs: number, node: number, slot: number): void {
    this.world.stopWork(timeMs, node, slot);
    this.followWorld();
  }

  requestAssay(timeMs: number, node: number, resource: number): void {
    this.#queue.push(timeMs + assayMs, node, eventKind.assay, resource);
  }

  booted(timeMs: number, node: number): void {
    const disruption = this.affectedBy[node];
    this.world.setNodeUp(timeMs, node, true, false, disruption);
    this.followWorld();
    if (disruption !== null) this.onRecovered(timeMs, node);
  }

  brief(timeMs: number, node: number): void {
    const nowS = timeMs / 1000;
    for (const outlook of this.outlooks) {
      if (outlook.untilS > nowS && outlook.nodes.has(node)) this.reportOutlook(timeMs, node, outlook);
    }
    const assigned = this.#maintenance[node];
    if (assigned.endS > nowS) this.#reportMaintenance(timeMs, node);
    const contactMs = this.#contactStartMs[node];
    if (contactMs < Number.POSITIVE_INFINITY && contactMs + this.#plan.contactMs > timeMs)
      this.#reportContact(timeMs, node);
  }

  down(timeMs: number, node: number, permanent: boolean): void {
    this.world.stopAllWork(timeMs, node);
    this.world.setNodeUp(timeMs, node, false, permanent, this.affectedBy[node]);
    this.followWorld();
  }

  taskRecovered(timeMs: number, node: number): void {
    if (this.affectedBy[node] !== null) this.onRecovered(timeMs, node);
  }

  // ---- what the world reports ----

  change(timeMs: number, change: WorldChange): void {
    this.#tracer.world(timeMs, change);
    if (change.kind === 'group-capacity') this.#assayLater(change.group, 0);
    else if (change.kind === 'unit') {
      this.#assayLater(change.group, change.unit);
      const resource = (change.group << 16) | change.unit;
      if (change.usable) this.#missing.delete(resource);
      else this.#missing.add(resource);
    }
  }

  progress(timeMs: number, node: number, slot: number, status: number, movedKg: number): void {
    if (slot === maintenanceSlot && status === WORK_STATUS.done) this.#maintenance[node].endS = 0;
    if (status !== WORK_STATUS.running) this.#tracer.world(timeMs, { kind: 'work-ended', node, slot });
    this.#queue.push(timeMs + 1, node, eventKind.progress, slot * 8 + status, movedKg);
  }

  #assayLater(group: number, unit: number): void {
    for (const node of this.world.nodesAt(group, unit)) this.#assays[node].add((group << 16) | unit);
  }

  #reportAssays(timeMs: number, node: number): void {
    const assays = this.#assays[node];
    // Clearing a set makes a new table, also when it was empty.
    if (assays.size === 0) return;
    for (const resource of [...assays].sort((a, b) => a - b))
      this.#reportAssay(timeMs, node, resource >>> 16, resource & 0xffff);
    assays.clear();
  }

  /** Reports to a node what its platform sees of a resource. */
  assay(timeMs: number, node: number, resource: number): void {
    this.#reportAssay(timeMs, node, resource >>> 16, resource & 0xffff);
  }

  #reportAssay(timeMs: number, node: number, group: number, unit: number): void {
    const capacity = unit === 0 ? this.world.capacityKgPerDay(group) : this.world.unitUsable(group, unit) ? 1 : 0;
    this.boards.observe(timeMs, node, [TYPE.assay, group, unit, Math.floor(capacity)]);
  }

  // ---- what recurs ----

  health(timeMs: number, node: number): void {
    if (this.boards.state[node] === boardState.dead) return;
    this.#queue.push(timeMs + this.#telemetryMs, node, eventKind.health);
    if (!this.boards.isRunning(node)) return;
    this.#reportAssays(timeMs, node);
    const batteryWh = Math.floor(this.world.batteryWh(timeMs, node));
    const storedKg = Math.floor(this.world.storedKg(timeMs, node));
    this.boards.observe(timeMs, node, [
      TYPE.health,
      this.boards.tasks.alive[node],
      batteryWh,
      storedKg,
      this.#plan.nodes[node].solarW,
    ]);
  }

  reportOutlook(timeMs: number, node: number, outlook: Outlook): void {
    this.boards.observe(timeMs, node, [TYPE.outlook, outlook.fromS, outlook.untilS, outlook.kind]);
  }

  maintenance(timeMs: number, node: number): void {
    this.#queue.push(timeMs + this.#plan.maintenanceEveryMs, node, eventKind.maintenance);
    const startS = Math.floor(timeMs / 1000);
    this.#maintenance[node] = { startS, endS: startS + msPerDay / 1000 };
    this.#reportMaintenance(timeMs, node);
  }

  #reportMaintenance(timeMs: number, node: number): void {
    const { startS, endS } = this.#maintenance[node];
    const durationS = Math.floor(this.#plan.maintenanceMs / 1000);
    this.boards.observe(timeMs, node, [
      TYPE.assign,
      maintenanceSlot,
      WORK_KIND.maintain,
      0,
      startS,
      endS,
      durationS,
      0,
      0,
    ]);
  }

  /**
   * Runs the three steps of a contact window: it is announced, the radio turns away, the radio is
   * back.
   */
  contact(timeMs: number, node: number, step: number, startMs: number): void {
    if (this.boards.state[node] === boardState.dead) return;
    const { contactMs, contactEveryMs, contactWh } = this.#plan;
    if (step === 0) {
      this.#contactStartMs[node] = startMs;
      this.#queue.push(startMs, node, eventKind.contact, 1, startMs);
      this.#reportContact(timeMs, node);
      return;
    }
    const begins = step === 1;
    this.silence(timeMs, node, begins, null);
    this.world.setExtraDraw(timeMs, node, begins ? (contactWh * 3_600_000) / contactMs : 0);
    this.followWorld();
    if (begins) {
      this.onContact(timeMs, node);
      this.#queue.push(startMs + contactMs, node, eventKind.contact, 2, startMs);
      return;
    }
    for (const resource of this.#missing) this.#assays[node].add(resource);
    const nextMs = startMs + contactEveryMs;
    this.#queue.push(Math.max(timeMs, nextMs - contactNoticeMs), node, eventKind.contact, 0, nextMs);
  }

  #reportContact(timeMs: number, node: number): void {
    const startMs = this.#contactStartMs[node];
    const { contactMs, contactWh } = this.#plan;
    this.boards.observe(timeMs, node, [
      TYPE.window,
      Math.floor(startMs / 1000),
      Math.ceil((startMs + contactMs) / 1000),
      contactWh,
    ]);
  }

  /**
   * Adds or removes one reason for silence of a node's radio, and reports a change of the radio.
   */
  silence(timeMs: number, node: number, begins: boolean, disruption: string | null): void {
    const before = this.#channel.isSilent(node);
    const after = this.#channel.setSilent(node, begins);
    if (before !== after) this.#tracer.world(timeMs, { kind: after ? 'radio-down' : 'radio-up', node, disruption });
  }
}

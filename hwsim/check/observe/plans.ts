import { FIELD, INTENT_STATE, OWN_SLOTS, TYPE } from '../../../host/cbor/generated.ts';
import { LEASE_S, SETTLE_S } from '../bounds.ts';
import { groupOf } from '../record.ts';

/** The newest published version of one intent slot, and what its owner has reported of it since. */
export interface Plan {
  key: number;
  owner: number;
  version: number;
  kind: number;
  resource: number;
  startS: number;
  endS: number;
  /**
   * Latest end that any version still standing ever had: a member that missed newer versions relies
   * on it until then.
   */
  boundS: number;
  rate: number;
  state: number;
  leaseS: number;
  publishedMs: number;
  /** The owner reported that a majority agreed. */
  settled: boolean;
  settledMs: number;
  /** End up to which the plan has settled: an extension counts only once it has settled too. */
  settledEndS: number;
  /** Key to which the owner reported that it lost this version; −1 = not lost. */
  lostTo: number;
}

/** Work that runs: start-work was seen, stop-work not yet. */
export interface Execution {
  key: number;
  node: number;
  kind: number;
  resource: number;
  rate: number;
  untilS: number;
}

/** Follows every owner's standing plans and running work, by key = owner × 8 + intent slot. */
export class Plans {
  readonly plan: (Plan | undefined)[];
  readonly running: (Execution | undefined)[];
  /** By group: keys whose plan is on the group, in order of arrival. */
  private readonly keysOf = new Map<number, number[]>();
  /** Grows with every published, settled or lost intent. */
  changes = 0;
  /** By key: newest version that was done or withdrawn; 0 = none. */
  private readonly tombstoneVersion: Uint32Array;
  /** By key: the newest version that had ended, and was not young, when another took its place. */
  private readonly endedVersion: Uint32Array;
  /** Since when each node's processor stands still; Infinity = it runs. */
  private readonly stoppedMs: Float64Array;
  /** When each node last booted; it must settle again what it settled before. */
  readonly bootMs: Float64Array;

  constructor(nodes: number) {
    this.plan = new Array<Plan | undefined>(nodes * OWN_SLOTS).fill(undefined);
    this.running = new Array<Execution | undefined>(nodes * OWN_SLOTS).fill(undefined);
    this.tombstoneVersion = new Uint32Array(nodes * OWN_SLOTS);
    this.endedVersion = new Uint32Array(nodes * OWN_SLOTS);
    this.stoppedMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.bootMs = new Float64Array(nodes).fill(-1);
  }

  /** Returns the keys with a plan on the group, whatever its state. */
  onGroup(group: number): readonly number[] {
    return this.keysOf.get(group) ?? [];
  }

  published(timeMs: number, node: number, fields: Uint32Array): void {
    const key = node * OWN_SLOTS + fields[FIELD.published.slot];
    const before = this.plan[key];
    const resource = fields[FIELD.published.resource];
    const state = fields[FIELD.published.state];
    const sameWork =
      before !== undefined && before.resource === resource && before.startS === fields[FIELD.published.startS];
    const keepsSettlement =
      sameWork && before.settled && before.lostTo < 0 && state >= INTENT_STATE.claimed && state <= INTENT_STATE.started;
    if (before === undefined || groupOf(before.resource) !== groupOf(resource)) {
      if (before !== undefined) this.leaveGroup(key, groupOf(before.resource));
      this.joinGroup(key, groupOf(resource));
    }
    const isOld = before !== undefined && timeMs - before.publishedMs >= SETTLE_S * 1000;
    if (isOld && this.isForgettable(key, before.version, timeMs)) this.endedVersion[key] = before.version;
    this.plan[key] = {
      key,
      owner: node,
      version: fields[FIELD.published.version],
      kind: fields[FIELD.published.kind],
      resource,
      startS: fields[FIELD.published.startS],
      endS: fields[FIELD.published.endS],
      boundS: Math.max(
        fields[FIELD.published.endS],
        before !== undefined && before.boundS * 1000 > timeMs ? before.boundS : 0,
      ),
      rate: fields[FIELD.published.rate],
      state,
      leaseS: fields[FIELD.published.leaseS],
      publishedMs: timeMs,
      settled: keepsSettlement || state === INTENT_STATE.started,
      settledMs: keepsSettlement ? before.settledMs : timeMs,
      settledEndS: keepsSettlement
        ? Math.min(before.settledEndS, fields[FIELD.published.endS])
        : fields[FIELD.published.endS],
      lostTo: -1,
    };
    if (state >= INTENT_STATE.done) this.tombstoneVersion[key] = fields[FIELD.published.version];
    this.changes++;
  }

  settled(timeMs: number, node: number, fields: Uint32Array): void {
    const plan = this.plan[node * OWN_SLOTS + fields[FIELD.settled.slot]];
    if (plan === undefined || plan.version !== fields[FIELD.settled.version]) return;
    plan.state = INTENT_STATE.started;
    plan.settled = true;
    plan.settledMs = timeMs;
    plan.settledEndS = fields[FIELD.settled.endS];
    plan.lostTo = -1;
    this.changes++;
  }

  lost(node: number, fields: Uint32Array): void {
    const plan = this.plan[node * OWN_SLOTS + fields[FIELD.lost.slot]];
    if (plan === undefined || plan.version !== fields[FIELD.lost.version]) return;
    plan.lostTo = fields[FIELD.lost.toOwner] * OWN_SLOTS + fields[FIELD.lost.toSlot];
    plan.settled = false;
    this.changes++;
  }

  /** Follows running work. Returns the resource on which work begins; null: none begins. */
  command(node: number, fields: Uint32Array): number | null {
    const key = node * OWN_SLOTS + fields[FIELD.startWork.slot];
    if (fields[0] === TYPE.startWork) {
      const resource = fields[FIELD.startWork.resource];
      const begins = this.running[key]?.resource !== resource;
      this.running[key] = {
        key,
        node,
        kind: fields[FIELD.startWork.kind],
        resource,
        rate: fields[FIELD.startWork.rate],
        untilS: fields[FIELD.startWork.untilS],
      };
      return begins ? resource : null;
    }
    if (fields[0] === TYPE.stopWork) this.running[key] = undefined;
    return null;
  }

  /** Ends work that the world ended; its owner need not stop it. */
  ended(node: number, slot: number): void {
    this.running[node * OWN_SLOTS + slot] = undefined;
  }

  /** Returns whether the node runs work of a kind. */
  runs(node: number, kind: number): boolean {
    for (let key = node * OWN_SLOTS; key < (node + 1) * OWN_SLOTS; key++)
      if (this.running[key]?.kind === kind) return true;
    return false;
  }

  runningOf(node: number): Execution[] {
    return this.running.slice(node * OWN_SLOTS, (node + 1) * OWN_SLOTS).filter((work) => work !== undefined);
  }

  /**
   * Applies INT-5 to a restart after a stop longer than all of the node's leases: others may take
   * what the node had, so its earlier plans bind nobody until it publishes them anew.
   */
  restarted(timeMs: number, node: number): void {
    this.bootMs[node] = timeMs;
    const stoppedMs = this.stoppedMs[node];
    this.stoppedMs[node] = Number.POSITIVE_INFINITY;
    if (!(timeMs - stoppedMs > LEASE_S * 1000)) return;
    for (let slot = 0; slot < OWN_SLOTS; slot++) {
      const plan = this.plan[node * OWN_SLOTS + slot];
      if (plan === undefined || plan.leaseS * 1000 > timeMs) continue;
      plan.state = INTENT_STATE.withdrawn;
      plan.settled = false;
      this.changes++;
    }
  }

  /** Stops the node's work, because its processor stopped. */
  halt(timeMs: number, node: number): void {
    this.stoppedMs[node] = Math.min(this.stoppedMs[node], timeMs);
    for (let slot = 0; slot < OWN_SLOTS; slot++) this.running[node * OWN_SLOTS + slot] = undefined;
  }

  /**
   * Returns whether no member, whichever version it stores, can still rely on this intent slot's
   * work.
   */
  isOver(key: number, timeMs: number): boolean {
    const plan = this.plan[key];
    return plan === undefined || plan.boundS * 1000 <= timeMs;
  }

  /**
   * Returns whether storing nothing agrees with storing this version: it is done or withdrawn, its
   * end is past, or was when a younger version took its place.
   */
  isForgettable(key: number, version: number, timeMs: number): boolean {
    if (version === this.tombstoneVersion[key] || version === this.endedVersion[key]) return true;
    const plan = this.plan[key];
    return plan !== undefined && plan.version === version && plan.endS * 1000 <= timeMs;
  }

  /** Returns the plan if it is planned, claimed or started, not lost, and not past its end. */
  standing(key: number, timeMs: number): Plan | undefined {
    const plan = this.plan[key];
    if (plan === undefined || plan.lostTo >= 0 || plan.state >= INTENT_STATE.done || plan.state === INTENT_STATE.none)
      return undefined;
    return plan.endS * 1000 <= timeMs ? undefined : plan;
  }

  private joinGroup(key: number, group: number): void {
    const keys = this.keysOf.get(group);
    if (keys === undefined) this.keysOf.set(group, [key]);
    else keys.push(key);
  }

  private leaveGroup(key: number, group: number): void {
    const keys = this.keysOf.get(group);
    const at = keys === undefined ? -1 : keys.indexOf(key);
    if (keys === undefined || at < 0) return;
    keys[at] = keys[keys.length - 1];
    keys.pop();
  }
}

import { COMMAND, groupOf, INTENT_STATE, LOST, PUBLISHED, SETTLED, START } from './record.ts';
import { LEASE_S, OWN_SLOTS } from './rules.ts';

/** The newest published version of one slot, and what its owner has said of it since. */
export interface Plan {
  key: number;
  owner: number;
  version: number;
  kind: number;
  resource: number;
  startS: number;
  endS: number;
  /** Latest end that any version of this slot still standing ever had: who missed the newer ones believes in it until then. */
  boundS: number;
  rate: number;
  state: number;
  leaseS: number;
  publishedMs: number;
  /** The owner said that a majority agreed. */
  settled: boolean;
  settledMs: number;
  /** Until when what settled reaches: an extension counts only once it has settled too. */
  settledEndS: number;
  /** The owner said that it lost this version, to whose key; −1 = not lost. */
  lostTo: number;
}

/** Work that runs: start-work seen, stop-work not yet. */
export interface Execution {
  key: number;
  node: number;
  resource: number;
  rate: number;
  untilS: number;
  startedMs: number;
}

/** Every owner's standing plans and running work, by key = owner × 8 + slot. */
export class Plans {
  readonly plan: (Plan | undefined)[];
  readonly running: (Execution | undefined)[];
  /** Keys whose plan is on the group, in order of arrival. */
  private readonly keysOf = new Map<number, number[]>();
  /** Grows with every published, settled or lost intent. */
  changes = 0;
  /** Newest version of each key that said done or withdrawn; 0 = none. */
  private readonly tombstoneVersion: Uint32Array;
  /** Since when each node's processor stands still; Infinity = it runs. */
  private readonly stoppedMs: Float64Array;
  /** When each node last booted; what it settled before, it must settle again. */
  readonly bootMs: Float64Array;

  constructor(nodes: number) {
    this.plan = new Array<Plan | undefined>(nodes * OWN_SLOTS).fill(undefined);
    this.running = new Array<Execution | undefined>(nodes * OWN_SLOTS).fill(undefined);
    this.tombstoneVersion = new Uint32Array(nodes * OWN_SLOTS);
    this.stoppedMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.bootMs = new Float64Array(nodes).fill(-1);
  }

  /** Keys with a plan on the group, whatever its state. */
  onGroup(group: number): readonly number[] {
    return this.keysOf.get(group) ?? [];
  }

  published(timeMs: number, node: number, f: Uint32Array): void {
    const key = node * OWN_SLOTS + f[PUBLISHED.SLOT];
    const before = this.plan[key];
    const resource = f[PUBLISHED.RESOURCE];
    const state = f[PUBLISHED.STATE];
    const sameWork = before !== undefined && before.resource === resource && before.startS === f[PUBLISHED.START_S];
    const keepsSettlement =
      sameWork && before.settled && before.lostTo < 0 && state >= INTENT_STATE.CLAIMED && state <= INTENT_STATE.STARTED;
    if (before === undefined || groupOf(before.resource) !== groupOf(resource)) {
      if (before !== undefined) this.leaveGroup(key, groupOf(before.resource));
      this.joinGroup(key, groupOf(resource));
    }
    this.plan[key] = {
      key,
      owner: node,
      version: f[PUBLISHED.VERSION],
      kind: f[PUBLISHED.KIND],
      resource,
      startS: f[PUBLISHED.START_S],
      endS: f[PUBLISHED.END_S],
      boundS: Math.max(f[PUBLISHED.END_S], before !== undefined && before.boundS * 1000 > timeMs ? before.boundS : 0),
      rate: f[PUBLISHED.RATE],
      state,
      leaseS: f[PUBLISHED.LEASE_S],
      publishedMs: timeMs,
      settled: keepsSettlement || state === INTENT_STATE.STARTED,
      settledMs: keepsSettlement ? before.settledMs : timeMs,
      settledEndS: keepsSettlement ? Math.min(before.settledEndS, f[PUBLISHED.END_S]) : f[PUBLISHED.END_S],
      lostTo: -1,
    };
    if (state >= INTENT_STATE.DONE) this.tombstoneVersion[key] = f[PUBLISHED.VERSION];
    this.changes++;
  }

  settled(timeMs: number, node: number, f: Uint32Array): void {
    const plan = this.plan[node * OWN_SLOTS + f[SETTLED.SLOT]];
    if (plan === undefined || plan.version !== f[SETTLED.VERSION]) return;
    plan.state = INTENT_STATE.STARTED;
    plan.settled = true;
    plan.settledMs = timeMs;
    plan.settledEndS = f[SETTLED.END_S];
    plan.lostTo = -1;
    this.changes++;
  }

  lost(node: number, f: Uint32Array): void {
    const plan = this.plan[node * OWN_SLOTS + f[LOST.SLOT]];
    if (plan === undefined || plan.version !== f[LOST.VERSION]) return;
    plan.lostTo = f[LOST.TO_OWNER] * OWN_SLOTS + f[LOST.TO_SLOT];
    plan.settled = false;
    this.changes++;
  }

  command(timeMs: number, node: number, f: Uint32Array): void {
    const key = node * OWN_SLOTS + f[START.SLOT];
    if (f[0] === COMMAND.START_WORK) {
      this.running[key] = {
        key,
        node,
        resource: f[START.RESOURCE],
        rate: f[START.RATE],
        untilS: f[START.UNTIL_S],
        startedMs: timeMs,
      };
    } else if (f[0] === COMMAND.STOP_WORK) this.running[key] = undefined;
  }

  /** The world ended the work; its owner need not stop it. */
  ended(node: number, slot: number): void {
    this.running[node * OWN_SLOTS + slot] = undefined;
  }

  runningOf(node: number): Execution[] {
    return this.running.slice(node * OWN_SLOTS, (node + 1) * OWN_SLOTS).filter((work) => work !== undefined);
  }

  /**
   * A restart after a stop of longer than any of its leases: INT-5 lets others take what it held, so what it published before binds
   * nobody until it says so anew.
   */
  restarted(timeMs: number, node: number): void {
    this.bootMs[node] = timeMs;
    const stoppedMs = this.stoppedMs[node];
    this.stoppedMs[node] = Number.POSITIVE_INFINITY;
    if (!(timeMs - stoppedMs > LEASE_S * 1000)) return;
    for (let slot = 0; slot < OWN_SLOTS; slot++) {
      const plan = this.plan[node * OWN_SLOTS + slot];
      if (plan === undefined || plan.leaseS * 1000 > timeMs) continue;
      plan.state = INTENT_STATE.WITHDRAWN;
      plan.settled = false;
      this.changes++;
    }
  }

  /** The node's processor stopped: its machines stop with it. */
  halt(timeMs: number, node: number): void {
    this.stoppedMs[node] = Math.min(this.stoppedMs[node], timeMs);
    for (let slot = 0; slot < OWN_SLOTS; slot++) this.running[node * OWN_SLOTS + slot] = undefined;
  }

  /** Can nobody, whichever version he holds, believe in this slot's work any longer? */
  over(key: number, timeMs: number): boolean {
    const plan = this.plan[key];
    return plan === undefined || plan.boundS * 1000 <= timeMs;
  }

  /** May a member that forgot this version be in agreement with those who hold it: it says done or withdrawn, or its end is past. */
  forgettable(key: number, version: number, timeMs: number): boolean {
    if (version === this.tombstoneVersion[key]) return true;
    const plan = this.plan[key];
    return plan !== undefined && plan.version === version && plan.endS * 1000 <= timeMs;
  }

  /** Planned, claimed or started, not lost, not past its end. */
  standing(key: number, timeMs: number): Plan | undefined {
    const plan = this.plan[key];
    if (plan === undefined || plan.lostTo >= 0 || plan.state >= INTENT_STATE.DONE || plan.state === INTENT_STATE.NONE)
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

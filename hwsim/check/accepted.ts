import { conflictsAmong } from './conflicts.ts';
import type { Observers } from './observers.ts';
import type { Plan } from './plans.ts';
import { EVENT, groupOf, KIND_MAINTAIN, LOST, PUBLISHED, UPSET, UPSET_OUTCOME } from './record.ts';
import { HOLD_S, OWN_SLOTS, SETTLE_S } from './rules.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/** Judges that look at the whole table of plans do so every ten minutes. */
const LOOK_EVERY_MS = 600_000;
const ownerOf = (key: number): number => Math.floor(key / OWN_SLOTS);

/**
 * No accepted intent is lost: one that its owner published and settled and neither withdrew nor lost is held, for as long as it
 * runs, by some other member that the owner reaches; and by the others at large while a lease extended in advance covers an owner out
 * of reach. Half an hour without a holder is a loss.
 */
export class NothingLost implements Judge {
  readonly id = 'INT-1-nothing-lost';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly missingSinceMs: Float64Array;

  constructor(seen: Observers) {
    this.seen = seen;
    this.missingSinceMs = new Float64Array(seen.facts.nodes * OWN_SLOTS).fill(-1);
  }

  minute(timeMs: number): void {
    if (timeMs % LOOK_EVERY_MS !== 0) return;
    for (let key = 0; key < this.missingSinceMs.length; key++) {
      if (this.kept(key, timeMs)) this.missingSinceMs[key] = -1;
      else if (this.missingSinceMs[key] < 0) this.missingSinceMs[key] = timeMs;
      else if (timeMs - this.missingSinceMs[key] === HOLD_S * 1000) this.tell(key, timeMs);
    }
  }

  private tell(key: number, timeMs: number): void {
    const version = this.seen.plans.plan[key]?.version;
    this.findings.add(
      () =>
        `at ${seconds(timeMs)} nobody holds node ${ownerOf(key)} slot ${key % OWN_SLOTS} version ${version} any more`,
    );
  }

  private kept(key: number, timeMs: number): boolean {
    const { plans, ground, holdings } = this.seen;
    const plan = plans.standing(key, timeMs);
    if (plan === undefined || !plan.settled || plan.publishedMs + SETTLE_S * 1000 > timeMs) return true;
    const component = ground.component[plan.owner];
    if (component < 0) return true;
    for (let node = 0; node < ground.nodes; node++) {
      if (node !== plan.owner && ground.component[node] === component) return holdings.heldByOthers(key, component);
    }
    return plan.leaseS * 1000 <= timeMs || ground.majority() === component || holdings.heldByOthers(key, -1);
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

/**
 * INT-4: a single writer's versions only grow, holders never fall back unless they restarted or let go of a record that an upset had spoilt, and nobody holds what was never
 * published.
 */
export class Versions implements Judge {
  readonly id = 'INT-4-versions';
  readonly types = [EVENT.PUBLISHED, EVENT.HELD, EVENT.BOOTED, EVENT.UPSET];
  private readonly findings = new Findings();
  private readonly nodes: number;
  private readonly newest: Uint32Array;
  private readonly bootedMs: Float64Array;
  /** When a node last lost what it held: it restarted, or let go of a record. */
  private readonly lostMs: Float64Array;
  /** When a node last reported on a key: [key × nodes + node]. */
  private readonly reportedMs: Float64Array;
  private nowMs = 0;

  /** A member that lies, or −1: what is held in its name is no matter, and what it makes up in others' names is another judge's (SEC-5). */
  private readonly byzantine: number;

  constructor(seen: Observers, byzantine = -1) {
    this.byzantine = byzantine;
    this.newest = new Uint32Array(seen.facts.nodes * OWN_SLOTS);
    this.nodes = seen.facts.nodes;
    this.bootedMs = new Float64Array(this.nodes).fill(-1e12);
    this.lostMs = new Float64Array(this.nodes).fill(-1e12);
    this.reportedMs = new Float64Array(this.newest.length * this.nodes);
    seen.holdings.regressed = (node, key, from, to) => this.regressed(node, key, from, to);
  }

  event(timeMs: number, node: number, f: Uint32Array): void {
    this.nowMs = timeMs;
    if (f[0] === EVENT.HELD) return this.held(timeMs, node, f);
    if (f[0] === EVENT.UPSET) {
      if (f[UPSET.OUTCOME] === UPSET_OUTCOME.DROPPED) this.lostMs[node] = timeMs;
      return;
    }
    if (f[0] === EVENT.BOOTED) {
      this.bootedMs[node] = timeMs;
      this.lostMs[node] = timeMs;
      return;
    }
    const key = node * OWN_SLOTS + f[PUBLISHED.SLOT];
    const version = f[PUBLISHED.VERSION];
    const before = this.newest[key];
    if (version <= before) {
      this.findings.add(
        () =>
          `at ${seconds(timeMs)} node ${node} publishes version ${version} of slot ${f[PUBLISHED.SLOT]} after ${before}`,
      );
    } else this.newest[key] = version;
  }

  private held(timeMs: number, node: number, f: Uint32Array): void {
    const [, owner, slot, version, state] = f;
    const key = owner * OWN_SLOTS + slot;
    if (key < this.newest.length) this.reportedMs[key * this.nodes + node] = timeMs;
    // An owner reports its own record a moment before it reports having published it.
    if (state === 0 || owner === node || version <= this.newest[owner * OWN_SLOTS + slot] || this.byzantine >= 0)
      return;
    this.findings.add(
      () =>
        `at ${seconds(timeMs)} node ${node} holds version ${version} of node ${owner} slot ${slot}, never published`,
    );
  }

  /** A checkpoint may be hours old: what a node first reports after it lost what it held is no fall back, nor what it reports within an hour of a restart. */
  private regressed(node: number, key: number, from: number, to: number): void {
    if (this.nowMs - this.bootedMs[node] < 3_600_000) return;
    if (this.byzantine >= 0 && (ownerOf(key) === this.byzantine || from > this.newest[key])) return;
    if (this.reportedMs[key * this.nodes + node] <= this.lostMs[node]) return;
    this.findings.add(
      () =>
        `after ${seconds(this.nowMs)} node ${node} falls back from version ${from} to ${to} of node ${ownerOf(key)}`,
    );
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

/**
 * INT-3: arbitration is the same everywhere. Two members that reach each other never both hold settled claims on one unit for one
 * time for longer than news takes, and no two versions have each lost to the other.
 */
export class Arbitration implements Judge {
  readonly id = 'INT-3-arbitration';
  readonly types = [EVENT.LOST];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly losses = new Set<string>();
  private readonly told = new Set<string>();

  constructor(seen: Observers) {
    this.seen = seen;
  }

  event(timeMs: number, node: number, f: Uint32Array): void {
    const loser = node * OWN_SLOTS + f[LOST.SLOT];
    const winner = f[LOST.TO_OWNER] * OWN_SLOTS + f[LOST.TO_SLOT];
    if (loser === winner) return;
    const winning = this.seen.plans.plan[winner]?.version ?? 0;
    this.losses.add(`${loser}.${f[LOST.VERSION]}<${winner}.${winning}`);
    if (!this.losses.has(`${winner}.${winning}<${loser}.${f[LOST.VERSION]}`)) return;
    this.findings.add(
      () =>
        `at ${seconds(timeMs)} node ${node} slot ${f[LOST.SLOT]} and node ${f[LOST.TO_OWNER]} slot ${f[LOST.TO_SLOT]} have each lost to the other`,
    );
  }

  minute(timeMs: number): void {
    if (timeMs % LOOK_EVERY_MS !== 0) return;
    for (const { group } of this.seen.facts.groups) {
      for (const plans of this.settledByComponent(group, timeMs)) {
        for (const conflict of conflictsAmong(plans, group, Number.POSITIVE_INFINITY, Math.floor(timeMs / 1000))) {
          const pair = `${conflict.keys.join('+')}@${conflict.unit}`;
          if (this.told.has(pair)) continue;
          this.told.add(pair);
          const owners = conflict.keys.map(ownerOf).join(' and ');
          this.findings.add(
            () =>
              `at ${seconds(timeMs)} nodes ${owners} both hold a settled claim on group ${group} unit ${conflict.unit}`,
          );
        }
      }
    }
  }

  /** Settled plans by component, of owners that have reached each other for long enough to know of each other. */
  private settledByComponent(group: number, timeMs: number): Plan[][] {
    const { ground, plans } = this.seen;
    const byComponent = new Map<number, Plan[]>();
    for (const key of plans.onGroup(group)) {
      const plan = plans.standing(key, timeMs);
      if (plan === undefined || !plan.settled || plan.kind === KIND_MAINTAIN || groupOf(plan.resource) !== group)
        continue;
      // A restarted node runs nothing before it has settled again.
      if (plan.settledMs <= plans.bootMs[plan.owner]) continue;
      if (plan.settledMs + HOLD_S * 1000 > timeMs || plan.settledEndS * 1000 <= timeMs) continue;
      const component = ground.component[plan.owner];
      if (component < 0) continue;
      const since = plan.owner === component ? 0 : ground.connectedSinceMs(plan.owner, component);
      if (since + HOLD_S * 1000 > timeMs) continue;
      const list = byComponent.get(component);
      const reach = { ...plan, endS: plan.settledEndS };
      if (list === undefined) byComponent.set(component, [reach]);
      else list.push(reach);
    }
    return [...byComponent.values()];
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

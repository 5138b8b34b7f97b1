import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import { EVENT, HELD, PUBLISHED } from './record.ts';
import { FORGERY_S, OWN_SLOTS } from './rules.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/**
 * What judges hear of a run in which one member lies: of the byzantine nothing, as if it had been down from the start. What it says of itself proves
 * nothing, what it works on counts for nobody, and what it does to the others is seen in them.
 */
export class HonestOnly implements TraceConsumer {
  private readonly inner: TraceConsumer;
  private readonly byzantine: number;
  private begun = false;

  constructor(inner: TraceConsumer, byzantine: number) {
    this.inner = inner;
    this.byzantine = byzantine;
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.begin();
    if (node !== this.byzantine) this.inner.event?.(timeMs, node, fields, length);
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.begin();
    if (node !== this.byzantine) this.inner.command?.(timeMs, node, fields, length);
  }

  world(timeMs: number, change: WorldChange): void {
    this.begin();
    if ('node' in change && change.node === this.byzantine) return;
    if (change.kind === 'double-execution' && change.nodes.filter((node) => node !== this.byzantine).length < 2) return;
    this.inner.world?.(timeMs, change);
  }

  end(timeMs: number): void {
    this.inner.end?.(timeMs);
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.inner.world?.(0, { kind: 'node-down', node: this.byzantine, permanent: true, disruption: null });
  }
}

/** key-epoch-changed: frames are sealed with its key from now on. */
const STEP_USED = 2;

/** What a byzantine's words led to, as the trace of the honest tells it. */
export interface InsiderOutcome {
  /** Times that an honest member came to hold a version that its owner never published, and the longest that one did so, seconds. */
  forgeriesHeld: number;
  forgeryLongestS: number;
  /** Honest members that say the byzantine's double-dealing is proven, and the first time, mission seconds. */
  provenTo: number;
  provenFirstS: number | null;
  provenLastS: number | null;
  /** Honest members that say so of an honest one. */
  framed: number;
  /** Honest members that use keys of a later epoch than the first, and when the last began to, mission seconds. */
  rekeyed: number;
  rekeyedLastS: number | null;
}

/** SEC-5: what is made up in the name of an honest member is put right within FORGERY_S, and no honest member is ever held for a double-equivocator. */
export class Insiders implements Judge {
  readonly id = 'SEC-5-insider-contained';
  readonly types = [EVENT.PUBLISHED, EVENT.HELD, EVENT.BOOTED, EVENT.KEY_EPOCH_CHANGED, EVENT.EQUIVOCATED];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly byzantine: number;
  private readonly newest: Uint32Array;
  /** Since when a node holds a version that was never published: [key × nodes + node], −1 = it does not. */
  private readonly sinceMs: Float64Array;
  private readonly forgedKeys = new Set<number>();
  private readonly provenTo = new Map<number, number>();
  private readonly rekeyed = new Set<number>();
  private readonly told: InsiderOutcome = {
    forgeriesHeld: 0,
    forgeryLongestS: 0,
    provenTo: 0,
    provenFirstS: null,
    provenLastS: null,
    framed: 0,
    rekeyed: 0,
    rekeyedLastS: null,
  };

  constructor(seen: Observers, byzantine: number) {
    this.seen = seen;
    this.byzantine = byzantine;
    const { nodes } = seen.facts;
    this.newest = new Uint32Array(nodes * OWN_SLOTS);
    this.sinceMs = new Float64Array(nodes * OWN_SLOTS * nodes).fill(-1);
  }

  event(timeMs: number, node: number, f: Uint32Array): void {
    if (f[0] === EVENT.PUBLISHED) {
      const key = node * OWN_SLOTS + f[PUBLISHED.SLOT];
      this.newest[key] = Math.max(this.newest[key], f[PUBLISHED.VERSION]);
      return;
    }
    if (f[0] === EVENT.EQUIVOCATED) return this.equivocated(timeMs, node, f);
    if (f[0] === EVENT.KEY_EPOCH_CHANGED) return this.keyEpochChanged(timeMs, node, f);
    if (f[0] === EVENT.BOOTED) {
      for (const at of [...this.forgedKeys]) if (at % this.seen.facts.nodes === node) this.clear(timeMs, at);
      return;
    }
    this.held(timeMs, node, f);
  }

  private held(timeMs: number, node: number, f: Uint32Array): void {
    const owner = f[HELD.OWNER];
    if (owner === this.byzantine || owner === node) return;
    const key = owner * OWN_SLOTS + f[HELD.SLOT];
    const at = key * this.seen.facts.nodes + node;
    const forged = f[HELD.STATE] !== 0 && f[HELD.VERSION] > this.newest[key];
    if (!forged) return this.clear(timeMs, at);
    this.told.forgeriesHeld += 1;
    if (this.sinceMs[at] < 0) this.sinceMs[at] = timeMs;
    this.forgedKeys.add(at);
  }

  private clear(timeMs: number, at: number): void {
    if (this.sinceMs[at] < 0) return;
    this.told.forgeryLongestS = Math.max(this.told.forgeryLongestS, Math.floor((timeMs - this.sinceMs[at]) / 1000));
    this.sinceMs[at] = -1;
    this.forgedKeys.delete(at);
  }

  private equivocated(timeMs: number, node: number, f: Uint32Array): void {
    const [, owner, , , proven] = f;
    if (proven !== 1) return;
    const atS = Math.floor(timeMs / 1000);
    if (owner !== this.byzantine) {
      this.told.framed += 1;
      this.findings.add(
        () => `at ${seconds(timeMs)} node ${node} takes honest node ${owner} for a proven double-equivocator`,
      );
      return;
    }
    if (this.provenTo.has(node)) return;
    this.provenTo.set(node, atS);
    this.told.provenFirstS ??= atS;
    this.told.provenLastS = atS;
    this.told.provenTo = this.provenTo.size;
  }

  private keyEpochChanged(timeMs: number, node: number, [, epoch, step]: Uint32Array): void {
    if (epoch < 2 || step !== STEP_USED || this.rekeyed.has(node)) return;
    this.rekeyed.add(node);
    this.told.rekeyed = this.rekeyed.size;
    this.told.rekeyedLastS = Math.floor(timeMs / 1000);
  }

  minute(timeMs: number): void {
    for (const at of this.forgedKeys) {
      const key = Math.floor(at / this.seen.facts.nodes);
      const node = at % this.seen.facts.nodes;
      const sinceMs = this.sinceMs[at];
      const lastingMs = timeMs - sinceMs;
      if (lastingMs <= FORGERY_S * 1000 || lastingMs > FORGERY_S * 1000 + 60_000) continue;
      const { ground } = this.seen;
      const owner = Math.floor(key / OWN_SLOTS);
      // The owner cannot speak up for itself where it is not heard.
      if (!ground.connected(owner, node) || timeMs - ground.connectedSinceMs(owner, node) < FORGERY_S * 1000) continue;
      this.findings.add(
        () =>
          `at ${seconds(timeMs)} node ${node} has believed for ${FORGERY_S} s what was made up of node ${owner} slot ${key % OWN_SLOTS}`,
      );
    }
  }

  end(timeMs: number): void {
    for (const at of this.forgedKeys) {
      const lastedS = Math.floor((timeMs - this.sinceMs[at]) / 1000);
      this.told.forgeryLongestS = Math.max(this.told.forgeryLongestS, lastedS);
    }
  }

  get outcome(): InsiderOutcome {
    return this.told;
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

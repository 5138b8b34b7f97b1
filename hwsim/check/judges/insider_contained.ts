import { FIELD, KEY_EPOCH_STEP, OWN_SLOTS, TYPE } from '../../../host/cbor/generated.ts';
import { FORGERY_S } from '../bounds.ts';
import { ownerOf } from '../record.ts';
import { atNode, Findings, type Judge, type Verdict } from '../verdict.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * What the Byzantine node's messages led to, in the trace of the honest members. Field names are
 * those of `--json`.
 */
export interface InsiderOutcome {
  /**
   * How often an honest member stored a version that its owner never published, and for how long at
   * most, seconds.
   */
  forgeriesHeld: number;
  forgeryLongestS: number;
  /**
   * Honest members to which the equivocation of the Byzantine node is proven; first and last time,
   * mission seconds.
   */
  provenTo: number;
  provenFirstS: number | null;
  provenLastS: number | null;
  /** Honest members to which an honest member seems a proven equivocator. */
  framed: number;
  /**
   * Honest members that use keys of a later key epoch than the first, and when the last one began,
   * mission seconds.
   */
  rekeyed: number;
  rekeyedLastS: number | null;
}

/**
 * SEC-5: judges that a Byzantine node is contained. A version forged in the name of an honest
 * member is corrected within FORGERY_S, and no honest member is ever taken for a proven
 * equivocator. Source: docs/judges.md.
 */
export class InsiderContained implements Judge {
  readonly id = 'SEC-5-insider-contained';
  readonly types = [TYPE.published, TYPE.stored, TYPE.booted, TYPE.keyEpochChanged, TYPE.equivocated];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly byzantine: number;
  private readonly newest: Uint32Array;
  /**
   * By key × nodes + node: since when the node stores a version that was never published; −1 = it
   * does not.
   */
  private readonly sinceMs: Float64Array;
  private readonly forgedKeys = new Set<number>();
  private readonly provenTo = new Map<number, number>();
  private readonly rekeyed = new Set<number>();
  readonly outcome: InsiderOutcome = {
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

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] === TYPE.published) {
      const key = node * OWN_SLOTS + fields[FIELD.published.slot];
      this.newest[key] = Math.max(this.newest[key], fields[FIELD.published.version]);
      return;
    }
    if (fields[0] === TYPE.equivocated) return this.equivocated(timeMs, node, fields);
    if (fields[0] === TYPE.keyEpochChanged) return this.keyEpochChanged(timeMs, node, fields);
    if (fields[0] === TYPE.booted) {
      for (const at of [...this.forgedKeys]) if (at % this.seen.facts.nodes === node) this.clear(timeMs, at);
      return;
    }
    this.stored(timeMs, node, fields);
  }

  private stored(timeMs: number, node: number, fields: Uint32Array): void {
    const owner = fields[FIELD.stored.owner];
    if (owner === this.byzantine || owner === node) return;
    const key = owner * OWN_SLOTS + fields[FIELD.stored.slot];
    const at = key * this.seen.facts.nodes + node;
    const forged = fields[FIELD.stored.state] !== 0 && fields[FIELD.stored.version] > this.newest[key];
    if (!forged) return this.clear(timeMs, at);
    this.outcome.forgeriesHeld += 1;
    if (this.sinceMs[at] < 0) this.sinceMs[at] = timeMs;
    this.forgedKeys.add(at);
  }

  private clear(timeMs: number, at: number): void {
    if (this.sinceMs[at] < 0) return;
    this.outcome.forgeryLongestS = Math.max(
      this.outcome.forgeryLongestS,
      Math.floor((timeMs - this.sinceMs[at]) / 1000),
    );
    this.sinceMs[at] = -1;
    this.forgedKeys.delete(at);
  }

  private equivocated(timeMs: number, node: number, fields: Uint32Array): void {
    const [, owner, , , proven] = fields;
    if (proven !== 1) return;
    const atS = Math.floor(timeMs / 1000);
    if (owner !== this.byzantine) {
      this.outcome.framed += 1;
      this.findings.add(() => `${atNode(timeMs, node)} takes honest node ${owner} for a proven equivocator`);
      return;
    }
    if (this.provenTo.has(node)) return;
    this.provenTo.set(node, atS);
    this.outcome.provenFirstS ??= atS;
    this.outcome.provenLastS = atS;
    this.outcome.provenTo = this.provenTo.size;
  }

  private keyEpochChanged(timeMs: number, node: number, [, keyEpoch, step]: Uint32Array): void {
    if (keyEpoch < 2 || step !== KEY_EPOCH_STEP.inUse || this.rekeyed.has(node)) return;
    this.rekeyed.add(node);
    this.outcome.rekeyed = this.rekeyed.size;
    this.outcome.rekeyedLastS = Math.floor(timeMs / 1000);
  }

  minute(timeMs: number): void {
    for (const at of this.forgedKeys) {
      const key = Math.floor(at / this.seen.facts.nodes);
      const node = at % this.seen.facts.nodes;
      const sinceMs = this.sinceMs[at];
      const lastingMs = timeMs - sinceMs;
      if (lastingMs <= FORGERY_S * 1000 || lastingMs > FORGERY_S * 1000 + 60_000) continue;
      const { ground } = this.seen;
      const owner = ownerOf(key);
      // An owner cannot refute a forgery where it is not heard.
      if (!ground.connected(owner, node) || timeMs - ground.connectedSinceMs(owner, node) < FORGERY_S * 1000) continue;
      const forged = `node ${owner} slot ${key % OWN_SLOTS}`;
      this.findings.add(() => `${atNode(timeMs, node)} has stored for ${FORGERY_S} s what was forged of ${forged}`);
    }
  }

  end(timeMs: number): void {
    for (const at of this.forgedKeys) {
      const lastedS = Math.floor((timeMs - this.sinceMs[at]) / 1000);
      this.outcome.forgeryLongestS = Math.max(this.outcome.forgeryLongestS, lastedS);
    }
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

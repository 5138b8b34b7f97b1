import { FIELD, OWN_SLOTS, TYPE, UPSET_OUTCOME } from '../../../host/cbor/generated.ts';
import { RESTART_S } from '../bounds.ts';
import { ownerOf } from '../record.ts';
import { atNode, Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * INT-4: judges versions. A single writer's versions only grow. A member that stores a version
 * never returns to an older one, unless it restarted or evicted a record that an upset had damaged.
 * Nobody stores a version that its owner never published. Bound: zero violations; a restarted node
 * may report older versions for an hour (RESTART_S), because its checkpoint may be old.
 * Source: docs/judges.md.
 */
export class Versions implements Judge {
  readonly id = 'INT-4-versions';
  readonly types = [TYPE.published, TYPE.stored, TYPE.booted, TYPE.upset];
  private readonly findings = new Findings();
  private readonly nodes: number;
  private readonly newest: Uint32Array;
  private readonly bootedMs: Float64Array;
  /** By node: when it last lost what it stored, by a restart or by the eviction of a record. */
  private readonly lostMs: Float64Array;
  /** By key × nodes + node: when the node last reported on the key. */
  private readonly reportedMs: Float64Array;
  private nowMs = 0;
  /**
   * The Byzantine node, or −1: what others store in its name does not count; what it forges is
   * judged by SEC-5.
   */
  private readonly byzantine: number;

  constructor(seen: Observers, byzantine = -1) {
    this.byzantine = byzantine;
    this.newest = new Uint32Array(seen.facts.nodes * OWN_SLOTS);
    this.nodes = seen.facts.nodes;
    this.bootedMs = new Float64Array(this.nodes).fill(-1e12);
    this.lostMs = new Float64Array(this.nodes).fill(-1e12);
    this.reportedMs = new Float64Array(this.newest.length * this.nodes);
    seen.stored.onOlderVersion = (node, key, from, to) => this.olderVersion(node, key, from, to);
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.nowMs = timeMs;
    if (fields[0] === TYPE.stored) return this.stored(timeMs, node, fields);
    if (fields[0] === TYPE.upset) {
      if (fields[FIELD.upset.outcome] === UPSET_OUTCOME.evicted) this.lostMs[node] = timeMs;
      return;
    }
    if (fields[0] === TYPE.booted) {
      this.bootedMs[node] = timeMs;
      this.lostMs[node] = timeMs;
      return;
    }
    const key = node * OWN_SLOTS + fields[FIELD.published.slot];
    const version = fields[FIELD.published.version];
    const before = this.newest[key];
    if (version <= before) {
      this.findings.add(
        () => `${atNode(timeMs, node)} publishes version ${version} of slot ${key % OWN_SLOTS} after ${before}`,
      );
    } else this.newest[key] = version;
  }

  private stored(timeMs: number, node: number, fields: Uint32Array): void {
    const [, owner, slot, version, state] = fields;
    const key = owner * OWN_SLOTS + slot;
    if (key < this.newest.length) this.reportedMs[key * this.nodes + node] = timeMs;
    // An owner reports that it stores its own record a moment before it reports the publication.
    if (state === 0 || owner === node || version <= this.newest[owner * OWN_SLOTS + slot] || this.byzantine >= 0)
      return;
    this.findings.add(
      () => `${atNode(timeMs, node)} stores version ${version} of node ${owner} slot ${slot}, never published`,
    );
  }

  /**
   * Reports a return to an older version, except in the hour after a restart and in the first
   * report after a loss.
   */
  private olderVersion(node: number, key: number, from: number, to: number): void {
    if (this.nowMs - this.bootedMs[node] < RESTART_S * 1000) return;
    if (this.byzantine >= 0 && (ownerOf(key) === this.byzantine || from > this.newest[key])) return;
    if (this.reportedMs[key * this.nodes + node] <= this.lostMs[node]) return;
    this.findings.add(
      () => `after ${seconds(this.nowMs)} node ${node} returns from version ${from} to ${to} of node ${ownerOf(key)}`,
    );
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

import { HELD, INTENT_STATE, PUBLISHED } from './record.ts';
import { OWN_SLOTS, SETTLE_S } from './rules.ts';
import type { Ground } from './ground.ts';
import type { Plans } from './plans.ts';

/** A version that was published and is not yet old enough to be asked for. */
interface Young {
  timeMs: number;
  key: number;
  version: number;
}

/**
 * Who holds which version of which intent, kept event by event. A key is owner × 8 + slot. Agreement is asked for once a minute and
 * looks only at keys about which something changed or which were not agreed when last looked at.
 */
export class Holdings {
  readonly keys: number;
  /** [key × nodes + node]: version held, 0 = none. One key's holders lie side by side, because agreement walks along them. */
  readonly version: Uint32Array;
  readonly state: Uint8Array;
  /** Newest version that is at least SETTLE_S old, by key. */
  readonly due: Uint32Array;
  /** Told when a node that held a version reports an older one. */
  regressed: ((node: number, key: number, from: number, to: number) => void) | null = null;
  private readonly ground: Ground;
  private readonly plans: Plans;
  private readonly dirty: number[] = [];
  private readonly isDirty: Uint8Array;
  private readonly young: Young[] = [];
  private youngFirst = 0;
  private groundSeen = -1;
  /** 1 = came back from a planned contact window less than SETTLE_S ago: what it missed meanwhile is on its way. */
  private readonly catchingUp: Uint8Array;
  private readonly newest: Uint32Array;

  constructor(ground: Ground, plans: Plans) {
    this.ground = ground;
    this.plans = plans;
    this.keys = ground.nodes * OWN_SLOTS;
    this.version = new Uint32Array(ground.nodes * this.keys);
    this.state = new Uint8Array(ground.nodes * this.keys);
    this.due = new Uint32Array(this.keys);
    this.catchingUp = new Uint8Array(ground.nodes);
    this.isDirty = new Uint8Array(this.keys);
    this.newest = new Uint32Array(ground.nodes);
  }

  held(node: number, fields: Uint32Array): void {
    const key = fields[HELD.OWNER] * OWN_SLOTS + fields[HELD.SLOT];
    if (key >= this.keys) return;
    const at = key * this.ground.nodes + node;
    const dropped = fields[HELD.STATE] === INTENT_STATE.NONE;
    const version = dropped ? 0 : fields[HELD.VERSION];
    if (!dropped && version < this.version[at] && this.regressed !== null)
      this.regressed(node, key, this.version[at], version);
    this.version[at] = version;
    this.state[at] = fields[HELD.STATE];
    this.mark(key);
  }

  published(timeMs: number, node: number, fields: Uint32Array): void {
    this.young.push({ timeMs, key: node * OWN_SLOTS + fields[PUBLISHED.SLOT], version: fields[PUBLISHED.VERSION] });
  }

  /** A restart without checkpoint: the node's table is empty. */
  forget(node: number): void {
    for (let at = node; at < this.version.length; at += this.ground.nodes) {
      this.version[at] = 0;
      this.state[at] = 0;
    }
    this.markAll();
  }

  /** Does any live member other than the owner, in the owner's reach when `within` is a component, hold the key as valid work? */
  heldByOthers(key: number, within: number): boolean {
    const owner = Math.floor(key / OWN_SLOTS);
    for (let node = 0; node < this.ground.nodes; node++) {
      if (node === owner || this.ground.component[node] < 0) continue;
      if (within >= 0 && this.ground.component[node] !== within) continue;
      const state = this.state[key * this.ground.nodes + node];
      if (state >= INTENT_STATE.PLANNED && state <= INTENT_STATE.STARTED) return true;
    }
    return false;
  }

  /** Number of keys on which some component is not agreed, leaving out versions younger than SETTLE_S and work that is over. */
  disagreements(timeMs: number): number {
    if (this.ground.changes !== this.groundSeen) {
      this.groundSeen = this.ground.changes;
      this.markAll();
    }
    this.returners(timeMs);
    this.promote(timeMs);
    let kept = 0;
    let open = 0;
    for (let index = 0; index < this.dirty.length; index++) {
      const key = this.dirty[index];
      if (this.plans.over(key, timeMs) || this.agreed(key, timeMs)) {
        this.isDirty[key] = 0;
      } else {
        open++;
        this.dirty[kept++] = key;
      }
    }
    this.dirty.length = kept;
    return open;
  }

  /**
   * Within each component: nobody is behind the newest due version that anyone there holds. Who holds a younger version is not
   * behind. Holding nothing equals holding a version that says done or withdrawn, or whose end is past.
   */
  private agreed(key: number, timeMs: number): boolean {
    const { component, nodes } = this.ground;
    const due = this.due[key];
    const newest = this.newest;
    for (let node = 0, at = key * nodes; node < nodes; node++, at++) {
      const mine = component[node];
      if (mine < 0) continue;
      if (node === mine) newest[mine] = 0;
      const held = Math.min(this.version[at], due);
      if (held > newest[mine]) newest[mine] = held;
    }
    for (let node = 0, at = key * nodes; node < nodes; node++, at++) {
      const mine = component[node];
      if (mine < 0 || this.version[at] >= newest[mine] || this.catchingUp[node]) continue;
      if (this.version[at] === 0 && this.plans.forgettable(key, newest[mine], timeMs)) continue;
      return false;
    }
    return true;
  }

  /** News published while a member pointed its radio elsewhere counts for it from its return on. */
  private returners(timeMs: number): void {
    let changed = false;
    for (let node = 0; node < this.ground.nodes; node++) {
      const now = timeMs - this.ground.backMs[node] < SETTLE_S * 1000 ? 1 : 0;
      changed ||= now !== this.catchingUp[node];
      this.catchingUp[node] = now;
    }
    if (changed) this.markAll();
  }

  private promote(timeMs: number): void {
    const cut = timeMs - SETTLE_S * 1000;
    while (this.youngFirst < this.young.length && this.young[this.youngFirst].timeMs <= cut) {
      const { key, version } = this.young[this.youngFirst++];
      if (version > this.due[key]) this.due[key] = version;
      this.mark(key);
    }
    if (this.youngFirst > 4096) {
      this.young.splice(0, this.youngFirst);
      this.youngFirst = 0;
    }
  }

  private mark(key: number): void {
    if (this.isDirty[key]) return;
    this.isDirty[key] = 1;
    this.dirty.push(key);
  }

  private markAll(): void {
    for (let key = 0; key < this.keys; key++) this.mark(key);
  }
}

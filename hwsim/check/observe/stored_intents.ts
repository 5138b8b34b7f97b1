import { FIELD, INTENT_STATE, OWN_SLOTS } from '../../../host/cbor/generated.ts';
import { SETTLE_S } from '../bounds.ts';
import type { Ground } from './ground.ts';
import type { Plans } from './plans.ts';

/**
 * In the place of a version: the node may store any or none. What it removed after its checkpoint
 * was taken is back after a restart from it, and is in no event.
 */
const VERSION_UNREPORTED = 0xffff_ffff;

/** A published version that is not yet old enough to be required of all. */
interface Young {
  timeMs: number;
  key: number;
  version: number;
}

/**
 * Follows which member stores which version of which intent. A key is owner × 8 + intent slot.
 * Agreement is computed once a minute, and only over keys with a change or without agreement at the
 * last look.
 */
export class StoredIntents {
  readonly keys: number;
  /**
   * By key × nodes + node: version stored, 0 = none. The nodes of one key lie side by side, because
   * agreement walks along them.
   */
  readonly version: Uint32Array;
  readonly state: Uint8Array;
  /** By key: newest version that is at least SETTLE_S old. */
  readonly due: Uint32Array;
  /** Called when a node that stored a version reports an older one. */
  onOlderVersion: ((node: number, key: number, from: number, to: number) => void) | null = null;
  private readonly ground: Ground;
  private readonly plans: Plans;
  private readonly dirty: number[] = [];
  private readonly isDirty: Uint8Array;
  private readonly young: Young[] = [];
  private youngFirst = 0;
  private groundSeen = -1;
  /**
   * 1 = came back from a planned contact window less than SETTLE_S ago: the news that it missed is
   * on its way.
   */
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

  storedBy(node: number, fields: Uint32Array): void {
    const key = fields[FIELD.stored.owner] * OWN_SLOTS + fields[FIELD.stored.slot];
    if (key >= this.keys) return;
    const at = key * this.ground.nodes + node;
    const isRemoved = fields[FIELD.stored.state] === INTENT_STATE.none;
    const version = isRemoved ? 0 : fields[FIELD.stored.version];
    const before = this.version[at];
    if (!isRemoved && version < before && before !== VERSION_UNREPORTED && this.onOlderVersion !== null)
      this.onOlderVersion(node, key, before, version);
    this.version[at] = version;
    this.state[at] = fields[FIELD.stored.state];
    this.mark(key);
  }

  published(timeMs: number, node: number, fields: Uint32Array): void {
    this.young.push({
      timeMs,
      key: node * OWN_SLOTS + fields[FIELD.published.slot],
      version: fields[FIELD.published.version],
    });
  }

  /** Clears the node's table, after a restart without checkpoint. */
  forget(node: number): void {
    for (let at = node; at < this.version.length; at += this.ground.nodes) {
      this.version[at] = 0;
      this.state[at] = 0;
    }
    this.markAll();
  }

  /** Marks what the node stores nothing of as unreported, after a restart from a checkpoint. */
  restored(node: number): void {
    for (let at = node; at < this.version.length; at += this.ground.nodes)
      if (this.version[at] === 0) this.version[at] = VERSION_UNREPORTED;
    this.markAll();
  }

  /**
   * Returns whether any live member other than the owner stores the key as valid work; `within`
   * limits it to a component.
   */
  isStoredByOthers(key: number, within: number): boolean {
    const owner = Math.floor(key / OWN_SLOTS);
    for (let node = 0; node < this.ground.nodes; node++) {
      if (node === owner || this.ground.component[node] < 0) continue;
      if (within >= 0 && this.ground.component[node] !== within) continue;
      const state = this.state[key * this.ground.nodes + node];
      if (state >= INTENT_STATE.planned && state <= INTENT_STATE.started) return true;
    }
    return false;
  }

  /**
   * Counts the keys without agreement in some component, without versions younger than SETTLE_S and
   * work that is over.
   */
  disagreements(timeMs: number): number {
    if (this.ground.changes !== this.groundSeen) {
      this.groundSeen = this.ground.changes;
      this.markAll();
    }
    this.updateReturners(timeMs);
    this.promote(timeMs);
    let kept = 0;
    let open = 0;
    for (let index = 0; index < this.dirty.length; index++) {
      const key = this.dirty[index];
      if (this.plans.isOver(key, timeMs) || this.isAgreed(key, timeMs)) {
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
   * Within each component, no member is behind the newest due version that any member there stores.
   * A younger version is not behind, so nobody is while none is due. Storing nothing equals storing
   * a version that is done or withdrawn, or whose end is past.
   */
  private isAgreed(key: number, timeMs: number): boolean {
    const { component, nodes } = this.ground;
    const due = this.due[key];
    if (due === 0) return true;
    const newest = this.newest;
    for (let node = 0, at = key * nodes; node < nodes; node++, at++) {
      const mine = component[node];
      if (mine < 0) continue;
      if (node === mine) newest[mine] = 0;
      if (this.version[at] === VERSION_UNREPORTED) continue;
      const version = Math.min(this.version[at], due);
      if (version > newest[mine]) newest[mine] = version;
    }
    for (let node = 0, at = key * nodes; node < nodes; node++, at++) {
      const mine = component[node];
      if (mine < 0 || this.version[at] >= newest[mine] || this.catchingUp[node]) continue;
      if (this.version[at] === 0 && this.plans.isForgettable(key, newest[mine], timeMs)) continue;
      return false;
    }
    return true;
  }

  /** Gives members that return from a contact window SETTLE_S for the news published meanwhile. */
  private updateReturners(timeMs: number): void {
    let changed = false;
    for (let node = 0; node < this.ground.nodes; node++) {
      const now = timeMs - this.ground.backMs[node] < SETTLE_S * 1000 ? 1 : 0;
      changed ||= now !== this.catchingUp[node];
      this.catchingUp[node] = now;
    }
    if (changed) this.markAll();
  }

  /** Moves versions that are now SETTLE_S old into `due`. */
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

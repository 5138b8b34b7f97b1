import { FIELD, LIVENESS } from '../../../host/cbor/generated.ts';
import type { Ground } from './ground.ts';

/**
 * What a view shows of a member, without suspicion: suspicion is not yet a fact. Unreported: the
 * observer restarted from a checkpoint, whose view is not in the trace, and has not reported on the
 * member since; it neither agrees nor disagrees.
 */
export const FACT = { PRESENT: 0, UNREACHABLE: 1, DEAD: 2, LEFT: 3, UNREPORTED: 4 } as const;

const FACT_OF_STATE = new Uint8Array(8);
FACT_OF_STATE[LIVENESS.unreachable] = FACT.UNREACHABLE;
FACT_OF_STATE[LIVENESS.dead] = FACT.DEAD;
FACT_OF_STATE[LIVENESS.left] = FACT.LEFT;
/** Not a member-state: marks what is unreported in the table. */
export const STATE_UNREPORTED = 7;
FACT_OF_STATE[STATE_UNREPORTED] = FACT.UNREPORTED;

/** Follows every member's view of every other. */
export class Views {
  /** By observer × nodes + member: member-state as last reported. */
  readonly state: Uint8Array;
  /** When that state was reported, true mission milliseconds. */
  readonly changedMs: Float64Array;
  changes = 0;
  private readonly ground: Ground;
  private readonly dirty: number[] = [];
  private readonly isDirty: Uint8Array;
  private groundSeen = -1;
  private readonly reported: Int8Array;

  constructor(ground: Ground) {
    this.ground = ground;
    this.state = new Uint8Array(ground.nodes * ground.nodes);
    this.changedMs = new Float64Array(ground.nodes * ground.nodes);
    this.isDirty = new Uint8Array(ground.nodes);
    this.reported = new Int8Array(ground.nodes);
  }

  memberState(timeMs: number, node: number, fields: Uint32Array): void {
    const member = fields[FIELD.memberState.member];
    if (member >= this.ground.nodes) return;
    const at = node * this.ground.nodes + member;
    this.state[at] = fields[FIELD.memberState.state];
    this.changedMs[at] = timeMs;
    this.changes++;
    this.mark(member);
  }

  /** Clears the node's view, after a restart without checkpoint. */
  forget(node: number): void {
    this.state.fill(LIVENESS.unknown, node * this.ground.nodes, (node + 1) * this.ground.nodes);
    this.changes++;
    this.markAll();
  }

  /** Marks the node's view as unreported, after a restart from a checkpoint. */
  restored(node: number): void {
    this.state.fill(STATE_UNREPORTED, node * this.ground.nodes, (node + 1) * this.ground.nodes);
    this.changes++;
    this.markAll();
  }

  fact(observer: number, member: number): number {
    return FACT_OF_STATE[this.state[observer * this.ground.nodes + member]];
  }

  /** Returns whether the observer takes the member for unreachable, dead or left. */
  isAbsent(observer: number, member: number): boolean {
    const fact = this.fact(observer, member);
    return fact !== FACT.PRESENT && fact !== FACT.UNREPORTED;
  }

  /** Returns whether one of the two takes the other for unreachable, dead or left. */
  isEitherAbsent(a: number, b: number): boolean {
    return this.isAbsent(a, b) || this.isAbsent(b, a);
  }

  /** Counts the members about whom the members of some component do not agree. */
  disagreements(): number {
    if (this.ground.changes !== this.groundSeen) {
      this.groundSeen = this.ground.changes;
      this.markAll();
    }
    let kept = 0;
    for (let index = 0; index < this.dirty.length; index++) {
      const member = this.dirty[index];
      if (this.isAgreed(member)) this.isDirty[member] = 0;
      else this.dirty[kept++] = member;
    }
    this.dirty.length = kept;
    return kept;
  }

  private isAgreed(member: number): boolean {
    const { component, nodes } = this.ground;
    const reported = this.reported.fill(-1);
    for (let observer = 0; observer < nodes; observer++) {
      const mine = component[observer];
      if (mine < 0 || observer === member) continue;
      const fact = this.fact(observer, member);
      if (fact === FACT.UNREPORTED) continue;
      if (reported[mine] < 0) reported[mine] = fact;
      else if (reported[mine] !== fact) return false;
    }
    return true;
  }

  private mark(member: number): void {
    if (this.isDirty[member]) return;
    this.isDirty[member] = 1;
    this.dirty.push(member);
  }

  private markAll(): void {
    for (let member = 0; member < this.ground.nodes; member++) this.mark(member);
  }
}

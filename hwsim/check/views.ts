import { MEMBER, MEMBER_STATE } from './record.ts';
import type { Ground } from './ground.ts';

/**
 * What a view says of a member, doubts left out: suspicion is an opinion on its way, not a fact. Untold: the observer restarted from a
 * checkpoint, whose view the trace does not tell, and has not spoken of the member since; it neither agrees nor disagrees.
 */
export const FACT = { PRESENT: 0, UNREACHABLE: 1, DEAD: 2, LEFT: 3, UNTOLD: 4 } as const;

const FACT_OF_STATE = new Uint8Array(8);
FACT_OF_STATE[MEMBER_STATE.UNREACHABLE] = FACT.UNREACHABLE;
FACT_OF_STATE[MEMBER_STATE.DEAD] = FACT.DEAD;
FACT_OF_STATE[MEMBER_STATE.LEFT] = FACT.LEFT;
/** Not a member-state: stands in the table for what is untold. */
export const STATE_UNTOLD = 7;
FACT_OF_STATE[STATE_UNTOLD] = FACT.UNTOLD;

/** Every member's view of every other, kept event by event. */
export class Views {
  /** [observer × nodes + member]: member-state as last reported. */
  readonly state: Uint8Array;
  /** When that was reported, true mission milliseconds. */
  readonly changedMs: Float64Array;
  changes = 0;
  private readonly ground: Ground;
  private readonly dirty: number[] = [];
  private readonly isDirty: Uint8Array;
  private groundSeen = -1;
  private readonly said: Int8Array;

  constructor(ground: Ground) {
    this.ground = ground;
    this.state = new Uint8Array(ground.nodes * ground.nodes);
    this.changedMs = new Float64Array(ground.nodes * ground.nodes);
    this.isDirty = new Uint8Array(ground.nodes);
    this.said = new Int8Array(ground.nodes);
  }

  memberState(timeMs: number, node: number, fields: Uint32Array): void {
    const member = fields[MEMBER.MEMBER];
    if (member >= this.ground.nodes) return;
    const at = node * this.ground.nodes + member;
    this.state[at] = fields[MEMBER.STATE];
    this.changedMs[at] = timeMs;
    this.changes++;
    this.mark(member);
  }

  /** A restart without checkpoint: the node knows nothing of the others. */
  forget(node: number): void {
    this.state.fill(MEMBER_STATE.UNKNOWN, node * this.ground.nodes, (node + 1) * this.ground.nodes);
    this.changes++;
    this.markAll();
  }

  /** A restart from a checkpoint: what the node believes now is what it believed when that was stored. */
  restored(node: number): void {
    this.state.fill(STATE_UNTOLD, node * this.ground.nodes, (node + 1) * this.ground.nodes);
    this.changes++;
    this.markAll();
  }

  fact(observer: number, member: number): number {
    return FACT_OF_STATE[this.state[observer * this.ground.nodes + member]];
  }

  /** The observer says that the member is unreachable, dead or left. */
  gone(observer: number, member: number): boolean {
    const fact = this.fact(observer, member);
    return fact !== FACT.PRESENT && fact !== FACT.UNTOLD;
  }

  /** Number of members about whom the members of some component do not say the same. */
  disagreements(): number {
    if (this.ground.changes !== this.groundSeen) {
      this.groundSeen = this.ground.changes;
      this.markAll();
    }
    let kept = 0;
    for (let index = 0; index < this.dirty.length; index++) {
      const member = this.dirty[index];
      if (this.agreed(member)) this.isDirty[member] = 0;
      else this.dirty[kept++] = member;
    }
    this.dirty.length = kept;
    return kept;
  }

  private agreed(member: number): boolean {
    const { component, nodes } = this.ground;
    const said = this.said.fill(-1);
    for (let observer = 0; observer < nodes; observer++) {
      const mine = component[observer];
      if (mine < 0 || observer === member) continue;
      const fact = this.fact(observer, member);
      if (fact === FACT.UNTOLD) continue;
      if (said[mine] < 0) said[mine] = fact;
      else if (said[mine] !== fact) return false;
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

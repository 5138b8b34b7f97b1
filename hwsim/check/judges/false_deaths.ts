import { FIELD, LIVENESS, TYPE } from '../../../host/cbor/generated.ts';
import { SUSPICION_S } from '../bounds.ts';
import { atNode, Findings, type Judge, type Verdict } from '../verdict.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * MBR-1: judges false deaths. A false death is a member that another declares dead while the member
 * was alive, powered and had a path, direct or relayed, for more than half of the suspicion time
 * (SUSPICION_S). One episode counts once, however many members repeat it, until some member sees
 * the node again. Source: docs/judges.md.
 */
export class FalseDeaths implements Judge {
  readonly id = 'MBR-1-false-deaths';
  readonly types = [TYPE.memberState];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  /** By member: observers that falsely take the member for dead. */
  private readonly observers: Set<number>[];

  constructor(seen: Observers) {
    this.seen = seen;
    this.observers = Array.from({ length: seen.facts.nodes }, () => new Set<number>());
  }

  get count(): number {
    return this.findings.violations;
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    const member = fields[FIELD.memberState.member];
    if (member >= this.observers.length) return;
    const observers = this.observers[member];
    if (fields[FIELD.memberState.state] !== LIVENESS.dead) {
      observers.delete(node);
      return;
    }
    const { ground } = this.seen;
    if (!ground.live(member) || !ground.live(node) || member === node) return;
    const pathMs = ground.pathMs(member, node, timeMs - SUSPICION_S * 1000, timeMs);
    if (pathMs <= (SUSPICION_S * 1000) / 2) return;
    if (observers.size === 0) {
      const shareS = Math.round(pathMs / 1000);
      this.findings.add(
        () => `${atNode(timeMs, node)} declares node ${member} dead, in reach for ${shareS} of ${SUSPICION_S} s`,
      );
    }
    observers.add(node);
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

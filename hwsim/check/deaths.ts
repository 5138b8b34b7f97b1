import type { Observers } from './observers.ts';
import { EVENT, MEMBER, MEMBER_STATE } from './record.ts';
import { SUSPICION_S } from './rules.ts';
import { Findings, type Judge, seconds, type Verdict } from './verdict.ts';

/**
 * MBR-1: a false death is a member declared dead by any other while it was alive, powered and had a path, direct or relayed, for more
 * than half of the suspicion time. One episode counts once, however many members repeat it, until somebody sees the member again.
 */
export class FalseDeaths implements Judge {
  readonly id = 'MBR-1-false-deaths';
  readonly types = [EVENT.MEMBER_STATE];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  /** Observers that hold the member for dead falsely. */
  private readonly holders: Set<number>[];

  constructor(seen: Observers) {
    this.seen = seen;
    this.holders = Array.from({ length: seen.facts.nodes }, () => new Set<number>());
  }

  get count(): number {
    return this.findings.violations;
  }

  event(timeMs: number, node: number, f: Uint32Array): void {
    const member = f[MEMBER.MEMBER];
    if (member >= this.holders.length) return;
    const holders = this.holders[member];
    if (f[MEMBER.STATE] !== MEMBER_STATE.DEAD) {
      holders.delete(node);
      return;
    }
    const { ground } = this.seen;
    if (!ground.live(member) || !ground.live(node) || member === node) return;
    const pathMs = ground.pathMs(member, node, timeMs - SUSPICION_S * 1000, timeMs);
    if (pathMs <= (SUSPICION_S * 1000) / 2) return;
    if (holders.size === 0) {
      const shareS = Math.round(pathMs / 1000);
      this.findings.add(
        () =>
          `at ${seconds(timeMs)} node ${node} declares node ${member} dead, which it could reach for ${shareS} of ${SUSPICION_S} s`,
      );
    }
    holders.add(node);
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

import { STABLE_S } from '../bounds.ts';
import { groupOf } from '../record.ts';
import { Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * INT-2: judges shared capacity. After half an hour (STABLE_S) of agreement, running work asks no
 * group for more than its capacity. Source: docs/judges.md.
 */
export class SharedCapacity implements Judge {
  readonly id = 'INT-2-shared-capacity';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  /**
   * Returns since when all components agree without a break, on the minute grid; −1 = they do not
   * agree.
   */
  private readonly agreedSinceMs: () => number;
  private readonly over = new Set<number>();

  constructor(seen: Observers, agreedSinceMs: () => number) {
    this.seen = seen;
    this.agreedSinceMs = agreedSinceMs;
  }

  minute(timeMs: number): void {
    const since = this.agreedSinceMs();
    if (since < 0 || timeMs - since < STABLE_S * 1000) return;
    const rate = new Map<number, number>();
    for (const work of this.seen.plans.running) {
      if (work === undefined || work.untilS * 1000 <= timeMs) continue;
      const group = groupOf(work.resource);
      rate.set(group, (rate.get(group) ?? 0) + work.rate);
    }
    for (const { group } of this.seen.facts.groups) {
      const asked = rate.get(group) ?? 0;
      const capacity = this.seen.ground.capacityKgPerDay.get(group) ?? 0;
      // The members have not converged yet on a capacity that the world has just changed.
      const changedMs = this.seen.ground.capacityChangedMs.get(group) ?? 0;
      if (asked <= capacity || timeMs - changedMs < STABLE_S * 1000) this.over.delete(group);
      else if (!this.over.has(group)) {
        this.over.add(group);
        this.findings.add(
          () => `at ${seconds(timeMs)} running work asks group ${group} for ${asked} kg/day of ${capacity}`,
        );
      }
    }
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

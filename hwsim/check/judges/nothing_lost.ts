import { OWN_SLOTS } from '../../../host/cbor/generated.ts';
import { EXAMINE_EVERY_MS, SETTLE_S, STABLE_S } from '../bounds.ts';
import { ownerOf } from '../record.ts';
import { Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import type { Observers } from '../observe/observers.ts';

/**
 * INT-1: judges that no accepted intent is lost. An accepted intent is one that its owner published
 * and settled and neither withdrew nor lost. For as long as it runs, some other member that the
 * owner reaches must store it. While a lease extended in advance covers an owner out of reach, any
 * other member may store it instead. Bound: half an hour (STABLE_S) without such a member is a
 * violation. Source: docs/judges.md.
 */
export class NothingLost implements Judge {
  readonly id = 'INT-1-nothing-lost';
  readonly types = [];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly missingSinceMs: Float64Array;

  constructor(seen: Observers) {
    this.seen = seen;
    this.missingSinceMs = new Float64Array(seen.facts.nodes * OWN_SLOTS).fill(-1);
  }

  minute(timeMs: number): void {
    if (timeMs % EXAMINE_EVERY_MS !== 0) return;
    for (let key = 0; key < this.missingSinceMs.length; key++) {
      if (this.isKept(key, timeMs)) this.missingSinceMs[key] = -1;
      else if (this.missingSinceMs[key] < 0) this.missingSinceMs[key] = timeMs;
      else if (timeMs - this.missingSinceMs[key] === STABLE_S * 1000) this.report(key, timeMs);
    }
  }

  private report(key: number, timeMs: number): void {
    const version = this.seen.plans.plan[key]?.version;
    this.findings.add(
      () =>
        `at ${seconds(timeMs)} nobody stores node ${ownerOf(key)} slot ${key % OWN_SLOTS} version ${version} any more`,
    );
  }

  private isKept(key: number, timeMs: number): boolean {
    const { plans, ground, stored } = this.seen;
    const plan = plans.standing(key, timeMs);
    if (plan === undefined || !plan.settled || plan.publishedMs + SETTLE_S * 1000 > timeMs) return true;
    const component = ground.component[plan.owner];
    if (component < 0) return true;
    for (let node = 0; node < ground.nodes; node++) {
      if (node !== plan.owner && ground.component[node] === component) return stored.isStoredByOthers(key, component);
    }
    return plan.leaseS * 1000 <= timeMs || ground.majority() === component || stored.isStoredByOthers(key, -1);
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

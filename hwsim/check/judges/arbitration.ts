import { FIELD, OWN_SLOTS, TYPE, WORK_KIND } from '../../../host/cbor/generated.ts';
import { EXAMINE_EVERY_MS, STABLE_S } from '../bounds.ts';
import { groupOf, ownerOf } from '../record.ts';
import { atNode, Findings, type Judge, seconds, type Verdict } from '../verdict.ts';
import { conflictsAmong } from '../observe/conflicts.ts';
import type { Observers } from '../observe/observers.ts';
import type { Plan } from '../observe/plans.ts';

/**
 * INT-3: judges that arbitration gives the same result everywhere. Two members that reach each
 * other never both have settled claims on one unit for one time for longer than half an hour
 * (STABLE_S), the time that news takes, and no two versions have each lost to the other. Source:
 * docs/judges.md.
 */
export class Arbitration implements Judge {
  readonly id = 'INT-3-arbitration';
  readonly types = [TYPE.lost];
  private readonly findings = new Findings();
  private readonly seen: Observers;
  private readonly losses = new Set<string>();
  private readonly reported = new Set<string>();

  constructor(seen: Observers) {
    this.seen = seen;
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    const loser = node * OWN_SLOTS + fields[FIELD.lost.slot];
    const winner = fields[FIELD.lost.toOwner] * OWN_SLOTS + fields[FIELD.lost.toSlot];
    if (loser === winner) return;
    const winning = this.seen.plans.plan[winner]?.version ?? 0;
    this.losses.add(`${loser}.${fields[FIELD.lost.version]}<${winner}.${winning}`);
    if (!this.losses.has(`${winner}.${winning}<${loser}.${fields[FIELD.lost.version]}`)) return;
    const winnerName = `node ${ownerOf(winner)} slot ${winner % OWN_SLOTS}`;
    this.findings.add(
      () => `${atNode(timeMs, node)} slot ${loser % OWN_SLOTS} and ${winnerName} have each lost to the other`,
    );
  }

  minute(timeMs: number): void {
    if (timeMs % EXAMINE_EVERY_MS !== 0) return;
    for (const { group } of this.seen.facts.groups) {
      for (const plans of this.settledByComponent(group, timeMs)) {
        for (const conflict of conflictsAmong(plans, group, Number.POSITIVE_INFINITY, Math.floor(timeMs / 1000))) {
          const pair = `${conflict.keys.join('+')}@${conflict.unit}`;
          if (this.reported.has(pair)) continue;
          this.reported.add(pair);
          const owners = conflict.keys.map(ownerOf).join(' and ');
          this.findings.add(
            () =>
              `at ${seconds(timeMs)} nodes ${owners} both have a settled claim on group ${group} unit ${conflict.unit}`,
          );
        }
      }
    }
  }

  /**
   * Returns by component the settled plans of owners that have reached each other for long enough.
   */
  private settledByComponent(group: number, timeMs: number): Plan[][] {
    const { ground, plans } = this.seen;
    const byComponent = new Map<number, Plan[]>();
    for (const key of plans.onGroup(group)) {
      const plan = plans.standing(key, timeMs);
      if (plan === undefined || !plan.settled || plan.kind === WORK_KIND.maintain || groupOf(plan.resource) !== group)
        continue;
      // A restarted node runs nothing before its claims have settled again.
      if (plan.settledMs <= plans.bootMs[plan.owner]) continue;
      if (plan.settledMs + STABLE_S * 1000 > timeMs || plan.settledEndS * 1000 <= timeMs) continue;
      const component = ground.component[plan.owner];
      if (component < 0) continue;
      const since = plan.owner === component ? 0 : ground.connectedSinceMs(plan.owner, component);
      if (since + STABLE_S * 1000 > timeMs) continue;
      const list = byComponent.get(component);
      const reach = { ...plan, endS: plan.settledEndS };
      if (list === undefined) byComponent.set(component, [reach]);
      else list.push(reach);
    }
    return [...byComponent.values()];
  }

  verdict(): Verdict {
    return this.findings.verdict(this.id);
  }
}

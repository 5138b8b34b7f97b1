import { INTENT_STATE, WORK_KIND } from '../../../host/cbor/generated.ts';
import { SETTLE_S } from '../bounds.ts';
import { unitOf } from '../record.ts';
import type { Ground } from './ground.ts';
import type { Plan, Plans } from './plans.ts';

/** Two intents that cannot both run, or a group with more work than capacity. */
export interface Conflict {
  group: number;
  /** 0 = the group's shared capacity. */
  unit: number;
  /**
   * Keys of the intents involved; for shared capacity, of those that run when the excess begins.
   */
  keys: number[];
}

/** INT-2: returns whether two half-open intervals share an instant. */
const overlap = (a: { startS: number; endS: number }, b: { startS: number; endS: number }): boolean =>
  a.startS < b.endS && b.startS < a.endS;

/**
 * Finds the conflicts among plans of one group and one component, from `fromS` on. Names at most
 * one conflict for each unit and one for the shared capacity: the judge asks whether a conflict
 * exists, not how many.
 */
export function conflictsAmong(
  plans: readonly Plan[],
  group: number,
  capacityKgPerDay: number,
  fromS: number,
): Conflict[] {
  const found: Conflict[] = [];
  const byUnit = plans.filter((plan) => unitOf(plan.resource) !== 0);
  byUnit.sort((a, b) => unitOf(a.resource) - unitOf(b.resource) || a.startS - b.startS || a.key - b.key);
  for (let index = 1; index < byUnit.length; index++) {
    const [a, b] = [byUnit[index - 1], byUnit[index]];
    if (a.resource === b.resource && overlap(a, b))
      found.push({ group, unit: unitOf(a.resource), keys: [a.key, b.key] });
    // Of two plans that follow each other, the later may be the shorter: compare the next with the
    // one that ends last.
    if (a.resource === b.resource && a.endS > b.endS) byUnit[index] = { ...a, startS: b.startS };
  }
  const excess = excessAt(plans, capacityKgPerDay, fromS);
  if (excess >= 0) {
    found.push({
      group,
      unit: 0,
      keys: plans.filter((plan) => plan.startS <= excess && plan.endS > excess).map((plan) => plan.key),
    });
  }
  return found;
}

/**
 * Returns the first second from `fromS` on at which the summed rates exceed the capacity, or −1.
 */
function excessAt(plans: readonly Plan[], capacityKgPerDay: number, fromS: number): number {
  if (plans.reduce((sum, plan) => sum + plan.rate, 0) <= capacityKgPerDay) return -1;
  const edges: { atS: number; rate: number }[] = [];
  for (const plan of plans)
    edges.push({ atS: Math.max(plan.startS, fromS), rate: plan.rate }, { atS: plan.endS, rate: -plan.rate });
  edges.sort((a, b) => a.atS - b.atS || a.rate - b.rate);
  let rate = 0;
  for (const edge of edges) {
    rate += edge.rate;
    if (rate > capacityKgPerDay) return edge.atS;
  }
  return -1;
}

/**
 * Counts open conflicts once a minute. An intent counts as accepted while its owner keeps it:
 * claimed or started, not lost, owner live, published at least SETTLE_S ago. Without a change the
 * answer "none" stays, because time alone only removes plans.
 */
export class OpenConflicts {
  private readonly ground: Ground;
  private readonly plans: Plans;
  private readonly groups: readonly number[];
  private open = 0;
  private plansSeen = -1;
  private groundSeen = -1;
  private capacitySeen = -1;
  private recheckAtMs = 0;

  constructor(ground: Ground, plans: Plans, groups: readonly number[]) {
    this.ground = ground;
    this.plans = plans;
    this.groups = groups;
  }

  /** Returns the number of open conflicts now. */
  count(timeMs: number): number {
    const capacity = [...this.ground.capacityKgPerDay.values()].reduce((sum, value) => sum + value, 0);
    const changed =
      this.plans.changes !== this.plansSeen ||
      this.ground.changes !== this.groundSeen ||
      capacity !== this.capacitySeen;
    // A changed plan counts once it is old enough: look again until SETTLE_S after the last change.
    if (changed) this.recheckAtMs = timeMs + (SETTLE_S + 60) * 1000;
    if (!changed && this.open === 0 && timeMs > this.recheckAtMs) return 0;
    this.plansSeen = this.plans.changes;
    this.groundSeen = this.ground.changes;
    this.capacitySeen = capacity;
    this.open = 0;
    for (const group of this.groups) this.open += this.inGroup(group, timeMs).length;
    return this.open;
  }

  private inGroup(group: number, timeMs: number): Conflict[] {
    const byComponent = new Map<number, Plan[]>();
    for (const key of this.plans.onGroup(group)) {
      const plan = this.plans.standing(key, timeMs);
      if (plan === undefined || plan.state < INTENT_STATE.claimed || plan.kind === WORK_KIND.maintain) continue;
      if (plan.publishedMs + SETTLE_S * 1000 > timeMs) continue;
      const component = this.ground.component[plan.owner];
      if (component < 0) continue;
      const list = byComponent.get(component);
      if (list === undefined) byComponent.set(component, [plan]);
      else list.push(plan);
    }
    const capacity = this.ground.capacityKgPerDay.get(group) ?? 0;
    const found: Conflict[] = [];
    for (const list of byComponent.values())
      found.push(...conflictsAmong(list, group, capacity, Math.floor(timeMs / 1000)));
    return found;
  }
}

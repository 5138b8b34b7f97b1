import { INTENT_STATE, OWN_SLOTS, WORK_KIND } from '../../../host/cbor/generated.ts';
import { GRID_S } from '../bounds.ts';
import { groupOf } from '../record.ts';
import type { Ground } from './ground.ts';
import type { Plans } from './plans.ts';

const secondsPerDay = 86_400;

/**
 * Adds up what planned pauses cost: the rates of started mining claims whose owner does not mine,
 * because it is in maintenance or its radio is in a planned contact window. The ground's timetable
 * of both is fixed before the run, so no disruption can cause such a pause. Looks once a minute.
 */
export class PlannedPauses {
  private readonly ground: Ground;
  private readonly plans: Plans;
  /** By group: kilograms that pauses cost in each minute. */
  private readonly kgOf = new Map<number, number[]>();

  constructor(ground: Ground, plans: Plans) {
    this.ground = ground;
    this.plans = plans;
  }

  /** Looks at the pauses of the minute that begins. */
  minute(timeMs: number): void {
    const minute = Math.floor(timeMs / (GRID_S * 1000));
    for (let node = 0; node < this.ground.nodes; node++) {
      if (this.ground.live(node) && this.isPaused(node)) this.addClaims(node, minute, timeMs);
    }
  }

  /** Returns running sums over the groups: entry m is what pauses cost before minute m. */
  cumulative(groups: readonly number[], minutes: number): Float64Array {
    const sums = new Float64Array(minutes + 1);
    for (const group of groups) {
      const series = this.kgOf.get(group) ?? [];
      for (let minute = 0; minute < Math.min(minutes, series.length); minute++) sums[minute + 1] += series[minute] ?? 0;
    }
    for (let minute = 0; minute < minutes; minute++) sums[minute + 1] += sums[minute];
    return sums;
  }

  private isPaused(node: number): boolean {
    return this.ground.away[node] !== 0 || this.plans.runs(node, WORK_KIND.maintain);
  }

  private addClaims(node: number, minute: number, timeMs: number): void {
    for (let slot = 0; slot < OWN_SLOTS; slot++) {
      const key = node * OWN_SLOTS + slot;
      const plan = this.plans.standing(key, timeMs);
      if (plan === undefined || plan.kind !== WORK_KIND.mine || plan.state !== INTENT_STATE.started) continue;
      if (plan.startS * 1000 > timeMs || this.plans.running[key] !== undefined) continue;
      const group = groupOf(plan.resource);
      const series = this.kgOf.get(group) ?? [];
      series[minute] = (series[minute] ?? 0) + (plan.rate * GRID_S) / secondsPerDay;
      this.kgOf.set(group, series);
    }
  }
}

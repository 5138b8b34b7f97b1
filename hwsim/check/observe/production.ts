import { GRID_S } from '../bounds.ts';

/**
 * The world reports all credits at every full hour, and the rest of a work when the work changes or
 * ends.
 */
const REPORTED_EVERY_MS = 3_600_000;

/** Adds up the kilograms that the world credited, by group and minute of mission time. */
export class Production {
  private readonly minutes = new Map<number, number[]>();
  /** When a node was last credited on a unit, or began there; the key is node, group and unit. */
  private readonly lastMs = new Map<string, number>();
  totalKg = 0;

  /** Notes that a node begins to work on a unit: it earned nothing there just before. */
  begin(timeMs: number, node: number, group: number, unit: number): void {
    this.lastMs.set(`${node}/${group}/${unit}`, timeMs);
  }

  /**
   * Adds a credit. It was earned since the node began on the unit or was last credited there, and
   * not before the preceding full hour: it is spread evenly over that span, so that the hour from
   * any minute on can be judged.
   */
  credit(timeMs: number, node: number, group: number, unit: number, kg: number): void {
    this.totalKg += kg;
    const key = `${node}/${group}/${unit}`;
    const hourMs = (Math.ceil(timeMs / REPORTED_EVERY_MS) - 1) * REPORTED_EVERY_MS;
    const fromMs = Math.max(0, hourMs, Math.min(this.lastMs.get(key) ?? 0, timeMs - 1));
    this.lastMs.set(key, timeMs);
    let series = this.minutes.get(group);
    if (series === undefined) {
      series = [];
      this.minutes.set(group, series);
    }
    const gridMs = GRID_S * 1000;
    const last = Math.max(0, Math.ceil(timeMs / gridMs) - 1);
    while (series.length <= last) series.push(0);
    for (let minute = Math.floor(fromMs / gridMs); minute <= last; minute++) {
      const overlapMs = Math.min(timeMs, (minute + 1) * gridMs) - Math.max(fromMs, minute * gridMs);
      if (overlapMs > 0) series[minute] += (kg * overlapMs) / (timeMs - fromMs);
    }
  }

  /** Returns the kilograms credited on the groups within [fromMinute, toMinute). */
  kg(groups: readonly number[], fromMinute: number, toMinute: number): number {
    let sum = 0;
    for (const group of groups) {
      const series = this.minutes.get(group);
      if (series === undefined) continue;
      for (let minute = fromMinute; minute < Math.min(toMinute, series.length); minute++) sum += series[minute];
    }
    return sum;
  }

  /** Returns running sums over the groups: entry m is what was credited before minute m. */
  cumulative(groups: readonly number[], minutes: number): Float64Array {
    const sums = new Float64Array(minutes + 1);
    for (const group of groups) {
      const series = this.minutes.get(group) ?? [];
      for (let minute = 0; minute < Math.min(minutes, series.length); minute++) sums[minute + 1] += series[minute];
    }
    for (let minute = 0; minute < minutes; minute++) sums[minute + 1] += sums[minute];
    return sums;
  }
}

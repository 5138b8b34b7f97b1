import { GRID_S } from './rules.ts';

/** Kilograms that the world credited, by group and minute of mission time. */
export class Production {
  private readonly minutes = new Map<number, number[]>();
  totalKg = 0;

  credit(timeMs: number, group: number, kg: number): void {
    this.totalKg += kg;
    let series = this.minutes.get(group);
    if (series === undefined) {
      series = [];
      this.minutes.set(group, series);
    }
    // What is credited at an instant was made before it: a credit on a full minute belongs to the minute that ends there.
    const minute = Math.max(0, Math.ceil(timeMs / (GRID_S * 1000)) - 1);
    while (series.length <= minute) series.push(0);
    series[minute] += kg;
  }

  /** Kilograms credited on the groups within [fromMinute, toMinute). */
  kg(groups: readonly number[], fromMinute: number, toMinute: number): number {
    let sum = 0;
    for (const group of groups) {
      const series = this.minutes.get(group);
      if (series === undefined) continue;
      for (let minute = fromMinute; minute < Math.min(toMinute, series.length); minute++) sum += series[minute];
    }
    return sum;
  }

  /** Running sums over the groups: entry m is what was credited before minute m. */
  cumulative(groups: readonly number[], minutes: number): Float64Array {
    const sums = new Float64Array(minutes + 1);
    for (const group of groups) {
      const series = this.minutes.get(group) ?? [];
      for (let minute = 0; minute < Math.min(minutes, series.length); minute++) sums[minute + 1] += series[minute];
    }
    for (let minute = 0; minute < minutes; minute++) sums[minute + 1] += sums[minute];
    return sums;
  }

  groups(): number[] {
    return [...this.minutes.keys()].sort((a, b) => a - b);
  }
}

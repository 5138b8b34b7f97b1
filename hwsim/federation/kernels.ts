import { z } from 'zod';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import type { RandomStream } from '../kernel/random.ts';
import shipped from './kernels.jsonl';
import { type ClusterOutcome, clusterOutcomeSchema } from './outcomes.ts';
import { fleetScenario } from './setting.ts';

export type DrawnDisruption = ClusterOutcome['disruptions'][number];

/** Days of the flights that kernels are drawn from: that of cluster-neo. */
const kernelDays = 14;
/** With fewer outcomes of a kind in the nearest size, those of all sizes are drawn from. */
const outcomesMin = 10;

/** Reads outcomes, one JSON object a line. Throws CommandError (3) that names file and line. */
export function parseOutcomes(text: string, name: string): ClusterOutcome[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    try {
      return clusterOutcomeSchema.parse(JSON.parse(line));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new CommandError(
        `${name}:${index + 1}: is no outcome of a cluster (fleet --out writes clusters.jsonl): ${why}`,
        exitCode.input,
      );
    }
  });
}

export const shippedOutcomes = (): ClusterOutcome[] => parseOutcomes(shipped, 'hwsim/federation/kernels.jsonl');

/** How many disruptions of each kind a flight has in a cluster. */
function countsOf(days: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const disruption of fleetScenario(days).disruptions) {
    const count = 'count' in disruption ? disruption.count : 1;
    counts.set(disruption.kind, (counts.get(disruption.kind) ?? 0) + count);
  }
  return counts;
}

/** A draw with replacement. */
const pick = <Item>(random: RandomStream, items: readonly Item[]): Item => items[random.below(items.length)];

/**
 * Empirical kernels: what became of clusters of real firmware, by size and kind of disruption. A
 * draw repeats one outcome that was measured; nothing is fitted, and no draw lies between two.
 */
export class Kernels {
  /** Sizes of the clusters that flew, ascending. */
  readonly sizes: readonly number[];
  /** Clusters that flew. */
  readonly count: number;
  readonly images: readonly string[];
  readonly #clusters = new Map<number, ClusterOutcome[]>();
  /** By size and kind, then by kind alone. */
  readonly #disruptions = new Map<string, DrawnDisruption[]>();
  /** Outcomes that one disruption of a kind has: those with a begin and an end have two. */
  readonly #perDisruption = new Map<string, number>();
  /** By days of a flight: how many disruptions of each kind it has. */
  readonly #counts = new Map<number, Map<string, number>>();

  /** Throws RangeError without outcomes of 14 days. */
  constructor(outcomes: readonly ClusterOutcome[]) {
    const flown = outcomes.filter(({ days }) => days === kernelDays);
    if (flown.length === 0) throw new RangeError(`kernels need outcomes of flights of ${kernelDays} days`);
    this.count = flown.length;
    this.images = [...new Set(flown.map(({ image }) => image))];
    this.sizes = [...new Set(flown.map(({ nodes }) => nodes))].sort((one, other) => one - other);
    for (const outcome of flown) {
      this.#clusters.set(outcome.nodes, [...(this.#clusters.get(outcome.nodes) ?? []), outcome]);
      for (const disruption of outcome.disruptions)
        for (const key of [`${outcome.nodes} ${disruption.kind}`, disruption.kind])
          this.#disruptions.set(key, [...(this.#disruptions.get(key) ?? []), disruption]);
    }
    for (const [kind, count] of this.#countsOf(kernelDays)) {
      const total = this.#disruptions.get(kind)?.length ?? 0;
      this.#perDisruption.set(kind, Math.round(total / (count * flown.length)));
    }
  }

  /** The size among those that flew whose ratio to `nodes` is nearest to 1. */
  sizeFor(nodes: number): number {
    const far = (size: number) => Math.max(size / nodes, nodes / size);
    return this.sizes.reduce((best, size) => (far(size) < far(best) ? size : best));
  }

  /** Draws what becomes of the disruptions of a cluster of `nodes` in a flight of `days`. */
  drawDisruptions(random: RandomStream, nodes: number, days: number): DrawnDisruption[] {
    const size = this.sizeFor(nodes);
    return [...this.#countsOf(days)].flatMap(([kind, count]) => {
      const ofSize = this.#disruptions.get(`${size} ${kind}`) ?? [];
      const pool = ofSize.length >= outcomesMin ? ofSize : (this.#disruptions.get(kind) ?? []);
      const drawn = pool.length === 0 ? 0 : count * this.#perDisruption.get(kind)!;
      return Array.from({ length: drawn }, () => pick(random, pool));
    });
  }

  #countsOf(days: number): Map<string, number> {
    let counts = this.#counts.get(days);
    if (counts === undefined) this.#counts.set(days, (counts = countsOf(days)));
    return counts;
  }

  /** Draws a cluster of the nearest size: its production, radio and losses are a whole. */
  drawCluster(random: RandomStream, nodes: number): ClusterOutcome {
    return pick(random, this.#clusters.get(this.sizeFor(nodes))!);
  }

  /** What a flight asks of the kernels that no flight of firmware covers, in words. */
  extrapolation(sizes: readonly number[], days: number): string[] {
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
    const [from, to] = [this.sizes[0], this.sizes[this.sizes.length - 1]];
    return [
      ...(least < from || most > to ? [`clusters of ${least} to ${most} nodes, drawn from ${from} to ${to}`] : []),
      ...(days > kernelDays ? [`${days} days, drawn from ${kernelDays}`] : []),
    ];
  }
}

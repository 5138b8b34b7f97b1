/** Estimates rates from counts, with their intervals, and what follows from them. */
import { createRequire } from 'node:module';
import type jstat from 'jstat';
import { exponentialOf } from '../kernel/exponential.ts';

/** Loads jstat when it is first needed: otherwise every command would wait for it. */
const jStat = () => (createRequire(import.meta.url)('jstat') as typeof jstat).jStat;
const beta = () => jStat().beta;

/** A share with its 95 % interval. */
export interface Share {
  count: number;
  n: number;
  rate: number;
  /** Two-sided 95 %. */
  low95: number;
  high95: number;
}

/**
 * Returns the interval of Clopper and Pearson (1934): exact, from the quantiles of the beta
 * distribution; never too narrow.
 */
export function shareOf(count: number, n: number): Share {
  if (n === 0) return { count, n, rate: 0, low95: 0, high95: 1 };
  return {
    count,
    n,
    rate: count / n,
    low95: count === 0 ? 0 : beta().inv(0.025, count, n - count + 1),
    high95: count === n ? 1 : beta().inv(0.975, count + 1, n - count),
  };
}

/**
 * Returns the one-sided 95 % upper bound of a rate: 3 ÷ n for no failure (the rule of three), else
 * Clopper and Pearson.
 */
export function upperBound95(count: number, n: number): number {
  if (n === 0 || count === n) return 1;
  return count === 0 ? Math.min(1, 3 / n) : beta().inv(0.95, count + 1, n - count);
}

/** Returns the one-sided 95 % lower bound of a rate. */
export function lowerBound95(count: number, n: number): number {
  return n === 0 || count === 0 ? 0 : beta().inv(0.05, count, n - count + 1);
}

/**
 * Mean work to failure (Reis et al., "Design and evaluation of hybrid fault-detection systems",
 * ISCA 2005): work done per failure. A node's work is to coordinate for a year, however many
 * instructions that takes, because its memory is exposed all that time. So MWTF = 1 ÷ (upsets per
 * bit and year × bits × share of upsets that fail), in node-years. A protection pays for its
 * additional memory, as it pays for additional instructions where those are the measure.
 */
export interface MeanWork {
  /** Node-years per failure; null: no failure was seen. */
  nodeYears: number | null;
  low95: number;
  /** null: no upper bound, because no failure was seen. */
  high95: number | null;
}

const daysPerYear = 365.25;
/**
 * Raw upsets per bit and day of radiation-tolerant SRAM in quiet times: assumed
 * (docs/injection.md).
 */
const upsetsPerBitDay = 1e-8;

export function meanWorkToFailure(failures: Share, bits: number): MeanWork {
  const upsetsPerYear = upsetsPerBitDay * daysPerYear * bits;
  const workAt = (rate: number) => 1 / (upsetsPerYear * rate);
  const { count, rate, low95, high95 } = failures;
  return {
    nodeYears: count === 0 ? null : workAt(rate),
    low95: workAt(high95),
    high95: low95 === 0 ? null : workAt(low95),
  };
}

/**
 * Returns the upper end of the one-sided 95 % interval of a Poisson mean, `count` seen: 3.0 for
 * none.
 */
export function poissonUpper95(count: number): number {
  const below = (mean: number) => {
    let term = exponentialOf(-mean);
    let sum = term;
    for (let k = 1; k <= count; k++) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  let low = count;
  let high = 10 + 3 * count;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (below(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

export interface FittedLine {
  slope: number;
  intercept: number;
  /** Share of the variance that the line explains. */
  rSquared: number;
}

/** Fits a line through points by least squares. */
export function fitLine(points: readonly { x: number; y: number }[]): FittedLine {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const varianceX = mean(({ x }) => (x - meanX) ** 2);
  const varianceY = mean(({ y }) => (y - meanY) ** 2);
  const covariance = mean(({ x, y }) => (x - meanX) * (y - meanY));
  const slope = covariance / varianceX;
  const rSquared = varianceY === 0 ? 1 : covariance ** 2 / (varianceX * varianceY);
  return { slope, intercept: meanY - slope * meanX, rSquared };
}

/**
 * Returns the two-sided 95 % interval of a quantile of n samples as indexes into the sorted sample,
 * from its order statistics: no distribution is assumed. null: that end lies beyond the sample.
 */
export function quantileBounds95(n: number, share: number): [low: number | null, high: number | null] {
  const below = (rank: number) => jStat().binomial.cdf(rank - 1, n, share);
  let low: number | null = null;
  let high: number | null = null;
  for (let rank = 1; rank <= n; rank++) {
    if (below(rank) <= 0.025) low = rank - 1;
    if (high === null && below(rank) >= 0.975) high = rank - 1;
  }
  return [low, high];
}

/** Returns from how many samples on the interval of `quantileBounds95` has an upper end. */
export function samplesWithUpperBound95(share: number): number {
  let samples = 0;
  for (let below = 1; below > 0.025; below *= share) samples++;
  return samples;
}

/**
 * The greatest distance of two empirical distributions (Kolmogorov–Smirnov). Throws RangeError
 * without samples.
 */
export function distributionDistance(one: readonly number[], other: readonly number[]): number {
  if (one.length === 0 || other.length === 0) throw new RangeError('a distance needs samples of both');
  const [ours, theirs] = [one, other].map((samples) => [...samples].sort((a, b) => a - b));
  let [i, j, greatest] = [0, 0, 0];
  while (i < ours.length && j < theirs.length) {
    const value = Math.min(ours[i], theirs[j]);
    while (i < ours.length && ours[i] <= value) i += 1;
    while (j < theirs.length && theirs[j] <= value) j += 1;
    greatest = Math.max(greatest, Math.abs(i / ours.length - j / theirs.length));
  }
  return greatest;
}

/**
 * The distance that one in twenty pairs of samples of one distribution exceeds, for large samples.
 */
export function distanceOfChance(n: number, m: number): number {
  return 1.358 * Math.sqrt((n + m) / (n * m));
}

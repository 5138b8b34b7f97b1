import { exponentialOf } from '../kernel/exponential.ts';
import { RandomStream } from '../kernel/random.ts';
import type { UpsetRates } from '../scenario/schema.ts';
import { type StormFlux, upsetFactor } from './flux.ts';

/**
 * Bits of one node's memory that one particle flips at once. Bits count from 0 at the start of the
 * node's memory.
 */
export interface Upset {
  atMs: number;
  node: number;
  bits: number[];
}

const msPerDay = 86_400_000;
/**
 * Length of a bin, in which the rate counts as constant: the flux changes by less than 3 % in it.
 */
const binMs = 600_000;
const wordBits = 32;
/**
 * A burst flips the first and the last of this many neighbouring bits, and each bit between them by
 * chance. *Assumed*.
 */
const burstBitsMin = 3;
const burstBitsMax = 8;
/** Above this mean, e^−mean comes near the smallest double, and a draw is made in parts. */
const meanMax = 100;

/**
 * Draws from a Poisson distribution by multiplication (Knuth), without logarithms, whose last bits
 * differ between engines.
 */
function poisson(random: RandomStream, mean: number): number {
  let count = 0;
  for (let left = mean; left > 0; left -= meanMax) {
    const bound = exponentialOf(-Math.min(left, meanMax));
    for (let product = random.fraction(); product > bound; product *= random.fraction()) count += 1;
  }
  return count;
}

function drawBits(random: RandomStream, { doubleShare, burstShare }: UpsetRates, memoryBits: number): number[] {
  const first = random.below(memoryBits);
  const kind = random.fraction();
  if (kind < doubleShare) {
    // Two bits of one word: an error-correcting word detects them but cannot correct them.
    const inWord = random.below(wordBits - 1);
    const second = first - (first % wordBits) + (inWord >= first % wordBits ? inWord + 1 : inWord);
    return [first, second].sort((a, b) => a - b);
  }
  if (kind >= doubleShare + burstShare) return [first];
  const length = burstBitsMin + random.below(burstBitsMax - burstBitsMin + 1);
  const bits = Array.from({ length }, (_, index) => Math.min(first, memoryBits - length) + index);
  return bits.filter((_, index) => index === 0 || index === length - 1 || random.fraction() < 0.5);
}

/** Returns the expected number of upsets of one node until `untilMs`. */
export function expectedUpsets(
  rates: UpsetRates,
  storms: readonly StormFlux[],
  memoryBits: number,
  untilMs: number,
): number {
  let mean = 0;
  for (let at = 0; at < untilMs; at += binMs) mean += meanOfBin(rates, storms, memoryBits, at, untilMs);
  return mean;
}

function meanOfBin(
  rates: UpsetRates,
  storms: readonly StormFlux[],
  memoryBits: number,
  at: number,
  untilMs: number,
): number {
  const lengthMs = Math.min(binMs, untilMs - at);
  return (rates.perBitDay * rates.scale * memoryBits * upsetFactor(storms, at + lengthMs / 2) * lengthMs) / msPerDay;
}

/** Draws all upsets of a run, in order of time, ties by node; each node has a stream of its own. */
export function drawUpsets(
  rates: UpsetRates,
  storms: readonly StormFlux[],
  { seed, nodes, memoryBits, untilMs }: { seed: number; nodes: number; memoryBits: number; untilMs: number },
): Upset[] {
  const upsets: Upset[] = [];
  const streams = Array.from({ length: nodes }, (_, node) => new RandomStream(seed, 'upsets', node));
  for (let at = 0; at < untilMs; at += binMs) {
    const mean = meanOfBin(rates, storms, memoryBits, at, untilMs);
    streams.forEach((random, node) => {
      for (let left = poisson(random, mean); left > 0; left -= 1) {
        const atMs = at + random.below(Math.min(binMs, untilMs - at));
        upsets.push({ atMs, node, bits: drawBits(random, rates, memoryBits) });
      }
    });
  }
  return upsets.sort((a, b) => a.atMs - b.atMs || a.node - b.node);
}

/** Names the fault models, and draws the model and the width of an injection. */
import type { RandomStream } from '../kernel/random.ts';

/** All of them exist on boards. */
export const modelNames = ['bit', 'double', 'burst', 'vertical', 'stuck', 'register', 'skip'] as const;
export type ModelName = (typeof modelNames)[number];

/** Models of memory, which every target has. */
export const memoryModels: readonly ModelName[] = ['bit', 'double', 'burst', 'vertical', 'stuck'];

/** The default mix of models. */
export const mixedModels: readonly ModelName[] = ['bit', 'double', 'burst'];

/**
 * Shares of the default mix; the rest are single bits. Doubles: 8 %, the middle of Cassini's 4–12 %
 * (environment.md). Bursts of 3 to 8 adjacent bits: 2 %, *assumed*: no flight figure is at hand,
 * and without a share no burst would be tested.
 */
const mixShares = { double: 0.08, burst: 0.02 } as const;

export const burstBitsMin = 3;
export const burstBitsMax = 8;
/** A double lies in one 32-bit word, or anywhere in one line of the protected context. */
export const wordBytes = 4;
/**
 * How far the flips of an injection spread. double: both lie in one 32-bit word, or anywhere in one
 * 64-byte line. vertical: the rows of the column are bytes or 32-bit words.
 */
export type FlipSpan = 'byte' | 'word' | 'line';
/** A vertical cluster: flips in one bit column of a line, whose rows are bytes or 32-bit words. */
const verticalBitsMin = 3;
const verticalBitsMax = 4;

const isMix = (models: readonly ModelName[]) =>
  models.length === mixedModels.length && mixedModels.every((model) => models.includes(model));

/**
 * Returns the model for a draw in [0, 1). The default mix has its own shares; of other lists, all
 * models are equally likely.
 */
export function modelAt(models: readonly ModelName[], draw: number): ModelName {
  if (!isMix(models)) return models[Math.floor(draw * models.length)];
  if (draw < mixShares.burst) return 'burst';
  return draw < mixShares.burst + mixShares.double ? 'double' : 'bit';
}

/**
 * Draws in which of `rows` rows a vertical cluster flips its column, ascending. Half of the
 * clusters have a regular spacing, as physically interleaved memories make them.
 */
export function drawRows(random: RandomStream, rows: number): number[] {
  const count = verticalBitsMin + random.below(verticalBitsMax - verticalBitsMin + 1);
  if (random.below(2) === 0) {
    const step = 1 + random.below(Math.floor((rows - 1) / (count - 1)));
    const first = random.below(rows - step * (count - 1));
    return Array.from({ length: count }, (_, index) => first + index * step);
  }
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(random.below(rows));
  return [...drawn].sort((one, other) => one - other);
}

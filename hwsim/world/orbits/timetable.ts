import { FRAME_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { RandomStream } from '../../kernel/random.ts';
import { framesPerContact } from './bounds.ts';
import { dayMs, type Position, positionAt } from './kepler.ts';
import { distanceKm, lightMsOver, linkBitsPerS } from './link.ts';
import { type Neighbours, neighboursAt, type Pair } from './neighbours.ts';
import type { Places } from './places.ts';

/** Time to turn the dish, lock and synchronize at the beginning of a contact; *assumed*. */
const acquisitionMs = 30_000;
/**
 * How much a light time may leave the range that it has at the beginning, in the middle and at the
 * end of a day. At 0.1 AU from the Sun, 0.6 km/s² × (12 h)² ÷ 8 is 0.5 s.
 */
const lightMarginMs = 1000;

/** A pair's contact in each period of one day. */
export interface Entry extends Pair {
  /** From the beginning of the period, ms. */
  offsetMs: number;
  durationMs: number;
  bitsPerS: number;
}

/** Contacts of one day, the same in each period. */
export interface Timetable {
  day: number;
  neighbours: Neighbours;
  /** In the order of their offsets. */
  entries: readonly Entry[];
  /** Pairs for whom the radios had no time. */
  unscheduled: readonly Pair[];
}

/** Times at which one cluster's dish is turned to another one: on a circle of one period. */
class Dish {
  readonly #periodMs: number;
  readonly #begins: number[] = [];
  readonly #lengths: number[] = [];

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Returns by how much an interval must be later to overlap none; 0 when it is free. */
  delayMs(beginMs: number, lengthMs: number): number {
    const period = this.#periodMs;
    let delay = 0;
    for (const [index, begin] of this.#begins.entries()) {
      const length = this.#lengths[index];
      const since = (((beginMs - begin) % period) + period) % period;
      if (since < length) delay = Math.max(delay, length - since);
      else if (period - since < lengthMs) delay = Math.max(delay, period - since + length);
    }
    return delay;
  }

  occupy(beginMs: number, lengthMs: number): void {
    this.#begins.push(beginMs % this.#periodMs);
    this.#lengths.push(lengthMs);
  }
}

/** A contact that is to be entered: when its reception begins and how long it lasts at most. */
interface Wish extends Entry {
  receptionAfterMs: number;
  receptionMs: number;
}

/** Says what a pair's contact needs on a day; null when the two are too far apart. */
function wishOf(pair: Pair, samples: readonly (readonly Position[])[], offsetMs: number): Wish | null {
  let [nearest, farthest] = [Number.POSITIVE_INFINITY, 0];
  for (const positions of samples) {
    const km = distanceKm(positions[pair.a], positions[pair.b]);
    if (km < nearest) nearest = km;
    if (km > farthest) farthest = km;
  }
  const bitsPerS = linkBitsPerS(farthest);
  if (bitsPerS === 0) return null;
  const durationMs = acquisitionMs + Math.ceil((framesPerContact * FRAME_BYTES_MAX * 8 * 1000) / bitsPerS);
  const receptionAfterMs = Math.max(0, lightMsOver(nearest) - lightMarginMs);
  const latestMs = lightMsOver(farthest) + lightMarginMs;
  return {
    ...pair,
    offsetMs,
    durationMs,
    bitsPerS,
    receptionAfterMs,
    receptionMs: latestMs - receptionAfterMs + durationMs,
  };
}

/** Takes the first free offset from the wished one on. Returns null when none is free. */
function enter(wish: Wish, dishes: readonly Dish[], periodMs: number): Entry | null {
  const { a, b, durationMs, bitsPerS, receptionAfterMs, receptionMs } = wish;
  const two = [dishes[a], dishes[b]];
  if (receptionMs > periodMs) return null;
  for (let later = 0; later < periodMs; ) {
    const begin = wish.offsetMs + later;
    const delay = Math.max(
      ...two.flatMap((dish) => [dish.delayMs(begin, durationMs), dish.delayMs(begin + receptionAfterMs, receptionMs)]),
    );
    if (delay === 0) {
      for (const dish of two) {
        dish.occupy(begin, durationMs);
        dish.occupy(begin + receptionAfterMs, receptionMs);
      }
      return { a, b, offsetMs: begin % periodMs, durationMs, bitsPerS };
    }
    later += delay;
  }
  return null;
}

/** The offset at which a pair would like to begin: always the same, so that days differ little. */
function wishedOffsetMs(seed: number, { a, b }: Pair, periodMs: number): number {
  return new RandomStream(seed, `contacts/${a}`, b).below(periodMs);
}

/**
 * Makes the timetable of a day, a function of places, day and period: pairs take the first free
 * offset in the order of those that they wish. A dish is turned to its partner while it sends and,
 * a light time later, while it receives; sending and receiving to the same partner may overlap.
 */
export function timetableOf(places: Places, day: number, periodMs: number): Timetable {
  const samples = [0, 0.5, 1].map((part) =>
    places.clusters.map(({ orbit }) => positionAt(orbit, (day + part) * dayMs)),
  );
  const neighbours = neighboursAt(places, samples[1]);
  const dishes = places.clusters.map(() => new Dish(periodMs));
  const wishes = neighbours.pairs.map((pair) => ({ pair, offsetMs: wishedOffsetMs(places.seed, pair, periodMs) }));
  wishes.sort((one, other) => one.offsetMs - other.offsetMs || one.pair.a - other.pair.a || one.pair.b - other.pair.b);
  const entries: Entry[] = [];
  const unscheduled: Pair[] = [];
  for (const { pair, offsetMs } of wishes) {
    const wish = wishOf(pair, samples, offsetMs);
    const entry = wish && enter(wish, dishes, periodMs);
    if (entry === null) unscheduled.push(pair);
    else entries.push(entry);
  }
  entries.sort((one, other) => one.offsetMs - other.offsetMs || one.a - other.a || one.b - other.b);
  return { day, neighbours, entries, unscheduled };
}

import type { ModelName } from '../outcomes.ts';
import { RandomStream } from '../../kernel/random.ts';
import type { CallLog } from './golden.ts';
import type { Program } from './machine.ts';

/** One upset: before call `call` of node `node`, bits of its memory flip. */
export interface Upset {
  index: number;
  model: ModelName;
  /** double: whether the two bits lie in one 32-bit word, or anywhere in one 64-byte line. */
  span?: 'word' | 'line';
  node: number;
  call: number;
  /** Byte address in linear memory. */
  place: number;
  /** Bits from the least significant one of the byte at `place` on. */
  bits: number[];
}

/**
 * Shares of the default mix. Doubles: 8 %, the middle of Cassini's 4–12 % (environment.md). Bursts of 3 to 8 adjacent bits: 2 %, *assumed*; no flight
 * figure is at hand, and without any none would be tested.
 */
export const mixShares = { double: 0.08, burst: 0.02 } as const;
const burstBitsMin = 3;
const burstBitsMax = 8;
const lineBytes = 64;

/** Calls of each node within the window of injections: [from, to). */
export interface Window {
  from: number[];
  to: number[];
  total: number;
}

export function windowOf(logs: readonly CallLog[], fromMs: number, toMs: number): Window {
  const from: number[] = [];
  const to: number[] = [];
  let total = 0;
  for (const log of logs) {
    let first = 0;
    while (first < log.count && log.timeMs[first] < fromMs) first += 1;
    let end = first;
    while (end < log.count && log.timeMs[end] < toMs) end += 1;
    from.push(first);
    to.push(end);
    total += end - first;
  }
  return { from, to, total };
}

/** Upset number `index` of a campaign: a function of the seed, the window and the image's layout. Uniform over calls × bits. */
export function drawUpset(
  seed: number,
  index: number,
  models: readonly ModelName[],
  window: Window,
  program: Program,
): Upset {
  const random = new RandomStream(seed, 'inject', index);
  const model = drawModel(random, models);
  let step = random.below(window.total);
  let node = 0;
  while (step >= window.to[node] - window.from[node]) {
    step -= window.to[node] - window.from[node];
    node += 1;
  }
  const call = window.from[node] + step;
  const bit = random.below((program.stateTo - program.stateFrom) * 8);
  return { index, model, node, call, ...drawBits(random, model, bit, program) };
}

function drawModel(random: RandomStream, models: readonly ModelName[]): ModelName {
  const share = random.fraction();
  if (models.length === 1) return models[0];
  const mixed = models.includes('bit') && models.includes('double') && models.includes('burst') && models.length === 3;
  if (!mixed) return models[Math.floor(share * models.length)];
  if (share < mixShares.burst) return 'burst';
  return share < mixShares.burst + mixShares.double ? 'double' : 'bit';
}

function drawBits(
  random: RandomStream,
  model: ModelName,
  bit: number,
  program: Program,
): Pick<Upset, 'place' | 'bits' | 'span'> {
  const place = program.stateFrom + (bit >> 3);
  if (model === 'burst') {
    const length = burstBitsMin + random.below(burstBitsMax - burstBitsMin + 1);
    const last = (program.stateTo - program.stateFrom) * 8 - length;
    const first = Math.min(bit, last);
    return {
      place: program.stateFrom + (first >> 3),
      bits: Array.from({ length }, (_, offset) => (first & 7) + offset),
    };
  }
  if (model !== 'double') return { place, bits: [bit & 7] };
  const span = random.below(2) === 0 ? 'word' : 'line';
  const bytes = span === 'word' ? 4 : lineBytes;
  const from = Math.min(place & -bytes, program.stateTo - bytes);
  const one = (place - from) * 8 + (bit & 7);
  const other = (one + 1 + random.below(bytes * 8 - 1)) % (bytes * 8);
  return { place: from, bits: [Math.min(one, other), Math.max(one, other)], span };
}

/** Flips the upset's bits. */
export function flip(bytes: Uint8Array, { place, bits }: Pick<Upset, 'place' | 'bits'>): void {
  for (const bit of bits) bytes[place + (bit >> 3)] ^= 1 << (bit & 7);
}

/** A stuck cell: whatever is written there, it reads as it read just after the upset. */
export class Stuck {
  readonly word: number;
  readonly #mask: number;
  readonly #value: number;

  /** `machine` holds the flipped bit. */
  constructor({ place, bits }: Pick<Upset, 'place' | 'bits'>, machine: { words: Int32Array }) {
    const at = place + (bits[0] >> 3);
    this.word = at >> 2;
    this.#mask = 1 << ((at & 3) * 8 + (bits[0] & 7));
    this.#value = machine.words[this.word] & this.#mask;
  }

  hold({ words }: { words: Int32Array }): void {
    words[this.word] = (words[this.word] & ~this.#mask) | this.#value;
  }
}

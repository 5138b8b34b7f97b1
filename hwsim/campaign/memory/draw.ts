/** Draws upsets: when they fall, and which bits of the image's memory they flip. */
import { RandomStream } from '../../kernel/random.ts';
import {
  burstBitsMax,
  burstBitsMin,
  drawRows,
  type FlipSpan,
  type ModelName,
  modelAt,
  wordBytes,
} from '../fault_models.ts';
import type { CallLog } from './golden.ts';
import type { Program } from './machine.ts';
import { LINE_BYTES } from '../../../host/cbor/generated.ts';

/** One upset: before call `call` of node `node`, bits of its memory flip. */
export interface Upset {
  index: number;
  model: ModelName;
  /** double and vertical only. */
  span?: FlipSpan;
  node: number;
  call: number;
  /** Byte address in linear memory. */
  place: number;
  /** Counted from the least significant bit of the byte at `place`. */
  bits: number[];
}

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

/** From what upsets are drawn. */
export interface DrawSource {
  seed: number;
  models: readonly ModelName[];
  window: Window;
  program: Program;
}

/**
 * Draws upset number `index` of a campaign: a function of the seed, the models, the window and the
 * image's layout. Uniform over calls × bits.
 */
export function drawUpset({ seed, models, window, program }: DrawSource, index: number): Upset {
  const random = new RandomStream(seed, 'inject', index);
  const model = modelAt(models, random.fraction());
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

/** Widens a bit of the state (counted from its first byte) to the bits that the model flips. */
function drawBits(
  random: RandomStream,
  model: ModelName,
  bit: number,
  { stateFrom, stateTo }: Program,
): Pick<Upset, 'place' | 'bits' | 'span'> {
  const place = stateFrom + (bit >> 3);
  if (model === 'burst') {
    const length = burstBitsMin + random.below(burstBitsMax - burstBitsMin + 1);
    const first = Math.min(bit, (stateTo - stateFrom) * 8 - length);
    const bits = Array.from({ length }, (_, offset) => (first & 7) + offset);
    return { place: stateFrom + (first >> 3), bits };
  }
  if (model === 'vertical') {
    const span = random.below(2) === 0 ? 'byte' : 'word';
    const rowBytes = span === 'byte' ? 1 : wordBytes;
    const from = Math.min(place & -LINE_BYTES, stateTo - LINE_BYTES);
    const column = (place % rowBytes) * 8 + (bit & 7);
    const bits = drawRows(random, LINE_BYTES / rowBytes).map((row) => row * rowBytes * 8 + column);
    return { place: from, bits, span };
  }
  if (model !== 'double') return { place, bits: [bit & 7] };
  const span = random.below(2) === 0 ? 'word' : 'line';
  const bytes = span === 'word' ? wordBytes : LINE_BYTES;
  const from = Math.min(place & -bytes, stateTo - bytes);
  const one = (place - from) * 8 + (bit & 7);
  const other = (one + 1 + random.below(bytes * 8 - 1)) % (bytes * 8);
  return { place: from, bits: [Math.min(one, other), Math.max(one, other)], span };
}

/** Flips the upset's bits. */
export function flip(bytes: Uint8Array, { place, bits }: Pick<Upset, 'place' | 'bits'>): void {
  for (const bit of bits) bytes[place + (bit >> 3)] ^= 1 << (bit & 7);
}

/** A stuck cell: whatever is written to it, it reads as it did just after the upset. */
export class StuckBit {
  /** Word number: byte address ÷ 4. */
  readonly word: number;
  readonly #mask: number;
  readonly #value: number;

  /** `machine`: its memory holds the flipped bit already. */
  constructor({ place, bits }: Pick<Upset, 'place' | 'bits'>, machine: { words: Int32Array }) {
    const at = place + (bits[0] >> 3);
    this.word = at >> 2;
    this.#mask = 1 << ((at & 3) * 8 + (bits[0] & 7));
    this.#value = machine.words[this.word] & this.#mask;
  }

  /** Forces the bit to its stuck value. */
  force({ words }: { words: Int32Array }): void {
    words[this.word] = (words[this.word] & ~this.#mask) | this.#value;
  }
}

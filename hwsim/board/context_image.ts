import type { Engine } from '../../host/engine/engine.ts';
import type { Image } from './checkpoint_slots.ts';

/** Blocks are compared and kept in units of so many words: no longer than the shortest record. */
const unitWords = 4;
/** More than any context has: the number of a unit has 16 bits. */
const unitsMax = 0x1_0000;

/** Units in which a block differs from another one, ascending, and their words. */
interface Difference {
  readonly units: Uint16Array;
  readonly words: Int32Array;
}

/**
 * Collects a difference. The words of a unit are written out, without a loop: each checkpoint
 * compares all units of a context.
 */
class DifferenceWriter {
  readonly #units: Uint16Array;
  readonly #words: Int32Array;
  #count = 0;

  constructor(blockWords: number) {
    this.#units = new Uint16Array(blockWords / unitWords);
    this.#words = new Int32Array(blockWords);
  }

  /** Adds the units in which two blocks differ, as the first one has them. */
  addDifferent(block: Int32Array, other: Int32Array): void {
    const { length } = block;
    for (let at = 0; at < length; at += unitWords)
      if (differ(block, at, other, at)) this.add(at / unitWords, block, at);
  }

  /** Adds unit `unit`, whose words stand in `from` at `at`. */
  add(unit: number, from: Int32Array, at: number): void {
    const words = this.#words;
    const to = this.#count * unitWords;
    words[to] = from[at];
    words[to + 1] = from[at + 1];
    words[to + 2] = from[at + 2];
    words[to + 3] = from[at + 3];
    this.#units[this.#count] = unit;
    this.#count += 1;
  }

  take(): Difference {
    const count = this.#count;
    this.#count = 0;
    return { units: this.#units.slice(0, count), words: this.#words.slice(0, count * unitWords) };
  }
}

function differ(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  const first = (a[atA] ^ b[atB]) | (a[atA + 1] ^ b[atB + 1]);
  return (first | (a[atA + 2] ^ b[atB + 2]) | (a[atA + 3] ^ b[atB + 3])) !== 0;
}

/** The checkpoint of a context as it was at the store. Its bytes are made when they are needed. */
class ContextImage implements Image {
  /** What the block differs from: the shared block, or the next checkpoint of the context. */
  base: Int32Array | ContextImage;
  difference: Difference;
  readonly #write: (block: Int32Array) => Uint8Array;

  constructor(base: Int32Array, difference: Difference, write: (block: Int32Array) => Uint8Array) {
    this.base = base;
    this.difference = difference;
    this.#write = write;
  }

  bytes(): Uint8Array {
    return this.#write(this.block());
  }

  /** Returns a copy of the block. */
  block(): Int32Array {
    const block = this.base instanceof ContextImage ? this.base.block() : this.base.slice();
    const { units, words } = this.difference;
    for (let index = 0; index < units.length; index += 1)
      for (let word = 0; word < unitWords; word += 1)
        block[units[index] * unitWords + word] = words[index * unitWords + word];
    return block;
  }
}

/**
 * Makes the checkpoints of the contexts in an engine. Contexts of one cluster are alike, and those
 * of one node still more: its newest checkpoint is kept as the difference from a block that all
 * share, an older one as the difference from the next.
 */
export class ContextImages {
  readonly #engine: Engine;
  readonly #scratch: number;
  readonly #out: number;
  readonly #writer: DifferenceWriter;
  #shared: Int32Array | null = null;
  /** By address of the context. */
  readonly #newest = new Map<number, ContextImage>();

  /** `scratch`: room for a context, `out`: room for a checkpoint. */
  constructor(engine: Engine, scratch: number, out: number) {
    this.#engine = engine;
    this.#scratch = scratch;
    this.#out = out;
    this.#writer = new DifferenceWriter(engine.image.contextBytes / 4);
  }

  /** Takes the checkpoint of the context at an address. */
  take(context: number): Image {
    const block = new Int32Array(this.#engine.view().buffer, context, this.#engine.image.contextBytes / 4);
    this.#shared ??= block.slice();
    const image = new ContextImage(this.#shared, this.#differenceOf(block, this.#shared), this.#checkpointOf);
    const before = this.#newest.get(context);
    if (before !== undefined) {
      before.difference = this.#differenceOfImages(before.difference, image.difference, this.#shared);
      before.base = image;
    }
    this.#newest.set(context, image);
    return image;
  }

  #differenceOf(block: Int32Array, from: Int32Array): Difference {
    this.#writer.addDifferent(block, from);
    return this.#writer.take();
  }

  /** Returns how a block differs from another, by the differences of both from one base. */
  #differenceOfImages(mine: Difference, other: Difference, base: Int32Array): Difference {
    const writer = this.#writer;
    for (let i = 0, j = 0; i < mine.units.length || j < other.units.length; ) {
      const mineUnit = i < mine.units.length ? mine.units[i] : unitsMax;
      const otherUnit = j < other.units.length ? other.units[j] : unitsMax;
      const unit = Math.min(mineUnit, otherUnit);
      const isMine = mineUnit === unit;
      const isOther = otherUnit === unit;
      if (!isOther) writer.add(unit, mine.words, i * unitWords);
      else if (!isMine) writer.add(unit, base, unit * unitWords);
      else if (differ(mine.words, i * unitWords, other.words, j * unitWords))
        writer.add(unit, mine.words, i * unitWords);
      if (isMine) i += 1;
      if (isOther) j += 1;
    }
    return writer.take();
  }

  /** Lets the firmware write the checkpoint of a block. */
  readonly #checkpointOf = (block: Int32Array): Uint8Array => {
    const { calls, image } = this.#engine;
    const view = this.#engine.view();
    view.set(new Uint8Array(block.buffer), this.#scratch);
    const length = calls.checkpoint(this.#scratch, this.#out, image.checkpointBytes);
    return view.slice(this.#out, this.#out + length);
  };
}

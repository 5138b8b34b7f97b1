import type { Engine } from '../../host/engine/engine.ts';
import type { Image } from './checkpoint_slots.ts';

/** Blocks are compared and kept in units of so many words: no longer than the shortest record. */
const unitWords = 4;
/** More than any context has: the number of a unit has 16 bits. */
const unitsMax = 0x1_0000;

/** Units in which a block differs from another one, ascending, and their words. */
interface Difference {
  /** Number of units. The arrays may have room for more. */
  readonly count: number;
  readonly units: Uint16Array;
  readonly words: Int32Array;
}

/**
 * Collects a difference. The words of a unit are written out, without a loop: each checkpoint
 * compares all units of a context.
 */
class DifferenceWriter implements Difference {
  count = 0;
  readonly units: Uint16Array;
  readonly words: Int32Array;

  constructor(blockWords: number) {
    this.units = new Uint16Array(blockWords / unitWords);
    this.words = new Int32Array(blockWords);
  }

  /** Adds the units in which two blocks differ, as the first one has them. */
  addDifferent(block: Int32Array, other: Int32Array): void {
    const { length } = block;
    for (let at = 0; at < length; at += unitWords)
      if (differ(block, at, other, at)) this.add(at / unitWords, block, at);
  }

  /** Adds unit `unit`, whose words stand in `from` at `at`. */
  add(unit: number, from: Int32Array, at: number): void {
    const { words } = this;
    const to = this.count * unitWords;
    words[to] = from[at];
    words[to + 1] = from[at + 1];
    words[to + 2] = from[at + 2];
    words[to + 3] = from[at + 3];
    this.units[this.count] = unit;
    this.count += 1;
  }

  /** Returns the difference in arrays of its own. */
  copy(): Difference {
    const { count, units, words } = this;
    return { count, units: units.slice(0, count), words: words.slice(0, count * unitWords) };
  }

  /** Likewise, in the arrays of `room` if they suffice, else in new ones with some to spare. */
  copyInto(room: Difference | undefined): Difference {
    const { count } = this;
    const capacity = Math.min(this.units.length, count + Math.ceil(count / 8));
    const hasRoom = room !== undefined && room.units.length >= count;
    const units = hasRoom ? room.units : new Uint16Array(capacity);
    const words = hasRoom ? room.words : new Int32Array(capacity * unitWords);
    units.set(this.units.subarray(0, count));
    words.set(this.words.subarray(0, count * unitWords));
    return { count, units, words };
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
    const { count, units, words } = this.difference;
    for (let index = 0; index < count; index += 1)
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
  /** The difference of the checkpoint that is taken, and that of the one before. */
  readonly #newer: DifferenceWriter;
  readonly #older: DifferenceWriter;
  #shared: Int32Array | null = null;
  /** By address of the context. */
  readonly #newest = new Map<number, ContextImage>();

  /** `scratch`: room for a context, `out`: room for a checkpoint. */
  constructor(engine: Engine, scratch: number, out: number) {
    this.#engine = engine;
    this.#scratch = scratch;
    this.#out = out;
    this.#newer = new DifferenceWriter(engine.image.contextBytes / 4);
    this.#older = new DifferenceWriter(engine.image.contextBytes / 4);
  }

  /** Takes the checkpoint of the context at an address. */
  take(context: number): Image {
    const block = new Int32Array(this.#engine.view().buffer, context, this.#engine.image.contextBytes / 4);
    this.#shared ??= block.slice();
    const newer = this.#newer;
    newer.count = 0;
    newer.addDifferent(block, this.#shared);
    const before = this.#newest.get(context);
    const room = before?.difference;
    if (before !== undefined) before.difference = this.#differenceOfImages(before.difference, newer, this.#shared);
    // Nothing else refers to the arrays that the checkpoint before had.
    const image = new ContextImage(this.#shared, newer.copyInto(room), this.#checkpointOf);
    if (before !== undefined) before.base = image;
    this.#newest.set(context, image);
    return image;
  }

  /** Returns how a block differs from another, by the differences of both from one base. */
  #differenceOfImages(mine: Difference, other: Difference, base: Int32Array): Difference {
    const writer = this.#older;
    writer.count = 0;
    for (let i = 0, j = 0; i < mine.count || j < other.count; ) {
      const mineUnit = i < mine.count ? mine.units[i] : unitsMax;
      const otherUnit = j < other.count ? other.units[j] : unitsMax;
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
    return writer.copy();
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

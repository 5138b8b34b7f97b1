import type { Engine } from '../../host/engine/engine.ts';
import type { Image } from './checkpoint_slots.ts';

/**
 * Blocks are compared and kept in units of so many words of 64 bits, which V8 compares without
 * making numbers of them. The last unit of a block ends with it, and overlaps the one before if
 * need be.
 */
const unitWords = 4;
const wordBytes = 8;
/** Room for units grows by a share of their number. */
const growthShare = 1 / 8;
/** From so many units on, one native comparison of them all is faster than one of each. */
const stretchUnitsMin = 64;

/** Returns the number of units of a block. */
const unitsOf = (blockWords: number): number => Math.ceil(blockWords / unitWords);

/** Returns where a unit begins in a block. */
const placeOf = (unit: number, blockWords: number): number => Math.min(unit * unitWords, blockWords - unitWords);

/** Some units of a block, in ascending order, and their words. */
class Units {
  count = 0;
  units: Uint16Array;
  words: BigInt64Array;

  constructor(capacity: number) {
    this.units = new Uint16Array(capacity);
    this.words = new BigInt64Array(capacity * unitWords);
  }

  /** Appends a unit, whose words stand in `from` at `at`. There must be room. */
  append(unit: number, from: BigInt64Array, at: number): void {
    const index = this.count;
    this.units[index] = unit;
    copyUnit(from, at, this.words, index * unitWords);
    this.count = index + 1;
  }

  /** Inserts those `added` units of `others` that are not here, as `block` has them. */
  insert(others: Units, added: number, block: BigInt64Array): void {
    let to = this.count + added;
    if (to > this.units.length) this.#grow(to);
    const { units, words } = this;
    let own = this.count - 1;
    let other = others.count - 1;
    this.count = to;
    // From the end, so that nothing is overwritten before it has moved.
    while (to > own + 1) {
      to -= 1;
      const unit = others.units[other];
      if (own >= 0 && units[own] >= unit) {
        if (units[own] === unit) other -= 1;
        units[to] = units[own];
        copyUnit(words, own * unitWords, words, to * unitWords);
        own -= 1;
      } else {
        units[to] = unit;
        copyUnit(block, placeOf(unit, block.length), words, to * unitWords);
        other -= 1;
      }
    }
  }

  #grow(countMin: number): void {
    const { units, words } = this;
    const capacity = Math.ceil(countMin * (1 + growthShare));
    this.units = new Uint16Array(capacity);
    this.words = new BigInt64Array(capacity * unitWords);
    this.units.set(units);
    this.words.set(words);
  }

  /** Writes the units to their places in a block. */
  writeTo(block: BigInt64Array): void {
    const { units, words, count } = this;
    for (let index = 0; index < count; index += 1)
      copyUnit(words, index * unitWords, block, placeOf(units[index], block.length));
  }

  /** Returns a copy without spare room. */
  copy(): Units {
    const copy = new Units(0);
    copy.count = this.count;
    copy.units = this.units.slice(0, this.count);
    copy.words = this.words.slice(0, this.count * unitWords);
    return copy;
  }
}

/** Copies a unit. Its words are written out, without a loop: checkpoints copy many. */
function copyUnit(from: BigInt64Array, at: number, to: BigInt64Array, toAt: number): void {
  to[toAt] = from[at];
  to[toAt + 1] = from[at + 1];
  to[toAt + 2] = from[at + 2];
  to[toAt + 3] = from[at + 3];
}

/** Likewise without a loop: each checkpoint compares many units of a context. */
function differ(a: BigInt64Array, atA: number, b: BigInt64Array, atB: number): boolean {
  if (a[atA] !== b[atB] || a[atA + 1] !== b[atB + 1]) return true;
  return a[atA + 2] !== b[atB + 2] || a[atA + 3] !== b[atB + 3];
}

/** Views the bytes of the words `from` to `to` of a block. */
function bytesOf(block: BigInt64Array, from: number, to: number): Uint8Array {
  return new Uint8Array(block.buffer, block.byteOffset + from * wordBytes, (to - from) * wordBytes);
}

/**
 * The newest checkpoint of a context: units that differ, or differed, from a shared block, which
 * has the others.
 */
class NewestBlock {
  readonly #shared: BigInt64Array;
  readonly #own = new Units(0);

  constructor(shared: BigInt64Array) {
    this.#shared = shared;
  }

  /** Takes over a block; sets `changed` to the units that change, as they were. */
  replace(block: BigInt64Array, changed: Units): void {
    const { units, words, count } = this.#own;
    changed.count = 0;
    let added = 0;
    let from = 0;
    for (let index = 0; index < count; index += 1) {
      const unit = units[index];
      if (from < unit) added += this.#compareShared(block, from, unit, changed);
      from = unit + 1;
      const at = placeOf(unit, block.length);
      const ownAt = index * unitWords;
      if (!differ(block, at, words, ownAt)) continue;
      changed.append(unit, words, ownAt);
      copyUnit(block, at, words, ownAt);
    }
    added += this.#compareShared(block, from, unitsOf(block.length), changed);
    if (added > 0) this.#own.insert(changed, added, block);
  }

  /**
   * Appends to `changed` the units from `from` to `to` that differ from the shared block, as that
   * has them. Returns how many.
   */
  #compareShared(block: BigInt64Array, from: number, to: number, changed: Units): number {
    const shared = this.#shared;
    if (to - from >= stretchUnitsMin) {
      const [begin, end] = [placeOf(from, block.length), Math.min(to * unitWords, block.length)];
      if (Buffer.compare(bytesOf(block, begin, end), bytesOf(shared, begin, end)) === 0) return 0;
    }
    const before = changed.count;
    for (let unit = from; unit < to; unit += 1) {
      const at = placeOf(unit, block.length);
      if (differ(block, at, shared, at)) changed.append(unit, shared, at);
    }
    return changed.count - before;
  }

  /** Writes the block. */
  writeTo(block: BigInt64Array): void {
    block.set(this.#shared);
    this.#own.writeTo(block);
  }
}

/** The checkpoint of a context as it was at the store. Its bytes are made when they are needed. */
class ContextImage implements Image {
  /** The newest block, or the next checkpoint of the context. */
  base: NewestBlock | ContextImage;
  /** What differs from the base; null: nothing. */
  difference: Units | null = null;
  readonly #bytesOf: (image: ContextImage) => Uint8Array;

  constructor(base: NewestBlock, bytesOf: (image: ContextImage) => Uint8Array) {
    this.base = base;
    this.#bytesOf = bytesOf;
  }

  bytes(): Uint8Array {
    return this.#bytesOf(this);
  }

  /** Writes the block. */
  writeTo(block: BigInt64Array): void {
    this.base.writeTo(block);
    this.difference?.writeTo(block);
  }
}

interface Newest {
  readonly block: NewestBlock;
  image: ContextImage;
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
  readonly #words: number;
  /** Room for the units that a checkpoint changes. */
  readonly #changed: Units;
  #shared: BigInt64Array | null = null;
  /** By address of the context. */
  readonly #newest = new Map<number, Newest>();

  /** `scratch`: room for a context, `out`: room for a checkpoint. */
  constructor(engine: Engine, scratch: number, out: number) {
    this.#engine = engine;
    this.#scratch = scratch;
    this.#out = out;
    this.#words = engine.image.contextBytes / wordBytes;
    this.#changed = new Units(unitsOf(this.#words));
  }

  /** Takes the checkpoint of the context at an address. */
  take(context: number): Image {
    const block = new BigInt64Array(this.#engine.view().buffer, context, this.#words);
    this.#shared ??= block.slice();
    const newest = this.#newest.get(context);
    const kept = newest?.block ?? new NewestBlock(this.#shared);
    kept.replace(block, this.#changed);
    const image = new ContextImage(kept, this.#checkpointOf);
    if (newest === undefined) this.#newest.set(context, { block: kept, image });
    else {
      newest.image.difference = this.#changed.copy();
      newest.image.base = image;
      newest.image = image;
    }
    return image;
  }

  /** Lets the firmware write the checkpoint of an image. */
  readonly #checkpointOf = (image: ContextImage): Uint8Array => {
    const { calls, image: facts } = this.#engine;
    const view = this.#engine.view();
    image.writeTo(new BigInt64Array(view.buffer, this.#scratch, this.#words));
    const length = calls.checkpoint(this.#scratch, this.#out, facts.checkpointBytes);
    return view.slice(this.#out, this.#out + length);
  };
}

import { CHECKPOINT_CRC_AT } from '../../host/cbor/generated.ts';
import { crc32c } from '../../host/cbor/crc32c.ts';
import type { RandomStream } from '../kernel/random.ts';

/**
 * Time for writing a checkpoint; a loss of power meanwhile leaves the words written so far.
 * *Assumed* for an MRAM of some MB/s.
 */
export const checkpointWriteMs = 200;

/**
 * Header of a checkpoint slot, little-endian words: magic, sequence, bytes of the checkpoint,
 * CRC-32C of sequence and bytes. The checkpoint follows.
 */
const slotHeaderBytes = 16;
const slotMagic = 0x544f4c53;
const headerWords = slotHeaderBytes / 4;

/** The content of a store. Its bytes may be made only when they are needed. */
export interface Image {
  bytes(): Uint8Array;
}

/**
 * A complete checkpoint in its checkpoint slot. Its cells are made only when they are needed, which
 * is seldom.
 */
interface Stored {
  image: Image;
  sequence: number;
}

interface CheckpointSlot {
  /**
   * A complete store, or cells as a power cut or a fault left them; null: nothing was ever written.
   */
  content: Stored | Uint8Array | null;
  /** The store that began last, until it is known to be complete. */
  write: (Stored & { beganMs: number }) | null;
}

/**
 * Yields the word writes of one store: word of the checkpoint slot, value. The magic is cleared
 * first and written last, so that a torn checkpoint slot never looks complete.
 */
function* slotWrites(image: Uint8Array, sequence: number): Generator<readonly [word: number, value: number]> {
  for (let word = 0; word < headerWords; word += 1) yield [word, 0];
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  for (let at = 0; at < image.length; at += 4) {
    let value = 0;
    if (at + 4 <= image.length) value = view.getUint32(at, true);
    else for (let byte = at; byte < image.length; byte += 1) value |= image[byte] << (8 * (byte - at));
    yield [headerWords + at / 4, value];
  }
  const check = new DataView(new ArrayBuffer(8));
  check.setUint32(0, sequence, true);
  check.setUint32(4, image.length, true);
  yield [3, crc32c(new Uint8Array(check.buffer))];
  yield [2, image.length];
  yield [1, sequence];
  yield [0, slotMagic];
}

export const writesOf = (imageBytes: number) => headerWords + Math.ceil(imageBytes / 4) + headerWords;

/** Returns the bytes for a header and a checkpoint, in whole words. */
const cellsFor = (imageBytes: number) => slotHeaderBytes + 4 * Math.ceil(imageBytes / 4);

/**
 * Returns the cells of a checkpoint slot after `done` words of a store were written over the
 * earlier cells, and the lower half of the next word if `half`. Cells that were not written keep
 * their value: a torn checkpoint slot has old and new words.
 */
export function tornCells(
  before: Uint8Array | null,
  image: Uint8Array,
  sequence: number,
  done: number,
  half: boolean,
): Uint8Array {
  const cells = new Uint8Array(Math.max(before?.length ?? 0, cellsFor(image.length)));
  if (before !== null) cells.set(before);
  const view = new DataView(cells.buffer);
  let index = 0;
  for (const [word, value] of slotWrites(image, sequence)) {
    if (index < done) view.setUint32(4 * word, value, true);
    else {
      if (half) view.setUint16(4 * word, value & 0xffff, true);
      break;
    }
    index += 1;
  }
  return cells;
}

/**
 * Reads checkpoint and sequence from the cells of a checkpoint slot; null when the header shows
 * none. The firmware verifies the content.
 */
function slotContent(cells: Uint8Array | null): { image: Uint8Array; sequence: number } | null {
  if (cells === null || cells.length < slotHeaderBytes) return null;
  const view = new DataView(cells.buffer, cells.byteOffset, cells.length);
  const [magic, sequence, bytes, check] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  if (magic !== slotMagic || bytes > cells.length - slotHeaderBytes) return null;
  if (check !== crc32c(cells.subarray(4, 12))) return null;
  return { image: cells.subarray(slotHeaderBytes, slotHeaderBytes + bytes), sequence };
}

function cellsOf(content: CheckpointSlot['content']): Uint8Array | null {
  if (content === null || content instanceof Uint8Array) return content;
  const bytes = content.image.bytes();
  return tornCells(null, bytes, content.sequence, writesOf(bytes.length), false);
}

function sequenceOf({ write, content }: CheckpointSlot): number | undefined {
  const whole = write ?? content;
  return whole instanceof Uint8Array ? slotContent(whole)?.sequence : whole?.sequence;
}

/** Faults of the memory's controller: the cells of MRAM are immune, accesses to them are not. */
export interface AccessFaults {
  perWord: number;
  random: RandomStream;
  /** Called at each fault. */
  onFault: (access: 'write' | 'read') => void;
}

/**
 * Simulates two checkpoint slots in MRAM, written in turn, so that one survives the writing of the
 * other. A store overwrites, word by word, the checkpoint slot that is not the newest complete one.
 * After a power cut the words written so far have their new value, at most one is half written, and
 * the rest is as before.
 */
export class CheckpointSlots {
  readonly #slots: readonly [CheckpointSlot, CheckpointSlot];
  readonly #faults: AccessFaults | null;

  /** `cells`: content of the checkpoint slots at the start; copied. */
  constructor(
    faults: AccessFaults | null = null,
    cells: readonly [Uint8Array | null, Uint8Array | null] = [null, null],
  ) {
    this.#faults = faults;
    const slotOf = (initial: Uint8Array | null): CheckpointSlot => ({ content: initial?.slice() ?? null, write: null });
    this.#slots = [slotOf(cells[0]), slotOf(cells[1])];
  }

  /**
   * Begins a store. The earlier store is complete by now: a store takes less time than passes
   * between two.
   */
  store(nowMs: number, image: Image): void {
    const newest = this.#newestFirst()[0];
    const slot = newest === this.#slots[0] ? this.#slots[1] : this.#slots[0];
    const sequence = newest === undefined ? 1 : next(sequenceOf(newest) ?? 0);
    for (const each of this.#slots) {
      each.content = each.write ?? each.content;
      each.write = null;
    }
    slot.write = { image: this.#faultyWrite(image), sequence, beganMs: nowMs };
  }

  /**
   * Stops a store that is under way at `nowMs`, when power is cut or the processor resets, within a
   * word.
   */
  interrupt(nowMs: number): void {
    for (const slot of this.#slots) {
      const { write } = slot;
      if (write === null || nowMs - write.beganMs >= checkpointWriteMs) continue;
      const words = writesOf(write.image.bytes().length);
      this.#tear(slot, Math.floor(((nowMs - write.beganMs) * words) / checkpointWriteMs), true);
    }
  }

  /** Stops the last store after `done` of its words, and half of the next word if `half`. */
  cutAfter(done: number, half: boolean): void {
    const last = this.#newestFirst()[0];
    if (last !== undefined && last.write !== null) this.#tear(last, done, half);
  }

  #tear(torn: CheckpointSlot, done: number, half: boolean): void {
    const { write } = torn;
    if (write === null) return;
    torn.content = tornCells(cellsOf(torn.content), write.image.bytes(), write.sequence, done, half);
    torn.write = null;
  }

  /**
   * Damages the newest (0) or the older (1) checkpoint beyond correction: its own checksum no
   * longer verifies.
   */
  corrupt(age: 0 | 1): void {
    this.#change(age, (cells) => {
      cells[slotHeaderBytes + CHECKPOINT_CRC_AT] ^= 0x55;
    });
  }

  /**
   * Invalidates a checkpoint that the firmware refused or trapped over; the next store goes into
   * its checkpoint slot.
   */
  invalidate(age: 0 | 1): void {
    this.#change(age, (cells) => cells.fill(0, 0, slotHeaderBytes));
  }

  #change(age: 0 | 1, change: (cells: Uint8Array) => void): void {
    const slot = this.#newestFirst()[age];
    if (slot === undefined) return;
    const cells = cellsOf(slot.write ?? slot.content);
    if (cells === null) return;
    change(cells);
    slot.content = cells;
    slot.write = null;
  }

  /** Returns how many checkpoint slots have a checkpoint, by their headers. */
  get filled(): number {
    return this.#newestFirst().length;
  }

  /** Returns the newest (0) or the older (1) checkpoint; null when there is none. */
  read(age: 0 | 1): Uint8Array | null {
    const slot = this.#newestFirst()[age];
    if (slot === undefined) return null;
    const whole = slot.write ?? slot.content;
    const image = whole instanceof Uint8Array ? slotContent(whole)?.image : whole?.image.bytes();
    return image === undefined ? null : this.#faulty(image, 'read');
  }

  /**
   * Returns the checkpoint slots with a checkpoint, by their headers. A store under way counts: the
   * caller has let it complete.
   */
  #newestFirst(): CheckpointSlot[] {
    const filled = this.#slots.filter((slot) => sequenceOf(slot) !== undefined);
    // Compared by difference, so that sequences may wrap.
    return filled.sort((a, b) => ((sequenceOf(b) ?? 0) - (sequenceOf(a) ?? 0)) | 0);
  }

  #faultyWrite(image: Image): Image {
    if (this.#faults === null) return image;
    const bytes = this.#faulty(image.bytes(), 'write');
    return { bytes: () => bytes };
  }

  /** Injects at most one fault per transfer: rates are so small that two do not matter. */
  #faulty(image: Uint8Array, access: 'write' | 'read'): Uint8Array {
    const faults = this.#faults;
    if (faults === null || faults.random.fraction() >= (faults.perWord * image.length) / 4) return image;
    const changed = image.slice();
    changed[faults.random.below(image.length)] ^= 1 << faults.random.below(8);
    faults.onFault(access);
    return changed;
  }
}

/** Sequence 0 is not used: an erased header has it. */
const next = (sequence: number) => (sequence + 1) >>> 0 || 1;

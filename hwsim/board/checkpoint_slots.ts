import { crc32c } from '../../host/cbor/crc32c.ts';
import type { RandomStream } from '../kernel/random.ts';

/** Writing a checkpoint takes this long; power lost meanwhile leaves the words written so far. *Assumed* for an MRAM of some MB/s. */
export const checkpointWriteMs = 200;

/** Magic, sequence, bytes of the checkpoint, CRC-32C of the two before; then the checkpoint. Little-endian words. */
export const slotHeaderBytes = 16;
const slotMagic = 0x544f4c53;
const headerWords = slotHeaderBytes / 4;
/** Where a checkpoint has its checksum: firmware/edge/checkpoint.ts. */
const checksumAt = 12;

/** What is written. Its bytes may be made as late as somebody wants them. */
export interface Image {
  bytes(): Uint8Array;
}

/** A whole checkpoint in its slot. Its cells are made when somebody wants to see them, which is seldom. */
interface Stored {
  image: Image;
  sequence: number;
}

interface Slot {
  /** A whole store, or cells as a cut or a fault left them; null: nothing was ever written. */
  holds: Stored | Uint8Array | null;
  /** The store that began last, until it is known to have come to its end. */
  write: (Stored & { beganMs: number }) | null;
}

/** Word-by-word writes of one store: word of the slot, value. The magic goes first and comes last, so that no torn slot looks whole. */
export function* slotWrites(image: Uint8Array, sequence: number): Generator<readonly [word: number, value: number]> {
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

/** Room for a header and a checkpoint, in whole words. */
const cellsFor = (imageBytes: number) => slotHeaderBytes + 4 * Math.ceil(imageBytes / 4);

/**
 * The slot's cells after `done` of the words of a store were written over what lay there, and of the next word its lower half if `half`.
 * Cells keep what they have: that is what a torn slot is made of.
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

/** The checkpoint in a slot's cells and its sequence; null when the header says that none is whole. Its content is for the firmware to verify. */
export function slotContent(cells: Uint8Array | null): { image: Uint8Array; sequence: number } | null {
  if (cells === null || cells.length < slotHeaderBytes) return null;
  const view = new DataView(cells.buffer, cells.byteOffset, cells.length);
  const [magic, sequence, bytes, check] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  if (magic !== slotMagic || bytes > cells.length - slotHeaderBytes) return null;
  if (check !== crc32c(cells.subarray(4, 12))) return null;
  return { image: cells.subarray(slotHeaderBytes, slotHeaderBytes + bytes), sequence };
}

function cellsOf(holds: Slot['holds']): Uint8Array | null {
  if (holds === null || holds instanceof Uint8Array) return holds;
  const bytes = holds.image.bytes();
  return tornCells(null, bytes, holds.sequence, writesOf(bytes.length), false);
}

function sequenceOf({ write, holds }: Slot): number | undefined {
  const whole = write ?? holds;
  return whole instanceof Uint8Array ? slotContent(whole)?.sequence : whole?.sequence;
}

/** Faults of the memory's controller: cells of MRAM are immune, accesses to them are not. */
export interface AccessFaults {
  perWord: number;
  random: RandomStream;
  /** Told of each fault. */
  onFault: (access: 'write' | 'read') => void;
}

/**
 * Two checkpoint slots in MRAM, written in turn, so that one always survives the writing of the other. A store overwrites the slot that is not the newest whole one,
 * word by word; when power goes, the words written so far have their new value, at most one is half written, and the rest is as before.
 */
export class CheckpointSlots {
  readonly #slots: readonly [Slot, Slot];
  readonly #faults: AccessFaults | null;

  /** `cells`: what lies in the slots already; they are copied. */
  constructor(
    faults: AccessFaults | null = null,
    cells: readonly [Uint8Array | null, Uint8Array | null] = [null, null],
  ) {
    this.#faults = faults;
    const slotOf = (held: Uint8Array | null): Slot => ({ holds: held?.slice() ?? null, write: null });
    this.#slots = [slotOf(cells[0]), slotOf(cells[1])];
  }

  /** Begins to write. The slot written before is whole by now, for a store takes less time than passes between two. */
  store(nowMs: number, image: Image): void {
    const newest = this.#newestFirst()[0];
    const slot = newest === this.#slots[0] ? this.#slots[1] : this.#slots[0];
    const sequence = newest === undefined ? 1 : next(sequenceOf(newest) ?? 0);
    slot.holds = slot.write ?? slot.holds;
    slot.write = { image: this.#faultyWrite(image), sequence, beganMs: nowMs };
  }

  /** Power or processor gone at `nowMs`: a write under way stops within a word. */
  interrupt(nowMs: number): void {
    for (const slot of this.#slots) {
      const { write } = slot;
      if (write === null || nowMs - write.beganMs >= checkpointWriteMs) continue;
      const words = writesOf(write.image.bytes().length);
      this.#tear(slot, Math.floor(((nowMs - write.beganMs) * words) / checkpointWriteMs), true);
    }
  }

  /** The store that began last stops after `done` of its words, of the next one the lower half written if `half`. */
  cutAfter(done: number, half: boolean): void {
    const last = this.#newestFirst()[0];
    if (last !== undefined && last.write !== null) this.#tear(last, done, half);
  }

  #tear(slot: Slot, done: number, half: boolean): void {
    const { write } = slot;
    if (write === null) return;
    slot.holds = tornCells(cellsOf(slot.holds), write.image.bytes(), write.sequence, done, half);
    slot.write = null;
  }

  /** Damages the newest (0) or the older (1) checkpoint beyond what its codes can put right: its own checksum no longer fits. */
  corrupt(age: 0 | 1): void {
    this.#change(age, (cells) => {
      cells[slotHeaderBytes + checksumAt] ^= 0x55;
    });
  }

  /** The firmware refuses this checkpoint, or broke off over it: it counts no more, and the next store goes here. */
  condemn(age: 0 | 1): void {
    this.#change(age, (cells) => cells.fill(0, 0, slotHeaderBytes));
  }

  #change(age: 0 | 1, change: (cells: Uint8Array) => void): void {
    const slot = this.#newestFirst()[age];
    if (slot === undefined) return;
    const cells = cellsOf(slot.write ?? slot.holds);
    if (cells === null) return;
    change(cells);
    slot.holds = cells;
    slot.write = null;
  }

  /** How many slots hold a checkpoint, by their headers. */
  get filled(): number {
    return this.#newestFirst().length;
  }

  /** The newest (0) or the older (1) checkpoint; null when there is none. */
  read(age: 0 | 1): Uint8Array | null {
    const slot = this.#newestFirst()[age];
    if (slot === undefined) return null;
    const whole = slot.write ?? slot.holds;
    const image = whole instanceof Uint8Array ? slotContent(whole)?.image : whole?.image.bytes();
    return image === undefined ? null : this.#faulty(image, 'read');
  }

  /** Slots with a checkpoint, by their headers; a write under way counts, for whoever asks has let it come to its end. */
  #newestFirst(): Slot[] {
    const held = this.#slots.filter((slot) => sequenceOf(slot) !== undefined);
    // By distance, so that sequences may wrap.
    return held.sort((a, b) => ((sequenceOf(b) ?? 0) - (sequenceOf(a) ?? 0)) | 0);
  }

  #faultyWrite(image: Image): Image {
    if (this.#faults === null) return image;
    const bytes = this.#faulty(image.bytes(), 'write');
    return { bytes: () => bytes };
  }

  /** Rates are so small that two faults in one transfer do not matter. */
  #faulty(image: Uint8Array, access: 'write' | 'read'): Uint8Array {
    const faults = this.#faults;
    if (faults === null || faults.random.fraction() >= (faults.perWord * image.length) / 4) return image;
    const changed = image.slice();
    changed[faults.random.below(image.length)] ^= 1 << faults.random.below(8);
    faults.onFault(access);
    return changed;
  }
}

/** 0 is no sequence: it is what an erased header holds. */
const next = (sequence: number) => (sequence + 1) >>> 0 || 1;

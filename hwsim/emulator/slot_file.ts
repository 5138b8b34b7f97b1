import { readSync, writeSync } from 'node:fs';
import { crc32c } from '../../host/cbor/crc32c.ts';
import {
  CHECKPOINT_CRC_AT,
  STORE_HEADER_BYTES,
  STORE_SLOT_BYTES,
  STORE_SLOT_MAGIC,
  STORE_SLOTS_AT,
} from '../../host/cbor/generated.ts';
import type { CheckpointMemory } from '../board/slot_memory.ts';

const bytesUsed = STORE_SLOTS_AT + 2 * STORE_SLOT_BYTES;

/** Returns the first word of a checkpoint slot's header, a checksum of the others. */
export function markOf(header: Uint8Array): number {
  return (STORE_SLOT_MAGIC ^ crc32c(header, 4, STORE_HEADER_BYTES)) >>> 0;
}

interface SlotFacts {
  at: number;
  sequence: number;
  bytes: number;
}

/**
 * The non-volatile memory of a board as seen from outside: a region of the file that is the
 * emulated machine's main memory. To be used only while the board waits for an input.
 */
export class SlotFile implements CheckpointMemory {
  readonly #descriptor: number;
  readonly #offset: number;
  #kept: Buffer;

  /** `offset`: where the region begins in the open file. */
  constructor(descriptor: number, offset: number) {
    this.#descriptor = descriptor;
    this.#offset = offset;
    this.#kept = this.#region();
  }

  read(age: 0 | 1): Uint8Array | null {
    const slot = this.#newestFirst()[age];
    return slot === undefined ? null : this.#get(slot.at + STORE_HEADER_BYTES, slot.bytes);
  }

  write(image: Uint8Array): void {
    const stored = this.#newestFirst();
    const at =
      stored.length > 0 && stored[0].at === STORE_SLOTS_AT ? STORE_SLOTS_AT + STORE_SLOT_BYTES : STORE_SLOTS_AT;
    const header = Buffer.alloc(STORE_HEADER_BYTES);
    header.writeUInt32LE((stored[0]?.sequence ?? 0) + 1, 4);
    header.writeUInt32LE(image.length, 8);
    header.writeUInt32LE(crc32c(image), 12);
    header.writeUInt32LE(markOf(header), 0);
    this.#put(at, Buffer.concat([header, image]));
  }

  corrupt(age: 0 | 1): void {
    const slot = this.#newestFirst()[age];
    if (slot === undefined)
      throw new Error(
        `the board's memory file has no checkpoint of age ${age} (has firmware/boards/loop/store.h changed?)`,
      );
    const at = slot.at + STORE_HEADER_BYTES + CHECKPOINT_CRC_AT;
    this.#put(at, Uint8Array.of(this.#get(at, 1)[0] ^ 0x55));
    this.keep();
  }

  keep(): void {
    this.#kept = this.#region();
  }

  /** Restores the kept checkpoint slots; the counters of starts stay as they are. */
  undo(): void {
    this.#put(STORE_SLOTS_AT, this.#kept.subarray(STORE_SLOTS_AT));
  }

  #newestFirst(): SlotFacts[] {
    const slots = [0, 1].flatMap((slot) => {
      const at = STORE_SLOTS_AT + slot * STORE_SLOT_BYTES;
      const header = this.#get(at, STORE_HEADER_BYTES);
      const [mark, sequence, bytes] = [0, 4, 8].map((place) => header.readUInt32LE(place));
      return mark === markOf(header) && sequence !== 0 && bytes <= STORE_SLOT_BYTES - STORE_HEADER_BYTES
        ? [{ at, sequence, bytes }]
        : [];
    });
    // Compared by distance, so that sequences may wrap.
    return slots.sort((a, b) => (b.sequence - a.sequence) | 0);
  }

  #region(): Buffer {
    return this.#get(0, bytesUsed);
  }

  #get(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    const read = readSync(this.#descriptor, bytes, 0, length, this.#offset + at);
    if (read !== length) throw new Error(`the board's memory file ends ${length - read} bytes early`);
    return bytes;
  }

  #put(at: number, bytes: Uint8Array): void {
    writeSync(this.#descriptor, bytes, 0, bytes.length, this.#offset + at);
  }
}

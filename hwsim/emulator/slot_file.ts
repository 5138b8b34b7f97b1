import { readSync, writeSync } from 'node:fs';
import { crc32c } from '../../host/cbor/crc32c.ts';
import { CHECKPOINT_CRC_AT } from '../../host/cbor/generated.ts';
import type { CheckpointMemory } from '../board/slot_memory.ts';

/**
 * The constants of firmware/boards/loop/store.h, which a test compares. Headers are little-endian
 * on every board.
 */
export const storeLayout = { slotsAt: 16_384, slotBytes: 128 << 10, headerBytes: 16, slotMagic: 0x544f4c54 } as const;
const { slotsAt, slotBytes, headerBytes, slotMagic } = storeLayout;
const bytesUsed = slotsAt + 2 * slotBytes;

/** Returns the first word of a checkpoint slot's header, a checksum of the others. */
export function markOf(header: Uint8Array): number {
  return (slotMagic ^ crc32c(header, 4, headerBytes)) >>> 0;
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
    return slot === undefined ? null : this.#get(slot.at + headerBytes, slot.bytes);
  }

  write(image: Uint8Array): void {
    const stored = this.#newestFirst();
    const at = stored.length > 0 && stored[0].at === slotsAt ? slotsAt + slotBytes : slotsAt;
    const header = Buffer.alloc(headerBytes);
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
    const at = slot.at + headerBytes + CHECKPOINT_CRC_AT;
    this.#put(at, Uint8Array.of(this.#get(at, 1)[0] ^ 0x55));
    this.keep();
  }

  keep(): void {
    this.#kept = this.#region();
  }

  /** Restores the kept checkpoint slots; the counters of starts stay as they are. */
  undo(): void {
    this.#put(slotsAt, this.#kept.subarray(slotsAt));
  }

  #newestFirst(): SlotFacts[] {
    const slots = [0, 1].flatMap((slot) => {
      const at = slotsAt + slot * slotBytes;
      const header = this.#get(at, headerBytes);
      const [mark, sequence, bytes] = [0, 4, 8].map((place) => header.readUInt32LE(place));
      return mark === markOf(header) && sequence !== 0 && bytes <= slotBytes - headerBytes
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

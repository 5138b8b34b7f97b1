import type { Engine } from '../../host/engine/engine.ts';

/** Writing a checkpoint takes this long; power lost meanwhile leaves a torn slot. *Assumed* for an MRAM of some MB/s. */
export const checkpointWriteMs = 200;

interface Slot {
  /** The context as it was. Header and CRC are added when it is read: the image is a function of the block alone. */
  block: Uint8Array;
  sequence: number;
  beganMs: number;
  /** Flipped by a fault or cut short by a reset. */
  bad: boolean;
}

/**
 * The non-volatile memory of one board: two checkpoint slots written in turn (so that one always survives the writing of the
 * other), the boot counter and the count of processor resets in a row.
 */
export class NonVolatile {
  incarnation = 0;
  resetsInRow = 0;
  readonly #slots: (Slot | null)[] = [null, null];
  readonly #onSpoilt: (age: 0 | 1) => void;
  #writes = 0;

  /** `onSpoilt` hears of each slot that becomes bad: who keeps the checkpoints elsewhere spoils them there. */
  constructor(onSpoilt: (age: 0 | 1) => void = () => {}) {
    this.#onSpoilt = onSpoilt;
  }

  store(nowMs: number, block: Uint8Array): void {
    const at = this.#writes & 1;
    this.#writes += 1;
    const kept = this.#slots[at];
    const room = kept !== null && kept.block.length === block.length ? kept.block : new Uint8Array(block.length);
    room.set(block);
    this.#slots[at] = { block: room, sequence: this.#writes, beganMs: nowMs, bad: false };
  }

  /** Power or processor gone at `nowMs`: a slot still being written is torn. */
  interrupt(nowMs: number): void {
    this.#newestFirst().forEach((slot, age) => {
      if (nowMs - slot.beganMs < checkpointWriteMs) this.corrupt(age as 0 | 1);
    });
  }

  /** Damages the newest (0) or the older (1) slot. */
  corrupt(age: 0 | 1): void {
    const slot = this.#newestFirst()[age];
    if (slot === undefined || slot.bad) return;
    slot.bad = true;
    this.#onSpoilt(age);
  }

  /** How many slots hold something. */
  get filled(): number {
    return this.#newestFirst().length;
  }

  /**
   * Writes checkpoint image number `age` (0 = newest) to `out` in the engine's memory, through the scratch context; returns its
   * length, 0 if there is none. A bad slot gives an image with its last byte flipped: the firmware must notice.
   */
  read(engine: Engine, age: number, scratch: number, out: number): number {
    const slot = this.#newestFirst()[age];
    if (slot === undefined) return 0;
    engine.view().set(slot.block, scratch);
    const length = engine.calls.checkpoint(scratch, out, engine.image.checkpointBytes);
    if (slot.bad && length > 0) engine.view()[out + length - 1] ^= 0x55;
    return length;
  }

  #newestFirst(): Slot[] {
    const held = this.#slots.filter((slot) => slot !== null);
    return held.sort((a, b) => b.sequence - a.sequence);
  }
}

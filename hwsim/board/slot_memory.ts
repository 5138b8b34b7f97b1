import { CHECKPOINT_CRC_AT } from '../../host/cbor/generated.ts';

/** Two checkpoint slots of a board, written in turn. */
export interface CheckpointMemory {
  /** Returns the newest (0) or the older (1) checkpoint; null when there is none. */
  read(age: 0 | 1): Uint8Array | null;
  /** Writes into the older checkpoint slot. */
  write(image: Uint8Array): void;
  /** Makes a checkpoint fail to verify. */
  corrupt(age: 0 | 1): void;
}

/** Checkpoint slots of a board in this process. */
export class SlotMemory implements CheckpointMemory {
  #newestFirst: Uint8Array[] = [];
  #kept: Uint8Array[] = [];

  read(age: 0 | 1): Uint8Array | null {
    return this.#newestFirst[age] ?? null;
  }

  write(image: Uint8Array): void {
    this.#newestFirst = [image, ...this.#newestFirst.slice(0, 1)];
  }

  corrupt(age: 0 | 1): void {
    const image = this.#newestFirst[age]?.slice();
    if (image === undefined) return;
    image[CHECKPOINT_CRC_AT] ^= 0x55;
    this.#newestFirst = this.#newestFirst.map((other, index) => (index === age ? image : other));
    this.keep();
  }

  /** Confirms the present checkpoints: `undo` returns to them. */
  keep(): void {
    this.#kept = this.#newestFirst;
  }

  undo(): void {
    this.#newestFirst = this.#kept;
  }
}

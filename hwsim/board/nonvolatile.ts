import { checkpointWriteMs, type Image } from './checkpoint_slots.ts';

/** Stores the checkpoints of one board. */
export interface CheckpointStore {
  store(nowMs: number, image: Image): void;
  /** Handles a loss of power or a reset of the processor at `nowMs`. */
  interrupt(nowMs: number): void;
  corrupt(age: 0 | 1): void;
  /** Marks a checkpoint as not to be tried again. */
  invalidate(age: 0 | 1): void;
  read(age: 0 | 1): Uint8Array | null;
}

/** The content of a store for a board that stores its checkpoints itself: nothing. */
export const noContent: Image = { bytes: () => new Uint8Array(0) };

/**
 * Tracks the checkpoints of a board that stores them itself: only which can no longer be complete,
 * and the board corrupts those.
 */
export class ExternalCheckpoints implements CheckpointStore {
  readonly #onCorrupt: (age: 0 | 1) => void;
  /** When each store began, the newest first; null: corrupt already. */
  #beganMs: (number | null)[] = [];

  constructor(onCorrupt: (age: 0 | 1) => void) {
    this.#onCorrupt = onCorrupt;
  }

  store(nowMs: number): void {
    this.#beganMs = [nowMs, ...this.#beganMs.slice(0, 1)];
  }

  interrupt(nowMs: number): void {
    this.#beganMs.forEach((beganMs, age) => {
      if (beganMs !== null && nowMs - beganMs < checkpointWriteMs) this.corrupt(age as 0 | 1);
    });
  }

  corrupt(age: 0 | 1): void {
    if ((this.#beganMs[age] ?? null) === null) return;
    this.#beganMs[age] = null;
    this.#onCorrupt(age);
  }

  invalidate(): void {}

  read(): null {
    return null;
  }
}

/**
 * The non-volatile memory of one board: checkpoints, boot counter, count of processor resets in a
 * row, and reserved counters.
 */
export class NonVolatile {
  incarnation = 0;
  resetsInRow = 0;
  reserved = 0;
  readonly checkpoints: CheckpointStore;

  constructor(checkpoints: CheckpointStore) {
    this.checkpoints = checkpoints;
  }
}

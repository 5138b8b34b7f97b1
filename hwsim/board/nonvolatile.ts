import { checkpointWriteMs, type Image } from './checkpoint_slots.ts';

/** Where the checkpoints of one board lie. */
export interface CheckpointStore {
  store(nowMs: number, image: Image): void;
  /** Power or processor gone at `nowMs`. */
  interrupt(nowMs: number): void;
  corrupt(age: 0 | 1): void;
  /** Not to be tried again. */
  condemn(age: 0 | 1): void;
  read(age: 0 | 1): Uint8Array | null;
}

/** What a board stores that keeps its checkpoints itself: nothing that is here. */
export const keptElsewhere: Image = { bytes: () => new Uint8Array(0) };

/** Checkpoints of a board that keeps them itself: here stands only which of them can no longer be whole, and the board spoils them. */
export class KeptElsewhere implements CheckpointStore {
  readonly #onSpoilt: (age: 0 | 1) => void;
  /** When each was begun, the newest first; null: bad already. */
  #beganMs: (number | null)[] = [];

  constructor(onSpoilt: (age: 0 | 1) => void) {
    this.#onSpoilt = onSpoilt;
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
    this.#onSpoilt(age);
  }

  condemn(): void {}

  read(): null {
    return null;
  }
}

/** The non-volatile memory of one board: its checkpoints, the boot counter, the count of processor resets in a row, and counters reserved. */
export class NonVolatile {
  incarnation = 0;
  resetsInRow = 0;
  reserved = 0;
  readonly checkpoints: CheckpointStore;

  constructor(checkpoints: CheckpointStore) {
    this.checkpoints = checkpoints;
  }
}

import type { Engine } from '../../../host/engine/engine.ts';
import { ReferenceLoop } from '../../board/reference_loop.ts';
import { type CheckpointMemory, SlotMemory } from '../../board/slot_memory.ts';
import type { PortInput, PortOutput } from '../../board/port.ts';
import type { Playable } from './restart.ts';

/**
 * Checkpoint slots that can be emptied, and that for a while keep only some of the checkpoints
 * written to them.
 */
class SelectiveSlots implements CheckpointMemory {
  #memory = new SlotMemory();
  #kept: readonly number[] | null = null;
  #writes = 0;
  read = (age: 0 | 1) => this.#memory.read(age);
  corrupt = (age: 0 | 1) => this.#memory.corrupt(age);
  write(image: Uint8Array): void {
    this.#writes += 1;
    if (this.#kept === null || this.#kept.includes(this.#writes)) this.#memory.write(image);
  }
  empty(kept: readonly number[] | null): void {
    this.#memory = new SlotMemory();
    this.#kept = kept;
    this.#writes = 0;
  }
  keepAll(): void {
    this.#kept = null;
  }
}

/** The same image in this process, behind the boards' loop: what an uncorrupted board outputs. */
export class Reference implements Playable {
  readonly #loop: ReferenceLoop;
  readonly #memory = new SelectiveSlots();

  constructor(engine: Engine) {
    this.#loop = new ReferenceLoop(engine, this.#memory);
  }

  /**
   * Starts as at the first power-on. `kept`: of the checkpoints that are stored until `keepAll`,
   * only those of these numbers, counted from 1, are kept; null: all.
   */
  startAnew(kept: readonly number[] | null = null): void {
    this.#memory.empty(kept);
    this.#loop.reset();
  }

  keepAll(): void {
    this.#memory.keepAll();
  }

  /** Resets the processor; non-volatile memory keeps its contents. */
  reset(): void {
    this.#loop.reset();
  }

  play(input: PortInput): PortOutput[] {
    const outputs: PortOutput[] = [];
    this.#loop.handle(input, (output) => outputs.push(output));
    return outputs;
  }
}

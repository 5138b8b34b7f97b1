import type { Engine } from '../../host/engine/engine.ts';
import type { Image } from './checkpoint_slots.ts';

/** The checkpoint of a context as it was at the store. Its bytes are made when they are needed. */
export class ContextImage implements Image {
  readonly #engine: Engine;
  readonly #block: Uint8Array;
  #made: Uint8Array | null = null;
  readonly #scratch: number;
  readonly #out: number;

  /** `scratch`: room for a context, `out`: room for a checkpoint. */
  constructor(engine: Engine, context: number, scratch: number, out: number) {
    this.#engine = engine;
    this.#block = engine.view().slice(context, context + engine.image.contextBytes);
    this.#scratch = scratch;
    this.#out = out;
  }

  bytes(): Uint8Array {
    if (this.#made !== null) return this.#made;
    const { calls, image } = this.#engine;
    const view = this.#engine.view();
    view.set(this.#block, this.#scratch);
    const length = calls.checkpoint(this.#scratch, this.#out, image.checkpointBytes);
    this.#made = view.slice(this.#out, this.#out + length);
    return this.#made;
  }
}

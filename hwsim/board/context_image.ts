import type { Engine } from '../../host/engine/engine.ts';
import type { Image } from './slots.ts';

/** The checkpoint of a context as it was: a function of the block alone, made when somebody wants its bytes. */
export class ContextImage implements Image {
  readonly #engine: Engine;
  readonly #block: Uint8Array;
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
    const { calls, image } = this.#engine;
    const view = this.#engine.view();
    view.set(this.#block, this.#scratch);
    const length = calls.checkpoint(this.#scratch, this.#out, image.checkpointBytes);
    return view.slice(this.#out, this.#out + length);
  }
}

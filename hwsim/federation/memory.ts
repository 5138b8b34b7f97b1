import { WASM_PAGE_BYTES } from '../../host/cbor/generated.ts';
import type { Engine } from '../../host/engine/engine.ts';

/** Memory of one engine: addresses stay below 2 GiB. */
const engineBytesMax = 0x7000_0000;
/** Frames in the air, records, configuration and checkpoint of a cluster. */
const clusterBytes = 262_144;
/**
 * Contexts that a cluster takes beside those of its members: its frame buffer is as long as one.
 */
const contextsBeside = 2;
/** The image's static data. */
const staticBytes = 2 * clusterBytes;

/**
 * Gives memory of few engines to clusters: contexts lie one after another. An engine gets as many
 * pages as its clusters take, so that its memory does not grow.
 */
export class ClusterMemory {
  readonly #create: (pages: number) => Engine;
  /** What the clusters take that have no memory yet. */
  readonly #bytes: number[];
  #engine: Engine | null = null;
  /** Clusters for which the present engine has room. */
  #left = 0;

  /** `sizes`: members of each cluster, in the order in which `next` serves them. */
  constructor(sizes: readonly number[], contextBytes: number, create: (pages: number) => Engine) {
    this.#bytes = sizes.map((members) => (members + contextsBeside) * contextBytes + clusterBytes);
    this.#create = create;
  }

  /** Returns the engine of the next cluster. */
  next(): Engine {
    if (this.#engine === null || this.#left === 0) {
      let total = staticBytes;
      for (const bytes of this.#bytes) {
        if (this.#left > 0 && total + bytes > engineBytesMax) break;
        total += bytes;
        this.#left += 1;
      }
      this.#engine = this.#create(Math.ceil(total / WASM_PAGE_BYTES));
    }
    this.#left -= 1;
    this.#bytes.shift();
    return this.#engine;
  }
}

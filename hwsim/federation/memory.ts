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

/** Reserved blocks begin at multiples of this. */
const alignment = 16;

interface ClusterPlace {
  /** Number of the memory. */
  memory: number;
  beginAt: number;
  endAt: number;
}

/**
 * Gives memory of few engines to clusters: contexts lie one after another. The place of a cluster
 * depends on the fleet alone, not on which clusters a thread owns: so a thread that goes on from a
 * checkpoint finds all addresses as they were. What stays empty in between takes no memory of the
 * machine. An engine gets as many pages as its clusters take, so that its memory does not grow.
 */
export class ClusterMemory {
  readonly #create: (pages: number) => Engine;
  readonly #places: ClusterPlace[] = [];
  readonly #engines: (Engine | undefined)[] = [];

  /** `sizes`: members of each cluster of the fleet. */
  constructor(sizes: readonly number[], contextBytes: number, create: (pages: number) => Engine) {
    this.#create = create;
    let memory = 0;
    let beginAt = staticBytes;
    for (const members of sizes) {
      const bytes = (members + contextsBeside) * contextBytes + clusterBytes;
      if (beginAt > staticBytes && beginAt + bytes > engineBytesMax) {
        memory += 1;
        beginAt = staticBytes;
      }
      const endAt = Math.ceil((beginAt + bytes) / alignment) * alignment;
      this.#places.push({ memory, beginAt, endAt });
      beginAt = endAt;
    }
  }

  /**
   * Returns the engine of a cluster, which is to take its memory next. Clusters come in the order
   * of their index.
   */
  engineOf(index: number): Engine {
    const { memory, beginAt } = this.#places[index];
    let engine = this.#engines[memory];
    if (engine === undefined) {
      const endAt = this.#places.findLast((place) => place.memory === memory)!.endAt;
      engine = this.#create(Math.ceil(endAt / WASM_PAGE_BYTES));
      this.#engines[memory] = engine;
    }
    const gap = beginAt - engine.reserve(0);
    if (gap < 0) throw new Error(`the cluster before ${index} took ${-gap} bytes too many`);
    engine.reserve(gap);
    return engine;
  }

  /** Views the memory of a cluster, once it has taken it. */
  bytesOf(index: number): Uint8Array {
    const { memory, beginAt, endAt } = this.#places[index];
    return this.#engines[memory]!.view().subarray(beginAt, endAt);
  }
}

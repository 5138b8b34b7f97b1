import { createHash } from 'node:crypto';
import type { FirmwareCalls, ImageFacts } from './engine.ts';
import { ABI_NULL_CIPHER, ABI_VERSION, WASM_PAGE_BYTES } from '../cbor/generated.ts';

/**
 * wasm32 addresses 65,536 pages. The last is left out, so that an end address still fits an i32
 * that is read as unsigned.
 */
const pagesMax = 65535;

/**
 * Reads identity and sizes of an image from its exports. Throws when it has another ABI version.
 */
export function factsOf(image: Uint8Array, calls: FirmwareCalls): ImageFacts {
  const answer = calls.abi_version();
  const version = answer & ~ABI_NULL_CIPHER;
  if (version !== ABI_VERSION)
    throw new Error(`the image has ABI version ${version}, this host ${ABI_VERSION}: run \`npm run build\``);
  return {
    isCipherNull: (answer & ABI_NULL_CIPHER) !== 0,
    sha256: createHash('sha256').update(image).digest('hex'),
    bytes: image.length,
    contextBytes: calls.context_bytes(),
    checkpointBytes: calls.checkpoint_bytes(),
  };
}

/** Linear memory of either engine. */
export interface LinearMemory {
  /** All of the memory, as it is now. */
  buffer(): ArrayBuffer;
  grow(pages: number): void;
}

/**
 * Lays blocks into linear memory, one after another, above the image's static data. The addresses
 * are the same on every engine.
 */
export class Space {
  view: Uint8Array;
  readonly #memory: LinearMemory;
  /** What a new instance has below `baseAddress`. */
  readonly #statics: Uint8Array;
  #next: number;

  constructor(memory: LinearMemory, baseAddress: number) {
    this.#memory = memory;
    this.#next = (baseAddress + 15) & ~15;
    this.view = new Uint8Array(memory.buffer());
    this.#statics = this.view.slice(0, baseAddress);
  }

  /** Does what `Engine.loadStatics` promises. */
  loadStatics(): void {
    this.view.set(this.#statics);
  }

  /** Does what `Engine.reserve` promises. */
  reserve(bytes: number): number {
    const at = this.#next;
    const end = at + Math.ceil(bytes / 16) * 16;
    const pages = Math.ceil(end / WASM_PAGE_BYTES);
    if (pages > pagesMax)
      throw new RangeError(`${bytes} more bytes exceed 4 GiB of linear memory: spread the nodes over more engines`);
    const held = this.view.length / WASM_PAGE_BYTES;
    if (pages > held) {
      this.#memory.grow(pages - held);
      this.view = new Uint8Array(this.#memory.buffer());
    }
    this.#next = end;
    return at;
  }
}

import { createHash } from 'node:crypto';
import type { FirmwareCalls, ImageFacts } from './engine.ts';

const pageBytes = 65536;
/** wasm32 addresses 65,536 pages; the last is left out so that an end address still fits an i32 read as unsigned. */
const pagesMax = 65535;
const abiVersion = 2;
/** Added where the cipher is a stand-in (firmware/security/cipher_null.ts). */
const nullCipher = 256;

/** What an image says of itself. Throws when it speaks another ABI version. */
export function factsOf(image: Uint8Array, calls: FirmwareCalls): ImageFacts {
  const told = calls.abi_version();
  const version = told & ~nullCipher;
  if (version !== abiVersion)
    throw new Error(`the image speaks ABI version ${version}, this host ${abiVersion}: run \`npm run build\``);
  return {
    isCipherNull: (told & nullCipher) !== 0,
    sha256: createHash('sha256').update(image).digest('hex'),
    bytes: image.length,
    contextBytes: calls.context_bytes(),
    checkpointBytes: calls.checkpoint_bytes(),
  };
}

/** Linear memory of either engine: what is there, and how to get more. */
export interface LinearMemory {
  /** All of it, as it is now. */
  buffer(): ArrayBuffer;
  grow(pages: number): void;
}

/** Lays blocks into linear memory, one after another, above the image's static data. The same addresses on every engine. */
export class Space {
  view: Uint8Array;
  readonly #memory: LinearMemory;
  #next: number;

  constructor(memory: LinearMemory, baseAddress: number) {
    this.#memory = memory;
    this.#next = (baseAddress + 15) & ~15;
    this.view = new Uint8Array(memory.buffer());
  }

  /** `Engine.reserve`. */
  reserve(bytes: number): number {
    const at = this.#next;
    const end = at + Math.ceil(bytes / 16) * 16;
    const pages = Math.ceil(end / pageBytes);
    if (pages > pagesMax)
      throw new RangeError(`${bytes} more bytes exceed 4 GiB of linear memory: spread the nodes over more engines`);
    const held = this.view.length / pageBytes;
    if (pages > held) {
      this.#memory.grow(pages - held);
      this.view = new Uint8Array(this.#memory.buffer());
    }
    this.#next = end;
    return at;
  }
}

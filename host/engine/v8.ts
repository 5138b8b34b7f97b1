import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { imagePath, type Preset } from '../build/root.ts';
import type { Engine, FirmwareCalls } from './engine.ts';

const pageBytes = 65536;
/** wasm32 addresses 65,536 pages; the last is left out so that an end address still fits an i32 read as unsigned. */
const pagesMax = 65535;
const abiVersion = 1;

/** An engine on the JavaScript engine's own WebAssembly. Throws when the image imports anything or speaks another ABI version. */
export function createV8Engine(image: Uint8Array): Engine {
  const { module, instance } = instantiateSync(image as Uint8Array<ArrayBuffer>, {});
  const imports = WebAssembly.Module.imports(module).filter((entry) => entry.module !== 'env' || entry.kind !== 'memory');
  if (imports.length > 0)
    throw new Error(`the image imports ${imports[0].module}.${imports[0].name}: firmware must import nothing`);
  // The loader's own wrappers gather arguments into arrays; the instance's exports are the bare functions.
  const calls = instance.exports as unknown as FirmwareCalls;
  const memory = instance.exports.memory as WebAssembly.Memory;
  const version = calls.abi_version();
  if (version !== abiVersion)
    throw new Error(`the image speaks ABI version ${version}, this host ${abiVersion}: run \`npm run build\``);
  let next = (calls.memory_base() + 15) & ~15;
  let view = new Uint8Array(memory.buffer);
  return {
    name: 'v8',
    image: {
      sha256: createHash('sha256').update(image).digest('hex'),
      bytes: image.length,
      contextBytes: calls.context_bytes(),
      checkpointBytes: calls.checkpoint_bytes(),
    },
    calls,
    reserve(bytes) {
      const at = next;
      const end = at + Math.ceil(bytes / 16) * 16;
      const pages = Math.ceil(end / pageBytes);
      if (pages > pagesMax)
        throw new RangeError(`${bytes} more bytes exceed 4 GiB of linear memory: spread the nodes over more engines`);
      const held = memory.buffer.byteLength / pageBytes;
      if (pages > held) memory.grow(pages - held);
      view = new Uint8Array(memory.buffer);
      next = end;
      return at;
    },
    view: () => view,
    isTrap: (error) => error instanceof WebAssembly.RuntimeError,
  };
}

/** The engine on a built image of dist/. Throws, naming the path and the next step, when it is not there. */
export function loadV8Engine(preset: Preset): Engine {
  const path = imagePath(preset);
  let image: Uint8Array;
  try {
    image = readFileSync(path);
  } catch {
    throw new Error(`${path} is missing: run \`npm run build\``);
  }
  return createV8Engine(image);
}

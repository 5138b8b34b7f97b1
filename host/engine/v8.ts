import { setFlagsFromString } from 'node:v8';
import { instantiateSync } from '@assemblyscript/loader';
import type { ImageName } from '../build/root.ts';
import type { Engine, FirmwareCalls } from './engine.ts';
import { readImage } from './image.ts';
import { withInitialPages } from './initial_memory.ts';
import { factsOf, Space } from './space.ts';

// V8 inlines WebAssembly functions by default from version 12 on; that of Node 20 only with a flag,
// which must be set before it compiles.
if (process.versions.v8.startsWith('11.')) setFlagsFromString('--experimental-wasm-inlining');

/**
 * The images that were compiled last, by their bytes. A process that makes many engines compiles
 * each image once, and lets V8 optimise it once.
 */
const compiled = new Map<string, WebAssembly.Module>();
const compiledMax = 8;

function compile(image: Uint8Array): WebAssembly.Module {
  const key = Buffer.from(image.buffer, image.byteOffset, image.length).toString('latin1');
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(image as Uint8Array<ArrayBuffer>);
    if (compiled.size === compiledMax) compiled.delete(compiled.keys().next().value!);
    compiled.set(key, module);
  }
  return module;
}

/**
 * Makes an engine on V8's own WebAssembly. Throws when the image imports anything or has another
 * ABI version.
 *
 * `pages`: the memory has at least so many pages from the start; default: the image's own. A memory
 * that grows detaches its buffer, and from the first detached buffer on V8 checks every access to
 * every typed array of the process for it: a flight is 4 % slower.
 */
export function createV8Engine(image: Uint8Array, pages = 0): Engine {
  const { module, instance } = instantiateSync(compile(withInitialPages(image, pages)), {});
  const imports = WebAssembly.Module.imports(module).filter(
    (entry) => entry.module !== 'env' || entry.kind !== 'memory',
  );
  if (imports.length > 0)
    throw new Error(`the image imports ${imports[0].module}.${imports[0].name}: firmware must import nothing`);
  // The loader wraps exports in functions that gather arguments into arrays; the instance's exports
  // are the bare functions.
  const calls = instance.exports as unknown as FirmwareCalls;
  const memory = instance.exports.memory as WebAssembly.Memory;
  const facts = factsOf(image, calls);
  const space = new Space({ buffer: () => memory.buffer, grow: (pages) => memory.grow(pages) }, calls.memory_base());
  return {
    name: 'v8',
    image: facts,
    calls,
    reserve: (bytes) => space.reserve(bytes),
    loadStatics: () => space.loadStatics(),
    view: () => space.view,
    isTrap: (error) => error instanceof WebAssembly.RuntimeError,
  };
}

/** Makes an engine on a built image of dist/. Throws EngineError when the image is missing. */
export function loadV8Engine(preset: ImageName): Engine {
  return createV8Engine(readImage(preset));
}

import type { Engine } from './engine.ts';
import type { EngineName } from './names.ts';
import { createV8Engine } from './v8.ts';
import { createWasmtimeEngine, type WasmtimeOptions } from './wasmtime.ts';

interface EngineOptions extends WasmtimeOptions {
  /** Pages of linear memory from the start; only V8 is faster by them. */
  pages?: number;
}

/**
 * Makes an engine by name. Options but `pages` are Wasmtime's. Throws EngineError when the engine
 * is not on this machine.
 */
export function createEngine(name: EngineName, image: Uint8Array, options: EngineOptions = {}): Engine {
  const { pages, ...rest } = options;
  return name === 'wasmtime' ? createWasmtimeEngine(image, rest) : createV8Engine(image, pages);
}

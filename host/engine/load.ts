import type { Engine } from './engine.ts';
import type { EngineName } from './names.ts';
import { createV8Engine } from './v8.ts';
import { createWasmtimeEngine, type WasmtimeOptions } from './wasmtime.ts';

/**
 * Makes an engine by name. `options` are Wasmtime's; V8 has none. Throws EngineError when the
 * engine is not on this machine.
 */
export function createEngine(name: EngineName, image: Uint8Array, options: WasmtimeOptions = {}): Engine {
  return name === 'wasmtime' ? createWasmtimeEngine(image, options) : createV8Engine(image);
}

import type { Engine } from './engine.ts';
import { createV8Engine } from './v8.ts';
import { createWasmtimeEngine, type WasmtimeOptions } from './wasmtime.ts';

/** The engines that run an image. Both give the same bytes; V8 is there wherever Node is. */
export const engineNames = ['v8', 'wasmtime'] as const;
export type EngineName = (typeof engineNames)[number];
export const defaultEngine: EngineName = 'v8';

/** What a command that is printed to be run again needs: nothing for the default. */
export function engineFlag(name: EngineName): string {
  return name === defaultEngine ? '' : ` --engine ${name}`;
}

/** An engine by name. `options` are Wasmtime's; V8 has none. Throws EngineError when the engine is not on this machine. */
export function createEngine(name: EngineName, image: Uint8Array, options: WasmtimeOptions = {}): Engine {
  return name === 'wasmtime' ? createWasmtimeEngine(image, options) : createV8Engine(image);
}

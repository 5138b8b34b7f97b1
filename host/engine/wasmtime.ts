import { join } from 'node:path';
import { rootFolder } from '../build/root.ts';
import { loadAddon, type ProgramOptions } from './addon.ts';
import type { Engine } from './engine.ts';
import { programOf } from './precompiled.ts';
import { factsOf, Space } from './space.ts';

export interface WasmtimeOptions {
  /** Count fuel: a deterministic measure of work, the same on every machine. Costs speed. */
  fuel?: boolean;
  /** Fuel that one call may take; a call that takes more traps. Counts fuel too. */
  fuelBudget?: number;
  /**
   * Milliseconds of wall-clock time that one call may take; a call that takes more traps. For a
   * process that runs by the wall clock and must not hang. The simulator never sets it: a run must
   * not depend on the load of the machine.
   */
  deadlineMs?: number;
  /** Folder that keeps machine code between starts; null: compile each time. */
  cacheFolder?: string | null;
}

/** An engine on Wasmtime, with what only Wasmtime can measure. */
export interface WasmtimeEngine extends Engine {
  readonly wasmtimeVersion: string;
  readonly countsFuel: boolean;
  /** Fuel that the last call took, also if it trapped; 0 when fuel is not counted. */
  fuelUsed(): number;
}

/** `code` of errors thrown by a call that was ended. */
const trapCodes = new Set<unknown>(['FIRMWARE_TRAP', 'FIRMWARE_FUEL', 'FIRMWARE_DEADLINE']);

/**
 * Makes an engine on Wasmtime. Throws EngineError when the addon is missing, and as the V8 engine
 * does when the image imports anything or has another ABI version.
 */
export function createWasmtimeEngine(image: Uint8Array, options: WasmtimeOptions = {}): WasmtimeEngine {
  const { cacheFolder = join(rootFolder, 'dist', 'precompiled'), ...rest } = options;
  const addon = loadAddon();
  const { fuel, fuelBudget, deadlineMs } = rest;
  const wanted: ProgramOptions = { fuel, fuelBudget, deadlineMs };
  const instance = programOf(addon, image, wanted, cacheFolder).program.instantiate();
  const calls = instance.functions();
  const facts = factsOf(image, calls);
  const memory = { buffer: () => instance.buffer(), grow: (pages: number) => instance.grow(pages) };
  const space = new Space(memory, calls.memory_base());
  return {
    name: 'wasmtime',
    image: facts,
    calls,
    reserve: (bytes) => space.reserve(bytes),
    loadStatics: () => space.loadStatics(),
    view: () => space.view,
    isTrap: (error) => error instanceof Error && trapCodes.has((error as { code?: unknown }).code),
    wasmtimeVersion: addon.wasmtimeVersion(),
    countsFuel: fuel === true || fuelBudget !== undefined,
    fuelUsed: () => instance.fuelUsed(),
  };
}

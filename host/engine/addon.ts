import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rootFolder } from '../build/root.ts';
import type { FirmwareCalls } from './engine.ts';

/**
 * The addon of host/wasmtime-bindings, as JavaScript sees it. Its Rust sources describe each part.
 */
export interface WasmtimeAddon {
  interfaceVersion(): number;
  wasmtimeVersion(): string;
  compatibility(options: ProgramOptions): string;
  Program: {
    compile(image: Uint8Array, options: ProgramOptions): WasmtimeProgram;
    load(precompiled: Uint8Array, options: ProgramOptions): WasmtimeProgram;
  };
}

export interface ProgramOptions {
  fuel?: boolean;
  fuelBudget?: number;
  deadlineMs?: number;
}

export interface WasmtimeProgram {
  serialize(): Uint8Array;
  instantiate(): WasmtimeInstance;
}

export interface WasmtimeInstance {
  functions(): FirmwareCalls;
  buffer(): ArrayBuffer;
  grow(pages: number): void;
  fuelUsed(): number;
}

/** An engine cannot be had on this machine. The message names the command that helps. */
export class EngineError extends Error {}

/** Version of the interface that this host uses: `interface_version` of the addon must be equal. */
const interfaceVersion = 1;
const buildCommand = 'npm run build:wasmtime';

export function addonPath(): string {
  return join(rootFolder, 'dist', 'wasmtime-bindings.node');
}

/**
 * Loads the addon. Throws EngineError when it was not built, is older than this host, or was built
 * for another machine.
 */
export function loadAddon(path = addonPath()): WasmtimeAddon {
  if (!existsSync(path)) {
    throw new EngineError(
      `the Wasmtime engine is not built (${path} is missing): run \`${buildCommand}\`, which needs Rust, ` +
        'or take --engine v8',
    );
  }
  let addon: WasmtimeAddon;
  try {
    addon = createRequire(import.meta.url)(path);
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new EngineError(`the Wasmtime engine does not load: ${why}: run \`${buildCommand} -- --force\``);
  }
  if (addon.interfaceVersion?.() !== interfaceVersion)
    throw new EngineError(`the Wasmtime engine was built from other sources than this host: run \`${buildCommand}\``);
  return addon;
}

/**
 * Counts fuel: the WebAssembly instructions that Wasmtime executes in a call, the same on every
 * machine and in every run. Fuel measures the image alone; a processor's own instructions are
 * counted in the emulator. Each instruction counts one, those that only give structure (`block`,
 * `loop`, `end`, …) none; `memory.fill` and `memory.copy` count one more for each byte.
 */
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import type { WasmtimeEngine } from '../../host/engine/wasmtime.ts';

type ExportName = keyof FirmwareCalls;

/**
 * Fuel that no call of a healthy image reaches, for `fuelBudget` in tests: seven times the
 * 1,360,442 of the most expensive `receive` that `worstFuel` found in `cluster-neo` with seed 7. A
 * call that exceeds it loops, or does unbounded work in one step.
 */
export const fuelPerCallMax = 10_000_000;

/**
 * Returns the fuel of one call. `call` makes exactly one. Throws when the engine counts no fuel.
 */
export function fuelOf(engine: WasmtimeEngine, call: (calls: FirmwareCalls) => unknown): number {
  if (!engine.countsFuel) throw new Error('this engine counts no fuel: create it with fuel: true');
  call(engine.calls);
  return engine.fuelUsed();
}

export interface WorstFuel {
  /** The same engine; calls through it are counted. */
  engine: Engine;
  /** The most fuel of one call, and the number of calls, by export. Filled while `engine` runs. */
  worst: Map<ExportName, { fuel: number; calls: number }>;
}

/** Wraps an engine to find the most expensive call of each export. */
export function worstFuel(watched: WasmtimeEngine): WorstFuel {
  const worst: WorstFuel['worst'] = new Map();
  const calls: Record<string, (...words: number[]) => number> = {};
  for (const [name, bare] of Object.entries(watched.calls) as [ExportName, (...words: number[]) => number][]) {
    const seen = { fuel: 0, calls: 0 };
    calls[name] = (...words) => {
      try {
        return bare(...words);
      } finally {
        seen.fuel = Math.max(seen.fuel, watched.fuelUsed());
        seen.calls += 1;
        worst.set(name, seen);
      }
    };
  }
  const engine: Engine = { ...watched, calls: calls as unknown as FirmwareCalls };
  return { engine, worst };
}

/**
 * Fuel: Wasmtime's count of the WebAssembly instructions that a call executes, the same on every machine and for every run. It is a
 * measure of the image alone; what a processor's compiler makes of an instruction is counted in instructions of that processor.
 * Each instruction is one, those that only give structure (`block`, `loop`, `end`, …) none; `memory.fill` and `memory.copy` are one more
 * for each byte.
 */
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import type { WasmtimeEngine } from '../../host/engine/wasmtime.ts';

type ExportName = keyof FirmwareCalls;

/**
 * Fuel that no call of a healthy image reaches, for `fuelBudget` in tests: seven times the 1,360,442 that `worstFuel` saw one `receive`
 * take in `cluster-neo` with seed 7. What exceeds it loops, or does unbounded work in one step.
 */
export const fuelPerCallMax = 10_000_000;

/** Fuel that one call takes. `call` makes exactly one. Throws when the engine counts no fuel. */
export function fuelOf(engine: WasmtimeEngine, call: (calls: FirmwareCalls) => unknown): number {
  if (!engine.countsFuel) throw new Error('this engine counts no fuel: create it with fuel: true');
  call(engine.calls);
  return engine.fuelUsed();
}

export interface WorstFuel {
  /** The same engine; a call through it is also counted. */
  engine: Engine;
  /** The most fuel that one call took, and how many calls there were, by export. Filled while `engine` runs. */
  worst: Map<ExportName, { fuel: number; calls: number }>;
}

/** Watches an engine: what the most expensive call of each export took. */
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

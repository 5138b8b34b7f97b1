import type { RandomStream } from '../kernel/random.ts';

/**
 * Simulates the processors' own clocks: each begins at its processor's power-on and drifts at its
 * own rate.
 */
export class LocalClocks {
  readonly #zeroMs: Float64Array;
  readonly #rate: Float64Array;

  constructor(nodes: number, driftPpm: number, random: RandomStream) {
    this.#zeroMs = new Float64Array(nodes);
    this.#rate = Float64Array.from({ length: nodes }, () => 1 + random.between(-driftPpm, driftPpm) * 1e-6);
  }

  /** Starts the node's clock at `timeMs`. */
  zero(node: number, timeMs: number): void {
    this.#zeroMs[node] = timeMs;
  }

  /** Returns ms since the processor's power-on. */
  localMs(node: number, timeMs: number): number {
    return Math.floor((timeMs - this.#zeroMs[node]) * this.#rate[node]);
  }

  /** Returns the local time as a call takes it. */
  now(node: number, timeMs: number): { nowS: number; nowMs: number } {
    const localMs = this.localMs(node, timeMs);
    return { nowS: Math.floor(localMs / 1000), nowMs: localMs % 1000 };
  }

  /** Returns the true time at which the node's clock shows `localMs`. */
  trueMs(node: number, localMs: number): number {
    return this.#zeroMs[node] + Math.ceil(localMs / this.#rate[node]);
  }
}

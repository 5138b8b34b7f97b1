import type { WorldChange } from '../kernel/trace.ts';

/** A judge's finding. `ok` is false as soon as one violation was seen. */
export interface Verdict {
  id: string;
  ok: boolean;
  violations: number;
  /** Texts of the first few, with mission seconds and nodes. */
  examples: string[];
}

/**
 * Judges one property of a run. It gets what the run's observers have already processed, and gives
 * its verdict once, after `end`.
 */
export interface Judge {
  readonly id: string;
  event?(timeMs: number, node: number, fields: Uint32Array): void;
  command?(timeMs: number, node: number, fields: Uint32Array): void;
  world?(timeMs: number, change: WorldChange): void;
  /** Called at every full minute of mission time, before anything that happens at or after it. */
  minute?(timeMs: number): void;
  end?(timeMs: number): void;
  verdict(): Verdict;
  /** Record types that `event` and `command` get; others are not delivered. */
  readonly types: readonly number[];
}

const EXAMPLES_MAX = 5;

/** Counts violations and keeps the texts of the first few. */
export class Findings {
  violations = 0;
  readonly examples: string[] = [];

  /** The text is a function: violations after the first few build no string. */
  add(describe: () => string): void {
    this.violations++;
    if (this.examples.length < EXAMPLES_MAX) this.examples.push(describe());
  }

  verdict(id: string): Verdict {
    return { id, ok: this.violations === 0, violations: this.violations, examples: this.examples };
  }
}

/** Formats time and node, for the start of a text. */
export const atNode = (timeMs: number, node: number): string => `at ${seconds(timeMs)} node ${node}`;

/** Formats a time in milliseconds as mission seconds, for texts. */
export const seconds = (timeMs: number): string => `${Math.floor(timeMs / 1000)} s`;

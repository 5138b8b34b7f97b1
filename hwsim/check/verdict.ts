import type { WorldChange } from '../kernel/trace.ts';

/** What a judge found. `ok` is false as soon as one violation was seen. */
export interface Verdict {
  id: string;
  ok: boolean;
  violations: number;
  /** The first few, in words, with mission seconds and nodes. */
  examples: string[];
}

/** A judge: hears what its run's observers have already taken in, and is asked for its verdict once, after `end`. */
export interface Judge {
  readonly id: string;
  event?(timeMs: number, node: number, fields: Uint32Array): void;
  command?(timeMs: number, node: number, fields: Uint32Array): void;
  world?(timeMs: number, change: WorldChange): void;
  /** Called at every full minute of mission time, before anything that happens at or after it. */
  minute?(timeMs: number): void;
  end?(timeMs: number): void;
  verdict(): Verdict;
  /** Record types that `event` and `command` want to hear of; others are not delivered. */
  readonly types: readonly number[];
}

const EXAMPLES_MAX = 5;

/** Counts violations and keeps the first few in words. */
export class Findings {
  violations = 0;
  readonly examples: string[] = [];

  /** The text is a function so that the many violations after the first few cost no string. */
  add(describe: () => string): void {
    this.violations++;
    if (this.examples.length < EXAMPLES_MAX) this.examples.push(describe());
  }

  verdict(id: string): Verdict {
    return { id, ok: this.violations === 0, violations: this.violations, examples: this.examples };
  }
}

/** Mission seconds of a time in milliseconds, for texts. */
export const seconds = (timeMs: number): string => `${Math.floor(timeMs / 1000)} s`;

import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';

/** A change of ground truth that bounds what can be produced. */
export type BoundingChange = Extract<WorldChange, { kind: 'node-up' | 'node-down' | 'group-capacity' | 'unit' }>;

/** Keeps the world changes that bound production, for the optimum and for the greedy baseline. */
export class WorldHistory implements TraceConsumer {
  readonly changes: { timeMs: number; change: BoundingChange }[] = [];

  world(timeMs: number, change: WorldChange): void {
    switch (change.kind) {
      case 'node-up':
      case 'node-down':
      case 'group-capacity':
      case 'unit':
        this.changes.push({ timeMs, change });
        return;
      default:
        return;
    }
  }
}

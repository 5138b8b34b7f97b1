import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';

/** A change of ground truth that limits production. */
export type BoundingChange = Extract<WorldChange, { kind: 'node-up' | 'node-down' | 'group-capacity' | 'unit' }>;

/** Records the world changes that limit production, for the optimum and for the greedy baseline. */
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

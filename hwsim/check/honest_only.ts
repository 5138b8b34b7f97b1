import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';

/**
 * Filters the trace of a run with a Byzantine node: judges get nothing of that node, as if it had
 * been down from the start. What it reports of itself proves nothing, what it works on counts for
 * nobody, and its effect on others is seen in their own events.
 */
export class HonestOnly implements TraceConsumer {
  private readonly inner: TraceConsumer;
  private readonly byzantine: number;
  private begun = false;

  constructor(inner: TraceConsumer, byzantine: number) {
    this.inner = inner;
    this.byzantine = byzantine;
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.begin();
    if (node !== this.byzantine) this.inner.event?.(timeMs, node, fields, length);
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    this.begin();
    if (node !== this.byzantine) this.inner.command?.(timeMs, node, fields, length);
  }

  world(timeMs: number, change: WorldChange): void {
    this.begin();
    if ('node' in change && change.node === this.byzantine) return;
    if (change.kind === 'double-execution' && change.nodes.filter((node) => node !== this.byzantine).length < 2) return;
    this.inner.world?.(timeMs, change);
  }

  end(timeMs: number): void {
    this.inner.end?.(timeMs);
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.inner.world?.(0, { kind: 'node-down', node: this.byzantine, permanent: true, disruption: null });
  }
}

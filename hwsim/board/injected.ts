import type { Upset } from '../fault/upsets.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { Controller } from './controller.ts';
import { OwnMemoryBoard } from './faultable_memory.ts';

/**
 * Upsets of a run as the trace has them: each with the bits that it flipped, and what struck nodes gave out that their replicas did not. A frame of that kind is
 * followed to those who take it in.
 */
export class StruckBoards {
  readonly #tracer: Tracer;
  readonly #boards: (OwnMemoryBoard | null)[];
  /** Number of the upset that struck a node last; −1 none. */
  readonly #last: Int32Array;
  /** Slots of the channel that carry a frame that departs, with the upset. */
  readonly #inAir = new Map<number, number>();

  constructor(tracer: Tracer, controllers: readonly (Controller | null)[]) {
    this.#tracer = tracer;
    this.#boards = controllers.map((controller) => (controller instanceof OwnMemoryBoard ? controller : null));
    this.#last = new Int32Array(controllers.length).fill(-1);
  }

  strike(timeMs: number, { node, bits }: Upset, number: number): void {
    const inUse = this.#boards[node]?.strike(bits) ?? false;
    this.#tracer.world(timeMs, { kind: 'upset', node, bits, inUse });
    if (inUse) this.#last[node] = number;
  }

  /** Tells what departed in the call that the node answered last. Returns the outputs that are frames of that kind; null, as nearly always, when none is. */
  tell(timeMs: number, node: number): ReadonlySet<number> | null {
    const divergences = this.#boards[node]?.divergences ?? [];
    if (divergences.length === 0) return null;
    const upset = this.#last[node];
    for (const { output, omission, garbled, what } of divergences)
      this.#tracer.world(timeMs, { kind: 'divergence', node, output, omission, garbled, upset, what });
    const onAir = divergences.filter(({ output, omission }) => output === 'frame' && !omission);
    return new Set(onAir.map(({ index }) => index));
  }

  onAir(slot: number, node: number): void {
    this.#inAir.set(slot, this.#last[node]);
  }

  /** The frame in this slot has arrived: the upset that made it what it is; null when none did. */
  arrived(slot: number): number | null {
    const upset = this.#inAir.get(slot);
    if (upset === undefined) return null;
    this.#inAir.delete(slot);
    return upset;
  }

  accepted(timeMs: number, node: number, upset: number, by: number[]): void {
    if (by.length > 0) this.#tracer.world(timeMs, { kind: 'corrupt-accepted', node, by, upset });
  }

  /** The run ends: what still stands wrong. */
  end(timeMs: number): void {
    this.#boards.forEach((board, node) => {
      const bits = board?.latentBits() ?? 0;
      if (bits > 0) this.#tracer.world(timeMs, { kind: 'latent', node, bits });
    });
  }
}

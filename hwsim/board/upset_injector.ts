import type { Upset } from '../fault/upsets.ts';
import type { Tracer } from '../kernel/tracer.ts';
import type { Controller } from './controller.ts';
import { FaultableMemoryBoard } from './faultable_memory.ts';

/**
 * Injects upsets into boards with faultable memory, and reports to the trace: each upset with the
 * bits that it flipped, and the outputs in which a node and its reference replica differ. A frame
 * that only the node sent is followed to the nodes that accept it.
 */
export class UpsetInjector {
  readonly #tracer: Tracer;
  readonly #boards: (FaultableMemoryBoard | null)[];
  /** By node: number of the last upset injected; −1 none. */
  readonly #lastUpset: Int32Array;
  /** By frame slot of the channel: the upset that made the frame diverge. */
  readonly #inAir = new Map<number, number>();

  constructor(tracer: Tracer, controllers: readonly (Controller | null)[]) {
    this.#tracer = tracer;
    this.#boards = controllers.map((controller) => (controller instanceof FaultableMemoryBoard ? controller : null));
    this.#lastUpset = new Int32Array(controllers.length).fill(-1);
  }

  inject(timeMs: number, { node, bits }: Upset, number: number): void {
    const inUse = this.#boards[node]?.inject(bits) ?? false;
    this.#tracer.world(timeMs, { kind: 'upset', node, bits, inUse });
    if (inUse) this.#lastUpset[node] = number;
  }

  /**
   * Reports the divergences of the node's last call. Returns the indices of outputs that are frames
   * which only the node sent; null, as nearly always, when nothing diverged.
   */
  reportDivergences(timeMs: number, node: number): ReadonlySet<number> | null {
    const divergences = this.#boards[node]?.divergences ?? [];
    if (divergences.length === 0) return null;
    const upset = this.#lastUpset[node];
    for (const { output, omission, garbled, what } of divergences)
      this.#tracer.world(timeMs, { kind: 'divergence', node, output, omission, garbled, upset, what });
    const frames = divergences.filter(({ output, omission }) => output === 'frame' && !omission);
    return new Set(frames.map(({ index }) => index));
  }

  /** Notes that the node's diverging frame is on the air in this frame slot. */
  frameOnAir(frameSlot: number, node: number): void {
    this.#inAir.set(frameSlot, this.#lastUpset[node]);
  }

  /**
   * Takes the arrived frame of this frame slot. Returns the upset that made it diverge; null when
   * none did.
   */
  frameArrived(frameSlot: number): number | null {
    const upset = this.#inAir.get(frameSlot);
    if (upset === undefined) return null;
    this.#inAir.delete(frameSlot);
    return upset;
  }

  reportAccepted(timeMs: number, node: number, upset: number, by: number[]): void {
    if (by.length > 0) this.#tracer.world(timeMs, { kind: 'corrupt-accepted', node, by, upset });
  }

  /** Reports at the end of the run the bits that are still wrong. */
  end(timeMs: number): void {
    this.#boards.forEach((board, node) => {
      const bits = board?.latentBits() ?? 0;
      if (bits > 0) this.#tracer.world(timeMs, { kind: 'latent', node, bits });
    });
  }
}

import type { Engine } from '../../host/engine/engine.ts';
import type { Controller } from '../board/controller.ts';
import { FaultableMemoryBoard } from '../board/faultable_memory.ts';
import type { AccessFaults } from '../board/checkpoint_slots.ts';
import type { Fault } from '../fault/draw.ts';
import { drawUpsets, type Upset } from '../fault/upsets.ts';
import { RandomStream } from '../kernel/random.ts';
import type { UpsetRates } from '../scenario/schema.ts';

/** Nodes whose memory can err, and all upsets that will be injected. */
export interface FaultableFleet {
  controllers: Map<number, Controller>;
  upsets: Upset[];
}

/**
 * Makes one instance of the image per node, so that a stray write stays within its node as in
 * flight, and one more for all reference replicas. `onAccessFault` is called at each error of a
 * node's memory controller.
 */
export function layFaultableFleet(
  rates: UpsetRates,
  faults: readonly Fault[],
  { seed, nodes, untilMs }: { seed: number; nodes: number; untilMs: number },
  ownEngine: () => Engine,
  onAccessFault: (node: number, access: 'write' | 'read') => void,
): FaultableFleet {
  const controllers = new Map<number, Controller>();
  const replicas = ownEngine();
  const { accessFaultsPerWord: perWord } = rates;
  let memoryBits = 0;
  for (let node = 0; node < nodes; node += 1) {
    const random = new RandomStream(seed, 'access', node);
    const access: AccessFaults | null =
      perWord > 0 ? { perWord, random, onFault: (kind) => onAccessFault(node, kind) } : null;
    const board = new FaultableMemoryBoard(ownEngine(), replicas, access);
    memoryBits = board.memoryBits;
    controllers.set(node, board);
  }
  const storms = faults.flatMap(({ flux }) => (flux === null ? [] : [flux]));
  return { controllers, upsets: drawUpsets(rates, storms, { seed, nodes, memoryBits, untilMs }) };
}

import { TYPE } from '../../host/cbor/generated.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';
import { eventKind } from '../kernel/event_kinds.ts';
import type { EventQueue } from '../kernel/queue.ts';
import type { NonVolatile } from './nonvolatile.ts';

/**
 * Does the platforms' part in the security of links: keys at boot, and counters in non-volatile
 * memory (docs/security.md).
 */
export class LinkService {
  readonly #seed: number;
  readonly #cluster: number;
  readonly #memory: readonly NonVolatile[];
  readonly #queue: EventQueue;

  constructor(seed: number, cluster: number, memory: readonly NonVolatile[], queue: EventQueue) {
    this.#seed = seed;
    this.#cluster = cluster;
    this.#memory = memory;
    this.#queue = queue;
  }

  /** Returns the keys of a node's configuration. */
  keys(node: number): LinkKeys {
    return clusterKeys(this.#seed, this.#cluster, this.#memory.length).member(node);
  }

  /**
   * Writes a reservation to non-volatile memory. The answer comes at the same instant, as an event
   * of its own.
   */
  reserve(timeMs: number, node: number, cycle: number): void {
    const memory = this.#memory[node];
    if (cycle > memory.reserved) memory.reserved = cycle;
    this.#queue.push(timeMs, node, eventKind.reserved, memory.incarnation);
  }

  /**
   * Returns the record that answers; null when the node has booted since, because its configuration
   * carries the value.
   */
  answer(node: number, incarnation: number): readonly number[] | null {
    const { incarnation: now, reserved } = this.#memory[node];
    return now === incarnation ? [TYPE.countersReserved, reserved] : null;
  }
}

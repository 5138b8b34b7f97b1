/**
 * Seals frames for benchmarks: with simulated keys of cluster 1, seed 1, under counters that a
 * receiver accepts.
 */
import { encodeFrame, sealBytes } from '../../../host/security/frame.ts';
import { ADDRESSEE_ALL, CLUSTER_MEMBERS_MAX, type Message } from '../../../host/cbor/generated.ts';
import { encodeMessage } from '../../../host/cbor/message.ts';
import type { LinkKeys } from '../../../host/security/key_epoch.ts';
import { cycleAt, FreshCounters } from '../../../host/security/cycle.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../../host/security/simulated_keys.ts';

const benchSeed = 1;
const keys = clusterKeys(benchSeed, SIMULATED_CLUSTER, CLUSTER_MEMBERS_MAX);

/** Returns the keys of member `index` of the benchmarks' cluster, for its configuration. */
export const benchKeys = (index: number): LinkKeys => keys.member(index);
/** Opens and seals frames of that cluster. */
export const benchLink = keys.link();
/** The authority that makes the cluster's key epochs. */
export const benchAuthority = keys.authority;

/** Last TDMA cycle of the reservation that benchmark nodes get. */
const RESERVED_CYCLE = 4000;
/** Makes the record of that reservation; without one a node neither sends nor accepts frames. */
export const reservation = (): Uint8Array => encodeMessage({ name: 'counters-reserved', cycle: RESERVED_CYCLE });
/**
 * Returns the key epoch of a frame of one message: heads and parts travel under the key that every
 * member has from the start.
 */
export const keyEpochOf = (name: string): number => (name === 'key-epoch-head' || name === 'key-epoch-part' ? 0 : 1);

/** Makes the frames of one benchmark: no sender uses a counter twice. */
export class BenchFrames {
  readonly #counters = new FreshCounters();

  #header(sender: number, addressee: number, atS: number) {
    return { cluster: SIMULATED_CLUSTER, keyEpoch: 1, sender, addressee, counter: this.#counters.next(sender, atS) };
  }

  /** True when a receiver would still accept another frame of this sender at that time. */
  canSend(sender: number, atS: number): boolean {
    return this.#counters.has(sender, atS);
  }

  /** Makes a frame of messages that `sender` sends at a mission second. */
  frame(sender: number, atS: number, messages: readonly Message[], addressee = ADDRESSEE_ALL): Uint8Array {
    return encodeFrame(this.#header(sender, addressee, atS), messages, benchLink);
  }

  /**
   * Makes a frame of any plaintext under the newest counter: for a state that is restored after it,
   * or that it does not change.
   */
  newest(sender: number, atS: number, plaintext: Uint8Array, addressee = ADDRESSEE_ALL, keyEpoch = 1): Uint8Array {
    const counter = cycleAt(atS, sender);
    return sealBytes({ cluster: SIMULATED_CLUSTER, keyEpoch, sender, addressee, counter }, plaintext, benchLink);
  }

  /** Makes a frame of any plaintext, also of one that receivers must refuse. */
  sealed(sender: number, atS: number, plaintext: Uint8Array, addressee = ADDRESSEE_ALL): Uint8Array {
    return sealBytes(this.#header(sender, addressee, atS), plaintext, benchLink);
  }
}

/** Frames for benchmarks: sealed with simulated keys of cluster 1, seed 1, under counters that a receiver takes. */
import { encodeFrame, sealBytes } from '../../../host/security/frame.ts';
import type { Message } from '../../../host/cbor/generated.ts';
import { encodeMessage } from '../../../host/cbor/message.ts';
import type { LinkKeys } from '../../../host/security/key_epoch.ts';
import { cycleAt, FreshCounters } from '../../../host/security/cycle.ts';
import { ADDRESSEE_ALL } from '../../../host/security/envelope.ts';
import { clusterKeys, SIMULATED_CLUSTER } from '../../../host/security/simulated_keys.ts';

const benchSeed = 1;
const membersMax = 200;
const keys = clusterKeys(benchSeed, SIMULATED_CLUSTER, membersMax);

/** What `encodeConfig` gives member `index` of the benchmarks' cluster. */
export const benchKeys = (index: number): LinkKeys => keys.member(index);
/** Opens and seals what that cluster sends. */
export const benchLink = keys.link();
/** Makes its epochs. */
export const benchAuthority = keys.authority;

/** Last cycle of the reservation that nodes of a bench are told of. */
export const RESERVED_CYCLE = 4000;
/** Without it nothing is sent or taken. */
export const reservation = (): Uint8Array => encodeMessage({ name: 'counters-reserved', cycle: RESERVED_CYCLE });
/** Epoch of a frame of one message: heads and parts travel under the key that every member ever had. */
export const keyEpochOf = (name: string): number => (name === 'key-epoch-head' || name === 'key-epoch-part' ? 0 : 1);

/** Frames of one bench: no counter of a sender twice. */
export class BenchFrames {
  readonly #counters = new FreshCounters();

  #header(sender: number, addressee: number, atS: number) {
    return { cluster: SIMULATED_CLUSTER, epoch: 1, sender, addressee, counter: this.#counters.next(sender, atS) };
  }

  /** Whether a receiver would still take another frame of this sender at that time. */
  mayHear(sender: number, atS: number): boolean {
    return this.#counters.has(sender, atS);
  }

  /** A frame of messages that `sender` sends at a mission second. */
  frame(sender: number, atS: number, messages: readonly Message[], addressee = ADDRESSEE_ALL): Uint8Array {
    return encodeFrame(this.#header(sender, addressee, atS), messages, benchLink);
  }

  /** A frame of any plaintext under the newest counter there is: for a state that is put back after it, or that it leaves as it was. */
  newest(sender: number, atS: number, plaintext: Uint8Array, addressee = ADDRESSEE_ALL, epoch = 1): Uint8Array {
    const counter = cycleAt(atS, sender);
    return sealBytes({ cluster: SIMULATED_CLUSTER, epoch, sender, addressee, counter }, plaintext, benchLink);
  }

  /** A frame of any plaintext: what receivers must refuse is made so. */
  sealed(sender: number, atS: number, plaintext: Uint8Array, addressee = ADDRESSEE_ALL): Uint8Array {
    return sealBytes(this.#header(sender, addressee, atS), plaintext, benchLink);
  }
}

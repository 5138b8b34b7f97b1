import { decodeFrame, encodeFrame, type Frame, sealBytes } from '../../host/security/frame.ts';
import { ADDRESSEE_ALL, type Message } from '../../host/cbor/generated.ts';
import { FreshCounters } from '../../host/security/cycle.ts';
import type { Header } from '../../host/security/envelope.ts';
import { clusterKeys } from '../../host/security/simulated_keys.ts';

/** The cluster that tests fly, and its simulated keys. */
export const testCluster = 7;
export const testKeys = clusterKeys(1, testCluster, 200);
export const testLink = testKeys.link();

/** A header of the tests' cluster; by default key epoch 1, from member 1 to all, counter 1. */
export function testHeader(header: Partial<Header> = {}): Header {
  return { cluster: testCluster, keyEpoch: 1, sender: 1, addressee: ADDRESSEE_ALL, counter: 1, ...header };
}

/** A sealed frame of the tests' cluster. */
export function sealedFrame(header: Partial<Header>, messages: readonly Message[]): Uint8Array {
  return encodeFrame(testHeader(header), messages, testLink);
}

/** A sealed frame whose plaintext need not be messages. */
export function sealedBytes(header: Partial<Header>, plaintext: Uint8Array): Uint8Array {
  return sealBytes(testHeader(header), plaintext, testLink);
}

/** Opens and decodes a frame of the tests' cluster. Throws CborFault. */
export function openedFrame(frame: Uint8Array): Frame {
  return decodeFrame(frame, testLink);
}

/**
 * Sealed frames whose counters a receiver takes, however many a second: those of the window that
 * their sender has not used.
 */
export class SealedFrames {
  readonly #counters = new FreshCounters();

  frame(sender: number, messages: readonly Message[], missionS: number, header: Partial<Header> = {}): Uint8Array {
    return sealedFrame({ sender, counter: this.#counters.next(sender, missionS), ...header }, messages);
  }
}

// Encodes and decodes frames as on the air: an envelope (host/security/envelope.ts) whose plaintext
// is a CBOR sequence of messages.

import type { Cipher } from './cipher.ts';
import { type Header, type KeyOf, open, seal } from './envelope.ts';
import type { Message } from '../cbor/generated.ts';
import { decodeSequence, encodeMessage, joinBytes, type UnknownMessage } from '../cbor/message.ts';

export interface Frame {
  readonly header: Header;
  readonly messages: readonly (Message | UnknownMessage)[];
}

/** Keys and cipher that seal and open frames. */
export interface LinkCipher {
  readonly keyOf: KeyOf;
  readonly cipher: Cipher;
}

/**
 * Encodes and seals a frame. Throws if a field is out of range, the messages do not fit, or there
 * is no key for the header.
 */
export function encodeFrame(header: Header, messages: readonly Message[], link: LinkCipher): Uint8Array {
  return sealBytes(header, joinBytes(messages.map(encodeMessage)), link);
}

/**
 * Seals bytes that need not be messages: tests make frames with it that receivers must refuse.
 * Throws as `encodeFrame`.
 */
export function sealBytes(header: Header, plaintext: Uint8Array, link: LinkCipher): Uint8Array {
  const key = link.keyOf(header);
  if (key === null) throw new Error(`no key for key epoch ${header.keyEpoch} of cluster ${header.cluster}`);
  return seal(header, plaintext, key, link.cipher);
}

/**
 * Opens and decodes a frame. Throws CborFault as `open` does, and if an item of the plaintext does
 * not conform to the schema.
 */
export function decodeFrame(frame: Uint8Array, link: LinkCipher): Frame {
  const { header, plaintext } = open(frame, link.keyOf, link.cipher);
  return { header, messages: decodeSequence(plaintext) };
}

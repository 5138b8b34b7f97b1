// Seals and opens link frames as on the air: COSE_Encrypt0 (RFC 9052) in one fixed layout, and a
// CRC-32C (docs/security.md draws it).
//
//      0  d0 83 55 a3 01 18 18 04 49   tag 16, array of 3, protected header:
//                                      algorithm 24, key id of 9 bytes:
//      9  version  cluster  keyEpoch  sender  addressee
//     18  06 44  counter  a0           Partial IV of 4 bytes; the unprotected header is empty
//     25  58 LL, or 40 + LL            ciphertext ‖ tag
// end  CRC-32C, big-endian
//
// Every other layout is refused before any cipher runs.

import { crc32c } from '../cbor/crc32c.ts';
import {
  CRC_BYTES,
  ENVELOPE_BYTES,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MIN,
  NONCE_BYTES,
  PLAIN_BYTES_MAX,
  PROTOCOL_VERSION,
  TAG_BYTES,
} from '../cbor/generated.ts';
import { CborFault } from '../cbor/item.ts';
import { type Cipher, realCipher } from './cipher.ts';

/**
 * The header of a frame. It is not encrypted, but authenticated: an altered header does not open.
 */
export interface Header {
  readonly cluster: number;
  /**
   * Key epoch whose link key sealed the frame; 0: heads and parts of key epochs only, under the key
   * that every member ever provisioned has.
   */
  readonly keyEpoch: number;
  readonly sender: number;
  readonly addressee: number;
  /** The sender's TDMA cycle: no two frames of one sender have the same (docs/security.md). */
  readonly counter: number;
}

/** Finds the link key of a frame by its header; null: there is none. */
export type KeyOf = (header: Header) => Uint8Array | null;

export interface Opened {
  readonly header: Header;
  readonly plaintext: Uint8Array;
}

const at = { version: 9, cluster: 10, keyEpoch: 12, sender: 14, addressee: 16, counter: 20, length: 25 } as const;
const protectedAt = 3;
const protectedBytes = 21;
/** The first bytes of a frame, from the tag to the head of the key id. */
const opening = Uint8Array.of(0xd0, 0x83, 0x55, 0xa3, 0x01, 0x18, 0x18, 0x04, 0x49);
const partialIvHead = Uint8Array.of(0x06, 0x44);
const noHeader = Uint8Array.of(0xa0);
/**
 * Head of ["Encrypt0", protected, h'']: the additional data, with room for the protected header.
 */
const structureHead = Uint8Array.of(0x83, 0x68, ...new TextEncoder().encode('Encrypt0'), 0x55);
const aadBytes = structureHead.length + protectedBytes + 1;
const shortLength = 24;
/** A message has at least two bytes, and a frame one message. */
const PLAIN_BYTES_MIN = 2;
const sealedBytesMin = PLAIN_BYTES_MIN + TAG_BYTES;

const fieldMax = { cluster: 0xffff, keyEpoch: 0xffff, sender: 0xffff, addressee: 0xffff, counter: 0xffffffff } as const;
const fields = Object.keys(fieldMax) as (keyof typeof fieldMax)[];

function checkHeader(header: Header): void {
  for (const name of fields) {
    const value = header[name];
    if (!Number.isInteger(value) || value < 0 || value > fieldMax[name])
      throw new Error(`header.${name} is ${String(value)}, but must be an integer of 0..${fieldMax[name]}`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Makes the Enc_structure of RFC 9052 §5.3 over the frame's own protected header. */
function aadOf(frame: Uint8Array): Uint8Array {
  const aad = new Uint8Array(aadBytes);
  aad.set(structureHead);
  aad.set(frame.subarray(protectedAt, protectedAt + protectedBytes), structureHead.length);
  aad[aadBytes - 1] = 0x40;
  return aad;
}

/** Makes the nonce: Base IV (sender ‖ zeros) XOR Partial IV (counter). */
function nonceOf(header: Header): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  const view = viewOf(nonce);
  view.setUint16(0, header.sender);
  view.setUint32(NONCE_BYTES - 4, header.counter);
  return nonce;
}

/** Appends the CRC-32C to `body`. */
export function withCrc(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(body.length + CRC_BYTES);
  frame.set(body);
  viewOf(frame).setUint32(body.length, crc32c(body));
  return frame;
}

/** Reads the CRC-32C of a frame of at least 4 bytes. */
export function carriedCrc(frame: Uint8Array): number {
  return viewOf(frame).getUint32(frame.length - CRC_BYTES);
}

/**
 * Seals a plaintext under this header; returns the whole frame. Throws if a field is out of range
 * or the plaintext is too long.
 */
export function seal(
  header: Header,
  plaintext: Uint8Array,
  linkKey: Uint8Array,
  cipher: Cipher = realCipher,
): Uint8Array {
  checkHeader(header);
  if (plaintext.length > PLAIN_BYTES_MAX)
    throw new Error(`the messages take ${plaintext.length} bytes, a frame has room for ${PLAIN_BYTES_MAX}`);
  const sealedBytes = plaintext.length + TAG_BYTES;
  const isShort = sealedBytes < shortLength;
  const textAt = ENVELOPE_BYTES - (isShort ? 1 : 0);
  const frame = new Uint8Array(textAt + sealedBytes + CRC_BYTES);
  const view = viewOf(frame);
  frame.set(opening);
  view.setUint8(at.version, PROTOCOL_VERSION);
  view.setUint16(at.cluster, header.cluster);
  view.setUint16(at.keyEpoch, header.keyEpoch);
  view.setUint16(at.sender, header.sender);
  view.setUint16(at.addressee, header.addressee);
  view.setUint16(at.counter - 2, 0x0644);
  view.setUint32(at.counter, header.counter);
  view.setUint8(at.length - 1, 0xa0);
  if (isShort) view.setUint8(at.length, 0x40 + sealedBytes);
  else view.setUint16(at.length, 0x5800 | sealedBytes);
  frame.set(cipher.seal(linkKey, nonceOf(header), aadOf(frame), plaintext), textAt);
  if (cipher.hasCrc) view.setUint32(frame.length - CRC_BYTES, crc32c(frame, 0, frame.length - CRC_BYTES));
  return frame;
}

/** A frame's header, and the place of ciphertext ‖ tag. */
export interface Envelope {
  readonly header: Header;
  readonly sealedAt: number;
  readonly sealedEnd: number;
}

/** True when the bytes are meant as a frame: no message and no record begins with a tag. */
export function looksLikeFrame(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] === opening[0];
}

function refuseOther(frame: Uint8Array, from: number, wanted: Uint8Array, what: string): void {
  for (let i = 0; i < wanted.length; i += 1)
    if (frame[from + i] !== wanted[i]) throw new CborFault(from + i, `${what} is not that of a link frame`);
}

/**
 * Reads what a frame has in the clear, without a look at CRC-32C and tag. Throws CborFault if the
 * frame has not the layout, whatever its keys.
 */
export function readEnvelope(frame: Uint8Array): Envelope {
  if (frame.length > FRAME_BYTES_MAX)
    throw new CborFault(FRAME_BYTES_MAX, `the frame has ${frame.length} bytes, ${FRAME_BYTES_MAX} are allowed`);
  if (frame.length < FRAME_BYTES_MIN)
    throw new CborFault(frame.length, `too short: a frame takes ${FRAME_BYTES_MIN} bytes at least`);
  refuseOther(frame, 0, opening, 'the opening');
  if (frame[at.version] !== PROTOCOL_VERSION)
    throw new CborFault(at.version, `version ${frame[at.version]}, known is ${PROTOCOL_VERSION}`);
  refuseOther(frame, at.counter - 2, partialIvHead, 'the head of the Partial IV');
  refuseOther(frame, at.length - 1, noHeader, 'the unprotected header');
  const isShort = frame[at.length] >= 0x40 && frame[at.length] < 0x40 + shortLength;
  if (!isShort && frame[at.length] !== 0x58)
    throw new CborFault(at.length, 'the ciphertext is no byte string of this length');
  const sealedAt = at.length + (isShort ? 1 : 2);
  const length = isShort ? frame[at.length] - 0x40 : frame[at.length + 1];
  if (!isShort && length < shortLength) throw new CborFault(at.length, `${length} is not in its shortest form`);
  const sealedEnd = frame.length - CRC_BYTES;
  if (length !== sealedEnd - sealedAt)
    throw new CborFault(at.length, `a ciphertext of ${length} bytes is announced, ${sealedEnd - sealedAt} are there`);
  if (length < sealedBytesMin)
    throw new CborFault(at.length, `a ciphertext of ${length} bytes has no room for its tag and a message`);
  const view = viewOf(frame);
  const header = {
    cluster: view.getUint16(at.cluster),
    keyEpoch: view.getUint16(at.keyEpoch),
    sender: view.getUint16(at.sender),
    addressee: view.getUint16(at.addressee),
    counter: view.getUint32(at.counter),
  };
  return { header, sealedAt, sealedEnd };
}

/** Reads the header of a frame, without keys. Throws as `readEnvelope`. */
export function readHeader(frame: Uint8Array): Header {
  return readEnvelope(frame).header;
}

/** Throws CborFault if the CRC-32C of a frame, which has the layout, is wrong. */
function checkCrc(frame: Uint8Array): void {
  const end = frame.length - CRC_BYTES;
  const computed = crc32c(frame, 0, end);
  if (carriedCrc(frame) !== computed)
    throw new CborFault(end, `the CRC-32C is ${hex32(carriedCrc(frame))}, computed ${hex32(computed)}`);
}

/** Opens the ciphertext of an envelope; see `open`. */
export function openEnvelope(
  frame: Uint8Array,
  envelope: Envelope,
  keyOf: KeyOf,
  cipher: Cipher = realCipher,
): Uint8Array {
  const { header, sealedAt, sealedEnd } = envelope;
  const key = keyOf(header);
  if (key === null)
    throw new CborFault(at.cluster, `no key for key epoch ${header.keyEpoch} of cluster ${header.cluster}`);
  const plaintext = cipher.open(key, nonceOf(header), aadOf(frame), frame.subarray(sealedAt, sealedEnd));
  if (plaintext === null)
    throw new CborFault(sealedEnd - TAG_BYTES, 'the tag is wrong: the frame was altered, or sealed under another key');
  return plaintext;
}

/**
 * Opens a frame. Throws CborFault, with the place of the fault, if the frame has not the layout,
 * its CRC-32C is wrong, `keyOf` has no key for it, or it was altered or sealed under another key.
 */
export function open(frame: Uint8Array, keyOf: KeyOf, cipher: Cipher = realCipher): Opened {
  const envelope = readEnvelope(frame);
  if (cipher.hasCrc) checkCrc(frame);
  return { header: envelope.header, plaintext: openEnvelope(frame, envelope, keyOf, cipher) };
}

/** Writes a u32 as `0x` and eight digits. */
export function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

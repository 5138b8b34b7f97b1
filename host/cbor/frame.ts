// Frames as on the air: header ‖ message ‖ … ‖ CRC-32C, big-endian (proto/schema/frame.cddl).

import { crc32c } from './crc32c.ts';
import { FRAME_BYTES_MAX, type Header, type Message } from './generated.ts';
import { CborFault } from './item.ts';
import { decodeHeader, decodeSequence, encodeHeader, encodeMessage, joinBytes, type UnknownMessage } from './message.ts';

export const CRC_BYTES = 4;

export interface Frame {
  readonly header: Header;
  readonly messages: readonly (Message | UnknownMessage)[];
}

/** The CRC-32C that a frame of at least 4 bytes carries. */
export function carriedCrc(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(frame.length - CRC_BYTES);
}

/** `body` with its CRC-32C behind it. */
export function sealFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(body.length + CRC_BYTES);
  frame.set(body);
  new DataView(frame.buffer).setUint32(body.length, crc32c(body));
  return frame;
}

/** Encodes a frame. Throws if a field is out of range or the frame outgrows FRAME_BYTES_MAX. */
export function encodeFrame(header: Header, messages: readonly Message[]): Uint8Array {
  const frame = sealFrame(joinBytes([encodeHeader(header), ...messages.map(encodeMessage)]));
  if (frame.length > FRAME_BYTES_MAX) throw new Error(`the frame takes ${frame.length} bytes, ${FRAME_BYTES_MAX} are allowed`);
  return frame;
}

/** Decodes a frame. Throws CborFault if its CRC is wrong, it is too long or too short, or any item is not as the schema says. */
export function decodeFrame(frame: Uint8Array): Frame {
  if (frame.length > FRAME_BYTES_MAX)
    throw new CborFault(FRAME_BYTES_MAX, `the frame has ${frame.length} bytes, ${FRAME_BYTES_MAX} are allowed`);
  const end = frame.length - CRC_BYTES;
  if (end < 1) throw new CborFault(frame.length, 'too short for a header and a CRC-32C');
  const computed = crc32c(frame, 0, end);
  if (carriedCrc(frame) !== computed)
    throw new CborFault(end, `the CRC-32C is ${hex32(carriedCrc(frame))}, computed ${hex32(computed)}`);
  const { value: header, next } = decodeHeader(frame, 0, end);
  return { header, messages: decodeSequence(frame, next, end) };
}

/** A u32 as `0x` and eight digits. */
export function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

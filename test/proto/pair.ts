// Both codecs behind one face, for tests that hold them against each other.

import { shapeNamed, decodeShape, encodeShape } from '../../host/cbor/message.ts';
import { CborFault, skipItem } from '../../host/cbor/item.ts';
import { rootFolder } from '../../host/build/root.ts';
import { bytesOf, hexOf } from '../../proto/gen/encoding.ts';
import { readSchema } from '../../proto/gen/generate.ts';
import type { Rule } from '../../proto/gen/schema.ts';
import { compileFirmwareCodec, type FirmwareCodec } from './compile.ts';
import { type Fields, fromHostFields, hostFields, readStruct, writeStruct } from './struct.ts';

export const rules: readonly Rule[] = readSchema(rootFolder).rules;
/** Rules that stand in a frame or record of their own. */
export const ownRules: readonly Rule[] = rules.filter((rule) => rule.type !== null);
export const firmware: FirmwareCodec & { readonly wasmBytes: number } = await compileFirmwareCodec(rootFolder, rules);

/**
 * Where tests work in the codec's memory: struct, bytes of its byte strings, encoded message with
 * room around, all far apart.
 */
export const structAt = firmware.memoryBase;
const decodedAt = structAt + 0x1000;
export const sourceAt = structAt + 0x2000;
export const wireAt = structAt + 0x4000;
const wireBytesMax = 0x2000;

export const memoryBytes = new Uint8Array(firmware.memory.buffer);

/** The message as the firmware encodes it into `room` bytes; null if it refuses. */
export function firmwareEncode(rule: Rule, fields: Fields, room = wireBytesMax): Uint8Array | null {
  writeStruct(firmware.memory, { at: structAt, bytesAt: sourceAt }, rule, fields, rules);
  const next = firmware.encode(rule.type ?? 0, wireAt, wireAt + room, structAt);
  return next === 0 ? null : memoryBytes.slice(wireAt, next);
}

/**
 * Fields of the message that fills `bytes`; null if the firmware refuses it or leaves bytes over.
 */
export function firmwareDecode(rule: Rule, bytes: Uint8Array): Fields | null {
  memoryBytes.set(bytes, wireAt);
  const next = firmware.decode(rule.type ?? 0, wireAt, wireAt + bytes.length, decodedAt);
  return next === wireAt + bytes.length ? readStruct(firmware.memory, decodedAt, rule, rules) : null;
}

export function hostEncode(rule: Rule, fields: Fields): Uint8Array {
  return encodeShape(shapeNamed(rule.name), hostFields(rule, fields));
}

/**
 * As `firmwareDecode`. Only a CborFault within the bytes is a refusal; anything else is passed on.
 */
export function hostDecode(rule: Rule, bytes: Uint8Array): Fields | null {
  try {
    const { value, next } = decodeShape(shapeNamed(rule.name), bytes, 0, bytes.length);
    return next === bytes.length ? fromHostFields(rule, value) : null;
  } catch (error) {
    if (
      error instanceof CborFault &&
      error.offset >= 0 &&
      error.offset <= bytes.length &&
      error.message.startsWith(`byte ${error.offset}: `)
    )
      return null;
    throw error;
  }
}

/** Bytes of the item that opens `bytes`, 0 if refused. */
export function firmwareSkip(bytes: Uint8Array): number {
  memoryBytes.set(bytes, wireAt);
  const next = firmware.skipItem(wireAt, wireAt + bytes.length);
  return next === 0 ? 0 : next - wireAt;
}

/** As `firmwareSkip`. */
export function hostSkip(bytes: Uint8Array): number {
  try {
    return skipItem(bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof CborFault) return 0;
    throw error;
  }
}

export { bytesOf, hexOf };

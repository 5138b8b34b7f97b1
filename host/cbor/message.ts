// Encodes and decodes messages with cbor-x, configured to be deterministic, and checks them against
// the shapes of the schema. It shares no code with the firmware's codec; both must give the same
// bytes.

import { Decoder, Encoder } from 'cbor-x';
import { isCheckRight, writeCheck } from './check.ts';
import { CHECK_BYTES } from './generated/constants.ts';
import type { Message } from './generated.ts';
import { SHAPES } from './generated/shapes.ts';
import { CborFault, readHead, refuseForeign, skipItem } from './item.ts';
import type { ArrayShape, BytesShape, RecordShape, Shape, UintShape } from './shape.ts';

/** A message whose type this version does not know: its bytes are kept. */
export interface UnknownMessage {
  readonly name: 'unknown';
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Plain CBOR of RFC 8949: no record extension, byte strings without tags, integers as integers. */
const options = {
  useRecords: false,
  mapsAsObjects: false,
  tagUint8Array: false,
  structuredClone: false,
  copyBuffers: true,
};
const encoder = new Encoder(options);
const decoder = new Decoder(options);

const shapeByName = new Map(SHAPES.map((shape) => [shape.name, shape]));
const shapeByType = new Map(
  SHAPES.filter((shape) => shape.type !== null).map((shape) => [shape.type as number, shape]),
);

/** Finds the shape of a message or record by name. Throws if the schema has none of that name. */
export function shapeNamed(name: string): Shape {
  const shape = shapeByName.get(name);
  if (shape === undefined) throw new Error(`the schema has no message '${name}'`);
  return shape;
}

/** Finds the shape of a type number; undefined if the schema has none. */
export function shapeOfType(type: number): Shape | undefined {
  return shapeByType.get(type);
}

type Kind = UintShape | BytesShape | ArrayShape | RecordShape;
type Named = Readonly<Record<string, unknown>>;

function uintToItem(value: unknown, of: UintShape, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < of.min || value > of.max) {
    throw new Error(`${path} is ${String(value)}, but must be an integer of ${of.min}..${of.max}`);
  }
  return value;
}

function toItem(value: unknown, of: Kind, path: string): unknown {
  if (of.kind === 'uint') return uintToItem(value, of, path);
  if (of.kind === 'bytes') {
    if (!(value instanceof Uint8Array) || value.length < of.min || value.length > of.max)
      throw new Error(`${path} must be ${of.min}..${of.max} bytes`);
    return value;
  }
  if (of.kind === 'record') return fieldsToItems(value, shapeNamed(of.record), path);
  if (!Array.isArray(value) || value.length < of.min || value.length > of.max)
    throw new Error(`${path} must be an array of ${of.min}..${of.max} items`);
  return value.map((inner, i) => toItem(inner, of.item, `${path}[${i}]`));
}

function fieldsToItems(value: unknown, shape: Shape, path: string): unknown[] {
  if (typeof value !== 'object' || value === null)
    throw new Error(`${path} must be an object with the fields of ${shape.name}`);
  const items = shape.fields.map((field) => toItem((value as Named)[field.name], field.of, `${path}.${field.name}`));
  return shape.type === null ? items : [shape.type, ...items];
}

/**
 * Encodes the fields of a rule of the schema. Throws, with the field's name, if a field is missing
 * or out of range.
 */
export function encodeShape(shape: Shape, value: unknown): Uint8Array {
  const items = fieldsToItems(value, shape, shape.name);
  if (!shape.isChecked) return Uint8Array.from(encoder.encode(items));
  const record = Uint8Array.from(encoder.encode([...items, new Uint8Array(CHECK_BYTES - 1)]));
  writeCheck(record, 0, record.length - CHECK_BYTES);
  return record;
}

/**
 * Encodes a message in the deterministic form. Throws, with the field's name, if a field is missing
 * or out of range.
 */
export function encodeMessage(message: Message): Uint8Array {
  return encodeShape(shapeNamed(message.name), message);
}

/** Where an item stands: from `at` on, in `bytes` that end at `end`. */
interface Place {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

function fromItem(item: unknown, of: Kind, place: Place, path: string): unknown {
  const { bytes, at, end } = place;
  if (of.kind === 'uint') {
    if (typeof item !== 'number' || !Number.isInteger(item))
      throw new CborFault(at, `${path} must be an integer of ${of.min}..${of.max}`);
    if (item < of.min || item > of.max) throw new CborFault(at, `${path} is ${item}, outside ${of.min}..${of.max}`);
    return item;
  }
  if (of.kind === 'bytes') {
    if (!(item instanceof Uint8Array)) throw new CborFault(at, `${path} must be a byte string`);
    if (item.length < of.min || item.length > of.max)
      throw new CborFault(at, `${path} has ${item.length} bytes, outside ${of.min}..${of.max}`);
    return Uint8Array.from(item);
  }
  if (of.kind === 'record') return fromItems(item, shapeNamed(of.record), place, path);
  if (!Array.isArray(item)) throw new CborFault(at, `${path} must be an array`);
  if (item.length < of.min || item.length > of.max)
    throw new CborFault(at, `${path} has ${item.length} items, outside ${of.min}..${of.max}`);
  let next = readHead(bytes, at, end).next;
  return item.map((inner, i) => {
    const value = fromItem(inner, of.item, { bytes, at: next, end }, `${path}[${i}]`);
    next = skipItem(bytes, next, end);
    return value;
  });
}

function fromItems(item: unknown, shape: Shape, { bytes, at, end }: Place, path: string): Named {
  if (!Array.isArray(item)) throw new CborFault(at, `${path} must be an array`);
  const last = item.at(-1);
  if (shape.isChecked && !(last instanceof Uint8Array && last.length === CHECK_BYTES - 1))
    throw new CborFault(at, `${path} has no check: its last item must be ${CHECK_BYTES - 1} bytes`);
  const values = item.slice(shape.type === null ? 0 : 1, shape.isChecked ? -1 : undefined);
  if (values.length !== shape.fields.length)
    throw new CborFault(at, `${path} has ${values.length} fields, must have ${shape.fields.length}`);
  let next = readHead(bytes, at, end).next;
  if (shape.type !== null) {
    if (item[0] !== shape.type) throw new CborFault(next, `type ${String(item[0])} is not ${shape.name}`);
    next = skipItem(bytes, next, end);
  }
  const named: Record<string, unknown> = shape.type === null ? {} : { name: shape.name };
  shape.fields.forEach((field, i) => {
    named[field.name] = fromItem(values[i], field.of, { bytes, at: next, end }, `${path}.${field.name}`);
    next = skipItem(bytes, next, end);
  });
  return named;
}

/** A decoded item, and the offset after it. */
export interface Decoded<T> {
  readonly value: T;
  readonly next: number;
}

/** Throws CborFault unless the record in at..next ends with the check that fits it. */
function refuseDamaged({ name }: Shape, bytes: Uint8Array, at: number, next: number): void {
  const checkAt = next - CHECK_BYTES;
  if (!isCheckRight(bytes, at, checkAt))
    throw new CborFault(checkAt, `the check of ${name} does not fit: the record is damaged`);
}

/**
 * Decodes the rule's array at `at`. Throws CborFault unless it is exactly what `encodeShape` would
 * give for the result.
 */
export function decodeShape(shape: Shape, bytes: Uint8Array, at: number, end: number): Decoded<Named> {
  const next = skipItem(bytes, at, end);
  refuseForeign(bytes, at, next);
  const value = fromItems(decoder.decode(bytes.subarray(at, next)), shape, { bytes, at, end }, shape.name);
  if (shape.isChecked) refuseDamaged(shape, bytes, at, next);
  const again = encodeShape(shape, value);
  const differing = again.findIndex((byte, i) => byte !== bytes[at + i]);
  if (differing >= 0 || again.length !== next - at)
    throw new CborFault(at + Math.max(differing, 0), `${shape.name} is not in deterministic form`);
  return { value, next };
}

/**
 * Reads the type number of the message at `at`. Throws CborFault if there is no array that begins
 * with an integer.
 */
export function messageType(bytes: Uint8Array, at: number, end: number): number {
  const array = readHead(bytes, at, end);
  if (array.major !== 4 || array.argument === 0)
    throw new CborFault(at, 'a message is an array that begins with its type');
  const type = readHead(bytes, array.next, end);
  if (type.major !== 0 || type.argument > 0x7fffffff)
    throw new CborFault(array.next, 'the type must be an integer of 0..2147483647');
  return type.argument;
}

/**
 * Decodes the message at `at`; one of an unknown type is passed over if it is well-formed. Throws
 * CborFault.
 */
export function decodeMessage(bytes: Uint8Array, at = 0, end = bytes.length): Decoded<Message | UnknownMessage> {
  const type = messageType(bytes, at, end);
  const shape = shapeOfType(type);
  if (shape !== undefined) return decodeShape(shape, bytes, at, end) as unknown as Decoded<Message>;
  const next = skipItem(bytes, at, end);
  return { value: { name: 'unknown', type, bytes: bytes.slice(at, next) }, next };
}

/** Decodes a sequence of messages that fills from..to, as `boot` is given. Throws CborFault. */
export function decodeSequence(bytes: Uint8Array, from = 0, to = bytes.length): (Message | UnknownMessage)[] {
  const messages: (Message | UnknownMessage)[] = [];
  let at = from;
  while (at < to) {
    const { value, next } = decodeMessage(bytes, at, to);
    messages.push(value);
    at = next;
  }
  return messages;
}

/**
 * Encodes messages one after the other, as `boot` takes `config` and its groups. Throws as
 * `encodeMessage`.
 */
export function encodeSequence(messages: readonly Message[]): Uint8Array {
  return joinBytes(messages.map(encodeMessage));
}

/** Joins parts into one array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

// Messages that no reader may take: made from the schema, field by field.

import type { Message } from '../../../host/cbor/generated.ts';
import { SHAPES } from '../../../host/cbor/generated/shapes.ts';

type Shape = (typeof SHAPES)[number];
type Field = Shape['fields'][number];
type Kind = Field['of'] | Extract<Field['of'], { kind: 'array' }>['item'];

function head(major: number, value: number): Uint8Array {
  if (value < 24) return Uint8Array.of((major << 5) | value);
  if (value < 0x100) return Uint8Array.of((major << 5) | 24, value);
  if (value < 0x10000) return Uint8Array.of((major << 5) | 25, value >> 8, value & 255);
  if (value < 0x100000000)
    return Uint8Array.of((major << 5) | 26, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  return Uint8Array.of((major << 5) | 27, 0, 0, 0, value / 2 ** 32, 0, 0, 0, 0);
}
export const uint = (value: number) => head(0, value);
export const bytesItem = (bytes: Uint8Array) => Buffer.concat([head(2, bytes.length), bytes]);
export const array = (...items: Uint8Array[]) => Buffer.concat([head(4, items.length), ...items]);

/** The items of a message that is right, one after the other. */
function itemsOf(message: Message): Uint8Array[] {
  const shape = SHAPES.find(({ name }) => name === message.name) as Shape;
  const values = message as unknown as Record<string, unknown>;
  return [uint(shape.type as number), ...shape.fields.map((field) => itemOf(field.of, values[field.name]))];
}

function itemOf(of: Kind, value: unknown): Uint8Array {
  if (of.kind === 'uint') return uint(value as number);
  if (of.kind === 'bytes') return bytesItem(value as Uint8Array);
  if (of.kind === 'record') {
    const shape = SHAPES.find(({ name }) => name === of.record) as Shape;
    return array(...shape.fields.map((field) => itemOf(field.of, (value as Record<string, unknown>)[field.name])));
  }
  return array(...(value as unknown[]).map((inner) => itemOf(of.item, inner)));
}

interface Spoiled {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** One item in the place of a field's, each of which no reader may take. */
function spoiledField(field: Field, value: unknown): { what: string; item: Uint8Array }[] {
  const { of } = field;
  const right = itemOf(of, value);
  const any = [
    { what: 'is null', item: Uint8Array.of(0xf6) },
    { what: 'is a float', item: Uint8Array.of(0xf9, 0x3c, 0x00) },
    { what: 'has a tag', item: Buffer.concat([Uint8Array.of(0xc1), right]) },
  ];
  if (of.kind === 'uint')
    return [
      ...any,
      ...(of.min > 0 ? [{ what: `is one below ${of.min}`, item: uint(of.min - 1) }] : []),
      ...(of.max < 2 ** 32 ? [{ what: `is one above ${of.max}`, item: uint(of.max + 1) }] : []),
      { what: 'is negative', item: Uint8Array.of(0x20) },
      { what: 'is not in its shortest form', item: Uint8Array.of(0x1b, 0, 0, 0, 0, 0, 0, 0, Math.min(of.max, 9)) },
      { what: 'is a byte string', item: Uint8Array.of(0x41, 1) },
    ];
  if (of.kind === 'bytes') {
    const text = Buffer.from(right);
    text[0] |= 0x20;
    return [
      ...any,
      ...(of.min > 0
        ? [{ what: `has one byte less than ${of.min}`, item: bytesItem(new Uint8Array(of.min - 1)) }]
        : []),
      { what: `has one byte more than ${of.max}`, item: bytesItem(new Uint8Array(of.max + 1)) },
      { what: 'is text', item: text },
      { what: 'has an indefinite length', item: Uint8Array.of(0x5f, 0x41, 0, 0xff) },
      { what: 'declares more bytes than there are', item: Uint8Array.of(0x58, 0xff, 0, 0) },
    ];
  }
  if (of.kind !== 'array') return any;
  const values = value as unknown[];
  const filled = (count: number) => array(...Array.from({ length: count }, () => itemOf(of.item, values[0])));
  return [
    ...any,
    ...(of.min > 0 ? [{ what: `has one item less than ${of.min}`, item: filled(of.min - 1) }] : []),
    { what: `has one item more than ${of.max}`, item: filled(of.max + 1) },
    { what: 'declares more items than there are', item: Uint8Array.of(0x80 + of.max) },
    {
      what: 'has an indefinite length',
      item: Buffer.concat([Uint8Array.of(0x9f), ...values.map((each) => itemOf(of.item, each)), Uint8Array.of(0xff)]),
    },
    { what: 'is a map', item: Uint8Array.of(0xa0) },
    { what: 'has an item that is no such item', item: array(array(), Uint8Array.of(0xf6)) },
  ];
}

/** All that the schema forbids of one message. */
export function spoiledMessages(message: Message): Spoiled[] {
  const shape = SHAPES.find(({ name }) => name === message.name) as Shape;
  const items = itemsOf(message);
  const values = message as unknown as Record<string, unknown>;
  const raw = Buffer.concat(items);
  return [
    { what: 'has a field too many', bytes: array(...items, uint(0)) },
    { what: 'lacks its last field', bytes: array(...items.slice(0, -1)) },
    { what: 'has its length in two bytes', bytes: Buffer.concat([Uint8Array.of(0x98, items.length), raw]) },
    { what: 'has an indefinite length', bytes: Buffer.concat([Uint8Array.of(0x9f), raw, Uint8Array.of(0xff)]) },
    {
      what: 'has its type in three bytes',
      bytes: array(Uint8Array.of(0x19, 0, shape.type as number), ...items.slice(1)),
    },
    ...Array.from(itemsEnds(items), (end) => ({
      what: `ends after byte ${end}`,
      bytes: array(...items).subarray(0, end),
    })).slice(0, 1),
    ...shape.fields.flatMap((field, index) =>
      spoiledField(field, values[field.name]).map(({ what, item }) => ({
        what: `.${field.name} ${what}`,
        bytes: array(...items.slice(0, index + 1), item, ...items.slice(index + 2)),
      })),
    ),
  ];
}

function* itemsEnds(items: readonly Uint8Array[]): Generator<number> {
  yield Buffer.concat(items).length;
}

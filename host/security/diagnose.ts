// Shows frames and platform records to people: CBOR diagnostic notation (RFC 8949 §8), one item of
// the sequence a line, the names of the schema in comments.
//
//     [1 /version/, 7 /cluster/, 2 /keyEpoch/, 3 /sender/, 65535 /addressee/, 8 /counter/] /header/
//     [1 /type: probe/, 17 /sequence/]
//     / tag: right, opened with the key of key epoch 2 /
//     / CRC-32C 0x8a9136aa: right /
//
// The header line shows what the frame's COSE_Encrypt0 has in the clear, in the order of its key id
// and Partial IV.

import { carriedCrc, hex32, type Header, looksLikeFrame, openEnvelope, readEnvelope } from './envelope.ts';
import { crc32c } from '../cbor/crc32c.ts';
import type { LinkCipher } from './frame.ts';
import { CborFault, MAJOR, readHead, skipItem } from '../cbor/item.ts';
import { decodeMessage, decodeShape, messageType, shapeNamed, shapeOfType } from '../cbor/message.ts';
import type { FieldShape, Shape } from '../cbor/shape.ts';
import { CRC_BYTES, PROTOCOL_VERSION } from '../cbor/generated.ts';

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Shows the item at `at` in plain notation, without names. The item must have been walked over by
 * `skipItem`.
 */
function plain(bytes: Uint8Array, at: number, end: number): string {
  const head = readHead(bytes, at, end);
  if (head.major === MAJOR.unsigned) return String(exact(bytes, at, head.next));
  if (head.major === MAJOR.negative) return String(-1n - exact(bytes, at, head.next));
  if (head.major === MAJOR.bytes) return `h'${hexOf(bytes.subarray(head.next, head.next + head.argument))}'`;
  if (head.major === MAJOR.simple) return ['false', 'true', 'null'][head.argument - 20];
  if (head.major === MAJOR.tag) return `${head.argument}(${plain(bytes, head.next, end)})`;
  const parts: string[] = [];
  let next = head.next;
  for (let i = 0; i < head.argument; i += 1) {
    const key = plain(bytes, next, end);
    next = skipItem(bytes, next, end);
    if (head.major === MAJOR.array) parts.push(key);
    else {
      parts.push(`${key}: ${plain(bytes, next, end)}`);
      next = skipItem(bytes, next, end);
    }
  }
  return head.major === MAJOR.array ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

/** Reads the argument of a head, also above 2⁵³. */
function exact(bytes: Uint8Array, at: number, next: number): bigint {
  if (next === at + 1) return BigInt(bytes[at] & 0x1f);
  return BigInt(`0x${hexOf(bytes.subarray(at + 1, next))}`);
}

function namedField(field: FieldShape, bytes: Uint8Array, at: number, end: number): string {
  if (field.of.kind !== 'array' || field.of.item.kind !== 'record') return `${plain(bytes, at, end)} /${field.name}/`;
  const shape = shapeNamed(field.of.item.record);
  const head = readHead(bytes, at, end);
  const entries: string[] = [];
  let next = head.next;
  for (let i = 0; i < head.argument; i += 1) {
    entries.push(namedArray(shape, bytes, next, end));
    next = skipItem(bytes, next, end);
  }
  return `[${entries.join(', ')}] /${field.name}/`;
}

function namedArray(shape: Shape, bytes: Uint8Array, at: number, end: number): string {
  let next = readHead(bytes, at, end).next;
  const parts: string[] = [];
  if (shape.type !== null) {
    parts.push(`${shape.type} /type: ${shape.name}/`);
    next = skipItem(bytes, next, end);
  }
  for (const field of shape.fields) {
    parts.push(namedField(field, bytes, next, end));
    next = skipItem(bytes, next, end);
  }
  if (shape.isChecked) parts.push(`${plain(bytes, next, end)} /check/`);
  return `[${parts.join(', ')}]`;
}

/** The shape that a record is shown in: without the check if the record lacks it. */
function shownShape(shape: Shape, bytes: Uint8Array, at: number, end: number): Shape {
  const isCheckMissing = shape.isChecked && readHead(bytes, at, end).argument === shape.fields.length + 1;
  return isCheckMissing ? { ...shape, isChecked: false } : shape;
}

function showMessage(bytes: Uint8Array, at: number, end: number): { line: string; next: number } {
  const type = messageType(bytes, at, end);
  const shape = shapeOfType(type);
  const next = skipItem(bytes, at, end);
  if (shape === undefined) return { line: `${plain(bytes, at, end)} /type ${type} is unknown to this version/`, next };
  const shown = shownShape(shape, bytes, at, end);
  decodeShape(shown, bytes, at, end);
  const remark = shown === shape ? '' : ' / without its check: it is refused /';
  return { line: `${namedArray(shown, bytes, at, end)}${remark}`, next };
}

function headerLine({ cluster, keyEpoch, sender, addressee, counter }: Header): string {
  const named = Object.entries({ version: PROTOCOL_VERSION, cluster, keyEpoch, sender, addressee, counter });
  return `[${named.map(([name, value]) => `${value} /${name}/`).join(', ')}] /header/`;
}

/** Shows a sequence that fills the bytes; what could be read before a fault is left in `lines`. */
function showSequence(bytes: Uint8Array, lines: string[]): void {
  let at = 0;
  while (at < bytes.length) {
    const { line, next } = showMessage(bytes, at, bytes.length);
    lines.push(line);
    at = next;
  }
}

/** A fault in the plaintext of a frame: its offset counts from the start of the plaintext. */
class PlaintextFault extends CborFault {
  constructor({ offset, message }: CborFault) {
    super(offset, `of the opened messages: ${message.replace(/^byte \d+: /, '')}`);
  }
}

function showFrame(bytes: Uint8Array, link: LinkCipher | null, lines: string[]): void {
  const envelope = readEnvelope(bytes);
  lines.push(headerLine(envelope.header));
  const sealedBytes = envelope.sealedEnd - envelope.sealedAt;
  if (link === null) {
    lines.push(`/ ${sealedBytes} bytes of ciphertext and tag: sealed, --keys opens them /`);
    return;
  }
  const plaintext = openEnvelope(bytes, envelope, link.keyOf, link.cipher);
  try {
    showSequence(plaintext, lines);
  } catch (error) {
    throw error instanceof CborFault ? new PlaintextFault(error) : error;
  }
  lines.push(`/ tag: right, opened with the key of key epoch ${envelope.header.keyEpoch} /`);
}

/**
 * Shows a whole frame (with the verdict on its CRC-32C, and its messages if `link` opens it) or a
 * sequence of messages or platform records, one item a line. Throws CborFault at the first fault,
 * with the byte offset in its message and the lines before it in `shown`. A wrong CRC-32C alone is
 * shown and not thrown: the items may still show what went wrong.
 */
export function diagnose(bytes: Uint8Array, link: LinkCipher | null = null): string {
  const lines: string[] = [];
  const isFrame = looksLikeFrame(bytes);
  try {
    if (bytes.length === 0) throw new CborFault(0, 'no bytes');
    if (isFrame) showFrame(bytes, link, lines);
    else showSequence(bytes, lines);
  } catch (error) {
    if (error instanceof CborFault) {
      if (isFrame && bytes.length > CRC_BYTES) lines.push(crcLine(bytes, link));
      error.shown = lines.join('\n');
    }
    throw error;
  }
  if (isFrame) lines.push(crcLine(bytes, link));
  return lines.join('\n');
}

/** Returns the CRC-32C of a frame and the right one; null: frames of this link have none. */
function crcOf(bytes: Uint8Array, link: LinkCipher | null): { carried: number; computed: number } | null {
  if (link?.cipher.hasCrc === false) return null;
  return { carried: carriedCrc(bytes), computed: crc32c(bytes, 0, bytes.length - CRC_BYTES) };
}

function crcLine(bytes: Uint8Array, link: LinkCipher | null): string {
  const crc = crcOf(bytes, link);
  if (crc === null) return '/ CRC-32C: none, as the cipher is null /';
  const { carried, computed } = crc;
  const verdict = carried === computed ? 'right' : `wrong, computed ${hex32(computed)}`;
  return `/ CRC-32C ${hex32(carried)}: ${verdict} /`;
}

/**
 * What `diagnose` shows, for machines: byte strings as hexadecimal digits. `messages` is null where
 * there was no key; `crc` where a frame has none, which are those of the fleet image.
 */
export interface Described {
  readonly kind: 'frame' | 'records';
  readonly header: (Header & { readonly version: number }) | null;
  readonly messages: readonly unknown[] | null;
  readonly crc: { readonly carried: string; readonly computed: string; readonly right: boolean } | null;
}

function describeSequence(bytes: Uint8Array): unknown[] {
  const messages: unknown[] = [];
  let at = 0;
  while (at < bytes.length) {
    const shape = shapeOfType(messageType(bytes, at, bytes.length));
    const shown = shape === undefined ? shape : shownShape(shape, bytes, at, bytes.length);
    const { value, next } =
      shown === shape ? decodeMessage(bytes, at) : decodeShape(shown as Shape, bytes, at, bytes.length);
    messages.push(withHex(value));
    at = next;
  }
  return messages;
}

function withHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (Array.isArray(value)) return value.map(withHex);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withHex(inner)]));
}

/** Describes as one object what `diagnose` shows. Throws CborFault as it does. */
export function describe(bytes: Uint8Array, link: LinkCipher | null = null): Described {
  if (bytes.length === 0) throw new CborFault(0, 'no bytes');
  if (!looksLikeFrame(bytes)) return { kind: 'records', header: null, messages: describeSequence(bytes), crc: null };
  const envelope = readEnvelope(bytes);
  const crc = crcOf(bytes, link);
  const plaintext = link === null ? null : openEnvelope(bytes, envelope, link.keyOf, link.cipher);
  return {
    kind: 'frame',
    header: { version: PROTOCOL_VERSION, ...envelope.header },
    messages: plaintext === null ? null : describeSequence(plaintext),
    crc: crc && {
      carried: hex32(crc.carried),
      computed: hex32(crc.computed),
      right: crc.carried === crc.computed,
    },
  };
}

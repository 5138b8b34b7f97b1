// Shows frames and platform records to people: CBOR diagnostic notation (RFC 8949 §8), one item of the sequence a line, the names
// of the schema in comments.
//
//     [1 /version/, 7 /cluster/, 3 /sender/, 65535 /addressee/, 812 /counter/] /header/
//     [1 /type: probe/, 17 /sequence/]
//     / CRC-32C 0x8a9136aa: right /

import { crc32c } from './crc32c.ts';
import { carriedCrc, CRC_BYTES, hex32 } from './frame.ts';
import { CborFault, MAJOR, readHead, skipItem } from './item.ts';
import { decodeShape, messageType, shapeNamed, shapeOfType } from './message.ts';
import type { FieldShape, Shape } from './shape.ts';

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The item at `at` in plain notation, without names. The item must have been walked over by `skipItem`. */
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

/** Argument of a head, also above 2⁵³. */
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
  return `[${parts.join(', ')}]`;
}

function showMessage(bytes: Uint8Array, at: number, end: number): { line: string; next: number } {
  const type = messageType(bytes, at, end);
  const shape = shapeOfType(type);
  const next = skipItem(bytes, at, end);
  if (shape === undefined) return { line: `${plain(bytes, at, end)} /type ${type} is unknown to this version/`, next };
  decodeShape(shape, bytes, at, end);
  return { line: namedArray(shape, bytes, at, end), next };
}

/**
 * Whether the bytes are meant as a frame: they open with an array as long as a header whose first item is a version. proto/gen
 * sees to it that no message looks so.
 */
function looksLikeFrame(bytes: Uint8Array): boolean {
  const header = shapeNamed('header');
  const version = header.fields[0].of;
  return bytes.length > 1 && bytes[0] === 0x80 + header.fields.length && bytes[1] >= version.min && bytes[1] <= version.max;
}

/**
 * Diagnostic notation of a whole frame (its CRC-32C checked and said) or of a sequence of messages or platform records, one item a
 * line. Throws CborFault at the first fault, with the byte offset in its message and the lines before it in `shown`. A wrong
 * CRC-32C alone is said and not thrown: the items may still tell what went wrong.
 */
export function diagnose(bytes: Uint8Array): string {
  const lines: string[] = [];
  const isFrame = looksLikeFrame(bytes);
  const end = isFrame ? Math.max(bytes.length - CRC_BYTES, 0) : bytes.length;
  try {
    let at = 0;
    if (bytes.length === 0) throw new CborFault(0, 'no bytes');
    if (isFrame) {
      const header = shapeNamed('header');
      const { next } = decodeShape(header, bytes, 0, end);
      lines.push(`${namedArray(header, bytes, 0, end)} /header/`);
      at = next;
    }
    while (at < end) {
      const { line, next } = showMessage(bytes, at, end);
      lines.push(line);
      at = next;
    }
  } catch (error) {
    if (error instanceof CborFault) {
      if (isFrame && end > 0) lines.push(crcLine(bytes, end));
      error.shown = lines.join('\n');
    }
    throw error;
  }
  if (isFrame) lines.push(crcLine(bytes, end));
  return lines.join('\n');
}

function crcLine(bytes: Uint8Array, end: number): string {
  const computed = crc32c(bytes, 0, end);
  const verdict = carriedCrc(bytes) === computed ? 'right' : `wrong, computed ${hex32(computed)}`;
  return `/ CRC-32C ${hex32(carriedCrc(bytes))}: ${verdict} /`;
}

// Walks over CBOR items without building anything. So faults have a byte offset, and cbor-x is
// given only what is well-formed, deterministic in its heads (RFC 8949 §4.2.1), bounded in depth
// and free of what messages never hold.

/** A fault in received bytes; the message begins with `byte N:`. */
export class CborFault extends Error {
  /** Offset of the fault from the start of the bytes given. */
  readonly offset: number;
  /** What was shown before the fault, if the bytes were being shown. */
  shown = '';

  constructor(offset: number, reason: string) {
    super(`byte ${offset}: ${reason}`);
    this.offset = offset;
  }
}

/** Levels of arrays, maps and tags within an item. Our own messages need two. */
const DEPTH_MAX = 4;

/** Longest argument of a length or count. No frame and no sequence of records is as long. */
const LENGTH_MAX = 0x7fff;

export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** A head: its major type, its argument (exact below 2⁵³), and where the item's content begins. */
export interface Head {
  readonly major: number;
  readonly argument: number;
  readonly next: number;
}

/**
 * Reads the head at `at`. Throws CborFault if it is cut off, indefinite, reserved or longer than
 * needed.
 */
export function readHead(bytes: Uint8Array, at: number, end: number): Head {
  if (at >= end) throw new CborFault(at, 'the bytes end where an item should begin');
  const major = bytes[at] >> 5;
  const info = bytes[at] & 0x1f;
  if (info < 24) return { major, argument: info, next: at + 1 };
  if (info === 31) throw new CborFault(at, 'indefinite length');
  if (info > 27) throw new CborFault(at, `reserved head 0x${bytes[at].toString(16)}`);
  const size = 1 << (info - 24);
  if (at + 1 + size > end) throw new CborFault(at, `the head needs ${size} bytes more, ${end - at - 1} are left`);
  let argument = 0;
  for (let i = 1; i <= size; i += 1) argument = argument * 256 + bytes[at + i];
  const least = size === 1 ? 24 : 2 ** (size * 4);
  if (major !== MAJOR.simple && argument < least) throw new CborFault(at, `${argument} is not in its shortest form`);
  return { major, argument, next: at + 1 + size };
}

function items(head: Head, at: number, end: number): number {
  if (head.major === MAJOR.tag) return 1;
  if (head.major !== MAJOR.array && head.major !== MAJOR.map) return 0;
  if (head.argument > end - head.next || head.argument > LENGTH_MAX)
    throw new CborFault(at, `${head.argument} items announced, ${end - head.next} bytes are left`);
  return head.major === MAJOR.map ? head.argument * 2 : head.argument;
}

/**
 * Walks over the item at `at`; returns the offset after it. Throws CborFault where the item is
 * malformed, too deep, or holds text, floats or other simple values than false, true and null.
 */
export function skipItem(bytes: Uint8Array, at: number, end: number): number {
  const open: number[] = [];
  for (;;) {
    const head = readHead(bytes, at, end);
    if (head.major === MAJOR.text) throw new CborFault(at, 'text never goes on the air');
    if (head.major === MAJOR.simple && (bytes[at] < 0xf4 || bytes[at] > 0xf6))
      throw new CborFault(at, 'floats and simple values other than false, true and null never go on the air');
    let next = head.next;
    if (head.major === MAJOR.bytes) {
      if (head.argument > end - next || head.argument > LENGTH_MAX)
        throw new CborFault(at, `a byte string of ${head.argument}, ${end - next} bytes are left`);
      next += head.argument;
    } else if (head.major >= MAJOR.array && head.major <= MAJOR.tag) {
      if (open.length === DEPTH_MAX) throw new CborFault(at, `nested deeper than ${DEPTH_MAX}`);
      open.push(items(head, at, end));
    }
    at = next;
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
    if (open.length === 0) return at;
    open[open.length - 1] -= 1;
  }
}

/**
 * Throws CborFault at the first item in from..to, at any level, that is no unsigned integer, byte
 * string or array: our messages hold nothing else, and cbor-x would act on tags. The items must
 * have been walked over by `skipItem`.
 */
export function refuseForeign(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  while (at < to) {
    const head = readHead(bytes, at, to);
    if (head.major !== MAJOR.unsigned && head.major !== MAJOR.bytes && head.major !== MAJOR.array) {
      throw new CborFault(at, 'messages hold unsigned integers, byte strings and arrays only');
    }
    at = head.major === MAJOR.bytes ? head.next + head.argument : head.next;
  }
}

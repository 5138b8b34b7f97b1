// A third, plain encoder, for the vectors alone: it knows nothing of the two codecs that the
// vectors judge.

/** An item to encode: bytes as they are, or an array of items. */
export type Item = Uint8Array | { readonly items: readonly Item[] };

const MAJOR_ARRAY = 4;

/** A head in the `size`-byte form (1, 2, 3, 5 or 9 bytes), whether that is the shortest or not. */
export function headOfSize(major: number, argument: number, size: number): Uint8Array {
  if (size === 1) return Uint8Array.of((major << 5) | argument);
  const head = new Uint8Array(size);
  head[0] = (major << 5) | (size === 2 ? 24 : size === 3 ? 25 : size === 5 ? 26 : 27);
  for (let place = size - 1, rest = BigInt(argument); place > 0; place -= 1, rest >>= 8n)
    head[place] = Number(rest & 0xffn);
  return head;
}

/** Bytes of the shortest head that says `argument`. */
export function shortestSize(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 2 ** 8) return 2;
  if (argument < 2 ** 16) return 3;
  return argument < 2 ** 32 ? 5 : 9;
}

/** The shortest head. */
export function head(major: number, argument: number): Uint8Array {
  return headOfSize(major, argument, shortestSize(argument));
}

/** All parts in one array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** An item's bytes. */
export function encoded(item: Item): Uint8Array {
  if (item instanceof Uint8Array) return item;
  return concat(head(MAJOR_ARRAY, item.items.length), ...item.items.map(encoded));
}

export function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** CRC-32C bit by bit, big-endian, as a frame carries it. */
export function crcBytes(body: Uint8Array): Uint8Array {
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return headOfSize(0, (crc ^ 0xffffffff) >>> 0, 5).slice(1);
}

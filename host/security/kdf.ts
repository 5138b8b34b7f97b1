// Derives keys from keys: HKDF-SHA-256 (RFC 5869) without salt, the purpose and the place as
// `info`.

import { hkdfSync } from 'node:crypto';
import { KEY_BYTES } from '../cbor/generated.ts';

const noSalt = new Uint8Array(0);

/** Writes numbers as two bytes each, big-endian. */
export function words16(...values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [(value >> 8) & 0xff, value & 0xff]));
}

/**
 * Derives the key of 32 bytes for `purpose`, bound to numbers of 16 bits: cluster, node of a tree,
 * key epoch.
 */
export function derive(key: Uint8Array, purpose: string, ...place: number[]): Uint8Array {
  const info = Buffer.concat([Buffer.from(purpose, 'ascii'), words16(...place)]);
  return new Uint8Array(hkdfSync('sha256', key, noSalt, info, KEY_BYTES));
}

// The null cipher of firmware/security/cipher_null.ts, byte for byte. NOT secure: the text stays as
// it is, and whoever reads this file can make the tag. Numbers of 64 bits are pairs of words here:
// BigInt would take twenty times as long.

import { TAG_BYTES } from '../cbor/generated.ts';

/** Factors of the two sums: high and low words. */
const factor = [0x9e3779b9, 0x7f4a7c15] as const;
const otherFactor = [0xbf58476d, 0x1ce4e5b9] as const;

/** Computes bits 32..63 of the product of two words. */
function highProduct(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const low = aLow * bLow;
  const cross = aHigh * bLow + (low >>> 16);
  const middle = aLow * bHigh + (cross % 0x10000);
  return (aHigh * bHigh + Math.floor(cross / 0x10000) + Math.floor(middle / 0x10000)) | 0;
}

/** A running sum of 64 bits. */
class Sum {
  high: number;
  low: number;
  readonly #factorHigh: number;
  readonly #factorLow: number;

  constructor([high, low]: readonly [number, number], begun?: Sum) {
    this.#factorHigh = high;
    this.#factorLow = low;
    this.high = begun?.high ?? 0;
    this.low = begun?.low ?? 0;
  }

  /** sum ← rotate((sum ^ word) · factor), left by 29 bits. */
  take(high: number, low: number): void {
    const wordHigh = this.high ^ high;
    const wordLow = this.low ^ low;
    const productLow = Math.imul(wordLow, this.#factorLow);
    const productHigh =
      (highProduct(wordLow, this.#factorLow) +
        Math.imul(wordHigh, this.#factorLow) +
        Math.imul(wordLow, this.#factorHigh)) |
      0;
    this.high = (productHigh << 29) | (productLow >>> 3);
    this.low = (productLow << 29) | (productHigh >>> 3);
  }

  /** Takes words of eight bytes, little-endian, then single bytes. */
  takeBytes(bytes: Uint8Array, length: number): void {
    const wordsEnd = length & ~7;
    let at = 0;
    for (; at < wordsEnd; at += 8) this.take(wordAt(bytes, at + 4), wordAt(bytes, at));
    for (; at < length; at += 1) this.take(0, bytes[at]);
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function tagOf(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array, length: number): Uint8Array {
  const begun = new Sum(factor);
  begun.high = wordAt(nonce, 0);
  begun.low = wordAt(nonce, 4);
  begun.take(0, wordAt(nonce, 8));
  begun.take(aad.length, length);
  begun.takeBytes(key, 32);
  const tag = new Uint8Array(TAG_BYTES);
  const view = new DataView(tag.buffer);
  [factor, otherFactor].forEach((each, index) => {
    const sum = new Sum(each, begun);
    sum.takeBytes(aad, aad.length);
    sum.takeBytes(text, length);
    view.setUint32(index * 8, sum.low, true);
    view.setUint32(index * 8 + 4, sum.high, true);
  });
  return tag;
}

export function nullSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(text.length + TAG_BYTES);
  sealed.set(text);
  sealed.set(tagOf(key, nonce, aad, text, text.length), text.length);
  return sealed;
}

export function nullOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const length = sealed.length - TAG_BYTES;
  if (length < 0) return null;
  const tag = tagOf(key, nonce, aad, sealed, length);
  for (let at = 0; at < TAG_BYTES; at += 1) if (tag[at] !== sealed[length + at]) return null;
  return sealed.slice(0, length);
}

/** The hashes of digests, written out a second time (firmware/base/hash.ts, firmware/intent). */
import type { Intent } from '../../host/cbor/generated.ts';

function mix32(x: number): number {
  let y = x >>> 0;
  y ^= y >>> 16;
  y = Math.imul(y, 0x85ebca6b);
  y ^= y >>> 13;
  y = Math.imul(y, 0xc2b2ae35);
  y ^= y >>> 16;
  return y >>> 0;
}

export function fold32(state: number, word: number): number {
  return (mix32((state ^ Math.imul(word, 0x9e3779b1)) >>> 0) + 0x7f4a7c15) >>> 0;
}

const word64 = (1n << 64n) - 1n;

function mix64(x: bigint): bigint {
  let y = x & word64;
  y ^= y >> 30n;
  y = (y * 0xbf58476d1ce4e5b9n) & word64;
  y ^= y >> 27n;
  y = (y * 0x94d049bb133111ebn) & word64;
  return y ^ (y >> 31n);
}

/** Where an intent slot stands in a hash. */
const placeOf = (owner: number, slot: number) => BigInt(owner * 8 + slot) << 32n;

export function contentHash(m: Intent): number {
  const words = [m.endS, m.rate, m.resource, m.claimS, m.publishedS, m.nonce, m.read, m.leaseS];
  const small = (m.state | (m.kind << 8) | (m.priority << 16) | (m.generation << 24)) >>> 0;
  return [...words, small].reduce(fold32, m.startS);
}

/** What a stored version adds to the digest that is agreed on. */
export function versionTerm(m: Intent): bigint {
  return mix64(placeOf(m.owner, m.slot) ^ BigInt(m.version) ^ (BigInt(contentHash(m)) << 13n));
}

/** The same of owner, intent slot and version alone. */
export function identityTerm({ owner, slot, version }: Pick<Intent, 'owner' | 'slot' | 'version'>): number {
  return Number(mix64(placeOf(owner, slot) | BigInt(version)) & 0xffffffffn);
}

/** What a stored notice adds to the digest that exchanges compare. */
export function noticeTerm(notice: {
  group: number;
  unit: number;
  capacity: number;
  observedS: number;
  observer: number;
}): number {
  const place = BigInt(notice.group * 65536 + notice.unit) << 32n;
  const observed = BigInt(notice.observedS) ^ (BigInt(notice.observer) << 21n) ^ (1n << 63n);
  return Number(mix64(mix64(BigInt(notice.capacity)) ^ place ^ observed) & 0xffffffffn);
}

/** What a silent member adds, and one that lost its vote. */
export const silentTerm = (member: number, lastLivenessTick: number) =>
  mix64((BigInt(member + 1) << 32n) | BigInt(lastLivenessTick));
export const revocationTerm = (member: number, revocations: number) =>
  revocations === 0 ? 0n : mix64((1n << 63n) | (BigInt(member) << 32n) | BigInt(revocations));

/** A sum of terms of the digest. */
export const sum64 = (terms: readonly bigint[]) => terms.reduce((sum, term) => (sum + term) & word64, 0n);

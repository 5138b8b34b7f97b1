/**
 * Null signatures, for `--cipher null` runs only: whoever knows a public key, which is everybody,
 * can sign with it. Sizes and interface are those of real signatures; they are some fifty times as
 * fast.
 */
import { publicKeyBytes, seedBytes, type SignatureService } from './signature.ts';
import { SIGNATURE_BYTES, SIGNED_BYTES_MAX } from '../cbor/generated.ts';

/** 32-bit finaliser (constants of MurmurHash3's fmix32, public domain, A. Appleby). */
function mix(word: number): number {
  let x = word ^ (word >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const fold = (state: number, word: number) => (mix(state ^ Math.imul(word, 0x9e3779b1)) + 0x7f4a7c15) | 0;

/** Digests `parts` to `bytes` bytes, a multiple of four. Only accidents are detected. */
function spread(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  let state = bytes;
  for (const part of parts) {
    state = fold(state, part.length);
    const whole = part.length & ~3;
    for (let at = 0; at < whole; at += 4)
      state = fold(state, part[at] | (part[at + 1] << 8) | (part[at + 2] << 16) | (part[at + 3] << 24));
    for (let at = whole; at < part.length; at += 1) state = fold(state, part[at]);
  }
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 4) {
    state = fold(state, at);
    out[at] = state;
    out[at + 1] = state >>> 8;
    out[at + 2] = state >>> 16;
    out[at + 3] = state >>> 24;
  }
  return out;
}

export const nullSignatures: SignatureService = {
  verify(publicKey, message, signature) {
    if (
      publicKey.length !== publicKeyBytes ||
      signature.length !== SIGNATURE_BYTES ||
      message.length > SIGNED_BYTES_MAX
    )
      return false;
    const right = spread([publicKey, message], SIGNATURE_BYTES);
    return right.every((byte, at) => byte === signature[at]);
  },
  sign(seed, message) {
    if (message.length > SIGNED_BYTES_MAX)
      throw new RangeError(`a message of ${message.length} bytes: at most ${SIGNED_BYTES_MAX} are signed`);
    return spread([this.publicKey(seed), message], SIGNATURE_BYTES);
  },
  publicKey(seed) {
    if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
    return spread([seed], publicKeyBytes);
  },
};

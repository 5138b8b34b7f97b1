// The two ciphers of link frames behind one interface: ChaCha20/Poly1305 (RFC 8439), which flies,
// and the null cipher of the fleet image.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { nullOpen, nullSeal } from './cipher_null.ts';
import { TAG_BYTES } from '../cbor/generated.ts';

export type CipherName = 'real' | 'null';

export interface Cipher {
  readonly name: CipherName;
  /** Frames end with a CRC-32C; else with zeros, which are not read. */
  readonly hasCrc: boolean;
  /** Ciphertext ‖ tag: 16 bytes more than `text`. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array;
  /**
   * The text of ciphertext ‖ tag; null when it was altered, or sealed under another key, nonce or
   * aad.
   */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

const algorithm = 'chacha20-poly1305';
const options = { authTagLength: TAG_BYTES };

export const realCipher: Cipher = {
  name: 'real',
  hasCrc: true,
  seal(key, nonce, aad, text) {
    const cipher = createCipheriv(algorithm, key, nonce, options);
    cipher.setAAD(aad, { plaintextLength: text.length });
    const sealed = new Uint8Array(text.length + TAG_BYTES);
    sealed.set(cipher.update(text));
    cipher.final();
    sealed.set(cipher.getAuthTag(), text.length);
    return sealed;
  },
  open(key, nonce, aad, sealed) {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return null;
    const decipher = createDecipheriv(algorithm, key, nonce, options);
    decipher.setAAD(aad, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const text = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      // node:crypto only says that the tag is wrong; the decrypted bytes are not handed out.
      text.fill(0);
      return null;
    }
    return Uint8Array.from(text);
  },
};

/**
 * NOT secure, for simulations of thousands of nodes: equal to firmware/security/cipher_null.ts,
 * byte for byte.
 */
export const nullCipher: Cipher = { name: 'null', hasCrc: false, seal: nullSeal, open: nullOpen };

export function cipherNamed(name: CipherName): Cipher {
  return name === 'null' ? nullCipher : realCipher;
}

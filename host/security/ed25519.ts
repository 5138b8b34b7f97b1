// Ed25519 (RFC 8032) by node:crypto, for the authority's statements: the one place in this folder that signs and verifies.

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

export const SIGNATURE_BYTES = 64;

/** PKCS #8 and SubjectPublicKeyInfo of RFC 8410, up to the key. */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function privateKeyOf(seed: Uint8Array) {
  const encoded = Buffer.concat([privatePrefix, seed]);
  const key = createPrivateKey({ key: encoded, format: 'der', type: 'pkcs8' });
  encoded.fill(0);
  return key;
}

export function signMessage(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return Uint8Array.from(sign(null, message, privateKeyOf(seed)));
}

export function verifyMessage(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== SIGNATURE_BYTES) return false;
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}

export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const encoded = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return Uint8Array.from(encoded.subarray(publicPrefix.length));
}

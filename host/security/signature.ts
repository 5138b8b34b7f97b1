/**
 * Ed25519 (RFC 8032) behind one interface. A signature does not fit the budget of a call into the
 * flight image, so it is a service of the platform: on the host node:crypto, on boards
 * dist/signature.wasm (firmware/signature).
 *
 * Both implementations verify without the cofactor and compare encodings of R, as OpenSSL
 * does, and refuse S ≥ L. Both are stricter than OpenSSL where no honest signer ever is: they
 * refuse keys and R whose y is not below p, or whose order divides eight (a signature under such a
 * key may hold for any message).
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from '../build/root.ts';
import { SIGNATURE_BYTES, SIGNED_BYTES_MAX } from '../cbor/generated.ts';

const publicKeyBytes = 32;
const seedBytes = 32;

export interface SignatureService {
  /**
   * Verifies a signature. False, never an error, for whatever is no signature of the message under
   * the key, wrong lengths included.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * Signs: 64 bytes. Throws RangeError when the seed has not 32 bytes or the message is longer than
   * `SIGNED_BYTES_MAX`.
   */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** Derives the public key: 32 bytes. Throws RangeError when the seed has not 32 bytes. */
  publicKey(seed: Uint8Array): Uint8Array;
}

function checkSeed(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
}

function checkMessage(message: Uint8Array): void {
  if (message.length > SIGNED_BYTES_MAX)
    throw new RangeError(`a message of ${message.length} bytes: at most ${SIGNED_BYTES_MAX} are signed`);
}

const haveSizes = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === publicKeyBytes && signature.length === SIGNATURE_BYTES && message.length <= SIGNED_BYTES_MAX;

/**
 * y of the points of order 1, 2, 4 and 8, little-endian (test/security/signature.test.ts finds the
 * points anew).
 */
const smallOrderY: ReadonlySet<string> = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
]);

/**
 * True when an encoding of a point could come from an honest signer, as far as y shows. The topmost
 * bit is the sign of x.
 */
function isPlausible(encoding: Uint8Array): boolean {
  const y = Buffer.from(encoding);
  y[31] &= 0x7f;
  const isBelowPrime = y[31] < 0x7f || y[0] < 0xed || y.subarray(1, 31).some((byte) => byte < 0xff);
  return isBelowPrime && !smallOrderY.has(y.toString('hex'));
}

/** Reads a key as JWK (RFC 8037), which OpenSSL does eight times as fast as DER. */
function publicKeyObject(key: Uint8Array): KeyObject {
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') },
    format: 'jwk',
  });
}

/**
 * DER before a bare seed (RFC 8410): a private JWK would need the public key, which is not known
 * yet.
 */
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Private keys by seed, because reading DER takes ten times as long as signing. A key is kept as
 * long as the caller keeps the seed; a seed whose bytes have changed is read anew.
 */
const privateKeys = new WeakMap<Uint8Array, { seed: Uint8Array; key: KeyObject }>();

function privateKeyObject(seed: Uint8Array): KeyObject {
  checkSeed(seed);
  const known = privateKeys.get(seed);
  if (known?.seed.every((byte, at) => byte === seed[at])) return known.key;
  const key = createPrivateKey({ key: Buffer.concat([privateHead, seed]), format: 'der', type: 'pkcs8' });
  privateKeys.set(seed, { seed: Uint8Array.from(seed), key });
  return key;
}

/** Signatures by node:crypto, for host and simulator. */
export const nodeSignatures: SignatureService = {
  verify(publicKey, message, signature) {
    if (!haveSizes(publicKey, message, signature)) return false;
    if (!isPlausible(publicKey) || !isPlausible(signature.subarray(0, 32))) return false;
    return verifyBytes(null, message, publicKeyObject(publicKey), signature);
  },
  sign(seed, message) {
    checkMessage(message);
    return new Uint8Array(signBytes(null, message, privateKeyObject(seed)));
  },
  publicKey(seed) {
    const { x } = createPublicKey(privateKeyObject(seed)).export({ format: 'jwk' });
    return new Uint8Array(Buffer.from(x!, 'base64url'));
  },
};

/** Exports of dist/signature.wasm (firmware/signature/index.ts): addresses and lengths in bytes. */
export interface SignatureCalls {
  readonly memory: WebAssembly.Memory;
  memory_base(): number;
  message_bytes_max(): number;
  verify(publicKey: number, message: number, length: number, signature: number): number;
  sign(seed: number, publicKey: number, message: number, length: number, out: number): number;
  public_key(seed: number, out: number): number;
}

export const signatureModulePath = join(rootFolder, 'dist/signature.wasm');

/**
 * Instantiates the module that boards run. Throws, with the next step, when it is not built, and
 * when it imports anything.
 */
export function instantiateSignature(path = signatureModulePath): SignatureCalls {
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\``);
  const module = new WebAssembly.Module(readFileSync(path));
  return new WebAssembly.Instance(module, {}).exports as unknown as SignatureCalls;
}

/** Wraps the module's functions as a service. */
export function moduleSignatures(calls: SignatureCalls = instantiateSignature()): SignatureService {
  const key = calls.memory_base();
  const seedAt = key + publicKeyBytes;
  const signatureAt = seedAt + seedBytes;
  const messageAt = signatureAt + SIGNATURE_BYTES;
  const memory = new Uint8Array(calls.memory.buffer);
  const take = (at: number, bytes: number) => memory.slice(at, at + bytes);
  const derive = (seed: Uint8Array) => {
    checkSeed(seed);
    memory.set(seed, seedAt);
    calls.public_key(seedAt, key);
  };
  const forget = () => memory.fill(0, seedAt, seedAt + seedBytes);
  return {
    verify(publicKey, message, signature) {
      if (!haveSizes(publicKey, message, signature)) return false;
      memory.set(publicKey, key);
      memory.set(message, messageAt);
      memory.set(signature, signatureAt);
      return calls.verify(key, messageAt, message.length, signatureAt) === 1;
    },
    sign(seed, message) {
      checkMessage(message);
      derive(seed);
      memory.set(message, messageAt);
      const signed = calls.sign(seedAt, key, messageAt, message.length, signatureAt);
      forget();
      if (signed !== 1) throw new Error('the signature module refuses a key that it has just derived from the seed');
      return take(signatureAt, SIGNATURE_BYTES);
    },
    publicKey(seed) {
      derive(seed);
      forget();
      return take(key, publicKeyBytes);
    },
  };
}

import { createHash, createPublicKey, verify as opensslVerify } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawn } from '../../hwsim/bench/cycles/signature.ts';
import {
  instantiateSignature,
  moduleSignatures,
  nodeSignatures,
  type SignatureService,
} from '../../host/security/signature.ts';
import {
  base,
  encodePoint,
  fromBytes,
  multiple,
  order,
  pointOf,
  smallOrderPoints,
  sum,
  toBytes,
} from './signature_constants.ts';
import { vectors } from './signature_vectors.ts';
import { SIGNED_BYTES_MAX } from '../../host/cbor/generated.ts';

const services: [string, SignatureService][] = [
  ['node:crypto', nodeSignatures],
  ['the module', moduleSignatures()],
];
const board = services[1][1];

/** What OpenSSL says without our own rules before it. */
function opensslSays(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return opensslVerify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
}

/** The same verdict from both, which is returned. */
function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, about: string): boolean {
  const [ofNode, ofModule] = services.map(([, service]) => service.verify(publicKey, message, signature));
  assert.is(ofModule, ofNode, `${about}: node:crypto says ${ofNode}, the module ${ofModule}`);
  return ofNode;
}

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const changed = bytes.slice();
  changed[bit >> 3] ^= 1 << (bit & 7);
  return changed;
};
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/**
 * What RFC 8032 derives from seed, key, message and R: for signatures that no honest signer makes.
 */
function honest(
  seed: Uint8Array,
  key: Uint8Array,
  message: Uint8Array,
  r: Uint8Array,
): { secret: bigint; challenge: bigint } {
  const digest = createHash('sha512').update(seed).digest().subarray(0, 32);
  digest[0] &= 248;
  digest[31] = (digest[31] & 127) | 64;
  const hash = createHash('sha512')
    .update(joined(r, key, message))
    .digest();
  return { secret: fromBytes(digest), challenge: fromBytes(hash) % order };
}

for (const [name, service] of services)
  test(`${name} gives the keys, signatures and verdicts of RFC 8032, section 7.1`, () => {
    for (const { name: vector, seed, publicKey, message, signature } of vectors) {
      assert.equal(service.publicKey(seed), publicKey, vector);
      assert.equal(service.sign(seed, message), signature, vector);
      assert.ok(service.verify(publicKey, message, signature), vector);
      assert.not(service.verify(publicKey, joined(message, Uint8Array.of(0)), signature), vector);
    }
  });

test('the module and node:crypto make the same keys and signatures in 1,000 cases and accept each other’s', () => {
  for (let index = 0; index < 1000; index += 1) {
    const seed = drawn(`case ${index}`, 32);
    const message = drawn(`text ${index}`, index < 300 ? index : (index * 7919) % (SIGNED_BYTES_MAX + 1));
    const publicKey = nodeSignatures.publicKey(seed);
    const signature = nodeSignatures.sign(seed, message);
    assert.equal(board.publicKey(seed), publicKey, `case ${index}`);
    assert.equal(board.sign(seed, message), signature, `case ${index}`);
    assert.ok(verdict(publicKey, message, signature, `case ${index}`));
    const bit = (index * 31) % 512;
    assert.not(verdict(publicKey, message, flipped(signature, bit), `case ${index}, bit ${bit}`));
  }
});

test('seeds and messages at the ends of their ranges are signed as node:crypto does', () => {
  for (const seed of [new Uint8Array(32), new Uint8Array(32).fill(255)])
    for (const length of [0, 1, 63, 64, 65, 111, 112, 127, 128, SIGNED_BYTES_MAX]) {
      const message = new Uint8Array(length).fill(seed[0]);
      assert.equal(board.sign(seed, message), nodeSignatures.sign(seed, message), `${length} bytes`);
      assert.ok(
        verdict(nodeSignatures.publicKey(seed), message, nodeSignatures.sign(seed, message), `${length} bytes`),
      );
    }
});

test('a flip of any bit of signature, key or message is refused', () => {
  const [, , { publicKey, signature, message }] = vectors;
  for (let bit = 0; bit < 512; bit += 1)
    assert.not(verdict(publicKey, message, flipped(signature, bit), `signature, bit ${bit}`));
  for (let bit = 0; bit < 256; bit += 1)
    assert.not(verdict(flipped(publicKey, bit), message, signature, `key, bit ${bit}`));
  for (let bit = 0; bit < 16; bit += 1)
    assert.not(verdict(publicKey, flipped(message, bit), signature, `message, bit ${bit}`));
});

test('S + kL is refused: only S below L is accepted', () => {
  const { publicKey, message, signature } = vectors[1];
  const s = fromBytes(signature.subarray(32));
  for (let times = 0n; times < 15n; times += 1n) {
    const other = joined(signature.subarray(0, 32), toBytes(s + times * order));
    assert.is(verdict(publicKey, message, other, `S + ${times} L`), times === 0n);
  }
  for (const value of [order, order + 1n, 2n ** 253n, 2n ** 256n - 1n])
    assert.not(verdict(publicKey, message, joined(signature.subarray(0, 32), toBytes(value)), `S = ${value}`));
});

test('keys of small order are refused, for one signature would hold for many messages; OpenSSL accepts them', () => {
  let taken = 0;
  const points = smallOrderPoints();
  assert.is(points.length, 8);
  for (const key of points.map(encodePoint))
    for (const r of points.map(encodePoint))
      for (let index = 0; index < 4; index += 1) {
        const forged = joined(r, new Uint8Array(32));
        const message = drawn(`small ${index}`, 20);
        if (opensslSays(key, message, forged)) taken += 1;
        assert.not(verdict(key, message, forged, `message ${index}`));
      }
  assert.ok(taken > 10, `OpenSSL takes ${taken} of 256`);
  // R is of full order: what is refused is the key.
  for (const neutral of [toBytes(1n), toBytes(2n ** 255n - 18n)]) {
    const signature = joined(encodePoint(multiple(5n, base)), toBytes(5n));
    assert.ok(opensslSays(neutral, drawn('any', 20), signature));
    assert.not(verdict(neutral, drawn('any', 20), signature, 'neutral key'));
  }
});

test('an R of small order is refused under an honest key although the equation holds', () => {
  // r = 0, so that R is the neutral point: whoever signs so gives the secret away, and no honest
  // signer does.
  const { publicKey, message, seed } = vectors[2];
  const r = encodePoint({ x: 0n, y: 1n });
  const { secret, challenge } = honest(seed, publicKey, message, r);
  const signature = joined(r, toBytes((challenge * secret) % order));
  assert.ok(opensslSays(publicKey, message, signature));
  assert.not(verdict(publicKey, message, signature, 'R = 0'));
});

test('keys and R whose y is not below p are refused', () => {
  const { publicKey, message, signature } = vectors[1];
  for (let y = 2n ** 255n - 19n; y < 2n ** 255n; y += 1n)
    for (const sign of [0n, 2n ** 255n]) {
      assert.not(verdict(toBytes(y + sign), message, signature, `key ${y}`));
      assert.not(verdict(publicKey, message, joined(toBytes(y + sign), signature.subarray(32)), `R ${y}`));
    }
  // y = 1 + p with S = 0 holds for OpenSSL under every message.
  const neutral = toBytes(2n ** 255n - 18n);
  const forged = joined(toBytes(1n), new Uint8Array(32));
  assert.ok(opensslSays(neutral, message, forged));
  assert.not(verdict(neutral, message, forged, 'y = p + 1'));
});

test('keys that are no point, or have a component of small order, get the verdict of OpenSSL', () => {
  let held = 0;
  const twist = smallOrderPoints();
  for (let index = 0; index < 64; index += 1) {
    const { seed } = vectors[index % vectors.length];
    const message = drawn(`mixed ${index}`, 33);
    const mixed = encodePoint(sum(pointOf(nodeSignatures.publicKey(seed)), twist[index % 8]));
    const nonce = BigInt(index) * 7919n + 3n;
    const r = encodePoint(multiple(nonce, base));
    const { secret, challenge } = honest(seed, mixed, message, r);
    const signature = joined(r, toBytes((nonce + challenge * secret) % order));
    const says = verdict(mixed, message, signature, `mixed ${index}`);
    assert.is(says, opensslSays(mixed, message, signature));
    if (says && index % 8 !== 0) held += 1;
  }
  assert.ok(held > 0 && held < 56, `${held} of 56 hold`);
  let nowhere = 0;
  for (let index = 0; index < 64; index += 1) {
    const key = drawn(`nowhere ${index}`, 32);
    const { message, signature } = vectors[index % 4];
    assert.not(verdict(key, message, signature, `key ${index}`));
    try {
      pointOf(key);
    } catch {
      nowhere += 1;
    }
  }
  assert.ok(nowhere > 16, `${nowhere} of 64 keys are no points`);
});

test('wrong lengths are refused, and nothing is signed with them', () => {
  const [{ seed, publicKey, message, signature }] = vectors;
  for (const [name, service] of services) {
    for (const length of [0, 31]) assert.not(service.verify(publicKey.slice(0, length), message, signature), name);
    assert.not(service.verify(joined(publicKey, seed), message, signature), name);
    for (const length of [0, 32, 63]) assert.not(service.verify(publicKey, message, signature.slice(0, length)), name);
    assert.not(service.verify(publicKey, message, joined(signature, Uint8Array.of(0))), name);
    assert.not(service.verify(publicKey, new Uint8Array(SIGNED_BYTES_MAX + 1), signature), name);
    assert.throws(() => service.sign(seed, new Uint8Array(SIGNED_BYTES_MAX + 1)), RangeError);
    assert.throws(() => service.sign(seed.slice(0, 31), message), RangeError);
    assert.throws(() => service.publicKey(joined(seed, seed)), RangeError);
  }
});

test('a seed whose bytes are changed in place signs with the new bytes', () => {
  const [one, two] = vectors;
  const seed = one.seed.slice();
  assert.equal(nodeSignatures.sign(seed, one.message), one.signature);
  seed.set(two.seed);
  assert.equal(nodeSignatures.sign(seed, two.message), two.signature);
  assert.equal(nodeSignatures.publicKey(seed), two.publicKey);
});

test('the module signs only under the key that is the seed’s, and leaves the output alone otherwise', () => {
  const calls = instantiateSignature();
  const memory = new Uint8Array(calls.memory.buffer);
  const at = calls.memory_base();
  const [, { seed, publicKey, message, signature }] = vectors;
  memory.set(seed, at);
  memory.set(message, at + 128);
  for (let bit = 0; bit < 256; bit += 17) {
    memory.set(flipped(publicKey, bit), at + 32);
    memory.fill(0xaa, at + 64, at + 128);
    assert.is(calls.sign(at, at + 32, at + 128, message.length, at + 64), 0);
    assert.ok(memory.subarray(at + 64, at + 128).every((byte) => byte === 0xaa));
  }
  memory.set(publicKey, at + 32);
  assert.is(calls.sign(at, at + 32, at + 128, message.length, at + 64), 1);
  assert.equal(memory.slice(at + 64, at + 128), signature);
});

test('inputs and outputs may lie anywhere above memory_base, unaligned and overlapping', () => {
  const calls = instantiateSignature();
  const memory = new Uint8Array(calls.memory.buffer);
  const at = calls.memory_base() + 3;
  const [, , , { seed, publicKey, message, signature }] = vectors;
  memory.set(seed, at);
  memory.set(publicKey, at + 33);
  memory.set(message, at + 70);
  assert.is(calls.sign(at, at + 33, at + 70, message.length, at), 1);
  assert.equal(memory.slice(at, at + 64), signature);
  memory.set(publicKey, 65536 - 32);
  assert.is(calls.verify(65536 - 32, at + 70, message.length, at), 1);
});

test('nothing of a seed stays in the module’s own memory', () => {
  const calls = instantiateSignature();
  const memory = new Uint8Array(calls.memory.buffer);
  const at = calls.memory_base();
  const before = memory.slice(0, at);
  const [, { seed, publicKey }] = vectors;
  memory.set(seed, at);
  memory.set(publicKey, at + 32);
  assert.is(calls.sign(at, at + 32, at + 128, 1, at + 64), 1);
  assert.equal(memory.slice(0, at), before);
  calls.public_key(at, at + 64);
  assert.equal(memory.slice(0, at), before);
});

test('addresses in the module’s own memory or beyond its page trap; so does a changed constant', () => {
  const trap = (work: (calls: ReturnType<typeof instantiateSignature>, at: number) => void) => {
    const calls = instantiateSignature();
    assert.throws(
      () => work(calls, calls.memory_base()),
      (error: Error) => error instanceof WebAssembly.RuntimeError,
    );
  };
  trap((calls, at) => calls.verify(at - 16, at, 0, at));
  trap((calls, at) => calls.verify(at, at - 1, 1, at));
  trap((calls, at) => calls.verify(at, at, 0, 65536 - 63));
  trap((calls, at) => calls.verify(at, 0xffffffff, 2, at));
  trap((calls, at) => calls.sign(at, at, at, 0, 0));
  trap((calls, at) => calls.public_key(at, at - 32));
  const calls = instantiateSignature();
  const memory = new Uint8Array(calls.memory.buffer);
  const at = calls.memory_base();
  const first = memory.findIndex((byte, index) => byte === 0xed && memory[index + 1] === 0xff);
  for (const place of [first, first + 500, first + 2000, first + 4895]) {
    memory[place] ^= 4;
    assert.throws(
      () => calls.verify(at, at, 0, at),
      (error: Error) => error instanceof WebAssembly.RuntimeError,
    );
    memory[place] ^= 4;
    assert.is(calls.verify(at, at, 0, at), 0);
  }
});

test.run();

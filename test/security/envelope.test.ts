import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CRC_BYTES, FRAME_BYTES_MAX, PLAIN_BYTES_MAX } from '../../host/cbor/generated.ts';
import { CborFault } from '../../host/cbor/item.ts';
import { nullCipher, realCipher } from '../../host/security/cipher.ts';
import { type Header, open, readHeader, seal, withCrc } from '../../host/security/envelope.ts';
import { linkKey } from '../../host/security/key_epoch.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { Cipher, randomCase } from './cases.ts';
import { testKeys } from './sealed.ts';

const test = suite('security: envelope');
const header: Header = { cluster: 7, keyEpoch: 1, sender: 3, addressee: 65535, counter: 812 };
const key = testKeys.linkKey(1);
const text = (length: number) => Uint8Array.from({ length }, (_, at) => at * 31);
const keyOf = () => key;

test('plaintexts of every length open again under both ciphers, and frames are 47 bytes longer', () => {
  for (const cipher of [realCipher, nullCipher]) {
    for (let length = 2; length <= PLAIN_BYTES_MAX; length += 1) {
      const frame = seal(header, text(length), key, cipher);
      assert.is(frame.length, length + (length < 8 ? 46 : 47));
      assert.equal(open(frame, keyOf, cipher), { header, plaintext: text(length) });
      assert.equal(readHeader(frame), header);
    }
  }
  assert.is(seal(header, text(PLAIN_BYTES_MAX), key).length, FRAME_BYTES_MAX);
  assert.throws(() => seal(header, text(PLAIN_BYTES_MAX + 1), key), /210 bytes, a frame has room for 209/);
});

test('a frame with any bit flipped and a correct CRC-32C is refused', () => {
  for (const cipher of [realCipher, nullCipher]) {
    const frame = seal(header, text(150), key, cipher);
    for (let bit = 0; bit < (frame.length - CRC_BYTES) * 8; bit += 1) {
      const body = frame.slice(0, -CRC_BYTES);
      body[bit >> 3] ^= 1 << (bit & 7);
      assert.throws(
        () => open(withCrc(body), keyOf, cipher),
        (error: Error) => error instanceof CborFault && error.message.startsWith(`byte ${error.offset}: `),
        `bit ${bit}`,
      );
    }
  }
});

test('a frame cut off after any byte, or with a byte added, is refused even with a correct CRC-32C', () => {
  const frame = seal(header, text(150), key);
  for (let length = 0; length < frame.length - CRC_BYTES; length += 1)
    assert.throws(
      () => open(withCrc(frame.subarray(0, length)), keyOf),
      (error: Error) => error instanceof CborFault,
    );
  assert.throws(() => open(withCrc(Buffer.concat([frame.subarray(0, -CRC_BYTES), Buffer.of(0)])), keyOf), /byte 25: /);
  assert.throws(() => open(frame.subarray(0, -1), keyOf), /byte \d+: /);
});

test('faults are reported by kind and place', () => {
  const frame = seal(header, text(20), key);
  const with_ = (at: number, byte: number) => {
    const body = frame.slice(0, -CRC_BYTES);
    body[at] = byte;
    return withCrc(body);
  };
  for (const [bytes, message] of [
    [with_(0, 0xd1), /^byte 0: the opening/],
    [with_(6, 0x01), /^byte 6: the opening/],
    [with_(9, 2), /^byte 9: version 2, known is 1$/],
    [with_(19, 0x43), /^byte 19: the head of the Partial IV/],
    [with_(24, 0xa1), /^byte 24: the unprotected header/],
    [with_(25, 0x59), /^byte 25: the ciphertext is no byte string/],
    [with_(26, 20), /^byte 25: 20 is not in its shortest form$/],
    [with_(26, 37), /^byte 25: a ciphertext of 37 bytes is announced, 36 are there$/],
    [with_(30, 0), /^byte 47: the tag is wrong/],
    [frame.slice(0, 47), /^byte 47: too short/],
    [new Uint8Array(257), /^byte 256: the frame has 257 bytes/],
  ] as const) {
    assert.throws(
      () => open(bytes, keyOf),
      (error: Error) => message.test(error.message) || assert.unreachable(error.message),
    );
  }
  const noisy = frame.slice();
  noisy[50] ^= 1;
  assert.throws(() => open(noisy, keyOf), /^CborFault|the CRC-32C is 0x/);
  assert.throws(() => open(frame, () => null), /^.*no key for key epoch 1 of cluster 7$/);
});

test('the tag covers the whole header, and the key binds a frame to its key epoch', () => {
  const frame = seal(header, text(20), key);
  for (const [at, what] of [
    [11, 'cluster'],
    [13, 'epoch'],
    [15, 'sender'],
    [17, 'addressee'],
    [23, 'counter'],
  ] as const) {
    const body = frame.slice(0, -CRC_BYTES);
    body[at] ^= 1;
    assert.throws(() => open(withCrc(body), keyOf), /the tag is wrong/, what);
  }
  const secret = testKeys.secret(1);
  const keys = [
    linkKey(secret, 7, 1),
    linkKey(secret, 7, 2),
    linkKey(secret, 8, 1),
    testKeys.linkKey(2),
    testKeys.linkKey(0),
  ];
  assert.is(new Set(keys.map((each) => Buffer.from(each).toString('hex'))).size, keys.length);
  assert.equal(keys[0], key);
  for (const other of keys.slice(1)) assert.throws(() => open(frame, () => other), /the tag is wrong/);
});

test('one cipher does not open what the other sealed', () => {
  assert.throws(() => open(seal(header, text(20), key, realCipher), keyOf, nullCipher), /the tag is wrong/);
  const ofNull = withCrc(seal(header, text(20), key, nullCipher).subarray(0, -CRC_BYTES));
  assert.throws(() => open(ofNull, keyOf, realCipher), /the tag is wrong/);
});

test('a header out of range is not sealed', () => {
  for (const field of Object.keys(header) as (keyof Header)[])
    for (const value of [-1, 1.5, field === 'counter' ? 2 ** 32 : 65536, Number.NaN])
      assert.throws(() => seal({ ...header, [field]: value }, text(20), key), new RegExp(`header\\.${field} is`));
});

test('both ciphers give the bytes of the firmware, in 5,000 random cases each', async () => {
  for (const [module, cipher] of [
    [await Cipher.load('cipher'), realCipher],
    [await Cipher.load('cipher_null'), nullCipher],
  ] as const) {
    const random = new RandomStream(7, 'envelope/ciphers');
    for (let turn = 0; turn < 5000; turn += 1) {
      const each = randomCase(random);
      const sealed = cipher.seal(each.key, each.nonce, each.aad, each.text);
      assert.equal(Buffer.from(sealed), Buffer.from(module.seal(each)));
      assert.equal(Buffer.from(cipher.open(each.key, each.nonce, each.aad, sealed)!), Buffer.from(each.text));
    }
  }
});

test.run();

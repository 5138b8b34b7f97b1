// Frames that are refused by their envelope: length, CRC-32C, form, algorithm, version, addressee,
// sender, key epoch, tag.

import { createCipheriv, createHmac } from 'node:crypto';
import { seal, withCrc } from '../../../host/security/envelope.ts';
import { linkKey } from '../../../host/security/key_epoch.ts';
import { nullCipher, realCipher } from '../../../host/security/cipher.ts';
import { changed, type Negative, received, spliced, spoilt, tagWrong, talk } from './cases.ts';
import { type AttackBench, cycle, sender } from './bench.ts';
import { testCluster, testKeys } from '../sealed.ts';
import { CRC_BYTES, ENVELOPE_BYTES, FRAME_BYTES_MIN, TAG_BYTES } from '../../../host/cbor/generated.ts';

const lengths: Negative[] = [
  ...[0, 1, 3, 4, 5, 25, 26, 27, 46, 47].map((length) =>
    received(`a frame of ${length} bytes`, 'length', 'frame_length', (bench) => [
      bench.frame({}, talk).slice(0, length),
    ]),
  ),
  ...[257, 258, 300, 512, 4000].map((length) =>
    received(`a frame of ${length} bytes`, 'length', 'frame_length', () => [new Uint8Array(length)]),
  ),
  ...[0x10000, 0x7fffffff, 0x80000000, 0xffffffff].map((length) =>
    received(`a length of ${length} beyond the bytes present and all memory`, 'length', 'frame_length', (bench) => [
      { bytes: bench.frame({}, talk), length },
    ]),
  ),
  received('a length one more than the bytes of the frame', 'crc', 'frame_crc', (bench) => {
    const bytes = bench.frame({}, talk);
    return [{ bytes: Buffer.concat([bytes, Uint8Array.of(0)]), length: bytes.length + 1 }];
  }),
  received('a length one less than the bytes of the frame', 'crc', 'frame_crc', (bench) => {
    const bytes = bench.frame({}, talk);
    return [{ bytes, length: bytes.length - 1 }];
  }),
  received('a frame of 257 bytes, its text one too long', 'length', 'frame_length', (bench) => {
    const full = bench.sealed({}, new Uint8Array(209));
    return [withCrc(spliced(full.slice(0, -CRC_BYTES), 60, 0, 0))];
  }),
  received('an empty text', 'length', 'frame_length', () => [
    withCrc(
      Buffer.concat([
        seal(
          { cluster: testCluster, keyEpoch: 2, sender, addressee: 65535, counter: cycle },
          new Uint8Array(0),
          testKeys.linkKey(2),
        ).subarray(0, -CRC_BYTES),
      ]),
    ),
  ]),
  received('a text of one byte', 'length', 'frame_length', () => [
    seal(
      { cluster: testCluster, keyEpoch: 2, sender, addressee: 65535, counter: cycle },
      Uint8Array.of(0x80),
      testKeys.linkKey(2),
    ),
  ]),
  received('cut off after every byte below the shortest frame', 'length', 'frame_length', (bench) => {
    const frame = bench.frame({}, talk);
    return Array.from({ length: FRAME_BYTES_MIN }, (_, length) => frame.slice(0, length));
  }),
  received('cut off after every byte from the shortest frame on', 'crc', 'frame_crc', (bench) => {
    const frame = bench.sealed({}, new Uint8Array(150));
    return Array.from({ length: frame.length - FRAME_BYTES_MIN }, (_, i) => frame.slice(0, FRAME_BYTES_MIN + i));
  }),
  received('cut off after every byte, its CRC-32C corrected', 'malformed', 'frame_form', (bench) => {
    const frame = bench.sealed({}, new Uint8Array(150));
    const count = frame.length - CRC_BYTES - FRAME_BYTES_MIN;
    return Array.from({ length: count }, (_, i) => withCrc(frame.subarray(0, FRAME_BYTES_MIN - CRC_BYTES + i)));
  }),
  received('without its tag, its CRC-32C corrected', 'malformed', 'frame_form', (bench) => [
    withCrc(bench.sealed({}, new Uint8Array(100)).subarray(0, -CRC_BYTES - TAG_BYTES)),
  ]),
  ...[1, 2, 4, 16].map((count) =>
    received(`with ${count} bytes behind it, its CRC-32C made right`, 'malformed', 'frame_form', (bench) => [
      withCrc(Buffer.concat([bench.frame({}, talk).subarray(0, -CRC_BYTES), new Uint8Array(count)])),
    ]),
  ),
];

const form = (name: string, at: number, cut: number, ...bytes: number[]) =>
  changed(name, 'malformed', 'frame_form', at, cut, ...bytes);
const algorithm = (name: string, ...bytes: number[]) => changed(name, 'malformed', 'frame_algorithm', 5, 2, ...bytes);

const forms: Negative[] = [
  form('tag 96: COSE_Encrypt', 0, 1, 0xd8, 0x60),
  form('tag 17: COSE_Mac0', 0, 1, 0xd1),
  form('tag 18: COSE_Sign1', 0, 1, 0xd2),
  form('tag 97: COSE_Mac', 0, 1, 0xd8, 0x61),
  form('tag 98: COSE_Sign', 0, 1, 0xd8, 0x62),
  form('tag 16 in two bytes', 0, 1, 0xd8, 0x10),
  form('no tag', 0, 1),
  form('two tags', 0, 1, 0xd0, 0xd0),
  form('an array of four', 1, 1, 0x84),
  form('an array of two', 1, 1, 0x82),
  form('an array whose length takes two bytes', 1, 1, 0x98, 0x03),
  form('an array of indefinite length', 1, 1, 0x9f),
  form('a map in place of the array', 1, 1, 0xa3),
  form('a protected header one shorter', 2, 1, 0x54),
  form('a protected header one longer', 2, 1, 0x56),
  form('a protected header whose length takes two bytes', 2, 1, 0x58, 0x15),
  form('a protected header of indefinite length', 2, 1, 0x5f),
  form('a protected header that is text', 2, 1, 0x75),
  form('an empty protected header', 2, 22, 0x40),
  form('a protected header that is null', 2, 22, 0xf6),
  form('a map of two', 3, 1, 0xa2),
  form('a map of four', 3, 1, 0xa4),
  form('a map whose length takes two bytes', 3, 1, 0xb8, 0x03),
  form('a map of indefinite length', 3, 1, 0xbf),
  form('the label of critical headers in place of the algorithm', 4, 1, 0x02),
  form('the label of the algorithm in two bytes', 4, 1, 0x18, 0x01),
  algorithm('algorithm 1: A128GCM', 0x01, 0x01),
  algorithm('algorithm 3: A256GCM', 0x03, 0x03),
  algorithm('algorithm 5: HMAC 256/256, which authenticates only', 0x05, 0x05),
  algorithm('algorithm 25: AES-MAC 128/128, which authenticates only', 0x18, 0x19),
  algorithm('algorithm 26: AES-MAC', 0x18, 0x1a),
  algorithm('algorithm 30: AES-CCM', 0x18, 0x1e),
  algorithm('algorithm 0: none', 0x18, 0x00),
  algorithm('algorithm 23 in two bytes', 0x18, 0x17),
  algorithm('algorithm −25', 0x38, 0x18),
  algorithm('algorithm −8: EdDSA', 0x27, 0x04),
  algorithm('algorithm 24 as text', 0x61, 0x18),
  algorithm('algorithm 24 in three bytes', 0x19, 0x00, 0x18),
  algorithm('algorithm null', 0xf6, 0x04),
  form('the label of an IV in place of the key id', 7, 1, 0x05),
  form('the label of the content type in place of the key id', 7, 1, 0x03),
  form('a key id one shorter', 8, 1, 0x48),
  form('a key id one longer', 8, 1, 0x4a),
  form('a key id that is text', 8, 1, 0x69),
  form('a key id of indefinite length', 8, 1, 0x5f),
  form('an IV in place of the Partial IV', 18, 1, 0x05),
  form('a second key id in place of the Partial IV', 18, 1, 0x04),
  form('a Partial IV of three bytes', 19, 1, 0x43),
  form('a Partial IV of five bytes', 19, 1, 0x45),
  form('a Partial IV of twelve bytes', 19, 1, 0x4c),
  form('an empty Partial IV', 19, 5, 0x40),
  form('a Partial IV that is an integer', 19, 1, 0x1a),
  form('no Partial IV', 18, 6),
  form('an algorithm in the unprotected header', 24, 1, 0xa1, 0x01, 0x18, 0x18),
  form('another algorithm in the unprotected header', 24, 1, 0xa1, 0x01, 0x01),
  form('a key id in the unprotected header', 24, 1, 0xa1, 0x04, 0x41, 0x00),
  form('a Partial IV in the unprotected header', 24, 1, 0xa1, 0x06, 0x44, 0, 0, 0, 1),
  form('an unprotected header that is an array', 24, 1, 0x80),
  form('an unprotected header that is null', 24, 1, 0xf6),
  form('an empty unprotected header of indefinite length', 24, 1, 0xbf, 0xff),
  form('a ciphertext that is text', 25, 1, 0x78),
  form('a ciphertext of indefinite length', 25, 2, 0x5f),
  form('a ciphertext that is an array', 25, 1, 0x98),
  form('a ciphertext elsewhere: null', 25, 1, 0xf6),
  form('a ciphertext whose length takes three bytes', 25, 1, 0x59, 0x00),
  form('a ciphertext whose length takes nine bytes', 25, 1, 0x5b, 0, 0, 0, 0, 0, 0, 0),
  form('a ciphertext of 0 bytes, more behind', 25, 2, 0x40),
  form('a ciphertext of 16 bytes: a tag alone, more behind', 25, 2, 0x50),
  form('a ciphertext of 23 bytes, more behind', 25, 2, 0x57),
  form('a ciphertext of 23 bytes whose length takes two', 26, 1, 0x17),
  form('a ciphertext of 0 bytes whose length takes two', 26, 1, 0x00),
  form('a ciphertext of 255 bytes, of which most are missing', 26, 1, 0xff),
  ...[-1, 1].map((by) =>
    received(
      `a ciphertext length given ${by > 0 ? 'longer' : 'shorter'} by one than it is`,
      'malformed',
      'frame_form',
      (bench) => [
        spoilt(bench.sealed({}, new Uint8Array(100)), (body) => {
          body[26] += by;
        }),
      ],
    ),
  ),
  ...(
    [
      ['key id first, then the algorithm', [3, 1, 0]],
      ['Partial IV first', [3, 2, 0]],
    ] as const
  ).map(([name]) =>
    received(`the protected header in another order: ${name}`, 'malformed', 'frame_form', (bench) => [
      spoilt(bench.frame({}, talk), (body) => {
        const parts = [body.slice(4, 7), body.slice(7, 18), body.slice(18, 24)];
        const order = name.startsWith('key') ? [1, 0, 2] : [2, 0, 1];
        body.set(Buffer.concat(order.map((part) => parts[part])), 4);
      }),
    ]),
  ),
  received('a COSE_Mac0 that authenticates a text in the clear', 'malformed', 'frame_form', (bench) => [
    spoilt(bench.frame({}, talk), (body) => {
      const text = body.slice(ENVELOPE_BYTES, -TAG_BYTES);
      const mac = createHmac('sha256', testKeys.linkKey(2)).update(text).digest().subarray(0, TAG_BYTES);
      return Buffer.concat([
        Uint8Array.of(0xd1, 0x84),
        body.subarray(2, 25),
        Uint8Array.of(0x40 + text.length),
        text,
        Uint8Array.of(0x50),
        mac,
      ]);
    }),
  ]),
  received('a bare CBOR sequence in the clear', 'malformed', 'frame_form', () => [
    withCrc(new Uint8Array(100).fill(0x80)),
  ]),
  received('the plain header of the frames before the envelope', 'malformed', 'frame_form', () => [
    withCrc(Buffer.from('84d0010007000100020000ffff00000151'.padEnd(120, '0'), 'hex')),
  ]),
];

const versions = [0, 2, 3, 24, 127, 128, 254, 255].map((version) =>
  changed(`version ${version}`, 'version', 'frame_version', 9, 1, version),
);

const addressed: Negative[] = [
  ...[0, 6, 8, 256, 0x0700, 65535].map((cluster) =>
    received(`a frame of cluster ${cluster}`, 'notForUs', null, (bench) => [
      spoilt(bench.frame({}, talk), (body) => void Buffer.from(body.buffer).writeUInt16BE(cluster, 10)),
    ]),
  ),
  received('a correct frame of a neighbour cluster, with the same members', 'notForUs', null, () => [
    seal(
      { cluster: 8, keyEpoch: 2, sender, addressee: 0, counter: cycle },
      new Uint8Array(20),
      linkKey(testKeys.secret(2), 8, 2),
    ),
  ]),
  ...[1, 2, 7, 255, 256, 0x7fff, 65534].map((addressee) =>
    received(`a right frame for ${addressee}`, 'notForUs', null, (bench) => [bench.frame({ addressee }, talk)]),
  ),
];

const senders: Negative[] = [
  received('a sender one beyond the members', 'implausible', 'frame_sender', (bench) => [
    bench.frame({ sender: bench.members }, talk),
  ]),
  ...[201, 255, 256, 0x0200, 0x8000, 65534, 65535].map((from) =>
    received(`sender ${from}, which no cluster has`, 'implausible', 'frame_sender', (bench) => [
      bench.frame({ sender: from }, talk),
    ]),
  ),
  received(
    'sealed by a member in this node’s own name',
    'implausible',
    'frame_self',
    (bench) => [bench.frame({ sender: 0 }, talk)],
    { opens: true },
  ),
  received(
    'in this node’s own name, to itself',
    'implausible',
    'frame_self',
    (bench) => [bench.frame({ sender: 0, addressee: 0 }, talk)],
    { opens: true },
  ),
];

const relabelled = (name: string, at: number, ...bytes: number[]): Negative => ({
  ...changed(`re-labelled: ${name}`, 'tag', 'frame_tag', at, bytes.length, ...bytes),
  opens: true,
});

const epochs: Negative[] = [
  ...[3, 4, 255, 256, 0x0200, 32768, 65534, 65535].map((epoch) =>
    received(`epoch ${epoch}, of which no key is held`, 'keyEpoch', 'frame_key_epoch', (bench) => [
      bench.frame({ keyEpoch: epoch }, talk),
    ]),
  ),
  received('a frame under a key epoch that is not known yet', 'keyEpoch', 'frame_key_epoch', (bench) => [
    bench.frame({ keyEpoch: 3, addressee: 0 }, talk),
  ]),
  received(
    'any frame, to a node without keys',
    'keyEpoch',
    'frame_key_epoch',
    (bench) => [bench.frame({}, talk), bench.frame({ keyEpoch: 0 }, talk)],
    {
      before: (bench) => bench.reboot(bench.config({ secrets: [], path: [] })),
    },
  ),
];

function sealedWith(change: Partial<{ key: Uint8Array; nonce: Uint8Array; aad: Uint8Array }>, cipher = realCipher) {
  return (bench: AttackBench) => [
    spoilt(bench.frame({}, talk), (body) => {
      const nonce = new Uint8Array(12);
      nonce.set(body.subarray(14, 16));
      nonce.set(body.subarray(20, 24), 8);
      const aad = Buffer.concat([
        Buffer.from('8368456e637279707430', 'hex'),
        body.subarray(2, 24),
        Uint8Array.of(0x40),
      ]);
      const text = new Uint8Array(body.length - ENVELOPE_BYTES - TAG_BYTES);
      text.set(Buffer.from('820104', 'hex'));
      body.set(
        cipher.seal(change.key ?? testKeys.linkKey(2), change.nonce ?? nonce, change.aad ?? aad, text),
        ENVELOPE_BYTES,
      );
    }),
  ];
}

const bodyChanged = (name: string, change: (body: Uint8Array) => Uint8Array | undefined) =>
  tagWrong(name, (bench) => [spoilt(bench.sealed({}, new Uint8Array(100).fill(0x80)), change)]);
const encryptAad = (context: string) =>
  Buffer.concat([Uint8Array.of(0x83, 0x60 + context.length), Buffer.from(context), new Uint8Array(23)]);

const tags: Negative[] = [
  relabelled('key epoch 2 as 1', 12, 0, 1),
  relabelled('from another member', 14, 0, 4),
  relabelled('for this node, which was for all', 16, 0, 0),
  relabelled('a later counter', 20, 0, 0, (cycle + 1) >> 8, (cycle + 1) & 255),
  relabelled('an earlier counter', 20, 0, 0, (cycle - 1) >> 8, (cycle - 1) & 255),
  tagWrong('a frame of key epoch 1 re-labelled 2', (bench) => [
    spoilt(bench.frame({ keyEpoch: 1 }, talk), (body) => spliced(body, 13, 1, 2)),
  ]),
  tagWrong('a frame of key epoch 0 re-labelled 2', (bench) => [
    spoilt(bench.frame({ keyEpoch: 0 }, talk), (body) => spliced(body, 13, 1, 2)),
  ]),
  tagWrong('a frame of key epoch 2 re-labelled 0', (bench) => [
    spoilt(bench.frame({}, talk), (body) => spliced(body, 13, 1, 0)),
  ]),
  tagWrong('a frame of another cluster re-labelled', () => [
    spoilt(
      seal(
        { cluster: 8, keyEpoch: 2, sender, addressee: 65535, counter: cycle },
        new Uint8Array(20),
        linkKey(testKeys.secret(2), 8, 2),
      ),
      (body) => spliced(body, 11, 1, testCluster),
    ),
  ]),
  tagWrong('a frame for another member re-labelled for this one', (bench) => [
    spoilt(bench.frame({ addressee: 4 }, talk), (body) => spliced(body, 17, 1, 0)),
  ]),
  tagWrong('a frame of an unknown key epoch re-labelled', (bench) => [
    spoilt(bench.frame({ keyEpoch: 3 }, talk), (body) => spliced(body, 13, 1, 2)),
  ]),
  tagWrong('sealed under a key of zeros', sealedWith({ key: new Uint8Array(32) })),
  tagWrong('sealed under the key epoch’s secret itself', sealedWith({ key: testKeys.secret(2) })),
  tagWrong('sealed under the key of key epoch 1', sealedWith({ key: testKeys.linkKey(1) })),
  tagWrong('sealed under a path key', sealedWith({ key: testKeys.authority.pathKey(1) })),
  tagWrong(
    'sealed under the key of the same key epoch of another cluster',
    sealedWith({ key: linkKey(testKeys.secret(2), 8, 2) }),
  ),
  tagWrong('sealed with a nonce of zeros', sealedWith({ nonce: new Uint8Array(12) })),
  tagWrong(
    'sealed with a nonce without its sender',
    sealedWith({ nonce: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, cycle >> 8, cycle & 255) }),
  ),
  tagWrong(
    'sealed with the counter little-endian',
    sealedWith({ nonce: Uint8Array.of(0, sender, 0, 0, 0, 0, 0, 0, cycle & 255, cycle >> 8, 0, 0) }),
  ),
  tagWrong('sealed without additional data', sealedWith({ aad: new Uint8Array(0) })),
  tagWrong('sealed for the context "Encrypt"', sealedWith({ aad: encryptAad('Encrypt') })),
  tagWrong('sealed for the context "Enc_Recipient"', sealedWith({ aad: encryptAad('Enc_Recipient') })),
  tagWrong('sealed for the context "MAC0"', sealedWith({ aad: encryptAad('MAC0') })),
  tagWrong('sealed with the null cipher', sealedWith({}, nullCipher)),
  tagWrong('ciphered and not authenticated: a tag of zeros', (bench) => [
    spoilt(bench.frame({}, talk), (body) => void body.fill(0, body.length - TAG_BYTES)),
  ]),
  tagWrong('authenticated and not ciphered: Poly1305 over the text in the clear', (bench) => [
    spoilt(bench.frame({}, talk), (body) => {
      const nonce = Buffer.concat([body.subarray(14, 16), new Uint8Array(6), body.subarray(20, 24)]);
      const cipher = createCipheriv('chacha20-poly1305', testKeys.linkKey(2), nonce, { authTagLength: 16 });
      const text = Buffer.from('8201048219'.padEnd((body.length - ENVELOPE_BYTES - TAG_BYTES) * 2, '0'), 'hex');
      cipher.setAAD(Buffer.concat([body.subarray(2, 24), text]), { plaintextLength: 0 });
      cipher.final();
      body.set(text, ENVELOPE_BYTES);
      body.set(cipher.getAuthTag(), body.length - TAG_BYTES);
    }),
  ]),
  tagWrong('A256GCM under the label of ChaCha20/Poly1305', (bench) => [
    spoilt(bench.frame({}, talk), (body) => {
      const cipher = createCipheriv('aes-256-gcm', testKeys.linkKey(2), new Uint8Array(12));
      body.set(cipher.update(new Uint8Array(body.length - ENVELOPE_BYTES - TAG_BYTES)), ENVELOPE_BYTES);
      cipher.final();
      body.set(cipher.getAuthTag(), body.length - TAG_BYTES);
    }),
  ]),
  bodyChanged('the first bit of the ciphertext', (body) => void (body[ENVELOPE_BYTES] ^= 0x80)),
  bodyChanged('the last bit of the ciphertext', (body) => void (body[body.length - TAG_BYTES - 1] ^= 1)),
  bodyChanged('the first bit of the tag', (body) => void (body[body.length - TAG_BYTES] ^= 0x80)),
  bodyChanged('the last bit of the tag', (body) => void (body[body.length - 1] ^= 1)),
  bodyChanged('tag and ciphertext in the other order', (body) => {
    const sealed = body.slice(ENVELOPE_BYTES);
    body.set(Buffer.concat([sealed.subarray(-TAG_BYTES), sealed.subarray(0, -TAG_BYTES)]), ENVELOPE_BYTES);
  }),
  bodyChanged('a byte of ciphertext cut out, and its length corrected', (body) => {
    body[26] -= 1;
    return spliced(body, 60, 1);
  }),
  bodyChanged('a byte of ciphertext put in, and its length corrected', (body) => {
    body[26] += 1;
    return spliced(body, 60, 0, 0);
  }),
  bodyChanged('a tag cut to eight bytes, and its length corrected', (body) => {
    body[26] -= 8;
    return body.slice(0, -8);
  }),
  tagWrong('the tag of another frame of the same sender', (bench) => [
    spoilt(bench.frame({}, talk), (body) => {
      const other = bench.frame({ counter: cycle - 1 }, talk);
      body.set(other.subarray(-CRC_BYTES - TAG_BYTES, -CRC_BYTES), body.length - TAG_BYTES);
    }),
  ]),
  tagWrong('every single bit of a short frame’s text and tag turned', (bench) => {
    const frame = bench.frame({}, talk);
    return Array.from({ length: (frame.length - ENVELOPE_BYTES - CRC_BYTES) * 8 }, (_, bit) =>
      spoilt(frame, (body) => void (body[ENVELOPE_BYTES + (bit >> 3)] ^= 1 << (bit & 7))),
    );
  }),
];

export const envelopeCases: readonly Negative[] = [
  ...lengths,
  ...forms,
  ...versions,
  ...addressed,
  ...senders,
  ...epochs,
  ...tags,
];

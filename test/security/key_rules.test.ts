// SEC-1 and SEC-4, rule by rule on one image: texts of every length, key epochs, replay windows.
import { createCipheriv } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  CRC_BYTES,
  CYCLE_S,
  FIELD,
  FLAG,
  KEY_EPOCH_GRACE_S,
  type Message,
  PLAIN_BYTES_MAX,
  STATUS,
  STATUS_MASK,
  TYPE,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { type Cipher, nullCipher, realCipher } from '../../host/security/cipher.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { readHeader, seal, withCrc } from '../../host/security/envelope.ts';
import { type KeyEpochMessages, makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { smallWorld } from '../firmware/cluster.ts';
import { DirectNode } from '../firmware/direct_node.ts';
import { heartbeatAt } from './fuzz/steps.ts';
import { openedFrame, sealedFrame, testHeader, testKeys } from './sealed.ts';

const rules = suite('keys, rule by rule');

const members = 12;
const startS = 6000;
const codeOf = (status: number) => status & STATUS_MASK;

/** A node with reserved counters, whose rings are empty. */
function ready(boot: ConstructorParameters<typeof DirectNode>[0] = {}): DirectNode {
  const node = new DirectNode({ bootMs: startS * 1000, ...boot });
  node.tick();
  reserve(node);
  node.commands();
  node.events();
  return node;
}

function reserve(node: DirectNode): void {
  const cycle = Math.floor(node.nowMs / 1000 / CYCLE_S) + 100;
  assert.is(codeOf(node.observe({ name: 'counters-reserved', cycle })), STATUS.ok);
}

/**
 * A message of a type that this release does not know, `length` bytes in all: its last item is a
 * byte string. With 28 bytes another item stands before it, as no head fits that length alone.
 */
function unknownMessage(length: number): Uint8Array {
  const short = length === 28 ? [0x83, 0x18, 70, 0, 0x57] : [0x82, 0x18, 70, 0x40 + length - 4];
  const head = length <= 28 ? short : [0x82, 0x18, 70, 0x58, length - 5];
  return Uint8Array.from({ length }, (_, at) => head[at] ?? at * 37);
}

rules(
  'SEC-1 holds: the image opens texts of every length under both ciphers, and the host what the image seals',
  () => {
    for (const [image, cipher] of [
      ['flight', realCipher],
      ['fleet', nullCipher],
    ] as const) {
      const node = ready({ image });
      for (let length = 4; length <= PLAIN_BYTES_MAX; length++) {
        const sender = 1 + (length % (members - 1));
        const counter = cycleAt(startS, sender) - Math.floor(length / (members - 1));
        const header = testHeader({ sender, counter });
        const frame = seal(header, unknownMessage(length), testKeys.linkKey(1), cipher);
        assert.is(codeOf(node.hand(frame)), STATUS.ok, `${image}: ${length} bytes`);
      }
    }
    const node = ready();
    for (let probes = 1; probes <= 4; probes++) {
      node.receive(3, [{ name: 'probe', sequence: probes }]);
      node.nowMs += CYCLE_S * 1000;
      node.tick();
      const { messages } = openedFrame(node.transmit());
      assert.ok(messages.length > 0);
    }
  },
);

const prime = (1n << 130n) - 5n;
const little = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const bytesOf = (value: bigint) => Uint8Array.from({ length: 16 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const modulo = (value: bigint) => ((value % prime) + prime) % prime;

function inverse(value: bigint): bigint {
  let result = 1n;
  for (let [power, base] = [prime - 2n, value]; power > 0n; power >>= 1n, base = modulo(base * base))
    if ((power & 1n) === 1n) result = modulo(result * base);
  return result;
}

/** Seals two blocks chosen so that the sum of Poly1305 (RFC 8439, 2.5) ends as `sum`. */
const summing = (sum: bigint): Cipher => ({
  ...realCipher,
  seal(key, nonce, aad) {
    const stream = createCipheriv('chacha20', key, Buffer.concat([new Uint8Array(4), nonce])).update(
      new Uint8Array(96),
    );
    const r = little(stream.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
    const block = (bytes: Uint8Array) => little(bytes) + (1n << 128n);
    let begun = 0n;
    for (let at = 0; at < aad.length; at += 16)
      begun = modulo(
        (begun + block(Buffer.concat([aad.subarray(at, at + 16), new Uint8Array(16)]).subarray(0, 16))) * r,
      );
    const lengths = BigInt(aad.length) + (32n << 64n) + (1n << 128n);
    for (let first = 1n; ; first++) {
      const before = modulo((begun + first + (1n << 128n)) * r);
      const last = modulo((sum * inverse(r) - lengths) * inverse(r) - before) - (1n << 128n);
      if (last < 0n || last >= 1n << 128n) continue;
      const text = Buffer.concat([bytesOf(first), bytesOf(last)]).map((byte, at) => byte ^ stream[64 + at]);
      return realCipher.seal(key, nonce, aad, text);
    }
  },
});

rules('SEC-1 holds: a frame opens whose sum of Poly1305 exceeds 2^130 − 5', () => {
  for (let sum = 0; sum < 5; sum++) {
    const header = testHeader({ sender: 2, counter: cycleAt(startS, 2) });
    const frame = seal(header, new Uint8Array(32), testKeys.linkKey(1), summing(BigInt(sum)));
    // The text itself is no message: whether the tag is right shows in the status.
    assert.is(codeOf(ready().hand(frame)), STATUS.malformed, `sum ${sum}`);
  }
  const forged = seal(testHeader({ sender: 2, counter: cycleAt(startS, 2) }), new Uint8Array(32), testKeys.linkKey(2));
  assert.is(codeOf(ready().hand(forged)), STATUS.tag, 'a tag that another key made');
});

rules(
  'SEC-4 holds: a frame with another byte in a fixed place of its envelope is malformed, before any key is used',
  () => {
    const good = sealedFrame({ sender: 2, counter: cycleAt(startS, 2) }, Array(8).fill({ name: 'probe', sequence: 1 }));
    const fixed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 18, 19, 24, 25, 26];
    for (const at of fixed)
      for (const bit of [1, 0x80]) {
        const body = good.slice(0, -CRC_BYTES);
        body[at] ^= bit;
        assert.is(codeOf(ready().hand(withCrc(body))), STATUS.malformed, `byte ${at}`);
      }
    assert.is(codeOf(ready().hand(good)), STATUS.ok);
  },
);

function keyEpochOf(keyEpoch: number, beginS: number, excluded: number[] = []): KeyEpochMessages {
  const all = Array.from({ length: members }, (_, member) => member);
  const times = { keyEpoch, startS: beginS, secret: testKeys.secret(keyEpoch) };
  return makeKeyEpoch(testKeys.authority, times, all, new Set(excluded));
}

/** Gives the node a head that its platform finds right, then the parts; the flags of all. */
function learn(node: DirectNode, { head, parts }: KeyEpochMessages): number {
  assert.is(codeOf(node.observe(head)), STATUS.ok);
  assert.is(codeOf(node.observe({ name: 'key-epoch-checked', keyEpoch: head.keyEpoch, ok: 1 })), STATUS.ok);
  const statuses = parts.map((part) => node.observe(part));
  assert.ok(statuses.every((status) => codeOf(status) === STATUS.ok));
  return statuses.reduce((all, status) => all | status, 0);
}

/** Ticks once a cycle until `untilS`; the node's counters stay reserved. */
function runTo(node: DirectNode, untilS: number): void {
  while (node.nowMs < untilS * 1000) {
    node.nowMs = Math.min(untilS * 1000, node.nowMs + CYCLE_S * 1000);
    node.tick();
    reserve(node);
  }
}

const changes = (node: DirectNode) =>
  node
    .events()
    .filter(([type]) => type === TYPE.keyEpochChanged)
    .map((fields) => `${fields[FIELD.keyEpochChanged.keyEpoch]}:${fields[FIELD.keyEpochChanged.step]}`);

rules('SEC-1 holds: a part that opens for the node asks for a tick, which installs the key', () => {
  const node = ready();
  const status = learn(node, keyEpochOf(2, startS + 3000));
  assert.is(status & FLAG.deadline, FLAG.deadline);
  assert.is(node.keys().newestKeyEpoch, 1);
  node.tick();
  assert.is(node.keys().newestKeyEpoch, 2);
});

rules('SEC-1 holds: a head that is known, or older than the newest key, is not checked again', () => {
  const node = ready();
  const checksOf = (keyEpoch: number) => {
    node.commands();
    assert.is(codeOf(node.observe(keyEpochOf(keyEpoch, startS + 3000).head)), STATUS.ok);
    return node.commands().filter(([type]) => type === TYPE.checkKeyEpoch).length;
  };
  assert.is(checksOf(3), 1);
  node.observe({ name: 'key-epoch-checked', keyEpoch: 3, ok: 1 });
  for (const keyEpoch of [1, 2, 3]) assert.is(checksOf(keyEpoch), 0, `key epoch ${keyEpoch}`);
  assert.is(checksOf(4), 1);
});

rules('SEC-1 holds: each step of a key epoch is taken in its time and reported once', () => {
  const node = ready();
  const beginS = startS + 1200;
  runTo(node, startS + 120);
  changes(node);
  learn(node, keyEpochOf(2, beginS));
  runTo(node, beginS - 30);
  assert.is(node.keys().keyEpoch, 1, 'not yet');
  assert.equal(changes(node), ['2:1'], 'known');
  runTo(node, beginS + 75);
  assert.is(node.keys().keyEpoch, 2);
  assert.equal(changes(node), ['2:2'], 'in use');
  const accepts = (keyEpoch: number, sender: number) =>
    codeOf(node.receive(sender, [{ name: 'probe', sequence: 1 }], { keyEpoch }));
  runTo(node, beginS + KEY_EPOCH_GRACE_S - 30);
  assert.is(accepts(1, 3), STATUS.ok, 'the key epoch before is still accepted');
  runTo(node, beginS + KEY_EPOCH_GRACE_S + 75);
  assert.is(accepts(1, 4), STATUS.keyEpoch);
  assert.is(accepts(2, 5), STATUS.ok);
  runTo(node, beginS + KEY_EPOCH_GRACE_S + 3600);
  assert.equal(changes(node), ['1:3'], 'the key epoch before has ended');
});

rules('SEC-1 holds: a node passes on head and parts as the authority made them, all of them', () => {
  for (const excluded of [[], [5], [5, 8], [1, 5, 8]]) {
    const made = keyEpochOf(2, startS + 9000, excluded);
    const node = ready();
    learn(node, made);
    const passedOn = new Set<string>();
    for (let cycle = 0; cycle < 60; cycle++) {
      node.nowMs = (startS + cycle * CYCLE_S) * 1000;
      node.tick();
      reserve(node);
      const frame = node.transmit();
      if (frame.length === 0 || readHeader(frame).keyEpoch !== 0) continue;
      for (const message of openedFrame(frame).messages as Message[])
        passedOn.add(Buffer.from(encodeMessage(message)).toString('hex'));
    }
    const wanted = [made.head, ...made.parts].map((message) =>
      Buffer.from(encodeMessage(message as Message)).toString('hex'),
    );
    assert.equal([...passedOn].sort(), wanted.sort(), `${made.parts.length} parts`);
  }
});

rules('SEC-1 holds: a frame that helped to learn the time is not accepted again', () => {
  const node = new DirectNode({ bootMs: 0, facts: { timeKnown: false, incarnation: 2 } });
  node.tick();
  const frames: Uint8Array[] = [];
  // Samples must agree over a minute; the node had counters reserved before, and waits longer.
  for (let s = 0; s <= 600 && node.node().timeKnown === 0; s += 60) {
    node.nowMs = s * 1000;
    node.tick();
    for (const sender of [1, 2, 3]) {
      const counter = cycleAt(startS + s, sender);
      const frame = sealedFrame({ sender, counter }, [heartbeatAt(startS + s, members)]);
      assert.is(codeOf(node.hand(frame)), STATUS.ok);
      frames.push(frame);
      node.tick();
      if (node.node().timeKnown === 1) break;
    }
  }
  assert.is(node.node().timeKnown, 1, 'the samples agree');
  assert.ok(frames.length >= 4);
  node.observe({ name: 'counters-reserved', cycle: cycleAt(startS, 0) + 100 });
  for (const frame of frames) assert.is(codeOf(node.hand(frame)), STATUS.replay);
});

rules('SEC-1 holds: a key epoch changes though the platform takes no event; lost events are counted', () => {
  const node = ready({ groups: smallWorld });
  const work = { kind: WORK_KIND.mine, durationS: 0, priority: 1, startS: startS + 3600, endS: startS + 40_000 };
  for (let rate = 1; node.lossCount(COUNTER.eventsFull) === 0; rate++) {
    assert.ok(rate < 200, 'each claim makes an event');
    node.observe({ name: 'assign', slot: rate % 4, resource: (1 << 16) | (rate % 4), rate, ...work });
    node.commands();
  }
  const lost = node.lossCount(COUNTER.eventsFull);
  learn(node, keyEpochOf(2, startS + 60));
  runTo(node, startS + 150);
  assert.is(node.keys().keyEpoch, 2);
  assert.ok(node.lossCount(COUNTER.eventsFull) >= lost + 2, 'known and in use');
  assert.equal(changes(node), []);
});

rules.run();

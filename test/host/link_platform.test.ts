// What the platform does for the security of links: reservations, signatures, key epochs' bundles.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { watchUplink } from '../../host/cli/node/uplink.ts';
import type { NodeShim } from '../../host/node/shim.ts';
import { inFolder } from './support.ts';
import { type KeyEpochPart, type Message, TYPE } from '../../host/cbor/generated.ts';
import { LinkPlatform, type NodeLink, uplinkRecords } from '../../host/node/link.ts';
import { Memory } from '../../host/node/memory.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { intentDigest, signStatement } from '../../host/security/statement.ts';
import { testCluster, testKeys } from '../security/sealed.ts';

const self = 2;
const link: NodeLink = {
  ...{ cluster: testCluster, self, keys: testKeys.member(self), seed: testKeys.nodeSeed(self) },
  authorityPublicKey: testKeys.authorityPublicKey,
  publicKeyOf: (member) => (member < 4 ? nodeSignatures.publicKey(testKeys.nodeSeed(member)) : undefined),
};

function platform() {
  const memory = new Memory(null, () => {});
  return { memory, link: new LinkPlatform(link, memory) };
}

/** Words as the image shows them: each byte string little-endian, in words. */
function wordsOf(numbers: number[], ...strings: Uint8Array[]): Uint32Array {
  return Uint32Array.from([...numbers, ...strings.flatMap((bytes) => [...new Uint32Array(bytes.slice().buffer)])]);
}
const nothing = () => new Uint32Array(0);
const obeyed = (words: Uint32Array, ...command: number[]) =>
  platform().link.obey(Uint32Array.from(command), () => words);

test('a reservation is in memory before it is answered, and what was reserved is never less', () => {
  const { memory, link: given } = platform();
  const reserve = (cycle: number) => given.obey(Uint32Array.of(TYPE.reserveCounters, cycle), nothing);
  assert.equal(reserve(700), { name: 'counters-reserved', cycle: 700 });
  assert.is(memory.reserved, 700);
  assert.equal(reserve(500), { name: 'counters-reserved', cycle: 700 });
});

test('a command that is not the link’s needs no answer', () => {
  assert.is(obeyed(nothing(), TYPE.feedWatchdog, 1), null);
});

const { head, parts } = makeKeyEpoch(
  testKeys.authority,
  { keyEpoch: 2, startS: 60, secret: testKeys.secret(2) },
  [0, 1, 2, 3],
  new Set([3]),
);
const headWords = (changes: Partial<typeof head> = {}) => {
  const { keyEpoch, startS, parts: count, commitment, signature } = { ...head, ...changes };
  return wordsOf([keyEpoch, startS, count], commitment, signature);
};

test('a key epoch is right when the authority signed its head as it stands, and it is the one asked about', () => {
  const checked = (words: Uint32Array, keyEpoch = 2) => obeyed(words, TYPE.checkKeyEpoch, keyEpoch);
  assert.equal(checked(headWords()), { name: 'key-epoch-checked', keyEpoch: 2, ok: 1 });
  for (const words of [
    headWords({ startS: 61 }),
    headWords({ parts: head.parts + 1 }),
    headWords({ commitment: head.commitment.map((byte) => byte ^ 1) }),
    headWords({ signature: head.signature.map((byte) => byte ^ 1) }),
    headWords().slice(1),
    nothing(),
  ])
    assert.equal(checked(words), { name: 'key-epoch-checked', keyEpoch: 2, ok: 0 });
  assert.equal(checked(headWords(), 3), { name: 'key-epoch-checked', keyEpoch: 3, ok: 0 });
});

const digest = intentDigest({
  ...{ name: 'intent', owner: self, slot: 1, version: 4, kind: 1, resource: 65_537, startS: 0, endS: 900, rate: 5 },
  ...{ priority: 1, state: 2, generation: 1, claimS: 60, publishedS: 60, nonce: 9, read: 0, leaseS: 0 },
});

/** A statement of a member on version 4 of its intent slot 1, as the image shows it. */
function statementWords(owner: number, signer = owner, changes: { slot?: number; atS?: number } = {}): Uint32Array {
  const text = { owner, slot: 1, version: 4, atS: 60, digest };
  const signature = signStatement(testKeys.nodeSeed(signer), testCluster, text);
  const { slot, atS } = { ...text, ...changes };
  return wordsOf([owner, slot, 4, atS], digest, signature);
}

test('a node signs its own statements, and no other’s', () => {
  const signed = obeyed(statementWords(self), TYPE.sign, 5) as Extract<Message, { name: 'signed' }>;
  assert.equal([signed.name, signed.ticket], ['signed', 5]);
  const text = { owner: self, slot: 1, version: 4, atS: 60, digest };
  assert.equal(Uint8Array.from(signed.signature), Uint8Array.from(signStatement(link.seed, testCluster, text)));
  assert.is(obeyed(statementWords(1), TYPE.sign, 5), null);
  assert.is(obeyed(nothing(), TYPE.sign, 5), null);
});

test('a statement is verified with the key of the owner that it names', () => {
  const verified = (words: Uint32Array) => obeyed(words, TYPE.verify, 6);
  assert.equal(verified(statementWords(1)), { name: 'verified', ticket: 6, ok: 1 });
  for (const words of [
    statementWords(1, 0),
    statementWords(1, 1, { slot: 2 }),
    statementWords(1, 1, { atS: 61 }),
    statementWords(4),
  ])
    assert.equal(verified(words), { name: 'verified', ticket: 6, ok: 0 });
});

test('words that are no statement are not answered', () => {
  assert.is(obeyed(nothing(), TYPE.verify, 6), null);
  for (const [at, value] of [
    [0, 0x1_0000],
    [1, 8],
  ]) {
    const words = statementWords(1);
    words[at] = value;
    assert.is(obeyed(words, TYPE.verify, 6), null);
  }
  assert.is((obeyed(statementWords(1, 1, { slot: 7 }), TYPE.verify, 6) as { name: string }).name, 'verified');
});

const refusedBundle = (messages: readonly (Message | { name: 'unknown' })[], why: RegExp) =>
  assert.throws(() => uplinkRecords(messages), why);

test('a bundle of key epochs is sent whole: each head with all of its parts behind it', () => {
  assert.is(uplinkRecords([head, ...parts]).length, 1 + parts.length);
  assert.is(uplinkRecords([head, ...parts, head, ...parts]).length, 2 * (1 + parts.length));
  assert.is(uplinkRecords([]).length, 0);
  assert.ok(parts.length > 1);
});

test('half a bundle is refused: some members would learn the key epoch, and others not', () => {
  const counts = new RegExp(`head of key epoch 2 counts ${parts.length} parts, and ${parts.length - 1} are here`);
  refusedBundle([head, ...parts.slice(1)], counts);
  refusedBundle([head, ...parts.slice(1), head, ...parts], counts);
  refusedBundle([head, ...parts, parts[0]], /key epoch 2 has two parts for node/);
  const before = /a part of key epoch \d does not stand behind the head of that key epoch/;
  refusedBundle([...parts, head], before);
  const other: KeyEpochPart = { ...parts[0], keyEpoch: 3 };
  refusedBundle([head, other, ...parts.slice(1)], before);
});

test('a bundle with any other message is refused', () => {
  for (const message of [{ name: 'unknown' } as const, { name: 'probe', sequence: 1 } as const])
    refusedBundle(
      [head, ...parts, message],
      new RegExp(`a message '${message.name}' is none that a ground link gives`),
    );
});

test('a file of the ground link that is missing or empty is named, and nothing is given to the node', () =>
  inFolder((folder) => {
    const given: unknown[] = [];
    const shim = { uplink: (records: unknown) => given.push(records) } as unknown as NodeShim;
    const said: string[] = [];
    const path = join(folder, 'up.cbor');
    const look = () => watchUplink(path, shim, (event, _, words) => said.push(`${event} ${words}`))();
    look();
    writeFileSync(path, '');
    look();
    assert.match(said[0], /^uplink-waits .*up\.cbor: no such file yet/);
    assert.match(said[1], /^uplink-refused .*up\.cbor: holds no key epoch$/);
    assert.equal([said.length, given.length], [2, 0]);
  }));

test.run();

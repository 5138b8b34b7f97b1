// needs: tshark
// Bytes of ours in a COSE library and in Wireshark's dissectors, and the library's in ours.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Encrypt0Message as Encrypt0 } from '@ldclabs/cose-ts/encrypt0';
import { CRC_BYTES, type Message, STATUS } from '../../host/cbor/generated.ts';
import { decodeSequence, encodeSequence } from '../../host/cbor/message.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { type Header as FrameHeader, readEnvelope, withCrc } from '../../host/security/envelope.ts';
import { headPayload, headProtected, makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { makeSign1, readSign1, verifySign1 } from '../../host/security/sign1.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { SingleNode } from '../firmware/single.ts';
import { inFolder } from '../host/support.ts';
import { loadCoseLibrary } from './cose_library.ts';
import { openedFrame, sealedFrame, testHeader, testKeys } from './sealed.ts';

const test = suite('security: interoperability');
const { ChaCha20Poly1305Key, Ed25519Key, Encrypt0Message, Header, Sign1Message } = await loadCoseLibrary();
const key = ChaCha20Poly1305Key.fromSecret(testKeys.linkKey(1));
const probe: Message = { name: 'probe', sequence: 17 };
const label = { algorithm: 1, kid: 4, iv: 5, partialIv: 6 } as const;

function kidOf({ cluster, keyEpoch: epoch, sender, addressee }: FrameHeader): Uint8Array {
  return Uint8Array.from([1, ...[cluster, epoch, sender, addressee].flatMap((value) => [value >> 8, value & 0xff])]);
}

function partialIvOf({ counter }: FrameHeader): Uint8Array {
  return Uint8Array.of(counter >>> 24, (counter >>> 16) & 0xff, (counter >>> 8) & 0xff, counter & 0xff);
}

/** RFC 9052 §3.1: the Partial IV, padded to the left with zeros, XOR the Base IV of the sender. */
function ivOf(header: FrameHeader): Uint8Array {
  const base = Uint8Array.of(header.sender >> 8, header.sender & 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const padded = new Uint8Array(12);
  padded.set(partialIvOf(header), 8);
  return base.map((byte, at) => byte ^ padded[at]);
}

/**
 * Unprotected header {5: IV}: the library knows no Partial IV and wants to find the whole one
 * there. It is not authenticated, so the tag stays right.
 */
const ivHeader = (iv: Uint8Array): Uint8Array => Uint8Array.of(0xa1, label.iv, 0x4c, ...iv);
const unprotectedAt = 24;

/** Our frame without CRC-32C, with the IV put in for the library. */
function forLibrary(frame: Uint8Array): Uint8Array {
  const body = frame.subarray(0, -CRC_BYTES);
  const { header } = readEnvelope(frame);
  assert.is(body[unprotectedAt], 0xa0);
  return Buffer.concat([body.subarray(0, unprotectedAt), ivHeader(ivOf(header)), body.subarray(unprotectedAt + 1)]);
}

async function openedByLibrary(frame: Uint8Array): Promise<Encrypt0> {
  return Encrypt0Message.fromBytes(key, Uint8Array.from(forLibrary(frame)));
}

/** The library's message as a frame of ours: tag before, the IV taken out again, CRC-32C behind. */
async function sealedByLibrary(header: FrameHeader, plaintext: Uint8Array): Promise<Uint8Array> {
  const said = new Header(
    new Map<number, number | Uint8Array>([
      [label.algorithm, 24],
      [label.kid, kidOf(header)],
      [label.partialIv, partialIvOf(header)],
    ]),
  );
  const iv = ivOf(header);
  const message = new Encrypt0Message(plaintext, said, new Header(new Map([[label.iv, iv]])));
  const bytes = Buffer.from(Encrypt0Message.withTag(await message.toBytes(key)));
  const at = bytes.indexOf(ivHeader(iv));
  assert.is(at, unprotectedAt);
  return withCrc(Buffer.concat([bytes.subarray(0, at), Uint8Array.of(0xa0), bytes.subarray(at + ivHeader(iv).length)]));
}

test('our frames open in the library, which reads algorithm, key id and Partial IV', async () => {
  for (const length of [1, 2, 3, 20]) {
    const messages = Array.from({ length }, (): Message => probe);
    const header = testHeader({ sender: 299, addressee: 4, counter: 0x01020304 });
    const opened = await openedByLibrary(sealedFrame(header, messages));
    assert.equal(decodeSequence(opened.payload), messages);
    assert.is(opened.protected?.getInt(label.algorithm), 24);
    assert.equal(opened.protected?.getBytes(label.kid), kidOf(header));
    assert.equal(opened.protected?.getBytes(label.partialIv), partialIvOf(header));
  }
});

test('a frame of ours with any byte altered does not open in the library', async () => {
  const frame = sealedFrame({ counter: 5 }, [probe]);
  for (let at = 0; at < frame.length - CRC_BYTES; at += 1) {
    const altered = Buffer.from(forLibrary(frame));
    altered[at] ^= 1;
    let opened = false;
    try {
      await Encrypt0Message.fromBytes(key, Uint8Array.from(altered));
      opened = true;
    } catch {
      // As it should be.
    }
    assert.not.ok(opened, `byte ${at}`);
  }
});

test("the library's messages are, byte for byte, frames of ours", async () => {
  const header = testHeader({ sender: 3, counter: 77 });
  for (const messages of [[probe], [probe, probe, probe]]) {
    const frame = await sealedByLibrary(header, encodeSequence(messages));
    assert.equal(Buffer.from(frame), Buffer.from(sealedFrame(header, messages)));
    assert.equal(openedFrame(frame), { header, messages });
    const altered = Buffer.from(frame.subarray(0, -CRC_BYTES));
    altered[altered.length - 1] ^= 1;
    assert.throws(() => openedFrame(withCrc(altered)), /the tag is wrong/);
  }
});

test("the firmware takes the library's frames, and the library opens the firmware's", async () => {
  const node = new SingleNode(12, []);
  const nowS = 5000;
  const header = testHeader({ sender: 2, counter: cycleAt(nowS, 2) });
  const frame = await sealedByLibrary(header, encodeSequence([{ name: 'probe', sequence: 4 }]));
  const altered = Buffer.from(frame.subarray(0, -CRC_BYTES));
  altered[40] ^= 1;
  assert.is(node.receive(withCrc(altered), nowS), STATUS.tag);
  assert.is(node.receive(frame, nowS), STATUS.ok);
  assert.is(node.receive(frame, nowS), STATUS.replay);
  const cluster = new TestCluster({ nodes: 5 });
  let heard = 0;
  for (let atS = 60; atS <= 900; atS += 60) {
    cluster.runTo(atS);
    if (cluster.onAir().length === 0) continue;
    const opened = await openedByLibrary(cluster.onAir());
    assert.equal(decodeSequence(opened.payload), openedFrame(cluster.onAir()).messages);
    heard += 1;
  }
  assert.ok(heard > 5);
});

test("the library reads our COSE_Sign1, and we read the library's", () => {
  const all = Array.from({ length: 200 }, (_, member) => member);
  const { head } = makeKeyEpoch(
    testKeys.authority,
    { keyEpoch: 2, startS: 100, secret: testKeys.secret(2) },
    all,
    new Set([3]),
  );
  const payload = headPayload(7, head);
  const theirs = Ed25519Key.fromPublic(testKeys.authorityPublicKey);
  // The head as a whole message: on the air its payload is left out, for the head says all of it.
  const message = Buffer.concat([
    Uint8Array.of(0xd2, 0x84, 0x40 + headProtected(7).length),
    headProtected(7),
    Uint8Array.of(0xa0, 0x58, payload.length),
    payload,
    Uint8Array.of(0x58, 64),
    head.signature,
  ]);
  assert.equal(Sign1Message.fromBytes(theirs, Uint8Array.from(message)).payload, Uint8Array.from(payload));
  for (let at = 0; at < message.length; at += 1) {
    const altered = Uint8Array.from(message);
    altered[at] ^= 1;
    assert.throws(() => Sign1Message.fromBytes(theirs, altered), undefined, `byte ${at}`);
  }
  const ours = makeSign1(nodeSignatures, testKeys.authority.seed, Uint8Array.of(0, 7), payload);
  assert.equal(Sign1Message.fromBytes(theirs, ours).payload, Uint8Array.from(payload));
  const said = new Header(
    new Map<number, number | Uint8Array>([
      [label.algorithm, -8],
      [label.kid, Uint8Array.of(0, 7)],
    ]),
  );
  const made = new Sign1Message(Uint8Array.from(payload), said, new Header(new Map()));
  const tagged = Sign1Message.withTag(made.toBytes(Ed25519Key.fromSecret(testKeys.authority.seed)));
  assert.equal(Buffer.from(tagged), Buffer.from(ours));
  assert.equal(verifySign1(nodeSignatures, tagged, () => testKeys.authorityPublicKey).payload, readSign1(ours).payload);
});

/**
 * What Wireshark's COSE dissector makes of bytes on a user's link type; `trailer` bytes behind them
 * are not COSE.
 */
async function dissected(bytes: Uint8Array, trailer: number): Promise<Record<string, string[]>> {
  let fields: Record<string, string[]> = {};
  await inFolder((folder) => {
    const dump = join(folder, 'frame.txt');
    const capture = join(folder, 'frame.pcap');
    writeFileSync(dump, `0000 ${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}\n`);
    const linkType = `uat:user_dlts:"User 0 (DLT=147)","cose","0","","${trailer}",""`;
    const wrapped = spawnSync('text2pcap', ['-q', '-l', '147', dump, capture], { encoding: 'utf8' });
    assert.is(wrapped.status, 0, wrapped.stderr);
    const options = ['-r', capture, '-o', linkType, '-T', 'json', '--no-duplicate-keys'];
    const run = spawnSync('tshark', options, { encoding: 'utf8' });
    assert.is(run.status, 0, run.stderr);
    const [{ _source: source }] = JSON.parse(run.stdout);
    fields = flattened(source.layers);
  });
  return fields;
}

/** Values of each field, wherever it stands in the tree. */
function flattened(tree: unknown, into: Record<string, string[]> = {}): Record<string, string[]> {
  if (typeof tree !== 'object' || tree === null) return into;
  if (Array.isArray(tree)) {
    for (const item of tree) flattened(item, into);
    return into;
  }
  for (const [name, value] of Object.entries(tree)) {
    const texts = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
    if (texts.length > 0) into[name] = [...(into[name] ?? []), ...texts];
    flattened(value, into);
  }
  return into;
}

const colons = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').replace(/..\B/g, '$&:');

test('tshark dissects a frame: COSE_Encrypt0, its algorithm, key id, Partial IV and ciphertext', async () => {
  const header = testHeader({ sender: 299, counter: 0x01020304 });
  const frame = sealedFrame(header, [probe]);
  const fields = await dissected(frame, CRC_BYTES);
  assert.equal(fields['cose.msgtag'], ['16']);
  assert.equal(fields['cose.alg.int'], ['24']);
  assert.equal(fields['cose.kid'], [colons(kidOf(header))]);
  assert.equal(fields['cose.piv'], [colons(partialIvOf(header))]);
  const { sealedAt, sealedEnd } = readEnvelope(frame);
  assert.equal(fields['cose.msg.ciphertext'], [colons(frame.subarray(sealedAt, sealedEnd))]);
  assert.equal(fields['data.data'], [colons(frame.subarray(sealedEnd))]);
  assert.is(fields['cose.invalid_tag'], undefined);
});

test('tshark reports another tag, another algorithm and a length beyond the frame', async () => {
  const altered = async (at: number, byte: number) => {
    const frame = sealedFrame({}, [probe, probe, probe]);
    frame[at] = byte;
    return dissected(frame, CRC_BYTES);
  };
  assert.is((await altered(0, 0xcf))['cose.msg.ciphertext'], undefined);
  assert.equal((await altered(6, 0x19))['cose.alg.int'], ['25']);
  assert.is((await altered(26, 0xff))['cose.msg.ciphertext'], undefined);
});

test("tshark dissects an authority's statement as COSE_Sign1", async () => {
  const bytes = makeSign1(nodeSignatures, testKeys.authority.seed, Uint8Array.of(0, 7), Uint8Array.of(0x81, 5));
  const fields = await dissected(bytes, 0);
  assert.equal(fields['cose.msgtag'], ['18']);
  assert.equal(fields['cose.alg.int'], ['-8']);
  assert.equal(fields['cose.kid'], ['00:07']);
  assert.equal(fields['cose.msg.signature'], [colons(readSign1(bytes).signature)]);
});

test.run();

// The firmware on proto/vectors/frames.json: frames sealed by node:crypto alone, item by item as
// the RFC says, by neither codec.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { statusName } from '../../host/engine/status.ts';
import { STATUS } from '../../host/cbor/generated.ts';
import { type Header, readHeader } from '../../host/security/envelope.ts';
import { bytesOf } from '../../proto/gen/encoding.ts';
import { SingleNode } from '../firmware/single.ts';

interface Table {
  epoch: number;
  secret: string;
  good: { name: string; header: Header; hex: string }[];
  bad: { why: string; hex: string }[];
}
const { epoch, secret, good, bad } = JSON.parse(
  readFileSync(join(rootFolder, 'proto/vectors/frames.json'), 'utf8'),
) as Table;
const test = suite('security: vectors in the firmware');

/** A member of the vectors' cluster at the time of counter 500, before any frame. */
function node(): SingleNode {
  const keys = { secrets: [{ keyEpoch: epoch, startS: 0, secret: bytesOf(secret) }], path: [] };
  const made = new SingleNode(12, [], 'flight', keys);
  made.tick(nowS);
  return made;
}
const nowS = 7500;

/** Refused before or by the cipher. */
const unopened: number[] = [
  STATUS.length,
  STATUS.crc,
  STATUS.malformed,
  STATUS.version,
  STATUS.notForUs,
  STATUS.keyEpoch,
  STATUS.tag,
];

test('good frames of a member open, so that a refusal concerns their messages', () => {
  const one = node();
  const state = one.snapshot();
  let opened = 0;
  for (const { name, header, hex } of good) {
    one.restore(state);
    const status = one.receive(bytesOf(hex), nowS);
    if (![0, 65535].includes(header.addressee)) assert.is(status, STATUS.notForUs, name);
    else if (header.sender >= 12) assert.is(status, STATUS.implausible, name);
    else if (header.counter === 0) assert.is(status, STATUS.stale, name);
    else {
      assert.not.ok(
        [...unopened, STATUS.replay, STATUS.stale, STATUS.ahead].includes(status),
        `${name}: ${statusName(status)}`,
      );
      opened += 1;
    }
  }
  assert.ok(opened >= 6);
});

test('bad frames are refused and change only a counter', () => {
  const one = node();
  const state = one.snapshot();
  const hash = one.hash();
  for (const { why, hex } of bad) {
    const status = one.receive(bytesOf(hex), nowS);
    assert.ok(status !== STATUS.ok, `the firmware takes: ${why}`);
    assert.is(one.hash(), hash, why);
    one.restore(state);
  }
});

test('an altered header is rejected by the tag, whatever it contains', () => {
  const one = node();
  for (const what of [
    'sender altered',
    'counter altered',
    'ciphertext altered',
    'tag altered',
    'nonce of another sender',
    "another's secret",
  ]) {
    const { hex } = bad.find(({ why }) => why === what)!;
    const frame = bytesOf(hex);
    const { sender, counter } = readHeader(frame);
    const status = one.receive(frame, nowS);
    // A sender that is none, or a counter of another time, ends before the cipher.
    if (sender >= 12) assert.is(status, STATUS.implausible, what);
    else if (counter > 500 || counter < 437)
      assert.ok([STATUS.stale, STATUS.ahead, STATUS.tag].includes(status as 14), what);
    else assert.is(status, STATUS.tag, `${what}: ${statusName(status)}`);
  }
});

test.run();

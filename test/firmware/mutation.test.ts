// long: HELIOGRAPH_MUTATIONS=3000000

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group, Message } from '../../host/cbor/generated.ts';
import { encodeMessage, joinBytes } from '../../host/cbor/message.ts';
import { STATUS } from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { sealBytes } from '../../host/security/frame.ts';
import { sealedFrame, testHeader, testKeys } from '../security/sealed.ts';
import { SingleNode } from './single.ts';

const frames = Number(process.env.HELIOGRAPH_MUTATIONS ?? 300_000);
const nowS = 5000;

const heartbeat: Message = {
  name: 'heartbeat',
  timeS: nowS,
  timeMs: 0,
  errorMs: 200,
  ages: new Uint8Array(6).fill(255),
  digestHigh: 1,
  digestLow: 2,
  recent: 3,
  agree: new Uint8Array(2),
};
const intent: Message = {
  name: 'intent',
  owner: 3,
  slot: 1,
  version: 7,
  kind: 1,
  resource: (1 << 16) | 2,
  startS: nowS,
  endS: nowS + 5000,
  rate: 50,
  priority: 1,
  state: 2,
  generation: 1,
  claimS: nowS - 10,
  publishedS: nowS - 10,
  nonce: 5,
  read: 0,
  leaseS: 0,
};
const bodies: Message[][] = [
  [heartbeat, { name: 'probe', sequence: 4 }],
  [heartbeat, { name: 'ack', sequence: 4 }, intent],
  [
    { name: 'probe-request', sequence: 4, target: 5 },
    { name: 'suspicion', member: 0, incarnation: 40 },
  ],
  [
    { name: 'sync-digest', salt: 1, parts: new Uint8Array(6) },
    { name: 'notice-summary', answer: 1, entries: [{ group: 1, unit: 0, observedS: 100 }] },
  ],
  [{ name: 'owner-summary', owner: 3, answer: 1, entries: [{ slot: 1, version: 3 }] }],
  [
    { name: 'silent-list', entries: [{ member: 4, lastLivenessTick: 9, revocations: 2 }] },
    { name: 'isolation', fromS: 6000, untilS: 9000 },
  ],
  [
    { name: 'notice', group: 1, unit: 0, capacity: 500, observedS: nowS, observer: 3 },
    { name: 'join', incarnation: 64, generation: 1, cause: 1, upS: 0 },
  ],
];

const mutation = suite('mutated frames');

mutation(`no mutated frame traps, and a rejected one leaves the state unchanged (${frames} frames)`, () => {
  const random = new RandomStream(3, 'mutation');
  // Acts as a member with the keys: the envelope is right, the body is not. Each frame meets the
  // same state, so that all may have one counter. The cipher makes no difference to a body, and the
  // fleet image takes a fraction of the time.
  const groups: Group[] = [{ name: 'group', group: 1, kind: 1, units: 3, capacity: 100, stockKg: 0, loadKg: 0 }];
  const node = new SingleNode(12, groups, 'fleet');
  const link = testKeys.link('null');
  node.tick(nowS);
  const originals = bodies.map((body) => joinBytes(body.map(encodeMessage)));
  const header = testHeader({ sender: 2, counter: cycleAt(nowS, 2) });
  const state = node.snapshot();
  let accepted = 0;
  const before = node.hash();
  for (let i = 0; i < frames; i++) {
    const body = Buffer.from(originals[i % originals.length]);
    const changes = 1 + random.below(3);
    for (let change = 0; change < changes; change++) body[random.below(body.length)] = random.below(256);
    const cut = random.below(8) === 0 ? random.below(body.length) : body.length;
    const status = node.receive(sealBytes(header, body.subarray(0, cut), link), nowS);
    if (status === 0) {
      accepted++;
      node.restore(state);
    } else if ((i & 15) === 0)
      assert.is(node.hash(), before, `frame ${i} was rejected with ${status} and changed the state`);
  }
  assert.ok(accepted > 0 && accepted < frames, `${accepted} accepted`);
});

mutation('a frame with a wrong CRC is rejected, whatever its body', () => {
  const node = new SingleNode(12, []);
  const frame = sealedFrame({ sender: 2, counter: cycleAt(nowS, 2) }, [heartbeat]);
  const before = node.hash();
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const broken = Buffer.from(frame);
    broken[bit >> 3] ^= 1 << (bit & 7);
    assert.is(node.receive(broken, nowS), STATUS.crc);
  }
  assert.is(node.hash(), before);
});

mutation.run();

// SEC-1: changes key epochs; every member that may still send changes with them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  type KeyEpochHead,
  type KeyEpochPart,
  LIVENESS,
  type Message,
  STATUS,
} from '../../host/cbor/generated.ts';
import { type KeyEpochMessages, makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { wrap } from '../../host/security/tree.ts';
import { type ClusterOptions, TestCluster } from '../firmware/cluster.ts';
import { sealedFrame, testKeys } from './sealed.ts';

const test = suite('key epochs');

const silentStates: readonly number[] = [LIVENESS.unreachable, LIVENESS.dead];
const allMembers = (nodes: number) => Array.from({ length: nodes }, (_, node) => node);

function keyEpochOf(nodes: number, epoch: number, startS: number, excluded: number[] = []): KeyEpochMessages {
  const secret = testKeys.secret(epoch);
  return makeKeyEpoch(testKeys.authority, { keyEpoch: epoch, startS, secret }, allMembers(nodes), new Set(excluded));
}

function uplink(cluster: TestCluster, node: number, { head, parts }: KeyEpochMessages): void {
  for (const message of [head, ...parts]) assert.is(cluster.observe(node, message as Message), STATUS.ok);
}

function flown(options: ClusterOptions, untilS = 1200): TestCluster {
  const cluster = new TestCluster({ features: 0, preset: 'tiny', ...options });
  cluster.onRecord = () => {};
  cluster.runTo(untilS);
  return cluster;
}

const keyEpochsInUse = (cluster: TestCluster) => cluster.contexts.map((_, node) => cluster.nodes[node].keys().keyEpoch);

test('a new key epoch sent to one member reaches all, begins on time, and costs no frame', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 2, keyEpochOf(8, 2, 3000));
  cluster.runTo(2990);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(1));
  assert.equal(
    cluster.contexts.map((_, node) => cluster.nodes[node].keys().newestKeyEpoch),
    Array(8).fill(2),
  );
  cluster.runTo(3100);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(2));
  // Each member had the signature verified once.
  assert.is(cluster.checks, 8);
});

test('members accept the previous key epoch for ten minutes', () => {
  const cluster = flown({ nodes: 4 });
  uplink(cluster, 0, keyEpochOf(4, 2, 1800));
  cluster.runTo(1900);
  // The test sends frames in its name, under counters that it has not used.
  cluster.kill(3);
  cluster.runTo(2300);
  const counterAt = (s: number) => Math.floor((s + 15) / 15);
  const frame = (epoch: number, s: number) =>
    sealedFrame({ keyEpoch: epoch, sender: 3, counter: counterAt(s) - 20 }, [{ name: 'probe', sequence: 1 }]);
  assert.is(cluster.hand(0, frame(1, 2300)), STATUS.ok);
  cluster.runTo(2520);
  assert.is(cluster.hand(0, frame(1, 2520)), STATUS.keyEpoch);
  assert.is(cluster.hand(0, frame(2, 2520)), STATUS.ok);
});

test('an excluded member neither receives nor is received, and the others go on', () => {
  const cluster = flown({ nodes: 8 });
  const out = 5;
  uplink(cluster, 0, keyEpochOf(8, 2, 3000, [out]));
  let refused = 0;
  cluster.mayRefuse = (sender, node, status) => {
    if (status !== STATUS.keyEpoch || (sender !== out && node !== out)) return false;
    refused += 1;
    return true;
  };
  cluster.runTo(3000 + 660);
  refused = 0;
  cluster.runTo(3000 + 3600);
  assert.ok(refused > 0);
  assert.equal(
    keyEpochsInUse(cluster),
    allMembers(8).map((node) => (node === out ? 1 : 2)),
  );
  for (const node of allMembers(8)) {
    if (node === out) continue;
    const { state } = cluster.nodes[node].member(out);
    assert.ok(
      state === LIVENESS.unreachable || state === LIVENESS.dead,
      `node ${node} has the excluded in state ${state}`,
    );
    for (const other of allMembers(8))
      if (other !== out && other !== node) assert.is(cluster.nodes[node].member(other).state, LIVENESS.alive);
  }
});

test('an exclusion does not wait for a planned key epoch, and the plan does not readmit the excluded member', () => {
  const cluster = flown({ nodes: 8 });
  const out = 5;
  uplink(cluster, 0, keyEpochOf(8, 2, 9000));
  cluster.runTo(2400);
  assert.equal(
    cluster.contexts.map((_, node) => cluster.nodes[node].keys().newestKeyEpoch),
    Array(8).fill(2),
  );
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  uplink(cluster, 3, keyEpochOf(8, 3, 0, [out]));
  const without = (others: number, excluded: number) => allMembers(8).map((node) => (node === out ? excluded : others));
  cluster.runTo(2400 + 600);
  assert.equal(keyEpochsInUse(cluster), without(3, 1));
  cluster.runTo(9000 + 660);
  assert.equal(keyEpochsInUse(cluster), without(3, 2));
  // All reject its frames under the planned key.
  for (const node of [0, 7]) {
    const frame = sealedFrame({ keyEpoch: 2, sender: out, counter: Math.floor(9660 / 15) - 20 }, [
      { name: 'probe', sequence: 1 },
    ]);
    assert.is(cluster.hand(node, frame), STATUS.keyEpoch);
    assert.ok(silentStates.includes(cluster.nodes[node].member(out).state));
  }
});

test('an exclusion may begin between now and a planned key epoch', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 0, keyEpochOf(8, 2, 9000));
  cluster.runTo(2400);
  uplink(cluster, 3, keyEpochOf(8, 3, 6000, [5]));
  cluster.runTo(5990);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(1));
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  cluster.runTo(6000 + 120);
  assert.equal(
    keyEpochsInUse(cluster),
    allMembers(8).map((node) => (node === 5 ? 1 : 3)),
  );
});

test('an excluded member cannot return with frames that it hears under its old key', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 0, keyEpochOf(8, 2, 1500, [5]));
  cluster.mayRefuse = () => true;
  cluster.runTo(6000);
  // It received as much of the cover as its table stores, and can open none of the parts.
  assert.is(cluster.nodes[5].keys().newestKeyEpoch, 1);
  assert.is(cluster.nodes[5].keys().coverKeyEpoch, 2);
});

test('lost messages delay a key epoch only for the members that lost them', () => {
  const cluster = flown({ nodes: 8, loss: 0.5, seed: 3 });
  // It begins at once: members still accept the previous key epoch for ten minutes.
  uplink(cluster, 1, keyEpochOf(8, 2, 1200, [7]));
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  cluster.runTo(1200 + 1800);
  assert.equal(keyEpochsInUse(cluster).slice(0, 7), Array(7).fill(2));
});

test('a member that was alone for 30 days and three key epochs catches up by listening', () => {
  const cluster = flown({ nodes: 4 });
  const away = 3;
  cluster.part[away] = 1;
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  for (let epoch = 2; epoch <= 4; epoch += 1) {
    uplink(cluster, epoch % 3, keyEpochOf(4, epoch, epoch * 86_400));
    cluster.runTo((epoch + 1) * 86_400);
  }
  cluster.runTo(30 * 86_400);
  assert.is(cluster.nodes[away].keys().newestKeyEpoch, 1);
  assert.is(cluster.nodes[0].keys().keyEpoch, 4);
  cluster.part[away] = 0;
  cluster.runTo(30 * 86_400 + 1200);
  assert.is(cluster.nodes[away].keys().keyEpoch, 4);
  cluster.runTo(30 * 86_400 + 3600);
  assert.is(cluster.nodes[0].member(away).state, LIVENESS.alive);
});

test('a member that boots from its old bundle, without a checkpoint or the time, catches up by listening', () => {
  const cluster = flown({ nodes: 4 });
  uplink(cluster, 0, keyEpochOf(4, 2, 1500));
  cluster.runTo(4000);
  cluster.mayRefuse = (_sender, node, status) => node === 2 && status === STATUS.keyEpoch;
  cluster.boot(2, 2, false);
  assert.is(cluster.nodes[2].keys().newestKeyEpoch, 1);
  cluster.runTo(4000 + 1200);
  assert.is(cluster.nodes[2].keys().keyEpoch, 2);
  assert.is(cluster.nodes[2].node().timeKnown, 1, 'knows the time');
});

test('a checkpoint of before a key epoch restores older keys, and the node learns the key epoch again', () => {
  const cluster = flown({ nodes: 4 });
  const old = cluster.checkpoint(1);
  uplink(cluster, 0, keyEpochOf(4, 2, 1500));
  cluster.runTo(4000);
  const young = cluster.checkpoint(1);
  cluster.mayRefuse = (sender, node, status) => (sender === 1 || node === 1) && status === STATUS.keyEpoch;
  cluster.restore(1, 2, old);
  assert.is(cluster.nodes[1].keys().newestKeyEpoch, 1);
  cluster.runTo(5200);
  assert.is(cluster.nodes[1].keys().keyEpoch, 2);
  cluster.restore(1, 3, young);
  assert.is(cluster.nodes[1].keys().keyEpoch, 2);
});

const forged = (head: KeyEpochHead, change: Partial<KeyEpochHead>): KeyEpochHead => ({ ...head, ...change });

test('members reject a head that the authority did not sign, whichever field is altered', () => {
  const cluster = flown({ nodes: 2 });
  const { head } = keyEpochOf(2, 2, 3000);
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  const alterations: Partial<KeyEpochHead>[] = [
    { keyEpoch: 3 },
    { startS: 1 },
    { parts: 2 },
    { commitment: flip(head.commitment) },
    { signature: flip(head.signature) },
  ];
  alterations.forEach((change, index) => {
    // A node verifies at most four signatures in a period.
    if (index % 4 === 0) cluster.runTo(cluster.nowMs / 1000 + 120);
    cluster.observe(0, forged(head, change));
  });
  assert.is(cluster.nodes[0].lossCount(COUNTER.keyEpochForged), alterations.length);
  assert.is(cluster.nodes[0].keys().newestKeyEpoch, 1);
});

test('a node verifies at most four heads in a period', () => {
  const cluster = flown({ nodes: 2 });
  const { head } = keyEpochOf(2, 2, 3000);
  const heard = (keyEpoch: number) =>
    sealedFrame({ keyEpoch: 0, sender: 1, counter: 80 }, [forged(head, { keyEpoch })]);
  for (let i = 0; i < 40; i += 1) assert.is(cluster.hand(0, heard(100 + i)), STATUS.ok);
  assert.is(cluster.checks, 4);
  assert.is(cluster.nodes[0].lossCount(COUNTER.keyEpochChecks), 36);
  // A head from the ground is verified at once.
  uplink(cluster, 0, keyEpochOf(2, 2, 3000));
  cluster.runTo(1300);
  assert.is(cluster.nodes[0].keys().newestKeyEpoch, 2);
});

test('a part that a member forges with its own keys does not match the authority’s commitment', () => {
  const cluster = flown({ nodes: 4 });
  const real = keyEpochOf(4, 2, 3000, [3]);
  const part = (node: number): KeyEpochPart => {
    const wrapped = wrap(
      testKeys.authority.pathKey(node),
      { cluster: testKeys.cluster, node, keyEpoch: 2 },
      new Uint8Array(32).fill(7),
    );
    return { name: 'key-epoch-part', keyEpoch: 2, node, wrapped };
  };
  cluster.observe(0, real.head);
  cluster.observe(0, part(1));
  cluster.runTo(1300);
  assert.is(cluster.nodes[0].lossCount(COUNTER.partForged), 1);
  assert.is(cluster.nodes[0].keys().newestKeyEpoch, 1);
  assert.is(cluster.nodes[0].keys().parts, 0);
  for (const message of real.parts) cluster.observe(0, message);
  cluster.runTo(1400);
  assert.is(cluster.nodes[0].keys().newestKeyEpoch, 2);
});

test('members ignore an older or repeated key epoch', () => {
  const cluster = flown({ nodes: 2 });
  // Key epoch 3 takes the place of key epoch 1; members change up to a minute apart.
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch && cluster.nowMs < 1_400_000;
  uplink(cluster, 0, keyEpochOf(2, 3, 1300));
  cluster.runTo(2400);
  const { checks } = cluster;
  uplink(cluster, 0, keyEpochOf(2, 2, 2500));
  uplink(cluster, 0, keyEpochOf(2, 3, 2500));
  assert.is(cluster.checks, checks);
  cluster.runTo(3600);
  assert.equal(keyEpochsInUse(cluster), [3, 3]);
});

test('only key epoch 0 carries heads and parts, and its frames do not prove liveness', () => {
  const cluster = flown({ nodes: 4 });
  cluster.kill(3);
  cluster.runTo(4800);
  const silentMember = cluster.nodes[0].member(3);
  const counter = Math.floor((4800 + 15) / 15) - 1;
  const { head } = keyEpochOf(4, 2, 9000);
  assert.is(
    cluster.hand(0, sealedFrame({ keyEpoch: 0, sender: 3, counter }, [{ name: 'probe', sequence: 1 }])),
    STATUS.implausible,
  );
  // Among these are cycles in which member 2 has not sent.
  const heads = allMembers(32).map((back) =>
    cluster.hand(0, sealedFrame({ keyEpoch: 1, sender: 2, counter: counter - back }, [head])),
  );
  assert.ok(heads.includes(STATUS.implausible) && !heads.includes(STATUS.ok), heads.join());
  assert.ok(cluster.nodes[0].lossCount(COUNTER.frameChannel) >= 2);
  assert.is(cluster.hand(0, sealedFrame({ keyEpoch: 0, sender: 3, counter }, [head])), STATUS.ok);
  assert.equal(cluster.nodes[0].member(3), silentMember);
});

test.run();

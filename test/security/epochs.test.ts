// SEC-1: keys of the air change, and all who may still speak change with them, whatever they missed.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeyEpochHead, KeyEpochPart, Message } from '../../host/cbor/generated.ts';
import { STATUS } from '../../host/engine/status.ts';
import { type KeyEpochMessages, makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { wrap } from '../../host/security/tree.ts';
import { type ClusterOptions, TestCluster } from '../firmware/cluster.ts';
import { sealedFrame, testKeys } from './sealed.ts';

const test = suite('epochs');

const inUse = 0;
const newest = 1;
const partsHeld = 5;
const allMembers = (nodes: number) => Array.from({ length: nodes }, (_, node) => node);
const counters = { epochForged: 26, partForged: 27, epochChecks: 28, channel: 25 } as const;

function epochOf(nodes: number, epoch: number, startS: number, excluded: number[] = []): KeyEpochMessages {
  const secret = testKeys.secret(epoch);
  return makeKeyEpoch(testKeys.authority, { epoch, startS, secret }, allMembers(nodes), new Set(excluded));
}

function uplink(cluster: TestCluster, node: number, { head, parts }: KeyEpochMessages): void {
  for (const message of [head, ...parts]) assert.is(cluster.observe(node, message as Message), STATUS.ok);
}

function flown(options: ClusterOptions, untilS = 1200): TestCluster {
  const cluster = new TestCluster({ features: 0, preset: 'tiny', ...options });
  cluster.onTold = () => {};
  cluster.runTo(untilS);
  return cluster;
}

function lost(cluster: TestCluster, node: number, counter: number): number {
  return cluster.inspect(node, 4)[counter * 2];
}

const keyEpochsInUse = (cluster: TestCluster) => cluster.contexts.map((_, node) => cluster.keys(node)[inUse]);

test('a new epoch that one member is told reaches all, begins when it says, and no frame is lost to it', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 2, epochOf(8, 2, 3000));
  cluster.runTo(2990);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(1));
  assert.equal(
    cluster.contexts.map((_, node) => cluster.keys(node)[newest]),
    Array(8).fill(2),
  );
  cluster.runTo(3100);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(2));
  // Each member had the signature verified once.
  assert.is(cluster.checks, 8);
});

test('the one before is accepted for ten minutes, and then no more', () => {
  const cluster = flown({ nodes: 4 });
  uplink(cluster, 0, epochOf(4, 2, 1800));
  cluster.runTo(2300);
  const counterAt = (s: number) => Math.floor((s + 15) / 15);
  const frame = (epoch: number, s: number) =>
    sealedFrame({ epoch, sender: 3, counter: counterAt(s) - 20 }, [{ name: 'probe', sequence: 1 }]);
  assert.is(cluster.hand(0, frame(1, 2300)), STATUS.ok);
  cluster.runTo(2520);
  assert.is(cluster.hand(0, frame(1, 2520)), STATUS.keyEpoch);
  assert.is(cluster.hand(0, frame(2, 2520)), STATUS.ok);
});

test('an excluded member hears and says nothing any more, and the others go on', () => {
  const cluster = flown({ nodes: 8 });
  const out = 5;
  uplink(cluster, 0, epochOf(8, 2, 3000, [out]));
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
    const [state] = cluster.inspect(node, 1, out);
    assert.ok(state === 3 || state === 4, `node ${node} has the excluded in state ${state}`);
    for (const other of allMembers(8))
      if (other !== out && other !== node) assert.is(cluster.inspect(node, 1, other)[0], 1);
  }
});

test('an exclusion waits for no epoch that was planned, nor does the plan bring the excluded back', () => {
  const cluster = flown({ nodes: 8 });
  const out = 5;
  uplink(cluster, 0, epochOf(8, 2, 9000));
  cluster.runTo(2400);
  assert.equal(
    cluster.contexts.map((_, node) => cluster.keys(node)[newest]),
    Array(8).fill(2),
  );
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  uplink(cluster, 3, epochOf(8, 3, 0, [out]));
  const without = (others: number, excluded: number) => allMembers(8).map((node) => (node === out ? excluded : others));
  cluster.runTo(2400 + 600);
  assert.equal(keyEpochsInUse(cluster), without(3, 1));
  cluster.runTo(9000 + 660);
  assert.equal(keyEpochsInUse(cluster), without(3, 2));
  // What it says under the planned key is refused by all.
  for (const node of [0, 7]) {
    const frame = sealedFrame({ epoch: 2, sender: out, counter: Math.floor(9660 / 15) - 20 }, [
      { name: 'probe', sequence: 1 },
    ]);
    assert.is(cluster.hand(node, frame), STATUS.keyEpoch);
    assert.ok([3, 4].includes(cluster.inspect(node, 1, out)[0]));
  }
});

test('an exclusion may also begin between now and what was planned', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 0, epochOf(8, 2, 9000));
  cluster.runTo(2400);
  uplink(cluster, 3, epochOf(8, 3, 6000, [5]));
  cluster.runTo(5990);
  assert.equal(keyEpochsInUse(cluster), Array(8).fill(1));
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  cluster.runTo(6000 + 120);
  assert.equal(
    keyEpochsInUse(cluster),
    allMembers(8).map((node) => (node === 5 ? 1 : 3)),
  );
});

test('who is excluded cannot come back with what it hears under the key that it still has', () => {
  const cluster = flown({ nodes: 8 });
  uplink(cluster, 0, epochOf(8, 2, 1500, [5]));
  cluster.mayRefuse = () => true;
  cluster.runTo(6000);
  // It has heard the cover, all of it that a table of this size holds, and none of its parts opens to it.
  assert.is(cluster.keys(5)[newest], 1);
  assert.is(cluster.keys(5)[4], 2);
});

test('lost messages delay it for those who lost them, and no longer', () => {
  const cluster = flown({ nodes: 8, loss: 0.5, seed: 3 });
  // It begins at once: late ones are heard for ten minutes still.
  uplink(cluster, 1, epochOf(8, 2, 1200, [7]));
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  cluster.runTo(1200 + 1800);
  assert.equal(keyEpochsInUse(cluster).slice(0, 7), Array(7).fill(2));
});

test('a member that was alone for 30 days and three epochs catches up by listening', () => {
  const cluster = flown({ nodes: 4 });
  const away = 3;
  cluster.part[away] = 1;
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch;
  for (let epoch = 2; epoch <= 4; epoch += 1) {
    uplink(cluster, epoch % 3, epochOf(4, epoch, epoch * 86_400));
    cluster.runTo((epoch + 1) * 86_400);
  }
  cluster.runTo(30 * 86_400);
  assert.is(cluster.keys(away)[newest], 1);
  assert.is(cluster.keys(0)[inUse], 4);
  cluster.part[away] = 0;
  cluster.runTo(30 * 86_400 + 1200);
  assert.is(cluster.keys(away)[inUse], 4);
  cluster.runTo(30 * 86_400 + 3600);
  assert.is(cluster.inspect(0, 1, away)[0], 1);
});

test('a member that boots from its old bundle, without a checkpoint or the time, catches up by listening', () => {
  const cluster = flown({ nodes: 4 });
  uplink(cluster, 0, epochOf(4, 2, 1500));
  cluster.runTo(4000);
  cluster.mayRefuse = (_sender, node, status) => node === 2 && status === STATUS.keyEpoch;
  cluster.boot(2, 2, false);
  assert.is(cluster.keys(2)[newest], 1);
  cluster.runTo(4000 + 1200);
  assert.is(cluster.keys(2)[inUse], 2);
  assert.is(cluster.inspect(2, 0)[0], 1, 'knows the time');
});

test('a checkpoint of before the epoch brings older keys, and the epoch comes again', () => {
  const cluster = flown({ nodes: 4 });
  const old = cluster.checkpoint(1);
  uplink(cluster, 0, epochOf(4, 2, 1500));
  cluster.runTo(4000);
  const young = cluster.checkpoint(1);
  cluster.mayRefuse = (sender, node, status) => (sender === 1 || node === 1) && status === STATUS.keyEpoch;
  cluster.restore(1, 2, old);
  assert.is(cluster.keys(1)[newest], 1);
  cluster.runTo(5200);
  assert.is(cluster.keys(1)[inUse], 2);
  cluster.restore(1, 3, young);
  assert.is(cluster.keys(1)[inUse], 2);
});

const forged = (head: KeyEpochHead, change: Partial<KeyEpochHead>): KeyEpochHead => ({ ...head, ...change });

test('a head that the authority did not sign is refused, whatever is altered in it', () => {
  const cluster = flown({ nodes: 2 });
  const { head } = epochOf(2, 2, 3000);
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  const alterations: Partial<KeyEpochHead>[] = [
    { keyEpoch: 3 },
    { startS: 1 },
    { parts: 2 },
    { commitment: flip(head.commitment) },
    { signature: flip(head.signature) },
  ];
  alterations.forEach((change, index) => {
    // Four signatures are verified in a period, not more.
    if (index % 4 === 0) cluster.runTo(cluster.nowMs / 1000 + 120);
    cluster.observe(0, forged(head, change));
  });
  assert.is(lost(cluster, 0, counters.epochForged), alterations.length);
  assert.is(cluster.keys(0)[newest], 1);
});

test('heads beyond four in a period are not looked at', () => {
  const cluster = flown({ nodes: 2 });
  const { head } = epochOf(2, 2, 3000);
  const heard = (epoch: number) =>
    sealedFrame({ epoch: 0, sender: 1, counter: 80 }, [forged(head, { keyEpoch: epoch })]);
  for (let i = 0; i < 40; i += 1) assert.is(cluster.hand(0, heard(100 + i)), STATUS.ok);
  assert.is(cluster.checks, 4);
  assert.is(lost(cluster, 0, counters.epochChecks), 36);
  // The ground does not wait for its turn.
  uplink(cluster, 0, epochOf(2, 2, 3000));
  cluster.runTo(1300);
  assert.is(cluster.keys(0)[newest], 2);
});

test('a part that a member made itself, for keys that it has, does not match what the authority committed to', () => {
  const cluster = flown({ nodes: 4 });
  const real = epochOf(4, 2, 3000, [3]);
  const part = (node: number): KeyEpochPart => {
    const wrapped = wrap(testKeys.authority.pathKey(node), testKeys.cluster, node, 2, new Uint8Array(32).fill(7));
    return { name: 'key-epoch-part', keyEpoch: 2, node, wrapped };
  };
  cluster.observe(0, real.head);
  cluster.observe(0, part(1));
  cluster.runTo(1300);
  assert.is(lost(cluster, 0, counters.partForged), 1);
  assert.is(cluster.keys(0)[newest], 1);
  assert.is(cluster.keys(0)[partsHeld], 0);
  for (const message of real.parts) cluster.observe(0, message);
  cluster.runTo(1400);
  assert.is(cluster.keys(0)[newest], 2);
});

test('an older epoch, or the same again, is not taken', () => {
  const cluster = flown({ nodes: 2 });
  // The place of epoch 1 is taken when 3 begins: a minute's difference between members.
  cluster.mayRefuse = (_sender, _node, status) => status === STATUS.keyEpoch && cluster.nowMs < 1_400_000;
  uplink(cluster, 0, epochOf(2, 3, 1300));
  cluster.runTo(2400);
  const { checks } = cluster;
  uplink(cluster, 0, epochOf(2, 2, 2500));
  uplink(cluster, 0, epochOf(2, 3, 2500));
  assert.is(cluster.checks, checks);
  cluster.runTo(3600);
  assert.equal(keyEpochsInUse(cluster), [3, 3]);
});

test('epoch 0 carries heads and parts only, the others carry none, and nobody is alive by it', () => {
  const cluster = flown({ nodes: 4 });
  cluster.kill(3);
  cluster.runTo(4800);
  const gone = cluster.inspect(0, 1, 3);
  const counter = Math.floor((4800 + 15) / 15) - 1;
  const { head } = epochOf(4, 2, 9000);
  assert.is(
    cluster.hand(0, sealedFrame({ epoch: 0, sender: 3, counter }, [{ name: 'probe', sequence: 1 }])),
    STATUS.implausible,
  );
  // Some cycles it has not sent in.
  const heads = allMembers(32).map((back) =>
    cluster.hand(0, sealedFrame({ epoch: 1, sender: 2, counter: counter - back }, [head])),
  );
  assert.ok(heads.includes(STATUS.implausible) && !heads.includes(STATUS.ok), heads.join());
  assert.ok(lost(cluster, 0, counters.channel) >= 2);
  assert.is(cluster.hand(0, sealedFrame({ epoch: 0, sender: 3, counter }, [head])), STATUS.ok);
  assert.equal(cluster.inspect(0, 1, 3), gone);
});

test.run();

// Which checkpoints a node restores, and when it asks for one.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOT_CAUSE, type Message, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { LoneNode } from '../schedule/node.ts';
import { testKeys } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';

const checkpoints = suite('checkpoints');

const boot = { cause: BOOT_CAUSE.watchdog, localS: 0, resets: 1 };

checkpoints('a node restores its own checkpoint, and refuses that of another node or of another cluster', () => {
  const startS = 36_000;
  const [own, sameNode, otherNode, otherCluster] = [{ self: 0 }, { self: 0 }, { self: 1 }, { self: 0, cluster: 8 }].map(
    (changes) => new LoneNode({ members: 2, ...changes }, startS),
  );
  own.runTo(startS + 600);
  const image = own.checkpoint();
  assert.is(sameNode.restore(image, boot), STATUS.ok);
  assert.is(otherNode.restore(image, boot), STATUS.checkpoint);
  assert.is(otherCluster.restore(image, boot), STATUS.checkpoint);
  const booted = otherNode.events.filter(({ fields }) => fields[0] === TYPE.booted).at(-1);
  assert.is(booted?.fields[2], 0, 'it began from nothing');
});

const intervalS = 900;

/** When each node asked for checkpoints, mission seconds. */
function askedAt(cluster: TestCluster): number[][] {
  return cluster.nodes.map((_, index) =>
    cluster.commands
      .filter(({ node, fields }) => node === index && fields[0] === TYPE.storeCheckpoint)
      .map(({ atS }) => atS),
  );
}

/**
 * The shortest time between two checkpoints of each node, in half an hour in which a new key may
 * come.
 */
function shortestGaps(keyComes: boolean): number[] {
  const nodes = 4;
  const cluster = new TestCluster({ nodes, features: 0, preset: 'tiny' });
  const nowS = 2 * 3600 + 600;
  cluster.runTo(nowS);
  const all = Array.from({ length: nodes }, (_, node) => node);
  const times = { keyEpoch: 2, startS: nowS + 3600, secret: testKeys.secret(2) };
  const { head, parts } = makeKeyEpoch(testKeys.authority, times, all, new Set());
  if (keyComes) for (const message of [head, ...parts]) assert.is(cluster.observe(0, message as Message), STATUS.ok);
  cluster.runTo(nowS + 1800);
  for (const node of all) assert.is(cluster.nodes[node].keys().newestKeyEpoch, keyComes ? 2 : 1, `node ${node}`);
  return askedAt(cluster).map((at) => Math.min(...at.slice(1).map((timeS, index) => timeS - at[index])));
}

checkpoints('SEC-1 holds: a node that learns a new key asks for a checkpoint at once', () => {
  for (const gapS of shortestGaps(false)) assert.ok(gapS >= intervalS - 60, `${gapS} s without a new key`);
  for (const gapS of shortestGaps(true)) assert.ok(gapS < intervalS - 60, `${gapS} s with a new key`);
});

checkpoints('members ask for a checkpoint within half an hour, then for one each quarter of an hour', () => {
  const cluster = new TestCluster({ nodes: 20, features: 0 });
  cluster.runTo(2 * 3600);
  for (const [node, at] of askedAt(cluster).entries()) {
    assert.ok(at[0] >= intervalS && at[0] <= 2 * intervalS + 60, `node ${node} first at ${at[0]} s`);
    for (const [index, timeS] of at.slice(1).entries())
      assert.ok(Math.abs(timeS - at[index] - intervalS) <= 60, `node ${node} at ${timeS} s`);
    assert.ok(at.length >= 6, `node ${node}: ${at.length}`);
  }
});

checkpoints.run();

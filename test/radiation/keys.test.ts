// RAD-1, SEC-1: flips bits in keys, key-epoch heads, replay windows and the constants of the hash.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { LIVENESS, type Message, STATUS } from '../../host/cbor/generated.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { testKeys } from '../security/sealed.ts';
import { firstUnsound, Lines } from './watch.ts';

const test = suite('radiation: keys');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const nodes = 8;
const faulty = 3;
const emittedS = 600;
/** Key epoch 2 is known to all by now and in use since 1200. */
const injectedS = 3720;
const scrubbedS = injectedS + 5 * 60;

function emitKeyEpoch(cluster: TestCluster, node: number, epoch: number, startS: number): void {
  const members = Array.from({ length: nodes }, (_, member) => member);
  const secret = testKeys.secret(epoch);
  const { head, parts } = makeKeyEpoch(testKeys.authority, { keyEpoch: epoch, startS, secret }, members, new Set());
  for (const message of [head, ...parts]) assert.is(cluster.observe(node, message as Message), STATUS.ok);
}

function grown(): TestCluster {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(emittedS);
  emitKeyEpoch(cluster, 1, 2, 1200);
  cluster.runTo(injectedS);
  assert.equal(
    cluster.contexts.map((_, node) => cluster.nodes[node].keys().keyEpoch),
    Array(nodes).fill(2),
  );
  return cluster;
}

function inject(cluster: TestCluster, line: number, mask: number): void {
  const words = new Uint32Array(cluster.engine.view().buffer);
  words[(cluster.contexts[faulty] + lines.at + line * 64) >> 2] ^= mask;
}

/** Lines by their contents. The key in use is that of an even key epoch. */
const places: [string, number][] = [
  ['the key in use', lines.lineOf('LINK_KEYS_AT') + 1],
  ['the key of key epoch 0', lines.lineOf('LINK_KEYS_AT')],
  ['a path key', lines.lineOf('PATH_KEYS_AT') + 2],
  ['the head', lines.lineOf('HEAD_AT')],
  ['its signature', lines.lineOf('HEAD_AT') + 1],
  ['the place of a pending head', lines.lineOf('PENDING_AT') + 1],
  ['a part of its cover', lines.lineOf('PARTS_AT')],
  ['replay windows of senders', lines.lineOf('PEERS_AT') + 1],
  ['replay windows of members that do not exist', lines.lineOf('PEERS_AT') + 40],
  ['requests to the signature service', lines.lineOf('STATEMENT_STATE_AT')],
  ['statements', lines.lineOf('STATEMENTS_AT') + 2],
];

for (const [what, line] of places) {
  test(`RAD-1 holds: a flipped bit in ${what} is corrected, and all frames are as without it`, () => {
    const [cluster, sound] = [grown(), grown()];
    const corrected = () => cluster.nodes[faulty].protection().corrected;
    assert.is(corrected(), 0);
    inject(cluster, line, 0x0000_0400);
    for (const each of [cluster, sound]) each.runTo(scrubbedS);
    assert.is(corrected(), 1);
    const words = new Uint32Array(cluster.engine.view().buffer);
    assert.is(firstUnsound(lines, words, cluster.contexts[faulty]), -1);
    assert.is(cluster.frames, sound.frames);
    for (let node = 0; node < nodes; node += 1) assert.equal(cluster.nodes[node].keys(), sound.nodes[node].keys());
  });

  test(`RAD-1 holds: two flipped bits in ${what} end in crash recovery beyond the node’s reservation`, () => {
    for (const how of ['checkpoint', 'nothing'] as const) {
      const cluster = grown();
      const checkpoint = cluster.checkpoint(faulty);
      inject(cluster, line, 0x0000_0011);
      assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
      const site = cluster.engine.calls.trap_site();
      assert.ok(site >= 900 && site < 950, `site ${site}`);
      cluster.kill(faulty);
      const reserved = cluster.reserved[faulty];
      if (how === 'checkpoint') cluster.restore(faulty, 2, checkpoint);
      else cluster.boot(faulty, 2, true);
      assert.is(cluster.nodes[faulty].keys().sentCounter, reserved);
      // Its configuration has the first key epoch; the others send it the newest under key epoch 0.
      const before = cluster.nodes[faulty].keys().keyEpoch;
      assert.is(before, how === 'checkpoint' ? 2 : 1);
      // At first it rejects frames of the cycles that it had reserved, and frames of the
      // newest key epoch, which it has yet to learn.
      const atFirst: readonly number[] = [STATUS.keyEpoch, STATUS.replay, STATUS.stale];
      cluster.mayRefuse = (sender, node, status) => (sender === faulty || node === faulty) && atFirst.includes(status);
      cluster.runTo(injectedS + 2400);
      assert.is(cluster.nodes[faulty].keys().keyEpoch, 2);
      assert.ok(
        cluster.nodes[faulty].keys().sentCounter > reserved && cluster.nodes[faulty].keys().reserved > reserved,
      );
      for (let node = 0; node < nodes; node += 1)
        assert.is(cluster.nodes[node].member(faulty).state, LIVENESS.alive, `node ${node} misses it`);
    }
  });
}

/** Address of SHA-256's constants in static memory. */
function hashConstants(cluster: TestCluster): number {
  const view = cluster.engine.view();
  const first = Uint8Array.of(0x98, 0x2f, 0x8a, 0x42, 0x91, 0x44, 0x37, 0x71);
  const at = Buffer.from(view.buffer, 0, cluster.engine.calls.memory_base()).indexOf(first);
  assert.ok(at > 0);
  return at;
}

test('RAD-1 holds: a flipped bit in the hash’s constants is corrected before a key is derived', () => {
  const cluster = grown();
  const at = hashConstants(cluster) + 100;
  const correct = cluster.engine.view()[at];
  cluster.engine.view()[at] ^= 0x20;
  // No other node learns of the key epoch.
  cluster.mayRefuse = () => true;
  emitKeyEpoch(cluster, faulty, 3, injectedS + 60);
  cluster.runTo(scrubbedS);
  assert.is(cluster.engine.view()[at], correct);
});

test('RAD-1 holds: two flipped bits in the hash’s constants end in crash recovery before a key is derived', () => {
  const cluster = grown();
  cluster.engine.view()[hashConstants(cluster) + 100] ^= 0x21;
  emitKeyEpoch(cluster, faulty, 3, injectedS + 60);
  assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
  assert.is(cluster.engine.calls.trap_site(), 906);
});

test('RAD-1 holds: after that trap a boot without a checkpoint loads the constants anew, and the node joins', () => {
  const cluster = grown();
  const at = hashConstants(cluster) + 100;
  const correct = cluster.engine.view()[at];
  cluster.engine.view()[at] ^= 0x21;
  // Without its checkpoint the node knows the first key epoch only, until it fetches the second.
  cluster.mayRefuse = () => true;
  cluster.boot(faulty, 2, true);
  assert.is(cluster.engine.view()[at], correct);
  cluster.runTo(injectedS + 1800);
  assert.is(cluster.nodes[faulty].keys().keyEpoch, 2);
  for (let node = 0; node < nodes; node += 1)
    if (node !== faulty) assert.is(cluster.nodes[node].member(faulty).state, LIVENESS.alive, `node ${node} misses it`);
});

test('these tests inject faults into all tables of keys', () => {
  const tables = [
    'LINK_KEYS_AT',
    'PATH_KEYS_AT',
    'HEAD_AT',
    'PENDING_AT',
    'PARTS_AT',
    'PEERS_AT',
    'STATEMENT_STATE_AT',
    'STATEMENTS_AT',
  ];
  // These lie among them and have no keys: no fault is injected here.
  const others = ['DIVISION_AT', 'RECEIVED_SPLIT_AT', 'ROTAS_AT'];
  const from = constants.get('LINK_KEYS_AT')!;
  const to = constants.get('SCHEDULE_AT')!;
  const between = [...constants]
    .filter(([name, at]) => name.endsWith('_AT') && at >= from && at < to)
    .map(([name]) => name);
  assert.equal(between.sort(), [...tables, ...others].sort());
});

test.run();

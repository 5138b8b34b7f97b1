// RAD-1, SEC-1: keys, heads of epochs, windows of senders and what hashes them, under flipped bits.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import type { Message } from '../../host/cbor/generated.ts';
import { STATUS } from '../../host/engine/status.ts';
import { makeKeyEpoch } from '../../host/security/key_epoch.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { testKeys } from '../security/sealed.ts';
import { firstUnsound, Lines } from './watch.ts';

const test = suite('radiation: keys');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const nodes = 8;
const struck = 3;
const told = 600;
/** Epoch 2 is known to all by now and in use since 1200. */
const strikeS = 3720;
const scrubbedS = strikeS + 5 * 60;
const whatProtection = 11;
const inUse = 0;
const reservedTo = 2;
const sentLast = 3;

function emitKeyEpoch(cluster: TestCluster, node: number, epoch: number, startS: number): void {
  const members = Array.from({ length: nodes }, (_, member) => member);
  const secret = testKeys.secret(epoch);
  const { head, parts } = makeKeyEpoch(testKeys.authority, { epoch, startS, secret }, members, new Set());
  for (const message of [head, ...parts]) assert.is(cluster.observe(node, message as Message), STATUS.ok);
}

function grown(): TestCluster {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(told);
  emitKeyEpoch(cluster, 1, 2, 1200);
  cluster.runTo(strikeS);
  assert.equal(
    cluster.contexts.map((_, node) => cluster.keys(node)[inUse]),
    Array(nodes).fill(2),
  );
  return cluster;
}

function strike(cluster: TestCluster, line: number, mask: number): void {
  const words = new Uint32Array(cluster.engine.view().buffer);
  words[(cluster.contexts[struck] + lines.at + line * 64) >> 2] ^= mask;
}

/** Lines, and the table each belongs to: the key in use (an even epoch's), that of epoch 0, a path key, a head, one that waits, a part of a cover, four senders' windows. */
const places: [string, number][] = [
  ['the key in use', lines.lineOf('LINK_KEYS_AT') + 1],
  ['the key of epoch 0', lines.lineOf('LINK_KEYS_AT')],
  ['a path key', lines.lineOf('PATH_KEYS_AT') + 2],
  ['the head', lines.lineOf('HEAD_AT')],
  ['its signature', lines.lineOf('HEAD_AT') + 1],
  ['the place of a head that waits', lines.lineOf('PENDING_AT') + 1],
  ['a part of its cover', lines.lineOf('PARTS_AT')],
  ['windows of senders', lines.lineOf('PEERS_AT') + 1],
  ['windows of members that there are not', lines.lineOf('PEERS_AT') + 40],
  ['what is asked of the signature service', lines.lineOf('STATEMENT_STATE_AT')],
  ['statements', lines.lineOf('STATEMENTS_AT') + 2],
];

for (const [what, line] of places) {
  test(`RAD-1 holds: a flipped bit in ${what} is corrected, and all that is said is as if it had not flipped`, () => {
    const [cluster, sound] = [grown(), grown()];
    const corrected = () => cluster.inspect(struck, whatProtection)[0];
    assert.is(corrected(), 0);
    strike(cluster, line, 0x0000_0400);
    for (const each of [cluster, sound]) each.runTo(scrubbedS);
    assert.is(corrected(), 1);
    const words = new Uint32Array(cluster.engine.view().buffer);
    assert.is(firstUnsound(lines, words, cluster.contexts[struck]), -1);
    assert.is(cluster.frames, sound.frames);
    for (let node = 0; node < nodes; node += 1) assert.equal(cluster.keys(node), sound.keys(node));
  });

  test(`RAD-1 holds: two in ${what} end in the crash recovery; started again it has its keys, and begins behind what it had reserved`, () => {
    for (const how of ['checkpoint', 'nothing'] as const) {
      const cluster = grown();
      const checkpoint = cluster.checkpoint(struck);
      strike(cluster, line, 0x0000_0011);
      assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
      const site = cluster.engine.calls.trap_site();
      assert.ok(site >= 900 && site < 950, `site ${site}`);
      cluster.kill(struck);
      const reserved = cluster.reserved[struck];
      if (how === 'checkpoint') cluster.restore(struck, 2, checkpoint);
      else cluster.boot(struck, 2, true);
      assert.is(cluster.keys(struck)[sentLast], reserved);
      // From its configuration it has the first epoch; the newest it learns from the others, by the key of epoch 0.
      const before = cluster.keys(struck)[inUse];
      assert.is(before, how === 'checkpoint' ? 2 : 1);
      // At first it takes nothing of the cycles that it had reserved, and has yet to learn the epoch that others speak in.
      const atFirst: readonly number[] = [STATUS.keyEpoch, STATUS.replay, STATUS.stale];
      cluster.mayRefuse = (sender, node, status) => (sender === struck || node === struck) && atFirst.includes(status);
      cluster.runTo(strikeS + 2400);
      assert.is(cluster.keys(struck)[inUse], 2);
      assert.ok(cluster.keys(struck)[sentLast] > reserved && cluster.keys(struck)[reservedTo] > reserved);
      for (let node = 0; node < nodes; node += 1)
        assert.is(cluster.inspect(node, 1, struck)[0], 1, `node ${node} misses it`);
    }
  });
}

/** Where SHA-256 keeps its constants in static memory. */
function hashConstants(cluster: TestCluster): number {
  const view = cluster.engine.view();
  const first = Uint8Array.of(0x98, 0x2f, 0x8a, 0x42, 0x91, 0x44, 0x37, 0x71);
  const at = Buffer.from(view.buffer, 0, cluster.engine.calls.memory_base()).indexOf(first);
  assert.ok(at > 0);
  return at;
}

test('RAD-1 holds: a flipped bit of the hash’s constants is corrected before a key is derived with them', () => {
  const cluster = grown();
  const at = hashConstants(cluster) + 100;
  const right = cluster.engine.view()[at];
  cluster.engine.view()[at] ^= 0x20;
  // Nobody else is told of the epoch.
  cluster.mayRefuse = () => true;
  emitKeyEpoch(cluster, struck, 3, strikeS + 60);
  cluster.runTo(scrubbedS);
  assert.is(cluster.engine.view()[at], right);
});

test('RAD-1 holds: no key is derived with constants of the hash of which two bits have flipped: the node dies and is started again with right ones', () => {
  const cluster = grown();
  cluster.engine.view()[hashConstants(cluster) + 100] ^= 0x21;
  emitKeyEpoch(cluster, struck, 3, strikeS + 60);
  assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
  assert.is(cluster.engine.calls.trap_site(), 906);
});

test('the tables of keys are all struck here', () => {
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
  const from = constants.get('LINK_KEYS_AT')!;
  const to = constants.get('SCHEDULE_AT')!;
  const between = [...constants]
    .filter(([name, at]) => name.endsWith('_AT') && at >= from && at < to)
    .map(([name]) => name);
  assert.equal(between.sort(), tables.sort());
});

test.run();

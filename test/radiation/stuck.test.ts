// RAD-1: recognises a cell that stays wrong, and leaves it by moving the context.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, TYPE } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { firstUnsound, Lines } from './watch.ts';

const test = suite('radiation: stuck');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const nodes = 6;
const faulty = 3;
const beginS = 3720;

function grown(): TestCluster {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(beginS);
  return cluster;
}

function recordsOf(cluster: TestCluster, type: number): number[][] {
  const all = [...cluster.events, ...cluster.commands];
  return all.filter(({ node, fields }) => node === faulty && fields[0] === type).map(({ fields }) => fields);
}

/** Makes a bit of the faulty node's context stick: its address, and what forces it once more. */
function stuckBit(cluster: TestCluster, at: number): { address: number; force: () => void } {
  const address = cluster.contexts[faulty] + at;
  const stuck = ~cluster.engine.view()[address] & 4;
  const force = () => {
    const view = cluster.engine.view();
    view[address] = (view[address] & ~4) | stuck;
  };
  return { address, force };
}

/** Runs by seconds to `untilS`; after each, `force` is called. */
function runForced(cluster: TestCluster, untilS: number, force: () => void): void {
  for (let atS = cluster.nowMs / 1000 + 1; atS <= untilS; atS += 1) {
    cluster.runTo(atS);
    force();
  }
}

const places: [string, number][] = [
  ['the view, which every call checks', constants.get('MEMBERSHIP_AT')! + 16],
  ['a free record, which the scrubber checks', constants.get('INTENTS_AT')! + 64 * 700 + 24],
];

for (const [what, at] of places)
  test(`RAD-1 holds: a node reports a stuck cell in ${what}, leaves it, and decides as without it`, () => {
    const [cluster, sound] = [grown(), grown()];
    const { address, force } = stuckBit(cluster, at);
    const corrected = () => cluster.nodes[faulty].protection().corrected;
    runForced(cluster, beginS + 2400, force);
    const line = Math.floor((at - lines.at) / 64);
    const repeated = recordsOf(cluster, TYPE.repeatedUpset);
    assert.equal(
      repeated.map((fields) => [fields[FIELD.repeatedUpset.line], fields[FIELD.repeatedUpset.count]]),
      [[line, 3]],
    );
    assert.is(recordsOf(cluster, TYPE.moveContext).length, 1);
    assert.is.not(cluster.contexts[faulty] + at, address);
    const before = corrected();
    assert.ok(before >= 3);
    runForced(cluster, beginS + 6000, force);
    sound.runTo(beginS + 6000);
    assert.is(corrected(), before, 'nothing is corrected any more');
    assert.is(firstUnsound(lines, new Uint32Array(cluster.engine.view().buffer), cluster.contexts[faulty]), -1);
    const orders = (one: TestCluster) =>
      one.commands.filter(({ fields }) => fields[0] === TYPE.startWork || fields[0] === TYPE.stopWork);
    assert.ok(orders(sound).length > 0);
    assert.equal(orders(cluster), orders(sound));
    for (let node = 0; node < nodes; node += 1)
      assert.is(cluster.nodes[node].viewDigest(), sound.nodes[node].viewDigest(), `node ${node}`);
  });

test('RAD-1 holds: a platform that does not move the context is asked once a day, and no wrong value is sent', () => {
  const [cluster, sound] = [grown(), grown()];
  const obey = cluster.obey.bind(cluster);
  cluster.obey = (loop, type) => type === TYPE.moveContext || obey(loop, type);
  const { force } = stuckBit(cluster, constants.get('MEMBERSHIP_AT')! + 16);
  const asked = () => recordsOf(cluster, TYPE.moveContext).length;
  runForced(cluster, beginS + 36_000, force);
  assert.ok(cluster.nodes[faulty].protection().corrected > 100);
  assert.is(asked(), 1);
  sound.runTo(cluster.nowMs / 1000);
  for (let node = 0; node < nodes; node += 1)
    assert.is(cluster.nodes[node].viewDigest(), sound.nodes[node].viewDigest(), `node ${node}`);
  runForced(cluster, beginS + 100_000, force);
  assert.is(asked(), 2);
});

/** Flips one bit of a line of the faulty node and lets it be found. */
function upset(cluster: TestCluster, at: number, atS: number): void {
  cluster.runTo(atS);
  cluster.engine.view()[cluster.contexts[faulty] + at] ^= 4;
}

test('RAD-1 violated: upsets of three lines, or of one line on other days, are no stuck cell', () => {
  const cluster = grown();
  const view = constants.get('MEMBERSHIP_AT')!;
  for (let turn = 0; turn < 9; turn += 1) upset(cluster, view + 64 * (turn % 3) + 16, beginS + 120 * turn);
  for (let turn = 0; turn < 4; turn += 1) upset(cluster, view + 16, beginS + 7200 + 90_000 * turn);
  cluster.runTo(beginS + 7200 + 270_120);
  assert.is(recordsOf(cluster, TYPE.upset).length, 13, 'each was found');
  assert.equal(recordsOf(cluster, TYPE.repeatedUpset), []);
  assert.equal(recordsOf(cluster, TYPE.moveContext), []);
});

test.run();

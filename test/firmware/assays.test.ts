// What a notice does to work that has not begun: this node's own platform decides (SEC-5, CVG-1).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, INTENT_STATE, TYPE, VERDICT } from '../../host/cbor/generated.ts';
import type { TestCluster } from './cluster.ts';
import { assign, DAY, driven, HOUR, stored, UNIT } from './driven.ts';

const group = UNIT >>> 16;
const unit = UNIT & 0xffff;

/** A cluster in which node 0 has settled work on the unit for later, and node 1 calls it lost. */
function noticed(): TestCluster {
  const cluster = driven(7);
  cluster.runTo(HOUR);
  assign(cluster, 0, 4 * HOUR, DAY);
  cluster.runTo(HOUR + 900);
  assert.is(stored(cluster, 3).state, INTENT_STATE.started, 'it has settled');
  assert.is(requests(cluster), 0, 'nobody asks without a notice');
  cluster.observe(1, { name: 'assay', group, unit, capacity: 0 });
  cluster.runTo(HOUR + 900 + 180);
  return cluster;
}

/** How often node 0 had its platform look at the unit. */
function requests(cluster: TestCluster): number {
  const at = FIELD.requestAssay;
  const orders = cluster.commands.filter(({ node, fields }) => node === 0 && fields[0] === TYPE.requestAssay);
  for (const { fields } of orders) assert.equal([fields[at.group], fields[at.unit]], [group, unit]);
  return orders.length;
}

test('SEC-5 holds: a notice alone takes no settled work that has not begun', () => {
  const cluster = noticed();
  assert.ok(requests(cluster) >= 1, 'the platform is asked');
  cluster.runTo(2 * HOUR);
  assert.is(stored(cluster, 3).state, INTENT_STATE.started);
});

test('SEC-5 violated: a unit that the platform finds usable is no longer called lost by anybody', () => {
  const cluster = noticed();
  cluster.observe(0, { name: 'assay', group, unit, capacity: 1 });
  cluster.runTo(HOUR + 900 + 300);
  const before = requests(cluster);
  assert.is(stored(cluster, 3).verdict, VERDICT.accepted);
  cluster.runTo(2 * HOUR);
  assert.is(requests(cluster), before, 'nobody asks again');
});

test('CVG-1 holds: work that has not begun is withdrawn as soon as the platform finds its unit lost', () => {
  const cluster = noticed();
  cluster.observe(0, { name: 'assay', group, unit, capacity: 0 });
  cluster.runTo(HOUR + 900 + 300);
  for (const node of [0, 1, 3, 6]) assert.is(stored(cluster, node).state, INTENT_STATE.withdrawn);
});

test('CVG-1 holds: a group of no capacity that the platform confirms ends work that has not begun', () => {
  const cluster = driven(7);
  cluster.runTo(HOUR);
  assign(cluster, 0, 4 * HOUR, DAY);
  cluster.runTo(HOUR + 900);
  cluster.observe(0, { name: 'assay', group, unit: 0, capacity: 0 });
  cluster.runTo(HOUR + 900 + 180);
  assert.is(stored(cluster, 3).state, INTENT_STATE.withdrawn);
});

test.run();

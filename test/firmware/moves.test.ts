// SEC-5: what a lie achieves that makes another lot seem free.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURE, type Group, type Intent, INTENT_STATE, TYPE } from '../../host/cbor/generated.ts';
import { TestCluster } from './cluster.ts';
import { claimOf } from './driven.ts';
import { OBJECTION_S } from './times.ts';

/** Five members work, and the sixth, whose frames the tests make, is off. */
const NODES = 6;
const BYZANTINE = 5;
const FULL = 200;
const lot = { name: 'group', kind: 1, units: 12, stockKg: 1_000_000, loadKg: 0 } as const;
/** Four members work at the full rate, and one at a fifth of it: it moves as soon as it may. */
const lots: Group[] = [
  { ...lot, group: 1, capacity: FULL + FULL / 5 },
  { ...lot, group: 2, capacity: 3 * FULL },
];

const moves = suite('moves to another lot');

/** The member that works at less than its full rate, and one at work on the other lot. */
function placesOf(cluster: TestCluster): { crowded: number; other: Intent } {
  const places = [0, 1, 2, 3, 4].map((node) => cluster.nodes[node].intent(node, 0)!);
  const crowded = places.findIndex(({ rate }) => rate < FULL / 4);
  const owner = places.findIndex(({ resource, rate }) => resource >>> 16 === 2 && rate === FULL);
  assert.ok(crowded >= 0 && owner >= 0, JSON.stringify(places));
  assert.ok(places.every(({ state }) => state === INTENT_STATE.started));
  const { version, kind, resource, startS, endS, rate, state, publishedS, leaseS } = places[owner];
  const shown = { version, kind, resource, startS, endS, rate, state, leaseS, claimS: startS };
  return { crowded, other: claimOf(owner, publishedS, shown) };
}

/** When the member ends its work, mission seconds: long after an owner would have objected. */
function leftAtS(cluster: TestCluster, node: number): number {
  const fromS = cluster.nowMs / 1000;
  cluster.runTo(fromS + 2.5 * OBJECTION_S);
  const left = cluster.events.find(
    ({ atS, node: who, fields }) =>
      who === node && atS >= fromS && fields[0] === TYPE.published && fields.includes(INTENT_STATE.done),
  );
  assert.ok(left !== undefined, 'it leaves its place');
  return left.atS;
}

moves('SEC-5 holds: a member leaves its place only for what came free when its owner could have objected', () => {
  const cluster = new TestCluster({ nodes: NODES, features: FEATURE.plans, groups: lots, rateMax: FULL });
  cluster.kill(BYZANTINE);
  cluster.runTo(4 * 3600 - 60);
  const { crowded, other } = placesOf(cluster);
  const nowS = cluster.nowMs / 1000;
  const forged = { ...other, version: other.version + 1, rate: 1, publishedS: nowS };
  cluster.inject(crowded, BYZANTINE, [forged]);
  assert.is(cluster.nodes[crowded].intent(other.owner, 0)?.rate, 1, 'the place seems free');
  const leftS = leftAtS(cluster, crowded);
  assert.ok(leftS >= nowS + OBJECTION_S, `it leaves ${leftS - nowS} s after the place seemed free`);
});

moves.run();

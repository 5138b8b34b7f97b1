// Units that clusters share (docs/federation.md): each term belongs to one cluster, and nobody uses
// a unit of another's term.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FEATURE,
  FIELD,
  type Group,
  type Message,
  OUTLOOK_KIND,
  ROTAS_MAX,
  STATUS,
  TERM_GUARD_S,
  TERM_S,
  TYPE,
} from '../../host/cbor/generated.ts';
import { rotaOf, type SharedUnit } from '../../host/platform/config.ts';
import { type ClusterOptions, smallWorld, TestCluster } from './cluster.ts';
import { DAY, HOUR } from './driven.ts';
import { place } from './region.ts';
import { assigned, home, isMoved, order, second, switchS, unitOf } from './split_world.ts';

const tug: SharedUnit = { group: 3, unit: 2, clusters: [home, 8] };
const shared = unitOf(3, 2);

function clusterWith(options: Partial<ClusterOptions> = {}, rotas: readonly SharedUnit[] = [tug]): TestCluster {
  const cluster = new TestCluster({ nodes: 4, features: 0, place: { ...place, rotas }, ...options });
  cluster.mayRefuse = (_, __, status) => status === STATUS.notForUs;
  return cluster;
}

interface Use {
  fromS: number;
  untilS: number;
}

/** When a cluster's nodes worked resources that `matches`, seconds of its clock. */
function usesOf(cluster: TestCluster, matches: (resource: number) => boolean): Use[] {
  const open = new Map<string, Use>();
  const all: Use[] = [];
  for (const { atS, node, fields } of cluster.commands) {
    const key = `${node}/${fields[FIELD.startWork.slot]}`;
    const running = open.get(key);
    if (fields[0] === TYPE.stopWork && running !== undefined) {
      running.untilS = Math.min(running.untilS, atS);
      open.delete(key);
    }
    if (fields[0] !== TYPE.startWork || !matches(fields[FIELD.startWork.resource])) continue;
    const use = { fromS: atS, untilS: fields[FIELD.startWork.untilS] };
    if (running !== undefined && running.untilS > atS) running.untilS = atS;
    open.set(key, use);
    all.push(use);
  }
  return all;
}

const termOf = (atS: number): number => Math.floor(atS / TERM_S);

/** Uses lie within terms of the entry `entry` of `count`, after the guard at their begin. */
function assertWithinTerms(uses: readonly Use[], entry: number, count: number): void {
  for (const { fromS, untilS } of uses) {
    assert.is(termOf(fromS) % count, entry, `${fromS}`);
    assert.ok(fromS % TERM_S >= TERM_GUARD_S, `${fromS}`);
    assert.ok(untilS <= (termOf(fromS) + 1) * TERM_S, `${fromS} ${untilS}`);
  }
}

test('FLT-1 holds: two clusters that claim one unit for days use it in turn, and never at once', () => {
  const [one, other] = [clusterWith(), clusterWith({ cluster: 8 })];
  for (const cluster of [one, other]) {
    cluster.runTo(600);
    assert.is(assigned(cluster, 1, shared), STATUS.ok);
    assert.is(assigned(cluster, 1, shared, { slot: 2, inS: DAY + 60 }), STATUS.ok);
    cluster.runTo(2 * DAY);
  }
  const [uses, others] = [one, other].map((cluster) => usesOf(cluster, (resource) => resource === shared));
  assertWithinTerms(uses, 0, 2);
  assertWithinTerms(others, 1, 2);
  const terms = (all: readonly Use[]) => [...new Set(all.map(({ fromS }) => termOf(fromS)))];
  assert.equal(
    [terms(uses), terms(others)],
    [
      [0, 2],
      [1, 3],
    ],
  );
  // Within a term work goes on, but for the guards.
  const workedS = uses
    .filter(({ fromS }) => fromS < TERM_S)
    .reduce((sum, { fromS, untilS }) => sum + untilS - fromS, 0);
  assert.ok(workedS > TERM_S - TERM_GUARD_S - 1800, `${workedS}`);
  // Clocks of two clusters may be 260 s apart.
  for (const { fromS, untilS } of uses)
    for (const against of others)
      assert.ok(untilS + 260 <= against.fromS || against.untilS + 260 <= fromS, `${fromS} ${against.fromS}`);
});

test('FLT-1 holds: what is not shared, and what no other cluster has a term of, is used as ever', () => {
  const cluster = clusterWith({}, [tug, { group: 2, unit: 0, clusters: [home] }]);
  cluster.runTo(600);
  assigned(cluster, 1, unitOf(3, 1));
  assigned(cluster, 2, unitOf(2, 5));
  cluster.runTo(TERM_S + 600);
  assert.is(cluster.nodes[1].isRunning(1), true);
  cluster.runTo(TERM_S + TERM_GUARD_S + 180);
  for (const node of [1, 2]) assert.is(cluster.nodes[node].isRunning(1), true, `node ${node}`);
});

test('FLT-1 violated: a lease that was extended in advance does not outlast the term', () => {
  const cluster = clusterWith();
  cluster.runTo(600);
  assigned(cluster, 1, shared);
  cluster.runTo(TERM_S - HOUR);
  cluster.observe(1, {
    name: 'outlook',
    fromS: TERM_S - 600,
    untilS: TERM_S + 6 * HOUR,
    kind: OUTLOOK_KIND.occultation,
  });
  cluster.runTo(TERM_S - 600);
  assert.ok(cluster.nodes[1].intent(1, 1)!.leaseS > TERM_S + 6 * HOUR);
  assert.is(cluster.nodes[1].isRunning(1), true);
  // It hears nobody, and knows the rota.
  cluster.part[1] = 1;
  cluster.runTo(TERM_S + 6 * HOUR);
  assertWithinTerms(
    usesOf(cluster, (resource) => resource === shared),
    0,
    2,
  );
  assert.is(cluster.nodes[1].isRunning(1), false);
});

test('FLT-1 holds: a rota outlasts a reset, and the configuration of the reset counts', () => {
  const cluster = clusterWith();
  cluster.runTo(600);
  assigned(cluster, 1, shared);
  cluster.runTo(HOUR);
  cluster.restore(1, 2, cluster.stored[1][0]);
  assert.is(cluster.nodes[1].rota(0)!.cluster, home);
  assert.is(cluster.nodes[1].rota(0)!.oursUntilS, TERM_S);
  assert.is(cluster.nodes[1].rota(1), undefined);
  cluster.runTo(TERM_S + HOUR);
  assert.equal({ ...cluster.nodes[1].rota(0) }, { group: 3, unit: 2, cluster: 8, oursUntilS: 0 });
  assertWithinTerms(
    usesOf(cluster, (resource) => resource === shared),
    0,
    2,
  );
});

test('FLT-1 violated: no restart loses a rota, whatever else its configuration has', () => {
  const groups: Group[] = [...smallWorld];
  const cluster = clusterWith({ groups });
  cluster.runTo(HOUR);
  const alien: Message = { name: 'path-key', node: 511, key: new Uint8Array(32) };
  groups.push(alien as never);
  cluster.restore(1, 2, cluster.stored[1][0]);
  assert.is(cluster.nodes[1].rota(0)!.cluster, home, 'a key that is refused stands before it');
  // One more than there is room for, and one with half a number.
  const many = Array.from({ length: ROTAS_MAX }, (_, unit) => rotaOf({ ...tug, unit: unit + 1 }));
  for (const wrong of [many, [{ ...many[0], clusters: new Uint8Array(3) }]]) {
    groups.splice(smallWorld.length, Number.POSITIVE_INFINITY, ...(wrong as never[]));
    assert.throws(() => cluster.restore(1, 3, cluster.stored[1][0]));
  }
});

test('FLT-1 holds: nodes plan work for days on no lot that other clusters use, too', () => {
  const cluster = clusterWith({ features: FEATURE.plans }, [{ group: 1, unit: 0, clusters: [home, 8] }]);
  cluster.runTo(6 * HOUR);
  const lots = usesOf(cluster, () => true);
  assert.ok(lots.length >= 4, `${lots.length}`);
  assert.equal(
    usesOf(cluster, (resource) => resource >>> 16 === 1),
    [],
  );
});

test('FLT-4 holds: a shared unit stays with the number of the cluster that was split', () => {
  const cluster = clusterWith({ nodes: 8, features: FEATURE.plans }, [
    { ...tug, clusters: [home] },
    { ...tug, unit: 1, clusters: [home] },
  ]);
  cluster.runTo(900);
  order(cluster, 0);
  cluster.runTo(switchS + HOUR);
  for (const node of [0, second[0]]) {
    assert.is(isMoved(cluster, node), true);
    assert.is(cluster.nodes[node].rota(0)!.oursUntilS, node === 0 ? TERM_S : 0);
  }
});

test('FLT-1 violated: a rota with half a number, and one too many, are refused at boot', () => {
  const refused = new RegExp(`status ${STATUS.implausible}`);
  const tugs = (count: number) => Array.from({ length: count }, (_, index) => ({ ...tug, unit: index + 1 }));
  clusterWith({}, tugs(ROTAS_MAX));
  assert.throws(() => clusterWith({}, tugs(ROTAS_MAX + 1)), refused);
  assert.throws(() => rotaOf({ ...tug, clusters: [] }), RangeError);
  assert.throws(() => rotaOf({ ...tug, clusters: Array(9).fill(1) }), RangeError);
  const half: Message = { name: 'rota', group: 3, unit: 1, clusters: new Uint8Array(3) };
  assert.throws(() => clusterWith({ groups: [...smallWorld, half as never] }), refused);
});

test.run();

// What a node measures of convergence: onset, class, four rounds, trend of limits, alarm.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LIVENESS_TICK_S, ROUND_S, SLA_CLASS, TYPE } from '../../host/cbor/generated.ts';
import type { NodeRecord, TestCluster } from '../firmware/cluster.ts';
import { driven, HOUR, split } from '../firmware/driven.ts';

const onboard = suite('convergence on board');

/** Local time of a disturbance, well after the cluster first agreed. */
const beginS = 4 * HOUR + 200;

interface Seen {
  atS: number;
  class: number;
  onsetS: number;
  /** Subject of an onset, second of convergence, or seconds until an alarm. */
  third: number;
}

/** Events of one type that a node emitted from `beginS` on. */
function eventsOf(cluster: TestCluster, node: number, type: number): Seen[] {
  const ofNode = (record: NodeRecord) => record.node === node && record.fields[0] === type && record.atS >= beginS;
  return cluster.events.filter(ofNode).map(({ atS, fields }) => ({
    atS,
    class: fields[FIELD.onset.class],
    onsetS: fields[FIELD.onset.onsetS],
    third: fields[3],
  }));
}

const { onset, converged, alarmed } = TYPE;

function flown(nodes: number): TestCluster {
  const cluster = driven(nodes);
  cluster.runTo(beginS);
  return cluster;
}

onboard('CVG-2 holds: no disruption is seen before the cluster has agreed once', () => {
  const cluster = driven(5);
  cluster.runTo(4 * HOUR);
  const early = cluster.events.filter(({ fields }) => fields[0] === onset && fields[FIELD.onset.onsetS] < 600);
  assert.equal(early, []);
});

onboard('CVG-1 holds: the death of one node is a disruption of class node, with onset and subject', () => {
  const cluster = flown(5);
  cluster.kill(3);
  cluster.runTo(beginS + 3 * HOUR);
  for (const node of [0, 1, 2, 4]) {
    const [first, ...more] = eventsOf(cluster, node, onset);
    assert.equal(more, [], `node ${node}`);
    assert.equal([first.class, first.third], [SLA_CLASS.node, 3]);
    assert.ok(Math.abs(first.onsetS - beginS) <= LIVENESS_TICK_S, `onset ${first.onsetS - beginS} s`);
    assert.ok(first.atS > beginS + 2 * LIVENESS_TICK_S, 'it is known after two ticks of silence');
  }
});

onboard('CVG-1 holds: convergence is the first of four rounds in a row in which all live members agree', () => {
  const cluster = flown(5);
  cluster.kill(3);
  cluster.runTo(beginS + 3 * HOUR);
  for (const node of [0, 1, 2, 4]) {
    const [first, ...more] = eventsOf(cluster, node, converged);
    assert.equal(more, []);
    assert.is(first.class, SLA_CLASS.node);
    assert.is(first.onsetS, eventsOf(cluster, node, onset)[0].onsetS);
    const sinceS = first.atS - first.third;
    assert.ok(sinceS >= 3 * ROUND_S - 300 && sinceS <= 3 * ROUND_S + 300, `${sinceS} s after the first round`);
  }
  assert.is(cluster.nodes[0].view().disruptions, 0);
});

onboard(
  'CVG-1 violated: while a live member does not agree, nothing converges, and an alarm comes at 45 minutes',
  () => {
    const cluster = flown(5);
    cluster.kill(3);
    // Node 1 hears nobody: it is live, and agrees with nobody.
    cluster.jam = (_, receiver) => receiver === 1;
    cluster.runTo(beginS + 2 * HOUR);
    for (const node of [0, 2, 4]) {
      assert.equal(eventsOf(cluster, node, converged), []);
      const [first, ...more] = eventsOf(cluster, node, alarmed);
      assert.equal(more, [], 'one alarm');
      assert.is(first.class, SLA_CLASS.node);
      assert.ok(first.third >= 2700 && first.third <= 2760, `${first.third} s`);
      assert.is(cluster.nodes[node].view().disruptions, 1);
    }
  },
);

onboard('CVG-1 holds: several members that fall silent together are a disruption of class cluster', () => {
  for (const [fallen, expected] of [
    [[7, 8], SLA_CLASS.node],
    [[6, 7, 8], SLA_CLASS.cluster],
  ] as const) {
    const cluster = flown(9);
    for (const node of fallen) cluster.kill(node);
    cluster.runTo(beginS + HOUR);
    assert.is(eventsOf(cluster, 0, onset)[0].class, expected, `${fallen.length} of 9`);
  }
});

onboard('CVG-1 holds: members that come back are a disruption that begins when they are heard', () => {
  const cluster = flown(5);
  split(cluster, [0, 1, 2, 3], [4]);
  cluster.runTo(beginS + 3 * HOUR);
  const before = eventsOf(cluster, 0, onset).length;
  assert.is(eventsOf(cluster, 0, converged).length, 1);
  const backS = beginS + 3 * HOUR;
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.runTo(backS + 2 * HOUR);
  const back = eventsOf(cluster, 0, onset).slice(before);
  assert.ok(
    back.length >= 1 && back[0].onsetS >= backS && back[0].onsetS <= backS + LIVENESS_TICK_S,
    JSON.stringify(back),
  );
  assert.is(eventsOf(cluster, 0, converged).length, 2);
});

onboard('CVG-1 holds: what follows within 15 minutes is the same disruption; what comes later is another', () => {
  for (const [laterS, disruptions] of [
    [600, 1],
    [2400, 2],
  ]) {
    const cluster = flown(7);
    cluster.kill(5);
    cluster.runTo(beginS + laterS);
    cluster.kill(6);
    cluster.runTo(beginS + laterS + 3 * HOUR);
    const closed = eventsOf(cluster, 0, converged);
    assert.is(eventsOf(cluster, 0, onset).length, 2, 'two onsets');
    assert.is(closed.length, disruptions, `${laterS} s later`);
    assert.is(closed[0].onsetS, eventsOf(cluster, 0, onset)[0].onsetS, 'the first onset counts');
  }
});

onboard.run();

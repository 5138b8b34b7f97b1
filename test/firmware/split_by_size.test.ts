// When a cluster splits by itself (FLT-4, CVG-3): too large for long, or too slow to converge.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DECISION_KIND, type Group, type Message, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { smallWorld, TestCluster } from './cluster.ts';
import { HOUR } from './driven.ts';
import { place } from './region.ts';

const lots: Group[] = [1, 2, 3, 4].map((group) => ({ ...smallWorld[0], group, units: 60, capacity: 12_000 }));
const groups: Group[] = [...lots, { ...smallWorld[2], group: 5, units: 40 }];
const kept: readonly number[] = [TYPE.moved, TYPE.decided, TYPE.converged];

/** A cluster of which events of splits and disruptions are kept only. */
function large(nodes: number): TestCluster {
  const cluster = new TestCluster({ nodes, place, groups });
  cluster.mayRefuse = (_, __, status) => status === STATUS.notForUs;
  cluster.onRecord = (record) => {
    if (kept.includes(record.fields[0])) cluster.events.push(record);
  };
  return cluster;
}

function assertHalves(cluster: TestCluster, nodes: number): void {
  assert.is(cluster.events.filter(({ fields }) => fields[0] === TYPE.moved).length, nodes);
  const went = cluster.nodes[0].division()!.second.length;
  assert.ok(went >= 0.4 * nodes && went <= 0.6 * nodes, `${went}`);
  for (let node = 0; node < nodes; node++) {
    const { round, quorumRound } = cluster.nodes[node].view();
    assert.ok(quorumRound + 1 >= round, `node ${node} has a quorum`);
  }
}

/** Cuts a member off for ten minutes of each twenty, so many times. */
function comesAndGoes(cluster: TestCluster, beginS: number, times: number): void {
  for (let time = 0; time < times; time++) {
    cluster.runTo(beginS + time * 1200);
    cluster.part[7] = 1;
    cluster.runTo(beginS + time * 1200 + 600);
    cluster.part[7] = 0;
  }
}

test('FLT-4 holds: 180 live members for six hours split by themselves, but not during a disruption', () => {
  const cluster = large(181);
  comesAndGoes(cluster, 5.5 * HOUR, 3);
  cluster.runTo(6.75 * HOUR);
  assert.is(cluster.nodes[0].decision(), undefined);
  cluster.runTo(8.5 * HOUR);
  assertHalves(cluster, 181);
});

test('FLT-4 holds: 179 live members do not split, nor 180 within six hours', () => {
  const cluster = large(180);
  cluster.runTo(5.5 * HOUR);
  cluster.kill(100);
  cluster.runTo(7 * HOUR);
  assert.is(cluster.nodes[0].decision(), undefined);
});

/** Flies two disruptions of class `node` beyond their hour; `between` is called after the first. */
function breachTwice(cluster: TestCluster, between: () => void = () => {}): void {
  comesAndGoes(cluster, HOUR, 5);
  cluster.runTo(3.8 * HOUR);
  between();
  comesAndGoes(cluster, 4 * HOUR, 5);
}

test('CVG-3 holds: 125 members split after two disruptions of three that broke their SLA', () => {
  const cluster = large(125);
  breachTwice(cluster, () => assert.is(cluster.nodes[0].decision(), undefined));
  cluster.runTo(8.5 * HOUR);
  assertHalves(cluster, 125);
});

test('CVG-3 violated: 124 members that break their SLA twice are not split', () => {
  const cluster = large(124);
  breachTwice(cluster);
  cluster.runTo(6.7 * HOUR);
  assert.is(cluster.nodes[0].decision(), undefined);
});

test('FLT-4 holds: nothing is split where there is no place to cut', () => {
  // The only depot has one lane.
  const cluster = new TestCluster({ nodes: 8, place, groups: [smallWorld[0], { ...smallWorld[2], units: 1 }] });
  cluster.runTo(900);
  const order: Message = { name: 'propose-decision', kind: DECISION_KIND.split, contentHigh: 0, contentLow: 0 };
  assert.is(cluster.observe(0, order), STATUS.ok);
  cluster.runTo(HOUR);
  assert.is(cluster.nodes[1].decision()?.kind, DECISION_KIND.void);
});

test.run();

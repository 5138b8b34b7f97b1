// Decisions of a cluster (docs/federation.md): each rule that test/model/decision.pml refutes a
// mutant of has a test here, named in its title.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Decision, DECISION_KIND, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster, type ClusterOptions } from './cluster.ts';
import { DAY, HOUR, split } from './driven.ts';
import { place } from './region.ts';

const nodes = 6;
const constants = firmwareConstants('flight');
/** Records change in the first `windowS` of each `changeS`. */
const changeS = Number(constants.get('CHANGE_S'));
const windowS = Number(constants.get('WINDOW_S'));
const tryS = Number(constants.get('TRY_S'));

/** The ballot of a proposer in the try of a mission second. */
const ballotAt = (atS: number, proposer: number): number => ((Math.floor(atS / tryS) + 1) << 8) | proposer;

function clusterWith(options: Partial<ClusterOptions> = {}): TestCluster {
  return new TestCluster({ nodes, features: 0, place, ...options });
}

function order(cluster: TestCluster, node: number, kind: number, contentLow = 0, contentHigh = 0): number {
  return cluster.observe(node, { name: 'propose-decision', kind, contentHigh, contentLow });
}

const growOrder = (cluster: TestCluster, node: number, size: number): number =>
  order(cluster, node, DECISION_KIND.grow, size);

/** A cluster whose coordinator was ordered to decide on 8 numbers, before the first window. */
function ordered(options: Partial<ClusterOptions> = {}): TestCluster {
  const cluster = clusterWith(options);
  cluster.runTo(900);
  assert.is(growOrder(cluster, 0, 8), STATUS.ok);
  return cluster;
}

interface Outcome {
  atS: number;
  node: number;
  number: number;
  ballot: number;
  kind: number;
  content: number;
}

/** What nodes saw decided, in the order of time. */
function decidedIn(cluster: TestCluster): Outcome[] {
  return cluster.events
    .filter(({ fields }) => fields[0] === TYPE.decided)
    .map(({ atS, node, fields: [, number, ballot, kind, , content] }) => ({
      ...{ atS, node, number, ballot, kind, content },
    }));
}

/** One text for each value that was decided. */
const valuesOf = (cluster: TestCluster): string[] => [
  ...new Set(decidedIn(cluster).map(({ number, kind, content }) => `${number}: ${kind} ${content}`)),
];

const isDecision = (cluster: TestCluster): boolean =>
  openedFrame(cluster.onAir()).messages.some(({ name }) => name === 'decision');

const record = (changes: Partial<Decision>): Decision => ({
  ...{ name: 'decision', number: 1, promised: ballotAt(0, 0), accepted: 0, kind: DECISION_KIND.void },
  ...{ contentHigh: 0, contentLow: 0, size: 0 },
  ...changes,
});

const grown = (size: number) => ({ kind: DECISION_KIND.grow, contentLow: size });

/** The record of a node, without what is its own. */
function recordOf(cluster: TestCluster, node: number) {
  const answer = cluster.nodes[node].decision();
  return answer && { ...answer, agreed: 0, decided: 0 };
}

function assertOneRecord(cluster: TestCluster, among: number[]): void {
  for (const node of among) assert.equal(recordOf(cluster, node), recordOf(cluster, among[0]), `node ${node}`);
}

const everybody = Array.from({ length: nodes }, (_, node) => node);

test('FLT-1 holds: what the coordinator is ordered is decided, by all members alike and once', () => {
  const cluster = ordered();
  cluster.runTo(changeS - 5);
  assert.is(cluster.nodes[0].decision(), undefined, 'nothing is opened before the window');
  cluster.runTo(2 * changeS - 5);
  assert.ok(everybody.every((node) => cluster.nodes[node].decision()?.promised === ballotAt(0, 0)));
  assert.equal(decidedIn(cluster), []);
  cluster.runTo(3 * changeS - 5);
  const outcomes = decidedIn(cluster);
  assert.equal(outcomes.map(({ node }) => node).sort(), everybody);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
  assertOneRecord(cluster, everybody);
  const { agreed, decided, size } = cluster.nodes[3].decision()!;
  assert.equal([agreed, decided, size], [1, 1, 0]);
  assert.ok(cluster.nodes.every((node) => node.view().quorum === 1));
});

test('FLT-1 holds: the next decision has the next number and a later try, and knows the size decided before', () => {
  const cluster = ordered();
  cluster.runTo(3 * changeS);
  assert.is(growOrder(cluster, 0, 7), STATUS.ok, 'it is checked again when it is proposed');
  cluster.runTo(tryS - 5);
  assert.is(cluster.nodes[0].decision()?.number, 1, 'a try has one number');
  cluster.kill(5);
  cluster.runTo(tryS + 3 * changeS);
  // 7 is not more than 8: nothing is decided, which is a value, too.
  assert.equal(valuesOf(cluster).at(-1), `2: ${DECISION_KIND.void} 0`);
  assert.is(cluster.nodes[1].decision()?.size, 8);
  const image = cluster.stored[5][0];
  cluster.restore(5, 2, image);
  cluster.runTo(tryS + 5 * changeS - 5);
  assertOneRecord(cluster, everybody);
  assert.is(cluster.nodes[5].decision()?.size, 8, 'a member that was absent learns what was decided');
  assert.is(cluster.nodes[5].view().quorum, 1);
});

test('FLT-1 violated (two proposers in one try, a partition): a minority decides nothing', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  // A quorum promised; what is proposed now reaches two members of six.
  split(cluster, [2, 3, 4, 5], [0, 1]);
  cluster.runTo(5 * changeS - 5);
  const [mine, theirs] = [cluster.nodes[0].decision()!, cluster.nodes[2].decision()!];
  assert.equal([mine.accepted, mine.kind, mine.contentLow], [ballotAt(0, 0), DECISION_KIND.grow, 8]);
  assert.equal([theirs.promised, theirs.accepted & 0xff], [ballotAt(0, 2), 2]);
  const outcomes = decidedIn(cluster);
  assert.equal([...new Set(outcomes.map(({ node }) => node))].sort(), [2, 3, 4, 5]);
  cluster.part.fill(0);
  cluster.runTo(tryS + 4 * changeS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.void} 0`]);
  assertOneRecord(cluster, everybody);
  assert.ok(everybody.every((node) => cluster.nodes[node].decision()?.decided === 1));
});

test('FLT-1 violated: a value that three of six accepted when its proposer died is not lost', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  cluster.jam = (_, receiver) => receiver > 3 && isDecision(cluster);
  while (cluster.nodes[3].decision()!.accepted === 0) cluster.runTo(cluster.nowMs / 1000 + 1);
  cluster.kill(0);
  cluster.runTo(2 * changeS + windowS);
  const accepted = [1, 2, 3, 4, 5].map((node) => cluster.nodes[node].decision()!.accepted !== 0);
  assert.equal(accepted, [true, true, true, false, false]);
  cluster.jam = null;
  cluster.runTo(3 * changeS - 5);
  assert.equal(decidedIn(cluster), []);
  // Node 1 has no order: it would propose nothing.
  cluster.runTo(tryS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
});

/** A cluster in which a value of node 2 was accepted, and node 4 opened a later ballot. */
function learnt(): TestCluster {
  const cluster = clusterWith();
  cluster.runTo(changeS + 10);
  const value = { promised: ballotAt(0, 4), accepted: ballotAt(0, 2), ...grown(8) };
  cluster.inject(3, 4, [record(value)]);
  cluster.runTo(tryS - 5);
  for (const node of everybody) {
    const { promised, accepted, agreed } = cluster.nodes[node].decision()!;
    assert.equal([promised, accepted, agreed], [ballotAt(0, 4), ballotAt(0, 2), 1]);
  }
  return cluster;
}

test('FLT-1 violated (LEARNT_DECIDES): a value of an earlier ballot decides nothing', () => {
  assert.equal(decidedIn(learnt()), []);
});

test('FLT-1 violated (VALUE_CHOSEN_ANEW): a later ballot proposes what was accepted', () => {
  const cluster = learnt();
  assert.is(growOrder(cluster, 0, 9), STATUS.ok);
  cluster.runTo(tryS + 3 * changeS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
  assert.ok(decidedIn(cluster).every(({ ballot }) => ballot === ballotAt(tryS, 0)));
  // The order waits for a decision of its own.
  cluster.runTo(2 * tryS + 3 * changeS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`, `2: ${DECISION_KIND.grow} 9`]);
});

test('FLT-1 violated (PROMISES_UNASKED): nothing is proposed before a quorum promised', () => {
  const cluster = ordered();
  cluster.jam = () => isDecision(cluster);
  cluster.runTo(3 * changeS - 5);
  assert.equal([cluster.nodes[0].decision()?.promised, cluster.nodes[0].decision()?.accepted], [ballotAt(0, 0), 0]);
  assert.is(cluster.nodes[1].decision(), undefined);
  cluster.jam = null;
  cluster.runTo(5 * changeS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
});

test('FLT-1 violated (OLD_BALLOT): a promise is kept when an older ballot is proposed', () => {
  const cluster = clusterWith();
  cluster.runTo(changeS + 10);
  assert.is(cluster.inject(3, 4, [record({ promised: ballotAt(0, 4) })]), STATUS.ok);
  const old = { promised: ballotAt(0, 2), accepted: ballotAt(0, 2), ...grown(8) };
  assert.is(cluster.inject(3, 2, [record(old)]), STATUS.ok);
  const { promised, accepted } = cluster.nodes[3].decision()!;
  assert.equal([promised, accepted], [ballotAt(0, 4), ballotAt(0, 2)]);
  // An older value does not replace a later one, and an older number replaces nothing.
  cluster.inject(3, 1, [record({ promised: ballotAt(0, 1), accepted: ballotAt(0, 1), ...grown(9) })]);
  assert.is(cluster.nodes[3].decision()?.contentLow, 8);
  cluster.runTo(2 * changeS - 5);
  assertOneRecord(cluster, everybody);
  assert.equal(decidedIn(cluster), []);
});

test('FLT-1 violated (NOT_DURABLE): when a value is decided, both checkpoints of a quorum contain it', () => {
  const cluster = ordered();
  while (decidedIn(cluster).length === 0) cluster.runTo(cluster.nowMs / 1000 + 1);
  const [{ ballot }] = decidedIn(cluster);
  // All restart at once, from the older of their two checkpoints.
  for (const node of everybody) cluster.restore(node, 2, cluster.stored[node][1]);
  const kept = everybody.filter((node) => cluster.nodes[node].decision()?.accepted === ballot);
  assert.ok(kept.length > nodes / 2, `${kept}`);
  cluster.events.length = 0;
  cluster.runTo(2 * tryS);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
});

test('FLT-1 violated: a restart between acceptance and checkpoint forgets what decided nothing', () => {
  const cluster = ordered();
  while (cluster.nodes[5].decision()?.accepted !== ballotAt(0, 0)) cluster.runTo(cluster.nowMs / 1000 + 1);
  const before = recordOf(cluster, 5);
  cluster.restore(5, 2, cluster.stored[5][0]);
  assert.is(cluster.nodes[5].decision()?.accepted, 0);
  cluster.runTo(4 * changeS);
  assert.equal(recordOf(cluster, 5), before);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
});

test('FLT-1 violated: a proposer that restarts proposes nothing in a ballot of before its boot', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  cluster.restore(0, 2, cluster.checkpoint(0));
  cluster.runTo(tryS - 5);
  const { promised, accepted } = cluster.nodes[0].decision()!;
  assert.equal([promised, accepted], [ballotAt(0, 0), 0]);
  cluster.runTo(tryS + 3 * changeS);
  // Its order is forgotten, and its next try decides nothing.
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.void} 0`]);
  assert.is(decidedIn(cluster)[0].ballot, ballotAt(tryS, 0));
});

test('FLT-1 violated (VOTE_BY_TIME): who lost its checkpoint gets no vote by time', () => {
  for (const bound of [true, false]) {
    const cluster = clusterWith({ nodes: 3, place: bound ? place : null });
    cluster.runTo(1800);
    cluster.kill(2);
    for (const node of [0, 1]) cluster.boot(node, 2, true);
    cluster.onRecord = () => {};
    cluster.runTo(31 * DAY + 3 * HOUR);
    const hadQuorum = cluster.nodes[0].view().quorumRound > 15;
    assert.is(hadQuorum, !bound);
  }
});

test('FLT-1 holds: a member that lost its checkpoint learns the record, and votes once a majority agrees', () => {
  const cluster = ordered();
  cluster.runTo(3 * changeS);
  cluster.boot(5, 2, true);
  assert.is(cluster.nodes[5].decision(), undefined);
  cluster.runTo(4 * changeS - 5);
  assertOneRecord(cluster, everybody);
  assert.is(cluster.nodes[5].view().quorum, 1);
});

test('FLT-1 violated: values that are not built, and what cannot be, are refused', () => {
  const cluster = clusterWith();
  cluster.runTo(changeS + 10);
  for (const kind of [DECISION_KIND.split, DECISION_KIND.dissolve, DECISION_KIND.lend, 9]) {
    assert.is(order(cluster, 0, kind, 1), STATUS.implausible);
    const value = { promised: ballotAt(0, 1), accepted: ballotAt(0, 1), kind, contentLow: 1 };
    assert.is(cluster.inject(2, 1, [record(value)]), STATUS.implausible, `kind ${kind}`);
  }
  assert.is(growOrder(cluster, 1, 8), STATUS.implausible, 'only the coordinator takes an order');
  for (const size of [0, nodes, 201]) assert.is(growOrder(cluster, 0, size), STATUS.implausible, `${size}`);
  assert.is(order(cluster, 0, DECISION_KIND.grow, 8, 1), STATUS.implausible);
  assert.is(order(cluster, 0, DECISION_KIND.void, 1), STATUS.implausible);
  const wrong: Partial<Decision>[] = [
    { promised: ballotAt(tryS, 0) },
    { promised: ballotAt(0, 200) },
    { promised: 7 },
    { number: 2 },
    { promised: ballotAt(0, 1), accepted: ballotAt(0, 2) },
    { ...grown(201) },
  ];
  for (const changes of wrong)
    assert.is(cluster.inject(2, 1, [record(changes)]), STATUS.implausible, JSON.stringify(changes));
  assert.is(cluster.nodes[2].decision(), undefined);
  // A cluster of six does not grow to six: the promise counts, the value does not.
  const less = { promised: ballotAt(0, 1), accepted: ballotAt(0, 1), ...grown(6) };
  for (let twice = 0; twice < 2; twice++) assert.is(cluster.inject(2, 1, [record(less)]), STATUS.ok);
  assert.equal([recordOf(cluster, 2)?.promised, recordOf(cluster, 2)?.accepted], [ballotAt(0, 1), 0]);
});

test('FLT-1 violated: two values in one ballot end as one, everywhere', () => {
  const cluster = clusterWith();
  cluster.runTo(changeS + 10);
  const ballot = { promised: ballotAt(0, 5), accepted: ballotAt(0, 5) };
  cluster.inject(1, 5, [record({ ...ballot, ...grown(8) })]);
  cluster.inject(2, 5, [record({ ...ballot, ...grown(9) })]);
  cluster.inject(3, 5, [record({ ...ballot, kind: DECISION_KIND.void })]);
  cluster.runTo(2 * changeS - 5);
  assertOneRecord(cluster, everybody);
  assert.is(cluster.nodes[1].decision()?.contentLow, 9);
});

test('FLT-1 violated: what a quorum agreed on is not replaced by a second value of its ballot', () => {
  const cluster = ordered();
  cluster.runTo(3 * changeS + 10);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
  const before = recordOf(cluster, 2)!;
  cluster.inject(2, 5, [record({ promised: before.promised, accepted: before.accepted, ...grown(9) })]);
  assert.equal(recordOf(cluster, 2), before);
});

test('INT-5 holds: who raises promises again and again keeps no quorum away', () => {
  const cluster = clusterWith();
  cluster.runTo(changeS);
  let [longest, atS] = [0, changeS];
  for (let proposer = 1; atS < changeS + 2 * HOUR; proposer = (proposer % 190) + 1) {
    const raised = record({ promised: ballotAt(atS, proposer) });
    for (const node of everybody) cluster.inject(node, (node + 1) % nodes, [raised]);
    atS += 60;
    cluster.runTo(atS);
    const { round, quorumRound } = cluster.nodes[3].view();
    longest = Math.max(longest, round - quorumRound);
  }
  // A lease has 735 s, six rounds.
  assert.ok(longest > 0 && longest < 6, `${longest}`);
});

test('FLT-1 holds: without a place there are no decisions, and no record of them', () => {
  const cluster = clusterWith({ place: null });
  cluster.runTo(changeS + 10);
  assert.is(growOrder(cluster, 0, 8), STATUS.implausible);
  assert.is(cluster.inject(1, 0, [record({})]), STATUS.ok);
  assert.is(cluster.nodes[1].decision(), undefined);
});

test('FLT-1 holds: compact members promise, accept and see what is decided, and open nothing', () => {
  const cluster = clusterWith({ preset: 'compact' });
  cluster.runTo(900);
  assert.is(growOrder(cluster, 0, 8), STATUS.implausible);
  cluster.runTo(changeS + 10);
  const value = { promised: ballotAt(0, 2), accepted: ballotAt(0, 2), ...grown(8) };
  cluster.inject(0, 2, [record(value)]);
  cluster.runTo(2 * changeS - 5);
  assertOneRecord(cluster, everybody);
  assert.equal(valuesOf(cluster), [`1: ${DECISION_KIND.grow} 8`]);
});

test.run();

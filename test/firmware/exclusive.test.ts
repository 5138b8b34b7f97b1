import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CUT_LAG_S,
  INTENT_STATE,
  LEASE_S,
  LIVENESS_TICK_S,
  type Message,
  OUTLOOK_KIND,
  ROUND_S,
  STATUS,
  TYPE,
  VERDICT,
} from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { assign, claimOf, DAY, driven, HOUR, leaseUntilS, lot, split, stored, versionOf } from './driven.ts';
import { revokeVoteS, startRounds } from './trial.ts';
import { watched } from './watch.ts';

const exclusive = suite('INT-5 in hand-driven partitions');

exclusive('a claim behind one that is refused for a notice does not settle: its owner may lack the notice', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  const beginS = 5 * HOUR;
  const claimS = beginS - CUT_LAG_S - 5;
  // Both may settle in the round that begins then: each agreed with the other in the two before.
  const settlesS = beginS + startRounds * ROUND_S;
  // The observer is off, so nobody contradicts its notice. Node 1 lacks it, and neither owner hears
  // that the other one starts.
  cluster.runTo(claimS - 10);
  cluster.kill(3);
  cluster.jam = (_, receiver) =>
    openedFrame(cluster.onAir()).messages.some(
      (message) =>
        (message.name === 'notice' && receiver === 1) ||
        (message.name === 'intent' && message.state === INTENT_STATE.started && message.owner === 3 - receiver),
    );
  const notice: Message = { name: 'notice', group: 1, unit: 0, capacity: 50, observedS: claimS - 10, observer: 3 };
  for (const node of [0, 2, 4]) assert.is(cluster.inject(node, 3, [notice]), STATUS.ok);
  cluster.runTo(claimS);
  assign(cluster, 2, claimS, claimS + DAY, { rate: 30, priority: 1 });
  assign(cluster, 1, claimS, claimS + DAY, { rate: 60, priority: 5 });
  cluster.runTo(settlesS - 1);
  assert.is(cluster.nodes[1].intent(2, 0)?.state, INTENT_STATE.claimed, 'node 1 stores the claim of node 2');
  assert.is(cluster.nodes[2].intent(1, 0)?.verdict, VERDICT.refused, 'a notice refuses it');
  cluster.runTo(settlesS + 4 * ROUND_S);
  assert.equal(
    [1, 2].map((node) => cluster.nodes[node].isRunning(0)),
    [true, false],
  );
  assert.equal(watch.doubles, []);
});

/** Runs until a node works in intent slot 0; it must within six rounds. */
function awaitWork(cluster: TestCluster, node: number): void {
  const latestS = cluster.nowMs / 1000 + 6 * ROUND_S;
  while (!cluster.nodes[node].isRunning(0) && cluster.nowMs < latestS * 1000) cluster.runTo(cluster.nowMs / 1000 + 5);
  assert.ok(cluster.nodes[node].isRunning(0), `node ${node} works`);
}

const silentS = 4 * HOUR;
/**
 * Begin of the round in which votes are revoked that nobody heard of since the tick of `silentS`.
 */
const revokedS = silentS + revokeVoteS;
assert.is(revokedS % ROUND_S, 0);
let away: { cluster: TestCluster; back: () => void } | null = null;

/**
 * Flies seven nodes, 0 and 1 apart, to a little over a round before the begin at `revokedS`. Then
 * the other five would revoke the two votes. All were switched off meanwhile. Flown once.
 */
function votesAboutToBeLost(): TestCluster {
  if (away === null) {
    const cluster = driven(7);
    cluster.runTo(silentS + LIVENESS_TICK_S - 5);
    split(cluster, [0, 1], [2, 3, 4, 5, 6]);
    const watch = watched(cluster);
    cluster.runTo(silentS + 2 * ROUND_S);
    const images = cluster.nodes.map((_, node) => cluster.checkpoint(node));
    for (const node of images.keys()) cluster.kill(node);
    cluster.runTo(revokedS - 4 * LEASE_S);
    for (const [node, image] of images.entries()) cluster.restore(node, 2, image);
    cluster.runTo(revokedS - ROUND_S - 5);
    assert.is(cluster.nodes[2].view().quorum, 1, 'the five are a majority');
    assert.equal(watch.doubles, []);
    away = { cluster, back: cluster.saved() };
  }
  away.back();
  return away.cluster;
}

exclusive('two majorities counted without different revoked votes always share a member', () => {
  const cluster = votesAboutToBeLost();
  const watch = watched(cluster);
  cluster.runTo(revokedS + HOUR + 100);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  const t = revokedS + HOUR + 130;
  cluster.runTo(t);
  assign(cluster, 0, t, t + DAY);
  assign(cluster, 4, t, t + DAY);
  cluster.runTo(t + 3 * HOUR);
  assert.equal(watch.doubles, []);
  assert.is(cluster.nodes[4].own(0).running, 1, 'three of the five that revoked two votes work on');
  split(cluster, [0, 1, 2, 3, 4, 5, 6]);
  cluster.runTo(t + 6 * HOUR);
  split(cluster, [0, 1, 2], [3, 4, 5, 6]);
  cluster.runTo(t + 8 * HOUR);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  cluster.runTo(t + 10 * HOUR);
  assert.ok(
    leaseUntilS(cluster, 0) > t + 10 * HOUR,
    'the nodes that came back vote again: four of seven are a majority',
  );
  assert.ok(leaseUntilS(cluster, 4) < t + 10 * HOUR, 'three of seven are no majority');
  assert.equal(watch.doubles, []);
});

/** Assigns the unit to both sides for a day; returns the nodes that work it after three hours. */
function contested(cluster: TestCluster): number[] {
  const nowS = Math.ceil(cluster.nowMs / 1000);
  assign(cluster, 0, nowS, nowS + DAY);
  assign(cluster, 4, nowS, nowS + DAY);
  cluster.runTo(nowS + 3 * HOUR);
  return [0, 4].filter((node) => cluster.nodes[node].isRunning(0));
}

exclusive('three nodes that revoked two votes on their own are no majority of seven', () => {
  const cluster = votesAboutToBeLost();
  const watch = watched(cluster);
  cluster.runTo(revokedS - LIVENESS_TICK_S - 10);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  assert.equal(contested(cluster), [0]);
  assert.equal(watch.doubles, []);
});

exclusive('only nodes that see a majority revoke votes', () => {
  const cluster = votesAboutToBeLost();
  const watch = watched(cluster);
  // Nodes 2 and 3 hear nothing for a round: they see no majority and revoke no votes at its end.
  let jammed = true;
  cluster.jam = (_, receiver) => jammed && (receiver === 2 || receiver === 3);
  cluster.runTo(revokedS + 15);
  jammed = false;
  cluster.runTo(revokedS + ROUND_S - 15);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  assert.ok(contested(cluster).length <= 1);
  assert.equal(watch.doubles, []);
});

exclusive(
  'an owner that comes back before its lease hold ends leaves the unit to the node that settled in advance',
  () => {
    const cluster = driven(5);
    const watch = watched(cluster);
    cluster.runTo(2 * HOUR);
    assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
    awaitWork(cluster, 0);
    cluster.observe(0, { name: 'outlook', fromS: 3 * HOUR, untilS: 5 * HOUR, kind: OUTLOOK_KIND.occultation });
    cluster.runTo(3 * HOUR + ROUND_S);
    split(cluster, [1, 2, 3, 4], [0]);
    cluster.runTo(5 * HOUR);
    const { boundS } = stored(cluster, 1);
    assert.ok(boundS > 5 * HOUR + 4 * ROUND_S && boundS < 5 * HOUR + DAY, 'the lease hold ends the work');
    assign(cluster, 1, boundS, boundS + DAY);
    cluster.runTo(boundS - 2 * ROUND_S);
    assert.ok(cluster.nodes[1].own(0).settledVersion !== 0, 'node 1 settled in advance');
    split(cluster, [0, 2, 3, 4], [1]);
    cluster.runTo(boundS + LEASE_S);
    assert.equal(
      watch.successions.map(({ from, to }) => [from, to]),
      [[0, 1]],
    );
    assert.equal(watch.doubles, []);
  },
);

for (const restart of ['without a checkpoint', 'from a checkpoint']) {
  exclusive(`a witness that restarts ${restart} agrees to nothing before it stores again what it agreed to`, () => {
    const cluster = driven(3);
    const watch = watched(cluster);
    cluster.runTo(4 * HOUR);
    const old = cluster.checkpoint(1);
    cluster.runTo(6 * HOUR);
    split(cluster, [0, 1], [2]);
    cluster.runTo(6 * HOUR + 30);
    assign(cluster, 0, 6 * HOUR + 30, 7 * DAY);
    awaitWork(cluster, 0);
    split(cluster, [0], [1, 2]);
    if (restart === 'from a checkpoint') cluster.restore(1, 2, old);
    else cluster.boot(1, 2, true);
    const claimS = Math.ceil(cluster.nowMs / 1000) + 10;
    cluster.runTo(claimS);
    assign(cluster, 2, claimS, 7 * DAY);
    cluster.runTo(9 * HOUR);
    assert.equal(watch.doubles, []);
    if (restart === 'from a checkpoint')
      assert.is(cluster.nodes[2].own(0).running, 1, 'it counts again after the leases that it may have granted');
    else assert.is(cluster.nodes[2].own(0).running, 0, 'it may have granted one of 31 days');
    split(cluster, [0, 1, 2]);
    cluster.runTo(11 * HOUR);
    assert.ok(leaseUntilS(cluster, 2) > 11 * HOUR, 'it counts again when two others agree');
  });
}

exclusive(
  'a witness stores a lease extended in advance before it agrees: after a restart it still knows the lease',
  () => {
    const cluster = driven(5);
    const watch = watched(cluster);
    cluster.runTo(4 * HOUR);
    assign(cluster, 0, 4 * HOUR, 3 * DAY);
    cluster.runTo(5 * HOUR);
    split(cluster, [0, 1, 2], [3, 4]);
    cluster.runTo(5 * HOUR + 30);
    cluster.observe(0, { name: 'outlook', fromS: 6 * HOUR, untilS: 2 * DAY, kind: OUTLOOK_KIND.occultation });
    cluster.runTo(5 * HOUR + 4 * ROUND_S + 30);
    split(cluster, [0], [2], [1, 3, 4]);
    cluster.restore(1, 2, cluster.stored[1][0]);
    cluster.runTo(9 * HOUR);
    assign(cluster, 3, 9 * HOUR, 9 * HOUR + DAY);
    cluster.runTo(12 * HOUR);
    assert.is(cluster.nodes[0].own(0).running, 1, 'the lease was extended');
    assert.equal(watch.doubles, []);
  },
);

exclusive('no node agrees to a lease extended in advance before two checkpoints contain it', () => {
  const cluster = driven(5);
  const cutS = 5 * HOUR;
  cluster.runTo(cutS - 5);
  const now = cutS - 5;
  const extended = { state: INTENT_STATE.started, endS: now + 9 * DAY, leaseS: now + 5 * DAY };
  cluster.inject(1, 4, [claimOf(4, now, { slot: 1, version: versionOf(9), ...extended })]);
  const agreed: { atS: number; own: boolean; stored: number }[] = [];
  cluster.commands.length = 0;
  cluster.jam = (sender) => {
    const heartbeat = openedFrame(cluster.onAir()).messages.find((message) => message.name === 'heartbeat');
    const stored = cluster.commands.filter(
      ({ node, fields }) => node === 1 && fields[0] === TYPE.storeCheckpoint,
    ).length;
    if (sender === 1 && heartbeat?.name === 'heartbeat' && cluster.nowMs > cutS * 1000)
      agreed.push({ atS: cluster.nowMs / 1000, own: (heartbeat.agree[0] & 2) !== 0, stored });
    return false;
  };
  cluster.runTo(cutS + 2 * ROUND_S);
  assert.ok(agreed.some(({ stored }) => stored < 2));
  assert.ok(
    agreed.every(({ own, stored }) => !own || stored >= 2),
    JSON.stringify(agreed),
  );
  assert.ok(agreed.at(-1)?.own, 'then it does');
});

exclusive('a node that does not trust its clock stores every extended lease before it agrees, also a short one', () => {
  const cluster = driven(3);
  cluster.runTo(HOUR);
  split(cluster, [0, 2], [1]);
  const nowS = HOUR + 3 * DAY + 2 * LIVENESS_TICK_S;
  cluster.runTo(nowS);
  assert.ok(cluster.nodes[1].node().errorMs > 10_000, 'node 1 does not trust its clock');
  const extended = { state: INTENT_STATE.started, version: versionOf(9), leaseS: nowS + LEASE_S };
  cluster.commands.length = 0;
  for (const node of [0, 1]) cluster.inject(node, 2, [claimOf(2, nowS, { slot: 1, ...extended })]);
  cluster.runTo(nowS + 5 * LIVENESS_TICK_S);
  const storedBy = [0, 1].map(
    (node) => cluster.commands.filter((c) => c.node === node && c.fields[0] === TYPE.storeCheckpoint).length,
  );
  assert.equal(storedBy, [0, 2]);
});

exclusive('INT-3: a restarted owner of an older claim does not stop work that began since', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  awaitWork(cluster, 0);
  const old = cluster.checkpoint(0);
  split(cluster, [1, 2, 3, 4], [0]);
  cluster.kill(0);
  cluster.runTo(4 * HOUR);
  assign(cluster, 1, 4 * HOUR, 4 * HOUR + DAY);
  cluster.runTo(6 * HOUR - 70);
  assert.is(cluster.nodes[1].own(0).running, 1);
  // It is heard before a cut, and claims anew only after it.
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.restore(0, 2, old);
  cluster.runTo(7 * HOUR);
  assert.is(cluster.nodes[1].own(0).running, 1);
  assert.not(cluster.commands.some(({ node, fields }) => node === 1 && fields[0] === TYPE.stopWork));
  assert.equal(watch.doubles, []);
});

/**
 * Mission time of a node against the true one, seconds; its clock is looked at where it was last
 * called.
 */
function offBy(cluster: TestCluster, node: number): number {
  cluster.observe(node, { name: 'health', tasks: 0xff, batteryWh: 9000, storedKg: 0, solarW: 4000 });
  const { missionS, missionMs } = cluster.nodes[node].node();
  return missionS + missionMs / 1000 - cluster.nowMs / 1000;
}

exclusive('TIM-1: two nodes cut off together state their drift; after 40 days they learn the time anew', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [49, 49] });
  cluster.runTo(4 * HOUR);
  split(cluster, [0, 1], [2, 3, 4]);
  cluster.runTo(4 * HOUR + 10 * DAY);
  assert.ok(offBy(cluster, 0) > 30, `${offBy(cluster, 0)} s`);
  assert.ok(cluster.nodes[0].node().errorMs >= 1000 * offBy(cluster, 0), 'the error it states covers it');
  assert.ok(cluster.nodes[2].node().errorMs < 4000, 'a majority is the time');
  cluster.runTo(4 * HOUR + 40 * DAY);
  assert.ok(offBy(cluster, 0) > 125, `${offBy(cluster, 0)} s`);
  // Counters follow the time: the others reject frames of those two as ahead until they learn the
  // time.
  cluster.mayRefuse = (sender, _node, status) => sender < 2 && status === STATUS.ahead;
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.runTo(4 * HOUR + 40 * DAY + 2 * HOUR);
  for (const node of [0, 1]) {
    assert.ok(Math.abs(offBy(cluster, node)) < 2, `${offBy(cluster, node)} s`);
    assert.ok(leaseUntilS(cluster, node) > cluster.nowMs / 1000, 'it agrees with the others');
  }
});

exclusive('an owner whose clock fell behind while it was cut off stops before others begin', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [-49, -49] });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  assign(cluster, 0, 4 * HOUR, 20 * DAY);
  cluster.runTo(5 * HOUR);
  cluster.observe(0, { name: 'outlook', fromS: 7 * HOUR, untilS: 25 * DAY, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(7 * HOUR);
  split(cluster, [0, 1], [2, 3, 4]);
  cluster.runTo(24 * DAY);
  assert.is(cluster.nodes[0].own(0).running, 1, 'it works on alone');
  const { endS, boundS } = stored(cluster, 2);
  const freeS = Math.min(endS, boundS);
  assign(cluster, 2, freeS, freeS + DAY);
  cluster.runTo(freeS + 2 * HOUR);
  assert.is(cluster.nodes[2].own(0).running, 1, 'and another after it');
  assert.equal(watch.doubles, []);
});

exclusive('an owner whose clock ran ahead while it was cut off does not begin before another ends', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [49, 49] });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  assign(cluster, 2, 4 * HOUR, 20 * DAY);
  assign(cluster, 0, 20 * DAY, 22 * DAY);
  cluster.runTo(5 * HOUR);
  cluster.observe(0, { name: 'outlook', fromS: 7 * HOUR, untilS: 25 * DAY, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(7 * HOUR);
  split(cluster, [0, 1], [2, 3, 4]);
  cluster.runTo(20 * DAY + HOUR);
  assert.is(cluster.nodes[0].own(0).running, 1, 'it begins alone');
  assert.equal(watch.doubles, []);
});

exclusive.run();

// Which split is decided, when, and who learns of it (docs/federation.md, Split): each rule that
// keeps a unit from being worked by two, and who missed the split from being lost, has a test.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DECISION_KIND, type Message, OUTLOOK_KIND, type Split, STATUS } from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { HOUR, leaseUntilS } from './driven.ts';
import {
  acceptedOf,
  assertHalves,
  assigned,
  ballotAt,
  changeS,
  clusterWith,
  decidedBy,
  everybody,
  hasQuorum,
  isMoved,
  movedBy,
  nodes,
  opens,
  order,
  ordered,
  splitWith,
  switchS,
  tryS,
  unitOf,
  windowS,
  withoutMajorityOfSecond,
} from './split_world.ts';

const noValue = { kind: DECISION_KIND.void, contentHigh: 0, contentLow: 0 };

test('INT-5 violated (no majority of each half): a split that one half missed is not decided', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  withoutMajorityOfSecond(cluster);
  cluster.runTo(switchS + 60);
  assert.ok(cluster.nodes[0].decision()!.accepted !== 0);
  assert.is(cluster.nodes[0].decision()!.agreed, 1, 'six of eight agree on the record');
  assert.equal(decidedBy(cluster), []);
  assert.equal(movedBy(cluster), []);
  // Healed, it is decided in a later ballot; the switch is that of the later try.
  cluster.part.fill(0);
  cluster.runTo(2 * tryS - 5);
  assert.equal(decidedBy(cluster).sort(), everybody);
  assert.equal(movedBy(cluster), []);
  cluster.runTo(2 * tryS + HOUR);
  assertHalves(cluster);
});

test('INT-5 violated (votes after the switch): while the split may be decided, no lease is renewed', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  withoutMajorityOfSecond(cluster);
  cluster.runTo(switchS - 5);
  const before = leaseUntilS(cluster, 2);
  assert.ok(before > switchS, 'it is renewed until the switch');
  // The coordinator opens a later ballot. What may be decided in the first one stays so.
  cluster.runTo(2 * tryS - 5);
  assert.is(cluster.nodes[2].decision()!.accepted, ballotAt(tryS, 0));
  assert.ok(hasQuorum(cluster, 2));
  assert.ok(leaseUntilS(cluster, 2) <= before + 120, `${leaseUntilS(cluster, 2)} ${before}`);
});

test('INT-5 violated (a lease extended unseen): a split that it lies across is decided after its end', () => {
  const cluster = clusterWith();
  cluster.runTo(600);
  // Node 2 mines lot 1, and holds a unit of lot 2 for a day; the others do not hear of that.
  cluster.observe(2, { name: 'outlook', fromS: 5 * HOUR, untilS: 6 * HOUR, kind: OUTLOOK_KIND.storm });
  assigned(cluster, 2, unitOf(2, 9));
  cluster.jam = (sender) =>
    sender === 2 &&
    opens(cluster.onAir()) &&
    openedFrame(cluster.onAir()).messages.some(
      (message) => message.name === 'intent' && message.slot === 1 && message.leaseS > switchS,
    );
  cluster.runTo(900);
  assert.is(order(cluster, 0), STATUS.ok);
  const accepted = () => everybody.filter((node) => (cluster.nodes[node].decision()?.accepted ?? 0) !== 0);
  while (accepted().length < nodes - 1) cluster.runTo(cluster.nowMs / 1000 + 1);
  const untilS = cluster.nodes[2].intent(2, 1)!.leaseS;
  assert.ok(untilS > 2 * tryS, `${untilS}`);
  assert.is(cluster.nodes[0].intent(2, 1)?.leaseS ?? 0, 0);
  assert.is(cluster.nodes[0].decision()!.kind, DECISION_KIND.split);
  cluster.jam = null;
  cluster.runTo(4 * changeS);
  assert.is(cluster.nodes[0].intent(2, 1)!.leaseS, untilS);
  assert.is(cluster.nodes[0].decision()!.agreed, 1);
  assert.equal(decidedBy(cluster), []);
});

test('FLT-4 holds: who accepted a split and sees a quorum believes three that it is decided, after the switch', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  withoutMajorityOfSecond(cluster);
  const ballot = { promised: ballotAt(0, 0), accepted: ballotAt(0, 0) };
  const decided = (other: Partial<Split> = {}) => {
    for (const sender of [0, 4, 6]) {
      cluster.inject(2, sender, [splitWith({ ...ballot, decided: 1, ...other })]);
      cluster.runTo(cluster.nowMs / 1000 + 1);
    }
    cluster.runTo(cluster.nowMs / 1000 + 120);
    return isMoved(cluster, 2);
  };
  cluster.runTo(tryS - 600);
  assert.is(decided(), false);
  cluster.runTo(switchS + 60);
  assert.is(hasQuorum(cluster, 2), true);
  assert.is(decided({ groups: 1 << 1 }), false, 'another split');
  assert.is(decided(), true);
});

test('INT-5 violated: a later number does not replace a split that may be decided', () => {
  const cluster = ordered();
  cluster.runTo(2 * changeS - 5);
  withoutMajorityOfSecond(cluster);
  cluster.runTo(tryS + 10);
  const promised = ballotAt(tryS, 4);
  const next: Message = { name: 'decision', number: 2, promised, accepted: 0, size: 0, ...noValue };
  assert.is(cluster.inject(2, 4, [next]), STATUS.ok);
  const { number, kind } = cluster.nodes[2].decision()!;
  assert.equal([number, kind], [1, DECISION_KIND.split]);
});

test('FLT-4 holds: members that saw the split decided in different ballots agree in each half', () => {
  const cluster = ordered();
  // Two see the quorum of the first try; the others vote, and hear nobody until the second.
  cluster.runTo(2 * changeS + windowS - 40);
  cluster.jam = (_, receiver) => receiver > 1;
  while (decidedBy(cluster).length < 2) cluster.runTo(cluster.nowMs / 1000 + 10);
  assert.equal(decidedBy(cluster).sort(), [0, 1]);
  cluster.jam = null;
  for (const node of everybody) cluster.part[node] = node;
  cluster.runTo(tryS + 1);
  cluster.part.fill(1, 2);
  cluster.runTo(tryS + 5);
  const ballot = ballotAt(tryS, 4);
  for (const node of [2, 3, 5, 6, 7])
    cluster.inject(node, 4, [splitWith({ promised: ballot, accepted: ballot, switchS })]);
  cluster.inject(4, 2, [splitWith({ promised: ballot, accepted: ballot, switchS })]);
  cluster.runTo(2 * tryS - 5);
  assert.equal(decidedBy(cluster).sort(), everybody);
  assert.equal(
    everybody.filter((node) => isMoved(cluster, node)),
    [0, 1],
  );
  cluster.part.fill(0);
  cluster.runTo(2 * tryS + 2 * HOUR);
  assert.ok(cluster.nodes[0].division()!.switchS < cluster.nodes[2].division()!.switchS);
  assertHalves(cluster);
});

test('FLT-4 violated: after the split nobody moves its date', () => {
  const cluster = ordered();
  cluster.runTo(2 * tryS + changeS + 10);
  assertHalves(cluster);
  const { number, accepted } = cluster.nodes[2].decision()!;
  const before = cluster.nodes[2].division()!.switchS;
  for (const sender of [0, 4, 6]) {
    const ballot = ballotAt(2 * tryS, sender);
    cluster.inject(2, sender, [splitWith({ promised: ballot, accepted: ballot, decided: 1 })]);
    cluster.runTo(cluster.nowMs / 1000 + 1);
  }
  assert.equal([cluster.nodes[2].decision()!.number, cluster.nodes[2].decision()!.accepted], [number, accepted]);
  assert.is(cluster.nodes[2].division()!.switchS, before);
  assert.ok(hasQuorum(cluster, 2));
});

test('FLT-4 holds: that a split is decided outlasts a reset before the switch', () => {
  const cluster = ordered();
  while (!decidedBy(cluster).includes(6)) cluster.runTo(cluster.nowMs / 1000 + 10);
  cluster.runTo(cluster.nowMs / 1000 + 60);
  cluster.restore(6, 2, cluster.stored[6][0]);
  cluster.part[6] = 1;
  cluster.runTo(switchS + 120);
  assert.is(isMoved(cluster, 6), true);
});

test('FLT-4 holds: who missed a split takes the latest ballot that a witness saw it decided in', () => {
  for (const later of [0, 1, 2]) {
    const cluster = clusterWith();
    cluster.runTo(changeS + 10);
    cluster.part[3] = 1;
    cluster.runTo(2 * tryS + changeS / 2);
    for (const sender of [0, 1, 2]) {
      const ballot = ballotAt(sender === later ? tryS : 0, 4);
      acceptedOf(cluster, splitWith({ promised: ballot, accepted: ballot, decided: 1 }), sender);
    }
    cluster.runTo(cluster.nowMs / 1000 + 120);
    assert.is(isMoved(cluster, 3), true);
    assert.is(cluster.nodes[3].division()!.switchS, 2 * tryS);
  }
});

test('FLT-4 violated: nobody accepts a split after the try of its ballot', () => {
  const cluster = clusterWith();
  cluster.runTo(tryS + 10);
  assert.is(acceptedOf(cluster, splitWith()), 0);
  assert.is(
    acceptedOf(cluster, splitWith({ promised: ballotAt(tryS, 4), accepted: ballotAt(tryS, 4) })),
    ballotAt(tryS, 4),
  );
});

test('FLT-4 violated: two Byzantine members move nobody, nor do three while there is a quorum', () => {
  const cluster = clusterWith();
  const lie = splitWith({ decided: 1, switchS: 2 * changeS });
  cluster.runTo(tryS - 300);
  for (const sender of [0, 1, 2]) acceptedOf(cluster, lie, sender);
  cluster.part[3] = 1;
  cluster.runTo(2 * tryS + changeS / 2);
  for (const sender of [0, 1, 0, 1]) acceptedOf(cluster, lie, sender);
  assert.is(cluster.nodes[3].division(), undefined);
  acceptedOf(cluster, splitWith({ ...lie, groups: 2 }), 2);
  acceptedOf(cluster, lie, 1);
  assert.is(isMoved(cluster, 3), false, 'another split begins the count anew');
  acceptedOf(cluster, lie, 0);
  acceptedOf(cluster, lie, 2);
  cluster.runTo(cluster.nowMs / 1000 + 120);
  assert.is(isMoved(cluster, 3), true);
});

test.run();

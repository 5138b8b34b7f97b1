// The judges of intents on hand-made traces: what each accepts, and each way in which it complains.
import { INTENT_STATE, TYPE, UPSET_OUTCOME } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_S } from '../../hwsim/check/bounds.ts';
import { Arbitration } from '../../hwsim/check/judges/arbitration.ts';
import { ExclusiveExecution } from '../../hwsim/check/judges/exclusive_execution.ts';
import { NothingLost } from '../../hwsim/check/judges/nothing_lost.ts';
import { SharedCapacity } from '../../hwsim/check/judges/shared_capacity.ts';
import { Versions } from '../../hwsim/check/judges/versions.ts';
import { JudgeHarness, nodeDown, nodeUp, siteOf, splitInHalves } from './judge_harness.ts';

const hour = 3600;
const { started, withdrawn } = INTENT_STATE;

function seated(): JudgeHarness {
  const harness = new JudgeHarness(4);
  const { seen } = harness;
  return harness.seat(
    new ExclusiveExecution(seen),
    new SharedCapacity(seen, () => harness.agreedSinceMs),
    new NothingLost(seen),
    new Versions(seen),
    new Arbitration(seen),
  );
}

test('INT-5-exclusive holds: one node after another works a unit, also after a node went down', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), untilS: 1000 });
  harness.start(1000, 1, { resource: siteOf(1), untilS: 5000 });
  harness.stop(2000, 1);
  harness.start(2001, 2, { resource: siteOf(1), untilS: 9000 });
  harness.world(3000, nodeDown(2, true));
  harness.start(3000, 0, { resource: siteOf(3), untilS: 9000 });
  harness.world(3001, { kind: 'work-ended', node: 0, slot: 0 });
  harness.start(3001, 1, { resource: siteOf(3), untilS: 9000 });
  harness.start(3001, 3, { resource: siteOf(1), untilS: 9000 });
  harness.start(3001, 0, { resource: siteOf(2), untilS: 9000 });
  assert.equal(harness.verdict('INT-5-exclusive'), { id: 'INT-5-exclusive', ok: true, violations: 0, examples: [] });
});

test('INT-5-exclusive holds: work of the same node on another unit is not in the way', () => {
  const harness = seated();
  harness.command(100, 0, TYPE.startWork, 1, 1, siteOf(2), 100, 9000);
  harness.start(100, 0, { resource: siteOf(1), untilS: 9000 });
  harness.stop(200, 0);
  harness.start(201, 1, { resource: siteOf(1), untilS: 9000 });
  harness.command(201, 1, TYPE.startWork, 1, 1, siteOf(1), 100, 9000);
  assert.ok(harness.verdict('INT-5-exclusive').ok, 'nor is its own order on the same unit');
  harness.start(202, 2, { resource: siteOf(2), untilS: 9000 });
  assert.is(harness.verdict('INT-5-exclusive').violations, 1, 'that unit is worked by node 0');
});

test('INT-5-exclusive violated: two nodes are ordered to work one unit at once', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), untilS: 1000 });
  harness.world(150, splitInHalves);
  harness.start(999, 2, { resource: siteOf(1), untilS: 5000 });
  assert.is(harness.verdict('INT-5-exclusive').violations, 1);
  assert.match(harness.verdict('INT-5-exclusive').examples[0], /node 2 starts on group 1 unit 1, where node 0 works/);
});

test('INT-5-exclusive violated: the world reports that two nodes worked one unit', () => {
  const harness = seated();
  harness.world(2000, { kind: 'double-execution', group: 1, unit: 3, nodes: [1, 3] });
  const { violations, examples } = harness.verdict('INT-5-exclusive');
  assert.is(violations, 1);
  assert.match(examples[0], /at 2000 s nodes 1 and 3 both worked group 1 unit 3/);
});

test('INT-2-shared-capacity holds: work uses up to the capacity, and may use more while members do not agree', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), rate: 500, untilS: 9000 });
  harness.start(100, 1, { resource: siteOf(2), rate: 500, untilS: 9000 });
  harness.start(100, 2, { resource: siteOf(3), rate: 500, untilS: 9000 });
  harness.world(101, { kind: 'work-ended', node: 2, slot: 0 });
  harness.until(8000);
  assert.ok(harness.verdict('INT-2-shared-capacity').ok);
  const disagreeing = seated();
  disagreeing.publish(60, 0, { version: 1 });
  disagreeing.start(100, 0, { resource: siteOf(1), rate: 1001, untilS: 9000 });
  disagreeing.until(8000);
  assert.ok(disagreeing.verdict('INT-2-shared-capacity').ok);
});

test('INT-2-shared-capacity violated: members that agree ask a group for more than its capacity', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), rate: 501, untilS: 9000 });
  harness.start(100, 1, { resource: siteOf(2), rate: 500, untilS: 9000 });
  harness.until(8000);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 1, 'one excess counts once');
  assert.match(harness.verdict('INT-2-shared-capacity').examples[0], /asks group 1 for 1001 kg\/day of 1000/);
});

test('INT-2-shared-capacity violated: the first excess is found after half an hour of agreement, to the minute', () => {
  const harness = seated();
  harness.start(0, 0, { resource: siteOf(1), rate: 1001, untilS: 9000 });
  harness.until(1799);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 0);
  harness.until(1800);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 1);
});

test('INT-2-shared-capacity violated: work still exceeds a capacity that fell half an hour ago', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), rate: 600, untilS: 20_000 });
  harness.world(5000, { kind: 'group-capacity', group: 1, capacityKgPerDay: 500, stockKg: 0, disruption: null });
  harness.until(5000 + 1799);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 0, 'the members have not heard of it yet');
  harness.until(5000 + 1860);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 1);
});

test('INT-2-shared-capacity holds: work whose end is past asks for nothing, and groups are judged apart', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), rate: 600, untilS: 1000 });
  harness.start(1000, 1, { resource: siteOf(2), rate: 600, untilS: 9000 });
  harness.start(1000, 2, { resource: siteOf(1, 2), rate: 4900, untilS: 9000 });
  harness.until(8000);
  assert.ok(harness.verdict('INT-2-shared-capacity').ok);
});

test('INT-2-shared-capacity holds: a group without capacity of which nothing is asked', () => {
  const harness = seated();
  harness.world(5000, { kind: 'group-capacity', group: 1, capacityKgPerDay: 0, stockKg: 0, disruption: null });
  harness.until(9000);
  assert.ok(harness.verdict('INT-2-shared-capacity').ok);
});

test('INT-1-nothing-lost holds: a settled intent stays stored; a withdrawn or ended one may be evicted', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, endS: 2 * hour });
  harness.spread(60, 1, { version: 1, state: started, resource: siteOf(2) });
  harness.spread(600, 1, { version: 2, state: withdrawn, resource: siteOf(2), endS: 600 });
  harness.until(2 * hour);
  harness.evict(2 * hour, [1, 2, 3], 0);
  harness.until(6 * hour);
  assert.ok(harness.verdict('INT-1-nothing-lost').ok);
});

/** Node 0 stops at one hour and boots at `untilS`; the others evict its record before. */
function violationsAfterStop(untilS: number, leaseS: number): number {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, leaseS });
  harness.world(hour, nodeDown(0));
  harness.evict(untilS - 60, [1, 2, 3], 0);
  harness.world(untilS, nodeUp(0));
  harness.boot(untilS, 0, { restored: false });
  harness.until(untilS + 3 * hour);
  return harness.verdict('INT-1-nothing-lost').violations;
}

test('INT-1-nothing-lost holds: a stop longer than the lease frees the work', () => {
  assert.is(violationsAfterStop(hour + LEASE_S + 60, 0), 0);
});

test('INT-1-nothing-lost violated: a stop shorter than the lease frees nothing', () => {
  assert.is(violationsAfterStop(hour + LEASE_S - 60, 0), 1);
  assert.is(violationsAfterStop(hour + LEASE_S, 0), 1, 'nor does one as long as the lease');
});

test('INT-1-nothing-lost violated: a stop within a lease that was extended in advance frees nothing', () => {
  assert.is(violationsAfterStop(hour + LEASE_S + 60, 20 * hour), 1);
  assert.is(violationsAfterStop(hour + LEASE_S + 60, hour + LEASE_S + 59), 0, 'that lease has ended');
});

/** Node 0 alone cannot be heard from one hour on; its lease ends at `leaseS`. */
function outOfReach(leaseS: number): JudgeHarness {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, leaseS });
  harness.world(hour, { kind: 'radio-down', node: 0, disruption: null });
  return harness;
}

test('INT-1-nothing-lost holds: of an owner out of reach, any member may store the work until its lease ends', () => {
  const stored = outOfReach(10 * hour);
  stored.evict(hour, [1, 2], 0);
  stored.until(9 * hour);
  assert.ok(stored.verdict('INT-1-nothing-lost').ok, 'node 3 stores it');
  const ended = outOfReach(hour);
  ended.evict(hour, [1, 2, 3], 0);
  ended.until(9 * hour);
  assert.ok(ended.verdict('INT-1-nothing-lost').ok, 'nothing binds others after the lease');
});

test('INT-1-nothing-lost violated: nobody stores the work of an owner out of reach whose lease runs', () => {
  const harness = outOfReach(10 * hour);
  harness.evict(hour, [1, 2, 3], 0);
  harness.until(9 * hour);
  assert.is(harness.verdict('INT-1-nothing-lost').violations, 1);
});

test('INT-1-nothing-lost violated: all others evicted an accepted intent that still runs', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started });
  harness.evict(hour, [1, 2, 3], 0);
  harness.until(3 * hour);
  assert.is(harness.verdict('INT-1-nothing-lost').violations, 1);
  assert.match(harness.verdict('INT-1-nothing-lost').examples[0], /nobody stores node 0 slot 0 version 1/);
});

test('INT-4-versions holds: versions grow, and a restart may restore an older table', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1 });
  harness.spread(120, 0, { version: 2 });
  harness.boot(200, 1, { restored: true });
  harness.store(210, 1, 0, { version: 1 });
  assert.ok(harness.verdict('INT-4-versions').ok);
});

/** Node 1 stores version 3, loses it at 300 s, and reports version 2 three hours later. */
function lost(lose: (harness: JudgeHarness) => void): JudgeHarness {
  const harness = seated();
  for (const version of [1, 2, 3]) harness.spread(60 * version, 0, { version });
  lose(harness);
  harness.store(300 + 3 * hour, 1, 0, { version: 2 });
  return harness;
}
const losses = [
  (harness: JudgeHarness) => harness.boot(300, 1, { cause: 4, restored: true }),
  (harness: JudgeHarness) => harness.upset(300, 1, UPSET_OUTCOME.evicted),
];

test('INT-4-versions holds: the first report after a restart or an eviction may be older', () => {
  for (const lose of losses) assert.ok(lost(lose).verdict('INT-4-versions').ok);
});

test('INT-4-versions violated: the second report after a loss is older still', () => {
  for (const lose of losses) {
    const harness = lost(lose);
    harness.store(360 + 3 * hour, 1, 0, { version: 1 });
    assert.is(harness.verdict('INT-4-versions').violations, 1);
  }
});

test('INT-4-versions violated: a member returns to an older version without a loss', () => {
  assert.is(lost(() => {}).verdict('INT-4-versions').violations, 1);
  const corrected = lost((harness) => harness.upset(300, 1, UPSET_OUTCOME.corrected));
  assert.is(corrected.verdict('INT-4-versions').violations, 1, 'a corrected bit is no loss');
  assert.match(corrected.verdict('INT-4-versions').examples[0], /node 1 returns from version 3 to 2 of node 0/);
});

test('INT-4-versions violated: an owner publishes a version twice, or an older one', () => {
  const harness = seated();
  harness.publish(60, 0, { version: 2 });
  harness.publish(120, 0, { version: 2 });
  assert.is(harness.verdict('INT-4-versions').violations, 1);
  harness.publish(180, 0, { version: 3 });
  harness.publish(240, 0, { slot: 1, version: 1 });
  assert.is(harness.verdict('INT-4-versions').violations, 1, 'each intent slot has versions of its own');
});

test('INT-4-versions violated: a member stores a version that its owner never published', () => {
  const harness = seated();
  harness.publish(60, 0, { version: 2 });
  harness.store(130, 1, 0, { version: 3 });
  assert.is(harness.verdict('INT-4-versions').violations, 1);
  harness.store(140, 0, 0, { version: 4 });
  assert.is(harness.verdict('INT-4-versions').violations, 1, 'an owner stores before it reports the publication');
  harness.store(150, 2, 0, { version: 9, state: INTENT_STATE.none });
  assert.is(harness.verdict('INT-4-versions').violations, 1, 'who removes a record stores nothing');
});

test('INT-4-versions holds: what a Byzantine node forges, and what is stored of it, is judged by SEC-5', () => {
  const harness = new JudgeHarness(4);
  harness.seat(new Versions(harness.seen, 3));
  harness.spread(60, 0, { version: 1 });
  harness.store(100, 1, 0, { version: 9 });
  harness.store(200, 1, 0, { version: 1 });
  harness.store(300, 1, 3, { version: 9 });
  harness.store(400, 1, 3, { version: 8 });
  assert.ok(harness.verdict('INT-4-versions').ok);
});

test('INT-4-versions holds: member 0 may be the Byzantine node', () => {
  const harness = new JudgeHarness(4);
  harness.seat(new Versions(harness.seen, 0));
  for (const version of [1, 2]) harness.spread(60 * version, 0, { version });
  harness.store(4000, 1, 0, { version: 1 });
  assert.ok(harness.verdict('INT-4-versions').ok);
});

test('INT-4-versions violated: beside a Byzantine node an honest owner’s version gives way to an older', () => {
  const harness = new JudgeHarness(4);
  harness.seat(new Versions(harness.seen, 3));
  for (const version of [1, 2]) harness.spread(60 * version, 0, { version });
  harness.store(4000, 1, 0, { version: 1 });
  assert.is(harness.verdict('INT-4-versions').violations, 1);
});

test('INT-3-arbitration holds: settled claims follow each other on one unit, and one of two competitors loses', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, endS: hour });
  harness.spread(60, 1, { version: 1, state: started, startS: hour, endS: 2 * hour });
  harness.spread(60, 2, { version: 1, startS: 0, endS: hour });
  harness.lose(120, 2, 0);
  harness.until(3 * hour);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
});

/** Node 0 extends its settled claim over that of node 1; the extension settles or does not. */
function extended(settles: boolean) {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, endS: 2 * hour });
  harness.settle(600, 0, { version: 1, endS: 2 * hour });
  harness.spread(hour, 0, { version: 2, state: started, endS: 20 * hour });
  if (settles) harness.settle(hour + 60, 0, { version: 2, endS: 20 * hour });
  harness.spread(hour + 120, 1, { version: 1, state: started, startS: 3 * hour, endS: 6 * hour });
  harness.until(6 * hour);
  return harness.verdict('INT-3-arbitration');
}

test('INT-3-arbitration holds: an extension that has not settled binds nobody', () => {
  assert.ok(extended(false).ok);
});

test('INT-3-arbitration violated: an extension that has settled overlaps another settled claim', () => {
  assert.is(extended(true).violations, 1);
});

/** Nodes 0 and `other` have claims on one site from one minute on. */
function competing(states: readonly [number, number], other = 1): JudgeHarness {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: states[0] });
  harness.spread(60, other, { version: 1, state: states[1], startS: hour });
  return harness;
}

test('INT-3-arbitration violated: two settled claims on one unit overlap for half an hour', () => {
  const harness = competing([started, started]);
  harness.until(3 * hour);
  const { violations, examples } = harness.verdict('INT-3-arbitration');
  assert.is(violations, 1);
  assert.match(examples[0], /nodes 0 and 1 both have a settled claim on group 1 unit 1/);
  assert.match(examples[0], /^at 2400 s /, 'examined every ten minutes');
});

test('INT-3-arbitration holds: a claim that has not settled does not conflict with a settled one', () => {
  const harness = competing([started, INTENT_STATE.claimed]);
  harness.until(3 * hour);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
});

test('INT-3-arbitration holds: owners that do not reach each other, or for less than half an hour, may differ', () => {
  const apart = competing([started, started], 2);
  apart.world(120, splitInHalves);
  apart.until(3 * hour);
  assert.ok(apart.verdict('INT-3-arbitration').ok);
  apart.world(3 * hour, { kind: 'partition', sets: [], disruption: null });
  apart.until(3 * hour + 1799);
  assert.ok(apart.verdict('INT-3-arbitration').ok);
  apart.until(4 * hour);
  assert.is(apart.verdict('INT-3-arbitration').violations, 1, 'half an hour later they may not');
});

test('INT-3-arbitration holds: a restarted owner’s claims count only once they have settled again', () => {
  const harness = competing([started, started]);
  harness.boot(120, 1, { restored: true });
  harness.until(3 * hour);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
  harness.settle(3 * hour, 1, { version: 1 });
  harness.until(4 * hour);
  assert.is(harness.verdict('INT-3-arbitration').violations, 1);
});

test('INT-3-arbitration violated: two versions have each lost to the other', () => {
  const mutual = seated();
  mutual.spread(60, 0, { version: 1 });
  mutual.spread(60, 1, { version: 1 });
  mutual.lose(120, 0, 1);
  assert.ok(mutual.verdict('INT-3-arbitration').ok);
  mutual.lose(120, 1, 0);
  assert.is(mutual.verdict('INT-3-arbitration').violations, 1);
});

test('INT-3-arbitration holds: a later version may lose to a claim that lost to the one before', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1 });
  harness.spread(60, 1, { version: 1 });
  harness.lose(120, 1, 0);
  harness.spread(180, 0, { version: 2 });
  harness.event(240, 0, TYPE.lost, 0, 2, 1, 0);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
});

test.run();

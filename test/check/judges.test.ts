import { INTENT_STATE, LIVENESS, UPSET_OUTCOME } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arbitration } from '../../hwsim/check/judges/arbitration.ts';
import { EscalationOrder } from '../../hwsim/check/judges/escalation_order.ts';
import { ExclusiveExecution } from '../../hwsim/check/judges/exclusive_execution.ts';
import { FalseDeaths } from '../../hwsim/check/judges/false_deaths.ts';
import { livenessAfterHealing } from '../../hwsim/check/judges/liveness.ts';
import { NothingLost } from '../../hwsim/check/judges/nothing_lost.ts';
import { SharedCapacity } from '../../hwsim/check/judges/shared_capacity.ts';
import { Versions } from '../../hwsim/check/judges/versions.ts';
import { WatchdogWindow } from '../../hwsim/check/judges/watchdog_window.ts';
import { JudgeHarness, nodeDown, nodeUp, siteOf, splitInHalves } from './judge_harness.ts';

const hour = 3600;
const bounds = { feedMsMin: 30_000, feedMsMax: 900_000, resetsMax: 3 };
const { started, withdrawn } = INTENT_STATE;

function seated(nodes = 4): JudgeHarness {
  const harness = new JudgeHarness(nodes);
  const { seen } = harness;
  return harness.seat(
    new ExclusiveExecution(seen),
    new SharedCapacity(seen, () => harness.agreedSinceMs),
    new NothingLost(seen),
    new Versions(seen),
    new Arbitration(seen),
    new FalseDeaths(seen),
    new WatchdogWindow(seen, bounds),
    new EscalationOrder(seen, bounds),
  );
}

test('INT-5 holds: one node after another works a unit, also after a node went down', () => {
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

test('INT-5 violated: two nodes work one unit, by their commands or by what the world reports', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), untilS: 1000 });
  harness.world(150, splitInHalves);
  harness.start(999, 2, { resource: siteOf(1), untilS: 5000 });
  assert.is(harness.verdict('INT-5-exclusive').violations, 1);
  assert.match(harness.verdict('INT-5-exclusive').examples[0], /node 2 starts on group 1 unit 1, where node 0 works/);
  harness.world(2000, { kind: 'double-execution', group: 1, unit: 3, nodes: [1, 3] });
  assert.is(harness.verdict('INT-5-exclusive').violations, 2);
});

test('INT-2 holds: work uses up to the capacity, and may use more while members do not agree', () => {
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

test('INT-2 violated: members that agree ask a group for more than its capacity', () => {
  const harness = seated();
  harness.start(100, 0, { resource: siteOf(1), rate: 501, untilS: 9000 });
  harness.start(100, 1, { resource: siteOf(2), rate: 500, untilS: 9000 });
  harness.until(8000);
  harness.world(8000, { kind: 'group-capacity', group: 1, capacityKgPerDay: 900, stockKg: 0, disruption: null });
  harness.until(8900);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 1, 'a capacity that just changed does not count');
  assert.match(harness.verdict('INT-2-shared-capacity').examples[0], /asks group 1 for 1001 kg\/day of 1000/);
});

test('INT-1 holds: a settled intent stays stored; a withdrawn or ended one may be evicted', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, endS: 2 * hour });
  harness.spread(60, 1, { version: 1, state: started, resource: siteOf(2) });
  harness.spread(600, 1, { version: 2, state: withdrawn, resource: siteOf(2), endS: 600 });
  harness.until(2 * hour);
  harness.evict(2 * hour, [1, 2, 3], 0);
  harness.until(6 * hour);
  assert.ok(harness.verdict('INT-1-nothing-lost').ok);
});

test('INT-1 holds: a stop longer than the lease frees the work; violated: a shorter stop does not', () => {
  const violationsAfterStop = (untilS: number, leaseS: number) => {
    const harness = seated();
    harness.spread(60, 0, { version: 1, state: started, leaseS });
    harness.world(hour, nodeDown(0));
    harness.evict(untilS - 60, [1, 2, 3], 0);
    harness.world(untilS, nodeUp(0));
    harness.boot(untilS, 0, { restored: false });
    harness.until(untilS + 3 * hour);
    return harness.verdict('INT-1-nothing-lost').violations;
  };
  assert.is(violationsAfterStop(hour + 2760, 0), 0);
  assert.is(violationsAfterStop(hour + 2640, 0), 1);
  assert.is(violationsAfterStop(hour + 2760, 20 * hour), 1, 'a lease extended in advance still binds');
});

test('INT-1 violated: all others evicted an accepted intent that still runs', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started });
  harness.evict(hour, [1, 2, 3], 0);
  harness.until(3 * hour);
  assert.is(harness.verdict('INT-1-nothing-lost').violations, 1);
  assert.match(harness.verdict('INT-1-nothing-lost').examples[0], /nobody stores node 0 slot 0 version 1/);
});

test('INT-4 holds: versions grow, and a restart may restore an older table', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1 });
  harness.spread(120, 0, { version: 2 });
  harness.boot(200, 1, { restored: true });
  harness.store(210, 1, 0, { version: 1 });
  assert.ok(harness.verdict('INT-4-versions').ok);
});

test('INT-4 holds: the first report after a restart or an eviction may be older; violated: the second may not', () => {
  const losses = [
    (harness: JudgeHarness) => harness.boot(300, 1, { cause: 4, restored: true }),
    (harness: JudgeHarness) => harness.upset(300, 1, UPSET_OUTCOME.evicted),
  ];
  for (const lose of losses) {
    const harness = seated();
    for (const version of [1, 2, 3]) harness.spread(60 * version, 0, { version });
    lose(harness);
    harness.store(300 + 3 * hour, 1, 0, { version: 2 });
    assert.ok(harness.verdict('INT-4-versions').ok);
    harness.store(360 + 3 * hour, 1, 0, { version: 1 });
    assert.is(harness.verdict('INT-4-versions').violations, 1);
  }
  const corrected = seated();
  for (const version of [1, 2]) corrected.spread(60 * version, 0, { version });
  corrected.upset(300, 1, UPSET_OUTCOME.corrected);
  corrected.store(300 + 3 * hour, 1, 0, { version: 1 });
  assert.is(corrected.verdict('INT-4-versions').violations, 1);
});

test('INT-4 violated: a version published twice, one stored and never published, a return to an older one', () => {
  const harness = seated();
  harness.publish(60, 0, { version: 2 });
  harness.publish(120, 0, { version: 2 });
  assert.is(harness.verdict('INT-4-versions').violations, 1);
  harness.store(130, 1, 0, { version: 3 });
  assert.is(harness.verdict('INT-4-versions').violations, 2);
  harness.store(140, 1, 0, { version: 2 });
  assert.is(harness.verdict('INT-4-versions').violations, 3);
});

test('INT-3 holds: settled claims follow each other on one unit, and one of two competitors loses', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started, endS: hour });
  harness.spread(60, 1, { version: 1, state: started, startS: hour, endS: 2 * hour });
  harness.spread(60, 2, { version: 1, startS: 0, endS: hour });
  harness.lose(120, 2, 0);
  harness.until(3 * hour);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
});

test('INT-3 holds: an extension that has not settled binds nobody; violated: one that has settled does', () => {
  const verdictOf = (settles: boolean) => {
    const harness = seated();
    harness.spread(60, 0, { version: 1, state: started, endS: 2 * hour });
    harness.settle(600, 0, { version: 1, endS: 2 * hour });
    harness.spread(hour, 0, { version: 2, state: started, endS: 20 * hour });
    if (settles) harness.settle(hour + 60, 0, { version: 2, endS: 20 * hour });
    harness.spread(hour + 120, 1, { version: 1, state: started, startS: 3 * hour, endS: 6 * hour });
    harness.until(6 * hour);
    return harness.verdict('INT-3-arbitration');
  };
  assert.ok(verdictOf(false).ok);
  assert.is(verdictOf(true).violations, 1);
});

test('INT-3 violated: two settled claims on one unit and time, or two versions that each lost to the other', () => {
  const harness = seated();
  harness.spread(60, 0, { version: 1, state: started });
  harness.spread(60, 1, { version: 1, state: started, startS: hour });
  harness.until(3 * hour);
  assert.is(harness.verdict('INT-3-arbitration').violations, 1);
  const mutual = seated();
  mutual.spread(60, 0, { version: 1 });
  mutual.spread(60, 1, { version: 1 });
  mutual.lose(120, 0, 1);
  mutual.lose(120, 1, 0);
  assert.is(mutual.verdict('INT-3-arbitration').violations, 1);
});

test('MBR-1 holds: a node that is down, or behind an occultation, is not falsely declared dead', () => {
  const harness = seated();
  harness.world(1000, nodeDown(3, true));
  harness.world(1000, splitInHalves);
  harness.view(1900, [0, 1], 3, LIVENESS.dead);
  harness.view(1900, [0, 1], 2, LIVENESS.dead);
  assert.ok(harness.verdict('MBR-1-false-deaths').ok);
});

test('MBR-1 violated: a live member in reach is declared dead; one episode counts once', () => {
  const harness = seated();
  harness.view(1900, [0, 1], 3, LIVENESS.dead);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 1);
  harness.view(2000, [0, 1], 3, LIVENESS.alive);
  harness.view(5000, [1], 3, LIVENESS.dead);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 2);
  const silenced = seated();
  silenced.world(1000, { kind: 'radio-down', node: 3, disruption: null });
  silenced.view(1440, [0], 3, LIVENESS.dead);
  assert.is(silenced.verdict('MBR-1-false-deaths').violations, 1, 'in reach for 460 of the last 900 s');
});

test('WDG-1 holds: feeds are within the window, and a gap over a restart may have any length', () => {
  const harness = seated();
  for (const timeS of [100, 130, 1030]) harness.feed(timeS, 0);
  harness.boot(1031, 0, { restored: true });
  harness.feed(1040, 0);
  assert.ok(harness.verdict('WDG-1-window').ok);
});

test('WDG-1 violated: one feed is too early, and one too late without a reset before it', () => {
  const harness = seated();
  for (const timeS of [100, 129, 1030]) harness.feed(timeS, 0);
  assert.is(harness.verdict('WDG-1-window').violations, 2);
  assert.match(harness.verdict('WDG-1-window').examples[0], /29000 ms after the last time, early/);
});

test('WDG-2 holds: escalation goes level by level, and begins at the lowest again after a calm hour', () => {
  const harness = seated();
  for (let level = 1; level <= 5; level++) harness.escalate(100 + level, 0, level);
  harness.escalate(9000, 0, 1);
  harness.orderReset(9001, 0, 3);
  assert.ok(harness.verdict('WDG-2-ladder').ok);
});

test('WDG-2 violated: a level is skipped, and more resets in a row are ordered than allowed', () => {
  const harness = seated();
  harness.escalate(100, 0, 1);
  harness.escalate(101, 0, 4);
  assert.is(harness.verdict('WDG-2-ladder').violations, 1);
  harness.orderReset(102, 0, 4);
  assert.is(harness.verdict('WDG-2-ladder').violations, 2);
});

test('liveness is violated by a member left suspect for an hour in reach, and not by one just suspected', () => {
  const harness = seated();
  harness.view(hour, [0], 1, LIVENESS.suspect);
  assert.is(livenessAfterHealing(harness.seen, [], 1.5 * hour * 1000).violations, 0);
  assert.is(livenessAfterHealing(harness.seen, [], 3 * hour * 1000).violations, 1);
});

test.run();

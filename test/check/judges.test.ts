import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arbitration, NothingLost, Versions } from '../../hwsim/check/accepted.ts';
import { FalseDeaths } from '../../hwsim/check/deaths.ts';
import { ExclusiveExecution, SharedCapacity } from '../../hwsim/check/execution.ts';
import { livenessAfterHealing } from '../../hwsim/check/liveness.ts';
import { EscalationOrder, WatchdogWindow } from '../../hwsim/check/watchdog.ts';
import { JudgeHarness, siteOf } from './judge_harness.ts';

const hour = 3600;
const bounds = { feedMsMin: 30_000, feedMsMax: 900_000, resetsMax: 3 };

function room(nodes = 4): JudgeHarness {
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

test('INT-5 holds: one unit is worked by one node after another, and by nobody when a node went down', () => {
  const harness = room();
  harness.start(100, 0, siteOf(1), 100, 1000);
  harness.start(1000, 1, siteOf(1), 100, 5000);
  harness.command(2000, 1, 161, 0);
  harness.start(2001, 2, siteOf(1), 100, 9000);
  harness.world(3000, { kind: 'node-down', node: 2, permanent: true, disruption: null });
  harness.start(3000, 0, siteOf(3), 100, 9000);
  harness.world(3001, { kind: 'work-ended', node: 0, slot: 0 });
  harness.start(3001, 1, siteOf(3), 100, 9000);
  harness.start(3001, 3, siteOf(1), 100, 9000);
  harness.start(3001, 0, siteOf(2), 100, 9000);
  assert.equal(harness.verdict('INT-5-exclusive'), { id: 'INT-5-exclusive', ok: true, violations: 0, examples: [] });
});

test('INT-5 violated: two nodes work one unit, whether the commands or the world tell', () => {
  const harness = room();
  harness.start(100, 0, siteOf(1), 100, 1000);
  harness.world(150, {
    kind: 'partition',
    sets: [
      [0, 1],
      [2, 3],
    ],
    disruption: null,
  });
  harness.start(999, 2, siteOf(1), 100, 5000);
  assert.is(harness.verdict('INT-5-exclusive').violations, 1);
  assert.match(harness.verdict('INT-5-exclusive').examples[0], /node 2 starts on group 1 unit 1, where node 0 works/);
  harness.world(2000, { kind: 'double-execution', group: 1, unit: 3, nodes: [1, 3] });
  assert.is(harness.verdict('INT-5-exclusive').violations, 2);
});

test('INT-2 holds: work up to the capacity, and more while members do not agree yet', () => {
  const harness = room();
  harness.start(100, 0, siteOf(1), 500, 9000);
  harness.start(100, 1, siteOf(2), 500, 9000);
  harness.start(100, 2, siteOf(3), 500, 9000);
  harness.world(101, { kind: 'work-ended', node: 2, slot: 0 });
  harness.until(8000);
  assert.ok(harness.verdict('INT-2-shared-capacity').ok);
  const apart = room();
  apart.publish(60, 0, { version: 1 });
  apart.start(100, 0, siteOf(1), 1001, 9000);
  apart.until(8000);
  assert.ok(apart.verdict('INT-2-shared-capacity').ok);
});

test('INT-2 violated: agreed members ask a group for more than it gives', () => {
  const harness = room();
  harness.start(100, 0, siteOf(1), 501, 9000);
  harness.start(100, 1, siteOf(2), 500, 9000);
  harness.until(8000);
  harness.world(8000, { kind: 'group-capacity', group: 1, capacityKgPerDay: 900, stockKg: 0, disruption: null });
  harness.until(8900);
  assert.is(harness.verdict('INT-2-shared-capacity').violations, 1, 'what the world just took does not count');
  assert.match(harness.verdict('INT-2-shared-capacity').examples[0], /asks group 1 for 1001 kg\/day of 1000/);
});

test('INT-1 holds: a settled intent stays held, and a withdrawn or ended one may be forgotten', () => {
  const harness = room();
  harness.spread(60, 0, { version: 1, state: 3, endS: 2 * hour });
  harness.spread(60, 1, { version: 1, state: 3, resource: siteOf(2) });
  harness.spread(600, 1, { version: 2, state: 5, resource: siteOf(2), endS: 600 });
  harness.until(2 * hour);
  for (const node of [1, 2, 3]) harness.hold(2 * hour, node, 0, { version: 1, state: 0 });
  harness.until(6 * hour);
  assert.ok(harness.verdict('INT-1-nothing-lost').ok);
});

test('INT-1 holds: what a node held that stood still for longer than its lease is nobody’s; violated: a shorter stop loses nothing', () => {
  const stopped = (untilS: number, leaseS: number) => {
    const harness = room();
    harness.spread(60, 0, { version: 1, state: 3, leaseS });
    harness.world(hour, { kind: 'node-down', node: 0, permanent: false, disruption: null });
    for (const node of [1, 2, 3]) harness.hold(untilS - 60, node, 0, { version: 1, state: 0 });
    harness.world(untilS, { kind: 'node-up', node: 0, permanent: false, disruption: null });
    harness.event(untilS, 0, 192, 2, 0, 2);
    harness.until(untilS + 3 * hour);
    return harness.verdict('INT-1-nothing-lost').violations;
  };
  assert.is(stopped(hour + 2760, 0), 0);
  assert.is(stopped(hour + 2640, 0), 1);
  assert.is(stopped(hour + 2760, 20 * hour), 1, 'a lease extended in advance still binds');
});

test('INT-1 violated: all others dropped an accepted intent that still runs', () => {
  const harness = room();
  harness.spread(60, 0, { version: 1, state: 3 });
  for (const node of [1, 2, 3]) harness.hold(hour, node, 0, { version: 1, state: 0 });
  harness.until(3 * hour);
  assert.is(harness.verdict('INT-1-nothing-lost').violations, 1);
  assert.match(harness.verdict('INT-1-nothing-lost').examples[0], /nobody holds node 0 slot 0 version 1/);
});

test('INT-4 holds: versions grow, and a restart may bring an older table', () => {
  const harness = room();
  harness.spread(60, 0, { version: 1 });
  harness.spread(120, 0, { version: 2 });
  harness.event(200, 1, 192, 2, 1, 1);
  harness.hold(210, 1, 0, { version: 1 });
  assert.ok(harness.verdict('INT-4-versions').ok);
});

test('INT-4 holds: what a node first reports after a restart, or after it let go of a record, may be older; violated: what it reports next', () => {
  for (const loss of [
    [192, 4, 1, 2],
    [207, 300, 2, 0, 1],
  ]) {
    const harness = room();
    for (const version of [1, 2, 3]) harness.spread(60 * version, 0, { version });
    harness.event(300, 1, ...loss);
    harness.hold(300 + 3 * hour, 1, 0, { version: 2 });
    assert.ok(harness.verdict('INT-4-versions').ok);
    harness.hold(360 + 3 * hour, 1, 0, { version: 1 });
    assert.is(harness.verdict('INT-4-versions').violations, 1);
  }
  const corrected = room();
  for (const version of [1, 2]) corrected.spread(60 * version, 0, { version });
  corrected.event(300, 1, 207, 300, 1, 0, 1);
  corrected.hold(300 + 3 * hour, 1, 0, { version: 1 });
  assert.is(corrected.verdict('INT-4-versions').violations, 1);
});

test('INT-4 violated: a version used twice, one from nowhere, a holder that falls back', () => {
  const harness = room();
  harness.publish(60, 0, { version: 2 });
  harness.publish(120, 0, { version: 2 });
  assert.is(harness.verdict('INT-4-versions').violations, 1);
  harness.hold(130, 1, 0, { version: 3 });
  assert.is(harness.verdict('INT-4-versions').violations, 2);
  harness.hold(140, 1, 0, { version: 2 });
  assert.is(harness.verdict('INT-4-versions').violations, 3);
});

test('INT-3 holds: settled claims follow each other on one unit, and one of two competitors loses', () => {
  const harness = room();
  harness.spread(60, 0, { version: 1, state: 3, endS: hour });
  harness.spread(60, 1, { version: 1, state: 3, startS: hour, endS: 2 * hour });
  harness.spread(60, 2, { version: 1, startS: 0, endS: hour });
  harness.event(120, 2, 197, 0, 1, 0, 0);
  harness.until(3 * hour);
  assert.ok(harness.verdict('INT-3-arbitration').ok);
});

test('INT-3 holds: an extension that has not settled binds nobody; violated: once it has settled, it does', () => {
  const [first, later] = [
    { version: 1, state: 3, endS: 2 * hour },
    { version: 2, state: 3, endS: 20 * hour },
  ];
  const extended = (settles: boolean) => {
    const harness = room();
    harness.spread(60, 0, first);
    harness.event(600, 0, 196, 0, 1, 0, 2 * hour, 100);
    harness.spread(hour, 0, later);
    if (settles) harness.event(hour + 60, 0, 196, 0, 2, 0, 20 * hour, 100);
    harness.spread(hour + 120, 1, { version: 1, state: 3, startS: 3 * hour, endS: 6 * hour });
    harness.until(6 * hour);
    return harness.verdict('INT-3-arbitration');
  };
  assert.ok(extended(false).ok);
  assert.is(extended(true).violations, 1);
});

test('INT-3 violated: two settled claims on one unit for one time, or each lost to the other', () => {
  const harness = room();
  harness.spread(60, 0, { version: 1, state: 3 });
  harness.spread(60, 1, { version: 1, state: 3, startS: hour });
  harness.until(3 * hour);
  assert.is(harness.verdict('INT-3-arbitration').violations, 1);
  const mutual = room();
  mutual.spread(60, 0, { version: 1 });
  mutual.spread(60, 1, { version: 1 });
  mutual.event(120, 0, 197, 0, 1, 1, 0);
  mutual.event(120, 1, 197, 0, 1, 0, 0);
  assert.is(mutual.verdict('INT-3-arbitration').violations, 1);
});

test('MBR-1 holds: who was down, or behind an occultation, was not falsely declared dead', () => {
  const harness = room();
  harness.world(1000, { kind: 'node-down', node: 3, permanent: true, disruption: null });
  harness.world(1000, {
    kind: 'partition',
    sets: [
      [0, 1],
      [2, 3],
    ],
    disruption: null,
  });
  harness.view(1900, [0, 1], 3, 4);
  harness.view(1900, [0, 1], 2, 4);
  assert.ok(harness.verdict('MBR-1-false-deaths').ok);
});

test('MBR-1 violated: a live member in reach is declared dead, told once however many repeat it', () => {
  const harness = room();
  harness.view(1900, [0, 1], 3, 4);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 1);
  harness.view(2000, [0, 1], 3, 1);
  harness.view(5000, [1], 3, 4);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 2);
  const half = room();
  half.world(1000, { kind: 'radio-down', node: 3, disruption: null });
  half.view(1440, [0], 3, 4);
  assert.is(half.verdict('MBR-1-false-deaths').violations, 1, '460 of the last 900 s in reach');
});

test('WDG-1 holds: feeds within the window, and any gap over a restart', () => {
  const harness = room();
  for (const timeS of [100, 130, 1030]) harness.command(timeS, 0, 162, 1);
  harness.event(1031, 0, 192, 2, 1, 1);
  harness.command(1040, 0, 162, 1);
  assert.ok(harness.verdict('WDG-1-window').ok);
});

test('WDG-1 violated: a feed too early, and one too late that no bite preceded', () => {
  const harness = room();
  for (const timeS of [100, 129, 1030]) harness.command(timeS, 0, 162, 1);
  assert.is(harness.verdict('WDG-1-window').violations, 2);
  assert.match(harness.verdict('WDG-1-window').examples[0], /29000 ms after the last time, early/);
});

test('WDG-2 holds: the ladder rung by rung, and its foot again after a calm hour', () => {
  const harness = room();
  for (let level = 1; level <= 5; level++) harness.event(100 + level, 0, 202, level, 1, 0);
  harness.event(9000, 0, 202, 1, 1, 0);
  harness.command(9001, 0, 165, 1, 3);
  assert.ok(harness.verdict('WDG-2-ladder').ok);
});

test('WDG-2 violated: a rung skipped, and more resets in a row than allowed', () => {
  const harness = room();
  harness.event(100, 0, 202, 1, 1, 0);
  harness.event(101, 0, 202, 4, 1, 0);
  assert.is(harness.verdict('WDG-2-ladder').violations, 1);
  harness.command(102, 0, 165, 1, 4);
  assert.is(harness.verdict('WDG-2-ladder').violations, 2);
});

test('liveness: a member left suspect for an hour in reach is noticed, one just suspected is not', () => {
  const harness = room();
  harness.view(hour, [0], 1, 2);
  assert.is(livenessAfterHealing(harness.seen, [], 1.5 * hour * 1000).violations, 0);
  assert.is(livenessAfterHealing(harness.seen, [], 3 * hour * 1000).violations, 1);
});

test.run();

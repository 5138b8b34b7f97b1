import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, LIVENESS, TYPE } from '../../host/cbor/generated.ts';
import { type AchievableCurve, Convergence, type Outcome } from '../../hwsim/check/convergence/convergence.ts';
import { OnboardReports } from '../../hwsim/check/convergence/onboard_reports.ts';
import { withinAchievable } from '../../hwsim/check/judges/within_achievable.ts';
import { deathOf, JudgeHarness, nodeDown, siteOf } from './judge_harness.ts';

const hour = 3600;
const survivors = [0, 1, 2];

/** 240 kg a day on lot 1, which is 10 kg an hour. */
const achievable: AchievableCurve = {
  totalKg: 240,
  groups: [1],
  kg: (groups, fromS, toS) => (groups.includes(1) ? ((toS - fromS) * 240) / 86_400 : 0),
};

function outcome(harness: JudgeHarness, endS: number, curve: AchievableCurve | null = null): Outcome {
  harness.until(endS);
  return new Convergence(harness.recovery, harness.seen.production, curve, endS).outcomes(() => null)[0];
}

/** Node 3 dies at one hour, after all have stored its claim on site 1. */
function death(): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.spread(60, 3, { version: 1, state: INTENT_STATE.started });
  harness.world(hour, nodeDown(3, true, 'node-death-3'));
  harness.world(hour, deathOf(3, hour));
  return harness;
}

test('CVG-1 holds: a death known after 15 minutes, whose claim is evicted after 40, converges after 40', () => {
  const harness = death();
  harness.view(hour + 840, [0, 1], 3, LIVENESS.dead);
  harness.view(hour + 900, [2], 3, LIVENESS.dead);
  harness.evict(hour + 2399, survivors, 3);
  const found = outcome(harness, 4 * hour);
  assert.is(found.detectedS, hour + 900);
  assert.is(found.convergedS, hour + 2400);
  assert.is(found.withinSla, true);
  assert.equal(found.touchedGroups, [1]);
});

test('CVG-1 violated: a claim of the dead that is still stored breaches the SLA', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, LIVENESS.dead);
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, null);
  assert.is(found.withinSla, false);
  assert.match(found.missing.join(), /still stored/);
});

test('one member behind an older version delays convergence; a version published just now does not', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, LIVENESS.dead);
  harness.evict(hour + 1200, survivors, 3);
  harness.publish(hour + 300, 0, { version: 1, resource: siteOf(2) });
  harness.store(hour + 310, 1, 0, { version: 1 });
  harness.store(hour + 2999, 2, 0, { version: 1 });
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, hour + 3000);
});

test('an open conflict between two claims delays convergence until one loses', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, LIVENESS.dead);
  harness.evict(hour + 900, survivors, 3);
  harness.spread(hour + 60, 0, { version: 1, resource: siteOf(2) });
  harness.spread(hour + 60, 1, { version: 1, resource: siteOf(2) });
  harness.lose(hour + 2879, 1, 0);
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, hour + 2880);
});

test('a run too short for the SLA is not measured', () => {
  const harness = death();
  const found = outcome(harness, hour + 1800);
  assert.is(found.convergedS, null);
  assert.is(found.withinSla, null);
});

test('production below 95 % on the affected lot delays convergence, and the missing kilograms are lost', () => {
  const harness = death();
  harness.view(hour + 60, survivors, 3, LIVENESS.dead);
  harness.evict(hour + 60, survivors, 3);
  const credit = (timeS: number, kg: number) =>
    harness.world(timeS, { kind: 'credit', node: 0, group: 1, unit: 1, kg });
  // Ten kg an hour are achievable: the hour after the death yields nothing, later hours yield 9.6.
  credit(hour, 10);
  for (let at = 3; at <= 8; at++) credit(at * hour, 9.6);
  const found = outcome(harness, 8 * hour, achievable);
  assert.ok(
    found.convergedS !== null && found.convergedS >= 2 * hour - 120 && found.convergedS <= 2 * hour,
    String(found.convergedS),
  );
  assert.ok(Math.abs(found.lostKg - 10) < 0.5, String(found.lostKg));
  const poor = death();
  poor.view(hour + 60, survivors, 3, LIVENESS.dead);
  poor.evict(hour + 60, survivors, 3);
  for (let at = 1; at <= 8; at++) poor.world(at * hour, { kind: 'credit', node: 0, group: 1, unit: 1, kg: 9.4 });
  assert.match(outcome(poor, 8 * hour, achievable).missing.join(), /production below 95 %/);
});

test('CVG-2 holds: the coordinator’s report nearest to the onset counts', () => {
  const harness = death();
  const onboard = new OnboardReports(harness.seen);
  onboard.event(9_000_000, 0, Uint32Array.from([TYPE.converged, 1, hour + 100, hour + 2000]));
  onboard.event(9_000_000, 0, Uint32Array.from([TYPE.converged, 1, hour + 900, hour + 5000]));
  assert.is(onboard.nearest(harness.recovery.cases[0])?.convergedS, hour + 2000);
});

test('CVG-2 violated: a report of another member, or of an earlier disruption, does not count', () => {
  const harness = death();
  const onboard = new OnboardReports(harness.seen);
  onboard.event(9_000_000, 1, Uint32Array.from([TYPE.converged, 1, hour, hour + 2000]));
  onboard.event(9_000_000, 0, Uint32Array.from([TYPE.converged, 1, hour + 1801, hour + 2000]));
  assert.is(onboard.nearest(harness.recovery.cases[0]), null);
});

test('SIM-1 holds: actual production reaches the achievable', () => {
  assert.ok(withinAchievable(100, 100).ok);
});

test('SIM-1 violated: more is produced than achievable', () => {
  assert.is(withinAchievable(100.1, 100).violations, 1);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AchievableCurve, Convergence, type Outcome, withinAchievable } from '../../hwsim/check/convergence.ts';
import { Onboard } from '../../hwsim/check/onboard.ts';
import { JudgeHarness, deathOf, siteOf } from './judge_harness.ts';

const hour = 3600;
const survivors = [0, 1, 2];

/** 240 kg a day on lot 1, that is 10 kg an hour. */
const achievable: AchievableCurve = {
  totalKg: 240,
  groups: [1],
  kg: (groups, fromS, toS) => (groups.includes(1) ? ((toS - fromS) * 240) / 86_400 : 0),
};

function outcome(harness: JudgeHarness, endS: number, curve: AchievableCurve | null = null): Outcome {
  harness.until(endS);
  return new Convergence(harness.recovery, harness.seen.production, curve, endS).outcomes(() => null)[0];
}

/** Node 3 dies at one hour; its claim on site 1 was known to all. */
function death(): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.spread(60, 3, { version: 1, state: 3 });
  harness.world(hour, { kind: 'node-down', node: 3, permanent: true, disruption: 'node-death-3' });
  harness.world(hour, deathOf(3, hour));
  return harness;
}

function forgotten(harness: JudgeHarness, timeS: number): void {
  for (const node of survivors) harness.hold(timeS, node, 3, { version: 1, state: 0 });
}

test('CVG-1 holds: a death known after 15 minutes and its claim dropped after 40 has converged then', () => {
  const harness = death();
  harness.view(hour + 840, [0, 1], 3, 4);
  harness.view(hour + 900, [2], 3, 4);
  forgotten(harness, hour + 2399);
  const found = outcome(harness, 4 * hour);
  assert.is(found.detectedS, hour + 900);
  assert.is(found.convergedS, hour + 2400);
  assert.is(found.withinSla, true);
  assert.equal(found.touchedGroups, [1]);
});

test('CVG-1 violated: a claim of the dead that is still held breaches the SLA', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, 4);
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, null);
  assert.is(found.withinSla, false);
  assert.match(found.missing.join(), /still held/);
});

test('one member that lags behind a version keeps the cluster from having converged; one published just now does not', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, 4);
  forgotten(harness, hour + 1200);
  harness.publish(hour + 300, 0, { version: 1, resource: siteOf(2) });
  harness.hold(hour + 310, 1, 0, { version: 1 });
  harness.hold(hour + 2999, 2, 0, { version: 1 });
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, hour + 3000);
});

test('an open conflict between two claims keeps the cluster from having converged until one loses', () => {
  const harness = death();
  harness.view(hour + 900, survivors, 3, 4);
  forgotten(harness, hour + 900);
  harness.spread(hour + 60, 0, { version: 1, resource: siteOf(2) });
  harness.spread(hour + 60, 1, { version: 1, resource: siteOf(2) });
  harness.event(hour + 2879, 1, 197, 0, 1, 0, 0);
  const found = outcome(harness, 4 * hour);
  assert.is(found.convergedS, hour + 2880);
});

test('what the run is too short to tell is not measured', () => {
  const harness = death();
  const found = outcome(harness, hour + 1800);
  assert.is(found.convergedS, null);
  assert.is(found.withinSla, null);
});

test('production on the touched lot below 95 % is not converged; what is missing is lost', () => {
  const harness = death();
  harness.view(hour + 60, survivors, 3, 4);
  forgotten(harness, hour + 60);
  const credit = (timeS: number, kg: number) =>
    harness.world(timeS, { kind: 'credit', node: 0, group: 1, unit: 1, kg });
  // Ten a full hour are achievable: the hour after the death yields nothing, later ones 9.6.
  credit(hour, 10);
  for (let at = 3; at <= 8; at++) credit(at * hour, 9.6);
  const found = outcome(harness, 8 * hour, achievable);
  assert.ok(
    found.convergedS !== null && found.convergedS >= 2 * hour - 120 && found.convergedS <= 2 * hour,
    String(found.convergedS),
  );
  assert.ok(Math.abs(found.lostKg - 10) < 0.5, String(found.lostKg));
  const poor = death();
  poor.view(hour + 60, survivors, 3, 4);
  forgotten(poor, hour + 60);
  for (let at = 1; at <= 8; at++) poor.world(at * hour, { kind: 'credit', node: 0, group: 1, unit: 1, kg: 9.4 });
  assert.match(outcome(poor, 8 * hour, achievable).missing.join(), /production below 95 %/);
});

test('CVG-2 holds: the coordinator’s report nearest to the onset is taken', () => {
  const harness = death();
  const onboard = new Onboard(harness.seen);
  onboard.event(9_000_000, 0, Uint32Array.from([199, 1, hour + 100, hour + 2000]));
  onboard.event(9_000_000, 0, Uint32Array.from([199, 1, hour + 900, hour + 5000]));
  assert.is(onboard.nearest(harness.recovery.cases[0])?.convergedS, hour + 2000);
});

test('CVG-2 violated: what another member, or a report of something long past, says is not taken', () => {
  const harness = death();
  const onboard = new Onboard(harness.seen);
  onboard.event(9_000_000, 1, Uint32Array.from([199, 1, hour, hour + 2000]));
  onboard.event(9_000_000, 0, Uint32Array.from([199, 1, hour + 1801, hour + 2000]));
  assert.is(onboard.nearest(harness.recovery.cases[0]), null);
});

test('SIM-1 holds: actual production up to the achievable', () => {
  assert.ok(withinAchievable(100, 100).ok);
});

test('SIM-1 violated: more produced than achievable', () => {
  assert.is(withinAchievable(100.1, 100).violations, 1);
});

test.run();

// When and where credited kilograms were earned: production on a grid of minutes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Production } from '../../hwsim/check/observe/production.ts';

const hourMs = 3_600_000;
const near = (actual: number, wanted: number) =>
  assert.ok(Math.abs(actual - wanted) < 1e-9, `${actual}, not ${wanted}`);

/** Node 0 is credited 60 kg on unit 1 of group 1. */
function credited(timeMs: number, beganMs?: number): Production {
  const production = new Production();
  if (beganMs !== undefined) production.begin(beganMs, 0, 1, 1);
  production.credit(timeMs, 0, 1, 1, 60);
  return production;
}

test('a credit at a full hour was earned evenly over that hour', () => {
  const production = credited(2 * hourMs);
  near(production.kg([1], 0, 60), 0);
  for (const minute of [60, 61, 119]) near(production.kg([1], minute, minute + 1), 1);
  near(production.kg([1], 0, 1000), 60);
  near(production.totalKg, 60);
});

test('a credit was earned since the node began there, and not before the full hour', () => {
  const since = credited(hourMs, hourMs / 2);
  near(since.kg([1], 0, 30), 0);
  near(since.kg([1], 30, 31), 2);
  const late = credited(hourMs + 600_000, hourMs / 2);
  near(late.kg([1], 0, 60), 0);
  near(late.kg([1], 60, 61), 6);
});

test('a credit was earned since the one before it on the same unit, by the same node', () => {
  const production = credited(hourMs / 2);
  production.credit(hourMs, 0, 1, 1, 30);
  near(production.kg([1], 0, 30), 60);
  near(production.kg([1], 30, 60), 30);
  production.credit(hourMs, 1, 1, 1, 60);
  production.credit(hourMs, 0, 1, 2, 60);
  near(production.kg([1], 0, 30), 120);
  near(production.kg([1], 30, 60), 90);
});

test('a span that covers a part of a minute counts for that part', () => {
  const production = credited(150_000, 30_000);
  near(production.kg([1], 0, 1), 15);
  near(production.kg([1], 1, 2), 30);
  near(production.kg([1], 2, 3), 15);
});

test('a credit at the instant at which the work began is not lost', () => {
  const production = credited(600_000, 600_000);
  near(production.kg([1], 9, 10), 60);
});

test('groups add up, each over the minutes asked for', () => {
  const production = credited(hourMs);
  production.credit(hourMs, 0, 2, 1, 120);
  near(production.kg([2], 0, 60), 120);
  near(production.kg([1, 2, 3], 10, 20), 30);
  const sums = production.cumulative([1, 2, 3], 61);
  near(sums[0], 0);
  near(sums[1], 3);
  near(sums[60], 180);
  near(sums[61], 180);
  assert.is(production.cumulative([1], 30).length, 31);
});

test.run();

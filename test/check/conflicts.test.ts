// Which claims conflict, and which conflicts are open: criterion (b) of convergence.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE } from '../../host/cbor/generated.ts';
import { conflictsAmong } from '../../hwsim/check/observe/conflicts.ts';
import type { Plan } from '../../hwsim/check/observe/plans.ts';
import { JudgeHarness, nodeDown, siteOf, splitInHalves } from './judge_harness.ts';

const plan = (key: number, unit: number, [startS, endS]: [number, number], rate = 100) =>
  ({ key, resource: siteOf(unit), startS, endS, rate }) as Plan;
const among = (plans: Plan[], capacityKgPerDay = 1000, fromS = 0) => conflictsAmong(plans, 1, capacityKgPerDay, fromS);

test('two plans on one unit conflict when they share an instant, and not when one follows the other', () => {
  assert.equal(among([plan(8, 1, [0, 100]), plan(16, 1, [99, 200])]), [{ group: 1, unit: 1, keys: [8, 16] }]);
  assert.equal(among([plan(8, 1, [0, 100]), plan(16, 1, [100, 200])]), []);
  assert.equal(among([plan(8, 1, [100, 200]), plan(16, 1, [0, 100])]), []);
  assert.equal(among([plan(8, 1, [0, 100]), plan(16, 2, [0, 100])]), [], 'two units');
});

test('a plan conflicts with a long one that began before a short one between them', () => {
  const found = among([plan(8, 1, [0, 100]), plan(16, 1, [10, 20]), plan(24, 1, [30, 40]), plan(32, 1, [100, 110])]);
  assert.equal(
    found.map(({ keys }) => keys),
    [
      [8, 16],
      [8, 24],
    ],
  );
});

test('a group is asked for too much from the instant on at which the rates exceed its capacity', () => {
  const plans = [plan(8, 1, [0, 100], 500), plan(16, 2, [50, 150], 500), plan(24, 3, [60, 120], 1)];
  assert.equal(among(plans), [{ group: 1, unit: 0, keys: [8, 16, 24] }]);
  assert.equal(among(plans, 1001), []);
  const followed = [...plans.slice(0, 2), plan(24, 3, [100, 120], 500)];
  assert.equal(among(followed), [], 'a rate that ends makes room at once');
  assert.equal(among(followed.reverse()), [], 'in any order');
  followed.reverse();
  assert.equal(among([...followed, plan(32, 4, [110, 120], 1)]), [{ group: 1, unit: 0, keys: [16, 24, 32] }]);
});

test('what is over before the instant of asking asks for nothing', () => {
  const plans = [plan(8, 1, [0, 50], 600), plan(16, 2, [0, 200], 600)];
  assert.equal(among(plans, 1000, 50), []);
  assert.is(among(plans, 1000, 49).length, 1);
});

const claim = { version: 1, resource: siteOf(2) };

/** Two claims on one site from 100 s on; `change` follows at 200 s. The number open at `atS`. */
function open(change: (harness: JudgeHarness) => void, atS = 900, owners = [0, 1]): number {
  const harness = new JudgeHarness(4);
  for (const owner of owners) harness.spread(100, owner, claim);
  harness.until(150);
  change(harness);
  harness.until(atS);
  return harness.seen.conflicts.count(atS * 1000);
}

test('claims conflict once they are ten minutes old', () => {
  assert.is(
    open(() => {}, 699.9),
    0,
  );
  assert.is(
    open(() => {}, 700),
    1,
  );
});

test('a claim that its owner lost, withdrew, only planned, or whose owner is down or apart is in no conflict', () => {
  assert.is(
    open((harness) => harness.lose(200, 1, 0)),
    0,
  );
  for (const state of [INTENT_STATE.withdrawn, INTENT_STATE.planned])
    assert.is(
      open((harness) => harness.spread(200, 1, { ...claim, version: 2, state })),
      0,
    );
  assert.is(
    open((harness) => harness.world(200, nodeDown(1))),
    0,
  );
  const bothDown = (harness: JudgeHarness) => {
    for (const node of [0, 1]) harness.world(200, nodeDown(node));
  };
  assert.is(open(bothDown), 0);
  const apart = (harness: JudgeHarness) => harness.world(200, splitInHalves);
  assert.is(open(apart, 900, [0, 2]), 0);
  assert.is(open(apart, 900, [0, 1]), 1);
});

test('a capacity that falls opens a conflict, and one that rises closes it', () => {
  const harness = new JudgeHarness(4);
  harness.spread(60, 0, { version: 1, rate: 600 });
  const capacity = (timeS: number, capacityKgPerDay: number) =>
    harness.world(timeS, { kind: 'group-capacity', group: 1, capacityKgPerDay, stockKg: 0, disruption: null });
  const count = (atS: number) => {
    harness.until(atS);
    return harness.seen.conflicts.count(atS * 1000);
  };
  assert.is(count(9000), 0);
  capacity(9001, 599);
  assert.is(count(9060), 1);
  capacity(9061, 600);
  assert.is(count(9120), 0);
});

test('a group is asked for too much until the end of what asks for it', () => {
  const harness = new JudgeHarness(4);
  for (const owner of [0, 1])
    harness.spread(60, owner, { version: 1, resource: siteOf(1 + owner), rate: 600, endS: 9000 });
  harness.until(8995);
  assert.is(harness.seen.conflicts.count(8_995_000), 1);
  assert.is(harness.seen.conflicts.count(9_000_000), 0);
});

test('a conflict lasts until the claims no longer overlap in time', () => {
  const harness = new JudgeHarness(4);
  harness.spread(60, 0, { ...claim, endS: 9000 });
  harness.spread(60, 1, claim);
  harness.until(8999);
  assert.is(harness.seen.conflicts.count(8_999_000), 1);
  assert.is(harness.seen.conflicts.count(9_000_000), 0);
});

test.run();

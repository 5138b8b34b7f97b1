// Compares the firmware's plans with the exact optimum of the same instance (HiGHS).
// long: HELIOGRAPH_INSTANCES=1000

import loadHighs from 'highs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { replay, toProgram } from './mip.ts';
import { fly } from './instances.ts';

/** The solver needs half of its time for the 80th instance alone: only the long version has it. */
const wanted = Number(process.env.HELIOGRAPH_INSTANCES ?? 75);
const maintenanceWorth = 10_000;
const highs = await loadHighs();

test(`SCH-1 holds: ${wanted} random plans keep energy and storage, and reach 95 % of the optimum on average`, () => {
  let counted = 0;
  let sum = 0;
  let worst = Infinity;
  let worstSeed = 0;
  for (let seed = 1; counted < wanted; seed++) {
    const flown = fly(seed);
    if (flown === null) continue;
    const done = replay(flown.instance, flown.timeline, flown.replicateW);
    assert.equal(done.breaks, [], `seed ${seed}: ${flown.timeline.join(' ')}`);
    const solution = highs.solve(toProgram(flown.instance), { mip_rel_gap: 0 });
    assert.is(solution.Status, 'Optimal', `seed ${seed}`);
    const possible = solution.ObjectiveValue >= maintenanceWorth - 1;
    const placed = flown.timeline.filter((code) => code === 8).length;
    const length = flown.instance.maintenance?.length ?? 0;
    if (flown.instance.maintenance !== null) assert.is(placed, possible ? length : 0, `seed ${seed}: maintenance`);
    const optimum = solution.ObjectiveValue - (possible ? maintenanceWorth : 0);
    counted++;
    if (optimum < 1e-6) {
      sum += 1;
      continue;
    }
    const ratio = done.value / optimum;
    assert.ok(
      ratio <= 1 + 1e-6,
      `seed ${seed}: ${done.value} exceeds the optimum ${optimum}, so one of the two is wrong`,
    );
    sum += ratio;
    if (ratio < worst) [worst, worstSeed] = [ratio, seed];
  }
  const average = sum / counted;
  const extremes = `average ${average.toFixed(4)} of the optimum, worst ${worst.toFixed(4)} (seed ${worstSeed})`;
  console.log(`  ${counted} instances: ${extremes}`);
  assert.ok(average >= 0.95, `average ${average}`);
});

test('SCH-1 violated: the replay reports an overdrawn battery, an overfilled store or mining without a claim', () => {
  const flown = [...Array(50).keys()]
    .map((seed) => fly(seed + 1))
    .find((each) => each !== null && each.instance.haul === null);
  assert.ok(flown);
  const { instance } = flown;
  const claim = instance.mines[0];
  const greedy = Array.from({ length: instance.slots }, (_, slot) =>
    slot >= claim.from && slot < claim.to ? claim.slot + 1 : 0,
  );
  const starved = { ...instance, levelWh: instance.reserveWh, solarW: instance.baseW };
  assert.match(replay(starved, greedy, 0).breaks.join(), /reserve/);
  assert.match(replay({ ...instance, storedKg: instance.storageKg }, greedy, 0).breaks.join(), /kg of/);
  assert.match(
    replay(
      instance,
      greedy.map(() => claim.slot + 1),
      0,
    ).breaks.join(),
    /without a claim/,
  );
});

test.run();

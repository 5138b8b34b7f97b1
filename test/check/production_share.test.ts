import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { productionShare } from '../../hwsim/check/judges/production_share.ts';

const judged = { actualKg: 900, achievableKg: 1000, greedyKg: 600 };

test('SIM-1-production holds: 90 % of the achievable, and more than greedy nodes', () => {
  assert.ok(productionShare(judged).ok);
  assert.ok(productionShare({ ...judged, greedyKg: null }).ok);
  assert.ok(productionShare({ actualKg: 0, achievableKg: 0, greedyKg: 0 }).ok);
});

test('SIM-1-production violated: less than 90 % of the achievable was produced', () => {
  const poor = productionShare({ ...judged, actualKg: 899 });
  assert.equal(poor.examples, ['89.9 % of the achievable was produced, less than 90.0 %']);
});

test('SIM-1-production violated: greedy nodes produce more', () => {
  assert.match(productionShare({ ...judged, greedyKg: 901 }).examples.join(), /less than the 901\.0 kg of greedy/);
  assert.is(productionShare({ actualKg: 100, achievableKg: 1000, greedyKg: 101 }).violations, 2);
});

test('SIM-1-production holds: a share that the scenario states counts instead, and nothing else', () => {
  assert.ok(productionShare({ ...judged, actualKg: 500, statedShare: 0.5 }).ok);
});

test('SIM-1-production violated: less than the share that the scenario states was produced', () => {
  const poor = productionShare({ ...judged, actualKg: 499, statedShare: 0.5 });
  assert.match(poor.examples.join(), /49\.9 % .* less than the 50\.0 % that the scenario states/);
  assert.not(productionShare({ ...judged, actualKg: 940, statedShare: 0.95 }).ok);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addBins, flyDeaths, quantileS, summaryOf } from '../../hwsim/campaign/cluster/deaths.ts';
import { poissonUpper95 } from '../../hwsim/campaign/statistics.ts';
import { deathsText } from '../../hwsim/cli/campaign/deaths.ts';

const flights = [1, 2].map((seed) => flyDeaths(seed, 2, { nodes: 40 }));

// Long version: npx heliograph deaths.
test('MBR-1 holds: at 30 % loss no live member is declared dead, and every death is detected', () => {
  for (const flight of flights) {
    assert.is(flight.falseDeaths, 0, flight.examples.join('; '));
    assert.is(flight.unknown, 0);
    const known = flight.deadBins.reduce((sum, count) => sum + count, 0);
    // Four members die one after the other; all members alive at the time detect each death.
    assert.ok(known >= 4 * 36, `${known} members detected a death`);
    assert.ok((quantileS(flight.goneBins, 0.99) ?? Number.POSITIVE_INFINITY) <= 1200);
  }
  assert.is.not(flights[0].traceHash, flights[1].traceHash);
  assert.match(deathsText(summaryOf(flights), flights, String), /false deaths {2}0; rate at most/);
});

test('the Poisson bound is three for no event and grows with the count', () => {
  assert.ok(Math.abs(poissonUpper95(0) - 2.9957) < 1e-3);
  assert.ok(Math.abs(poissonUpper95(1) - 4.7439) < 1e-3);
  assert.ok(Math.abs(poissonUpper95(5) - 10.513) < 1e-3);
});

test('a quantile is the upper end of its bin, and null when nothing was counted', () => {
  assert.is(quantileS([0, 3, 0, 1], 0.5), 20);
  assert.is(quantileS([0, 3, 0, 1], 0.99), 40);
  assert.is(quantileS([], 0.5), null);
  assert.equal(addBins([[1, 2], [0, 1, 5], []]), [1, 3, 5]);
});

test.run();

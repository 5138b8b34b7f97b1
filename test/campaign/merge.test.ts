import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultEngine } from '../../host/engine/names.ts';
import { countMerge, givenClaims, type MergeCurve, mergeCurve } from '../../hwsim/campaign/cluster/merge.ts';
import { fitLine } from '../../hwsim/campaign/statistics.ts';

/** Returns the reasons why a curve is not proportional to the difference; [] when it is. */
function complaints({ points, slope, rSquared }: MergeCurve): string[] {
  const costs = points.map(({ messages }) => messages);
  const [few, many] = [costs[0], costs[costs.length - 1]];
  const growth = points[points.length - 1].difference / points[0].difference;
  const isGrowing = costs.every((cost, index) => cost > (costs[index - 1] ?? 0));
  return [
    ...(isGrowing ? [] : [`the cost does not grow: ${costs}`]),
    // Many versions share the narrowing of ranges, so each may cost less, but not more.
    ...(many <= growth * few ? [] : [`${growth} times the difference costs ${many} instead of ${few}`]),
    ...(slope > 0 && rSquared > 0.8 ? [] : [`slope ${slope}, R² ${rSquared}`]),
  ];
}

const nodes = 24;
const days = 0.25;

// Long version: npx heliograph merge.
test('FLT-3 holds: a merge costs messages in proportion to the difference, and every version arrives', () => {
  const flight = { nodes, days, seed: 1, engine: defaultEngine };
  const counts = [0, 6, 24, 96].map((difference) => countMerge({ ...flight, difference }));
  const curve = mergeCurve(counts, nodes, days);
  // The members of the other half lack every version.
  for (const { difference, deliveries } of curve.points) assert.is(deliveries, (difference * nodes) / 2);
  assert.equal(complaints(curve), []);
});

test('FLT-3 violated: a constant cost and one that grows with the square of the difference are detected', () => {
  const curveOf = (costOf: (difference: number) => number) => {
    const count = (difference: number) => ({ difference, messages: costOf(difference), deliveries: 0, lastS: 0 });
    return mergeCurve([0, 6, 24, 96].map(count), nodes, days);
  };
  assert.ok(complaints(curveOf((difference) => (difference === 0 ? 0 : 600))).length > 0);
  assert.ok(complaints(curveOf((difference) => difference ** 2)).length > 0);
  assert.equal(complaints(curveOf((difference) => 10 * difference)), []);
});

test('a line is fitted exactly to points that lie on it', () => {
  const { slope, intercept, rSquared } = fitLine([1, 2, 5].map((x) => ({ x, y: 3 * x + 4 })));
  assert.ok(Math.abs(slope - 3) < 1e-9 && Math.abs(intercept - 4) < 1e-9 && Math.abs(rSquared - 1) < 1e-9);
});

test('claims are given to members in turn, and more than fit are refused', () => {
  const given = givenClaims(9, 4, 1);
  assert.equal(
    given.map(({ node, fields }) => [node, fields[1]]),
    [0, 1, 2, 3, 0, 1, 2, 3, 0].map((node, index) => [node, Math.floor(index / 4)]),
  );
  assert.throws(() => givenClaims(25, 4, 1), /at most 24/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultEngine } from '../../host/engine/names.ts';
import { countMerge, givenClaims, mergeCurve } from '../../hwsim/campaign/cluster/merge.ts';
import { fitLine } from '../../hwsim/campaign/statistics.ts';

test('FLT-3 holds: what a merge costs grows with what differs, and everything arrives (long version: npx heliograph merge)', () => {
  const nodes = 24;
  const days = 0.25;
  const flight = { nodes, days, seed: 1, engine: defaultEngine };
  const counts = [0, 6, 24, 96].map((difference) => countMerge({ ...flight, difference }));
  const { points, slope, rSquared } = mergeCurve(counts, nodes, days);
  // Every version is lacked by the members of the other half.
  for (const { difference, deliveries } of points) assert.is(deliveries, (difference * nodes) / 2);
  const [few, some, many] = points.map(({ messages }) => messages);
  assert.ok(0 < few && few < some && some < many, `${few}, ${some}, ${many}`);
  // Sixteen times the difference costs at most sixteen times as much: the narrowing is shared.
  assert.ok(many <= 16 * few, `${few} and ${many}`);
  assert.ok(slope > 0 && rSquared > 0.8, `slope ${slope}, R² ${rSquared}`);
});

test('a line through points on a line is that line', () => {
  const { slope, intercept, rSquared } = fitLine([1, 2, 5].map((x) => ({ x, y: 3 * x + 4 })));
  assert.ok(Math.abs(slope - 3) < 1e-9 && Math.abs(intercept - 4) < 1e-9 && Math.abs(rSquared - 1) < 1e-9);
});

test('claims are given to members in turn, and no more than fit', () => {
  const given = givenClaims(9, 4, 1);
  assert.equal(
    given.map(({ node, fields }) => [node, fields[1]]),
    [0, 1, 2, 3, 0, 1, 2, 3, 0].map((node, index) => [node, Math.floor(index / 4)]),
  );
  assert.throws(() => givenClaims(25, 4, 1), /at most 24/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { cosineOf, sineOf } from '../../hwsim/kernel/sine.ts';
import { TraceHash } from '../../hwsim/kernel/trace_hash.ts';

const radians = (turns: number) => 2 * Math.PI * turns;
const eighths = Array.from({ length: 65 }, (_, index) => (index - 32) / 8);
const random = new RandomStream(3, 'angles');
const angles = [...eighths, ...Array.from({ length: 20_000 }, () => random.between(-1, 1))];

/** The greatest difference of two functions over all angles. */
function worst(one: (turns: number) => number, other: (turns: number) => number): number {
  return Math.max(...angles.map((turns) => Math.abs(one(turns) - other(turns))));
}

test('sine and cosine are those of Math to 10⁻¹⁴; another angle is noticed', () => {
  assert.ok(worst(sineOf, (turns) => Math.sin(radians(turns))) < 1e-14);
  assert.ok(worst(cosineOf, (turns) => Math.cos(radians(turns))) < 1e-14);
  assert.ok(worst(sineOf, (turns) => Math.sin(radians(turns + 1e-8))) > 1e-9);
});

test('whole turns change nothing but the rounding of the angle', () => {
  for (const turns of [0.1, -0.2, 0.375]) {
    for (const more of [-7, 1, 40, 1000])
      assert.ok(Math.abs(sineOf(turns + more) - sineOf(turns)) < 1e-15 * (1 + Math.abs(more)) * 7);
  }
  assert.equal(
    [0, 0.25, 0.5, 0.75, 1].map((turns) => sineOf(turns) + 0),
    [0, 1, 0, -1, 0],
  );
});

test('the bits are the same in every engine', () => {
  const hash = new TraceHash();
  for (let index = -4096; index <= 4096; index += 1) {
    hash.double(sineOf(index / 1031));
    hash.double(cosineOf(index / 1031));
  }
  assert.is(hash.digest(), '8a81f4837192c037');
});

test.run();

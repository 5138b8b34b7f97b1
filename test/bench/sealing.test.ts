// needs: boards
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildRunner } from '../../hwsim/bench/cycles/runner.ts';
import { measureSealing, type RefusedFrame, worstFlood } from '../../hwsim/bench/cycles/sealing.ts';
import { targets } from '../../host/board/targets.ts';

for (const [name, limit] of [
  ['m7', 15_000],
  ['m4', 20_000],
] as const)
  test(`SEC-1 holds: on ${name} a usual frame opens within its budget, and refusing one costs a fraction`, async () => {
    const { ops, refused } = measureSealing(await buildRunner(targets[name]));
    const countsOf = (wanted: string) => ops.find(({ op }) => op === wanted)?.counts ?? [];
    const [opened] = countsOf('frame.open');
    assert.ok(opened <= limit, `${opened}`);
    assert.ok(countsOf('frame.open.longest')[0] > opened && countsOf('frame.seal')[0] > opened / 2);
    const reasons = new Set(refused.map(({ why }) => why));
    assert.equal([...reasons].sort(), [
      'addressee',
      'crc',
      'header',
      'key-epoch',
      'length',
      'replay',
      'sender',
      'stale',
      'tag',
    ]);
    // A wrong CRC makes the image check the CRC's tables; a wrong tag had to be computed. The other
    // refusals come before the cipher.
    for (const { why, bytes, instructions } of refused) {
      const share = why === 'tag' || why === 'crc' ? 0.85 : 0.3;
      assert.ok(instructions < opened * share, `${why}, ${bytes} bytes: ${instructions} of ${opened}`);
    }
    const flood = worstFlood(targets[name], refused);
    assert.ok(flood.share < 0.05, JSON.stringify(flood));
  });

test('SEC-1 violated: of two refusals, the one that uses more of the clock is reported', () => {
  const cheap: RefusedFrame = { why: 'addressee', bytes: 48, instructions: 500 };
  const expensive: RefusedFrame = { why: 'tag', bytes: 48, instructions: 50_000 };
  const worst = worstFlood(targets.m7, [cheap, expensive, { ...expensive, bytes: 256 }]);
  assert.is(worst.why, 'tag');
  assert.is(worst.bytes, 48);
  // 35 kbit/s are 91.1 frames of 48 bytes a second; 1.5 cycles per instruction, 300 MHz.
  assert.ok(Math.abs(worst.share - 0.02279) < 0.0001, `${worst.share}`);
});

test.run();

// needs: boards
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { buildRunner, type Runner, runScript, targetWithout } from '../../hwsim/bench/cycles/runner.ts';
import { Script } from '../../hwsim/bench/cycles/script.ts';
import { crowd, sizesOf } from '../../hwsim/bench/cycles/crowd.ts';
import { compareConflicts, compareFrames, tableLayout } from '../../hwsim/bench/cycles/native_baseline.ts';
import { type TargetName, targets } from '../../host/board/targets.ts';
import { SCRIPT_PLACE } from '../../hwsim/bench/generated_harness.ts';

const compared: readonly TargetName[] = ['m7', 'm4', 'leon3'];

/** The native baseline has no protection: it is compared with the image that has none either. */
const bareRunner = (name: TargetName): Promise<Runner> => buildRunner(targetWithout('protection', targets[name]));

test('the native baseline opens thousands of frames, sound and mutated, as the image does', async () => {
  for (const name of compared) {
    const runner = await bareRunner(name);
    for (const seed of [11, 12]) {
      const mutated = compareFrames(runner, seed, 700, false);
      assert.equal(mutated.different, [], name);
      const whole = compareFrames(runner, seed, 500, true);
      assert.equal(whole.different, [], name);
      assert.ok(whole.native > 0 && whole.image > 0);
    }
  }
});

test('the native baseline gives the verdicts of the image, record by record', async () => {
  for (const name of compared) {
    const runner = await bareRunner(name);
    const { members, intents } = sizesOf(targets[name].preset);
    for (let seed = 1; seed <= 4; seed += 1) {
      const random = new RandomStream(seed, 'test/yardstick');
      const options = {
        members,
        intents: 20 + random.below(intents - 24),
        groups: 1 + random.below(20),
        units: 1 + random.below(20),
        capacity: 50 + random.below(4000),
        silentShare: seed % 2 === 0 ? 0.3 : 0,
        notices: random.below(20),
      };
      const { different, cases } = compareConflicts(runner, options, seed, 60);
      assert.is(cases, 60);
      assert.equal(different, [], `${name}: ${JSON.stringify(options)}`);
    }
  }
});

test('a verdict, a bound and a counter that differ are noticed', async () => {
  const runner = await bareRunner('leon3');
  const { target } = runner;
  const layout = tableLayout(runner.image);
  const constants = firmwareConstants(runner.image);
  const intentsAt = constants.get('INTENTS_AT')!;
  const countersAt = constants.get('COUNTERS_AT')!;
  const changed = (all: boolean, at: number): number => {
    const script = new Script(target.bigEndian);
    const random = new RandomStream(1, 'test/yardstick');
    crowd(script, { members: 20, intents: 12, groups: 2, units: 4, capacity: 400, silentShare: 0, notices: 0, random });
    script.tables(layout, true);
    const before = script.compare(all);
    script.write(SCRIPT_PLACE.context, Uint8Array.of(0x7e), at);
    const after = script.compare(all);
    const { result } = runScript(runner, script);
    assert.is(result.word(before), 0);
    return result.word(after);
  };
  assert.is(changed(true, intentsAt + 23), 1);
  assert.is(changed(true, intentsAt + 8), 1);
  assert.is(changed(false, countersAt + 8), 1);
});

test('the native baseline is not compared with an image that is protected', async () => {
  const runner = await buildRunner(targets.m7);
  assert.throws(() => compareFrames(runner, 1, 1, true), /without protection, not with flight/);
});

test.run();

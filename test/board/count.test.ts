// needs: boards
import { readFileSync, statSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { portInputs, recordNode } from '../../hwsim/emulator/recording.ts';
import { addRecorded } from '../../hwsim/bench/cycles/replay.ts';
import { buildRunner, runScript } from '../../hwsim/bench/cycles/runner.ts';
import { Script } from '../../hwsim/bench/cycles/script.ts';
import { buildBoard } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { type TargetName, targets } from '../../host/board/targets.ts';
import { buildPlugin, countArguments, readCounts } from '../../hwsim/emulator/plugin/plugin.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { BoardSession } from '../../hwsim/emulator/session.ts';

const recording = recordNode({ scenario: 'quiet', preset: 'flight', nodes: 20, node: 7, days: 0.05, seed: 1 });
const inputsCount = 180;

/** Returns the counts of the calls that a board makes for inputs over its serial line. */
async function onBoard(name: TargetName): Promise<string[]> {
  const { target, elf: path } = await buildBoard(name);
  const pool = new EmulatorPool();
  const session = new BoardSession({ pool, id: name, target, path, elf: readElf(readFileSync(path)) });
  session.untilDone();
  for (const input of portInputs(recording).slice(0, inputsCount)) {
    session.give(input);
    session.untilDone();
  }
  const counts = session.counts();
  session.close();
  pool.close();
  return counts.map(({ op, how, instructions }) => `${op} ${how} ${instructions}`);
}

/** Returns the counts of the same calls one after the other, without serial line and loop. */
async function inScript(name: TargetName, calls: number): Promise<string[]> {
  const runner = await buildRunner(targets[name]);
  const script = new Script(targets[name].bigEndian);
  for (const call of recording.calls.slice(0, calls)) addRecorded(script, call);
  return runScript(runner, script).counts.map(({ op, how, instructions }) => `${op} ${how} ${instructions}`);
}

test('BRD-1 holds: counts are the same in every run', async () => {
  for (const name of ['m7', 'leon3'] as const) {
    const first = await inScript(name, 400);
    assert.ok(first.length === 400, name);
    assert.equal(await inScript(name, 400), first, name);
  }
});

test('a call takes as many instructions on the board as in a script', async () => {
  for (const name of ['m7', 'rv32'] as const) {
    const counted = await onBoard(name);
    assert.ok(counted.length > 200, `${counted.length} calls`);
    assert.equal(counted, await inScript(name, counted.length), name);
  }
});

test('a trace has as many instructions as were counted', async () => {
  const runner = await buildRunner(targets.m7);
  const script = new Script(false);
  for (const call of recording.calls.slice(0, 50)) addRecorded(script, call);
  const { counts, traces } = runScript(runner, script, { from: 0, calls: 50 });
  // The last address of each trace is the call of `measure_end`, which is not counted.
  assert.equal(
    traces.map((trace) => trace.length - 1),
    counts.map(({ instructions }) => instructions),
  );
  // Every address of a short trace is inside a function.
  const [short] = runScript(runner, script, { from: 1, calls: 1 }).traces;
  const isCode = (address: number) =>
    runner.elf.functions.some((each) => address >= each.address && address < each.address + each.bytes);
  assert.ok(short.length > 10 && short.every(isCode));
});

test('BRD-1 violated: a call above its limit of instructions ends the run and is marked', async () => {
  const runner = await buildRunner(targets.m7);
  const script = new Script(false);
  for (const call of recording.calls.slice(0, 50)) addRecorded(script, call);
  // All calls take fewer instructions than the first limit; the boot takes more than the second.
  assert.is(runScript(runner, script, undefined, 600_000).counts.length, 50);
  const { counts } = runScript(runner, script, undefined, 405_000);
  assert.is(counts.length, 1);
  const [boot] = counts;
  assert.ok(
    boot.op === 'boot' && boot.how === 'over' && boot.instructions > 405_000 && boot.instructions < 406_000,
    JSON.stringify(boot),
  );
});

test('the plugin is built once; an ELF without marks or with two marks at one address is refused', async () => {
  const built = statSync(buildPlugin()).mtimeMs;
  assert.is(statSync(buildPlugin()).mtimeMs, built);
  const { elf } = await buildRunner(targets.m7);
  assert.throws(() => countArguments({ ...elf, functions: [] }, { out: '/dev/null' }), /has no measure_end/);
  const folded = elf.functions.map((each) => (each.name === 'measure_begin_tick' ? { ...each, address: 64 } : each));
  const twice = folded.map((each) => (each.name === 'measure_begin_hash' ? { ...each, address: 64 } : each));
  assert.throws(
    () => countArguments({ ...elf, functions: twice }, { out: '/dev/null' }),
    /folded the marks of hash and tick/,
  );
});

test('an incomplete record of counts is not read', () => {
  const bytes = new Uint8Array(24);
  new DataView(bytes.buffer).setBigUint64(8, 43n, true);
  assert.equal(readCounts(bytes, ['boot']), [{ op: 'boot', how: 'ended', instructions: 42 }]);
});

test.run();

// needs: boards
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { targets } from '../../host/board/targets.ts';
import { emulatedBoards, simulatedBoards } from '../../hwsim/report/run_boards.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { qemuBoard } from '../../hwsim/emulator/qemu.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { callsOf } from './model_board.ts';

const nodes = 10;
const days = 0.12;
const engineOf = (preset: 'flight' | 'compact' | 'tiny') => createV8Engine(readImage(preset));

test('BRD-1 holds: emulated boards decide as simulated nodes do, also after resets, power cuts and hangs', () => {
  const scenario = scenarioSchema.parse({
    ...loadScenario('mixed-hardware'),
    nodes,
    days,
    boards: (['m7', 'm4', 'rv64', 'rv32', 'leon3'] as const).map((target, index) => ({ node: 2 * index + 1, target })),
    disruptions: [
      // Every board has stored its first checkpoint before day 0.03.
      ...[1, 3, 5, 7, 9].map((node, index) => ({ kind: 'reset', node, when: { atDay: 0.03 + 0.002 * index } })),
      { kind: 'reset', node: 9, when: { atDay: 0.06 }, losesPower: true },
      { kind: 'reset', node: 3, when: { atDay: 0.065 }, losesPower: true, badSlots: 1 },
      { kind: 'hung-runtime', node: 1, when: { atDay: 0.07 } },
      { kind: 'hung-task', node: 5, when: { atDay: 0.075 }, failing: [1, 2] },
      { kind: 'node-death', node: 7, when: { atDay: 0.09 } },
    ],
  });
  const body = loadBody(scenario.body, undefined, () => {});
  const flight = { seed: 3, days, nodes, body };
  const run = emulatedBoards(scenario, (preset) => engineOf(preset).image);
  try {
    const { controllers } = run;
    const emulated = runScenario(scenario, { ...flight, engine: engineOf('flight'), controllers });
    const simulated = simulatedBoards(scenario, engineOf).controllers;
    assert.is(simulated.size, 1);
    const reference = runScenario(scenario, { ...flight, engine: engineOf('flight'), controllers: simulated });
    assert.is(emulated.traceHash, reference.traceHash);
    assert.equal(callsOf(emulated), callsOf(reference));
    assert.equal(emulated.traps, []);
    const outcomes = run.outcomes(true);
    assert.equal(
      outcomes.map(({ powerCycles }) => powerCycles),
      [0, 1, 0, 1, 1],
    );
    assert.ok(outcomes.every(({ boots = 0 }) => boots >= 2));
    for (const { node, stackBytes } of outcomes)
      assert.ok(
        node === 7 ? stackBytes === null : stackBytes! > 100 && stackBytes! <= 4096,
        `node ${node}: ${stackBytes}`,
      );
  } finally {
    run.close();
  }
});

test('BRD-1 violated: a board with another image than the flown one is refused', () => {
  const pool = new EmulatorPool();
  try {
    const other = { ...engineOf('flight').image, sha256: 'feed'.repeat(16) };
    const board = qemuBoard(pool, 'odd', 'leon3', other);
    board.start();
    assert.throws(() => board.ask(0), /reports target 5, .*not .*image feedfeed \(npx heliograph board build leon3\)/);
  } finally {
    pool.close();
  }
});

test('an idle board uses no processor time and still answers afterwards', () => {
  const pool = new EmulatorPool();
  try {
    const boards = Object.values(targets)
      .filter(({ emulator }) => emulator.startsWith('qemu'))
      .slice(0, 5);
    for (const { name } of boards) {
      const board = qemuBoard(pool, name, name, null);
      board.start();
      assert.equal(board.ask(2), [0, 0, 0], name);
      const ticks = () =>
        Number(spawnSync('sh', ['-c', `cut -d ' ' -f 14 /proc/${board.pid}/stat`], { encoding: 'utf8' }).stdout);
      const before = ticks();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
      assert.ok(ticks() - before < 40, `${name} used ${ticks() - before} hundredths of a second in 1.5 s without work`);
      assert.equal(board.ask(2), [0, 0, 0], name);
      board.powerOff();
    }
  } finally {
    pool.close();
  }
});

test('board run prints events by name, a summary and the hash of the simulated node', () => {
  const command = [join(rootFolder, 'dist', 'heliograph.mjs'), 'board', 'run', 'm4', '--days', '0.03', '--nodes', '8'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  assert.match(stdout, /^m4: VA41630 \(Cortex-M4\) as mps2-an386/);
  assert.match(stdout, /day {2}0 00:00:0\d {2}event {5}booted after power-on without a checkpoint, incarnation 1/);
  assert.match(stdout, /command {3}feed the watchdog, sequence 1/);
  assert.match(stdout, /frames {4}\d+ sent \(\d+ bytes\), \d+ received in this hour/);
  assert.match(stdout, /inputs {6}\d+, of them \d+ frames/);
  assert.match(stdout, /: the same as when this node is simulated/);
});

test.run();

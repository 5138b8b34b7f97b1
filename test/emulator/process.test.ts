import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createV8Engine } from '../../host/engine/v8.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import type { Controller } from '../../hwsim/board/controller.ts';
import { EmulatedBoard } from '../../hwsim/emulator/emulated_board.ts';
import { EmulatorError, EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { until } from '../host/support.ts';
import { callsOf, isModelBoard, type Misbehaviour, runModelBoard, modelBoard } from './model_board.ts';

const nodes = 10;
const days = 0.6;
const scenario = scenarioSchema.parse({
  ...loadScenario('quiet'),
  nodes,
  days,
  disruptions: [
    { kind: 'reset', node: 2, when: { atDay: 0.3 } },
    { kind: 'reset', node: 5, when: { atDay: 0.35 }, downS: 900, losesPower: true, badSlots: 1 },
    { kind: 'reset', node: 2, when: { atDay: 0.42 }, badSlots: 2 },
    { kind: 'hung-runtime', node: 5, when: { atDay: 0.45 } },
    { kind: 'hung-task', node: 2, when: { atDay: 0.5 }, failing: [1, 2] },
    { kind: 'node-death', node: 5, when: { atDay: 0.57 } },
  ],
});

function fly(controllers: ReadonlyMap<number, Controller> = new Map(), length = days): RunFacts {
  const body = loadBody(scenario.body, undefined, () => {});
  return runScenario(scenario, {
    seed: 4,
    days: length,
    nodes,
    body,
    engine: createV8Engine(readImage('flight')),
    controllers,
  });
}

/** Runs with a pool of its own, which is closed afterwards. */
function pooled<T>(use: (pool: EmulatorPool) => T, hangSeconds?: number): T {
  const pool = new EmulatorPool(hangSeconds);
  try {
    return use(pool);
  } finally {
    pool.close();
    assert.not(existsSync(pool.folder));
  }
}

/** Returns the error message of a run in which one board misbehaves. */
function failure(misbehaviour: Misbehaviour): string {
  return pooled((pool) => {
    try {
      fly(new Map([[2, modelBoard(pool, 'node-2', 'flight', misbehaviour)]]), 0.05);
    } catch (error) {
      assert.instance(error, EmulatorError);
      return (error as Error).message;
    }
    return 'nothing happened';
  }, 2);
}

function main(): void {
  test('BRD-1 holds: boards on a line act as simulated nodes, through resets, power losses and death', () => {
    const counts = pooled((pool) => {
      const boards = new Map([2, 5].map((node) => [node, modelBoard(pool, `node-${node}`, 'flight')]));
      const onLine = fly(boards);
      const direct = fly();
      assert.is(onLine.traceHash, direct.traceHash);
      assert.equal(callsOf(onLine), callsOf(direct));
      return [boards.get(2)!.counts, boards.get(5)!.counts];
    });
    assert.equal([counts[0].boots, counts[0].powerCycles], [4, 0]);
    assert.equal([counts[1].boots, counts[1].powerCycles], [3, 2]);
    assert.ok(counts[0].resets >= 2 && counts[1].resets === 1, JSON.stringify(counts));
  });

  test("the error of a board that dies has its name, its emulator's output and the next step", () => {
    const message = failure({ what: 'dies', after: 20 });
    assert.match(message, /^board node-2 \(model\): .* has ended; it printed:\nthe model board gives up\n\(/);
  });

  test('a board that hangs is ended and named', () => {
    assert.match(failure({ what: 'hangs', after: 20 }), /^board node-2 \(model\): .* did not answer and was ended/);
  });

  test('a board that restarts by itself, corrupts its line, or has another image is detected', () => {
    assert.match(failure({ what: 'restarts', after: 20 }), /restarted by itself \(cause 2\)/);
    assert.match(failure({ what: 'sends-noise', after: 20 }), /serial line is corrupted: .*\(build it again\)/);
    assert.match(failure({ what: 'other-image', after: 0 }), /reports .* image 00000001, not .*\(build it again\)/);
  });

  test('the error of an emulator that is missing, or ends at once, has the next step', () => {
    const start = (command: string) =>
      pooled((pool) => {
        const parts = {
          pool,
          id: 'b',
          title: 'board b',
          command,
          remedy: 'apt-get install it',
          rebuild: '',
          identity: null,
        };
        new EmulatedBoard({ ...parts, arguments: () => ['-c', 'echo no such machine; exit 1'] }).start();
      });
    assert.throws(
      () => start('qemu-system-none'),
      /board b: qemu-system-none cannot be started \(apt-get install it\)/,
    );
    assert.throws(() => start('sh'), /ended before it opened its line; it printed:\nno such machine/);
  });

  test('when the simulation is killed, its emulators end and its files are removed', async () => {
    const child = spawn(process.execPath, [process.argv[1], 'orphan'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await until(() => output.includes('\n'));
    const { folder, pid } = JSON.parse(output) as { folder: string; pid: number };
    assert.ok(existsSync(folder));
    child.kill('SIGKILL');
    await until(() => !existsSync(folder), 10);
    await until(() => !runs(pid), 10);
  });

  test.run();
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A simulation that waits to be killed. */
function orphan(): void {
  const pool = new EmulatorPool();
  const board = modelBoard(pool, 'node-2', 'flight');
  board.start();
  console.log(JSON.stringify({ folder: pool.folder, pid: board.pid }));
  setInterval(() => {}, 1000);
}

if (isModelBoard()) runModelBoard();
else if (process.argv[2] === 'orphan') orphan();
else main();

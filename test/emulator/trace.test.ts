// needs: boards
// long: HELIOGRAPH_TRACE_INPUTS=20000
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sealCode } from '../../host/board/build.ts';
import { targets } from '../../host/board/targets.ts';
import { rootFolder } from '../../host/build/root.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import type { FirmwareInput } from '../../hwsim/board/controller.ts';
import { elfOf, qemuBoard } from '../../hwsim/emulator/qemu.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';
import { recordTrace } from '../../hwsim/emulator/drawn_trace.ts';
import { compareBoard, compareMarks, kindsOf, marksOf } from '../../hwsim/emulator/trace.ts';
import { inFolder } from '../host/support.ts';

const traceInputs = Number(process.env.HELIOGRAPH_TRACE_INPUTS ?? 1000);

const engineOf = () => createV8Engine(readImage('flight'));

function record(inputs: number, seed: number): FirmwareInput[] {
  const scenario = loadScenario('quiet');
  const body = loadBody(scenario.body, undefined, () => {});
  return recordTrace({ scenario, preset: 'flight', body, engineOf, inputs, seed });
}

function heliograph(...words: string[]) {
  return spawnSync(process.execPath, [join(rootFolder, 'dist', 'heliograph.mjs'), ...words], { encoding: 'utf8' });
}

test('a trace is a function of its seed and contains every kind of input', () => {
  const trace = record(10_000, 1);
  assert.is(trace.length, 10_000);
  assert.equal(trace, record(10_000, 1));
  assert.is.not(JSON.stringify(trace.slice(0, 300)), JSON.stringify(record(300, 2)));
  const { boot, restore, frame, tick, record: records, store } = kindsOf(trace);
  assert.ok(boot >= 1 && restore >= 3 && frame > 3000 && tick > 1000 && records > 100 && store > 20);
});

test('BRD-1 holds: V8 and all five boards have the same state and outputs after every input', () => {
  const { status, stdout, stderr } = heliograph(
    'board',
    'trace',
    'all',
    '--inputs',
    String(traceInputs),
    '--seed',
    '5',
    '--json',
  );
  assert.is(status, 0, stderr + stdout);
  const { inputs, engines } = JSON.parse(stdout);
  assert.is(inputs, traceInputs);
  assert.equal(
    engines.map(({ name }: { name: string }) => name),
    ['v8', 'wasmtime', 'm7', 'm4', 'rv64', 'rv32', 'leon3'],
  );
  for (const { name, ok, firstDivergence } of engines) {
    assert.is(firstDivergence, null, name);
    assert.is(ok, name === 'wasmtime' ? ok : true, name);
  }
});

test('BRD-1 violated: one changed byte in the image of one board is detected', () =>
  inFolder((folder) => {
    const elf = readFileSync(elfOf('rv64'));
    // Bytes of 0xf26b8303, the second entry of the CRC-32C table, in the translated image.
    const at = elf.indexOf(Uint8Array.of(0x03, 0x83, 0x6b, 0xf2));
    assert.ok(at > 0);
    elf[at] ^= 0x10;
    const image = join(folder, 'changed.elf');
    writeFileSync(image, elf);
    // The changed program is sealed anew, for a program altered after its build does not start.
    sealCode(targets.rv64, image);
    const { status, stdout } = heliograph('board', 'trace', 'rv64', '--inputs', '200', '--image', image, '--json');
    assert.is(status, 1, stdout);
    const found = JSON.parse(stdout).engines.find(({ name }: { name: string }) => name === 'rv64');
    assert.is(found.ok, false);
    assert.is(found.firstDivergence.input, 0);
    assert.match(found.firstDivergence.expected, /^state [0-9a-f]{8}, outputs [0-9a-f]{8}$/);
    assert.is.not(found.firstDivergence.got, found.firstDivergence.expected);
    assert.is(JSON.parse(stdout).engines[0].ok, true);
  }));

test('BRD-1 violated: a divergence is reported at the input that causes it, between engines and on a board', () => {
  const trace = record(400, 3);
  const marks = marksOf(engineOf(), trace);
  const changedAt = trace.findIndex(({ kind }, index) => index > 250 && kind === 'record');
  const changed = trace.map((input, index) =>
    index === changedAt && input.kind === 'record'
      ? { ...input, bytes: input.bytes.map((byte, at) => (at === 4 ? byte ^ 1 : byte)) }
      : input,
  );
  const engines = compareMarks(changed, marks, marksOf(engineOf(), changed));
  assert.equal([engines?.input, engines?.kind], [changedAt, 'record']);
  const pool = new EmulatorPool();
  try {
    const found = compareBoard(qemuBoard(pool, 'b', 'leon3', null), changed, marks);
    assert.equal(found, engines);
  } finally {
    pool.close();
  }
});

test.run();

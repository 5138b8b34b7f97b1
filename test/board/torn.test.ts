// needs: boards
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { loadV8Engine } from '../../host/engine/v8.ts';

const folder = mkdtempSync(join(tmpdir(), 'heliograph-torn-'));
const boards = join(rootFolder, 'firmware/boards');

/** Builds torn_writes.c with the boards' store.c or a changed copy; returns its path. */
function build(name: string, store = readFileSync(join(boards, 'loop/store.c'), 'utf8')): string {
  const source = join(folder, `${name}.c`);
  writeFileSync(source, store);
  const include = ['image', 'loop', '.'].map((each) => `-I${join(boards, each)}`);
  const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-include', join(rootFolder, 'test/board/torn_writes.h')];
  const sources = [source, join(boards, 'loop/crc.c'), join(rootFolder, 'test/board/torn_writes.c')];
  const { status, stderr } = spawnSync('gcc', [...flags, ...include, ...sources, '-o', join(folder, name)], {
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
  return join(folder, name);
}

function run(program: string, memory: 'mram' | 'flash', bytes: number): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(program, [memory, String(bytes)], { encoding: 'utf8' });
  return { status, output: stdout };
}

/** Writes two incomplete pieces: the same steps as a whole checkpoint, but fewer of each. */
const smallBytes = 160;
/** More than a page of flash. */
const wholePageBytes = 1000;

test('RAD-1 holds: a power cut at any word of a checkpoint or counter loses only what was being written', () => {
  const program = build('as-flown');
  for (const memory of ['mram', 'flash'] as const) {
    const small = run(program, memory, smallBytes);
    assert.is(small.status, 0, small.output);
    const counts = /: (\d+) cuts of writing a checkpoint, (\d+) of counting a start, (\d+) of reserving counters/;
    const [, checkpoints, starts, reservations] = counts.exec(small.output)!;
    assert.ok(Number(checkpoints) > 100_000 && Number(starts) > 400 && Number(reservations) > 10_000, small.output);
    const whole = run(program, memory, loadV8Engine('flight').image.checkpointBytes);
    assert.is(whole.status, 0, whole.output);
    console.log(small.output.trim(), '|', whole.output.trim());
  }
});

test('SEC-1 holds: 20,000 power cuts lose no confirmed reservation and make none that was not asked for', () => {
  const program = build('long-lived');
  for (const memory of ['mram', 'flash'] as const) {
    const { status, stdout } = spawnSync(program, [memory, 'random', '20000'], { encoding: 'utf8' });
    assert.is(status, 0, stdout);
  }
});

test('RAD-1 violated: a store that loses or mixes up what it stored is detected', () => {
  const store = readFileSync(join(boards, 'loop/store.c'), 'utf8');
  const faults: [string, string, string, RegExp][] = [
    ['unspared', '  if (!verifies(&kept)) {', '  if (0) {', /lost both checkpoints|loaded what is neither/],
    [
      'same-slot',
      '(spared ^ 1u) * STORE_SLOT_BYTES',
      'spared * STORE_SLOT_BYTES',
      /lost both checkpoints|loaded what is neither/,
    ],
    [
      'one-block',
      'entry.sequence != 0 && entry.at < STORE_COUNTERS_BYTES ? STORE_COUNTERS_BYTES : 0',
      '0',
      /miscounted/,
    ],
    [
      'forgotten',
      'counters.resets = entry.resets;',
      'counters.resets = entry.resets; entry.reserved = 0;',
      /lost a reservation/,
    ],
    ['lowered', 'entry.reserved = cycle;', 'entry.reserved = cycle - 8;', /is not reported|nothing can be reserved/],
    ['written-over', 'entry.sequence == 0 || is_start ||', 'entry.sequence == 0 ||', /written twice/],
    ['across-pages', '((STORE_HEADER_BYTES + done) & (CHUNK_BYTES - 1u))', '0', /crosses a page/],
    ['no-wrap', '(s32)(sequence - than) > 0', 'sequence > than', /is not the one that is loaded/],
  ];
  for (const [name, right, wrong, message] of faults) {
    assert.ok(store.includes(right), `store.c no longer has: ${right}`);
    const bytes = name === 'across-pages' ? wholePageBytes : smallBytes;
    const result = run(build(name, store.replace(right, wrong)), name === 'written-over' ? 'flash' : 'mram', bytes);
    assert.is(result.status, 1, name);
    assert.match(result.output, message);
  }
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();

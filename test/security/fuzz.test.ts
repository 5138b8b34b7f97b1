// needs: fuzzer
// SEC-4: a short run of the fuzzer from the committed corpus, and a proof that it finds a
// violation.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { buildFuzzer } from './fuzz/build.ts';
import { unpack, writeInputs } from './fuzz/corpus_file.ts';
import { readLog } from './fuzz/log.ts';
import { seeds, step } from './fuzz/steps.ts';

const test = suite('fuzzer');
const image = 'tiny-null-cipher';
const corpus = join(rootFolder, 'test/security/corpus', `${image}.bin`);
const runs = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'heliograph-fuzz-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, words: string[], environment: Record<string, string> = {}) {
  const { status, stderr } = spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...environment },
  });
  return { status, stderr };
}

test(`SEC-4 holds: ${runs} runs from the corpus do not crash`, async () => {
  assert.ok(statSync(corpus).size <= 200 * 1024);
  const inputs = [...unpack(readFileSync(corpus)), ...seeds(8).values()];
  writeInputs(join(folder, 'seeds'), inputs);
  const program = await buildFuzzer(image);
  const { status, stderr } = run(program, [
    'seeds',
    '-seed=1',
    `-runs=${runs}`,
    '-entropic=0',
    '-max_len=400',
    '-print_final_stats=1',
  ]);
  assert.is(status, 0, stderr.split('\n').slice(-40).join('\n'));
  const { given, crash, ...summary } = readLog(stderr);
  assert.is(crash, null);
  assert.ok(summary.runs >= runs && summary.inputs > 1000);
  for (const what of ['frames', 'records', 'boots']) {
    assert.ok(given[`${what} taken`] > 0, `no ${what} were taken`);
    assert.ok(given[what] > given[`${what} taken`], `no ${what} were refused`);
  }
});

test('SEC-4 violated: a crash ends the run and is reported with the steps that led to it', async () => {
  const program = await buildFuzzer(image);
  const path = join(folder, 'crash');
  writeFileSync(path, Buffer.concat([Uint8Array.of(0), step('bare', 0, 0, new Uint8Array(60))]));
  const { status, stderr } = run(program, [path], { HELIOGRAPH_BROKEN: '1' });
  assert.is(run(program, [path]).status, 0);
  assert.is.not(status, 0);
  assert.match(stderr, /heliograph: a frame was rejected and yet changed the state, while: bare/);
});

test.run();

// needs: boards
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { recordNode } from '../../hwsim/emulator/recording.ts';
import { measureStack } from '../../hwsim/bench/cycles/stack.ts';
import { buildBoard } from '../../host/board/build.ts';
import { callGraphOf, deepestFrom, entriesOf, problemsOf } from '../../host/board/callgraph.ts';
import { stackBound } from '../../host/board/stack.ts';
import { type Target, targetNames, targets } from '../../host/board/targets.ts';

/** Compiles sources with the board's flags; calls `check` with the folder of the call graphs. */
function withCompiled(target: Target, sources: Record<string, string>, check: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-calls-'));
  try {
    for (const [name, text] of Object.entries(sources)) {
      writeFileSync(join(folder, name), text);
      const flags = [
        ...target.compilerFlags,
        '-O2',
        '-ffreestanding',
        '-fno-ipa-icf',
        '-fstack-usage',
        '-fcallgraph-info=su',
      ];
      const run = spawnSync(`${target.compiler}gcc`, [...flags, '-c', name, '-o', `${name}.o`], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.is(run.status, 0, run.stderr);
    }
    check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sound = 'int leaf(int *p); int reset_entry(void) { int block[20]; return leaf(block) + leaf(block + 1); }';
const leaf = 'int leaf(int *p) { volatile int more[50]; more[*p] = *p; return more[0]; }';

test('BRD-1 holds: the stack has a static bound on every target, within 4 KiB on m7 and m4', async () => {
  for (const name of targetNames) {
    const { sizes } = await buildBoard(name);
    const { bytes, deepest } = stackBound(targets[name]);
    assert.ok(bytes > 200 && bytes <= sizes.stackReservedBytes, `${name}: ${bytes} of ${sizes.stackReservedBytes}`);
    assert.ok(
      deepest.frames.some((frame) => /^fw_|^image_/.test(frame.name)),
      `${name}: ${JSON.stringify(deepest.frames)}`,
    );
    if (name === 'm7' || name === 'm4') assert.ok(bytes <= 4096, `${name}: ${bytes}`);
  }
});

test('BRD-1 holds: the stack that a run uses is between 40 % of the bound and the bound', async () => {
  const recordings = {
    flight: recordNode({ scenario: 'quiet', preset: 'flight', nodes: 20, node: 7, days: 0.05, seed: 1 }),
    compact: recordNode({ scenario: 'quiet', preset: 'compact', nodes: 20, node: 7, days: 0.05, seed: 1 }),
  };
  for (const name of targetNames) {
    const { target, elf } = await buildBoard(name);
    const measured = measureStack(target, elf, recordings[target.preset === 'compact' ? 'compact' : 'flight']);
    const { bytes } = stackBound(target);
    assert.ok(measured <= bytes, `${name}: ${measured} bytes were used, at most ${bytes} should be`);
    // The deepest path ends in a trap, which a run without faults does not reach.
    assert.ok(measured >= bytes * 0.4, `${name}: only ${measured} bytes were used of a bound of ${bytes}`);
  }
});

test('the deepest path is found over several files', () => {
  withCompiled(targets.m7, { 'a.c': sound, 'b.c': leaf }, (folder) => {
    const graph = callGraphOf(folder);
    assert.equal(problemsOf(graph), []);
    assert.equal(entriesOf(graph), ['reset_entry']);
    const { bytes, frames } = deepestFrom(graph, 'reset_entry');
    assert.equal(
      frames.map((frame) => frame.name),
      ['reset_entry', 'leaf'],
    );
    assert.ok(bytes >= 280 && bytes < 340, String(bytes));
  });
});

test('BRD-1 violated: recursion, indirect calls, frames of unknown size and unknown functions are found', () => {
  const faulty: Record<string, [string, string]> = {
    recursion: [
      `int odd(int n) __attribute__((noipa));
       int __attribute__((noipa)) even(int n) { volatile int k = n; return n == 0 ? 1 : odd(n - 1) + k; }
       int odd(int n) { volatile int k = n; return n == 0 ? 0 : even(n - 1) + k; }`,
      'even',
    ],
    'indirect-call': ['int (*chosen)(int);\nint through(int n) { return chosen(n) + 1; }', 'through'],
    'unbounded-frame': [
      `void use(char *p) { *p = 1; }
       int wide(int n) { char block[n]; volatile char *p = block; p[n - 1] = 1; return p[n - 1]; }`,
      'wide',
    ],
    'unknown-function': ['int elsewhere(int n);\nint outside(int n) { return elsewhere(n) + 1; }', 'outside'],
  };
  for (const target of [targets.m7, targets.rv64, targets.leon3])
    for (const [kind, [text, name]] of Object.entries(faulty))
      withCompiled(target, { 'a.c': sound, 'b.c': leaf, 'c.c': text }, (folder) => {
        const problems = problemsOf(callGraphOf(folder));
        assert.ok(
          problems.some((problem) => problem.kind === kind && problem.path.includes(name)),
          `${target.name} ${kind}: ${JSON.stringify(problems)}`,
        );
        assert.throws(() => stackBound(target, folder), new RegExp(kind));
      });
});

test.run();

// needs: bundles
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { EngineError, loadAddon } from '../../host/engine/addon.ts';

/** What a machine without Rust sees: a checkout with a built dist/, without the Wasmtime addon. */
const checkout = mkdtempSync(join(tmpdir(), 'heliograph-checkout-'));
const withoutRust = { ...process.env, CARGO: join(checkout, 'no-cargo'), CI: '' };

function run(words: string[], environment: Record<string, string | undefined> = withoutRust) {
  return spawnSync(process.execPath, words, { cwd: checkout, encoding: 'utf8', env: environment });
}

test.before(() => {
  for (const folder of ['host/build', 'host/wasmtime-bindings/src'])
    cpSync(join(rootFolder, folder), join(checkout, folder), { recursive: true });
  for (const name of ['Cargo.toml', 'Cargo.lock', 'build.rs'])
    copyFileSync(join(rootFolder, 'host/wasmtime-bindings', name), join(checkout, 'host/wasmtime-bindings', name));
  for (const folder of ['dist', 'test']) mkdirSync(join(checkout, folder));
  for (const name of ['heliograph.mjs', 'heliograph-flight.wasm', 'heliograph-tiny.wasm'])
    copyFileSync(join(rootFolder, 'dist', name), join(checkout, 'dist', name));
  cpSync(join(rootFolder, 'dist/chunks'), join(checkout, 'dist/chunks'), { recursive: true });
  for (const name of ['package.json', 'asconfig.json']) copyFileSync(join(rootFolder, name), join(checkout, name));
  symlinkSync(join(rootFolder, 'node_modules'), join(checkout, 'node_modules'), 'dir');
  writeFileSync(
    join(checkout, 'test/needing.test.ts'),
    "// needs: wasmtime\nimport { test } from 'uvu';\ntest('a', () => {});\ntest.run();\n",
  );
  writeFileSync(
    join(checkout, 'test/plain.test.ts'),
    "import { test } from 'uvu';\ntest('b', () => {});\ntest.run();\n",
  );
});
test.after(() => rmSync(checkout, { recursive: true, force: true }));

test('without the addon, commands with --engine wasmtime exit 4 and name the command that builds it', () => {
  const radio = ['--id', '0', '--cluster', '1', '--members', '1', '--radio', 'udp://127.0.0.1:47999'];
  const commands = [
    ['sim', 'quiet', '--out', 'out'],
    ['replay', 'out'],
    ['swarm'],
    ['deaths'],
    ['merge'],
    ['node', ...radio],
  ];
  for (const command of commands) {
    const { status, stderr, stdout } = run(['dist/heliograph.mjs', ...command, '--engine', 'wasmtime']);
    assert.is(status, 4, command[0]);
    assert.is(stdout, '');
    assert.match(
      stderr,
      /^heliograph: the Wasmtime engine is not built .* run `npm run build:wasmtime`, which needs Rust/,
    );
  }
  const { status, stderr } = run(['dist/heliograph.mjs', 'sim', 'quiet', '--engine', 'jsc']);
  assert.is(status, 2);
  assert.match(stderr, /Allowed choices are v8, wasmtime/);
});

test('without the addon V8 flies as ever', () => {
  const { status, stdout } = run(['dist/heliograph.mjs', 'sim', 'quiet', '--nodes', '4', '--days', '0.05', '--json']);
  assert.ok(status === 0 || status === 1);
  assert.is(JSON.parse(stdout).engine, 'v8');
});

test('a file that is no addon, or another one, is reported with the command that replaces it', () => {
  const path = join(checkout, 'dist', 'broken.node');
  writeFileSync(path, 'no machine code');
  assert.throws(
    () => loadAddon(path),
    (error: Error) =>
      error instanceof EngineError && /does not load: .*: run `npm run build:wasmtime -- --force`/.test(error.message),
  );
});

test('without Rust the build says how to get it', () => {
  const { status, stderr } = run(['host/build/wasmtime.mjs']);
  assert.is(status, 1);
  assert.match(stderr, /^Rust is missing: .*: install Rust from https:\/\/rustup\.rs/);
});

test('tests that need what is missing are skipped in a line that says what to run; with CI=true they fail', () => {
  const here = run(['host/build/test.mjs', '--no-build']);
  assert.match(
    here.stdout,
    /^skip test\/needing\.test\.ts: wasmtime is missing; run npm run build:wasmtime \(Rust is missing/m,
  );
  assert.match(here.stdout, /\n1 passed, 0 failed, 1 skipped\n$/);
  assert.is(here.status, 0);
  const there = run(['host/build/test.mjs', '--no-build'], { ...withoutRust, CI: 'true' });
  assert.match(
    there.stdout,
    /^FAIL test\/needing\.test\.ts: wasmtime is missing; .* with CI=true nothing is skipped$/m,
  );
  assert.match(there.stdout, /\n1 passed, 1 failed\n$/);
  assert.is(there.status, 1);
});

test('a need that nobody knows is an error', () => {
  const path = join(checkout, 'test/odd.test.ts');
  writeFileSync(path, '// needs: unobtainium\n');
  const { status, stdout, stderr } = run(['host/build/test.mjs', '--no-build']);
  rmSync(path);
  assert.match(stderr, /test\/odd\.test\.ts needs 'unobtainium', which host\/build\/setup\.mjs does not know/);
  assert.match(stdout, /0 passed, 1 failed\n$/);
  assert.is(status, 1);
});

test.run();

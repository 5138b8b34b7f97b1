import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'completion-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** The script of a shell, in a file. */
function scriptFor(shell: string): string {
  const path = join(folder, `heliograph.${shell}`);
  const { status, stdout, stderr } = run('completion', shell);
  assert.is(status, 0, stderr);
  writeFileSync(path, stdout);
  return path;
}

const script = scriptFor('bash');

/** What bash offers for the last word. */
function offered(...words: string[]): string[] {
  const call = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _heliograph';
  const complete = `${call}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', complete, 'bash', script, 'heliograph', ...words], {
    encoding: 'utf8',
  });
  assert.is(stderr, '');
  return stdout.split('\n').filter(Boolean);
}

test('bash completes commands, options, and values of options and arguments', () => {
  assert.ok(offered('').includes('sim') && offered('').includes('keys'));
  assert.equal(offered('re'), ['replay']);
  assert.equal(offered('board', ''), ['build', 'flash', 'run', 'trace', 'inject']);
  assert.equal(offered('sim', 'sto'), ['storm', 'storm-s5']);
  assert.equal(offered('sim', 'quiet', '--en'), ['--engine']);
  assert.equal(offered('sim', 'quiet', '--engine', ''), ['v8', 'wasmtime']);
  assert.equal(offered('scenario', 'new', '--from', 'q'), ['quiet']);
  assert.equal(offered('board', 'trace', 'm7', 'r'), ['rv64', 'rv32']);
  assert.equal(offered('sim', 'quiet', '--seed', ''), []);
  assert.ok(offered('sim', '--out', 'pack').includes('package.json'));
});

test('every command and every option is in the script of every shell', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = run('completion', shell);
    for (const word of ['scenario', 'inspect', 'resume', 'upset-scale', 'cluster-neo', 'leon3'])
      assert.ok(stdout.includes(word), `${shell} ${word}`);
  }
});

for (const [shell, flags] of [
  ['bash', ['-n']],
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
] as const)
  test(`the script for ${shell} is well-formed, if that shell is here`, () => {
    const { error, status, stderr } = spawnSync(shell, [...flags, scriptFor(shell)], { encoding: 'utf8' });
    if (error !== undefined) return;
    assert.is(status, 0, stderr);
  });

test.run();

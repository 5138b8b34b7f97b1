import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { inFolder } from '../host/support.ts';
import { command, run, shortFlight } from './run.ts';

/** Names in `sim --json` that scripts rely on. */
const names = 'traceHash nodes days firmware disruptions membership production radio speed checks'.split(' ');

test('sim --json prints exactly one object, and the second run gives the same hash', () => {
  const verdict = JSON.parse(run(...shortFlight, '--json').stdout);
  for (const name of names) assert.ok(name in verdict, name);
  assert.equal([verdict.nodes, verdict.days], [5, 0.05]);
  assert.is(JSON.parse(run(...shortFlight, '--json').stdout).traceHash, verdict.traceHash);
  const other = run(...shortFlight.slice(0, -1), '8', '--json');
  assert.is.not(JSON.parse(other.stdout).traceHash, verdict.traceHash);
});

test('SIM-4 holds: what flies is the built image, byte for byte', () => {
  const { sha256, bytes } = JSON.parse(run(...shortFlight, '--json').stdout).firmware;
  const image = readFileSync(imagePath('flight'));
  assert.equal([sha256, bytes], [createHash('sha256').update(image).digest('hex'), image.length]);
});

test('a recording is never written over', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'mine'), 'precious');
    const { status, stderr } = run(...shortFlight, '--out', folder);
    assert.is(status, 2);
    assert.match(stderr, /is not empty/);
    assert.is(readFileSync(join(folder, 'mine'), 'utf8'), 'precious');
  }));

test('a full disk leaves the verdict on stdout and says which recording is incomplete', () =>
  inFolder((folder) => {
    const out = join(folder, 'run');
    mkdirSync(out);
    const words = [process.execPath, command, ...shortFlight, '--json', '--out', out];
    const limited = spawnSync('bash', ['-c', `ulimit -f 16; exec ${words.map((word) => `'${word}'`).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.is(limited.status, 4, limited.stderr);
    assert.match(limited.stderr, /run: is incomplete/);
    assert.is(JSON.parse(limited.stdout).nodes, 5);
  }));

test('a catalogue of your own picks the body', () =>
  inFolder((folder) => {
    const path = join(folder, 'mine.csv');
    writeFileSync(path, 'full_name,H,a,e,i\n(1) Mine,20,1.2,0.1,3\nworse,x,1,0,0\n');
    const { stdout, stderr } = run(...shortFlight, '--body', 'Mine', '--bodies', path);
    assert.match(stdout, /on \(1\) Mine/);
    assert.match(stderr, /mine\.csv:3 H: is 'x'/);
  }));

test('the verdict for people has at most 100 columns, but for the command to copy', () => {
  const { stdout } = run('sim', 'byzantine-1', '--days', '0.3', '--nodes', '8');
  const wide = stdout.split('\n').filter((line) => line.length > 100 && !line.startsWith('again'));
  assert.equal(wide, []);
  assert.match(stdout, /\nbyzantine {3}node \d+: /);
});

test.run();

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath, rootFolder } from '../../host/build/root.ts';
import { sealedFrame } from '../security/sealed.ts';
import { inFolder } from './support.ts';

const command = join(rootFolder, 'dist', 'heliograph.mjs');

function run(...args: string[]) {
  return spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', cwd: rootFolder });
}

const short = ['sim', 'quiet', '--days', '0.05', '--nodes', '5', '--seed', '7'];

test('every command explains itself with examples', () => {
  for (const words of [['sim'], ['scenario', 'check'], ['decode'], ['replay'], ['node']]) {
    const { status, stdout } = run(...words, '--help');
    assert.is(status, 0, words.join(' '));
    assert.match(stdout, /Examples:\n {2}npx heliograph/, words.join(' '));
  }
  assert.match(run('--help').stdout, /Exit codes: 0 /);
});

test('sim --json prints one object with the names that scripts rely on; a second run gives the same hash', () => {
  const first = run(...short, '--json');
  const verdict = JSON.parse(first.stdout);
  for (const key of [
    'traceHash',
    'nodes',
    'days',
    'firmware',
    'disruptions',
    'membership',
    'production',
    'radio',
    'speed',
    'checks',
  ]) {
    assert.ok(key in verdict, key);
  }
  assert.equal([verdict.nodes, verdict.days], [5, 0.05]);
  assert.is(JSON.parse(run(...short, '--json').stdout).traceHash, verdict.traceHash);
  const other = run(...short.slice(0, -1), '8', '--json');
  assert.is.not(JSON.parse(other.stdout).traceHash, verdict.traceHash);
});

test('a recording replays to the same hash, and a changed one is noticed', () =>
  inFolder((folder) => {
    const out = join(folder, 'run');
    assert.ok([0, 1].includes(run(...short, '--out', out).status ?? -1));
    const same = run('replay', out);
    assert.is(same.status, 0, same.stderr);
    assert.match(same.stdout, /: the same/);
    const path = join(out, 'scenario.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('seed: 7', 'seed: 8'));
    const different = run('replay', out);
    assert.is(different.status, 1);
    assert.match(different.stdout, /THEY DIFFER/);
  }));

test('a recording that --days has cut short replays as well', () =>
  inFolder((folder) => {
    const out = join(folder, 'run');
    run('sim', 'cluster-neo', '--days', '0.02', '--nodes', '5', '--out', out);
    assert.match(run('replay', out).stdout, /: the same/);
  }));

test('SIM-4 holds: what flies is the built image, byte for byte', () => {
  const { sha256, bytes } = JSON.parse(run(...short, '--json').stdout).firmware;
  const image = readFileSync(imagePath('flight'));
  assert.equal([sha256, bytes], [createHash('sha256').update(image).digest('hex'), image.length]);
});

test('SIM-4 violated: a recording of another image is reported', () =>
  inFolder((folder) => {
    const out = join(folder, 'run');
    run(...short, '--out', out);
    const path = join(out, 'verdict.json');
    const verdict = JSON.parse(readFileSync(path, 'utf8'));
    verdict.firmware.sha256 = '0'.repeat(64);
    writeFileSync(path, JSON.stringify(verdict));
    assert.match(run('replay', out).stderr, /image: recorded 0{16}…, built [0-9a-f]{16}…: they differ/);
  }));

test('a recording is never written over', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'mine'), 'precious');
    const { status, stderr } = run(...short, '--out', folder);
    assert.is(status, 2);
    assert.match(stderr, /is not empty/);
    assert.is(readFileSync(join(folder, 'mine'), 'utf8'), 'precious');
  }));

test('a disk that takes no more leaves the verdict on stdout and says which recording is incomplete', () =>
  inFolder((folder) => {
    const out = join(folder, 'run');
    mkdirSync(out);
    const words = [process.execPath, command, ...short, '--json', '--out', out];
    const limited = spawnSync('bash', ['-c', `ulimit -f 16; exec ${words.map((word) => `'${word}'`).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.is(limited.status, 4, limited.stderr);
    assert.match(limited.stderr, /run: is incomplete/);
    assert.is(JSON.parse(limited.stdout).nodes, 5);
  }));

test('wrong usage is 2, wrong input 3; each names what is wrong', () =>
  inFolder((folder) => {
    const bad = join(folder, 'bad.yaml');
    const node = ['node', '--id', '0', '--cluster', '1', '--members', '2', '--radio'];
    writeFileSync(bad, 'heliograph: 1\nname: x\ndayz: 3\n');
    for (const [words, status, reason] of [
      [['fly'], 2, /unknown command/],
      [['sim'], 2, /missing required argument/],
      [[...short, '--seed', 'x'], 2, /--seed is 'x'/],
      [['sim', 'quiet', '--nodes', '100', '--preset', 'compact'], 2, /--nodes: 100 do not fit/],
      [['sim', 'quit'], 3, /no scenario 'quit'; shipped: cluster-neo/],
      [['sim', './none.yaml'], 3, /none\.yaml: cannot be read: no such file/],
      [['sim', 'quiet', '--body', 'Benu'], 3, /did you mean \(101955\) Bennu/],
      [['scenario', 'check', bad], 3, /bad\.yaml:3:1 dayz: is not known \(did you mean days/],
      [['decode', '8'], 3, /1 hexadecimal digits/],
      [['decode', 'zz'], 3, /neither a file nor hexadecimal/],
      [['replay', folder], 3, /scenario\.yaml: cannot be read/],
      [[...node, 'udp://10.0.0.1:4000', '--keys', 'simulated'], 2, /loopback interface only/],
      [[...node, 'udp://127.0.0.1:4000'], 2, /a node without keys neither sends nor receives: give --keys FILE/],
      [[...node, 'udp://127.0.0.1:4000', '--keys', './none.json'], 3, /none\.json: cannot be read: no such file/],
    ] as const) {
      const result = run(...words);
      assert.is(result.status, status, `${words.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, reason);
      assert.is(result.stdout, '', words.join(' '));
    }
  }));

test('a catalogue of your own picks the body', () =>
  inFolder((folder) => {
    const path = join(folder, 'mine.csv');
    writeFileSync(path, 'full_name,H,a,e,i\n(1) Mine,20,1.2,0.1,3\nworse,x,1,0,0\n');
    const { stdout, stderr } = run(...short, '--body', 'Mine', '--bodies', path);
    assert.match(stdout, /on \(1\) Mine/);
    assert.match(stderr, /mine\.csv:3 H: is 'x'/);
  }));

test('a frame is shown with names', () => {
  const frame = Buffer.from(sealedFrame({ sender: 3, counter: 9 }, [{ name: 'probe', sequence: 17 }]));
  const { status, stdout } = run('decode', frame.toString('hex'));
  assert.is(status, 0);
  assert.match(stdout, /3 \/sender\/, 65535 \/addressee\/, 9 \/counter\/] \/header\//);
  assert.match(stdout, /sealed, --keys opens them/);
  frame[frame.length - 1] ^= 1;
  assert.match(run('decode', frame.toString('hex')).stdout, /CRC-32C 0x[0-9a-f]{8}: wrong/);
  const record = run('decode', '82 18 a1 03');
  assert.is(record.stdout, '[161 /type: stop-work/, 3 /slot/]\n');
});

test.run();

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { freePorts } from '../host/support.ts';
import { command, run, shell, shortFlight } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'pipe-'));
const recording = join(folder, 'run');
test.before(() => void run(...shortFlight, '--out', recording));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const commands = [
  '--help',
  'scenario list --json',
  'completion fish',
  `replay '${recording}'`,
  `replay '${recording}' --json`,
  `decode '${recording}'`,
  `decode '${recording}/events.jsonl.gz'`,
  'sim quiet --days 0.02 --nodes 4',
  'node --id 0 --cluster 1 --members 1 --radio udp://127.0.0.1:47991 --keys simulated --time-scale 600',
];
for (const words of commands)
  test(`a closed pipe ends quietly: ${words.replace(recording, 'DIR')}`, () => {
    // The reader has closed the pipe before the first line comes.
    const { stdout, stderr } = shell(`heliograph ${words} | true; echo "\${PIPESTATUS[0]}"`);
    assert.equal([stdout, stderr], ['0\n', '']);
  });

test('a reader that has seen enough ends a long command soon', () => {
  const { stdout, stderr } = shell(`heliograph replay '${recording}' | head -n 2; echo "\${PIPESTATUS[0]}"`);
  assert.match(stdout, /^day {2}0 .*\nday {2}0 .*\n0\n$/);
  assert.is(stderr, '');
});

test('the build goes on without a reader', () => {
  const script = `const { ignoreClosedPipes } = await import('./host/build/pipes.mjs'); ignoreClosedPipes();
    for (let line = 0; line < 100; line += 1) { console.log('line'); await new Promise(setImmediate); }`;
  const { stdout, stderr } = shell(`node --input-type=module -e "${script}" | true; echo "\${PIPESTATUS[0]}"`);
  assert.equal([stdout, stderr], ['0\n', '']);
  assert.match(readFileSync(join(rootFolder, 'host/build/build.mjs'), 'utf8'), /^ {2}ignoreClosedPipes\(\);$/m);
});

test('a log on a full disk ends a command with 4 and the reason, and not with a fault of its own', () => {
  const place = '--id 0 --cluster 1 --members 1 --radio udp://127.0.0.1:47992 --keys simulated';
  for (const words of [`node ${place} --time-scale 600`, 'scenario list']) {
    const { stdout, stderr } = shell(`heliograph ${words} > /dev/full; echo "$?"`);
    assert.is(stdout, '4\n', stderr);
    assert.match(stderr, /^heliograph: cannot write to standard output: the disk is full[^\n]*\n$/);
  }
});

/** What makes a node end: its reader reads on, reads no more, or leaves; or its session ends. */
const ends = {
  'whose reader leaves': (child: ChildProcessByStdio<null, Readable, Readable>) => void child.stdout.destroy(),
  'whose session ends': (child: ChildProcessByStdio<null, Readable, Readable>) => void child.kill('SIGHUP'),
};
for (const [which, end] of Object.entries(ends))
  test(`a node ${which} writes its checkpoint and ends with 0`, async () => {
    const [port] = await freePorts(1);
    const place = ['--id', '0', '--cluster', '1', '--members', '1', '--radio', `udp://127.0.0.1:${port}`];
    const state = join(folder, which.replaceAll(' ', '-'));
    const args = ['node', ...place, '--keys', 'simulated', '--time-scale', '600', '--state', state];
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    let text = '';
    child.stdout.on('data', function listen(chunk) {
      text += chunk;
      if (!text.includes('booted')) return;
      child.stdout.off('data', listen);
      end(child);
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal([code, errors], [0, '']);
    assert.match(run('decode', join(state, 'node-0', 'checkpoint.a')).stdout, /checkpoint, sequence \d+, \d+ bytes/);
  });

test('a node whose reader resets a network connection ends with 0', async () => {
  const [port] = await freePorts(1);
  const place = ['--id', '0', '--cluster', '1', '--members', '1', '--radio', `udp://127.0.0.1:${port}`];
  const args = ['node', ...place, '--keys', 'simulated', '--time-scale', '600'];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const log = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise((resolve) => log.once('connect', resolve));
  log.on('error', () => {});
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', log, 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  log.destroy();
  server.close();
  assert.equal([code, errors], [0, '']);
});

test.run();

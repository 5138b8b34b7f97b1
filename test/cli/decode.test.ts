import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Memory } from '../../host/node/memory.ts';
import { Store } from '../../host/store/store.ts';
import { sealedFrame } from '../security/sealed.ts';
import { run, runWith, shortFlight } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'decode-'));
const recording = join(folder, 'run');
test.before(() => void run(...shortFlight, '--out', recording));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const ok = (...args: string[]) => {
  const { status, stdout, stderr } = run('decode', ...args);
  assert.is(status, 0, stderr);
  return stdout;
};

test('a frame is shown with names, from digits, a file or the standard input', () => {
  const frame = Buffer.from(sealedFrame({ sender: 3, counter: 9 }, [{ name: 'probe', sequence: 17 }]));
  const shown = ok(frame.toString('hex'));
  assert.match(shown, /3 \/sender\/, 65535 \/addressee\/, 9 \/counter\/] \/header\//);
  assert.match(shown, /sealed, --keys opens them/);
  const path = join(folder, 'frame.bin');
  writeFileSync(path, frame);
  assert.is(ok(path), shown);
  assert.is(runWith({ input: frame }, 'decode', '-').stdout, shown);
  assert.is(runWith({ input: `${frame.toString('hex')}\n` }, 'decode', '-').stdout, shown);
  frame[frame.length - 1] ^= 1;
  assert.match(ok(frame.toString('hex')), /CRC-32C 0x[0-9a-f]{8}: wrong/);
  assert.is(ok('82 18 a1 03'), '[161 /type: stop-work/, 3 /slot/] / without its check: it is refused /\n');
});

test('the standard input is bounded', () => {
  const { status, stderr } = runWith({ input: Buffer.alloc((1 << 20) + 1) }, 'decode', '-');
  assert.is(status, 3);
  assert.match(stderr, /standard input: it has more than such an input may have \(1048576 bytes\)/);
});

test('recorded frames are opened with the keys of their run', () => {
  const shown = ok(recording);
  assert.is(ok(join(recording, 'frames.bin.gz')), shown);
  assert.match(shown, /^\/ day {2}0 00:00:\d\d {2}node \d: \d+ bytes, [0-4] received, [0-4] lost \//);
  assert.match(shown, /\[8 \/type: join\//);
  assert.not(/sealed, --keys/.test(shown));
  assert.equal(
    shown.split('\n').filter((line) => line.length > 100),
    [],
  );
  const frames = ok(recording, '--json')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(frames.length > 50);
  const { timeS, sender, kind, messages, crc } = frames.at(-1);
  assert.ok(timeS > 4000 && sender < 5 && messages.length > 0);
  assert.equal([kind, crc.right], ['frame', true]);
});

test('recorded events are shown by name', () => {
  const path = join(recording, 'events.jsonl.gz');
  assert.match(ok(path), /node 1 {4}member 4 alive, last liveness tick \d+\n/);
  const lines = ok(path, '--json')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { member, state, stateName } = lines.find(({ what }) => what === 'member-state');
  assert.ok(member < 5);
  assert.equal([state, stateName], [1, 'alive']);
});

test('a recording that is cut short is shown up to there, and the exit code says so', () => {
  const whole = readFileSync(join(recording, 'frames.bin.gz'));
  const cut = join(folder, 'frames.bin.gz');
  writeFileSync(cut, whole);
  truncateSync(cut, whole.length - 20);
  const { status, stderr } = run('decode', cut);
  assert.is(status, 3);
  assert.match(stderr, /frames\.bin\.gz: is cut short or damaged/);
  const other = join(folder, 'other.gz');
  writeFileSync(other, gzipSync(Buffer.alloc(5000, 255)));
  assert.match(run('decode', other).stderr, /other\.gz: is no recording of frames/);
});

test('stored records of a node are shown', () => {
  const memory = new Memory(new Store(join(folder, 'state')), () => {});
  memory.nextIncarnation();
  memory.reserve(4096);
  const counters = ok(join(folder, 'state', 'counters.a'));
  assert.match(counters, /counters, sequence \d+, 12 bytes, CRC-32C right\n {2}incarnation +1\n/);
  assert.match(counters, /reservedCycle +4096/);
  const checkpoint = Buffer.alloc(16 + 40);
  for (const [index, word] of [0x48434b50, (2 << 8) | 1, 40, 0xabcd].entries())
    checkpoint.writeUInt32LE(word, index * 4);
  memory.saveCheckpoint(checkpoint);
  const path = join(folder, 'state', 'checkpoint.a');
  assert.ok(existsSync(path), readdirSync(join(folder, 'state')).join(' '));
  const { kind, layout, preset, contextBytes } = JSON.parse(ok(path, '--json'));
  assert.equal([kind, layout, preset, contextBytes], ['checkpoint', 2, 'flight', 40]);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
  assert.match(run('decode', path).stderr, /checkpoint\.a: the stored record has a corrupt content/);
});

test('key files and bundles are shown without their secrets', () => {
  const fleet = join(folder, 'fleet');
  run('keys', 'init', fleet, '--cluster', '7', '--members', '3');
  run('keys', 'epoch', fleet, '--cluster', '7');
  run('keys', 'node', fleet, '--cluster', '7', '--id', '1');
  const path = join(fleet, 'cluster-7', 'node-1.json');
  const shown = ok(path);
  assert.match(shown, /heliograph node\n {2}cluster +7\n {2}id +1/);
  const { seed } = JSON.parse(readFileSync(path, 'utf8'));
  assert.not(shown.includes(seed));
  const bundle = ok(join(fleet, 'cluster-7', 'epoch-2.bundle.cbor'));
  assert.match(bundle, /^\[12 \/type: key-epoch-head\/, 2 \/keyEpoch\//);
  assert.equal(
    bundle.split('\n').filter((line) => line.length > 100),
    [],
  );
  assert.match(
    run('decode', join(recording, 'verdict.json')).stderr,
    /verdict\.json: is JSON, which needs no decoding/,
  );
});

test.run();

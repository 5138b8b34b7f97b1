import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder } from '../host/support.ts';
import { run, shortFlight } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
const recording = join(folder, 'run');
test.before(() => {
  const { status, stderr } = run(...shortFlight, '--out', recording);
  assert.ok([0, 1].includes(status ?? -1), stderr);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('a recording replays to the same hash, and events are shown by name', () => {
  const { status, stdout, stderr } = run('replay', recording);
  assert.is(status, 0, stderr);
  assert.match(stdout, /: the same\n$/);
  assert.match(stdout, /node 0 {4}booted after power-on without a checkpoint, incarnation 1/);
  assert.match(stdout, /node 0 {4}member 4 alive, last liveness tick \d+/);
  assert.equal(
    stdout.split('\n').filter((line) => line.length > 100),
    [],
  );
});

test('a recording of the fleet image is replayed on it, and its frames are opened', () => {
  const recorded = join(folder, 'fleet');
  run(...shortFlight, '--image', 'fleet', '--out', recorded);
  const replayed = run('replay', recorded, '--built');
  assert.is(replayed.status, 0, replayed.stderr);
  assert.match(replayed.stdout, /: the same\n$/);
  assert.is(replayed.stderr.includes('they differ'), false);
  const { stdout } = run('decode', recorded);
  assert.match(stdout, /tag: right/);
  assert.match(stdout, /CRC-32C: none/);
  assert.not(/fault|wrong/.test(stdout));
});

test('node, time and event select what is shown', () => {
  const { stdout } = run('replay', recording, '--node', '2', '--event', 'member-state', '--to', '3600');
  const lines = stdout.trimEnd().split('\n').slice(0, -1);
  assert.ok(lines.length > 0);
  for (const line of lines) assert.match(line, /^day {2}0 0[01]:\d\d:\d\d {2}node 2 {4}member \d+ \w+/);
  // `published` is too frequent to be shown without its name.
  assert.not(/published/.test(run('replay', recording).stdout));
  assert.match(
    run('replay', recording, '--event', 'published').stdout,
    /published intent \d+, version \d+, claimed: mine/,
  );
});

test('--json prints one object per line, the last of them the comparison', () => {
  const lines = run('replay', recording, '--node', '2', '--json').stdout.trimEnd().split('\n');
  const objects = lines.map((line) => JSON.parse(line));
  const { recorded, replayed, same } = objects.pop();
  assert.equal([recorded, same], [replayed, true]);
  const state = objects.find(({ event }) => event === 'member-state');
  assert.equal([state.node, state.state, state.stateName], [2, 1, 'alive']);
});

const refused: [string[], RegExp][] = [
  [['--node', '5'], /--node 5 selects nothing: nodes are 0 to 4/],
  [['--from', '4321'], /--from 4321 selects nothing: this run has mission seconds 0 to 4320/],
  [['--from', '90', '--to', '80'], /--from 90 is after --to 80: this run has mission seconds 0 to 4320/],
  [['--event', 'member'], /--event 'member' is no event; events are booted, member-state/],
  [
    ['--node', '1', '--from', '1', '--to', '1'],
    /the filters select no event: events of node 1 are from mission second/,
  ],
  [['--event', 'equivocated'], /the filters select no event/],
];
for (const [args, reason] of refused)
  test(`a replay that selects nothing is refused: ${args.join(' ')}`, () => {
    const { status, stderr } = run('replay', recording, ...args);
    assert.is(status, 2, stderr);
    assert.match(stderr, reason);
  });

test('a changed recording is noticed', () =>
  inFolder((other) => {
    const out = join(other, 'run');
    run(...shortFlight, '--out', out);
    const path = join(out, 'scenario.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('seed: 7', 'seed: 8'));
    const different = run('replay', out);
    assert.is(different.status, 1);
    assert.match(different.stdout, /THEY DIFFER/);
    writeFileSync(join(out, 'verdict.json'), '{"traceHash": 1}');
    assert.match(run('replay', out).stderr, /verdict\.json: is no verdict of/);
  }));

test('a damaged file of a recording is named with its fault, by replay and decode', () =>
  inFolder((other) => {
    const out = join(other, 'run');
    const damaged: [string, (text: string) => string, RegExp][] = [
      ['scenario.yaml', (text) => `${text}\nx: &x [*x]\n`, /scenario\.yaml:\d+:8 YAML: alias \*x contains itself/],
      ['scenario.yaml', (text) => text.replace('nodes: 5', 'nodes: 4294967296'), /scenario\.yaml:?/],
      ['body.json', (text) => text.replace(/"aAu":[\d.]+/, '"aAu":0'), /body\.json: aAu is no number from 0\.1/],
      ['body.json', () => '{', /body\.json: .*was the recording cut short/],
      ['verdict.json', () => 'null', /verdict\.json: is no verdict of/],
      ['heliograph.wasm', () => 'no image', /heliograph\.wasm: is no image/],
    ];
    cpSync(recording, out, { recursive: true });
    for (const [name, damage, reason] of damaged) {
      const path = join(out, name);
      const whole = readFileSync(path);
      writeFileSync(path, damage(whole.toString('utf8')));
      const replayed = run('replay', out);
      assert.is(replayed.status, 3, `${name}: ${replayed.stderr}`);
      assert.match(replayed.stderr, reason);
      if (name === 'scenario.yaml') {
        const decoded = run('decode', out);
        assert.is(decoded.status, 3, decoded.stderr);
        assert.match(decoded.stderr, reason);
      }
      writeFileSync(path, whole);
    }
  }));

test('SIM-4 violated: a recording of another image is reported', () => {
  const path = join(recording, 'verdict.json');
  const text = readFileSync(path, 'utf8');
  const verdict = JSON.parse(text);
  verdict.firmware.sha256 = '0'.repeat(64);
  writeFileSync(path, JSON.stringify(verdict));
  const { stderr } = run('replay', recording);
  writeFileSync(path, text);
  assert.match(stderr, /image: recorded 0{16}…, built [0-9a-f]{16}…: they differ/);
});

test('a recording that --days has cut short replays as well', () =>
  inFolder((other) => {
    const out = join(other, 'run');
    run('sim', 'cluster-neo', '--days', '0.02', '--nodes', '5', '--out', out);
    assert.match(run('replay', out).stdout, /: the same/);
  }));

test.run();

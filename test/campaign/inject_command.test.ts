// long: HELIOGRAPH_INJECTIONS=12000
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import type { InjectReport } from '../../hwsim/cli/inject/report.ts';
import type { InjectionRecord } from '../../hwsim/campaign/campaign.ts';
import { outcomeNames } from '../../hwsim/campaign/outcomes.ts';

const command = join(rootFolder, 'dist/heliograph.mjs');
const folder = mkdtempSync(join(tmpdir(), 'inject-'));
const inject = (...words: string[]) =>
  spawnSync(process.execPath, [command, 'inject', ...words], { encoding: 'utf8', maxBuffer: 1 << 26 });

test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Records of a file, by image and index. */
function recordsIn(path: string): Map<string, InjectionRecord> {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
  const records = lines.map((line) => JSON.parse(line) as InjectionRecord);
  const map = new Map(records.map((record) => [`${record.image} ${record.index}`, record]));
  assert.is(map.size, records.length, 'no injection twice');
  return map;
}

const sorted = (records: Map<string, InjectionRecord>) => [...records].sort(([a], [b]) => (a < b ? -1 : 1));

const injections = Number(process.env.HELIOGRAPH_INJECTIONS ?? 3000);
/** Of the image without protection, where most injections end in a fork of the whole cluster. */
const baseline = injections / 15;
const bothImages = ['--n', String(injections), '--baseline', String(baseline), '--seed', '1'];
const bothFile = join(folder, 'both.jsonl');

test(`of ${injections} faults of the protected image none propagates; 99.9 % are right or recovered in time`, () => {
  const run = inject(...bothImages, '--out', bothFile, '--json');
  assert.is(run.status, 0, run.stderr);
  const report = JSON.parse(run.stdout) as InjectReport;
  assert.is(report.n, injections);
  assert.is(report.sdcPropagated, 0, JSON.stringify(report.failures));
  assert.is(report.upperBound95, 3 / injections);
  assert.ok(report.good.rate >= 0.999, JSON.stringify(report.failures));
  assert.equal(Object.keys(report.outcomes), [...outcomeNames]);
  assert.is(
    Object.values(report.outcomes).reduce((sum, count) => sum + count, 0),
    injections,
  );
  assert.is(report.unprotected?.n, baseline);
  assert.ok((report.unprotected?.sdc.count ?? 0) > 0);
  assert.ok((report.sdcReduction ?? 0) > 1);
  assert.ok(
    report.overhead !== null && report.overhead.instructionRatio >= 1 && report.overhead.contextBytesRatio <= 1.6,
  );
  assert.ok(report.overhead?.sameTrace);
  assert.ok(report.injectionsPerS > 0);
});

/** Nodes whose records are lost before the campaign is resumed. */
const lostNodes = [3, 8];

/** Campaigns on one image each: with both, the command also measures the cost of protection. */
const onProtected = ['--n', '700', '--seed', '3', '--baseline', '0'];
const onBare = ['--n', '100', '--seed', '3', '--unprotected'];

/** Flies a whole campaign with one worker; returns its records and their file. */
function flyAlone(name: string, words: readonly string[]) {
  const path = join(folder, `${name}.jsonl`);
  assert.is(inject(...words, '--jobs', '1', '--out', path).status, 0);
  const whole = sorted(recordsIn(path));
  assert.is(whole.length, Number(words[1]));
  return { path, whole };
}

/** Resumes a campaign with two workers: the file then holds the whole campaign. */
function resume(words: readonly string[], path: string, whole: ReturnType<typeof sorted>): void {
  const resumed = inject(...words, '--jobs', '2', '--out', path, '--resume', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(sorted(recordsIn(path)), whole);
  assert.is((JSON.parse(resumed.stdout) as InjectReport).n, whole.length);
}

test('the same seed has the same outcomes with one worker, and with two after a cut', () => {
  const { path: one, whole } = flyAlone('bare', onBare);
  // Cut in the middle of a line, as a full disk leaves the file: two workers make all but some
  // twenty of the injections.
  const lines = readFileSync(one, 'utf8').split('\n');
  const keptBytes = Buffer.byteLength(lines.slice(0, 21).join('\n')) + 8;
  const two = join(folder, 'bare-two.jsonl');
  writeFileSync(two, readFileSync(one).subarray(0, keptBytes));
  resume(onBare, two, whole);
  // With every injection known nothing is left to do.
  assert.is(inject(...onBare, '--out', two, '--resume').status, 0);
  assert.equal(sorted(recordsIn(two)), whole);
});

test('a campaign that was killed continues where it was, with the outcomes that one worker gives', async () => {
  const { whole } = flyAlone('one', onProtected);
  const path = join(folder, 'killed.jsonl');
  const words = [command, 'inject', ...onProtected, '--jobs', '2', '--out', path];
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const timer = setInterval(() => {
    if (existsSync(path) && readFileSync(path, 'utf8').split('\n').length > 200) child.kill('SIGKILL');
  }, 20);
  assert.is(await ended, 'SIGKILL');
  clearInterval(timer);
  const before = recordsIn(path);
  assert.ok(before.size < whole.length, 'the campaign was killed before its end');
  resume(onProtected, path, whole);
  const after = recordsIn(path);
  for (const [key, record] of before) assert.equal(after.get(key), record);
});

test('a file that holds both images is resumed as one campaign', () => {
  const whole = sorted(recordsIn(bothFile));
  assert.is(whole.length, injections + baseline);
  // Of both images the records of two nodes are lost, as when a worker of each was killed.
  const [head, ...lines] = readFileSync(bothFile, 'utf8').trimEnd().split('\n');
  const kept = lines.filter((line) => !lostNodes.includes((JSON.parse(line) as InjectionRecord).node));
  for (const image of ['"protected"', '"unprotected"']) {
    const has = (line: string) => line.includes(`"image":${image}`);
    assert.ok(kept.filter(has).length < lines.filter(has).length, `records of ${image} are lost`);
  }
  writeFileSync(bothFile, `${[head, ...kept].join('\n')}\n`);
  const resumed = inject(...bothImages, '--jobs', '1', '--out', bothFile, '--resume', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(sorted(recordsIn(bothFile)), whole);
  const report = JSON.parse(resumed.stdout) as InjectReport;
  assert.equal([report.n, report.unprotected?.n], [injections, baseline]);
  appendFileSync(bothFile, '{"index":3,"image":"protected","outcome":"fine"}\n');
  const edited = inject(...bothImages, '--out', bothFile, '--resume');
  assert.is(edited.status, 3, edited.stderr);
  const line = injections + baseline + 2;
  assert.ok(edited.stderr.includes(`:${line}: is no record of this campaign: outcome: `), edited.stderr);
  assert.match(edited.stderr, /\(delete the line\)/);
});

test('one injection by itself has the line that it has in the campaign', () => {
  const whole = [...recordsIn(join(folder, 'bare.jsonl')).values()].find(({ reason }) => /^first/.test(reason));
  assert.ok(whole);
  const run = inject('--seed', '3', '--unprotected', '--only', String(whole.index), '--json');
  assert.equal(JSON.parse(run.stdout), whole);
  assert.match(
    inject('--seed', '3', '--only', '0').stdout,
    /^protected image, \w+: node \d+, before call \d+ .*\n[\w-]+: /,
  );
});

const refused: [string, RegExp, number, string[]][] = [
  [
    'a model that does not exist',
    /'nonsense' is no fault model: known there are mixed, bit, double, burst, vertical, stuck/,
    2,
    ['--model', 'nonsense'],
  ],
  ['a model of boards', /'skip' does not exist on wasm.*--target m7 --model skip/, 2, ['--model', 'skip']],
  ['a target that does not exist', /Allowed choices are wasm/, 2, ['--target', 'abacus']],
  ['a count of zero', /--n is '0', not a whole number/, 2, ['--n', '0']],
  ['resuming nothing', /--resume continues a file: name it with --out/, 2, ['--resume']],
];

for (const [name, message, code, words] of refused)
  test(`${name} is refused`, () => {
    const run = inject(...words);
    assert.match(run.stderr, message);
    assert.is(run.status, code);
  });

test('an existing file is not overwritten, and one of another campaign is not continued', () => {
  const path = join(folder, 'one.jsonl');
  const again = inject('--n', '10', '--seed', '3', '--out', path);
  assert.match(again.stderr, /exists already: --resume continues it/);
  assert.is(again.status, 2);
  const other = inject('--n', '10', '--seed', '4', '--out', path, '--resume');
  assert.match(other.stderr, /one\.jsonl:1: is of another campaign: seed 3, not 4/);
  assert.is(other.status, 3);
  const bad = join(folder, 'bad.jsonl');
  writeFileSync(bad, 'no JSON\n');
  assert.match(inject('--n', '10', '--out', bad, '--resume').stderr, /bad\.jsonl:1: is no JSON/);
});

test.run();

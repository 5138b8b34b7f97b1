// long: HELIOGRAPH_INJECTIONS=12000
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { type InjectReport, recordText } from '../../hwsim/cli/inject/report.ts';
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

const injections = Number(process.env.HELIOGRAPH_INJECTIONS ?? 1000);
/** Of the image without protection, where most injections end in a fork of the whole cluster. */
const baseline = Math.max(60, Math.round(injections / 15));
const file = join(folder, 'both.jsonl');
const onProtected = ['--n', String(injections), '--seed', '1', '--baseline', '0'];
const onBoth = ['--n', String(injections), '--seed', '1', '--baseline', String(baseline)];

/** Nodes whose records are lost before the campaign is resumed. */
const lostNodes = [3, 8];

/** What one worker found: records of the protected image, and of the one without protection. */
let protectedOnes: ReturnType<typeof sorted> = [];
let bareOnes: ReturnType<typeof sorted> = [];
let bothReport: InjectReport | null = null;

test('a file is resumed after a cut, and takes in the image that it does not hold yet', () => {
  const first = inject(...onProtected, '--jobs', '1', '--out', file);
  assert.is(first.status, 0, first.stderr);
  protectedOnes = sorted(recordsIn(file));
  assert.is(protectedOnes.length, injections);
  const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const isLost = (line: string) => lostNodes.includes((JSON.parse(line) as InjectionRecord).node);
  const kept = lines.filter((line) => !isLost(line));
  assert.ok(kept.length < lines.length, 'records are lost');
  // Cut in the middle of a line, as a full disk leaves the file.
  writeFileSync(file, `${[head, ...kept].join('\n')}\n${lines.find(isLost)!.slice(0, 8)}`);
  const resumed = inject(...onBoth, '--jobs', '1', '--out', file, '--resume', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  bothReport = JSON.parse(resumed.stdout) as InjectReport;
  const all = sorted(recordsIn(file));
  const of = (image: string) => all.filter(([, record]) => record.image === image);
  assert.equal(of('protected'), protectedOnes);
  bareOnes = of('unprotected');
  assert.is(bareOnes.length, baseline);
});

test(`of ${injections} faults of the protected image none propagates; 99.9 % are right or recovered in time`, () => {
  const report = bothReport!;
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

test('two workers make what one makes; a campaign that was killed continues where it was', async () => {
  const path = join(folder, 'killed.jsonl');
  const words = [command, 'inject', ...onProtected, '--jobs', '2', '--out', path];
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  // Records are written 500 at a time.
  const timer = setInterval(() => {
    if (existsSync(path) && readFileSync(path, 'utf8').split('\n').length > 200) child.kill('SIGKILL');
  }, 20);
  const signal = await ended;
  clearInterval(timer);
  assert.is(signal, 'SIGKILL');
  const before = recordsIn(path);
  assert.ok(before.size < injections, 'the campaign was killed before its end');
  const resumed = inject(...onProtected, '--jobs', '1', '--out', path, '--resume', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  const after = recordsIn(path);
  assert.equal(sorted(after), protectedOnes);
  for (const [key, record] of before) assert.equal(after.get(key), record);
  assert.is((JSON.parse(resumed.stdout) as InjectReport).n, injections);
  // With every injection known nothing is left to do.
  assert.is(inject(...onProtected, '--out', path, '--resume').status, 0);
  assert.equal(sorted(recordsIn(path)), protectedOnes);
});

test('a file with an edited line is refused by the number of the line', () => {
  appendFileSync(file, '{"index":3,"image":"protected","outcome":"fine"}\n');
  const edited = inject(...onBoth, '--out', file, '--resume');
  assert.is(edited.status, 3, edited.stderr);
  const line = injections + baseline + 2;
  assert.ok(edited.stderr.includes(`:${line}: is no record of this campaign: outcome: `), edited.stderr);
  assert.match(edited.stderr, /\(delete the line\)/);
});

test('one injection by itself has the line that it has in the campaign', () => {
  const whole = bareOnes.map(([, record]) => record).find(({ reason }) => /^first/.test(reason));
  assert.ok(whole);
  const run = inject('--seed', '1', '--unprotected', '--only', String(whole.index), '--json');
  assert.equal(JSON.parse(run.stdout), whole);
  assert.match(recordText('protected', whole), /^protected image, \w+: node \d+, before call \d+ .*\n[\w-]+: /);
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
  const path = join(folder, 'killed.jsonl');
  const again = inject('--n', '10', '--seed', '1', '--out', path);
  assert.match(again.stderr, /exists already: --resume continues it/);
  assert.is(again.status, 2);
  const other = inject('--n', '10', '--seed', '4', '--out', path, '--resume');
  assert.match(other.stderr, /killed\.jsonl:1: is of another campaign: seed 1, not 4/);
  assert.is(other.status, 3);
  const bad = join(folder, 'bad.jsonl');
  writeFileSync(bad, 'no JSON\n');
  assert.match(inject('--n', '10', '--out', bad, '--resume').stderr, /bad\.jsonl:1: is no JSON/);
});

test.run();

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'campaign-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

interface Flight {
  seed: number;
  traceHash: string;
}

const flightsIn = (path: string): Flight[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ seed }) => seed !== undefined)
    .sort((a, b) => a.seed - b.seed);

const deaths = (...args: string[]) => run('deaths', '--days', '0.02', ...args);

test('deaths: workers give what one worker gives, and a resumed file is continued, never replaced', () => {
  const [one, two] = ['one', 'two'].map((name) => join(folder, `${name}.jsonl`));
  assert.is(deaths('--flights', '2', '--jobs', '1', '--out', one).status, 0);
  assert.is(deaths('--flights', '1', '--jobs', '2', '--out', two).status, 0);
  const whole = readFileSync(two, 'utf8');
  const refused = deaths('--flights', '2', '--out', two);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, /two\.jsonl exists already: --resume continues it/);
  // A kill in the middle of a line.
  appendFileSync(two, '{"seed": 2, "nodeYe');
  const resumed = deaths('--flights', '2', '--jobs', '2', '--out', two, '--resume', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  assert.ok(readFileSync(two, 'utf8').startsWith(whole));
  assert.equal(flightsIn(two), flightsIn(one));
  assert.is(JSON.parse(resumed.stdout).flights, 2);
  // Nothing is left to fly: the file is summed up.
  assert.match(deaths('--flights', '0', '--out', two, '--resume').stdout, /^flights {7}2, /);
});

/** The flight of seed 3, which a later test edits. */
const swarmFile = join(folder, 'swarm.jsonl');

test('swarm: seeds are written, continued, and counted once', () => {
  const first = run('swarm', '--seeds', '1', '--from', '3', '--out', swarmFile, '--json');
  assert.equal([first.status, JSON.parse(first.stdout).failures], [0, []]);
  const [flight] = flightsIn(swarmFile);
  const again = run('swarm', '--seeds', '1', '--from', '3', '--out', swarmFile, '--resume');
  assert.is(again.stdout, '1 of 1 seeds hold\n');
  assert.equal(flightsIn(swarmFile), [flight]);
});

test('a file of another campaign, or of none, is refused', () => {
  const path = join(folder, 'other.jsonl');
  writeFileSync(path, '{"campaign": 1, "kind": "other"}\n');
  const swarm = run('swarm', '--seeds', '1', '--out', path, '--resume');
  assert.is(swarm.status, 3);
  assert.match(swarm.stderr, /other\.jsonl:1: is of another campaign: kind "other", not "swarm"/);
  const flights = deaths('--out', path, '--resume');
  assert.is(flights.status, 3);
  assert.match(flights.stderr, /other\.jsonl:1: is no record of this campaign: seed: .*\(delete the line\)/);
});

test('a line that is no record of the campaign is named, with its field', () => {
  const path = join(folder, 'edited.jsonl');
  const whole = readFileSync(swarmFile, 'utf8');
  for (const [line, reason] of [
    ['{}', /edited\.jsonl:3: is no record of this campaign: seed: /],
    ['{"seed":4,"traceHash":"x","failed":3}', /edited\.jsonl:3: is no record of this campaign: failed: .*array/],
    ['[1]', /edited\.jsonl:3: is no record/],
    ['{"seed":', /edited\.jsonl:3: is no JSON/],
  ] as const) {
    writeFileSync(path, `${whole}${line}\n`);
    const resumed = run('swarm', '--seeds', '2', '--from', '3', '--out', path, '--resume');
    assert.is(resumed.status, 3, resumed.stderr);
    assert.match(resumed.stderr, reason);
  }
});

test('merge: the report is printed, and written to --out', () => {
  const path = join(folder, 'merge.json');
  const args = ['merge', '--days', '0.1', '--nodes', '6', '--differences', '2,4,8', '--jobs', '2'];
  const { status, stdout, stderr } = run(...args, '--out', path);
  assert.is(status, 0, stderr);
  assert.match(stdout, /\nagain {2}npx heliograph merge --days 0\.1 --nodes 6 --seed 1 --differences 2,4,8\n$/);
  const { nodes, points } = JSON.parse(readFileSync(path, 'utf8'));
  const refused = run(...args, '--out', join(folder, 'none', 'merge.json'));
  assert.equal([refused.status, refused.stdout], [4, '']);
  assert.match(refused.stderr, /--out .*merge\.json: cannot be written: no such file or folder/);
  assert.equal([nodes, points.map(({ difference }: { difference: number }) => difference)], [6, [2, 4, 8]]);
});

test.run();

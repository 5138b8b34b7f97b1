/**
 * What is kept of test runs: the processor time of each file, and when the long versions were last
 * run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { dist, filesBelow, root } from './paths.mjs';

const secondsFile = join(root, 'test/seconds.json');
const longPage = join(root, 'docs/results/long.md');

/** Path of a test file → seconds of processor time that it took when last recorded. */
export function readSeconds() {
  return existsSync(secondsFile) ? JSON.parse(readFileSync(secondsFile, 'utf8')) : {};
}

/** Keeps the processor time of every file of `rows`; those that did not run keep theirs. */
export function writeSeconds(rows) {
  const all = { ...readSeconds() };
  for (const { path, seconds } of rows) all[path] = Number(seconds.toFixed(1));
  const present = Object.entries(all).filter(([path]) => existsSync(join(root, path)));
  const sorted = Object.fromEntries(present.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(secondsFile, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** The variables of a file's line `// long: NAME=VALUE…`; {} when it has none. */
export function longSettings(path) {
  const listed = /^\/\/ long: (.+)$/m.exec(readFileSync(join(root, path), 'utf8'))?.[1] ?? '';
  return Object.fromEntries(
    listed
      .split(' ')
      .filter(Boolean)
      .map((setting) => setting.split('=')),
  );
}

/** The first digits of the flight image's SHA-256. */
export function flightImage() {
  const bytes = readFileSync(join(dist, 'heliograph-flight.wasm'));
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** The commit of the sources; says so when files besides results differ from it. */
export function presentCommit() {
  const git = (...words) => spawnSync('git', words, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';
  const commit = git('rev-parse', '--short=10', 'HEAD') || 'unknown';
  return git('status', '--porcelain', '--', '.', ':!docs/results') === '' ? commit : `${commit} with changes`;
}

/** Cells of a page's row; null for a line that is no row of a test file. */
function cellsOf(line) {
  return line.startsWith('| test/') ? line.slice(2, -2).split(' | ') : null;
}

/** Paths of all files that have a long version. */
function longFiles() {
  const isLong = (path) => path.endsWith('.long.test.ts') || Object.keys(longSettings(path)).length > 0;
  return filesBelow('test', ['.test.ts']).filter(isLong);
}

/**
 * Replaces the row of one file in docs/results/long.md: what its long version gave, on which day
 * and of which image. Rows of other files stay as they are.
 */
export function writeLongRow({ path, passed, failed, seconds }, settings) {
  const before = existsSync(longPage) ? readFileSync(longPage, 'utf8').split('\n').map(cellsOf) : [];
  const known = new Map(before.filter((cells) => cells !== null).map((cells) => [cells[0], cells]));
  const values = Object.entries(settings).map(([name, value]) => `\`${name}=${value}\``);
  const day = new Date().toISOString().slice(0, 10);
  const machine = `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}`;
  const run = [day, presentCommit(), flightImage(), machine, seconds.toFixed(0), String(passed), String(failed)];
  known.set(path, [path, values.join(' ') || '–', ...run]);
  const rows = longFiles().map((each) => known.get(each) ?? [each, '–', 'not run yet', ...Array(6).fill('–')]);
  const page = [
    '# Long tests',
    '',
    'Each row is the last run of one file: `npm run test:long -- FILE`, or `npm run test:long` for all of them.',
    'The command writes a row as soon as its file has run. Image: first digits of the SHA-256 of the flight image.',
    'Seconds: processor time of the file and the processes it started.',
    '',
    '| file | settings | day | commit | image | machine | seconds | passed | failed |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ];
  writeFileSync(longPage, page.join('\n'));
}

/**
 * What is kept of test runs: how long each file takes, and when the long versions were last run.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { dist, root } from './paths.mjs';

const secondsFile = join(root, 'test/seconds.json');
const longPage = join(root, 'docs/results/long.md');

/** Path of a test file → seconds that it took when last recorded. */
export function readSeconds() {
  return existsSync(secondsFile) ? JSON.parse(readFileSync(secondsFile, 'utf8')) : {};
}

/** Keeps the duration of every file of `rows`; those that did not run keep theirs. */
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

/** Writes docs/results/long.md: what the long versions gave, on which day and of which image. */
export function writeLongPage(rows, files) {
  const image = createHash('sha256')
    .update(readFileSync(join(dist, 'heliograph-flight.wasm')))
    .digest('hex');
  const day = new Date().toISOString().slice(0, 10);
  const settingsOf = (path) => Object.entries(files.find((file) => file.path === path)?.settings ?? {});
  const lines = rows.map(({ path, passed, failed, seconds }) => {
    const settings = settingsOf(path).map(([name, value]) => `\`${name}=${value}\``);
    return `| ${path} | ${settings.join(' ')} | ${passed} | ${failed} | ${(seconds / 60).toFixed(1)} |`;
  });
  const page = [
    '# Long tests',
    '',
    `Written by \`npm run test:long\` on ${day}. Flight image ${image.slice(0, 16)}, Node ${process.version},`,
    `${cpus()[0]?.model ?? 'unknown processor'}, two processes at a time.`,
    '',
    '| file | settings | passed | failed | minutes |',
    '|---|---|---|---|---|',
    ...lines.sort(),
    '',
  ];
  writeFileSync(longPage, page.join('\n'));
}

// What pages say of the repository is so: links, files, scripts, commands, dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { files, read } from './sources.ts';

const pages = files.filter((path) => path.endsWith('.md'));
const sources = files.filter(
  (path) => path.endsWith('.md') || /^(?!test\/).*\.(ts|mjs|c|h|S|rs|yaml|cddl)$/.test(path),
);
const isThere = (path: string) => existsSync(join(rootFolder, path));

/** Relative targets of a page's links that do not exist, as `page → target`. */
function brokenLinks(path: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target.replace(/#.*$/, ''));
  const relative = targets.filter((target) => target !== '' && !/^\w+:/.test(target));
  return relative
    .filter((target) => !isThere(posix.join(posix.dirname(path), target)))
    .map((target) => `${path} → ${target}`);
}

/** Pages that `npm run coverage` and `npm run test:long` write; a checkout may be without them. */
const pagesOfCommands = ['docs/results/coverage.md', 'docs/results/long.md'];
/** Whether a command makes the file: such a page, or the declarations of a source in dist/types. */
const isMade = (name: string) =>
  pagesOfCommands.includes(name) || (name.endsWith('.d.ts') && isThere(name.replace('.d.ts', '.ts')));

/**
 * Files of the repository that a text names by their path from the root and that neither exist nor
 * are made by a command, as `path → name`.
 */
function missingFiles(path: string, text: string): string[] {
  const named = text.match(
    /(?<![\w./-])(docs|firmware|host|hwsim|proto|test)\/[\w./-]+\.(md|ts|mjs|c|h|yaml|json|csv|svg|cddl)\b/g,
  );
  const missing = [...new Set(named ?? [])].filter((name) => !isThere(name) && !isMade(name));
  return missing.map((name) => `${path} → ${name}`);
}

/** npm scripts that a text names and package.json lacks. */
function missingScripts(path: string, text: string, scripts: ReadonlySet<string>): string[] {
  const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:]*)/g)].map(([, name]) => name);
  return [...new Set(named)].filter((name) => !scripts.has(name)).map((name) => `${path} → npm run ${name}`);
}

/** Commands of heliograph that a text names and the command line lacks. */
function missingCommands(path: string, text: string, commands: ReadonlySet<string>): string[] {
  const named = [...text.matchAll(/\bnpx heliograph ([a-z]+)\b/g)].map(([, name]) => name);
  return [...new Set(named)].filter((name) => !commands.has(name)).map((name) => `${path} → heliograph ${name}`);
}

const scripts = new Set(Object.keys(JSON.parse(read('package.json')).scripts));

test('the README has at most 120 lines of at most 100 columns', () => {
  const lines = read('README.md').trimEnd().split('\n');
  assert.ok(lines.length <= 120, `${lines.length} lines`);
  assert.equal(
    lines.filter((line) => [...line].length > 100),
    [],
  );
});

test('links of pages lead somewhere', () => {
  assert.equal(
    pages.flatMap((path) => brokenLinks(path, read(path))),
    [],
  );
});

test('files that pages and comments name exist', () => {
  assert.equal(
    sources.flatMap((path) => missingFiles(path, read(path))),
    [],
  );
});

test('scripts that pages and comments name exist', () => {
  assert.ok(
    ['build', 'start', 'test', 'test:long', 'typecheck', 'lint', 'format', 'generate', 'bench', 'coverage'].every(
      (name) => scripts.has(name),
    ),
  );
  assert.equal(
    sources.flatMap((path) => missingScripts(path, read(path), scripts)),
    [],
  );
});

test('commands that pages and comments name exist', () => {
  const { stdout } = spawnSync(process.execPath, [join(rootFolder, 'dist/heliograph.mjs'), '--help'], {
    encoding: 'utf8',
  });
  const commands = new Set([...stdout.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name));
  assert.ok(commands.has('sim'));
  assert.equal(
    sources.flatMap((path) => missingCommands(path, read(path), commands)),
    [],
  );
});

/** Names in the first column of a page's tables, in backticks. */
const listed = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);

test('docs/dependencies.md lists exactly the packages and crates that are used, each once', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const manifest = read('host/wasmtime-bindings/Cargo.toml');
  const sections = [...manifest.matchAll(/^\[(?:build-)?dependencies\]\n((?:[\w-]+ = .*\n)+)/gm)];
  const crates = sections.flatMap(([, lines]) => lines.trim().split('\n')).map((line) => line.split(' ')[0]);
  const used = [...Object.keys(dependencies), ...Object.keys(devDependencies), ...crates];
  assert.equal(listed(read('docs/dependencies.md')).sort(), used.sort());
});

test('a broken link, a missing file, a missing script and a missing command are found', () => {
  assert.equal(brokenLinks('docs/a.md', '[x](../README.md#top) [y](none.md) [z](https://x.org/none.md)'), [
    'docs/a.md → none.md',
  ]);
  assert.equal(missingFiles('a', 'see docs/none.md and docs/abi.md'), ['a → docs/none.md']);
  assert.equal(missingFiles('a', 'docs/results/long.md, host/library.d.ts, host/none.d.ts'), ['a → host/none.d.ts']);
  assert.equal(missingScripts('a', 'npm run build, npm run nothing', scripts), ['a → npm run nothing']);
  assert.equal(missingCommands('a', 'npx heliograph sim, npx heliograph fly', new Set(['sim'])), [
    'a → heliograph fly',
  ]);
});

test.run();

/**
 * Measures how much of host/ and hwsim/ the tests execute, by V8's own counters.
 *
 *     npm run coverage [-- part-of-a-file-name…] [--jobs=N] [--without=NEED] [--page]
 *
 * Runs `npm test`, or the named files of it, on modules that are compiled one by one: a bundle of
 * many sources cannot be mapped back to functions. Prints a table; writes docs/results/coverage.md
 * when all tests passed and no file is selected by name; `--page` writes it for a selection too.
 * The page says what ran. `--without=boards` leaves out the files that need boards. Exit 1 when a
 * test failed. What runs in WebAssembly and on boards is not counted.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { buildAll, bundleEntries } from './build.mjs';
import { bundleOptions } from './bundle.mjs';
import { dist, filesBelow, root } from './paths.mjs';
import { flightImage, presentCommit } from './test_records.mjs';

const folder = join(dist, 'coverage');
const modules = join(folder, 'modules');
const page = join(root, 'docs/results/coverage.md');
const measures = ['lines', 'functions', 'branches'];

/**
 * Leaves the imports of other sources as they are, with the ending of what they are compiled to.
 */
const separateModules = {
  name: 'separate-modules',
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\/.*\.(ts|mjs)$/ }, ({ path, kind }) => {
      if (kind === 'entry-point') return undefined;
      return { path: path.replace(/\.ts$/, '.mjs'), external: true };
    });
  },
};

/** Compiles every source to a module of its own, and lets the built programs be these modules. */
async function compileModules() {
  rmSync(folder, { recursive: true, force: true });
  const { build } = await import('esbuild');
  const sources = ['host', 'hwsim', 'proto', 'test'].flatMap((tree) => filesBelow(tree, ['.ts', '.mjs']));
  await build({
    ...bundleOptions,
    entryPoints: sources.filter((path) => !path.endsWith('.d.ts')),
    outbase: root,
    outdir: modules,
    outExtension: { '.js': '.mjs' },
    plugins: [...bundleOptions.plugins, separateModules],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  for (const { path, name } of bundleEntries()) {
    const module = `./${relative(dist, join(modules, path)).replace(/\.ts$/, '.mjs')}`;
    mkdirSync(dirname(join(dist, `${name}.mjs`)), { recursive: true });
    writeFileSync(join(dist, `${name}.mjs`), `export * from '${module}';\n`);
  }
}

/**
 * Runs the tests on the modules and leaves V8's counts in `raw`; resolves to {ok, totals}, the last
 * line of the tests.
 */
function runTests(words, raw) {
  const tests = spawn(process.execPath, [join(root, 'host/build/test.mjs'), '--no-build', ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: raw, HELIOGRAPH_MODULES: modules },
  });
  let output = '';
  tests.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  return new Promise((resolve) => {
    tests.on('close', (code) => resolve({ ok: code === 0, totals: output.trim().split('\n').pop() }));
  });
}

/**
 * Source file → counts of each measure. Counts of processes that were killed while they wrote them
 * are left out.
 */
function summarise(raw) {
  const c8 = join(root, 'node_modules/c8/bin/c8.js');
  const options = ['--temp-directory', raw, '--reports-dir', folder, '--reporter', 'json-summary', '--merge-async'];
  const selection = ['--include', 'host/**', '--include', 'hwsim/**', '--exclude', 'host/build/**'];
  const words = ['--max-old-space-size=4096', c8, 'report', ...options, ...selection, '--exclude-after-remap'];
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('c8 made no report');
  return JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8'));
}

/** Folder, two levels deep → sum of the counts of its files; `total` comes last. */
function sumByModule(summary) {
  const sums = new Map();
  for (const [path, counts] of Object.entries(summary)) {
    const module = path === 'total' ? 'total' : relative(root, path).split('/').slice(0, 2).join('/');
    const sum = sums.get(module) ?? Object.fromEntries(measures.map((name) => [name, { covered: 0, total: 0 }]));
    for (const name of measures) {
      sum[name].covered += counts[name].covered;
      sum[name].total += counts[name].total;
    }
    sums.set(module, sum);
  }
  return [...sums].sort(([a], [b]) => (a === 'total') - (b === 'total') || (a < b ? -1 : 1));
}

function tableOf(sums) {
  const share = ({ covered, total }) => (total === 0 ? '–' : `${((100 * covered) / total).toFixed(1)} %`);
  const rows = sums.map(([module, sum]) => `| ${module} | ${measures.map((name) => share(sum[name])).join(' | ')} |`);
  return ['| module | lines | functions | branches |', '|---|---|---|---|', ...rows].join('\n');
}

function writePage(table, words, totals) {
  const names = words.filter((word) => !word.startsWith('--'));
  const command = ['npm run coverage', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
  const text = [
    '# Coverage of host and simulator',
    '',
    `Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}: commit ${presentCommit()},`,
    `flight image ${flightImage()}, Node ${process.version}. Tests: ${totals} (a skipped one is a file).`,
    'Counted by V8 while the tests run, in the commands that tests start, too. Files that no test loads are',
    'not listed. The firmware runs as WebAssembly and is not counted here.',
    ...words
      .filter((word) => word.startsWith('--without='))
      .map(
        (word) =>
          `The files that need ${word.split('=')[1]} were left out: what only they execute counts as not covered.`,
      ),
    ...(names.length > 0 ? ['Only the test files whose names contain the words above ran.'] : []),
    '',
    table,
    '',
  ];
  writeFileSync(page, text.join('\n'));
}

// Files that copy the built programs find no bundles: they are left out.
const given = process.argv.slice(2).filter((word) => word !== '--page' && !word.startsWith('--without='));
const without = process.argv.find((word) => word.startsWith('--without='));
const words = [...given, `${without ?? '--without='}${without === undefined ? '' : ','}bundles`];
if (!(await buildAll({ quiet: true }))) process.exit(1);
const raw = join(folder, 'raw');
let tests = { ok: false, totals: '' };
try {
  await compileModules();
  tests = await runTests(words, raw);
} finally {
  // The next build makes the bundles anew.
  rmSync(join(dist, 'heliograph.mjs'), { force: true });
  await buildAll({ quiet: true });
}
if (!existsSync(raw)) throw new Error('no process left its counts');
const table = tableOf(sumByModule(summarise(raw)));
console.log(table);
const isWhole = words.every((word) => word.startsWith('--'));
if (tests.ok && (isWhole || process.argv.includes('--page'))) writePage(table, words, tests.totals);
process.exitCode = tests.ok ? 0 : 1;

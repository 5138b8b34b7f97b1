/**
 * Runs the tests: types and style first, then every file test/**\/*.test.ts in a process of its
 * own, two at a time.
 *
 *     npm test [-- part-of-a-file-name…] [--rewrite] [--no-build] [--record] [--jobs=N]
 *              [--without=NEED,…]
 *     npm run test:long [-- part-of-a-file-name…]
 *
 * part-of…      runs only the files whose path contains one of these, and checks neither types nor
 *               style
 * --rewrite     lets transcript tests write their expected files (HELIOGRAPH_REWRITE=1)
 * --no-build    takes dist/ as it stands, and checks neither types nor style
 * --record      writes the processor time of each file to test/seconds.json: the longest file
 *               begins first
 * --jobs=N      runs N files at a time instead of two
 * --without=…   leaves out the files that need one of these, as in `--without=boards,wasmtime`
 * --long        runs the long versions: files with a line `// long: NAME=VALUE…`, with these
 *               variables set, and files *.long.test.ts, which run only here. Writes the row of
 *               each file in docs/results/long.md as soon as it has run
 *
 * Seconds are processor time of the file's process and its children, where the system counts it
 * (Linux): they do not depend on what else the machine does.
 *
 * What a file needs besides npm packages (host/build/setup.mjs) is installed where that is
 * possible; otherwise the file is skipped, and a line says what to run. With CI=true nothing is
 * skipped: what is missing fails. The last line is `N passed, N failed`, with `, N skipped` (files)
 * if any. Exit 1 on any failure, or when nothing ran.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll } from './build.mjs';
import { dist, filesBelow, root } from './paths.mjs';
import { exitMissing, exitReady, needs, needsOf } from './setup.mjs';
import { bundleTests } from './test_bundles.mjs';
import { longSettings, readSeconds, writeLongRow, writeSeconds } from './test_records.mjs';

const jobsDefault = 2;
/**
 * Longer than the slowest file by far: a test that hangs must not hang the run. Coverage, which
 * HELIOGRAPH_MODULES announces, slows every file.
 */
const fileSecondsMax = process.argv.includes('--long') || process.env.HELIOGRAPH_MODULES ? 7200 : 900;
/** Wasmtime alone takes a quarter of an hour on one busy core. */
const setupSecondsMax = 7200;
/** Assumed for a file that test/seconds.json does not know. */
const secondsUnknown = 5;
const outputLinesMax = 60;
const flags = ['--rewrite', '--no-build', '--record', '--long'];

const totals = { passed: 0, failed: 0, skipped: 0 };
/** One row for each file that ran: {path, passed, failed, seconds}. */
const rows = [];

/** The value of `--name=value`; undefined without the option. Ends the process on another value. */
function optionValue(words, name, { pattern, wanted }) {
  const word = words.find((each) => each.startsWith(`${name}=`));
  const value = word?.slice(name.length + 1);
  if (value !== undefined && !pattern.test(value)) {
    console.error(`${name} is '${value}', not ${wanted}`);
    process.exit(2);
  }
  return value;
}

function readOptions(words) {
  const isKnown = (word) => flags.includes(word) || /^--(jobs|without)=/.test(word);
  const unknown = words.find((word) => word.startsWith('--') && !isKnown(word));
  if (unknown !== undefined) {
    const known = [...flags, '--jobs=N', '--without=NEED,…'].join(', ');
    console.error(`unknown option ${unknown}; known: ${known}, and words that select files by name`);
    process.exit(2);
  }
  const filters = words.filter((word) => !word.startsWith('--'));
  const [rewrite, noBuild, record, long] = flags.map((flag) => words.includes(flag));
  const jobs = Number(
    optionValue(words, '--jobs', { pattern: /^[1-9]\d?$/, wanted: 'a whole number from 1 to 99' }) ?? jobsDefault,
  );
  const names = needs.map(({ name }) => name);
  const one = `(${names.join('|')})`;
  const pattern = new RegExp(`^${one}(,${one})*$`);
  const wanted = `some of ${names.join(', ')}, with commas between`;
  const without = optionValue(words, '--without', { pattern, wanted })?.split(',') ?? [];
  return { filters, rewrite, noBuild, record, long, jobs, without };
}

/**
 * Runs a command; resolves to {ok, code, output, processorS}. Ends it after `secondsMax`.
 * `processorS`: what host/build/processor_time.mjs reported, else null.
 */
function run(command, words, { environment = {}, secondsMax = fileSecondsMax, onOutput = () => {} } = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', ...environment };
    const child = spawn(command, words, { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    let output = '';
    let reported = '';
    const collect = (chunk) => {
      output += chunk;
      onOutput(String(chunk));
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.stdio[3].on('data', (chunk) => {
      reported += chunk;
    });
    const timer = setTimeout(() => {
      output += `\nstopped after ${secondsMax} s\n`;
      child.kill('SIGKILL');
    }, secondsMax * 1000);
    child.on('error', (error) => collect(`${error.message}\n`));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        output,
        code,
        ok: code === 0 && signal === null,
        processorS: reported === '' ? null : Number(reported),
      });
    });
  });
}

/** Prints why no test ran, and ends the process. */
function giveUp(reason) {
  console.error(reason);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

/** Checks types and style in parallel; ends the process when one of them fails. */
async function check() {
  const scripts = ['typecheck', 'lint'];
  const results = await Promise.all(scripts.map((script) => run('npm', ['run', '-s', script])));
  results.forEach(({ ok, output }, index) => {
    console.log(`${ok ? 'ok  ' : 'FAIL'} npm run ${scripts[index]}${ok ? '' : `\n${output}`}`);
  });
  if (results.some(({ ok }) => !ok)) giveUp('types or style are wrong, so no test ran');
}

/**
 * uvu ends with Total and Passed; a file that ends before that, or counts no test, is one failure
 * more.
 */
function readTotals({ output, ok }) {
  const total = Number(/^\s*Total:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const passed = Number(/^\s*Passed:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const failed = Math.max(total - passed, ok && total > 0 ? 0 : 1);
  return { passed, failed };
}

function report({ path, passed, failed, seconds, output, long = false }) {
  rows.push({ path, passed, failed, seconds });
  totals.passed += passed;
  totals.failed += failed;
  const verdict = failed === 0 ? 'ok  ' : 'FAIL';
  console.log(`${verdict} ${path}  ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`);
  if (failed === 0) return;
  console.log(output.split('\n').slice(-outputLinesMax).join('\n'));
  console.log(`  again: node host/build/test.mjs ${long ? '--long ' : ''}${path}`);
}

/**
 * A file that cannot run here; `isBroken`: what it needs is installed and does not work, which no
 * machine may skip.
 */
function skip(path, why, isBroken) {
  const isFailure = isBroken || process.env.CI === 'true';
  totals[isFailure ? 'failed' : 'skipped'] += 1;
  const because = isFailure && !isBroken ? '; with CI=true nothing is skipped' : '';
  console.log(`${isFailure ? 'FAIL' : 'skip'} ${path}: ${why}${because}`);
}

/**
 * Sets up one need after the other; resolves each entry of `states` to null when ready, else to
 * {why, isBroken}.
 */
async function setUpAll(names, settle) {
  for (const name of names) {
    const setup = join(root, 'host/build/setup.mjs');
    const { code, output } = await run(process.execPath, [setup, name], {
      // The other process runs tests meanwhile: a core for each.
      environment: { CARGO_BUILD_JOBS: '1' },
      secondsMax: setupSecondsMax,
      onOutput: (text) => {
        if (text.startsWith('setting up ')) console.log(text.trim());
      },
    });
    const why = output.trim().split('\n').pop();
    settle.get(name)(code === exitReady ? null : { why, isBroken: code !== exitMissing });
  }
}

async function runFile(file, { rewrite, long }) {
  const { path, bundle, settings } = file;
  const begin = performance.now();
  const environment = { HELIOGRAPH_REWRITE: rewrite ? '1' : '', ...settings };
  const words = ['--enable-source-maps', '--import', join(root, 'host/build/processor_time.mjs'), bundle];
  const result = await run(process.execPath, words, { environment });
  const seconds = result.processorS ?? (performance.now() - begin) / 1000;
  const row = { path, ...readTotals(result), seconds };
  report({ ...row, output: result.output, long });
  if (long) writeLongRow(row, settings);
}

/** Runs all files, each as soon as its needs are set up, `jobs` at a time. */
async function runAll(files, options) {
  const wanted = needs.map(({ name }) => name).filter((name) => files.some((file) => file.needs.includes(name)));
  const settled = new Map();
  const settle = new Map();
  const pending = new Map(wanted.map((name) => [name, new Promise((resolve) => settle.set(name, resolve))]));
  for (const [name, promise] of pending)
    promise.then((state) => {
      settled.set(name, state);
      pending.delete(name);
    });
  const queue = [...files];
  const lane = async () => {
    while (queue.length > 0) {
      const index = queue.findIndex((file) => file.needs.every((name) => settled.has(name)));
      if (index === -1) {
        await Promise.race(pending.values());
        continue;
      }
      const [file] = queue.splice(index, 1);
      const obstacles = file.needs.map((name) => settled.get(name)).filter((state) => state !== null);
      if (obstacles.length === 0) await runFile(file, options);
      else
        skip(
          file.path,
          obstacles.map(({ why }) => why).join('; '),
          obstacles.some(({ isBroken }) => isBroken),
        );
    }
  };
  const setUpLane = async () => {
    await setUpAll(wanted, settle);
    await lane();
  };
  await Promise.all([setUpLane(), ...Array.from({ length: options.jobs - 1 }, lane)]);
}

/** Counts a file that `--without` leaves out. */
function leaveOut(path, need) {
  totals.skipped += 1;
  console.log(`skip ${path}: --without=${need}`);
}

/** The selected files, longest first, with their needs and, for --long, their settings. */
function selectFiles({ filters, long, without }) {
  const seconds = readSeconds();
  const secondsOf = ({ path }) => seconds[path] ?? secondsUnknown;
  return filesBelow('test', ['.test.ts'])
    .filter((path) => filters.length === 0 || filters.some((word) => path.includes(word)))
    .map((path) => ({ path, isLong: path.endsWith('.long.test.ts'), settings: long ? longSettings(path) : {} }))
    .filter(({ isLong, settings }) => (long ? isLong || Object.keys(settings).length > 0 : !isLong))
    .map((file) => ({ ...file, needs: needsOf(file.path) }))
    .filter((file) => {
      const need = file.needs.find((name) => without.includes(name));
      if (need !== undefined) leaveOut(file.path, need);
      return need === undefined;
    })
    .sort((a, b) => secondsOf(b) - secondsOf(a));
}

const options = readOptions(process.argv.slice(2));
const { filters, noBuild } = options;
if (filters.length === 0 && !noBuild) await check();
if (!noBuild && !(await buildAll({ quiet: true })))
  giveUp('the build failed, so no test ran; --no-build runs them on what dist/ holds');
let files = [];
try {
  files = selectFiles(options);
} catch (error) {
  giveUp(error.message);
}
const workFolder = join(dist, 'test', String(process.pid));
try {
  const { bundles, errors } = await bundleTests(
    files.map(({ path }) => path),
    workFolder,
  );
  for (const [path, output] of errors) report({ path, passed: 0, failed: 1, seconds: 0, output });
  const runnable = files.filter(({ path }) => bundles.has(path));
  await runAll(
    runnable.map((file) => ({ ...file, bundle: bundles.get(file.path) })),
    options,
  );
} finally {
  rmSync(workFolder, { recursive: true, force: true });
}
if (files.length + totals.skipped === 0)
  console.error(`no test file matches ${filters.join(' ') || 'test/**/*.test.ts'}`);
if (options.record) writeSeconds(rows);
const ofSkipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${ofSkipped}`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

/**
 * Runs the tests: bundles test/**\/*.test.ts, gives each file its own process, two at a time.
 *
 *     npm test [-- part-of-a-file-name…] [--rewrite] [--no-build]
 *
 * --rewrite     lets transcript tests write their golden files anew (HELIOGRAPH_REWRITE=1)
 * --no-build    takes dist/ as it stands
 * What a file needs besides npm packages (host/build/setup.mjs) is installed where that can be done; else the file is skipped, in a line
 * that says what to run. With CI=true nothing is skipped: what is missing then fails.
 * The last line is `N passed, N failed`, with `, N skipped` (files) when there are any. Exit 1 on any failure, or when nothing ran.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll } from './build.mjs';
import { bundleOptions } from './bundle.mjs';
import { dist, filesBelow, root } from './paths.mjs';
import { setUp } from './setup.mjs';

const processesMax = 2;
/** Longer than the slowest file by far; a hung test must not hang the run. */
const fileSecondsMax = 900;
/** Begun first, in this order: what takes minutes must not be left for the end, when it has one core and the other none. The rest takes seconds. */
const longest = [
  'hwsim/cipher_null',
  'campaign/board',
  'board/cycles',
  'board/inject',
  'emulator/trace',
  'firmware/exclusive',
  'schedule/optimum',
  'emulator/hardware',
  'campaign/inject_command',
  'security/keys_command',
  'campaign/',
  'host/cli',
];
const tailLinesMax = 60;

const words = process.argv.slice(2);
const filters = words.filter((word) => !word.startsWith('--'));
const rewrite = words.includes('--rewrite');
const unknown = words.filter((word) => word.startsWith('--') && !['--rewrite', '--no-build'].includes(word));
if (unknown.length > 0) {
  console.error(`unknown option ${unknown[0]}; known: --rewrite, --no-build, and words that select files by name`);
  process.exit(2);
}

const workFolder = join(dist, 'test', String(process.pid));
const totals = { passed: 0, failed: 0, skipped: 0 };

/** Bundles one test file; broken ones are a failure of their own and do not keep the others from running. */
async function bundle(esbuild, path) {
  const outfile = join(workFolder, path.replace(/\.ts$/, '.mjs'));
  await esbuild.build({
    ...bundleOptions,
    entryPoints: [path],
    outfile,
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  return outfile;
}

function runFile(outfile) {
  return new Promise((resolve) => {
    const environment = { ...process.env, HELIOGRAPH_REWRITE: rewrite ? '1' : '', FORCE_COLOR: '0', NO_COLOR: '1' };
    const child = spawn(process.execPath, ['--enable-source-maps', outfile], { cwd: root, env: environment });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => {
      output += `\nstopped after ${fileSecondsMax} s\n`;
      child.kill('SIGKILL');
    }, fileSecondsMax * 1000);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ output, ok: code === 0 && signal === null });
    });
  });
}

/** uvu ends with Total and Passed; a file that dies before that, or counts no test, is one failure more. */
function readTotals({ output, ok }) {
  const total = Number(/^\s*Total:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const passed = Number(/^\s*Passed:\s+(\d+)/m.exec(output)?.[1] ?? 0);
  const failed = Math.max(total - passed, ok && total > 0 ? 0 : 1);
  return { passed, failed };
}

function report(path, seconds, result, output) {
  totals.passed += result.passed;
  totals.failed += result.failed;
  const verdict = result.failed === 0 ? 'ok  ' : 'FAIL';
  console.log(`${verdict} ${path}  ${result.passed} passed, ${result.failed} failed, ${seconds.toFixed(1)} s`);
  if (result.failed === 0) return;
  console.log(output.split('\n').slice(-tailLinesMax).join('\n'));
  console.log(`  again: node host/build/test.mjs ${path}`);
}

/** A file that cannot run here. */
function skip(path, why) {
  const failure = process.env.CI === 'true';
  totals[failure ? 'failed' : 'skipped'] += 1;
  console.log(`${failure ? 'FAIL' : 'skip'} ${path}: ${why}${failure ? '; with CI=true nothing is skipped' : ''}`);
}

async function runOne(esbuild, path) {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  let outfile;
  try {
    outfile = await bundle(esbuild, path);
  } catch (error) {
    report(path, seconds(), { passed: 0, failed: 1 }, error.message);
    return;
  }
  const run = await runFile(outfile);
  report(path, seconds(), readTotals(run), run.output);
}

if (!words.includes('--no-build') && !(await buildAll({ quiet: true }))) {
  console.error('the build failed, so no test ran; --no-build runs them on what dist/ holds');
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const esbuild = await import('esbuild');
const files = filesBelow('test', ['.test.ts']).filter(
  (path) => filters.length === 0 || filters.some((word) => path.includes(word)),
);
let skipped;
try {
  skipped = setUp(files, console.log);
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
for (const [path, why] of skipped) skip(path, why);
const rankOf = (path) => [...longest, ''].findIndex((part) => path.includes(part));
const queue = files.filter((path) => !skipped.has(path)).sort((a, b) => rankOf(a) - rankOf(b));
try {
  const lane = async () => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) await runOne(esbuild, path);
  };
  await Promise.all(Array.from({ length: processesMax }, lane));
} finally {
  rmSync(workFolder, { recursive: true, force: true });
}
if (files.length === 0) console.error(`no test file matches ${filters.join(' ') || 'test/**/*.test.ts'}`);
const ofSkipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${ofSkipped}`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

/**
 * Installs what some tests need besides npm packages:
 *
 *     node host/build/setup.mjs NAME…        (wasmtime, boards, tshark, spin, fuzzer, python)
 *
 * A test file names its needs in its first line: `// needs: wasmtime`. `npm test` runs this program
 * for each need of the files that it runs. A file whose need stays missing is skipped, or fails
 * under CI=true.
 *
 * Exit 0 when all is ready, 3 when something is missing and cannot be installed here, 1 when it is
 * installed and does not work; the last line of standard output says why. An entry of `needs`:
 *
 *     name       as in the first line of a test file
 *     present()  true when nothing has to be installed
 *     command    what a person types to install it
 *     install()  installs; throws with the reason when that is not possible here
 *     prepare()  optional: makes once what tests use in parallel; throws when that fails
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildBoards,
  installBoardTools,
  installCommand,
  installPackages,
  isInstalled,
  missingPackages,
} from './boards.mjs';
import { root } from './paths.mjs';
import { installPython, isPythonReady, pythonCommand } from './python.mjs';
import { buildAddon, buildCommand, isAddonBuilt } from './wasmtime.mjs';

/** SPIN writes checkers in C, which gcc compiles, and tcc where compiling takes longest. */
const spinPackages = ['spin', 'gcc', 'tcc'];
const fuzzerPackages = ['clang-14', 'libclang-rt-14-dev'];

/** In the order in which they are set up: what most test files wait for comes first. */
export const needs = [
  {
    name: 'boards',
    present: () => missingPackages().length === 0,
    command: installCommand(),
    install: installBoardTools,
    prepare: buildBoards,
  },
  {
    name: 'tshark',
    present: () => ['tshark', 'text2pcap'].every(isInstalled),
    command: installCommand(['tshark']),
    install: () => installPackages(['tshark']),
  },
  {
    name: 'spin',
    present: hasSpin,
    command: installCommand(spinPackages),
    install: () => installPackages(spinPackages),
  },
  {
    name: 'fuzzer',
    present: hasLibFuzzer,
    command: installCommand(fuzzerPackages),
    install: () => installPackages(fuzzerPackages),
  },
  { name: 'python', present: isPythonReady, command: pythonCommand, install: installPython },
  // Files that copy the built programs, which are no bundles while coverage is measured.
  { name: 'bundles', present: () => true, command: 'npm run build', install: () => {} },
  { name: 'wasmtime', present: isAddonBuilt, command: buildCommand, install: () => buildAddon() },
];

export const exitReady = 0;
export const exitBroken = 1;
export const exitMissing = 3;

/** Says whether SPIN and gcc answer; tests run without tcc, too. */
function hasSpin() {
  return isInstalled('spin', '-V') && isInstalled('gcc');
}

/** Says whether libFuzzer is installed: clang alone may lack its runtime libraries. */
function hasLibFuzzer() {
  const { status, stdout } = spawnSync('clang-14', ['--print-runtime-dir'], { encoding: 'utf8' });
  if (status !== 0) return false;
  const folders = [stdout.trim(), join(stdout.trim(), '..', 'linux')].filter((folder) => existsSync(folder));
  return folders.some((folder) => readdirSync(folder).some((name) => name.startsWith('libclang_rt.fuzzer')));
}

/**
 * The names after `// needs:` in a file's first line; [] when it has no such line. Throws on a name
 * that no entry has.
 */
export function needsOf(path) {
  const [first] = readFileSync(join(root, path), 'utf8').split('\n', 1);
  const listed = /^\/\/ needs:\s*(.*)$/.exec(first)?.[1] ?? '';
  const names = listed.split(/[\s,]+/).filter(Boolean);
  const unknown = names.find((name) => needs.every((entry) => entry.name !== name));
  if (unknown !== undefined) throw new Error(`${path} needs '${unknown}', which host/build/setup.mjs does not know`);
  return names;
}

/** Sets up one entry of `needs`; prints the reason and returns the exit code when it cannot. */
function setUp({ name, present, command, install, prepare }) {
  try {
    if (!present()) {
      console.log(`setting up ${name}: ${command}`);
      install();
    }
  } catch (error) {
    console.log(`${name} is missing; run ${command} (${error.message})`);
    return exitMissing;
  }
  try {
    prepare?.();
  } catch (error) {
    console.log(`${name} is installed and cannot be made ready: ${error.message}`);
    return exitBroken;
  }
  return exitReady;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of process.argv.slice(2)) {
    const entry = needs.find((candidate) => candidate.name === name);
    if (entry === undefined) {
      console.error(`nothing known of '${name}'; known: ${needs.map((candidate) => candidate.name).join(', ')}`);
      process.exit(2);
    }
    process.exitCode ||= setUp(entry);
  }
}

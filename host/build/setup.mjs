/**
 * What some tests need besides npm packages. A test file says so in its first line:
 *
 *     // needs: wasmtime
 *
 * `npm test` installs what is missing where it can; files whose needs stay absent are skipped, each told in a line, and are failures
 * under CI=true. An entry of `needs`:
 *
 *     name       as in the first line of a test file
 *     present()  true when nothing has to be done
 *     command    what a person types to get it
 *     install()  does so; throws with the reason when it cannot be done here
 *     prepare()  optional: what has to be made once, before tests run beside each other; throws when it cannot
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildBoards,
  installBoardTools,
  installCommand,
  installPackages,
  isInstalled,
  missingPackages,
} from './boards.mjs';
import { root } from './paths.mjs';
import { buildAddon, buildCommand, isAddonBuilt } from './wasmtime.mjs';

const fuzzerPackages = ['clang-14', 'libclang-rt-14-dev'];

export const needs = [
  { name: 'wasmtime', present: isAddonBuilt, command: buildCommand, install: () => buildAddon() },
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
    name: 'fuzzer',
    present: hasLibFuzzer,
    command: installCommand(fuzzerPackages),
    install: () => installPackages(fuzzerPackages),
  },
];

/** clang is there without libFuzzer where its runtime libraries are not. */
function hasLibFuzzer() {
  const { status, stdout } = spawnSync('clang-14', ['--print-runtime-dir'], { encoding: 'utf8' });
  if (status !== 0) return false;
  const folders = [stdout.trim(), join(stdout.trim(), '..', 'linux')].filter((folder) => existsSync(folder));
  return folders.some((folder) => readdirSync(folder).some((name) => name.startsWith('libclang_rt.fuzzer')));
}

/** The names after `// needs:` in a file's first line; [] when it has no such line. Throws on a name that no entry has. */
export function needsOf(path) {
  const [first] = readFileSync(join(root, path), 'utf8').split('\n', 1);
  const names =
    /^\/\/ needs:\s*(.*)$/
      .exec(first)?.[1]
      .split(/[\s,]+/)
      .filter(Boolean) ?? [];
  const unknown = names.find((name) => needs.every((entry) => entry.name !== name));
  if (unknown !== undefined) throw new Error(`${path} needs '${unknown}', which host/build/setup.mjs does not know`);
  return names;
}

/**
 * Installs what `paths` need, telling each step through `tell`. Returns a map from path to why it must be skipped:
 * `<what> is missing; run <command> (<reason>)`. Throws when what is needed is there, but cannot be made ready.
 */
export function setUp(paths, tell) {
  const wanted = new Map(paths.map((path) => [path, needsOf(path)]));
  const absent = new Map();
  for (const entry of needs) {
    if (![...wanted.values()].some((names) => names.includes(entry.name))) continue;
    try {
      if (!entry.present()) {
        tell(`setting up ${entry.name}: ${entry.command}`);
        entry.install();
      }
    } catch (error) {
      absent.set(entry.name, `${entry.name} is missing; run ${entry.command} (${error.message})`);
      continue;
    }
    // What cannot be made although all is there is broken, not missing: it must not pass for a reason to skip.
    entry.prepare?.();
  }
  const skipped = new Map();
  for (const [path, names] of wanted) {
    const reasons = names.filter((name) => absent.has(name)).map((name) => absent.get(name));
    if (reasons.length > 0) skipped.set(path, reasons.join('; '));
  }
  return skipped;
}

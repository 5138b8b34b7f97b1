/**
 * Builds the Wasmtime engine, host/wasmtime-bindings, into dist/wasmtime-bindings.node.
 *
 *     npm run build:wasmtime [-- --force]
 *
 * Only when its sources changed. Needs Rust; the first build takes some minutes and fetches crates,
 * later ones need no network. Exit 0 when the addon is there and up to date, 1 when not.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeAside } from './firmware.mjs';
import { dist, filesBelow, root, stampOf } from './paths.mjs';

const crate = 'host/wasmtime-bindings';
const addon = join(dist, 'wasmtime-bindings.node');
const stampFile = join(dist, 'wasmtime-bindings.stamp');
/**
 * Below dist/ and not in the crate, so that the other build steps need not look through thousands
 * of object files.
 */
const targetFolder = join(dist, 'cargo');
const libraryNames = {
  darwin: 'libheliograph_wasmtime_bindings.dylib',
  win32: 'heliograph_wasmtime_bindings.dll',
};

export const buildCommand = 'npm run build:wasmtime';
export const rustAdvice =
  'install Rust from https://rustup.rs (or `rustup update`), or set CARGO to the path of cargo; ' +
  'everything else works without it';

/** The oldest Rust that the crates compile with: `rust-version` of Cargo.toml. */
function rustWanted() {
  return /^rust-version = "(\d+)\.(\d+)"/m
    .exec(readFileSync(join(root, crate, 'Cargo.toml'), 'utf8'))
    .slice(1)
    .map(Number);
}

/** {cargo} with its path, or {missing} with why there is none that will do. */
export function findCargo(environment = process.env) {
  const installed = join(homedir(), '.cargo', 'bin', process.platform === 'win32' ? 'cargo.exe' : 'cargo');
  const candidates = environment.CARGO === undefined ? ['cargo', installed] : [environment.CARGO];
  const [major, minor] = rustWanted();
  let old = null;
  for (const cargo of candidates) {
    const run = spawnSync(cargo, ['--version'], { cwd: join(root, crate), encoding: 'utf8', env: environment });
    const found = run.status === 0 ? /^cargo (\d+)\.(\d+)/.exec(run.stdout) : null;
    if (found === null) continue;
    if (Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor)) return { cargo };
    old = `Rust ${found[1]}.${found[2]} is too old: ${major}.${minor} is needed`;
  }
  return { missing: old ?? `Rust is missing: cargo is neither on PATH nor at ${installed}` };
}

/** What decides the addon: its sources, what it links, and the machine and Node that it is for. */
function stamp() {
  const sources = [
    ...filesBelow(`${crate}/src`, ['.rs']),
    ...['Cargo.toml', 'Cargo.lock', 'build.rs'].map((name) => `${crate}/${name}`),
  ];
  return `${stampOf(sources)} ${process.platform} ${process.arch}\n`;
}

/** True when dist/ holds the addon that the present sources give. */
export function isAddonBuilt() {
  try {
    return existsSync(addon) && readFileSync(stampFile, 'utf8') === stamp();
  } catch {
    return false;
  }
}

/**
 * Builds the addon if needed. Throws, with what to do, when Rust is missing or the crate does not
 * compile.
 */
export function buildAddon({ force = false } = {}) {
  if (!force && isAddonBuilt()) return;
  const { cargo, missing } = findCargo();
  if (missing !== undefined) throw new Error(`${missing}: ${rustAdvice}`);
  const words = ['build', '--release', '--locked', '--target-dir', targetFolder];
  const { status, error } = spawnSync(cargo, words, { cwd: join(root, crate), stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    const why = error?.message ?? 'cargo says above why';
    throw new Error(
      `the Wasmtime engine does not build: ${why} (its first build fetches crates and needs the network)`,
    );
  }
  mkdirSync(dist, { recursive: true });
  const library = libraryNames[process.platform] ?? 'libheliograph_wasmtime_bindings.so';
  // Beside and renamed: a process that has the old addon loaded keeps it, and none sees half of the
  // new one.
  const aside = `${addon}.${process.pid}`;
  copyFileSync(join(targetFolder, 'release', library), aside);
  renameSync(aside, addon);
  writeAside(stampFile, stamp());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    buildAddon({ force: process.argv.includes('--force') });
    console.log('dist/wasmtime-bindings.node is up to date');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

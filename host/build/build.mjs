/**
 * Builds everything that runs: the firmware images, the command line, its workers and the library,
 * into dist/. Then emits the library's types.
 *
 *     node host/build/build.mjs [--force] [--wat] [--quiet]
 *
 * Only what changed is built again. `npm ci` runs this through `prepare`. Exit 0 when dist/ is
 * complete, 1 when not.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { bundleOptions } from './bundle.mjs';
import {
  bundleInputs,
  constantsPath,
  dist,
  filesBelow,
  firmwareInputs,
  imagePath,
  images,
  root,
  stampOf,
} from './paths.mjs';
import { ignoreClosedPipes } from './pipes.mjs';
import { measure, writeAside } from './firmware.mjs';
import { buildTypes, hasTypes } from './types.mjs';

/** Each compiler needs some 300 MB. */
const compilersMax = 4;
const stampFile = join(dist, 'stamp.json');

function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function hasImages() {
  const paths = [...images.flatMap((image) => [imagePath(image), constantsPath(image)]), join(dist, 'signature.wasm')];
  return paths.every((path) => existsSync(path));
}

/** Whether every file of the last bundling is there, chunks included. */
function hasBundles({ bundleFiles = [] }) {
  return bundleFiles.length > 0 && bundleFiles.every((path) => existsSync(join(root, path)));
}

/** True when dist/ holds what the present sources give. */
export function isBuilt() {
  const stamps = readStamps();
  if (!hasBundles(stamps) || !hasImages()) return false;
  return stamps.firmware === stampOf(firmwareInputs()) && stamps.bundles === stampOf(bundleInputs());
}

/** Compiles one target in a thread of its own. Rejects with the compiler's message. */
function compileInThread(target, withText) {
  const file = fileURLToPath(new URL('firmware_worker.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: { target, withText } });
    worker.once('error', reject);
    worker.once('exit', resolve);
  });
}

/** Compiles targets, as many at a time as there are cores; throws the message of a failed one. */
async function compileAll(targets, withText) {
  const queue = [...targets];
  const lane = async () => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift())
      await compileInThread(target, withText);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), compilersMax) }, lane));
}

async function buildFirmware(stamps, { force, withText }) {
  if (!existsSync(join(root, 'firmware/edge/index.ts'))) {
    throw new Error('firmware/edge/index.ts is missing: there is no firmware to build');
  }
  const stamp = stampOf(firmwareInputs());
  if (!force && !withText && stamps.firmware === stamp && hasImages()) return false;
  await compileAll([...images, 'signature'], withText);
  // Machine code of images that no longer exist.
  rmSync(join(dist, 'precompiled'), { recursive: true, force: true });
  stamps.firmware = stamp;
  return true;
}

/**
 * Bundles with names of their own: the command line, and the library's two entries of package.json.
 */
const bundles = {
  'host/cli/main.ts': 'heliograph',
  'hwsim/library.ts': 'library',
  'host/library.ts': 'library-node',
};

/**
 * What dist/ holds, as {path} of the source and {name} without ending: the named bundles and every
 * `*.worker.ts`.
 */
export function bundleEntries() {
  const workers = ['host', 'hwsim'].flatMap((folder) => filesBelow(folder, ['.worker.ts']));
  return [
    ...Object.entries(bundles).map(([path, name]) => ({ path, name })),
    ...workers.map((path) => ({ path, name: path.split('/').pop().replace(/\.ts$/, '') })),
  ];
}

/** Bundles every entry into dist/, with npm packages left outside. */
async function buildBundles(stamps, { force }) {
  const stamp = stampOf(bundleInputs());
  if (!force && stamps.bundles === stamp && hasBundles(stamps)) return;
  const { build } = await import('esbuild');
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: bundleEntries().map(({ path, name }) => ({ in: path, out: name })),
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    // What a command imports dynamically stands in a chunk of its own: a small command does not
    // load the simulator.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    metafile: true,
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  removeOldChunks(new Set(Object.keys(metafile.outputs)));
  stamps.bundles = stamp;
  stamps.bundleFiles = Object.keys(metafile.outputs);
}

/** Removes chunks of earlier builds; `present`: the files of this build, as paths from the root. */
function removeOldChunks(present) {
  for (const path of filesBelow('dist/chunks', ['.mjs', '.map'])) if (!present.has(path)) rmSync(join(root, path));
}

async function printSizes() {
  const nameColumns = Math.max(...images.map((image) => image.length)) + 2;
  console.log(`${'image'.padEnd(nameColumns)}  image bytes   context bytes   static bytes   pages   sha256`);
  for (const image of images) {
    const row = await measure(image);
    const cells = [
      String(row.bytes).padStart(13),
      String(row.contextBytes).padStart(16),
      String(row.staticBytes).padStart(15),
    ];
    const pages = String(row.memoryPages).padStart(8);
    console.log(`${image.padEnd(nameColumns)}${cells.join('')}${pages}   ${row.sha256.slice(0, 16)}`);
  }
}

/**
 * Builds what is out of date; returns true when all of it succeeded. Both halves are tried, so that
 * each shows its errors.
 */
export async function buildAll({ force = false, withText = false, quiet = false } = {}) {
  const stamps = readStamps();
  let ok = true;
  try {
    const rebuilt = await buildFirmware(stamps, { force, withText });
    if (!quiet && rebuilt) await printSizes();
  } catch (error) {
    console.error(error.message);
    ok = false;
  }
  try {
    await buildBundles(stamps, { force });
  } catch (error) {
    console.error(`host does not bundle: ${error.message}`);
    ok = false;
  }
  writeAside(stampFile, `${JSON.stringify(stamps, null, 1)}\n`);
  return ok;
}

/**
 * Emits the library's types when they are older than the sources; returns true when they are there.
 * Nothing that runs needs them.
 */
export function buildLibraryTypes({ force = false } = {}) {
  const stamps = readStamps();
  const stamp = stampOf([...bundleInputs(), 'host/build/types.json']);
  if (!force && stamps.types === stamp && hasTypes()) return true;
  try {
    buildTypes();
  } catch (error) {
    console.error(error.message);
    return false;
  }
  writeAside(stampFile, `${JSON.stringify({ ...readStamps(), types: stamp }, null, 1)}\n`);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ignoreClosedPipes();
  const flags = new Set(process.argv.slice(2));
  const options = { force: flags.has('--force'), withText: flags.has('--wat'), quiet: flags.has('--quiet') };
  if (!(await buildAll(options)) || !buildLibraryTypes(options)) process.exitCode = 1;
}

/** Paths of the repository, and digests of its files. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The repository's root, found by walking up from the running file to the package.json of this
 * project: bundles lie at different depths (dist/heliograph.mjs, dist/test/…), so no relative path
 * would do.
 */
function findRoot() {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'heliograph') return folder;
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('no package.json of heliograph above the running file: run it from its own checkout');
    folder = parent;
  }
}

export const root = findRoot();
export const dist = join(root, 'dist');
/** Names of the firmware's images: the targets of asconfig.json, but for the signature module. */
export const images = Object.keys(JSON.parse(readFileSync(join(root, 'asconfig.json'), 'utf8')).targets).filter(
  (target) => target !== 'signature',
);

/** Path of a built firmware image. */
export function imagePath(image) {
  return join(dist, `heliograph-${image}.wasm`);
}

/** Path of the constants that an image was compiled with, written by host/build/firmware.mjs. */
export function constantsPath(image) {
  return join(dist, `heliograph-${image}.constants.json`);
}

/**
 * All files below `folder` whose name ends in one of `endings`, as paths from the root, sorted; []
 * when the folder is missing.
 */
export function filesBelow(folder, endings) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { recursive: true });
  } catch {
    return [];
  }
  return entries
    .map((entry) => join(folder, entry).split(sep).join('/'))
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && statSync(join(root, path)).isFile())
    .sort();
}

/**
 * A hash over names and contents of `paths` (from the root): equal stamps mean that nothing has to
 * be built again.
 */
export function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/**
 * What decides the firmware images: their sources, the way they are built, and the compiler's
 * version.
 */
export function firmwareInputs() {
  const build = ['firmware', 'decorator_transform', 'paths'].map((name) => `host/build/${name}.mjs`);
  return [...filesBelow('firmware', ['.ts']), 'asconfig.json', 'asconfig.transform.mjs', ...build, 'package-lock.json'];
}

/** What decides the bundles. */
export function bundleInputs() {
  const sources = ['host', 'hwsim', 'proto'].flatMap((folder) =>
    filesBelow(folder, ['.ts', '.csv', '.jsonl', '.yaml', '.cddl']),
  );
  return [...sources, ...filesBelow('host/build', ['.mjs']), 'asconfig.json', 'package-lock.json'];
}

/** A path as a person at the root would type it. */
export function fromRoot(path) {
  return relative(root, path).split(sep).join('/');
}

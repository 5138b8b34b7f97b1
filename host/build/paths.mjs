/** Where things are, for the build scripts. Everything else finds the root through host/build/root.ts. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const dist = join(root, 'dist');
export const presets = ['flight', 'compact', 'tiny'];

/** All files below `folder` whose name ends in one of `endings`, as paths from the root, sorted; [] when the folder is missing. */
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

/** A hash over names and contents of `paths` (from the root): equal stamps mean that nothing has to be built again. */
export function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** What decides the firmware images: their sources, the way they are built, and the compiler's version. */
export function firmwareInputs() {
  return [...filesBelow('firmware', ['.ts']), ...buildInputs()];
}

/** What decides the bundles. */
export function bundleInputs() {
  const sources = ['host', 'hwsim', 'proto'].flatMap((folder) => filesBelow(folder, ['.ts', '.csv', '.yaml', '.cddl']));
  return [...sources, ...buildInputs()];
}

function buildInputs() {
  return [...filesBelow('host/build', ['.mjs']), 'package-lock.json'];
}

/** A path as a person at the root would type it. */
export function fromRoot(path) {
  return relative(root, path).split(sep).join('/');
}

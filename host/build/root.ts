import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The repository's root, found by walking up from the running bundle to the package.json of this project: bundles lie at
 * different depths (dist/heliograph.mjs, dist/test/…), so no relative path would do.
 */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'heliograph') return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json of heliograph above the running file: run it from its own checkout');
    folder = parent;
  }
}

export const rootFolder = findRoot();

/** The sizing presets that the build makes. */
export type Preset = 'flight' | 'compact' | 'tiny';

/** Path of a built firmware image. */
export function imagePath(preset: Preset): string {
  return join(rootFolder, 'dist', `heliograph-${preset}.wasm`);
}

/** Path of a bundled worker: `name` is the source's file name without `.ts`, as in `campaign.worker`. */
export function workerPath(name: string): string {
  return join(rootFolder, 'dist', `${name}.mjs`);
}

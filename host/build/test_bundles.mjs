/** Bundles test files, all in one pass, for each reads and parses the same sources. */
import { join } from 'node:path';
import { bundleOptions } from './bundle.mjs';

/**
 * Bundles `paths` into `folder`. Returns `bundles`, path → file of the bundle, and `errors`, path →
 * message: a file that does not bundle keeps no other from running.
 */
export async function bundleTests(paths, folder) {
  // Compiled already, one module a source, to count what is executed (host/build/coverage.mjs).
  const modules = process.env.HELIOGRAPH_MODULES;
  const compiled = (path, at) => join(at, path.replace(/\.ts$/, '.mjs'));
  if (modules) return { bundles: new Map(paths.map((path) => [path, compiled(path, modules)])), errors: new Map() };
  const { build } = await import('esbuild');
  const options = { ...bundleOptions, outExtension: { '.js': '.mjs' }, sourcemap: 'inline', logLevel: 'silent' };
  const bundle = (entries) =>
    build({
      ...options,
      entryPoints: entries.map((path) => ({ in: path, out: path.replace(/\.ts$/, '') })),
      outdir: folder,
    });
  const bundles = new Map(paths.map((path) => [path, compiled(path, folder)]));
  const errors = new Map();
  try {
    await bundle(paths);
  } catch {
    for (const path of paths) {
      try {
        await bundle([path]);
      } catch (error) {
        errors.set(path, error.message);
        bundles.delete(path);
      }
    }
  }
  return { bundles, errors };
}

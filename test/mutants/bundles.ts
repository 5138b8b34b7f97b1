/** Bundles the programs of a campaign: test files with mutated sources, and what runs them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { bundleOptions } from '../../host/build/bundle.mjs';
import { fromRoot } from '../../host/build/paths.mjs';
import { withReachableFields } from '../../host/build/reachable_fields.mjs';
import { rootFolder } from '../../host/build/root.ts';
import { type NumberedMutant, withSwitches } from './rewrite.ts';

/** Gives test files the sources with mutants, and the runner's own `test` instead of uvu's. */
function mutating(mutants: readonly NumberedMutant[]): Plugin {
  const byPath = new Map<string, NumberedMutant[]>();
  for (const mutant of mutants) byPath.set(mutant.path, [...(byPath.get(mutant.path) ?? []), mutant]);
  return {
    name: 'mutating',
    setup(bundler) {
      bundler.onResolve({ filter: /^uvu$/ }, () => ({ path: join(rootFolder, 'test/mutants/suite.ts') }));
      bundler.onLoad({ filter: /\/(host|hwsim)\/.*\.ts$/ }, ({ path }) => {
        const here = byPath.get(fromRoot(path));
        if (here === undefined) return undefined;
        const text = withSwitches(readFileSync(path, 'utf8'), here, ({ number }) => `mutants.is(${number})`);
        return { contents: withReachableFields(text, fromRoot(path)), loader: 'ts' };
      });
    },
  };
}

const options = { ...bundleOptions, outExtension: { '.js': '.mjs' }, logLevel: 'silent' as const };

/** Bundles hooks and runner into `folder`. */
export async function bundleRunner(folder: string): Promise<void> {
  const entryPoints = ['hooks', 'runner'].map((name) => ({ in: `test/mutants/${name}.ts`, out: name }));
  await build({ ...options, entryPoints, outdir: folder });
}

/** A test file, ready to run on mutants. */
export interface BundledTest {
  path: string;
  bundle: string;
  /** Digest over the file and all sources that it imports. */
  digest: string;
}

/**
 * Bundles test files with the mutants of host and simulator into `folder`. Throws with esbuild's
 * message.
 */
export async function bundleMutatedTests(
  paths: readonly string[],
  mutants: readonly NumberedMutant[],
  folder: string,
): Promise<BundledTest[]> {
  const { metafile } = await build({
    ...options,
    entryPoints: paths.map((path) => ({ in: path, out: path.replace(/\.ts$/, '') })),
    outdir: folder,
    plugins: [mutating(mutants), ...options.plugins],
    metafile: true,
  });
  const digestOfInputs = (inputs: object) => {
    const hash = createHash('sha256');
    for (const input of Object.keys(inputs).sort())
      hash.update(`${input}\0`).update(readFileSync(join(rootFolder, input)));
    return hash.digest('hex').slice(0, 16);
  };
  return paths.map((path) => {
    const bundle = join(folder, path.replace(/\.ts$/, '.mjs'));
    return { path, bundle, digest: digestOfInputs(metafile.outputs[fromRoot(bundle)].inputs) };
  });
}

/**
 * Runs one TypeScript file of this repository: `node host/build/run.mjs path/to/file.ts
 * [arguments…]`.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.mjs';
import { dist } from './paths.mjs';

const [path, ...rest] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node host/build/run.mjs FILE.ts [arguments…]');
  process.exit(2);
}
const outfile = join(dist, 'run', `${process.pid}.mjs`);
await build({
  ...bundleOptions,
  entryPoints: [path],
  outfile,
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...rest], { stdio: 'inherit' });
rmSync(outfile, { force: true });
process.exitCode = status ?? 1;

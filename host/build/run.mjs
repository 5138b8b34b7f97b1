/** Runs one TypeScript file of this repository: `node host/build/run.mjs path/to/file.ts [arguments…]`. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { dist, root } from './paths.mjs';

const [path, ...rest] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node host/build/run.mjs FILE.ts [arguments…]');
  process.exit(2);
}
const outfile = join(dist, 'run', `${process.pid}.mjs`);
await build({
  absWorkingDir: root,
  entryPoints: [path],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...rest], { stdio: 'inherit' });
rmSync(outfile, { force: true });
process.exitCode = status ?? 1;

// Writes the generated files: `node proto/gen/main.mjs`; with --check it writes nothing and exits 1
// if one is stale.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'heliograph-gen-'));
const bundle = join(scratch, 'generate.cjs');
try {
  await build({
    entryPoints: [join(root, 'proto/gen/generate.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: bundle,
    logLevel: 'error',
  });
  const { generate } = await import(pathToFileURL(bundle).href);
  const stale = [];
  for (const { path, text } of generate(root)) {
    const target = join(root, path);
    if ((await readFile(target, 'utf8').catch(() => '')) === text) continue;
    stale.push(path);
    if (process.argv.includes('--check')) continue;
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  if (process.argv.includes('--check') && stale.length > 0) {
    console.error(`${stale.join(', ')}: stale; run node proto/gen/main.mjs`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

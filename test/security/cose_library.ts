import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { rootFolder } from '../../host/build/root.ts';

type Library = typeof import('@ldclabs/cose-ts/chacha20poly1305') &
  typeof import('@ldclabs/cose-ts/ed25519') &
  typeof import('@ldclabs/cose-ts/encrypt0') &
  typeof import('@ldclabs/cose-ts/header') &
  typeof import('@ldclabs/cose-ts/sign1');

const modules = ['chacha20poly1305', 'ed25519', 'encrypt0', 'header', 'sign1'];

/**
 * The COSE library that ours is held against. Its modules name each other without endings, which
 * Node does not resolve: it is bundled first.
 */
export async function loadCoseLibrary(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-cose-'));
  const outfile = join(folder, 'library.mjs');
  try {
    const contents = modules.map((name) => `export * from '@ldclabs/cose-ts/${name}';`).join('\n');
    await build({
      stdin: { contents, resolveDir: rootFolder },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'error',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

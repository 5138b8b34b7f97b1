/**
 * Emits the types of the library, hwsim/library.ts and host/library.ts, into dist/types.
 *
 * The compiler emits a declaration file for every source that it reads. Kept are those that the
 * library's own declarations refer to.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dist, root } from './paths.mjs';

const entries = ['hwsim/library.d.ts', 'host/library.d.ts'];
const typesFolder = join(dist, 'types');
const relativeImport = /((?:from|import\()\s*)'(\.[^']+)\.ts'/g;
const asconfigImport = /import type asconfig from '[^']+asconfig\.json';/;

/** True when dist/types holds declarations of the library. */
export function hasTypes() {
  return entries.every((path) => existsSync(join(typesFolder, path)));
}

/**
 * Names the targets of asconfig.json in place of importing the file, which consumers do not have.
 */
function withTargets(text) {
  if (!asconfigImport.test(text)) return text;
  const { targets } = JSON.parse(readFileSync(join(root, 'asconfig.json'), 'utf8'));
  const names = Object.keys(targets).map((name) => `'${name}'`);
  return text.replace(asconfigImport, `declare const asconfig: { targets: Record<${names.join(' | ')}, unknown> };`);
}

/** Declarations that the entries refer to, the entries included: path → text. */
function reachableIn(folder) {
  const found = new Map();
  const visit = (path) => {
    if (found.has(path)) return;
    const text = readFileSync(join(folder, path), 'utf8');
    found.set(path, text);
    for (const [, , from] of text.matchAll(relativeImport)) visit(join(dirname(path), `${from}.d.ts`));
  };
  entries.forEach(visit);
  return found;
}

/** Emits the types anew. Throws with the compiler's own words. */
export function buildTypes() {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  const emitted = `${typesFolder}.${process.pid}`;
  const aside = `${emitted}.kept`;
  try {
    const words = ['-p', join(root, 'host/build/types.json'), '--outDir', emitted];
    const { status, stdout, stderr, error } = spawnSync(compiler, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the library has no types: ${stdout || stderr || error?.message}`);
    for (const [path, text] of reachableIn(emitted)) {
      mkdirSync(dirname(join(aside, path)), { recursive: true });
      // Every module resolution finds a declaration by the name of the compiled file.
      writeFileSync(join(aside, path), withTargets(text).replace(relativeImport, "$1'$2.js'"));
    }
    rmSync(typesFolder, { recursive: true, force: true });
    renameSync(aside, typesFolder);
  } finally {
    for (const folder of [emitted, aside]) rmSync(folder, { recursive: true, force: true });
  }
}

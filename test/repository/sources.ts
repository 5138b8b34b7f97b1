/** The files of this repository, as git lists them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from '../../host/build/root.ts';

/** Every file under version control or about to be, by path from the root. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: rootFolder, encoding: 'utf8', maxBuffer: 1 << 26 },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(rootFolder, path)))
  .sort();

/** Written by proto/gen, or a table of constants made by a test: rules on style do not apply. */
export const isGenerated = (path: string): boolean => /generated|boards\/image\/codes\.h$/.test(path);

export function read(path: string): string {
  return readFileSync(join(rootFolder, path), 'utf8');
}

/** Path → text of all files whose path matches. */
export function sourcesOf(pattern: RegExp): ReadonlyMap<string, string> {
  return new Map(files.filter((path) => pattern.test(path)).map((path) => [path, read(path)]));
}

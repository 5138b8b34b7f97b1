import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bringFolderToDisk } from './replace_file.ts';

/**
 * Creates a file that must not exist yet, in one step: written beside its place, brought to the
 * disk, and linked to its name if nobody has the name. A crash or a full disk at any instant leaves
 * the whole file or no file of that name; of two processes that try at once, one succeeds. Throws
 * errors of the file system, EEXIST if the file exists.
 */
export function createFile(path: string, bytes: Uint8Array, mode: number): void {
  const beside = `${path}.${process.pid}`;
  rmSync(beside, { force: true });
  try {
    const file = openSync(beside, 'wx', mode);
    try {
      // Undoes what the umask removed or the file system added.
      fchmodSync(file, mode);
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(beside, path);
  } finally {
    rmSync(beside, { force: true });
  }
  bringFolderToDisk(dirname(path));
}

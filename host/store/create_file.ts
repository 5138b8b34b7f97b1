import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bringFolderToDisk } from './replace_file.ts';

/**
 * Makes a file that must not be there yet, in one step: written beside it, brought to the disk, and given its name only if nobody has it. A crash
 * or a full disk at any instant leaves no file of that name, or the whole one; of two that try at once, one succeeds. Throws errors of the file
 * system, EEXIST if there is one.
 */
export function createFile(path: string, bytes: Uint8Array, mode: number): void {
  const beside = `${path}.${process.pid}`;
  rmSync(beside, { force: true });
  try {
    const file = openSync(beside, 'wx', mode);
    try {
      // What the umask takes away or the file system adds.
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

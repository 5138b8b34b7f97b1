import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file in one step: written beside it, brought to the disk, renamed, and the folder brought to the disk, so that a crash at any instant leaves the old content or the
 * new. Throws errors of the file system, and then the old content stands. write-file-atomic's synchronous half does not look at how much was written: on a disk that fills up it
 * puts half a file in the place of a whole one.
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const beside = `${path}.${process.pid}`;
  try {
    // What a node keeps has keys in it.
    const file = openSync(beside, 'w', 0o600);
    try {
      fchmodSync(file, 0o600);
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  bringFolderToDisk(dirname(path));
}

/** Without it a loss of power may take the renaming back: then the old content is there, whole. Some systems know no such thing. */
export function bringFolderToDisk(folder: string): void {
  let handle: number;
  try {
    handle = openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(handle);
  } catch {
    // The file itself is on the disk.
  } finally {
    closeSync(handle);
  }
}

import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file in one step: written beside its place, brought to the disk, renamed, and the
 * folder brought to the disk, so that a crash at any instant leaves the old content or the new.
 * Throws errors of the file system, and then the old content stands. The synchronous half of
 * write-file-atomic does not check how much was written: on a full disk it replaces a whole file by
 * half a file.
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const beside = `${path}.${process.pid}`;
  try {
    // The files of a node hold keys.
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

/**
 * Brings a folder's entries to the disk. Without it a loss of power may undo a renaming: then the
 * old content is there, whole. Some systems do not offer it.
 */
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

// Finds and removes what killed runs of `heliograph keys` left. Every file is written beside its
// place under a name that ends in the process (create_file.ts), and a new cluster's folder
// likewise. A process that is killed leaves such a file, and it may hold secrets.

import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const fileName = /^(?:fleet|authority|epoch-\d+|node-\d+|cluster-\d+-epoch-\d+)\.(?:json|bundle\.cbor)\.(\d+)$/;
const folderName = /^cluster-\d+\.(\d+)$/;
const searchedFolder = /^(?:cluster-\d+|issued)$/;

/** No run takes as long: a file this old is a leftover, though its process number be in use. */
const runMsMax = 3_600_000;

function isRunning(pid: number): boolean {
  // Its own number: this run has written nothing yet.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isLeft(path: string, pid: number, nowMs: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return !isRunning(pid) || nowMs - found.mtimeMs > runMsMax;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Reported by what reads or makes the folder.
    return [];
  }
}

/**
 * Lists the leftovers in a fleet's folder and its clusters' folders, by path. `nowMs`: wall clock,
 * since 1970.
 */
export function leftovers(folder: string, nowMs: number): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    if (searchedFolder.test(name)) return leftovers(path, nowMs);
    const pid = (fileName.exec(name) ?? folderName.exec(name))?.[1];
    return pid !== undefined && isLeft(path, Number(pid), nowMs) ? [path] : [];
  });
}

/** Lists the leftovers beside a file that is written elsewhere (`keys node --out`). */
export function leftoversBeside(path: string, nowMs: number): string[] {
  const begin = `${basename(path)}.`;
  return namesIn(dirname(path)).flatMap((name) => {
    const pid = name.startsWith(begin) ? /^\d+$/.exec(name.slice(begin.length))?.[0] : undefined;
    const beside = join(dirname(path), name);
    return pid !== undefined && isLeft(beside, Number(pid), nowMs) ? [beside] : [];
  });
}

/** Removes leftovers. Throws errors of the file system. */
export function removeLeftovers(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}

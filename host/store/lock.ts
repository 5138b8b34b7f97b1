import { spawnSync } from 'node:child_process';
import { closeSync, constants, fchmodSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './make_folder.ts';
import { StoreError, storeError } from './store.ts';

/** File in a locked folder. It stays there; the lock is not its existence. */
const lockFile = 'lock';
/** open(2) of macOS and BSD takes the lock of flock(2) with this flag; Linux has no such flag. */
const exclusiveLockFlag = 0x20;
const hasLockFlag = process.platform === 'darwin' || process.platform.endsWith('bsd');
/** File descriptor under which `flock` finds the file. */
const inheritedFile = 3;

/** Holds a folder for one process. */
export interface FolderLock {
  release(): void;
}

/**
 * Locks a folder for this process, and creates it when it is missing. The lock is the kernel's
 * (flock(2)): it ends with the process however that ends, and no lock is ever stale. Node has no
 * such call; the program `flock` of util-linux or BusyBox locks the open file that it inherits, and
 * the lock stays with this process. The file says who holds it, and `since` when. Throws StoreError
 * when another process holds it, or when it cannot be taken.
 */
export function lockFolder(folder: string, since: string): FolderLock {
  const path = join(folder, lockFile);
  let file: number;
  try {
    makeFolder(folder);
    file = openLocked(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof StoreError) throw error;
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK') throw heldError(folder, path);
    throw storeError(path, error);
  }
  try {
    fchmodSync(file, 0o600);
    ftruncateSync(file);
    writeSync(file, `process ${process.pid} on ${hostname()} since ${since}\n`, 0);
  } catch (error) {
    closeSync(file);
    throw storeError(path, error);
  }
  return { release: () => closeSync(file) };
}

/** Opens and locks the file. Throws EAGAIN when it is locked. */
function openLocked(path: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT;
  if (hasLockFlag) return openSync(path, flags | constants.O_NONBLOCK | exclusiveLockFlag, 0o600);
  const file = openSync(path, flags, 0o600);
  const { status, error, stderr } = spawnSync('flock', ['-n', String(inheritedFile)], {
    stdio: ['ignore', 'ignore', 'pipe', file],
    encoding: 'utf8',
  });
  if (status === 0) return file;
  closeSync(file);
  if (status === 1) throw Object.assign(new Error('locked'), { code: 'EAGAIN' });
  const why = error === undefined ? stderr.trim() : `the program flock does not run: ${error.message}`;
  throw new StoreError(`cannot lock ${path}: ${why} (flock is in util-linux and in BusyBox: install one)`, 'flock');
}

function heldError(folder: string, path: string): StoreError {
  let holder = '';
  try {
    holder = readFileSync(path, 'utf8').trim();
  } catch {
    // Whoever holds the lock may not have written yet.
  }
  const who = holder === '' ? 'another process' : holder;
  return new StoreError(
    `${folder} is in use by ${who}: two nodes with one state would send one counter twice; ` +
      'stop that process, or name another --state',
    'EAGAIN',
  );
}

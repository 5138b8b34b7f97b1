// Writes key files to the disk: made once, never overwritten, readable by nobody else.

import { statSync } from 'node:fs';
import { createFile } from '../create_file.ts';
import { makeFolder } from '../make_folder.ts';
import { fileAdvice, StoreError } from '../store.ts';
import { type KeyFile, keyFileText } from './file.ts';

const fileMode = 0o600;
export const folderMode = 0o700;
const othersMayRead = 0o077;

/** The file exists: keys are never overwritten. */
export class ExistsError extends Error {}

export function storeError(path: string, error: unknown): Error {
  const cause = error as NodeJS.ErrnoException;
  if (cause.code === 'EEXIST' || cause.code === 'ENOTEMPTY')
    return new ExistsError(`${path} is there already: keys are never overwritten`);
  if (cause.code === undefined) return cause;
  return new StoreError(`cannot write ${path}: ${fileAdvice(cause)}`, cause.code);
}

/**
 * Writes a new file. Throws ExistsError, or StoreError when the machine refuses; then no file is
 * left.
 */
export function writeBytes(path: string, bytes: Uint8Array): void {
  try {
    createFile(path, bytes, fileMode);
  } catch (error) {
    throw storeError(path, error);
  }
}

/** Writes a key file. Throws as `writeBytes`. */
export function writeKeyFile(path: string, file: KeyFile): void {
  const bytes = Buffer.from(keyFileText(file));
  try {
    writeBytes(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Makes a folder of keys. Throws as `writeBytes`. */
export function makeKeyFolder(path: string): void {
  try {
    makeFolder(path, folderMode);
  } catch (error) {
    throw storeError(path, error);
  }
}

/** A warning to the operator if others can look into the folder, else null. */
export function openFolderWarning(folder: string): string | null {
  if (process.platform === 'win32') return null;
  const { mode } = statSync(folder);
  if ((mode & othersMayRead) === 0) return null;
  return `${folder}: others may look into this folder (mode ${(mode & 0o777).toString(8)}): chmod 700 '${folder}'`;
}

export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

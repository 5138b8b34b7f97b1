import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileAdvice } from '../store/store.ts';
import { CommandError, exitCode } from './exit.ts';

/**
 * Checks, before the work begins, that the file of `--out` can be written. Throws CommandError (4).
 */
export function checkReportPath(path: string | undefined): void {
  if (path === undefined) return;
  guarded(path, () => {
    if (existsSync(path) && statSync(path).isDirectory()) throw new Error('it is a folder');
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  });
}

/**
 * Writes a result as JSON to the file of `--out`; replaces a file that is there. Throws
 * CommandError (4).
 */
export function writeReport(path: string, result: object): void {
  writeText(path, `${JSON.stringify(result, null, 1)}\n`);
}

/** Writes a text as `writeReport` does. */
export function writeText(path: string, text: string): void {
  guarded(path, () => writeFileSync(path, text));
}

function guarded(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`--out ${path}: cannot be written: ${advice}`, exitCode.environment);
  }
}

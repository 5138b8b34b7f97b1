import { writeFileSync } from 'node:fs';
import { fileAdvice } from '../store/store.ts';
import { CommandError, exitCode } from './exit.ts';

/**
 * Writes a result as JSON to the file of `--out`; replaces a file that is there. Throws
 * CommandError (4).
 */
export function writeReport(path: string, result: object): void {
  writeText(path, `${JSON.stringify(result, null, 1)}\n`);
}

/** Writes a text as `writeReport` does. */
export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`--out ${path}: cannot be written: ${advice}`, exitCode.environment);
  }
}

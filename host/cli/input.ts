import { readFileSync } from 'node:fs';
import { fileAdvice } from '../store/store.ts';
import { CommandError, exitCode } from './exit.ts';

/** The text of an input file; CommandError (3) names it when it cannot be read. */
export function readInput(path: string): string {
  return readInputBytes(path).toString('utf8');
}

export function readInputBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const advice = fileAdvice(error as NodeJS.ErrnoException);
    throw new CommandError(`${path}: cannot be read: ${advice}`, exitCode.input);
  }
}

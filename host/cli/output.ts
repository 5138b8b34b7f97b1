import { fileAdvice } from '../store/store.ts';
import { exitCode } from './exit.ts';

/** Widest line that a command prints, columns. */
export const columnsMax = 100;

/**
 * Ends a command quietly: `print` throws it after the reader of stdout has closed the pipe, as `|
 * head` does.
 */
export class ClosedPipe extends Error {}

let onClosedPipe = (): void => process.exit(0);

/** Lets a command end in its own way when the reader of stdout closes the pipe. */
export function whenPipeCloses(end: () => void): void {
  onClosedPipe = end;
}

/** How a write says that the reader has left; of a socket: that it left something unread. */
const readerLeft: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * Ends the process quietly, with exit code 0, when the reader of stdout leaves. A closed stderr is
 * ignored. When stdout cannot be written for another reason, as a full disk, the process ends with
 * exit code 4.
 */
export function watchPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (readerLeft.has(error.code)) return onClosedPipe();
    console.error(`heliograph: cannot write to standard output: ${fileAdvice(error)}`);
    process.exit(exitCode.environment);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (!readerLeft.has(error.code)) throw error;
  });
}

/** Prints a line, or several, on stdout. Throws ClosedPipe when nobody reads any more. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
  if (readerLeft.has((process.stdout.errored as NodeJS.ErrnoException | null)?.code)) throw new ClosedPipe();
}

/**
 * Breaks a line at spaces so that none is wider than `columnsMax`; the lines after the first begin
 * with `indent` spaces.
 */
export function wrapped(line: string, indent = 0): string {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columnsMax) {
    const space = rest.lastIndexOf(' ', columnsMax);
    // A word that is too long, as a path may be, stays whole.
    const end = space > indent ? space : rest.indexOf(' ', columnsMax);
    if (end < 0) break;
    lines.push(rest.slice(0, end).trimEnd());
    rest = ' '.repeat(indent) + rest.slice(end).trimStart();
  }
  return [...lines, rest].join('\n');
}

/** Columns of the label at the beginning of a report's line. */
const labelColumns = 12;

/** Formats a line of a report: a label, then parts with commas between, broken at `columnsMax`. */
export function labelled(label: string, ...parts: readonly string[]): string {
  return wrapped(label.padEnd(labelColumns) + parts.join(', '), labelColumns);
}

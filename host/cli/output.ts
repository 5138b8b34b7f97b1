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

/**
 * Ends the process quietly, with exit code 0, when the reader of stdout closes the pipe. A closed
 * stderr is ignored.
 */
export function watchPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    onClosedPipe();
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Prints a line, or several, on stdout. Throws ClosedPipe when nobody reads any more. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
  if ((process.stdout.errored as NodeJS.ErrnoException | null)?.code === 'EPIPE') throw new ClosedPipe();
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

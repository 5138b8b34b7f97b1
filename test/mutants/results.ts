/** Keeps what became of each mutant in each test file, so that a campaign can be resumed. */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';

export interface ResultLine {
  /** Digest of what the mutant changed: the flight image, or the source in TypeScript. */
  subject: string;
  mutant: string;
  file: string;
  /** Digest of the test file and what it imports. */
  test: string;
  killedBy: string | null;
  why: string | null;
}

const keyOf = ({ subject, mutant, file, test }: Omit<ResultLine, 'killedBy' | 'why'>) =>
  [subject, mutant, file, test].join(' ');

export class Results {
  readonly #path: string;
  readonly #lines = new Map<string, ResultLine>();

  /** Opens the results at `path`; without `isResumed` it begins with none. */
  constructor(path: string, isResumed: boolean) {
    this.#path = path;
    if (!isResumed) rmSync(path, { force: true });
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      // A line that was cut off when the campaign was killed is run again.
      if (!line.endsWith('}')) continue;
      const result = JSON.parse(line) as ResultLine;
      this.#lines.set(keyOf(result), result);
    }
  }

  find(wanted: Omit<ResultLine, 'killedBy' | 'why'>): ResultLine | undefined {
    return this.#lines.get(keyOf(wanted));
  }

  add(result: ResultLine): void {
    this.#lines.set(keyOf(result), result);
    appendFileSync(this.#path, `${JSON.stringify(result)}\n`);
  }
}

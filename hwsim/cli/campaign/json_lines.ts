import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import type { z } from 'zod';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { inputBytesMax, readInputBytes } from '../../../host/cli/input.ts';
import { fileAdvice } from '../../../host/store/store.ts';

export interface JsonLinesOptions<Row> {
  /** Continue a file that is there; otherwise such a file is refused. */
  resume: boolean;
  /**
   * The first line: what all records of one campaign have in common. Without it the file has
   * records only.
   */
  head?: object;
  /** Rows gathered before they are written. */
  flushEvery?: number;
  /** What a record of the file must have: a file may be cut, edited, or of another program. */
  row: z.ZodType<unknown>;
  /** Checks a record that has it. Throws CommandError (3) that begins with `place`. */
  check?: (record: Row, place: string) => void;
}

const lineFeed = 10;

/**
 * Writes the file of a campaign (`--out`): one JSON line per record, after a first line that
 * identifies the campaign. A kill loses at most the records that were not written yet, which a
 * resumed campaign makes again.
 */
export class JsonLines<Row extends object> {
  /** Records that the file had when it was opened. */
  readonly records: Row[] = [];
  readonly #path: string;
  readonly #options: JsonLinesOptions<Row>;
  #pending: string[] = [];

  /**
   * Opens or makes the file. Throws CommandError: 2 when it exists and is not to be resumed, 3 when
   * it is of another campaign.
   */
  constructor(path: string, options: JsonLinesOptions<Row>) {
    this.#path = path;
    this.#options = options;
    const exists = existsSync(path);
    if (exists && !options.resume)
      throw new CommandError(
        `--out ${path} exists already: --resume continues it, or name another file`,
        exitCode.usage,
      );
    if (exists) this.#read();
    else this.#guard(() => writeFileSync(path, this.#headLine()));
  }

  add(record: Row): void {
    this.#pending.push(JSON.stringify(record));
    if (this.#pending.length >= (this.#options.flushEvery ?? 1)) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const text = `${this.#pending.join('\n')}\n`;
    this.#pending = [];
    this.#guard(() => appendFileSync(this.#path, text));
  }

  #headLine(): string {
    return this.#options.head === undefined ? '' : `${JSON.stringify(this.#options.head)}\n`;
  }

  /** Reads the records. A last line without its end was cut off in writing: it is removed. */
  #read(): void {
    const bytes = readInputBytes(this.#path, inputBytesMax.campaign);
    const whole = bytes.lastIndexOf(lineFeed) + 1;
    if (whole < bytes.length) this.#truncate(whole);
    const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    lines.forEach((line, index) => {
      const place = `${this.#path}:${index + 1}`;
      const value = parseLine(line, place);
      if (index === 0 && this.#options.head !== undefined) this.#checkHead(value, place);
      else this.#take(value, place);
    });
    if (lines.length === 0) this.#guard(() => writeFileSync(this.#path, this.#headLine()));
  }

  #take(value: object, place: string): void {
    checkRow(value, this.#options.row, place);
    this.#options.check?.(value as Row, place);
    this.records.push(value as Row);
  }

  #checkHead(found: object, place: string): void {
    for (const [key, wanted] of Object.entries(this.#options.head ?? {})) {
      const [there, here] = [(found as Record<string, unknown>)[key], wanted].map((value) => JSON.stringify(value));
      if (there !== here)
        throw new CommandError(
          `${place}: is of another campaign: ${key} ${there}, not ${here} (name another file)`,
          exitCode.input,
        );
    }
  }

  #truncate(bytes: number): void {
    this.#guard(() => {
      const file = openSync(this.#path, 'r+');
      ftruncateSync(file, bytes);
      closeSync(file);
    });
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      const advice = fileAdvice(error as NodeJS.ErrnoException);
      throw new CommandError(`--out ${this.#path}: cannot be written: ${advice}`, exitCode.environment);
    }
  }
}

/** Parses a line. Throws CommandError (3) that begins with `place` when it is no object. */
function parseLine(line: string, place: string): object {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Reported below, as any line that is no object.
  }
  throw new CommandError(`${place}: is no JSON (delete the line)`, exitCode.input);
}

/** Checks that a line has what its campaign writes. Throws CommandError (3). */
function checkRow(value: object, row: z.ZodType<unknown>, place: string): void {
  const { error } = row.safeParse(value);
  if (error === undefined) return;
  const [{ path, message }] = error.issues;
  const field = path.join('.') || 'record';
  throw new CommandError(
    `${place}: is no record of this campaign: ${field}: ${message} (delete the line)`,
    exitCode.input,
  );
}

/**
 * Reads the file of a campaign to sum it up: its first line and its records. A last line that was
 * cut off is left out. Throws CommandError (3) for a file of another kind.
 */
export function readCampaign<Head, Row>(
  path: string,
  { head, row }: { head: z.ZodType<Head>; row: z.ZodType<unknown> },
): { head: Head; records: Row[] } {
  const text = readInputBytes(path, inputBytesMax.campaign).toString('utf8');
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
  const values = lines.map((line, index) => parseLine(line, `${path}:${index + 1}`));
  const first = head.safeParse(values[0]);
  if (!first.success) throw new CommandError(`${path}:1: is no first line of such a campaign`, exitCode.input);
  const records = values.slice(1);
  for (const [index, value] of records.entries()) checkRow(value, row, `${path}:${index + 2}`);
  return { head: first.data, records: records as Row[] };
}

/**
 * Opens the file of --out; null without --out. Throws CommandError (2) for --resume without --out.
 */
export function openLines<Row extends object>(
  out: string | undefined,
  options: JsonLinesOptions<Row>,
): JsonLines<Row> | null {
  if (out !== undefined) return new JsonLines<Row>(out, options);
  if (options.resume) throw new CommandError('--resume continues a file: name it with --out', exitCode.usage);
  return null;
}

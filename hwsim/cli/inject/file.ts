import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import type { InjectionRecord } from '../../campaign/outcomes.ts';
import { fileAdvice } from '../../../host/store/store.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { readInputBytes } from '../../../host/cli/input.ts';

/** What the records of one file have in common: its first line. */
export interface CampaignHead {
  campaign: 1;
  target: string;
  seed: number;
  models: string;
  /** SHA-256 by image. */
  firmware: Record<string, string>;
}

const flushEvery = 500;
const lineFeed = 10;

/** The JSON lines of a campaign: a head, then a line per injection as it ends. Killed at any moment, it loses at most what was not written yet, which is run again. */
export class InjectionFile {
  readonly records: InjectionRecord[] = [];
  readonly #path: string;
  #pending: string[] = [];

  constructor(path: string, head: CampaignHead, resume: boolean) {
    this.#path = path;
    const exists = existsSync(path);
    if (exists && !resume)
      throw new CommandError(
        `${path} is there already: --resume goes on with it, or name another file`,
        exitCode.usage,
      );
    if (exists) this.#read(head);
    else this.#guard(() => writeFileSync(path, `${JSON.stringify(head)}\n`));
  }

  add(record: InjectionRecord): void {
    this.#pending.push(JSON.stringify(record));
    if (this.#pending.length >= flushEvery) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const text = `${this.#pending.join('\n')}\n`;
    this.#pending = [];
    this.#guard(() => appendFileSync(this.#path, text));
  }

  /** Reads what is there. A last line without its end was cut off in writing: it is taken away. */
  #read(head: CampaignHead): void {
    const bytes = readInputBytes(this.#path);
    const whole = bytes.lastIndexOf(lineFeed) + 1;
    if (whole < bytes.length) this.#truncate(whole);
    const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    lines.forEach((line, index) => {
      const place = `${this.#path}:${index + 1}`;
      let value: CampaignHead & InjectionRecord;
      try {
        value = JSON.parse(line);
      } catch {
        throw new CommandError(`${place}: is no JSON (delete the line)`, exitCode.input);
      }
      if (index === 0) this.#check(value, head, place);
      else this.records.push(value);
    });
    if (lines.length === 0) this.#guard(() => writeFileSync(this.#path, `${JSON.stringify(head)}\n`));
  }

  #check(found: CampaignHead, wanted: CampaignHead, place: string): void {
    for (const key of ['campaign', 'target', 'seed', 'models', 'firmware'] as const) {
      const [there, here] = [JSON.stringify(found[key]), JSON.stringify(wanted[key])];
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
      throw new CommandError(`${this.#path}: ${fileAdvice(error as NodeJS.ErrnoException)}`, exitCode.environment);
    }
  }
}

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EmulatorError, type EmulatorPool } from './pool.ts';

export interface EmulatorProcessParts {
  pool: EmulatorPool;
  /** Unique in the pool; names the files. */
  id: string;
  /** Name in errors: target and image. */
  title: string;
  command: string;
  /**
   * Arguments of the command, given the path of the line: the emulator reads LINE.in and writes
   * LINE.out.
   */
  arguments: (line: string) => string[];
  /** What to do when the command is missing. */
  remedy: string;
}

const startMsMax = 20_000;
const pollMs = 2;
const logLinesShown = 6;
const chunkBytes = 1 << 16;
const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * One emulator and its serial line. The simulation is synchronous: it writes an input and blocks
 * until bytes come back. When the emulator dies its end of the line closes and the waiting ends;
 * when it hangs, the pool's guard kills it.
 */
export class EmulatorProcess {
  readonly #parts: EmulatorProcessParts;
  readonly #place: number;
  readonly #line: string;
  readonly #log: string;
  readonly #pidFile: string;
  readonly #chunk = Buffer.alloc(chunkBytes);
  #child: ChildProcess | null = null;
  #in = -1;
  #out = -1;

  constructor(parts: EmulatorProcessParts) {
    this.#parts = parts;
    const { pool, id } = parts;
    this.#place = pool.place();
    this.#line = join(pool.folder, id);
    this.#log = `${this.#line}.log`;
    this.#pidFile = `${this.#line}.pid`;
    const made = spawnSync('mkfifo', [`${this.#line}.in`, `${this.#line}.out`], { encoding: 'utf8' });
    if (made.status !== 0)
      throw new EmulatorError(
        `${parts.title}: no line to it: mkfifo failed: ${made.stderr || made.error?.message} ` +
          `(${pool.folder} must be on a file system with pipes)`,
      );
    pool.onClose(() => this.kill());
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** Starts the emulator and opens its line. Throws EmulatorError. */
  start(): void {
    const { command, title, remedy } = this.#parts;
    const log = openSync(this.#log, 'w');
    const child = spawn(command, this.#parts.arguments(this.#line), { stdio: ['ignore', log, log] });
    closeSync(log);
    child.on('error', () => {});
    child.unref();
    if (child.pid === undefined) throw new EmulatorError(`${title}: ${command} cannot be started (${remedy})`);
    this.#child = child;
    writeFileSync(this.#pidFile, `${child.pid}`);
    // The emulator opens both ends of both pipes. Until it has, opening one for writing is refused.
    this.#in = this.#openWhenHeld(`${this.#line}.in`);
    const held = this.#openWhenHeld(`${this.#line}.out`);
    this.#out = openSync(`${this.#line}.out`, constants.O_RDONLY);
    closeSync(held);
  }

  #openWhenHeld(path: string): number {
    for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += pollMs) {
      try {
        const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
        closeSync(descriptor);
        return openSync(path, constants.O_WRONLY);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
      }
      if (!isAlive(this.pid)) throw this.#ended('ended before it opened its line');
      Atomics.wait(nap, 0, 0, pollMs);
    }
    throw this.#ended(`did not open its line within ${startMsMax / 1000} s`);
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Bytes to the board. Blocks while the line is full: keep less than 32 KiB under way. */
  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#in, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw this.#ended('has ended');
      throw error;
    }
  }

  /**
   * Returns the next bytes from the board, at least one; valid until the next call. Throws
   * EmulatorError when the emulator ended or hung.
   */
  read(): Uint8Array {
    const { pool } = this.#parts;
    pool.beginWait(this.#place, this.pid);
    const length = readSync(this.#out, this.#chunk, 0, chunkBytes, null);
    pool.endWait(this.#place);
    if (length === 0) throw this.#ended('has ended');
    return this.#chunk.subarray(0, length);
  }

  #ended(what: string): EmulatorError {
    const { title, pool, command } = this.#parts;
    const hung = pool.wasHanging(this.#place);
    this.kill();
    const how = hung ? 'did not answer and was ended' : what;
    let log = '';
    try {
      log = readFileSync(this.#log, 'utf8').trim().split('\n').slice(-logLinesShown).join('\n');
    } catch {
      // The pool is closed already.
    }
    const output = log === '' ? '; it printed nothing' : `; it printed:\n${log}`;
    return new EmulatorError(`${title}: ${command} ${how}${output}\n(run the board alone: npx heliograph board run)`);
  }

  /** Ends the emulator for good: it cannot be started again. */
  retire(): void {
    this.kill();
    for (const suffix of ['in', 'out', 'log']) rmSync(`${this.#line}.${suffix}`, { force: true });
    this.#parts.pool.release(this.#place);
  }

  /** Ends the emulator at once, as a loss of power does, and waits for its end. */
  kill(): void {
    if (this.#child === null) return;
    this.#child.kill('SIGKILL');
    if (this.#in >= 0) closeSync(this.#in);
    if (this.#out >= 0) {
      // The emulator's ends of the pipe close when it has ended.
      while (readSync(this.#out, this.#chunk, 0, chunkBytes, null) > 0);
      closeSync(this.#out);
    }
    this.#in = -1;
    this.#out = -1;
    this.#child = null;
    rmSync(this.#pidFile, { force: true });
  }
}

/**
 * A process that has ended but was not yet waited for is not alive. Without /proc, every started
 * process counts as alive.
 */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

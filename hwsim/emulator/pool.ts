import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A fault of the machine or of the set-up, never of the firmware. The message says what to do next.
 */
export class EmulatorError extends Error {}

/** Boards that the guard can watch at once. */
const placesMax = 64;
/** A board that sends no byte for this long hangs: the slowest step takes milliseconds. */
const hangSecondsMax = 30;

/**
 * The guard: a thread beside the simulation, which waits for boards without returning to its event
 * loop. It counts the seconds for which a board is waited for, and kills an emulator that lets the
 * simulation wait too long, so that the waiting ends.
 */
const guardSource = `
const { workerData } = require('node:worker_threads');
const { shared, places, hang } = workerData;
const waits = new Int32Array(shared);
const seen = new Array(places).fill(0);
const idle = new Array(places).fill(0);
const tick = new Int32Array(new SharedArrayBuffer(4));
for (;;) {
  Atomics.wait(tick, 0, 0, 1000);
  for (let place = 0; place < places; place += 1) {
    const wait = Atomics.load(waits, 3 * place);
    idle[place] = wait !== 0 && wait === seen[place] ? idle[place] + 1 : 0;
    seen[place] = wait;
    if (idle[place] < hang) continue;
    Atomics.store(waits, 3 * place + 2, 1);
    try {
      process.kill(Atomics.load(waits, 3 * place + 1), 'SIGKILL');
    } catch {}
  }
}
`;

/**
 * The sweeper: a process that lives longer than this one, however this one ends. When its input
 * closes it kills the emulators that still run and removes the folder. It has a session of its own,
 * so that an interrupt from the keyboard does not reach it.
 */
const sweeper = 'cat > /dev/null; for f in "$1"/*.pid; do [ -f "$f" ] && kill -9 "$(cat "$f")"; done; rm -rf "$1"';

/**
 * Runs emulators: a folder for lines, memories and logs; a guard against hanging; and a sweeper
 * that cleans up.
 */
export class EmulatorPool {
  readonly folder: string;
  readonly #waits = new Int32Array(new SharedArrayBuffer(placesMax * 12));
  readonly #guard: Worker;
  readonly #sweeper: ChildProcess;
  readonly #onExit = () => this.close();
  readonly #closers: (() => void)[] = [];
  readonly #left: number[] = [];
  #places = 0;
  #runs = 0;
  #turns = 0;
  #closed = false;

  constructor(hangSeconds = hangSecondsMax) {
    this.folder = mkdtempSync(join(tmpdir(), 'heliograph-boards-'));
    this.#sweeper = spawn('sh', ['-c', sweeper, 'sh', this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#sweeper.on('error', () => {});
    this.#sweeper.unref();
    (this.#sweeper.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    const workerData = { shared: this.#waits.buffer, places: placesMax, hang: hangSeconds };
    this.#guard = new Worker(guardSource, { eval: true, workerData });
    this.#guard.unref();
    process.on('exit', this.#onExit);
  }

  /** Returns a name that is unique in this pool. */
  uniqueId(prefix: string): string {
    this.#runs += 1;
    return `${prefix}-${this.#runs}`;
  }

  /** Returns a free place under the guard. */
  place(): number {
    const left = this.#left.pop();
    if (left !== undefined) return left;
    if (this.#places === placesMax)
      throw new EmulatorError(`more than ${placesMax} boards in one pool: run fewer at once`);
    this.#places += 1;
    return this.#places - 1;
  }

  /** Frees the place of an emulator that ended for good. */
  release(place: number): void {
    this.endWait(place);
    this.#left.push(place);
  }

  /** `close` is called when the pool closes, at the latest when the process exits. */
  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** The caller begins to wait for the emulator at a place: the guard watches from here on. */
  beginWait(place: number, pid: number): void {
    this.#turns = (this.#turns + 1) & 0x7fffffff || 1;
    Atomics.store(this.#waits, 3 * place + 1, pid);
    Atomics.store(this.#waits, 3 * place, this.#turns);
  }

  endWait(place: number): void {
    Atomics.store(this.#waits, 3 * place, 0);
  }

  /** True when the guard has killed the emulator at this place since the last call. */
  wasHanging(place: number): boolean {
    return Atomics.exchange(this.#waits, 3 * place + 2, 0) !== 0;
  }

  /** Ends all emulators and removes the folder. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#onExit);
    for (const close of this.#closers) close();
    void this.#guard.terminate();
    rmSync(this.folder, { recursive: true, force: true });
    this.#sweeper.stdin?.end();
  }
}

import { Worker } from 'node:worker_threads';
import { CommandError, type ExitCode } from '../../host/cli/exit.ts';
import { workerPath } from '../../host/build/root.ts';
import type { StoredState } from './checkpoint.ts';
import type { ClusterResult } from './cluster.ts';
import type { FleetSetting } from './setting.ts';
import type { Carried, Flown } from './shard.ts';

/**
 * What a worker thread is given. It flies the clusters whose index modulo `threads` is `thread`.
 */
export interface ThreadData {
  setting: FleetSetting;
  thread: number;
  threads: number;
  /** Where checkpoints stand; null: none is made. */
  folder: string | null;
  /** The states from which the clusters go on; null: they begin. */
  resumed: readonly StoredState[] | null;
}

/**
 * pause: the thread flies no more, so that all it had sent before is on its way. save: it writes
 * the states of its clusters and flies on; all that others had sent has reached it before.
 */
export type ToWorker =
  | { kind: 'carried'; carried: readonly Carried[] }
  | { kind: 'pause' }
  | { kind: 'save'; number: number };

export type FromWorker =
  | { kind: 'flown'; flown: Flown }
  | { kind: 'paused' }
  | { kind: 'saved'; states: StoredState[] }
  | { kind: 'failed'; message: string; code: ExitCode };

/** How a flight makes checkpoints. */
export interface Saving {
  folder: string;
  everyMs: number;
  /** Number of the first one. */
  firstNumber: number;
  /** Completes a checkpoint: all states are on the disk. */
  complete(number: number, states: StoredState[], results: readonly ClusterResult[]): void;
}

export interface ThreadOptions {
  threads: number;
  /** Gets node·days as they are flown, and in how many turns. */
  onFlown: (nodeDays: number, turns: number) => void;
  saving?: Saving;
  /** Where the flight goes on: states of the clusters that fly, and the results of the others. */
  resumed?: { states: readonly StoredState[]; results: readonly ClusterResult[] };
}

/** A checkpoint that is being made. */
interface Pending {
  number: number;
  /** Threads that have not paused yet, then those that have not saved yet. */
  waiting: Set<Worker>;
  isSaving: boolean;
  states: StoredState[];
  /** Of the clusters that had ended when all threads had paused. */
  results: readonly ClusterResult[];
}

/**
 * Flies a fleet in worker threads, each with clusters and memory of its own; this thread only
 * passes on what they send each other. Returns the results by index of the cluster: the same for
 * any number of threads. Rejects with the first error.
 */
export function flyInThreads(setting: FleetSetting, options: ThreadOptions): Promise<ClusterResult[]> {
  return new FlyingThreads(setting, options).ended();
}

class FlyingThreads {
  readonly #results: ClusterResult[];
  readonly #workers: Worker[];
  readonly #flying: Set<Worker>;
  readonly #options: ThreadOptions;
  #number: number;
  #pending: Pending | null = null;
  #timer: NodeJS.Timeout | null = null;
  #fail: (error: unknown) => void = () => {};

  constructor(setting: FleetSetting, options: ThreadOptions) {
    const { threads, saving, resumed } = options;
    this.#options = options;
    this.#results = [...(resumed?.results ?? [])];
    this.#number = saving?.firstNumber ?? 0;
    this.#workers = Array.from({ length: threads }, (_, thread) => {
      const isOwn = ({ index }: StoredState) => index % threads === thread;
      const states = resumed?.states.filter(isOwn) ?? null;
      const workerData = { setting, thread, threads, folder: saving?.folder ?? null, resumed: states };
      return new Worker(workerPath('fleet.worker'), { workerData: workerData satisfies ThreadData });
    });
    this.#flying = new Set(this.#workers);
  }

  async ended(): Promise<ClusterResult[]> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#fail = reject;
        for (const worker of this.#workers) this.#listen(worker, resolve);
        this.#waitForNext();
      });
      return this.#results;
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      for (const worker of this.#workers) void worker.terminate();
    }
  }

  #listen(worker: Worker, resolve: () => void): void {
    worker.on('message', (message: FromWorker) => this.#attempt(() => this.#take(worker, message)));
    worker.on('error', this.#fail);
    worker.on('exit', (code) => {
      if (code !== 0) return this.#fail(new Error(`a thread of the fleet ended with ${code}`));
      this.#flying.delete(worker);
      if (this.#flying.size === 0) resolve();
      else this.#attempt(() => this.#isReady(worker));
    });
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'flown':
        return this.#pass(message.flown);
      case 'failed':
        return this.#fail(new CommandError(message.message, message.code));
      case 'saved':
        this.#pending?.states.push(...message.states);
        return this.#isReady(worker);
      case 'paused':
        return this.#isReady(worker);
    }
  }

  #pass({ carried, results, nodeMs, turns }: Flown): void {
    this.#options.onFlown(nodeMs / 86_400_000, turns);
    for (const result of results) this.#results[result.index] = result;
    for (const [thread, worker] of this.#workers.entries()) {
      const own = carried.filter(({ to }) => to % this.#workers.length === thread);
      if (own.length > 0) worker.postMessage({ kind: 'carried', carried: own } satisfies ToWorker);
    }
  }

  #waitForNext(): void {
    const { saving } = this.#options;
    if (saving !== undefined) this.#timer = setTimeout(() => this.#pause(), saving.everyMs);
  }

  #pause(): void {
    const waiting = new Set(this.#flying);
    this.#pending = { number: this.#number, waiting, isSaving: false, states: [], results: [] };
    for (const worker of this.#flying) worker.postMessage({ kind: 'pause' } satisfies ToWorker);
  }

  /** A thread has paused, saved or ended. */
  #isReady(worker: Worker): void {
    const pending = this.#pending;
    if (pending === null) return;
    pending.waiting.delete(worker);
    if (pending.waiting.size > 0) return;
    if (pending.isSaving) {
      this.#options.saving!.complete(pending.number, pending.states, pending.results);
      this.#number += 1;
      this.#pending = null;
      this.#waitForNext();
      return;
    }
    pending.isSaving = true;
    pending.results = [...this.#results];
    pending.waiting = new Set(this.#flying);
    const save = { kind: 'save', number: pending.number } satisfies ToWorker;
    for (const each of this.#flying) each.postMessage(save);
  }
}

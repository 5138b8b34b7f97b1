/**
 * Runs jobs in a pool of worker threads: the caller's side and the worker's. Every worker asks for
 * a job when it is ready, sends reports while it works, and ends when it receives `null`.
 */
import { parentPort, Worker } from 'node:worker_threads';
import { workerPath } from '../../host/build/root.ts';

/** Why a worker failed, as it can be sent between threads. */
export interface Failure {
  message: string;
  /** Of the command's exit, where the worker knows it. */
  code?: number;
}

type WorkerMessage<Report> =
  | { kind: 'ready' }
  | { kind: 'report'; report: Report }
  | { kind: 'failed'; failure: Failure };

export interface PoolOptions<Job, Report> {
  /** Name of the worker's bundle: its source file without `.ts`. */
  worker: string;
  /** Given to every worker as `workerData`. */
  data?: unknown;
  count: number;
  /** The next job; undefined when there is none left. */
  next: () => Job | undefined;
  onReport: (report: Report) => void;
  /** Makes the error of a worker that failed. */
  toError: (failure: Failure) => Error;
}

/**
 * Works through all jobs. Rejects with the first failure; the other workers are terminated then.
 */
export async function runWorkers<Job, Report>(options: PoolOptions<Job, Report>): Promise<void> {
  const workers = new Set<Worker>();
  try {
    await Promise.all(Array.from({ length: options.count }, () => runWorker(options, workers)));
  } finally {
    for (const worker of workers) void worker.terminate();
  }
}

/** Runs one worker until it has exited. `workers` holds those that run. */
function runWorker<Job, Report>(options: PoolOptions<Job, Report>, workers: Set<Worker>): Promise<void> {
  const { worker: name, data, next, onReport, toError } = options;
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerPath(name), { workerData: data });
    workers.add(worker);
    let ended = false;
    worker.on('message', (message: WorkerMessage<Report>) => {
      if (message.kind === 'failed') return reject(toError(message.failure));
      try {
        if (message.kind === 'report') return onReport(message.report);
        const job = next();
        ended = job === undefined;
        worker.postMessage(job ?? null);
      } catch (error) {
        reject(error);
      }
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      workers.delete(worker);
      if (ended) resolve();
      else reject(toError({ message: `a worker of ${name} ended by itself` }));
    });
  });
}

export interface JobServer<Job, Report> {
  /** Does one job; may send reports. */
  work: (job: Job, send: (report: Report) => void) => void;
  /** Describes an error of `work`; default: its message. */
  failureOf?: (error: unknown) => Failure | Promise<Failure>;
  /** Sent before the first job. */
  first?: Report;
  /** Called once, before the worker exits. */
  close?: () => void;
}

/** The worker's side: works through jobs until there is none left. */
export function serveJobs<Job, Report>(server: JobServer<Job, Report>): void {
  const { work, first, failureOf = messageOf, close = () => {} } = server;
  const port = parentPort!;
  const post = (message: WorkerMessage<Report>) => port.postMessage(message);
  const send = (report: Report) => post({ kind: 'report', report });
  const end = () => {
    close();
    port.close();
  };
  port.on('message', async (job: Job | null) => {
    if (job === null) return end();
    try {
      work(job, send);
      post({ kind: 'ready' });
    } catch (error) {
      post({ kind: 'failed', failure: await failureOf(error) });
      end();
    }
  });
  if (first !== undefined) send(first);
  post({ kind: 'ready' });
}

/** The worker's side: reports that it cannot begin, and ends. */
export function failWorker(message: string): void {
  const failed: WorkerMessage<never> = { kind: 'failed', failure: { message } };
  parentPort!.postMessage(failed);
  parentPort!.close();
}

const messageOf = (error: unknown): Failure => ({ message: (error as Error).message });

import { Worker } from 'node:worker_threads';
import { workerPath } from '../../../host/build/root.ts';
import { CommandError, type ExitCode, exitCode } from '../../../host/cli/exit.ts';
import type { FlightJob, FlightResult } from './flights.ts';

/** The answer of a worker to one job. */
export type FlightAnswer<Result> = { result: Result } | { message: string; code: ExitCode };

/**
 * Flies jobs in worker threads, `count` at a time; which worker flies which job does not matter to any result. `onResult` is
 * called as each flight ends. Throws the first error; the other workers are stopped then.
 */
export async function flyAll<Job extends FlightJob>(
  jobs: readonly Job[],
  count: number,
  onResult: (result: FlightResult<Job>, job: Job) => void,
): Promise<void> {
  const queue = [...jobs];
  const workers = new Set<Worker>();
  const lane = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(workerPath('flights.worker'));
      workers.add(worker);
      let flown: Job | undefined;
      const next = () => {
        flown = queue.shift();
        if (flown === undefined) resolve();
        else worker.postMessage(flown);
      };
      worker.on('error', reject);
      worker.on('message', (answer: FlightAnswer<FlightResult<Job>>) => {
        if ('message' in answer) return reject(errorOf(answer));
        try {
          onResult(answer.result, flown as Job);
        } catch (error) {
          return reject(error);
        }
        next();
      });
      next();
    });
  try {
    await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, lane));
  } finally {
    await Promise.all([...workers].map((worker) => worker.terminate()));
  }
}

function errorOf({ message, code }: { message: string; code: ExitCode }): Error {
  return code === exitCode.internal ? new Error(message) : new CommandError(message, code);
}

import { CommandError, type ExitCode, exitCode } from '../../../host/cli/exit.ts';
import { runWorkers } from '../../campaign/workers.ts';
import type { FlightJob, FlightResult } from './flights.ts';

/**
 * Flies jobs in worker threads, `count` at a time; which worker flies which job has no effect on
 * any result. `onResult` is called as each flight ends. Throws the first error; the other workers
 * are stopped then.
 */
export function flyAll<Job extends FlightJob>(
  jobs: readonly Job[],
  count: number,
  onResult: (result: FlightResult<Job>) => void,
): Promise<void> {
  const queue = [...jobs];
  return runWorkers<Job, FlightResult<Job>>({
    worker: 'flights.worker',
    count: Math.min(count, jobs.length),
    next: () => queue.shift(),
    onReport: onResult,
    toError: ({ message, code = exitCode.internal }) =>
      code === exitCode.internal ? new Error(message) : new CommandError(message, code as ExitCode),
  });
}

import { parentPort } from 'node:worker_threads';
import { exitCode } from '../../../host/cli/exit.ts';
import { exitCodeOf } from '../../../host/cli/failure.ts';
import type { FlightAnswer } from './flight_pool.ts';
import { type FlightJob, flyJob } from './flights.ts';

async function failureOf(error: unknown): Promise<FlightAnswer<never>> {
  const code = await exitCodeOf(error);
  const { message, stack } = error as Error;
  return { message: code === exitCode.internal ? (stack ?? message) : message, code };
}

parentPort?.on('message', async (job: FlightJob) => {
  let answer: FlightAnswer<unknown>;
  try {
    answer = { result: flyJob(job) };
  } catch (error) {
    answer = await failureOf(error);
  }
  parentPort?.postMessage(answer);
});

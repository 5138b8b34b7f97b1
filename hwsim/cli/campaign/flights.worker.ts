import { exitCode } from '../../../host/cli/exit.ts';
import { exitCodeOf } from '../../../host/cli/failure.ts';
import { type Failure, serveJobs } from '../../campaign/workers.ts';
import { type FlightJob, type FlightResult, flyJob } from './flights.ts';

async function failureOf(error: unknown): Promise<Failure> {
  const code = await exitCodeOf(error);
  const { message, stack } = error as Error;
  return { message: code === exitCode.internal ? (stack ?? message) : message, code };
}

serveJobs<FlightJob, FlightResult<FlightJob>>({ work: (job, send) => send(flyJob(job)), failureOf });

import type { EngineName } from '../../../host/engine/names.ts';
import { type DeathFlight, flyDeaths } from '../../campaign/cluster/deaths.ts';
import { countMerge, type MergeCounts, type MergeFlight } from '../../campaign/cluster/merge.ts';
import type { ConvergenceFlight } from '../../campaign/cluster/convergence.ts';
import { type ConvergenceJob, flyConvergence } from './convergence/flight.ts';
import { flySeed, type SwarmFlight } from './swarm_flight.ts';

/** Describes a flight of a campaign for a worker thread. */
export type FlightJob = { kind: 'swarm'; seed: number; engine: EngineName } | DeathJob | MergeJob | ConvergenceJob;

export interface DeathJob {
  kind: 'deaths';
  seed: number;
  days: number;
  engine: EngineName;
}

export type MergeJob = { kind: 'merge' } & MergeFlight;

export type FlightResult<Job extends FlightJob> = Job extends { kind: 'swarm' }
  ? SwarmFlight
  : Job extends DeathJob
    ? DeathFlight
    : Job extends ConvergenceJob
      ? ConvergenceFlight
      : MergeCounts;

/** Flies a job in this thread. */
export function flyJob(job: FlightJob): SwarmFlight | DeathFlight | MergeCounts | ConvergenceFlight {
  if (job.kind === 'convergence') return flyConvergence(job);
  if (job.kind === 'swarm') return flySeed(job.seed, job.engine);
  return job.kind === 'deaths' ? flyDeaths(job.seed, job.days, { engine: job.engine }) : countMerge(job);
}

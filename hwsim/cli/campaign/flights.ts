import type { EngineName } from '../../../host/engine/names.ts';
import { type DeathFlight, flyDeaths } from '../../campaign/cluster/deaths.ts';
import { countMerge, type MergeCounts, type MergeFlight } from '../../campaign/cluster/merge.ts';
import { flySeed, type SwarmFlight } from './swarm_flight.ts';

/** Describes a flight of a campaign for a worker thread. */
export type FlightJob = { kind: 'swarm'; seed: number; engine: EngineName } | DeathJob | MergeJob;

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
    : MergeCounts;

/** Flies a job in this thread. */
export function flyJob(job: FlightJob): SwarmFlight | DeathFlight | MergeCounts {
  if (job.kind === 'swarm') return flySeed(job.seed, job.engine);
  return job.kind === 'deaths' ? flyDeaths(job.seed, job.days, { engine: job.engine }) : countMerge(job);
}

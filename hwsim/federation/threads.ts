import { Worker } from 'node:worker_threads';
import { workerPath } from '../../host/build/root.ts';
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
}

export type ToWorker = readonly Carried[];
export type FromWorker = Flown;

/**
 * Flies a fleet in worker threads, each with clusters and memory of its own; this thread only
 * passes on what they send each other. Returns the results by index of the cluster: the same for
 * any number of threads. `onFlown` gets node·days as they are flown. Rejects with the first error.
 */
export async function flyInThreads(
  setting: FleetSetting,
  threads: number,
  onFlown: (nodeDays: number) => void,
): Promise<ClusterResult[]> {
  const results: ClusterResult[] = [];
  const workers: Worker[] = [];
  const take = ({ carried, result, nodeMs }: FromWorker) => {
    onFlown(nodeMs / 86_400_000);
    if (result !== null) results[result.index] = result;
    for (const [thread, worker] of workers.entries()) {
      const own = carried.filter(({ to }) => to % threads === thread);
      if (own.length > 0) worker.postMessage(own satisfies ToWorker);
    }
  };
  try {
    for (let thread = 0; thread < threads; thread += 1)
      workers.push(new Worker(workerPath('fleet.worker'), { workerData: { setting, thread, threads } }));
    await Promise.all(workers.map((worker) => ended(worker, take)));
  } finally {
    for (const worker of workers) void worker.terminate();
  }
  return results;
}

/** Resolves when a worker has flown all its clusters. */
function ended(worker: Worker, take: (message: FromWorker) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      try {
        take(message);
      } catch (error) {
        reject(error);
      }
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a thread of the fleet ended with ${code}`)),
    );
  });
}

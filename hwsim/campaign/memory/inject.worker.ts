/** A worker of the memory campaign: makes the injections of one node at a time. */
import { workerData } from 'node:worker_threads';
import type { InjectionRecord } from '../campaign.ts';
import { serveJobs } from '../workers.ts';
import { Campaign, type CampaignSetting } from './campaign.ts';

/** The injections of one node. */
export interface InjectionJob {
  node: number;
  /** Not these: their outcome is known. */
  known: readonly number[];
}

const batchMax = 64;
let campaign: Campaign | null = null;

function work({ node, known }: InjectionJob, send: (records: InjectionRecord[]) => void): void {
  campaign ??= new Campaign(workerData as CampaignSetting);
  const skipped = new Set(known);
  const indices = campaign.indicesOf(node).filter((index) => !skipped.has(index));
  let batch: InjectionRecord[] = [];
  campaign.run(node, indices, (record) => {
    batch.push(record);
    if (batch.length < batchMax) return;
    send(batch);
    batch = [];
  });
  send(batch);
}

serveJobs<InjectionJob, InjectionRecord[]>({ work });

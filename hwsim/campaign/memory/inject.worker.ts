import { parentPort, workerData } from 'node:worker_threads';
import type { InjectionRecord } from '../outcomes.ts';
import { Campaign, type CampaignSetting, type ImageName } from './campaign.ts';

/** Injections of one node, on one image. */
export interface InjectionJob {
  image: ImageName;
  node: number;
  /** Only these, or all that the campaign has for the node. */
  only: readonly number[] | null;
  /** Not these: their outcome is known. */
  known: readonly number[];
}

export type WorkerWord =
  | { kind: 'records'; records: InjectionRecord[] }
  | { kind: 'done'; job: InjectionJob }
  | { kind: 'failed'; message: string };

const batchMax = 64;
const settings = workerData as readonly CampaignSetting[];
const campaigns = new Map<ImageName, Campaign>();

function campaignOf(image: ImageName): Campaign {
  let campaign = campaigns.get(image);
  if (campaign === undefined) {
    // One image is done with before the other begins: its snapshots need not be kept.
    campaigns.clear();
    campaign = new Campaign(settings.find((setting) => setting.image === image) as CampaignSetting);
    campaigns.set(image, campaign);
  }
  return campaign;
}

function work(job: InjectionJob): void {
  const tell = (word: WorkerWord) => parentPort?.postMessage(word);
  const campaign = campaignOf(job.image);
  const known = new Set(job.known);
  const indices = (job.only ?? campaign.indicesOf(job.node)).filter((index) => !known.has(index));
  let batch: InjectionRecord[] = [];
  campaign.run(job.node, indices, (record) => {
    batch.push(record);
    if (batch.length < batchMax) return;
    tell({ kind: 'records', records: batch });
    batch = [];
  });
  tell({ kind: 'records', records: batch });
  tell({ kind: 'done', job });
}

parentPort?.on('message', (job: InjectionJob) => {
  try {
    work(job);
  } catch (error) {
    parentPort?.postMessage({ kind: 'failed', message: (error as Error).stack ?? String(error) } satisfies WorkerWord);
  }
});

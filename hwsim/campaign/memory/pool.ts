import { Worker } from 'node:worker_threads';
import { workerPath } from '../../../host/build/root.ts';
import type { CampaignFacts, CampaignOptions, InjectBoards } from '../outcomes.ts';
import { Campaign, type CampaignSetting } from './campaign.ts';
import { settingFor } from './images.ts';
import type { InjectionJob, WorkerWord } from './inject.worker.ts';
import { Program } from './machine.ts';
import { injectFromHours, injectionScenario, injectToHours, runHours } from './scene.ts';

/** Lets workers make the jobs one after the other; which worker makes which does not matter to any outcome. */
function workThrough(setting: CampaignSetting, jobs: InjectionJob[], options: CampaignOptions): Promise<unknown> {
  const workers = new Set<Worker>();
  const lane = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(workerPath('inject.worker'), { workerData: [setting] });
      workers.add(worker);
      const next = () => {
        const job = jobs.shift();
        if (job !== undefined) return worker.postMessage(job);
        workers.delete(worker);
        worker.terminate().then(() => resolve(), reject);
      };
      worker.on('message', (word: WorkerWord) => {
        if (word.kind === 'failed') reject(new Error(word.message));
        else if (word.kind === 'done') next();
        else word.records.forEach(options.onRecord);
      });
      worker.on('error', reject);
      next();
    });
  const lanes = Array.from({ length: Math.min(options.jobs, jobs.length) }, lane);
  return Promise.all(lanes).finally(() => {
    for (const worker of workers) void worker.terminate();
  });
}

/** A campaign on the simulated cluster: upsets in the memory of its nodes. */
export const injectWasm: InjectBoards = async (_target, options): Promise<CampaignFacts> => {
  const { image, seed, n, models, known, only, jobs } = options;
  const setting = await settingFor(image, { seed, n: only === undefined ? n : Math.max(n, only + 1), models });
  const nodes = injectionScenario().nodes;
  const { stateFrom, stateTo } = new Program(setting.metered);
  const list = Array.from(
    { length: nodes },
    (_, node): InjectionJob => ({ image, node, only: null, known: [...known] }),
  );
  if (only !== undefined) {
    const campaign = new Campaign(setting);
    const { node } = campaign.upset(only);
    campaign.run(node, [only], options.onRecord);
  } else if (known.size < n) await workThrough(setting, list, { ...options, jobs: Math.max(1, jobs) });
  return {
    firmware: setting.facts.sha256,
    bits: (stateTo - stateFrom) * 8,
    notes: [
      `${nodes} nodes for ${runHours} h; upsets from hour ${injectFromHours} to ${injectToHours}, uniform over calls and bits of constants and context`,
      'the image has no mutable globals and no stack in linear memory; locals live in registers, which only boards have',
    ],
  };
};

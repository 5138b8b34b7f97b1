import type { CampaignFacts, CampaignOptions, RunCampaign } from '../campaign.ts';
import { runWorkers } from '../workers.ts';
import { Campaign, type CampaignSetting } from './campaign.ts';
import { settingFor } from './setting.ts';
import type { InjectionJob } from './inject.worker.ts';
import { Program } from './machine.ts';
import { injectFromHours, injectionScenario, injectToHours, runHours } from './scenario.ts';

/**
 * Makes all injections that are not known, node by node. Which worker makes them has no effect on
 * an outcome.
 */
function runNodes(setting: CampaignSetting, nodes: number, { known, jobs, onRecord }: CampaignOptions): Promise<void> {
  const waiting = Array.from({ length: nodes }, (_, node): InjectionJob => ({ node, known: [...known] }));
  return runWorkers<InjectionJob, Parameters<typeof onRecord>[0][]>({
    worker: 'inject.worker',
    data: setting,
    count: Math.min(Math.max(1, jobs), nodes),
    next: () => waiting.shift(),
    onReport: (records) => records.forEach(onRecord),
    toError: ({ message }) => new Error(message),
  });
}

/** Runs a campaign on the simulated cluster: upsets in the memory of its nodes. */
export const injectWasm: RunCampaign = async (_target, options): Promise<CampaignFacts> => {
  const { image, seed, n, models, known, only } = options;
  const setting = await settingFor(image, { seed, n: only === undefined ? n : Math.max(n, only + 1), models });
  const { nodes } = injectionScenario();
  const { stateFrom, stateTo } = new Program(setting.metered);
  if (only !== undefined) {
    const campaign = new Campaign(setting);
    const { node } = campaign.upset(only);
    campaign.run(node, [only], options.onRecord);
  } else if (known.size < n) await runNodes(setting, nodes, options);
  const window = `from hour ${injectFromHours} to ${injectToHours}`;
  return {
    firmware: setting.facts.sha256,
    bits: (stateTo - stateFrom) * 8,
    notes: [
      `${nodes} nodes for ${runHours} h; upsets ${window}, uniform over calls and bits of constants and context`,
      'the image has no mutable globals and no stack in linear memory; locals are in registers, which only boards have',
    ],
  };
};

/** Runs a campaign on an emulated board: hwsim/emulator/README.md, "Campaigns". */
import { buildTarget } from '../../../host/board/build.ts';
import { type Target, type TargetName, targetNames, targets } from '../../../host/board/targets.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import { EmulatorError } from '../../emulator/pool.ts';
import type { CampaignFacts, CampaignOptions, InjectionRecord, RunCampaign } from '../campaign.ts';
import { runWorkers } from '../workers.ts';

/** The start data of a worker. */
export interface WorkerTask {
  target: TargetName;
  image: CampaignOptions['image'];
  models: CampaignOptions['models'];
  seed: number;
}

/** What a worker reports: facts about its golden run, then records. */
export type WorkerReport =
  | { kind: 'facts'; notes: string[]; bits: number }
  | { kind: 'record'; record: InjectionRecord };

/**
 * Returns the board that is injected into: with the image as flown, or with its build without
 * protection.
 */
export function injectedTarget(name: TargetName, image: CampaignOptions['image']): Target {
  const target = targets[name];
  if (image === 'protected') return target;
  if (target.preset !== 'flight')
    throw new EmulatorError(
      `${name} flies the ${target.preset} image, which has no build without protection: ` +
        'inject into the protected one alone',
    );
  return { ...target, board: `${target.board}-bare`, variant: 'bare' };
}

function isTarget(name: string): name is TargetName {
  return (targetNames as readonly string[]).includes(name);
}

/** Indices of the injections that are still to be made. */
function indicesLeft({ n, known, only }: CampaignOptions): number[] {
  if (only !== undefined) return [only];
  return Array.from({ length: n }, (_, index) => index).filter((index) => !known.has(index));
}

/**
 * Runs a campaign on one board. Throws EmulatorError when an emulator is missing, ToolError when a
 * compiler is.
 */
export const injectBoards: RunCampaign = async (name, options): Promise<CampaignFacts> => {
  if (!isTarget(name)) throw new EmulatorError(`there is no board '${name}': ${targetNames.join(', ')}`);
  const target = injectedTarget(name, options.image);
  await buildTarget(target);
  const { models, seed, image, onRecord } = options;
  const left = indicesLeft(options);
  let facts: Pick<CampaignFacts, 'notes' | 'bits'> = { notes: [] };
  await runWorkers<number, WorkerReport>({
    worker: 'inject_boards.worker',
    data: { target: name, image, models, seed } satisfies WorkerTask,
    count: Math.max(1, Math.min(options.jobs, left.length)),
    next: () => left.shift(),
    onReport: (report) => {
      if (report.kind === 'record') onRecord(report.record);
      else facts = { notes: report.notes, bits: report.bits };
    },
    toError: ({ message }) => new EmulatorError(message),
  });
  return { firmware: loadV8Engine(target.variant ?? target.preset).image.sha256, ...facts };
};

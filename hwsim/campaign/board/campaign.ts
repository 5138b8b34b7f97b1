import { Worker } from 'node:worker_threads';
import { buildTarget } from '../../../host/board/build.ts';
import { type Target, type TargetName, targetNames, targets } from '../../../host/board/targets.ts';
import { workerPath } from '../../../host/build/root.ts';
import { loadV8Engine } from '../../../host/engine/v8.ts';
import type { CampaignFacts, CampaignOptions, InjectBoards, InjectionRecord } from '../outcomes.ts';
import { EmulatorError } from '../../emulator/pool.ts';

/** Faults in emulated boards: README.md, "Campaigns". Workers strike; this hands out the numbers of the injections and gathers what came of them. */

/** What a worker is told when it starts. */
export interface WorkerTask {
  target: TargetName;
  image: CampaignOptions['image'];
  models: CampaignOptions['models'];
  seed: number;
}

/** What a worker tells: that it is ready, with facts about its golden run; a record; or that it cannot go on. */
export type WorkerWord =
  | { kind: 'ready'; notes: string[]; bits: number }
  | { kind: 'record'; record: InjectionRecord }
  | { kind: 'failed'; message: string };

/** The board that is struck: with the image as flown, or with its build without protection. */
export function struckTarget(name: TargetName, image: CampaignOptions['image']): Target {
  const target = targets[name];
  if (image === 'protected') return target;
  if (target.preset !== 'flight')
    throw new EmulatorError(
      `${name} flies the ${target.preset} image, which has no build without protection: strike the protected one alone`,
    );
  return { ...target, board: `${target.board}-bare`, variant: 'bare' };
}

function isTarget(name: string): name is TargetName {
  return (targetNames as readonly string[]).includes(name);
}

/** One worker from its start to its end: takes numbers from `next` until there is none. */
function work(
  task: WorkerTask,
  next: () => number | undefined,
  options: CampaignOptions,
): Promise<Pick<CampaignFacts, 'notes' | 'bits'>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerPath('inject_boards.worker'), { workerData: task });
    let facts: Pick<CampaignFacts, 'notes' | 'bits'> = { notes: [] };
    let ended = false;
    const end = (then: () => void) => {
      if (ended) return;
      ended = true;
      worker.postMessage(null);
      worker.once('exit', then);
    };
    const handOut = () => {
      const index = next();
      if (index === undefined) end(() => resolve(facts));
      else worker.postMessage(index);
    };
    worker.on('message', (word: WorkerWord) => {
      if (word.kind === 'failed') return end(() => reject(new EmulatorError(word.message)));
      if (word.kind === 'ready') facts = { notes: word.notes, bits: word.bits };
      else options.onRecord(word.record);
      handOut();
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      if (!ended) reject(new EmulatorError(`a worker of the campaign on ${task.target} ended by itself`));
    });
  });
}

/** A campaign on one board. Throws EmulatorError when an emulator is missing, ToolError when a compiler is. */
export const injectBoards: InjectBoards = async (name, options): Promise<CampaignFacts> => {
  if (!isTarget(name)) throw new EmulatorError(`there is no board '${name}': ${targetNames.join(', ')}`);
  const target = struckTarget(name, options.image);
  await buildTarget(target);
  const { models, seed, image, known, only } = options;
  const left =
    only !== undefined
      ? [only]
      : Array.from({ length: options.n }, (_, index) => index).filter((index) => !known.has(index));
  const jobs = Math.max(1, Math.min(options.jobs, left.length));
  const task: WorkerTask = { target: name, image, models, seed };
  const all = await Promise.all(Array.from({ length: jobs }, () => work(task, () => left.shift(), options)));
  return { firmware: loadV8Engine(target.variant ?? target.preset).image.sha256, ...all[0] };
};

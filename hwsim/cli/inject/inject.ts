import type { Command } from 'commander';
import type { CampaignFacts, ImageName, InjectionRecord, RunCampaign } from '../../campaign/campaign.ts';
import { outcomeNames } from '../../campaign/outcomes.ts';
import { z } from 'zod';
import { mixedModels, type ModelName } from '../../campaign/fault_models.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { againLine } from '../../../host/cli/again.ts';
import { print } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { type JsonLines, openLines } from '../campaign/json_lines.ts';
import { modelsOf } from './models.ts';
import { type InjectReport, recordText, reportText, Tally, worstFirst } from './report.ts';

export interface InjectOptions {
  target: string;
  model: string;
  n: number;
  seed: number;
  unprotected?: true;
  baseline?: number;
  jobs: number;
  out?: string;
  resume?: true;
  only?: number;
  json?: true;
}

/** Injections if --n is not given: an emulated board makes a few in a second. */
const injectionsDefault = { wasm: 20_000, board: 200 } as const;

/**
 * A baseline of this size gives its rates to a few per cent; a larger one would only take longer.
 */
const baselineMax = 4000;

/** Holds what all images of a running campaign share. */
interface Running {
  injectInto: RunCampaign;
  options: InjectOptions;
  models: readonly ModelName[];
  file: JsonLines<InjectionRecord> | null;
  onInjection: () => void;
}

/** Reports one image's campaign. */
interface Part {
  tally: Tally;
  facts: CampaignFacts;
  /** Injections made now; the others were in the file. */
  made: number;
}

/** Loads what injects faults into a target. */
async function campaignOn(target: string): Promise<RunCampaign> {
  if (target === 'wasm') return (await import('../../campaign/memory/pool.ts')).injectWasm;
  return (await import('../../campaign/board/campaign.ts')).injectBoards;
}

/** Runs one image's campaign: counts what the file has already, and makes the rest. */
async function campaign(image: ImageName, n: number, running: Running): Promise<Part> {
  const { injectInto, options, models, file, onInjection } = running;
  const tally = new Tally();
  const known = new Set<number>();
  let made = 0;
  for (const record of file?.records ?? []) {
    if (record.image !== image || record.index >= n || known.has(record.index)) continue;
    known.add(record.index);
    tally.add(record);
  }
  const onRecord = (record: InjectionRecord) => {
    tally.add(record);
    file?.add(record);
    made += 1;
    onInjection();
  };
  const { target, seed, jobs } = options;
  const facts = await injectInto(target, { models, n, seed, image, known, only: undefined, jobs, onRecord });
  file?.flush();
  return { tally, facts, made };
}

/** The first line of a campaign's file: records of other campaigns are not mixed in. */
interface CampaignHead {
  campaign: 1;
  target: string;
  seed: number;
  models: string;
  /** SHA-256 by image. */
  firmware: Record<string, string>;
}

const row = z.looseObject({
  ...{ index: z.int().min(0), image: z.enum(['protected', 'unprotected']), outcome: z.enum(outcomeNames) },
  ...{ reason: z.string(), model: z.string(), node: z.int(), call: z.int(), bits: z.array(z.number()) },
  place: z.union([z.number(), z.string()]),
});

/** Records that are gathered before they are written. */
const flushEvery = 500;

async function headOf({ target, seed }: InjectOptions, models: readonly ModelName[]): Promise<CampaignHead> {
  const { imageHashes } = await import('../../campaign/memory/setting.ts');
  return { campaign: 1, target, seed, models: models.join(','), firmware: imageHashes() };
}

/** Lists the images of a campaign with the number of injections of each. */
function imagesOf({ n, unprotected, baseline = Math.min(n, baselineMax) }: InjectOptions): [ImageName, number][] {
  const images: [ImageName, number][] = unprotected
    ? [['unprotected', n]]
    : [
        ['protected', n],
        ['unprotected', baseline],
      ];
  return images.filter(([, count]) => count > 0);
}

function refuseContradictions({ unprotected, baseline }: InjectOptions): void {
  if (unprotected && baseline !== undefined)
    throw new CommandError('--baseline selects nothing with --unprotected: leave one of them out', exitCode.usage);
}

/**
 * Runs `heliograph inject`. Exit 0 when the campaign ran and no other node accepted a wrong value
 * of the protected image; 1 when one did.
 */
export async function inject(given: Omit<InjectOptions, 'n'> & { n?: number }, command: Command): Promise<void> {
  const n = given.n ?? injectionsDefault[given.target === 'wasm' ? 'wasm' : 'board'];
  const options: InjectOptions = { ...given, n };
  const models = modelsOf(options.model, options.target);
  refuseContradictions(options);
  const injectInto = await campaignOn(options.target);
  if (options.only !== undefined) return explain(injectInto, options, models);
  const { out, resume = false } = options;
  const head = out === undefined ? undefined : await headOf(options, models);
  const file = openLines<InjectionRecord>(out, { resume, row, head, flushEvery });
  const images = imagesOf(options);
  const seconds = startStopwatch();
  const total = images.reduce((sum, [, count]) => sum + count, 0);
  const progress = startProgress('inject', total);
  let done = file?.records.length ?? 0;
  const onInjection = () => {
    done += 1;
    progress.update(done, `${done.toLocaleString('en')} of ${total.toLocaleString('en')} injections`);
  };
  const running: Running = { injectInto, options, models, file, onInjection };
  const parts: Part[] = [];
  try {
    for (const [image, count] of images) parts.push(await campaign(image, count, running));
  } finally {
    progress.stop();
    file?.flush();
  }
  const again = (record: InjectionRecord) => againOf(command, record);
  const report = await reportOn({ options, models, parts, wallS: seconds(), again });
  print(options.json ? JSON.stringify(report) : reportText(report));
  if (!options.unprotected && report.sdcPropagated > 0) process.exitCode = exitCode.failed;
}

/** Builds the command that repeats one injection of this campaign. */
function againOf(command: Command, { index, seed, models = '', image }: InjectionRecord): string {
  const isMixed = models === '' || models === mixedModels.join(',');
  const unprotected = image === 'unprotected';
  const changes = { seed, model: isMixed ? null : models, unprotected, only: index, n: null, baseline: null };
  return againLine(command, changes);
}

interface Campaigned {
  options: InjectOptions;
  models: readonly ModelName[];
  parts: readonly Part[];
  wallS: number;
  again: (record: InjectionRecord) => string;
}

async function reportOn({ options, models, parts, wallS, again }: Campaigned): Promise<InjectReport> {
  const { target, seed, jobs } = options;
  const image = ({ tally, facts }: Part) => tally.report(facts.firmware, facts.bits ?? null);
  const [first, second] = parts;
  const main = image(first);
  const unprotected = options.unprotected ? main : second === undefined ? null : image(second);
  const baseline = options.unprotected ? null : unprotected;
  const made = parts.reduce((sum, part) => sum + part.made, 0);
  const overhead =
    target === 'wasm' && baseline !== null
      ? await (await import('../../campaign/memory/overhead.ts')).measureOverhead(seed)
      : null;
  return {
    target,
    seed,
    models,
    ...main,
    unprotected,
    sdcReduction: baseline === null ? null : baseline.sdc.rate / main.sdcUpperBound95,
    sdcPropagatedReduction: baseline === null ? null : baseline.sdcPropagated / baseline.n / main.upperBound95,
    overhead,
    injectionsPerS: made / wallS,
    injectionsPerSPerJob: made / wallS / jobs,
    wallS,
    jobs,
    failures: options.unprotected
      ? []
      : worstFirst(first.tally.failures).map((record) => ({ ...record, again: again(record) })),
    notes: first.facts.notes,
  };
}

/** Makes one injection (`--only`) and reports it in full. */
async function explain(injectInto: RunCampaign, options: InjectOptions, models: readonly ModelName[]): Promise<void> {
  const { target, n, seed, jobs, only } = options;
  const image: ImageName = options.unprotected ? 'unprotected' : 'protected';
  const records: InjectionRecord[] = [];
  const onRecord = (record: InjectionRecord) => void records.push(record);
  await injectInto(target, { models, n, seed, image, known: new Set(), only, jobs, onRecord });
  const [record] = records;
  print(options.json ? JSON.stringify(record) : recordText(image, record));
}

import { SingleBar } from 'cli-progress';
import { cpus } from 'node:os';
import { type Command, Option } from 'commander';
import type { CampaignFacts, InjectBoards, InjectionRecord, ModelName } from '../../campaign/outcomes.ts';
import type { ImageName } from '../../campaign/memory/campaign.ts';
import { targetNames } from '../../../host/board/targets.ts';
import { ToolError } from '../../../host/board/toolchain.ts';
import { EmulatorError } from '../../emulator/pool.ts';
import { startStopwatch } from '../../../host/clock/clock.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { wholeNumber } from '../../../host/cli/input.ts';
import { type CampaignHead, InjectionFile } from './file.ts';
import { againCommand, type InjectReport, reportText, Tally, worstFirst } from './report.ts';

/** Models by where they exist. */
const memoryModels: readonly ModelName[] = ['bit', 'double', 'burst', 'stuck'];
const boardModels: readonly ModelName[] = ['bit', 'double', 'burst', 'stuck', 'register', 'skip'];
const mixed: readonly ModelName[] = ['bit', 'double', 'burst'];

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

/** The models named by --model, in one order, each once. CommandError (2) names the one that the target does not have. */
export function modelsOf(text: string, target: string): readonly ModelName[] {
  const known = target === 'wasm' ? memoryModels : boardModels;
  if (text === 'mixed') return mixed;
  const wanted = text.split(',');
  for (const name of wanted) {
    if (known.includes(name as ModelName)) continue;
    const elsewhere = [...memoryModels, ...boardModels].includes(name as ModelName);
    const why = elsewhere ? `does not exist on ${target}` : 'is no fault model';
    const hint = target === 'wasm' && elsewhere ? `; take a board, as in --target m7 --model ${name}` : '';
    throw new CommandError(
      `--model '${name}' ${why}: known there are mixed, ${known.join(', ')}${hint}`,
      exitCode.usage,
    );
  }
  return known.filter((name) => wanted.includes(name));
}

/** Who strikes a target. */
async function campaignOn(target: string): Promise<InjectBoards> {
  if (target === 'wasm') return (await import('../../campaign/memory/pool.ts')).injectWasm;
  const { injectBoards } = await import('../../campaign/board/campaign.ts');
  return async (name, options) => {
    try {
      return await injectBoards(name, options);
    } catch (error) {
      if (error instanceof EmulatorError || error instanceof ToolError)
        throw new CommandError(error.message, exitCode.environment);
      throw error;
    }
  };
}

/** Injections if nobody says how many: an emulated board makes a few in a second. */
const injectionsDefault = { wasm: 20_000, board: 200 } as const;

/** A baseline of so many tells its rates to a few per cent of themselves; more of it would only take longer. */
const baselineMax = 4000;

interface Running {
  strike: InjectBoards;
  options: InjectOptions;
  models: readonly ModelName[];
  file: InjectionFile | null;
  tell: () => void;
}

/** One image's campaign: what the file knows already, and the rest. */
async function campaign(
  image: ImageName,
  { strike, options, models, file, tell }: Running,
): Promise<{ tally: Tally; facts: CampaignFacts; made: number }> {
  const tally = new Tally();
  const known = new Set<number>();
  let made = 0;
  for (const record of file?.records ?? []) {
    if (record.image !== image || record.index >= options.n || known.has(record.index)) continue;
    known.add(record.index);
    tally.add(record);
  }
  const onRecord = (record: InjectionRecord) => {
    tally.add(record);
    file?.add(record);
    made += 1;
    tell();
  };
  const { n, seed, jobs, only } = options;
  const facts = await strike(options.target, { models, n, seed, image, known, only, jobs, onRecord });
  file?.flush();
  return { tally, facts, made };
}

async function headOf({ target, seed }: InjectOptions, models: readonly ModelName[]): Promise<CampaignHead> {
  const { settingHashes } = await import('../../campaign/memory/images.ts');
  return { campaign: 1, target, seed, models: models.join(','), firmware: settingHashes() };
}

/** `heliograph inject`. Exit 0 when the campaign ran and no wrong value of the protected image was accepted by another node; 1 when one was. */
export async function inject(given: Omit<InjectOptions, 'n'> & { n?: number }): Promise<void> {
  const n = given.n ?? injectionsDefault[given.target === 'wasm' ? 'wasm' : 'board'];
  const options: InjectOptions = { ...given, n };
  const models = modelsOf(options.model, options.target);
  if (options.resume && options.out === undefined)
    throw new CommandError('--resume goes on with a file: name it with --out', exitCode.usage);
  const strike = await campaignOn(options.target);
  if (options.only !== undefined) return explain(strike, options, models);
  const file =
    options.out === undefined
      ? null
      : new InjectionFile(options.out, await headOf(options, models), options.resume === true);
  const baseline = options.baseline ?? Math.min(options.n, baselineMax);
  const images: [ImageName, number][] = options.unprotected
    ? [['unprotected', options.n]]
    : [
        ['protected', options.n],
        ['unprotected', baseline],
      ];
  const seconds = startStopwatch();
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value} of {total} injections  {eta_formatted} left' })
    : null;
  bar?.start(
    images.reduce((sum, [, n]) => sum + n, 0),
    (file?.records ?? []).length,
  );
  const running: Running = { strike, options, models, file, tell: () => bar?.increment() };
  const parts: Awaited<ReturnType<typeof campaign>>[] = [];
  try {
    for (const [image, n] of images)
      if (n > 0) parts.push(await campaign(image, { ...running, options: { ...options, n } }));
  } finally {
    bar?.stop();
    file?.flush();
  }
  const report = await reportOn(options, models, parts, seconds());
  console.log(options.json ? JSON.stringify(report) : reportText(report));
  if (!options.unprotected && report.sdcPropagated > 0) process.exitCode = exitCode.failed;
}

async function reportOn(
  options: InjectOptions,
  models: readonly ModelName[],
  parts: { tally: Tally; facts: CampaignFacts; made: number }[],
  wallS: number,
): Promise<InjectReport> {
  const { target, seed, jobs } = options;
  const image = ({ tally, facts }: (typeof parts)[number]) => tally.report(facts.firmware, facts.bits ?? null);
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
      : worstFirst(first.tally.failures).map((record) => ({ ...record, again: againCommand(record, mixed.join(',')) })),
    notes: first.facts.notes,
  };
}

/** `--only`: one injection by itself, told in full. */
async function explain(strike: InjectBoards, options: InjectOptions, models: readonly ModelName[]): Promise<void> {
  const { target, n, seed, jobs, only } = options;
  const image: ImageName = options.unprotected ? 'unprotected' : 'protected';
  const records: InjectionRecord[] = [];
  const onRecord = (record: InjectionRecord) => void records.push(record);
  await strike(target, { models, n, seed, image, known: new Set(), only, jobs, onRecord });
  const [record] = records;
  if (options.json) console.log(JSON.stringify(record));
  else {
    const { node, call, timeS, place, bits, model, outcome, reason } = record;
    const when = timeS === undefined ? '' : ` (${(timeS / 3600).toFixed(2)} h)`;
    console.log(
      `${image} image, ${model}: node ${node}, before call ${call}${when}, at ${place}: bits ${bits.join(', ')}`,
    );
    console.log(`${outcome}: ${reason}`);
  }
}

/** Wires the command. */
export function addInjectCommand(program: Command, examples: (...lines: string[]) => string): void {
  program
    .command('inject')
    .description('flip bits in a cluster of real firmware, again and again, and count what comes of it')
    .addOption(new Option('--target <name>', 'what is struck').choices(['wasm', ...targetNames]).default('wasm'))
    .option(
      '--model <list>',
      `fault models with commas between: ${memoryModels.join(', ')}; on boards register and skip too; mixed: bit, double and burst`,
      'mixed',
    )
    .option('--n <n>', 'injections (default: 20000; on boards 200)', wholeNumber('--n', 1, 100_000_000))
    .option('--seed <n>', 'what is drawn, is drawn from it', wholeNumber('--seed', 0, 0xffffffff), 1)
    .option('--unprotected', 'strike the image without protection only; else it is the baseline')
    .option(
      '--baseline <n>',
      `injections into the image without protection (default: as many, at most ${baselineMax})`,
      wholeNumber('--baseline', 0, 100_000_000),
    )
    .option('--jobs <n>', 'workers', wholeNumber('--jobs', 1, 256), cpus().length)
    .option('--out <file>', 'a JSON line per injection is written there')
    .option('--resume', 'go on with the file of --out')
    .option('--only <index>', 'make this injection alone and tell what happened', wholeNumber('--only', 0, 100_000_000))
    .option('--json', 'print the report as one JSON object')
    .addHelpText(
      'after',
      examples(
        'inject --n 2000',
        'inject --n 20000 --seed 1 --json',
        'inject --n 1500000 --out long.jsonl --resume',
        'inject --seed 1 --only 17',
      ),
    )
    .action(inject);
}

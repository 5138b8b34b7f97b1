/** Runs tests on mutants: records which test meets which switch, then lets these tests judge. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageName, imagePath, rootFolder } from '../../host/build/root.ts';
import { type BundledTest, bundleMutatedTests, bundleRunner } from './bundles.ts';
import { compileMutants } from './image.ts';
import type { Mutant } from './operators.ts';
import { RunnerPool } from './process.ts';
import { Results } from './results.ts';
import type { NumberedMutant } from './rewrite.ts';
import { isFirmware, isGolden } from './modules.ts';
import type { RecordedTest } from './runner.ts';

/**
 * Images that tests load in their own process. The others of asconfig.json leave out a part of
 * these.
 */
export const mutatedImages: readonly ImageName[] = ['flight', 'tiny', 'compact', 'fleet', 'tiny-null-cipher'];

export interface CampaignOptions {
  mutants: readonly Mutant[];
  tests: readonly string[];
  images: readonly ImageName[];
  /** Where images, programs and results lie; it may hold those of an earlier campaign. */
  folder: string;
  isResumed: boolean;
  jobs: number;
  /** Test files that take more processor seconds than this do not judge. */
  secondsMax: number;
  onProgress(done: number, note: string): void;
}

/** What became of a mutant. */
export interface Fate {
  mutant: Mutant;
  /** `refused`: the compiler does not accept the mutant. `unmet`: no test meets its place. */
  fate: 'killed' | 'golden' | 'survived' | 'unmet' | 'refused';
  /** The file and the test that failed. */
  killedBy: { file: string; title: string } | null;
}

/** A test file with what a run without mutants showed. */
interface RecordedFile extends BundledTest {
  tests: RecordedTest[];
  seconds: number;
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** Compiles every image; returns the numbers of the mutants that the compiler refused. */
async function compileImages(
  mutants: readonly NumberedMutant[],
  { images: wanted, folder }: CampaignOptions,
): Promise<Set<number>> {
  const inFirmware = mutants.filter(({ path }) => isFirmware(path));
  const writers = ['rewrite', 'image'].map((name) => readFileSync(join(rootFolder, `test/mutants/${name}.ts`), 'utf8'));
  const names = [...writers, ...inFirmware.map(({ id, number }) => `${number} ${id}`)].join('\n');
  const images: Record<string, string> = {};
  const refused = new Set<number>();
  for (const image of inFirmware.length > 0 ? wanted : []) {
    const built = sha256(readFileSync(imagePath(image)));
    const stem = `${image}-${sha256(`${built} ${names}`).slice(0, 16)}`;
    const list = join(folder, `${stem}.json`);
    if (!existsSync(list)) {
      const compiled = await compileMutants(image, inFirmware, mutants.length);
      writeFileSync(join(folder, `${stem}.wasm`), compiled.bytes);
      writeFileSync(list, JSON.stringify(compiled.refused.map(({ number }) => number)));
    }
    for (const number of JSON.parse(readFileSync(list, 'utf8')) as number[]) refused.add(number);
    images[built] = `${stem}.wasm`;
  }
  writeFileSync(join(folder, 'images.json'), JSON.stringify(images));
  return refused;
}

/** Runs `work` on all items, `jobs` at a time. */
async function inLanes<Item>(items: readonly Item[], jobs: number, work: (item: Item) => Promise<void>) {
  const queue = [...items];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, lane));
}

/** A campaign at work. */
class Campaign {
  readonly #options: CampaignOptions;
  readonly #mutants: readonly NumberedMutant[];
  readonly #fates = new Map<number, Fate>();
  readonly #results: Results;
  readonly #subjects = new Map<string, string>();
  readonly pool: RunnerPool;

  constructor(options: CampaignOptions, mutants: readonly NumberedMutant[]) {
    this.#options = options;
    this.#mutants = mutants;
    this.#results = new Results(join(options.folder, 'results.jsonl'), options.isResumed);
    this.pool = new RunnerPool(options.folder);
  }

  /** Digest of what a mutant changes. */
  #subjectOf({ path }: Mutant): string {
    const file = isFirmware(path) ? imagePath('flight') : join(rootFolder, path);
    if (!this.#subjects.has(file)) this.#subjects.set(file, sha256(readFileSync(file)).slice(0, 16));
    return this.#subjects.get(file)!;
  }

  settle(number: number, fate: Fate['fate'], killedBy: Fate['killedBy'] = null): void {
    this.#fates.set(number, { mutant: this.#mutants[number], fate, killedBy });
  }

  isOpen(number: number): boolean {
    return !this.#fates.has(number);
  }

  /** Runs every file once without a mutant. Files that fail or take too long do not judge. */
  async record(files: readonly BundledTest[]): Promise<RecordedFile[]> {
    const { folder, jobs, secondsMax, onProgress } = this.#options;
    const path = join(folder, 'recorded.json');
    const imageNames = readFileSync(join(folder, 'images.json'), 'utf8');
    const names = sha256(imageNames + this.#mutants.map(({ id }) => id).join('\n'));
    const known: Record<string, RecordedTest[]> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
    const recorded: RecordedFile[] = [];
    await inLanes(files, jobs, async (file) => {
      const key = `${file.path} ${file.digest} ${names}`;
      const tests = (known[key] ??= await this.pool.record(file.bundle, secondsMax));
      writeFileSync(path, JSON.stringify(known));
      const failed = tests.find(({ failure }) => failure !== null);
      if (failed !== undefined) onProgress(0, `${file.path} does not judge: ${failed.title}: ${failed.failure}`);
      else recorded.push({ ...file, tests, seconds: tests.reduce((sum, { seconds }) => sum + seconds, 0) });
    });
    // The cheapest first; golden tests judge only what all others let live.
    return recorded.sort((a, b) => Number(isGolden(a.path)) - Number(isGolden(b.path)) || a.seconds - b.seconds);
  }

  /** Lets a file judge all open mutants whose switches it meets. */
  async judge(file: RecordedFile): Promise<void> {
    const { jobs, onProgress } = this.#options;
    const lastTests = new Map<number, number>();
    for (const [index, { seen }] of file.tests.entries()) for (const number of seen) lastTests.set(number, index);
    const runs = [...lastTests]
      .map(([number, lastTest]) => ({ number, lastTest }))
      .filter(({ number }) => this.isOpen(number) && !this.#takeKnown(number, file));
    const chunks = Array.from({ length: jobs }, (_, lane) => runs.filter((_run, index) => index % jobs === lane));
    await inLanes(chunks, jobs, (chunk) =>
      this.pool.judge(file.bundle, chunk, file.seconds, ({ number, killedBy, why }) => {
        this.#refuseOtherImages();
        const mutant = this.#mutants[number];
        this.#results.add({ ...this.#keyOf(mutant, file), killedBy, why });
        this.#takeKnown(number, file);
        onProgress(this.#fates.size, file.path);
      }),
    );
  }

  /** A build during the campaign makes images that have no mutants: every mutant would live. */
  #refuseOtherImages(): void {
    const known = JSON.parse(readFileSync(join(this.#options.folder, 'images.json'), 'utf8'));
    for (const image of Object.keys(known).length > 0 ? this.#options.images : [])
      if (known[sha256(readFileSync(imagePath(image)))] === undefined)
        throw new Error(`the ${image} image was built anew during the campaign: run it again with --resume`);
  }

  #keyOf(mutant: Mutant, { path, digest }: BundledTest) {
    return { subject: this.#subjectOf(mutant), mutant: mutant.id, file: path, test: digest };
  }

  /** Takes the verdict from the results; false when there is none. */
  #takeKnown(number: number, file: BundledTest): boolean {
    const known = this.#results.find(this.#keyOf(this.#mutants[number], file));
    if (known === undefined) return false;
    if (known.killedBy !== null)
      this.settle(number, isGolden(file.path) ? 'golden' : 'killed', { file: file.path, title: known.killedBy });
    return true;
  }

  fates(): Fate[] {
    return this.#mutants.map(({ number }) => this.#fates.get(number)!);
  }
}

/** Runs a campaign; the fate of each mutant, in their order. */
export async function runCampaign(options: CampaignOptions): Promise<Fate[]> {
  const { folder, tests, onProgress } = options;
  mkdirSync(folder, { recursive: true });
  const mutants = options.mutants.map((mutant, number) => ({ ...mutant, number }));
  onProgress(0, 'compiling');
  const refused = await compileImages(mutants, options);
  await bundleRunner(folder);
  const inHost = mutants.filter(({ path }) => !isFirmware(path));
  const bundled = await bundleMutatedTests(tests, inHost, join(folder, 'tests'));
  const campaign = new Campaign(options, mutants);
  const stop = () => {
    campaign.pool.close();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  for (const number of refused) campaign.settle(number, 'refused');
  const files = await campaign.record(bundled);
  const met = new Set(files.flatMap((file) => file.tests.flatMap(({ seen }) => seen)));
  for (const { number } of mutants) if (campaign.isOpen(number) && !met.has(number)) campaign.settle(number, 'unmet');
  for (const file of files) await campaign.judge(file);
  for (const { number } of mutants) if (campaign.isOpen(number)) campaign.settle(number, 'survived');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  return campaign.fates();
}

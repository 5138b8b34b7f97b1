/** Names the modules whose sources are mutated, and the tests that may judge a mutant. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '../../host/build/paths.mjs';
import { rootFolder } from '../../host/build/root.ts';
import { leaseMutants } from './lease.ts';
import { mutantsOf, type Mutant } from './operators.ts';

/**
 * The folders of each module. Of the firmware, `wire` is generated and `signature` an image of its
 * own.
 */
const foldersOf: Record<string, readonly string[]> = {
  watchdog: ['firmware/watchdog'],
  convergence: ['firmware/convergence'],
  schedule: ['firmware/schedule'],
  intent: ['firmware/intent'],
  membership: ['firmware/membership'],
  security: ['firmware/security'],
  protection: ['firmware/protection', 'firmware/memory'],
  edge: ['firmware/edge'],
  node: ['firmware/node'],
  judges: ['hwsim/check'],
  channel: ['hwsim/channel'],
  host: ['host/node', 'host/platform', 'host/radio', 'host/store', 'host/security', 'host/cbor', 'host/clock'],
};

/** Named mutants of the lease proof, beside those that operators make. */
const leaseModule = 'lease';

export const moduleNames: readonly string[] = [...Object.keys(foldersOf), leaseModule];

/** What holds only layouts and names: a mutant there is no rule that a test could state. */
const skippedSources = /(^|\/)(accessors|table|records|generated\w*|shape)\.ts$|\.worker\.ts$|\/(generated|runtime)\//;

/** True for a source of the firmware, which is compiled into images. */
export const isFirmware = (path: string) => path.startsWith('firmware/');

/** The sources of a module. */
function sourcesOf(room: string): string[] {
  return foldersOf[room].flatMap((folder) => filesBelow(folder, ['.ts'])).filter((path) => !skippedSources.test(path));
}

/** Every mutant of a module, in the order of the sources. */
export function mutantsOfModule(room: string): Mutant[] {
  if (room === leaseModule) return leaseMutants();
  return sourcesOf(room).flatMap((path) => mutantsOf(path, readFileSync(join(rootFolder, path), 'utf8'), room));
}

/** Folders whose tests state rules of the modules above, on images in this process. */
const testFolders = [
  'campaign',
  'check',
  'firmware',
  'host',
  'hwsim',
  'proto',
  'radiation',
  'schedule',
  'security',
  'transcripts',
  'watchdog',
  'convergence',
];

/** Tests that compare a run with a recorded text, which `--rewrite` writes: they state no rule. */
const goldenTests = /^test\/transcripts\//;

export const isGolden = (path: string) => goldenTests.test(path);

/** Test files that may judge: those that need nothing besides npm packages. */
export function judgingTests(): string[] {
  return testFolders
    .flatMap((folder) => filesBelow(`test/${folder}`, ['.test.ts']))
    .filter((path) => !path.endsWith('.long.test.ts'))
    .filter((path) => !/^\/\/ needs:/m.test(readFileSync(join(rootFolder, path), 'utf8')));
}

/**
 * Draws at most `limit` mutants of a module, by the digests of the seed and their ids: the draw
 * changes only where the sources do. They come in the order of the sources.
 */
export function drawMutants(room: string, limit: number, seed: string): Mutant[] {
  const all = mutantsOfModule(room);
  const orderOf = ({ id }: Mutant) => createHash('sha256').update(`${seed}${id}`).digest('hex');
  const sorted = all.map((mutant) => ({ mutant, order: orderOf(mutant) })).sort((a, b) => (a.order < b.order ? -1 : 1));
  const drawn = new Set(sorted.slice(0, limit).map(({ mutant }) => mutant));
  return all.filter((mutant) => drawn.has(mutant));
}

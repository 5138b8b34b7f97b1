/**
 * Measures how many small changes of meaning the tests notice (mutation testing).
 *
 *     npm run test:mutants [-- --room=R…] [--limit=N] [--seed=S] [--json] [--resume] [--record]
 *                          [--jobs=N] [--seconds=N] [--tests=PART…] [--only=PART…] [--image=NAME…]
 *
 * --room=R      only this module: one of the firmware, `judges`, `channel`, `host` or `lease`: the
 *               named mutants of the lease proof (lease.ts)
 * --limit=N     N mutants of each module, drawn by the digest of their names; default 40; 0 = all
 * --seed=S      draws others: digests begin with this text, which is empty by default
 * --json        the result as one JSON object
 * --resume      takes verdicts from the last campaign in dist/mutants/
 * --record      writes the rows of these modules in docs/results/mutants.md and mutants.json
 * --jobs=N      N processes at a time instead of one
 * --seconds=N   test files that take more than N seconds of processor time do not judge; default 15
 * --tests=PART  only test files whose path contains this judge
 * --only=PART   only mutants whose id contains this, as `own/lease.ts:leaseEndS`; all of them
 * --image=NAME  only this image of the firmware has mutants; default: all that tests load
 *
 * Each mutant runs the test files that meet its place, cheapest first, until one fails. A mutant
 * that only a golden transcript notices counts as `golden`. Exit 0 when all mutants ran.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rootFolder } from '../../host/build/root.ts';
import { readSeconds } from '../../host/build/test_records.mjs';
import { startProgress } from '../../host/cli/progress.ts';
import { mutatedImages, runCampaign } from './campaign.ts';
import { readEquivalents } from './equivalents.ts';
import { asJson, summarise, tableOf, writeResults } from './report.ts';
import { drawMutants, judgingTests, moduleNames, mutantsOfModule } from './modules.ts';

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least) fail(`--${name} is '${text}', not a whole number from ${least} on`);
  return value;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        room: { type: 'string', multiple: true, default: [...moduleNames] },
        limit: { type: 'string', default: '40' },
        seed: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        resume: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
        jobs: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '15' },
        tests: { type: 'string', multiple: true, default: [''] },
        only: { type: 'string', multiple: true, default: [] },
        image: { type: 'string', multiple: true, default: [...mutatedImages] },
      },
    });
    return values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const options = readOptions();
const unknown = options.room.find((room) => !moduleNames.includes(room));
if (unknown !== undefined) fail(`--room is '${unknown}', not one of ${moduleNames.join(', ')}`);
const limit = wholeNumber('limit', options.limit, 0) || Number.POSITIVE_INFINITY;
const seconds = wholeNumber('seconds', options.seconds, 1);
const recorded = readSeconds();
const tests = judgingTests()
  .filter((path) => options.tests.some((part) => path.includes(part)))
  .filter((path) => (recorded[path] ?? 0) <= seconds);
if (tests.length === 0) fail(`--tests=${options.tests.join(' ')} selects no test file that may judge`);
const images = mutatedImages.filter((image) => options.image.includes(image));
if (images.length < options.image.length) fail(`--image is not one of ${mutatedImages.join(', ')}`);
const mutants = options.room.flatMap((room) =>
  options.only.length === 0
    ? drawMutants(room, limit, options.seed)
    : mutantsOfModule(room).filter(({ id }) => options.only.some((part) => id.includes(part))),
);
if (mutants.length === 0) fail(`--only=${options.only.join(' ')} selects no mutant`);
const progress = startProgress('mutants', mutants.length);
const fates = await runCampaign({
  mutants,
  tests,
  images,
  folder: join(rootFolder, 'dist/mutants'),
  isResumed: options.resume,
  jobs: wholeNumber('jobs', options.jobs, 1),
  secondsMax: seconds,
  onProgress: (done, note) => progress.update(done, note),
});
progress.stop();
const results = summarise(fates, readEquivalents());
if (options.record) writeResults(results, { command: process.argv.slice(2), seconds, images });
console.log(options.json ? JSON.stringify(asJson(results)) : tableOf(results));

/**
 * Coverage-guided fuzzing of decode and dispatch.
 *
 *     npm run fuzz -- [IMAGE] [--runs N] [--seed S] [--thorough] [--keep]
 *     npm run fuzz -- --page LOG…
 *
 * IMAGE: tiny-null-cipher (default), fleet, tiny or flight. The run's log, its corpus and
 * what crashes lie in dist/fuzz/IMAGE. --thorough: with AddressSanitizer and comparisons reported.
 * --keep: the corpus, reduced to what adds coverage, takes the place of
 * test/security/corpus/IMAGE.bin. --page prints docs/results/fuzz.md of the logs of runs. Exit 1 on
 * a crash.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rootFolder } from '../../../host/build/root.ts';
import { buildFuzzer, fuzzed, type FuzzedImage } from './build.ts';
import { packFolder, unpack, writeInputs } from './corpus_file.ts';
import { readLog } from './log.ts';
import { fuzzPage } from './page.ts';
import { seeds } from './steps.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    thorough: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
  },
});

if (values.page) process.stdout.write(fuzzPage(positionals));
else process.exitCode = await fuzz((positionals[0] ?? 'tiny-null-cipher') as FuzzedImage);

async function fuzz(image: FuzzedImage): Promise<number> {
  if (!(image in fuzzed)) throw new Error(`no fuzzed image '${image}'; there are ${Object.keys(fuzzed).join(', ')}`);
  const program = await buildFuzzer(image, { thorough: values.thorough });
  const folder = join(program, '..');
  const at = (name: string) => join(folder, name);
  const kept = join(rootFolder, 'test/security/corpus', `${image}.bin`);
  writeInputs(at('seeds'), [...seeds(fuzzed[image]).values(), ...(existsSync(kept) ? unpack(readFileSync(kept)) : [])]);
  mkdirSync(at('corpus'), { recursive: true });
  const words = [
    `-seed=${values.seed}`,
    `-runs=${values.runs}`,
    '-entropic=0',
    '-max_len=400',
    '-print_final_stats=1',
    `-artifact_prefix=${folder}/`,
  ];
  const log = openSync(at('log'), 'w');
  console.error(`${program} corpus seeds ${words.join(' ')}   (log: ${at('log')})`);
  const { status } = spawnSync(program, [at('corpus'), at('seeds'), ...words], {
    cwd: folder,
    stdio: ['ignore', log, log],
  });
  console.log(JSON.stringify(readLog(readFileSync(at('log'), 'utf8'))));
  if (values.keep && status === 0) keep(program, folder, kept);
  return status === 0 ? 0 : 1;
}

function keep(program: string, folder: string, path: string): void {
  const least = join(folder, 'least');
  rmSync(least, { recursive: true, force: true });
  mkdirSync(least);
  const { status } = spawnSync(program, ['-merge=1', least, join(folder, 'corpus'), join(folder, 'seeds')], {
    cwd: folder,
    stdio: 'ignore',
  });
  if (status !== 0) throw new Error('libFuzzer cannot reduce the corpus');
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, packFolder(least));
}

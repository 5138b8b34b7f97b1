// docs/results/fuzz.md out of the logs of runs.

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { rootFolder } from '../../../host/build/root.ts';
import { readLog } from './log.ts';

const count = (value: number) => value.toLocaleString('en');

interface Row {
  readonly image: string;
  readonly log: string;
  readonly text: string;
}

/**
 * A log lies in dist/fuzz/IMAGE or a folder below; `-thorough` behind the image: with
 * AddressSanitizer.
 */
function rowOf(path: string): Row {
  const [, , image] = relative(rootFolder, path).split('/');
  return { image, log: relative(rootFolder, path), text: readFileSync(path, 'utf8') };
}

function tableRow({ image, text }: Row): string {
  const run = readLog(text);
  const seed = /^INFO: Seed: (\d+)/m.exec(text)?.[1] ?? '';
  const { frames = 0, records = 0, boots = 0, ticks = 0 } = run.given;
  const taken = (what: string) => `${count(run.given[what] ?? 0)} (${count(run.given[`${what} taken`] ?? 0)})`;
  const cells = [
    `\`${image}\` ${run.image?.slice(0, 16) ?? '(not recorded)'}`,
    seed,
    count(run.runs),
    count(run.perSecond),
    count(frames + records + boots),
    taken('frames'),
    taken('records'),
    taken('boots'),
    count(ticks),
    `${count(run.edges)} of ${count(run.edgesAll)}`,
    count(run.inputs),
    run.crash ?? 'none',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The page. Throws when a path is no log. */
export function fuzzPage(paths: readonly string[]): string {
  const rows = paths.map((path) => rowOf(join(process.cwd(), path)));
  const logs = rows.map(({ log }) => log).join(' ');
  const runs = count(rows.reduce((sum, { text }) => sum + readLog(text).runs, 0));
  const columns =
    'image | seed | runs | runs/s | inputs given | frames (taken) | records (taken) | boots (taken) | ticks | ' +
    'edges | inputs kept | crashes';
  return `# Coverage-guided fuzzing of decode and dispatch

Runs by \`npm run fuzz -- IMAGE --runs N --seed S\`, page by
\`npm run -s fuzz -- --page ${logs} > docs/results/fuzz.md\`.
${cpus()[0]?.model}, one core, beside other work.

The image is translated as boards translate it (wasm2c), instrumented by clang and driven by
libFuzzer through test/security/fuzz/harness.c. A run begins in one of four states (just booted;
without the time; at work, with intents, assignments and two key epochs; in the middle of a key
epoch's cover) and takes up to ten steps: frames that are sealed correctly and have any content,
frames with a correct CRC-32C, bare bytes, records of the platform, time that passes or leaps,
outputs that are fetched, restarts from a checkpoint, frames given again, boots.

A crash is: a trap; an access outside static data, the context and the very bytes that the call was
given; a rejected input that changed the state or raised a flag; a frame taken twice; an output
longer than its buffer; a checkpoint that cannot be made or restored; with the real cipher, any
frame taken at all.

In all ${runs} runs. What was found and is kept from coming back: test/security/negative/time.test.ts.

| ${columns} |
|---|---|---|---|---|---|---|---|---|---|---|---|
${rows.map(tableRow).join('\n')}

Behind an image’s name stands the beginning of its SHA-256. Runs may have been interrupted; what was
given is as of the last 2¹⁸ runs. Edges are those of the translated C, bounds checks that can only
fail by a fault among them.
`;
}

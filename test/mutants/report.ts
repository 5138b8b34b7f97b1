/** Sums up a campaign by module, as a table, as JSON and as the page of results. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { flightImage, presentCommit } from '../../host/build/test_records.mjs';
import { rootFolder } from '../../host/build/root.ts';
import type { Fate } from './campaign.ts';
import { mutantsOfModule, moduleNames } from './modules.ts';

interface Survivor {
  id: string;
  line: number;
  original: string;
  mutated: string | null;
  /** False: no test that judges meets the place. */
  isMet: boolean;
}

/** What became of the mutants of one module. Refused mutants do not count. */
export interface ModuleResult {
  name: string;
  /** How many mutants the operators make in the module. */
  candidates: number;
  /** How many of them ran. */
  mutants: number;
  killed: number;
  golden: number;
  equivalent: number;
  survivors: Survivor[];
}

const shareOf = ({ killed, mutants, equivalent }: ModuleResult) =>
  mutants === equivalent ? '–' : `${((100 * killed) / (mutants - equivalent)).toFixed(0)} %`;

export function summarise(fates: readonly Fate[], equivalents: ReadonlyMap<string, string>): ModuleResult[] {
  const modules = [...new Set(fates.map(({ mutant }) => mutant.room))];
  return modules.map((name) => {
    const here = fates.filter(({ mutant, fate }) => mutant.room === name && fate !== 'refused');
    const count = (wanted: Fate['fate']) => here.filter(({ fate }) => fate === wanted).length;
    const alive = here.filter(({ fate }) => fate === 'survived' || fate === 'unmet');
    const survivors = alive.filter(({ mutant }) => !equivalents.has(mutant.id));
    return {
      name,
      candidates: mutantsOfModule(name).length,
      mutants: here.length,
      killed: count('killed'),
      golden: count('golden'),
      equivalent: alive.length - survivors.length,
      survivors: survivors.map(({ mutant: { id, line, original, mutated }, fate }) => ({
        id,
        line,
        original,
        mutated,
        isMet: fate === 'survived',
      })),
    };
  });
}

const inOneLine = (text: string) => text.replace(/\s+/g, ' ');

/** One line for each module, then one for each survivor. */
export function tableOf(modules: readonly ModuleResult[]): string {
  const head = 'module        mutants  killed  golden  equivalent  survivors  killed by rules';
  const rows = modules.map((room) => {
    const { name, mutants, killed, golden, equivalent, survivors } = room;
    const cells = [mutants, killed, golden, equivalent, survivors.length].map(String);
    const widths = [7, 6, 6, 10, 9];
    const counts = cells.map((cell, index) => `  ${cell.padStart(widths[index])}`).join('');
    return `${name.padEnd(12)}${counts}  ${shareOf(room).padStart(15)}`;
  });
  const lines = modules.flatMap(({ survivors }) =>
    survivors.map(({ id, line, original, mutated, isMet }) => {
      const change =
        mutated === null ? `without ${inOneLine(original)}` : `${inOneLine(original)} → ${inOneLine(mutated)}`;
      return `${isMet ? 'lives' : 'unmet'}  ${id}  line ${line}\n       ${change}`;
    }),
  );
  return [head, ...rows, ...lines].join('\n');
}

/** The form in which results are published. */
export const asJson = <Result extends ModuleResult>(results: readonly Result[]) => ({ rooms: results });

interface Recorded extends ModuleResult {
  day: string;
  commit: string;
  image: string;
  command: string;
  secondsMax: number;
  /** Images that had mutants; tests of the others judge no firmware. */
  images: readonly string[];
}

const jsonPath = join(rootFolder, 'docs/results/mutants.json');
const pagePath = join(rootFolder, 'docs/results/mutants.md');

function pageOf(modules: readonly Recorded[]): string {
  const rows = modules.map((room) => {
    const { name, candidates, mutants, killed, golden, equivalent, survivors, day, commit, image } = room;
    const unmet = survivors.filter(({ isMet }) => !isMet).length;
    const counts = [candidates, mutants, killed, golden, equivalent, survivors.length, unmet];
    return `| ${[name, ...counts, shareOf(room), day, commit, image].join(' | ')} |`;
  });
  const secondsMax = [...new Set(modules.map((each) => each.secondsMax))];
  const images = [...new Set(modules.flatMap((each) => each.images))];
  const missing = moduleNames.filter((room) => modules.every(({ name }) => name !== room));
  return [
    '# Mutants',
    '',
    'How many small changes of meaning the tests notice. Written by `npm run test:mutants -- --record`, a row for',
    'each module that it ran; [mutants.json](mutants.json) names every survivor.',
    '',
    '- *candidates*: mutants that the operators make in the module; *run*: how many of them were drawn and compiled.',
    '- *killed*: a test that states a rule failed. *Golden*: only a golden transcript noticed.',
    '- *equivalent*: lives, and test/mutants/equivalent.yaml says why no test has to kill it.',
    '- *survivors*: no test that judges noticed; *unmet*: those of them whose place no such test reaches.',
    '- *share*: killed of those that are not equivalent. The goal is 85 % in every module.',
    '',
    'Test files that need boards, Wasmtime or other tools do not judge, nor do those that take more than the',
    `processor time of \`--seconds\` (here ${secondsMax.join(' or ')} s):`,
    `the whole \`npm test\` notices more than this page says. Images with mutants: ${images.join(', ')}.`,
    '',
    '| module | candidates | run | killed | golden | equivalent | survivors | unmet | share | day | commit | image |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    ...(missing.length > 0 ? [`Not run yet: ${missing.join(', ')}.`, ''] : []),
    `Machine: Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}.`,
    '',
  ].join('\n');
}

/** Writes the rows of these modules in docs/results; the others stay as they are. */
export function writeResults(
  modules: readonly ModuleResult[],
  run: { command: string[]; seconds: number; images: readonly string[] },
): void {
  const before: Recorded[] = existsSync(jsonPath) ? JSON.parse(readFileSync(jsonPath, 'utf8')).rooms : [];
  const facts = {
    day: new Date().toISOString().slice(0, 10),
    commit: presentCommit(),
    image: flightImage(),
    command: ['npm run test:mutants --', ...run.command].join(' '),
    secondsMax: run.seconds,
    images: run.images,
  };
  const all = new Map(before.map((room) => [room.name, room]));
  for (const room of modules) all.set(room.name, { ...room, ...facts });
  const sorted = moduleNames.flatMap((name) => all.get(name) ?? []);
  writeFileSync(jsonPath, `${JSON.stringify(asJson(sorted), null, 1)}\n`);
  writeFileSync(pagePath, pageOf(sorted));
}

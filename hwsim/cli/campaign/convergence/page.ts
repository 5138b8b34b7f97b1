import { z } from 'zod';
import { CommandError, exitCode } from '../../../../host/cli/exit.ts';
import { print } from '../../../../host/cli/output.ts';
import {
  type ConvergenceFlight,
  type ConvergenceSetting,
  type ConvergenceSummary,
  convergenceImages,
  convergenceSummary,
  disruptionKinds,
} from '../../../campaign/cluster/convergence.ts';
import { convergenceRow } from './row.ts';
import { figures, intervalNote, phaseCells, phaseColumns, timeCells, timeColumns } from './text.ts';
import { readCampaign } from '../json_lines.ts';

const headSchema = z.looseObject({
  ...{ kind: z.literal('convergence'), image: z.enum(convergenceImages) },
  ...{ nodes: z.int(), loss: z.number(), firmware: z.string() },
});
type Head = ConvergenceSetting & { firmware: string };

/** The flights of one setting and image, of all files. */
interface Part {
  head: Head;
  /** By seed: the flight and the file that has it. */
  flights: Map<number, { flight: ConvergenceFlight; file: string }>;
}

/** Lists sorted seeds as ranges: `1..3 7`. */
export function rangesOf(seeds: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const seed of seeds) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === seed) last[1] = seed;
    else ranges.push([seed, seed]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`)).join(' ');
}

/** Reads the files. Throws CommandError (3) when two have one seed of one setting and image. */
function partsOf(files: readonly string[]): Part[] {
  const parts = new Map<string, Part>();
  for (const file of files) {
    const { head, records } = readCampaign<Head, ConvergenceFlight>(file, { head: headSchema, row: convergenceRow });
    const key = [head.image, head.firmware, head.nodes, head.loss].join(' ');
    const part = parts.get(key) ?? { head, flights: new Map() };
    parts.set(key, part);
    for (const flight of records) {
      const other = part.flights.get(flight.seed);
      if (other !== undefined)
        throw new CommandError(
          `${file}: seed ${flight.seed} stands in ${other.file} too: leave one out`,
          exitCode.input,
        );
      part.flights.set(flight.seed, { flight, file });
    }
  }
  const bySetting = (a: Part, b: Part) =>
    a.head.nodes - b.head.nodes || a.head.loss - b.head.loss || a.head.image.localeCompare(b.head.image);
  return [...parts.values()].filter(({ flights }) => flights.size > 0).sort(bySetting);
}

const tableText = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const sectionTitle = ({ image, firmware, nodes, loss }: Head) =>
  `## ${nodes} nodes, ${(loss * 100).toFixed(0)} % loss, ${image} image ${firmware.slice(0, 16)}`;

/** Lists the commands that fly the seeds of a part. */
function commandsOf({ image, nodes, loss }: Head, ranges: string): string {
  const options = `--image ${image} --nodes ${nodes} --loss ${loss}`;
  return ranges
    .split(' ')
    .map((range) => `    npx heliograph convergence ${options} --seeds ${range} --out FILE`)
    .join('\n');
}

function sectionOf({ head, flights }: Part): string {
  const seeds = [...flights.keys()].sort((a, b) => a - b);
  const flown = seeds.flatMap((seed) => flights.get(seed)?.flight ?? []);
  const summary: ConvergenceSummary = convergenceSummary(head, flown);
  const kinds = disruptionKinds.map((kind) => summary.kinds[kind]);
  const times = disruptionKinds.map((kind, index) => [kind, ...timeCells(kinds[index])]);
  const spent = disruptionKinds.map((kind, index) => [kind, ...phaseCells(kinds[index])]);
  const note = intervalNote(kinds);
  const failed = flown.filter((flight) => flight.failed.length > 0);
  return [
    sectionTitle(head),
    `${seeds.length} flights, seeds ${rangesOf(seeds)}:`,
    commandsOf(head, rangesOf(seeds)),
    tableText(['minutes', ...timeColumns], times),
    ...(note === null ? [] : [note]),
    tableText(['minutes', ...phaseColumns], spent),
    tableText(['figure', 'value'], figures(summary)),
    failed.length === 0
      ? 'All checks held in all flights.'
      : `Checks failed: ${failed.map((flight) => `seed ${flight.seed}: ${flight.failed.join('; ')}`).join('. ')}.`,
  ].join('\n\n');
}

const introduction = `# How soon clusters converge, by kind of disruption

Flights in the world of \`cluster-neo\`, planning and contact windows on, with deaths, resets, occultations, depleted
lots and lost tugs, one at a time (docs/commands.md). Judged as docs/judges.md says; times are minutes from the onset.
Options of each section are in its command; \`--jobs N\` flies N seeds at a time, which changes no figure. This page:

    npx heliograph convergence page FILE... > docs/results/convergence.md

- *late*: not converged within the SLA; *never*: not converged in the flight. *kg lost*: mean per disruption.
- Phases follow each other and sum to the mean time: until all know (detect), until views agree (agree), until nothing
  is bound to what is lost (lease), until no conflict is open (claim), until production is back (resume).
- *On board*: the coordinator's own figure (CVG-2). *Leases*: definitions.md, lapsed lease. *Alarms*: CVG-4.`;

/**
 * Makes docs/results/convergence.md of files of `heliograph convergence --out`: one section for
 * each setting and image. Throws CommandError (3).
 */
export function convergencePageOf(files: readonly string[]): string {
  const parts = partsOf(files);
  if (parts.length === 0) throw new CommandError(`${files.join(' ')}: no flight yet`, exitCode.input);
  return [introduction, ...parts.map(sectionOf)].join('\n\n');
}

/** Runs `heliograph convergence page`. */
export async function convergencePage(files: string[]): Promise<void> {
  print(convergencePageOf(files));
}

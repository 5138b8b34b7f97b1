import { z } from 'zod';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { readInput } from '../../../host/cli/input.ts';
import { print } from '../../../host/cli/output.ts';
import { fitLine } from '../../campaign/statistics.ts';
import type { FleetResult, SlaSummary } from '../../federation/report.ts';

const positive = z.number().positive();
const classSchema = z.looseObject({ n: z.int(), breaches: z.int(), p50S: z.number().nullable() });
/** What the page reads of a result. */
const resultSchema = z.looseObject({
  ...{ traceHash: z.string(), decisionHash: z.string(), seed: z.int(), days: positive, nodes: z.int().positive() },
  /** What was drawn has no cost of firmware. Results from before that rung name none. */
  rung: z.literal('firmware').default('firmware'),
  ...{ image: z.enum(['flight', 'fleet']), firmware: z.looseObject({ sha256: z.string() }), events: z.int() },
  ...{ clusters: z.int(), regions: z.int(), threads: z.int(), wallS: positive, processorS: positive, rssMiB: positive },
  sla: z.looseObject({ node: classSchema, cluster: classSchema, crossCluster: classSchema, fleet: classSchema }),
  production: z.looseObject({ achievableKg: positive, actualKg: z.number() }),
  known: z.looseObject({ p50Min: z.number().nullable(), maxMin: z.number().nullable() }),
  checks: z.array(z.looseObject({ id: z.string(), ok: z.boolean() })),
});

const whole = (value: number) => Math.round(value).toLocaleString('en');
const dash = '–';

/** Reads a result. Throws CommandError (3) that names the file. */
function readResult(path: string): FleetResult {
  try {
    return resultSchema.parse(JSON.parse(readInput(path))) as unknown as FleetResult;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `${path}: is no fleet.json of \`heliograph fleet --out\`, in which every node flew`,
      exitCode.input,
    );
  }
}

const tableText = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function costRow(result: FleetResult): (string | number)[] {
  const { nodes, clusters, regions, days, seed, image, processorS, wallS, threads, rssMiB, events } = result;
  const perNodeDay = ((1000 * processorS) / nodes / days).toFixed(1);
  const parts = [nodes, clusters, regions, days, seed, image].map((value) => value.toLocaleString('en'));
  return [...parts, perNodeDay, whole(wallS), threads, whole(events / nodes / days), whole(rssMiB)];
}

function slaRow({ nodes, image, days }: FleetResult, name: string, sla: SlaSummary): (string | number)[] {
  const minutes = (s: number | null) => (s === null ? dash : (s / 60).toFixed(1));
  const times = [sla.p50S, sla.p99S, sla.maxS].map(minutes);
  return [whole(nodes), image, days, name, sla.n, ...times, sla.breaches];
}

function slaRows(result: FleetResult): (string | number)[][] {
  const { node, cluster, crossCluster, fleet } = result.sla;
  const named = { node, cluster, 'cross-cluster': crossCluster, fleet };
  const judged = Object.entries(named).filter(([, { n }]) => n > 0);
  return judged.map(([name, sla]) => slaRow(result, name, sla));
}

function figureRow(result: FleetResult): (string | number)[] {
  const { nodes, image, days, production, known, checks, decisionHash, traceHash, firmware } = result;
  const age = ({ p50Min, maxMin }: FleetResult['known']) =>
    p50Min === null || maxMin === null ? dash : `${(p50Min / 60).toFixed(1)} / ${(maxMin / 60).toFixed(1)}`;
  const failed = checks.filter(({ ok }) => !ok).map(({ id }) => id);
  return [
    ...[whole(nodes), image, days],
    `${((100 * production.actualKg) / production.achievableKg).toFixed(1)} %`,
    age(known),
    failed.length === 0 ? 'all hold' : failed.join(', '),
    ...[decisionHash, traceHash, firmware.sha256.slice(0, 8)],
  ];
}

/** The flights of the fleet image with equal days and threads that flew the most sizes. */
function comparable(results: readonly FleetResult[]): FleetResult[] {
  const groups = new Map<string, FleetResult[]>();
  for (const result of results.filter(({ image }) => image === 'fleet')) {
    const key = `${result.days} ${result.threads}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const sizesOf = (group: readonly FleetResult[]) => new Set(group.map(({ nodes }) => nodes)).size;
  const sorted = [...groups.values()].sort((one, other) => sizesOf(other) - sizesOf(one));
  return sorted[0] ?? [];
}

/** What a node costs, fitted over flights with different numbers of nodes. */
export function costLine(results: readonly FleetResult[]): string {
  const group = comparable(results);
  const sizes = [...new Set(group.map(({ nodes }) => nodes))].sort((one, other) => one - other);
  if (sizes.length < 2) return 'Cost per node: not fitted, because the fleet image flew one size only.';
  const points = group.map(({ nodes, processorS }) => ({ nodes, x: Math.log(nodes), y: Math.log(processorS) }));
  const { slope, rSquared } = fitLine(points);
  const largest = points.filter(({ nodes }) => sizes.slice(-2).includes(nodes));
  const { days, threads } = group[0];
  return [
    `Cost per node: processor time grows with nodes to the power ${slope.toFixed(3)}, start-up included (fleet image,`,
    `${days} days, threads: ${threads}; least squares of the logarithms, R² ${rSquared.toFixed(4)}; nodes:`,
    `${sizes.map(whole).join(', ')}); from ${sizes.slice(-2).map(whole).join(' to ')} nodes to the power`,
    `${fitLine(largest).slope.toFixed(3)}.`,
  ].join('\n');
}

/** Compares the decisions of flights that differ in the image only. */
export function imagesLine(results: readonly FleetResult[]): string {
  const pairs = results.flatMap((one) =>
    results
      .filter(
        ({ image, nodes, days, seed }) =>
          image !== one.image && nodes === one.nodes && days === one.days && seed === one.seed,
      )
      .map((other) => ({ one, isEqual: one.decisionHash === other.decisionHash })),
  );
  const own = pairs.filter(({ one }) => one.image === 'fleet');
  if (own.length === 0) return 'Images: no flight of both.';
  const words = own.map(
    ({ one, isEqual }) => `${whole(one.nodes)} nodes × ${one.days} days ${isEqual ? 'equal' : 'DIFFERENT'}`,
  );
  return `Images: decisions of the fleet image and of the flashed one: ${words.join(', ')}.`;
}

const introduction = `# Fleets of many clusters

Flights of \`heliograph fleet\` (docs/fleet.md), one row for each. This page:

    npx heliograph fleet page DIR/fleet.json... > docs/results/fleet.md

Processor time is that of the whole process, start-up and judging included; wall time is of a machine that did other
work as well.`;

/** Makes docs/results/fleet.md of results. Throws CommandError (3). */
export function fleetPageOf(files: readonly string[]): string {
  const results = files.map(readResult);
  results.sort(
    (one, other) => one.nodes - other.nodes || one.days - other.days || one.image.localeCompare(other.image),
  );
  const cost = ['nodes', 'clusters', 'regions', 'days', 'seed', 'image', 'ms per node·day', 'wall s', 'threads'];
  const figures = [
    'nodes',
    'image',
    'days',
    'mined',
    'known h, p50 / max',
    'checks',
    'decisions',
    'trace hash',
    'image',
  ];
  return [
    introduction,
    '## Cost',
    tableText([...cost, 'events per node·day', 'MiB'], results.map(costRow)),
    `${costLine(results)}\n${imagesLine(results)}`,
    '## Disruptions',
    'Minutes from the onset to convergence. Classes of which nothing was judged have no row.',
    tableText(['nodes', 'image', 'days', 'class', 'n', 'p50', 'p99', 'longest', 'breaches'], results.flatMap(slaRows)),
    '## Figures',
    tableText(figures, results.map(figureRow)),
  ].join('\n\n');
}

/** Runs `heliograph fleet page`. */
export function fleetPage(files: string[]): void {
  print(fleetPageOf(files));
}

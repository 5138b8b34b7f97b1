import { join } from 'node:path';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { readInput } from '../../../host/cli/input.ts';
import { print } from '../../../host/cli/output.ts';
import { distanceOfChance, distributionDistance } from '../../campaign/statistics.ts';
import { Kernels, parseOutcomes, shippedOutcomes } from '../../federation/kernels.ts';
import type { ClusterOutcome } from '../../federation/outcomes.ts';
import { RandomStream } from '../../kernel/random.ts';

/** Clusters that are drawn for each one held out. */
const drawsPerCluster = 400;
/** What the rung must reach to be accepted: distance, shares of p50 and p99, and of production. */
const goals = { distance: 0.05, p50: 0.05, p99: 0.1, production: 0.005 } as const;
const classes = ['node', 'cluster', 'fleet'] as const;
const dash = '–';

interface Times {
  n: number;
  p50: number;
  p99: number;
  all: readonly number[];
}

/** Seconds to converge of what was judged; what did not converge counts as endless. */
function timesOf(disruptions: readonly ClusterOutcome['disruptions'][number][], of: string): Times {
  const judged = disruptions.filter((each) => each.class === of && each.withinSla !== null);
  const all = judged.map(({ convergedS }) => convergedS ?? Number.POSITIVE_INFINITY).sort((one, other) => one - other);
  const at = (share: number) => all[Math.max(0, Math.ceil(share * all.length) - 1)] ?? Number.NaN;
  return { n: all.length, p50: at(0.5), p99: at(0.99), all };
}

const percent = (value: number) => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : dash);
const minutes = (s: number) => (Number.isFinite(s) ? (s / 60).toFixed(1) : dash);

/** One row: a class in the clusters of one size. */
function classRow(size: string, of: string, held: Times, drawn: Times): string[] {
  if (held.n === 0 || drawn.n === 0) return [size, of, `${held.n}`, dash, dash, dash, dash, dash, 'nothing to compare'];
  const distance = distributionDistance(held.all, drawn.all);
  const chance = distanceOfChance(held.n, drawn.n);
  const [p50, p99] = [drawn.p50 / held.p50 - 1, drawn.p99 / held.p99 - 1];
  const misses = [
    ...(distance > goals.distance ? ['distance'] : []),
    ...(Math.abs(p50) <= goals.p50 ? [] : ['p50']),
    ...(Math.abs(p99) <= goals.p99 ? [] : ['p99']),
  ];
  const verdict = misses.length > 0 ? `not accepted: ${misses.join(', ')}` : 'accepted';
  const pairs = [`${minutes(held.p50)} / ${minutes(drawn.p50)}`, `${minutes(held.p99)} / ${minutes(drawn.p99)}`];
  return [size, of, `${held.n}`, ...pairs, distance.toFixed(3), chance.toFixed(3), percent(p50), percent(p99), verdict];
}

function productionRow(size: string, held: readonly ClusterOutcome[], drawn: readonly ClusterOutcome[]): string[] {
  const shareOf = (all: readonly ClusterOutcome[]) =>
    all.reduce((sum, { actualKg, achievableKg }) => sum + actualKg / achievableKg, 0) / all.length;
  const difference = shareOf(drawn) - shareOf(held);
  const isWithin = Math.abs(difference) <= goals.production;
  return [size, `${held.length}`, percent(shareOf(held)), percent(shareOf(drawn)), percent(difference)].concat(
    isWithin ? 'accepted' : 'not accepted',
  );
}

const tableText = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const introduction = `# The statistical rung against flights held out

\`fleet --rung statistical\` (docs/fleet.md) draws what becomes of a cluster from flights of firmware. Here it is
compared with flights that it was not drawn from: of other seeds, and of a size that it has not. This page:

    npx heliograph fleet accept FOLDER... > docs/results/fleet-rung.md

Held out / drawn. *distance*: the greatest distance of the two distributions (Kolmogorov–Smirnov); ${goals.distance} or
less is wanted. *by chance*: one in twenty pairs of samples as large as these, of one distribution, is further apart.
Where that exceeds ${goals.distance}, so few flights cannot show that the rung is as near as wanted.`;

/** Makes docs/results/fleet-rung.md of outcomes that were held out. */
export function rungPageOf(held: readonly ClusterOutcome[], from: readonly ClusterOutcome[]): string {
  const kernels = new Kernels(from);
  const own = new Set(from.map(({ seed, nodes }) => `${seed} ${nodes}`));
  const inside = held.find(({ seed, nodes }) => own.has(`${seed} ${nodes}`));
  if (inside !== undefined) {
    const which = `the cluster of ${inside.nodes} nodes of seed ${inside.seed}`;
    throw new CommandError(`${which} is one of the kernels: name flights of other seeds or sizes`, exitCode.input);
  }
  const sizes = [...new Set(held.map(({ nodes }) => nodes))].sort((one, other) => one - other);
  const parts = sizes.map((size) => {
    const flown = held.filter(({ nodes }) => nodes === size);
    const random = new RandomStream(size, 'fleet/accept');
    const draws = flown.length * drawsPerCluster;
    const disruptions = Array.from({ length: draws }, () =>
      kernels.drawDisruptions(random, size, flown[0].days),
    ).flat();
    const clusters = Array.from({ length: draws }, () => kernels.drawCluster(random, size));
    const name = `${size}${kernels.sizes.includes(size) ? '' : ' (no kernel)'}`;
    const heldDisruptions = flown.flatMap((each) => each.disruptions);
    return {
      classes: classes.map((of) => classRow(name, of, timesOf(heldDisruptions, of), timesOf(disruptions, of))),
      production: productionRow(name, flown, clusters),
    };
  });
  const times = ['nodes', 'class', 'n', 'p50 min', 'p99 min', 'distance', 'by chance', 'p50', 'p99', 'verdict'];
  const images = kernels.images.map((sha) => sha.slice(0, 8)).join(', ');
  return [
    introduction,
    `Kernels: ${kernels.count} clusters of ${kernels.sizes.join(', ')} nodes, image ${images}, 10 % loss in bursts.`,
    '## Times to converge',
    tableText(
      times,
      parts.flatMap((part) => part.classes),
    ),
    '## Production',
    'Share of the achievable, mean of the clusters.',
    tableText(
      ['nodes', 'clusters', 'held out', 'drawn', 'difference', 'verdict'],
      parts.map(({ production }) => production),
    ),
  ].join('\n\n');
}

/** Runs `heliograph fleet accept`. */
export function fleetAccept(folders: string[]): void {
  const held = folders.flatMap((folder) => {
    const path = join(folder, 'clusters.jsonl');
    return parseOutcomes(readInput(path), path);
  });
  print(rungPageOf(held, shippedOutcomes()));
}

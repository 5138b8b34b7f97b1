import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print, tableOf } from '../../../host/cli/output.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { writeReport } from '../../../host/cli/report_file.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { flyAll } from './flight_pool.ts';
import type { MergeJob } from './flights.ts';
import type { MergeCounts } from './merge_flight.ts';

export interface MergePoint {
  /** Versions published while the halves were apart; the other half lacks each. */
  difference: number;
  /** Messages of the merge, less those of a merge without any difference. */
  messages: number;
  messagesPerVersion: number;
  /** Intents that members lacked when the partition healed and store since. */
  deliveries: number;
  /** Seconds from the end of the partition until the last of them was stored. */
  mergedS: number;
}

export interface MergeCurve {
  nodes: number;
  days: number;
  /** Messages that anti-entropy sends in the same time when nothing differs. */
  idleMessages: number;
  points: MergePoint[];
  /** Least squares over the points: messages = slope × difference + intercept. */
  slope: number;
  intercept: number;
  /** Share of the variance that the line explains. */
  rSquared: number;
}

/** The line of least squares through points, and the share of the variance that it explains. */
export function fitLine(points: readonly { x: number; y: number }[]): {
  slope: number;
  intercept: number;
  rSquared: number;
} {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spreadX = mean(({ x }) => (x - meanX) ** 2);
  const spreadY = mean(({ y }) => (y - meanY) ** 2);
  const together = mean(({ x, y }) => (x - meanX) * (y - meanY));
  const slope = together / spreadX;
  return { slope, intercept: meanY - slope * meanX, rSquared: spreadY === 0 ? 1 : together ** 2 / (spreadX * spreadY) };
}

/** FLT-3: what a merge costs, by how much differs. `counts` begins with a merge without any difference. */
export function mergeCurve(counts: readonly MergeCounts[], nodes: number, days: number): MergeCurve {
  const [idle, ...others] = counts;
  const points = others.map(({ difference, messages, deliveries, lastS }): MergePoint => {
    const cost = messages - idle.messages;
    return { difference, messages: cost, messagesPerVersion: cost / difference, deliveries, mergedS: lastS };
  });
  const line = fitLine(points.map(({ difference, messages }) => ({ x: difference, y: messages })));
  return { nodes, days, idleMessages: idle.messages, points, ...line };
}

function curveText({ nodes, days, idleMessages, points, slope, intercept, rSquared }: MergeCurve): string {
  const head = ['versions that differ', 'messages', 'per version', 'stored', 'merged after'];
  const rows = points.map(({ difference, messages, messagesPerVersion, deliveries, mergedS }) => {
    const cost = [difference, messages, messagesPerVersion.toFixed(1)];
    return [...cost, deliveries, `${(mergedS / 60).toFixed(1)} min`];
  });
  const sign = intercept < 0 ? '−' : '+';
  return [
    `${nodes} nodes, split in halves for ${days} days`,
    `${idleMessages} messages with nothing to merge, subtracted below`,
    tableOf(head, rows, head),
    `messages = ${slope.toFixed(1)} × versions ${sign} ${Math.abs(intercept).toFixed(0)}, R² ${rSquared.toFixed(3)}`,
  ].join('\n');
}

export interface MergeOptions {
  days: number;
  nodes: number;
  seed: number;
  differences: string;
  engine: EngineName;
  jobs: number;
  out?: string;
  json?: boolean;
}

const differencesMin = 3;

function differencesOf(text: string, nodes: number): number[] {
  const wanted = text.split(',').map(Number);
  const most = 6 * nodes;
  if (
    wanted.length >= differencesMin &&
    wanted.every((value) => Number.isInteger(value) && value >= 1 && value <= most)
  )
    return wanted;
  throw new CommandError(
    `--differences is '${text}', not three or more whole numbers from 1 to ${most} with commas between`,
    exitCode.usage,
  );
}

/** `heliograph merge`: the measured curve of merging cost. */
export async function merge(options: MergeOptions, command: Command): Promise<void> {
  const { days, nodes, seed, differences, engine, jobs, out, json } = options;
  const wanted = [0, ...differencesOf(differences, nodes)];
  const jobsOfCurve = wanted.map((difference): MergeJob => ({ kind: 'merge', difference, nodes, days, seed, engine }));
  const progress = startProgress('merge', wanted.length);
  const counts = new Map<number, MergeCounts>();
  try {
    await flyAll(jobsOfCurve, jobs, (count) => {
      counts.set(count.difference, count);
      progress.update(counts.size, `${counts.size} of ${wanted.length} merges, ${count.difference} versions`);
    });
  } finally {
    progress.stop();
  }
  const curve = mergeCurve(
    wanted.map((difference) => counts.get(difference) as MergeCounts),
    nodes,
    days,
  );
  if (out !== undefined) writeReport(out, curve);
  const again = againLine(command, { days, nodes, seed, differences });
  print(json ? JSON.stringify(curve) : `${curveText(curve)}\nagain  ${again}`);
}

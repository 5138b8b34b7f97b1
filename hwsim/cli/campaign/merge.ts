import type { Command } from 'commander';
import { againLine } from '../../../host/cli/again.ts';
import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { print } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import { startProgress } from '../../../host/cli/progress.ts';
import { checkReportPath, writeReport } from '../../../host/cli/report_file.ts';
import type { EngineName } from '../../../host/engine/names.ts';
import { flyAll } from './flight_pool.ts';
import type { MergeJob } from './flights.ts';
import { type MergeCounts, type MergeCurve, mergeCurve } from '../../campaign/cluster/merge.ts';

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

/** Runs `heliograph merge`: measures the curve of merging cost. */
export async function merge(options: MergeOptions, command: Command): Promise<void> {
  const { days, nodes, seed, differences, engine, jobs, out, json } = options;
  const wanted = [0, ...differencesOf(differences, nodes)];
  checkReportPath(out);
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

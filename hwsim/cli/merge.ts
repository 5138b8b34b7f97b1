import Table from 'cli-table3';
import { simulatedLink } from '../../host/security/simulated_keys.ts';
import { givenClaims, MergeCount, splitScenario } from '../campaign/cluster/merge.ts';
import { runScenario } from '../fleet/run.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../host/engine/names.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { loadBody, loadScenario } from './input.ts';
import { readImage } from '../../host/engine/image.ts';

export interface MergePoint {
  /** Versions published while the halves were apart; each is lacked by the other half. */
  difference: number;
  /** Messages of the merge, less those of a merge without any difference. */
  messages: number;
  messagesPerVersion: number;
  /** Intents that members lacked at the healing and hold since. */
  deliveries: number;
  /** Seconds from the healing until the last was taken in. */
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

/** Flies one merge and counts. */
export function countMerge(
  difference: number,
  nodes: number,
  days: number,
  seed: number,
  engine: EngineName,
): MergeCount {
  const scenario = splitScenario(loadScenario('quiet'), nodes, days);
  const count = new MergeCount(days, simulatedLink(seed, nodes));
  runScenario(scenario, {
    seed,
    days: scenario.days,
    nodes,
    body: loadBody(scenario.body, undefined, console.error),
    engine: createEngine(engine, readImage('flight')),
    consumers: [count],
    given: givenClaims(difference, nodes, days),
  });
  return count;
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

/** FLT-3: what a merge after a split of `days` days costs, by how much differs. `tell` hears of each point. */
export function mergeCurve(
  differences: readonly number[],
  nodes: number,
  days: number,
  seed: number,
  tell: (line: string) => void,
  engine: EngineName = defaultEngine,
): MergeCurve {
  const idle = countMerge(0, nodes, days, seed, engine);
  const points = differences.map((difference) => {
    const { messages, deliveries, lastS } = countMerge(difference, nodes, days, seed, engine);
    tell(`${difference} versions: merged in ${Math.round(lastS)} s`);
    const cost = messages - idle.messages;
    return { difference, messages: cost, messagesPerVersion: cost / difference, deliveries, mergedS: lastS };
  });
  const line = fitLine(points.map(({ difference, messages }) => ({ x: difference, y: messages })));
  return { nodes, days, idleMessages: idle.messages, points, ...line };
}

function curveText({ nodes, days, idleMessages, points, slope, intercept, rSquared }: MergeCurve): string {
  const table = new Table({
    head: ['versions that differ', 'messages', 'per version', 'taken in', 'merged after'],
    style: { head: [], border: [] },
    colAligns: ['right', 'right', 'right', 'right', 'right'],
  });
  for (const { difference, messages, messagesPerVersion, deliveries, mergedS } of points)
    table.push([difference, messages, messagesPerVersion.toFixed(1), deliveries, `${(mergedS / 60).toFixed(1)} min`]);
  const sign = intercept < 0 ? '−' : '+';
  return [
    `${nodes} nodes split in halves for ${days} days; with nothing to merge ${idleMessages} messages, taken off below`,
    table.toString(),
    `messages = ${slope.toFixed(1)} × versions ${sign} ${Math.abs(intercept).toFixed(0)}, R² ${rSquared.toFixed(3)}`,
  ].join('\n');
}

export interface MergeOptions {
  days: number;
  nodes: number;
  seed: number;
  differences: string;
  engine: EngineName;
  json?: true;
}

/** `heliograph merge`: the measured curve of merging cost. */
export function merge({ days, nodes, seed, differences, engine, json }: MergeOptions): void {
  const wanted = differences.split(',').map(Number);
  if (wanted.length < 3 || wanted.some((value) => !Number.isInteger(value) || value < 1 || value > 6 * nodes))
    throw new CommandError(
      `--differences is '${differences}', not three or more whole numbers from 1 to ${6 * nodes} with commas between`,
      exitCode.usage,
    );
  const curve = mergeCurve(wanted, nodes, days, seed, console.error, engine);
  console.log(json ? JSON.stringify(curve) : curveText(curve));
}

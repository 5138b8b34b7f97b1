import { labelled, wrapped } from '../../../host/cli/output.ts';
import { tableOf } from '../../../host/cli/table.ts';
import {
  goodOutcomes,
  noOutcomes,
  type OutcomeCounts,
  type OutcomeName,
  outcomeNames,
} from '../../campaign/outcomes.ts';
import type { ImageName, InjectionRecord } from '../../campaign/campaign.ts';
import type { ModelName } from '../../campaign/fault_models.ts';
import type { Overhead } from '../../campaign/memory/overhead.ts';
import {
  lowerBound95,
  type MeanWork,
  meanWorkToFailure,
  type Share,
  shareOf,
  upperBound95,
} from '../../campaign/statistics.ts';

/** One image's part of the report. */
export interface ImageReport {
  /** SHA-256. */
  firmware: string;
  n: number;
  outcomes: OutcomeCounts;
  byModel: Record<string, { n: number; outcomes: OutcomeCounts }>;
  /** Separately for static data (constants, and data of a single call) and for the context. */
  byRegion: Record<string, { n: number; outcomes: OutcomeCounts }>;
  sdcPropagated: number;
  /** One-sided 95 % upper bound of the rate of SDC-propagated: 3 ÷ n when there was none. */
  upperBound95: number;
  /** SDC-local and SDC-propagated. */
  sdc: Share;
  sdcUpperBound95: number;
  /** Correct, or recovered by the deadline; its one-sided 95 % lower bound. */
  good: Share;
  goodLowerBound95: number;
  /** Bits that an upset may flip; null where the campaign does not say. */
  bits: number | null;
  /** Mean work to failure: of any outcome that is not good, and of SDC-propagated alone. */
  mwtf: { failure: MeanWork; sdcPropagated: MeanWork } | null;
}

export interface InjectReport extends Omit<ImageReport, never> {
  target: string;
  seed: number;
  models: readonly ModelName[];
  unprotected: ImageReport | null;
  /**
   * Unprotected SDC rate ÷ 95 % upper bound of the protected one; and the same of SDC-propagated
   * alone.
   */
  sdcReduction: number | null;
  sdcPropagatedReduction: number | null;
  overhead: Overhead | null;
  injectionsPerS: number;
  injectionsPerSPerJob: number;
  wallS: number;
  jobs: number;
  /** Injections of the protected image that were neither correct nor recovered, the worst first. */
  failures: (InjectionRecord & { again: string })[];
  notes: string[];
}

const failuresShownMax = 20;

/** Counts the records of one image; keeps only those that failed. */
export class Tally {
  readonly outcomes = noOutcomes();
  readonly byModel = new Map<string, OutcomeCounts>();
  readonly byRegion = new Map<string, OutcomeCounts>();
  readonly failures: InjectionRecord[] = [];
  n = 0;

  add(record: InjectionRecord): void {
    this.n += 1;
    this.outcomes[record.outcome] += 1;
    count(this.byModel, record.model, record.outcome);
    if (record.span !== undefined) count(this.byModel, `${record.model} (${record.span})`, record.outcome);
    if (record.region !== undefined) count(this.byRegion, record.region, record.outcome);
    if (!goodOutcomes.includes(record.outcome)) this.failures.push(record);
  }

  report(firmware: string, bits: number | null): ImageReport {
    const { n, outcomes } = this;
    const sdcPropagated = outcomes['SDC-propagated'];
    const sdc = sdcPropagated + outcomes['SDC-local'];
    const good = goodOutcomes.reduce((sum, name) => sum + outcomes[name], 0);
    const work = (count: number) => meanWorkToFailure(shareOf(count, n), bits ?? 0);
    return {
      firmware,
      n,
      outcomes,
      byModel: sorted(this.byModel),
      byRegion: sorted(this.byRegion),
      sdcPropagated,
      upperBound95: upperBound95(sdcPropagated, n),
      sdc: shareOf(sdc, n),
      sdcUpperBound95: upperBound95(sdc, n),
      good: shareOf(good, n),
      goodLowerBound95: lowerBound95(good, n),
      bits,
      mwtf: bits === null || n === 0 ? null : { failure: work(n - good), sdcPropagated: work(sdcPropagated) },
    };
  }
}

function count(counts: Map<string, OutcomeCounts>, name: string, outcome: OutcomeName): void {
  let entry = counts.get(name);
  if (entry === undefined) counts.set(name, (entry = noOutcomes()));
  entry[outcome] += 1;
}

function sorted(counts: Map<string, OutcomeCounts>): Record<string, { n: number; outcomes: OutcomeCounts }> {
  const entries = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([name, outcomes]) => [
      name,
      { n: Object.values(outcomes).reduce((sum, each) => sum + each, 0), outcomes },
    ]),
  );
}

/** Selects the failures to show: the worst outcome first, by index among equals. */
export function worstFirst(records: readonly InjectionRecord[]): InjectionRecord[] {
  const rank = (name: OutcomeName) => outcomeNames.indexOf(name);
  return [...records].sort((a, b) => rank(b.outcome) - rank(a.outcome) || a.index - b.index).slice(0, failuresShownMax);
}

const percent = (rate: number) => `${(100 * rate).toPrecision(3)} %`;

function outcomeTable(report: InjectReport): string {
  const { unprotected } = report;
  const images: [string, ImageReport][] = [[unprotected === null ? 'image' : 'protected', report]];
  if (unprotected !== null) images.push(['unprotected', unprotected]);
  const head = ['outcome', ...images.flatMap(([name]) => [name, 'share'])];
  const rows = outcomeNames.map((name) => [
    name,
    ...images.flatMap(([, { outcomes, n }]) => [
      outcomes[name].toLocaleString('en'),
      percent(outcomes[name] / Math.max(1, n)),
    ]),
  ]);
  const totals = ['n', ...images.flatMap(([, { n }]) => [n.toLocaleString('en'), ''])];
  return tableOf(head, [...rows, totals], head.slice(1));
}

function workLine(name: string, { mwtf }: ImageReport): string[] {
  if (mwtf === null) return [];
  const { nodeYears, low95, high95 } = mwtf.failure;
  if (nodeYears === null)
    return [labelled('MWTF', `${name}: no failure seen; at least ${low95.toPrecision(3)} node-years (95 %)`)];
  const to = high95 === null ? 'no bound' : high95.toPrecision(3);
  const interval = `95 %: ${low95.toPrecision(3)} to ${to}`;
  return [labelled('MWTF', `${name}: ${nodeYears.toPrecision(3)} node-years (${interval})`)];
}

const whole = (value: number) => Math.round(value).toLocaleString('en');

/** Formats the report for people. */
export function reportText(report: InjectReport): string {
  const { target, seed, models, firmware, notes, unprotected, overhead, n, good } = report;
  const before = [`${target}, seed ${seed}, models ${models.join(', ')}; image ${firmware.slice(0, 16)}`, ...notes];
  const lines = [
    labelled(
      'propagated',
      `SDC-propagated ${report.sdcPropagated} of ${whole(n)}`,
      `rate at most ${report.upperBound95.toExponential(2)} (95 %)`,
    ),
    labelled(
      'good',
      `correct or recovered in time ${percent(good.rate)}`,
      `at least ${percent(report.goodLowerBound95)} (95 %)`,
    ),
    ...workLine(unprotected === null ? 'image' : 'protected', report),
    ...(unprotected === null ? [] : [...workLine('unprotected', unprotected), ...reductionLines(report)]),
    ...(overhead === null ? [] : overheadLines(overhead)),
    labelled(
      'speed',
      `${whole(report.injectionsPerS)} injections/s`,
      `${report.jobs} jobs`,
      `${report.wallS.toFixed(1)} s`,
    ),
  ];
  // Commands are one line, however long: they are there to be copied.
  const failures = report.failures.map(
    ({ outcome, index, reason, again }) => `${wrapped(`${outcome} #${index}: ${reason}`, 2)}\n  again: ${again}`,
  );
  return [...before.map((line) => wrapped(line, 2)), outcomeTable(report), ...lines, ...failures].join('\n');
}

function reductionLines({ sdcReduction, sdcPropagatedReduction }: InjectReport): string[] {
  const times = (value: number | null) => (value === null ? '–' : `${value.toFixed(1)}×`);
  const meaning = 'unprotected rate ÷ 95 % upper bound of the protected rate';
  return [
    labelled('reduction', `of SDC ${times(sdcReduction)} (${meaning})`),
    labelled('', `of SDC-propagated alone ${times(sdcPropagatedReduction)}`),
  ];
}

function overheadLines(overhead: Overhead): string[] {
  const { instructionRatio, instructionRatioScrubbed, contextBytesRatio, scrubbingPerS } = overhead;
  const traces = overhead.sameTrace ? 'all images give one trace hash' : 'the images give different trace hashes';
  return [
    labelled(
      'overhead',
      `${instructionRatio.toFixed(3)} × instructions without scrubbing`,
      `${instructionRatioScrubbed.toFixed(3)} × with it`,
      `on ${overhead.workload}; ${traces}`,
    ),
    labelled('', `${contextBytesRatio.toFixed(3)} × context`),
    labelled(
      '',
      `scrubbing ${Math.round(scrubbingPerS)} instructions/s`,
      `${percent(overhead.scrubbingShareOf300M)} of 300 M`,
    ),
  ];
}

/** Formats one injection for people. */
export function recordText(image: ImageName, record: InjectionRecord): string {
  const { node, call, timeS, place, bits, model, outcome, reason } = record;
  const when = timeS === undefined ? '' : ` (${(timeS / 3600).toFixed(2)} h)`;
  const where = `node ${node}, before call ${call}${when}, at ${place}: bits ${bits.join(', ')}`;
  return `${wrapped(`${image} image, ${model}: ${where}`, 2)}\n${wrapped(`${outcome}: ${reason}`, 2)}`;
}

/** Formats what `heliograph convergence` measured, for people and for its page of results. */
import { labelled, wrapped } from '../../../../host/cli/output.ts';
import { tableOf } from '../../../../host/cli/table.ts';
import {
  type ConvergenceFlight,
  type ConvergenceSummary,
  disruptionKinds,
  type KindSummary,
} from '../../../campaign/cluster/convergence.ts';
import { samplesWithUpperBound95 } from '../../../campaign/statistics.ts';
import { phases } from '../../../../host/node/phases.ts';

const minutes = (timeS: number | null) => (timeS === null ? '–' : (timeS / 60).toFixed(1));
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const perYear = (rate: number) => (rate === 0 ? '0' : rate.toPrecision(2));

/** Columns of a kind: counts, times to converge and their interval, kilograms lost. */
export const timeColumns = ['n', 'late', 'never', 'p50', 'p90', 'p99', '95 %', 'max', 'kg lost'];

/** The interval of the p99; `≥`: its upper end lies beyond the sample. */
function intervalText({ n, p99LowS, p99HighS }: KindSummary): string {
  if (n === 0) return '–';
  return p99HighS === null ? `≥ ${minutes(p99LowS)}` : `${minutes(p99LowS)}–${minutes(p99HighS)}`;
}

export function timeCells(summary: KindSummary): (string | number)[] {
  const { n, breaches, never, p50S, p90S, p99S, maxS, lostKgMean } = summary;
  const times = [minutes(p50S), minutes(p90S), minutes(p99S), intervalText(summary), minutes(maxS)];
  return [n, breaches, never, ...times, lostKgMean.toFixed(1)];
}

/** Columns of phases: as judged, then as reported on board, where nobody measures production. */
export const phaseColumns = [...phases, ...phases.slice(0, -1).map((phase) => `on board ${phase}`)];

export const phaseCells = ({ phases: judged, onboardPhases }: KindSummary): string[] => [
  ...phases.map((phase) => minutes(judged[phase])),
  ...phases.slice(0, -1).map((phase) => minutes(onboardPhases[phase])),
];

/** Explains the interval; null when no kind lacks its upper end. */
export function intervalNote(summaries: readonly KindSummary[]): string | null {
  const wanted = samplesWithUpperBound95(0.99);
  if (summaries.every(({ n }) => n >= wanted)) return null;
  return `95 %: interval of the p99. With fewer than ${wanted} disruptions of a kind it has no upper end (≥).`;
}

/** Formats the figures that are not of one kind, each with its label. */
export function figures(summary: ConvergenceSummary): [label: string, text: string][] {
  const { onboard, alarms, nodeYears, falseDeaths, lapsedLeases } = summary;
  const share = onboard.n === 0 ? '–' : percent(onboard.within5Min / onboard.n);
  const deathRate = perYear(summary.falseDeathsPerNodeYearUpper95);
  const leaseRate = perYear(summary.lapsedLeasesPerNodeYear);
  const falseRate = perYear(alarms.falseAlarmsPerClusterMonth);
  return [
    ['on board', `${share} of ${onboard.n} within 5 min of the judge`],
    ['deaths', `${falseDeaths} false in ${nodeYears.toFixed(1)} node·years: ≤ ${deathRate} per node·year (95 %)`],
    ['leases', `${lapsedLeases} lapsed with a path to a majority: ${leaseRate} per node·year`],
    ['alarms', `before ${alarms.announced} of ${alarms.breaches} breaches; false: ${falseRate} per cluster·month`],
    ['channel', percent(summary.channelUse)],
    ['events', `${summary.eventsPerNodeDay.toFixed(0)} per node·day`],
    ['production', `${percent(summary.production)} of the achievable`],
  ];
}

/** Formats the summary. `again`: the command that flies one seed again. */
export function convergenceText(
  summary: ConvergenceSummary,
  flights: readonly ConvergenceFlight[],
  again: (seed: number) => string,
): string {
  const { kinds, nodes, loss } = summary;
  const rows = disruptionKinds.map((kind) => [kind, ...timeCells(kinds[kind])]);
  const spent = disruptionKinds.map((kind) => [kind, ...phaseCells(kinds[kind])]);
  const note = intervalNote(disruptionKinds.map((kind) => kinds[kind]));
  const name = `${summary.image} ${summary.firmware?.slice(0, 16) ?? '–'}`;
  const lines = [
    `${summary.flights} flights, ${nodes} nodes, ${loss * 100} % loss, image ${name}`,
    tableOf(['minutes', ...timeColumns], rows, timeColumns),
    ...(note === null ? [] : [note]),
    tableOf(['minutes', ...phaseColumns], spent, phaseColumns),
    ...figures(summary).map(([label, text]) => labelled(label, text)),
  ];
  for (const { seed, failed } of flights) {
    if (failed.length === 0) continue;
    lines.push(...failed.map((example) => wrapped(`seed ${seed}: ${example}`, 2)), `  again: ${again(seed)}`);
  }
  return lines.join('\n');
}

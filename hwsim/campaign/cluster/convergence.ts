/**
 * Draws flights full of disruptions, one at a time, and sums up how long clusters took to converge
 * after each kind of them.
 */
import type { SlaResult } from '../../check/convergence/convergence.ts';
import type { AlarmOutcome } from '../../check/convergence/onboard_alarms.ts';
import { phases, type PhaseTimes } from '../../../host/node/phases.ts';
import { scenarioOf, shippedScenario } from '../../scenario/load.ts';
import type { Disruption, Scenario } from '../../scenario/schema.ts';
import { poissonUpper95, quantileBounds95 } from '../statistics.ts';

/** Disruptions by the names that the report has for them, in its order. */
export const disruptionKinds = ['death', 'reset', 'merge', 'depleted', 'tug'] as const;
export type DisruptionKind = (typeof disruptionKinds)[number];

/** Images that fly a campaign: `fleet` decides as `flight` does (docs/definitions.md). */
export const convergenceImages = ['flight', 'fleet'] as const;
export type ConvergenceImage = (typeof convergenceImages)[number];

/** What the flights of one campaign have in common. */
export interface ConvergenceSetting {
  image: ConvergenceImage;
  nodes: number;
  /** Mean share of frames that are lost, in bursts of 20 s on average. */
  loss: number;
}

/** One disruption as it was judged. Seconds from the onset; null: never in this flight. */
export interface MeasuredDisruption {
  kind: DisruptionKind;
  sla: SlaResult;
  convergedS: number | null;
  /** Seconds of each phase; null: it did not converge. */
  phases: PhaseTimes | null;
  onboardS: number | null;
  /** The same as the cluster itself reported it; null: it did not. */
  onboardPhases: PhaseTimes | null;
  lostKg: number;
}

/** One flight: a line of a campaign's file. */
export interface ConvergenceFlight {
  seed: number;
  traceHash: string;
  firmware: string;
  nodeDays: number;
  falseDeaths: number;
  lapsedLeases: number;
  alarms: AlarmOutcome;
  events: number;
  channelUse: number;
  /** Mined ÷ achievable. */
  production: number;
  disruptions: MeasuredDisruption[];
  /** Checks that failed, each with its first example. */
  failed: string[];
}

/** Days from one disruption to the next: the SLA of a node's disruption, and stability after it. */
const gapDays = 1 / 6;
/** A disruption begins at a random time of this part of its gap. */
const drawnDays = 1 / 24;
const occultationHours = 12;
/** Nodes for each node that dies: enough are left to plan anew. */
const nodesPerDeath = 12;
const deathsMax = 8;
const resets = 8;
const pairs = 2;

/**
 * Draws the scenario of one seed: the world of cluster-neo with deaths, resets, occultations,
 * depleted lots and lost tugs in turn, apart from each other, so that each is judged by itself.
 */
export function convergenceScenario({ nodes, loss }: Omit<ConvergenceSetting, 'image'>, seed: number): Scenario {
  const base = shippedScenario('cluster-neo');
  let day = 1;
  const disruptions: Disruption[] = [];
  const add = (disruption: (when: { fromDay: number; toDay: number }) => object, days = gapDays) => {
    disruptions.push(disruption({ fromDay: day, toDay: day + drawnDays }) as Disruption);
    day += days;
  };
  const deaths = Math.min(deathsMax, Math.floor(nodes / nodesPerDeath));
  for (let turn = 0; turn < resets; turn++) {
    if (turn < deaths) add((when) => ({ kind: 'node-death', when }));
    add((when) => ({ kind: 'reset', when, downS: turn % 2 === 0 ? 60 : 600 }));
  }
  for (let turn = 0; turn < pairs; turn++) {
    add((when) => ({ kind: 'lot-depleted', when }));
    add((when) => ({ kind: 'tug-lost', when }));
    const occultation = { kind: 'occultation', hours: occultationHours, share: 0.33, predictedHours: 6 };
    add((when) => ({ ...occultation, when }), occultationHours / 24 + gapDays);
  }
  return scenarioOf(
    {
      ...base,
      name: 'convergence',
      seed,
      nodes,
      days: Math.ceil(day * 4) / 4,
      radio: { ...base.radio, meanLoss: loss },
      disruptions,
    },
    'convergence',
  );
}

/** Names a judged disruption as the report does; null: it is not measured, as the split itself. */
export function kindOf(id: string): DisruptionKind | null {
  if (id.endsWith('/merge')) return 'merge';
  if (id.startsWith('node-death')) return 'death';
  if (id.startsWith('reset')) return 'reset';
  if (id.startsWith('lot-depleted')) return 'depleted';
  return id.startsWith('tug-lost') ? 'tug' : null;
}

/** Times to converge after one kind of disruption, seconds; null: that share did not converge. */
export interface KindSummary {
  n: number;
  /** Disruptions that did not converge in their flight. */
  never: number;
  breaches: number;
  p50S: number | null;
  p90S: number | null;
  p99S: number | null;
  /** The 95 % interval of the p99, from order statistics; an end is null beyond the sample. */
  p99LowS: number | null;
  p99HighS: number | null;
  maxS: number | null;
  /** Mean seconds of each phase of those that converged; they sum to the mean time. */
  phases: PhaseTimes;
  /** The same as the clusters themselves reported it. */
  onboardPhases: PhaseTimes;
  lostKgMean: number;
}

/** The sum of many flights. */
export interface ConvergenceSummary {
  flights: number;
  image: ConvergenceImage;
  firmware: string | null;
  nodes: number;
  loss: number;
  kinds: Record<DisruptionKind, KindSummary>;
  falseDeaths: number;
  falseDeathsPerNodeYearUpper95: number;
  nodeYears: number;
  lapsedLeases: number;
  lapsedLeasesPerNodeYear: number;
  /** CVG-4, of all disruptions of the flights. */
  alarms: AlarmOutcome & { falseAlarmsPerClusterMonth: number };
  /** Disruptions that the cluster itself reported, and those within 5 minutes of the judge. */
  onboard: { n: number; within5Min: number };
  channelUse: number;
  eventsPerNodeDay: number;
  production: number;
  /** Flights in which a check failed. */
  failed: number[];
}

/** How far the cluster's own figure may be from the judge's. */
const onboardToleranceS = 300;
const daysPerYear = 365.25;
const monthsPerYear = 12;

export function convergenceSummary(
  { image, nodes, loss }: ConvergenceSetting,
  flights: readonly ConvergenceFlight[],
): ConvergenceSummary {
  const measured = flights.flatMap(({ disruptions }) => disruptions).filter(({ sla }) => isMeasured(sla));
  const sum = (of: (flight: ConvergenceFlight) => number) => flights.reduce((total, flight) => total + of(flight), 0);
  const nodeDays = sum((flight) => flight.nodeDays);
  const falseDeaths = sum((flight) => flight.falseDeaths);
  const lapsedLeases = sum((flight) => flight.lapsedLeases);
  const nodeYears = nodeDays / daysPerYear;
  const within = ({ onboardS, convergedS }: MeasuredDisruption) =>
    onboardS !== null && convergedS !== null && Math.abs(onboardS - convergedS) <= onboardToleranceS;
  const kinds = disruptionKinds.map((kind) => [kind, kindSummary(measured.filter((each) => each.kind === kind))]);
  return {
    flights: flights.length,
    image,
    firmware: flights[0]?.firmware ?? null,
    nodes,
    loss,
    kinds: Object.fromEntries(kinds),
    falseDeaths,
    falseDeathsPerNodeYearUpper95: poissonUpper95(falseDeaths) / nodeYears,
    nodeYears,
    lapsedLeases,
    lapsedLeasesPerNodeYear: lapsedLeases / nodeYears,
    alarms: alarmsOf(flights, (nodeYears / nodes) * monthsPerYear),
    onboard: { n: measured.length, within5Min: measured.filter(within).length },
    channelUse: sum(({ channelUse }) => channelUse) / flights.length,
    eventsPerNodeDay: sum(({ events }) => events) / nodeDays,
    production: sum(({ production }) => production) / flights.length,
    failed: flights.filter(({ failed }) => failed.length > 0).map(({ seed }) => seed),
  };
}

/** Whether a disruption counts: it affected somebody, and the flight was long enough to see. */
const isMeasured = (sla: SlaResult) => sla === 'kept' || sla === 'breached';

function alarmsOf(flights: readonly ConvergenceFlight[], clusterMonths: number): ConvergenceSummary['alarms'] {
  const sum = (name: keyof AlarmOutcome) => flights.reduce((total, { alarms }) => total + alarms[name], 0);
  const falseAlarms = sum('falseAlarms');
  return {
    breaches: sum('breaches'),
    announced: sum('announced'),
    falseAlarms,
    falseAlarmsPerClusterMonth: falseAlarms / clusterMonths,
  };
}

/** Averages each phase over the disruptions that converged. */
function meanPhases(times: readonly (PhaseTimes | null)[]): PhaseTimes {
  const known = times.filter((each) => each !== null);
  const mean = (of: (each: PhaseTimes) => number) =>
    known.length === 0 ? 0 : known.reduce((total, each) => total + of(each), 0) / known.length;
  return Object.fromEntries(phases.map((phase) => [phase, mean((each) => each[phase])])) as PhaseTimes;
}

function kindSummary(disruptions: readonly MeasuredDisruption[]): KindSummary {
  const n = disruptions.length;
  const times = disruptions.map(({ convergedS }) => convergedS ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const finite = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? null : value);
  const at = (share: number) => finite(times[Math.max(0, Math.ceil(share * n) - 1)]);
  const [low, high] = quantileBounds95(n, 0.99);
  return {
    n,
    never: disruptions.filter(({ convergedS }) => convergedS === null).length,
    breaches: disruptions.filter(({ sla }) => sla === 'breached').length,
    p50S: at(0.5),
    p90S: at(0.9),
    p99S: at(0.99),
    p99LowS: low === null ? null : finite(times[low]),
    p99HighS: high === null ? null : finite(times[high]),
    maxS: finite(times[n - 1]),
    phases: meanPhases(disruptions.map((each) => each.phases)),
    onboardPhases: meanPhases(disruptions.map((each) => each.onboardPhases)),
    lostKgMean: n === 0 ? 0 : disruptions.reduce((total, { lostKg }) => total + lostKg, 0) / n,
  };
}

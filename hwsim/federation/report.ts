import type { SlaClass } from '../kernel/trace.ts';
import { TraceHash } from '../kernel/trace_hash.ts';
import type { Check } from '../report/verdict.ts';
import type { CertifiedBound } from '../world/bound_gap.ts';
import { layPlaces } from '../world/orbits/places.ts';
import { ageMinMax, type KnownAges, knownAges } from './ages.ts';
import type { ClusterResult, JudgedDisruption } from './cluster.ts';
import { Kernels, shippedOutcomes } from './kernels.ts';
import type { FleetImage, FleetSetting, Rung } from './setting.ts';

/** Times to converge of one class, seconds from the onset; null: nothing was judged. */
export interface SlaSummary {
  /** Disruptions that were judged: kept or breached. */
  n: number;
  p50S: number | null;
  p99S: number | null;
  maxS: number | null;
  breaches: number;
}

/** How a flight was made: the part of the result that differs from flight to flight. */
export interface FleetSpeed {
  threads: number;
  wallS: number;
  /** Processor time of all threads, start-up included: other processes change it little. */
  processorS: number;
  /** How often a cluster flew on, until it waited for others or had flown for two hours. */
  turns: number;
  /** Greatest resident memory of the process. */
  rssMiB: number;
}

/** The result of a fleet's flight: printed by --json. Scripts rely on these names. */
export interface FleetResult {
  traceHash: string;
  decisionHash: string;
  seed: number;
  days: number;
  image: FleetImage;
  /** statistical: no node flew; what became of clusters was drawn from kernels. */
  rung: Rung;
  /** What was drawn from: flights of clusters, their sizes and images. null: every node flew. */
  kernels: { clusters: number; sizes: readonly number[]; images: readonly string[] } | null;
  /** What no flight that was drawn from covers. */
  extrapolation: readonly string[];
  /** Of the statistical rung, the image of the kernels; it has no bytes here. */
  firmware: { sha256: string; bytes: number; contextBytes: number };
  nodes: number;
  clusters: number;
  regions: number;
  events: number;
  eventsPerNodeDay: number;
  threads: number;
  wallS: number;
  processorS: number;
  /** Mission time for which a cluster flew on at a time, mean; threads change it. */
  meanTurnMin: number;
  eventsPerS: number;
  nodeYearsPerCoreHour: number;
  rssMiB: number;
  sla: { node: SlaSummary; cluster: SlaSummary; crossCluster: SlaSummary; fleet: SlaSummary };
  splits: 0;
  merges: 0;
  /** Of the requirements of a fleet, what no node does yet. */
  notBuilt: readonly string[];
  /**
   * boundGap: how far the certified bound is above a plan, as a share of the bound, and for the
   * worst cluster; null: nobody plans work (hwsim/world/bound_gap.ts).
   */
  production: { achievableKg: number; actualKg: number; boundGap: number | null; boundGapMax: number | null };
  membership: { falseDeaths: number; lapsedLeases: number; nodeYears: number };
  radio: {
    framesSent: number;
    framesLost: number;
    bytesPerNodeDay: number;
    channelUse: number;
    abroad: { contacts: number; framesSent: number; framesReceived: number; refused: number };
  };
  /** How old what members know of other clusters of their region is. */
  known: KnownAges;
  /** Sums over the clusters, and those of the fleet. */
  checks: Check[];
}

const notBuilt = ['splits', 'merges', 'disruptions across clusters', 'summaries of regions'] as const;
const daysPerYear = 365.25;
const secondsPerHour = 3600;
const minutesPerDay = 1440;
const examplesMax = 5;

export function slaSummary(outcomes: readonly JudgedDisruption[], of: SlaClass): SlaSummary {
  const judged = outcomes.filter((outcome) => outcome.class === of && outcome.withinSla !== null);
  const times = judged.map(({ convergedS, onsetS }) =>
    convergedS === null ? Number.POSITIVE_INFINITY : convergedS - onsetS,
  );
  times.sort((one, other) => one - other);
  const at = (share: number) => {
    const time = times[Math.max(0, Math.ceil(share * times.length) - 1)];
    return time === undefined || !Number.isFinite(time) ? null : Math.max(0, time);
  };
  const breaches = judged.filter(({ withinSla }) => withinSla === false).length;
  return { n: judged.length, p50S: at(0.5), p99S: at(0.99), maxS: at(1), breaches };
}

/** Sums each check over the clusters. */
function checksOf(results: readonly ClusterResult[]): Check[] {
  const checks = new Map<string, Check>();
  for (const { index, verdict } of results) {
    for (const { id, ok, violations, examples } of verdict.checks) {
      const sum = checks.get(id) ?? { id, ok: true, violations: 0, examples: [] };
      sum.ok &&= ok;
      sum.violations += violations;
      sum.examples.push(...examples.map((text) => `cluster ${index}: ${text}`));
      sum.examples.length = Math.min(sum.examples.length, examplesMax);
      checks.set(id, sum);
    }
  }
  return [...checks.values()];
}

/** FLT-1: members know the other clusters of their region, and not from long ago. */
export function knownCheck({ unknown, maxMin }: KnownAges): Check {
  const examples = [
    ...(unknown > 0 ? [`${unknown} times a member knew nothing of a cluster of its region`] : []),
    ...((maxMin ?? 0) > ageMinMax ? [`a member knew a cluster of ${maxMin} min ago, more than ${ageMinMax}`] : []),
  ];
  return { id: 'FLT-1-known-clusters', ok: examples.length === 0, violations: examples.length, examples };
}

function hashOf(results: readonly ClusterResult[], textsOf: (result: ClusterResult) => readonly string[]): string {
  const hash = new TraceHash();
  for (const result of results) for (const text of textsOf(result)) hash.text(text);
  return hash.digest();
}

/** The gap of the sums, and that of the worst cluster. */
function boundGaps(results: readonly Pick<ClusterResult, 'bound'>[]) {
  const bounds = results.flatMap(({ bound }) => (bound === null ? [] : [bound]));
  if (bounds.length === 0) return { boundGap: null, boundGapMax: null };
  const gapOf = (of: CertifiedBound[]) => {
    const boundKg = of.reduce((sum, each) => sum + each.boundKg, 0);
    return 1 - of.reduce((sum, { planKg }) => sum + planKg, 0) / boundKg;
  };
  return { boundGap: gapOf(bounds), boundGapMax: Math.max(...bounds.map((bound) => gapOf([bound]))) };
}

/** Sums up the clusters of a flight, given in the order of their index. */
export function fleetResult(
  { seed, sizes, scenario, image, rung }: FleetSetting,
  results: readonly ClusterResult[],
  { threads, wallS, processorS, turns, rssMiB }: FleetSpeed,
): FleetResult {
  const { days } = scenario;
  const nodes = sizes.reduce((total, size) => total + size, 0);
  const sum = (of: (result: ClusterResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const events = sum(({ verdict }) => verdict.speed.events);
  const nodeYears = (nodes * days) / daysPerYear;
  const outcomes = results.flatMap(({ verdict }) => verdict.disruptions);
  const kernels = rung === 'statistical' ? new Kernels(shippedOutcomes()) : null;
  const known = knownAges(results.map(({ ages }) => ages));
  return {
    traceHash: hashOf(results, ({ verdict, carriedHash }) => [verdict.traceHash, carriedHash]),
    decisionHash: hashOf(results, ({ verdict }) => [verdict.decisionHash]),
    seed,
    days,
    image,
    rung,
    kernels: kernels === null ? null : { clusters: kernels.count, sizes: kernels.sizes, images: kernels.images },
    extrapolation: kernels?.extrapolation(sizes, days) ?? [],
    firmware: results[0].verdict.firmware,
    nodes,
    clusters: sizes.length,
    regions: layPlaces({ seed, clusters: sizes.length }).regions.length,
    events,
    eventsPerNodeDay: events / nodes / days,
    threads,
    wallS,
    processorS,
    meanTurnMin: (sizes.length * days * minutesPerDay) / turns,
    eventsPerS: events / wallS,
    nodeYearsPerCoreHour: nodeYears / ((wallS * threads) / secondsPerHour),
    rssMiB,
    sla: {
      node: slaSummary(outcomes, 'node'),
      cluster: slaSummary(outcomes, 'cluster'),
      crossCluster: slaSummary(outcomes, 'cross-cluster'),
      fleet: slaSummary(outcomes, 'fleet'),
    },
    splits: 0,
    merges: 0,
    notBuilt,
    production: {
      achievableKg: sum(({ verdict }) => verdict.production.achievableKg ?? 0),
      actualKg: sum(({ verdict }) => verdict.production.actualKg),
      ...boundGaps(results),
    },
    membership: {
      falseDeaths: sum(({ verdict }) => verdict.membership.falseDeaths),
      lapsedLeases: sum(({ verdict }) => verdict.membership.lapsedLeases),
      nodeYears,
    },
    radio: {
      framesSent: sum(({ verdict }) => verdict.radio.framesSent),
      framesLost: sum(({ verdict }) => verdict.radio.framesLost),
      bytesPerNodeDay: sum(({ index, verdict }) => verdict.radio.bytesPerNodeDay * sizes[index]) / nodes,
      channelUse: sum(({ verdict }) => verdict.radio.channelUse) / results.length,
      abroad: {
        contacts: sum(({ contacts }) => contacts) / 2,
        framesSent: sum(({ abroad }) => abroad.sent),
        framesReceived: sum(({ abroad }) => abroad.received),
        refused: sum(({ abroad }) => abroad.refused),
      },
    },
    known,
    checks: [...checksOf(results), ...(known.samples > 0 ? [knownCheck(known)] : [])],
  };
}

/** True when every check held and no SLA was breached. */
export function isCleanFleet({ checks, sla }: FleetResult): boolean {
  return checks.every(({ ok }) => ok) && Object.values(sla).every(({ breaches }) => breaches === 0);
}

import type { Engine } from '../../host/engine/engine.ts';
import type { CustodyCounts, FederationSeat } from '../fleet/custody.ts';
import { ScenarioRun } from '../fleet/run.ts';
import type { TraceConsumer } from '../kernel/trace.ts';
import { TraceHash } from '../kernel/trace_hash.ts';
import { judgesOf, verdictOf } from '../report/fly_and_judge.ts';
import type { Check, DisruptionOutcome, SimVerdict } from '../report/verdict.ts';
import { shippedBody } from '../world/bodies.ts';
import type { Places } from '../world/orbits/places.ts';
import type { RunJudges } from '../check/run_judges.ts';
import type { CertifiedBound } from '../world/bound_gap.ts';
import { Agenda, type Entry } from './agenda.ts';
import { type AgeCounts, countAges, examinedEveryMs, examinedFromMs } from './ages.ts';
import type { Directory } from './directory.ts';
import { type FleetSetting, numberOf, seedOf } from './setting.ts';

/** Lineage and software of all nodes: nothing sets others yet. */
export const software = { lineage: 0, version: 1 } as const;
const msPerDay = 86_400_000;

/** What a fleet sums up of a disruption. */
export type JudgedDisruption = Pick<
  DisruptionOutcome,
  'kind' | 'class' | 'onsetS' | 'detectedS' | 'convergedS' | 'withinSla'
>;

/** Of a verdict, what a fleet sums up. Times of disruptions are from one instant of the cluster. */
export type ClusterVerdict = Pick<SimVerdict, 'traceHash' | 'decisionHash' | 'firmware' | 'radio'> & {
  disruptions: readonly JudgedDisruption[];
  production: Pick<SimVerdict['production'], 'achievableKg' | 'actualKg'>;
  membership: Pick<SimVerdict['membership'], 'falseDeaths' | 'lapsedLeases'>;
  speed: Pick<SimVerdict['speed'], 'events'>;
  checks: readonly Check[];
};

/** What became of one cluster. */
export interface ClusterResult {
  index: number;
  verdict: ClusterVerdict;
  bound: CertifiedBound | null;
  abroad: CustodyCounts;
  /** Over everything that arrived from other clusters. */
  carriedHash: string;
  contacts: number;
  ages: AgeCounts;
}

export interface ClusterParts {
  setting: FleetSetting;
  index: number;
  places: Places;
  directory: Directory;
  engine: Engine;
  image: Uint8Array;
}

/** A cluster as the contact plan knows it. */
export interface FlyingCluster {
  readonly index: number;
  readonly agenda: Agenda;
  readonly endMs: number;
  /** Up to where it was flown. */
  readonly atMs: number;
  flyTo(timeMs: number): void;
  /** Returns what goes to a neighbour in a contact that begins now. */
  framesFor(partner: number): Uint8Array[];
  /** Takes what has arrived from a neighbour now. */
  take(partner: number, frames: readonly Uint8Array[]): void;
  /** Examines what members know of the other clusters of the region. */
  sample(): void;
  /** Ends the run and judges it. */
  finish(): ClusterResult;
}

/** When a cluster that has others in its region is examined. */
export function samplesOf(endMs: number, others: number): Entry[] {
  if (others === 0) return [];
  const count = Math.floor((endMs - examinedFromMs) / examinedEveryMs) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, turn) => {
    const timeMs = examinedFromMs + turn * examinedEveryMs;
    return { timeMs, kind: 'sample', partner: -1, beginMs: timeMs };
  });
}

/** One cluster of a fleet: a run of its own, its judges, and what it exchanges with others. */
export class FleetCluster implements FlyingCluster {
  readonly index: number;
  readonly agenda = new Agenda();
  readonly endMs: number;
  atMs = 0;
  readonly #run: ScenarioRun;
  readonly #judges: RunJudges;
  readonly #parts: ClusterParts;
  readonly #scenario: FleetSetting['scenario'];
  readonly #carried = new TraceHash();
  readonly #ages: AgeCounts = new Map();
  readonly #others: number[];
  #contacts = 0;

  constructor(parts: ClusterParts, consumers: TraceConsumer[]) {
    const { setting, index, places, directory, engine, image } = parts;
    const { region } = places.clusters[index];
    const nodes = setting.sizes[index];
    const scenario = { ...setting.scenario, nodes, seed: seedOf(setting, index) };
    const body = shippedBody(scenario.body);
    this.index = index;
    this.endMs = Math.round(scenario.days * msPerDay);
    this.#parts = parts;
    this.#scenario = scenario;
    this.#others = places.regions[region].clusters.filter((other) => other !== index).map(numberOf);
    this.#judges = judgesOf({ scenario, body, image }).judges;
    const federation: FederationSeat = {
      cluster: numberOf(index),
      place: { region, ...software },
      isSigned: (message) => directory.isSigned(message),
    };
    this.#run = new ScenarioRun(scenario, {
      ...{ seed: scenario.seed, days: scenario.days, nodes, body, engine },
      consumers: [this.#judges, ...consumers],
      federation,
    });
    this.agenda.add(samplesOf(this.endMs, this.#others.length));
  }

  flyTo(timeMs: number): void {
    this.#run.advance(timeMs);
    this.atMs = timeMs;
  }

  framesFor(partner: number): Uint8Array[] {
    this.#contacts += 1;
    return this.#run.framesFor(partner);
  }

  take(partner: number, frames: readonly Uint8Array[]): void {
    const hash = this.#carried;
    hash.time(this.atMs);
    hash.word(partner);
    hash.word(frames.length);
    for (const frame of frames) {
      hash.word(frame.length);
      for (const byte of frame) hash.word(byte);
    }
    this.#run.takeFrames(this.atMs, partner, frames);
  }

  sample(): void {
    countAges(this.#ages, this.#run.knownAges(this.atMs, this.#others));
  }

  finish(): ClusterResult {
    const facts = this.#run.finish();
    const body = shippedBody(this.#scenario.body);
    const verdict = verdictOf({ scenario: this.#scenario, body, image: this.#parts.image }, this.#judges, facts, 0);
    const abroad = facts.abroad as CustodyCounts;
    const hashes = { carriedHash: this.#carried.digest(), contacts: this.#contacts };
    return { index: this.index, verdict, bound: this.#judges.certifiedBound(), abroad, ...hashes, ages: this.#ages };
  }
}

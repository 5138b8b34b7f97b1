/**
 * Flies clusters whose members die, and measures false deaths and the delay until true deaths are
 * known.
 */
import { FIELD, LIVENESS, TYPE } from '../../../host/cbor/generated.ts';
import { readImage } from '../../../host/engine/image.ts';
import { createFleetEngine } from '../../board/fleet_engine.ts';
import { defaultEngine, type EngineName } from '../../../host/engine/names.ts';
import { FalseDeaths } from '../../check/judges/false_deaths.ts';
import { Observers } from '../../check/observe/observers.ts';
import { runScenario } from '../../fleet/run.ts';
import type { TraceConsumer, WorldChange } from '../../kernel/trace.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';
import { type Body, shippedBody } from '../../world/bodies.ts';
import { layWorld } from '../../world/plan.ts';
import { poissonUpper95 } from '../statistics.ts';

/** Delays are counted in bins of so many seconds. */
const binS = 10;

/**
 * Draws lossy-30pct without work, for longer: members probe each other, lose 30 % of their frames,
 * point their radios elsewhere in contact windows, and four die.
 */
function membershipScenario(seed: number, days: number): Scenario {
  const dies = (atDay: number) => ({ kind: 'node-death', when: { fromDay: atDay - days / 8, toDay: atDay } });
  return scenarioSchema.parse({
    ...shippedScenario('lossy-30pct'),
    name: 'membership-30pct',
    seed,
    days,
    planWork: false,
    disruptions: [1, 2, 3, 4].map((part) => dies((part * days) / 5)),
  });
}

/**
 * Watches one flight for false deaths, and for how long true ones take to be known. Sees the trace
 * only.
 */
class DeathWatch implements TraceConsumer {
  /**
   * Delays from a death until each live member knows of it, counted in bins of `binS`: until it
   * counts the member as silent, and until it counts it as dead.
   */
  readonly silentBins: number[] = [];
  readonly deadBins: number[] = [];
  readonly judge: FalseDeaths;
  readonly #seen: Observers;
  readonly #diedMs = new Map<number, number>();
  /** Delays that were counted: state, observer and member. */
  readonly #counted = new Set<string>();

  constructor(scenario: Scenario, body: Body) {
    const { groups, nodes } = layWorld(scenario, { seed: scenario.seed, nodes: scenario.nodes, body });
    this.#seen = new Observers({ nodes: nodes.length, groups });
    this.judge = new FalseDeaths(this.#seen);
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.memberState) return;
    this.judge.event(timeMs, node, fields);
    const member = fields[FIELD.memberState.member];
    const state = fields[FIELD.memberState.state];
    const diedMs = this.#diedMs.get(member);
    if (diedMs === undefined || state < LIVENESS.unreachable) return;
    this.#count(this.silentBins, `silent ${node} ${member}`, timeMs - diedMs);
    if (state === LIVENESS.dead) this.#count(this.deadBins, `dead ${node} ${member}`, timeMs - diedMs);
  }

  command(): void {}

  world(timeMs: number, change: WorldChange): void {
    this.#seen.world(timeMs, change);
    if (change.kind === 'node-down' && change.permanent) this.#diedMs.set(change.node, timeMs);
  }

  end(): void {}

  /**
   * Counts the deaths that live members did not learn of by the end of the flight: deaths ×
   * members.
   */
  unknown(nodes: number): number {
    let unknown = 0;
    for (const [died] of this.#diedMs)
      for (let node = 0; node < nodes; node++)
        if (!this.#diedMs.has(node) && !this.#counted.has(`dead ${node} ${died}`)) unknown++;
    return unknown;
  }

  /** Counts a delay once. */
  #count(bins: number[], what: string, delayMs: number): void {
    if (this.#counted.has(what)) return;
    this.#counted.add(what);
    const bin = Math.floor(delayMs / 1000 / binS);
    while (bins.length <= bin) bins.push(0);
    bins[bin]++;
  }
}

/**
 * What one flight measured of deaths: one line of a campaign's file. `goneBins`: delays until a
 * member counted as silent.
 */
export interface DeathFlight {
  seed: number;
  nodeYears: number;
  falseDeaths: number;
  examples: string[];
  goneBins: number[];
  deadBins: number[];
  unknown: number;
  traceHash: string;
  firmware: string;
}

export interface DeathFlightOptions {
  nodes?: number;
  engine?: EngineName;
}

/** Flies one seed of lossy-30pct without work for `days` days. */
export function flyDeaths(seed: number, days: number, options: DeathFlightOptions = {}): DeathFlight {
  const drawn = membershipScenario(seed, days);
  const scenario = { ...drawn, nodes: options.nodes ?? drawn.nodes };
  const { nodes } = scenario;
  const body = shippedBody(scenario.body);
  const watch = new DeathWatch(scenario, body);
  const engine = createFleetEngine(options.engine ?? defaultEngine, readImage(scenario.preset));
  const facts = runScenario(scenario, { seed, days, nodes, body, engine, consumers: [watch] });
  return {
    seed,
    nodeYears: (nodes * days) / 365.25,
    falseDeaths: watch.judge.count,
    examples: watch.judge.verdict().examples,
    goneBins: watch.silentBins,
    deadBins: watch.deadBins,
    unknown: watch.unknown(nodes),
    traceHash: facts.traceHash,
    firmware: facts.firmware.sha256,
  };
}

/** The sum of many flights. Times in seconds; null: nobody died. */
export interface DeathsSummary {
  flights: number;
  nodeYears: number;
  firmware: string | null;
  falseDeaths: number;
  ratePerNodeYearUpper95: number;
  goneP50S: number | null;
  goneP99S: number | null;
  deadP50S: number | null;
  deadP99S: number | null;
  /** Deaths × members that never learnt of them. */
  unknown: number;
}

export function summaryOf(flights: readonly DeathFlight[]): DeathsSummary {
  const sum = (of: (flight: DeathFlight) => number) => flights.reduce((total, flight) => total + of(flight), 0);
  const silent = addBins(flights.map(({ goneBins }) => goneBins));
  const dead = addBins(flights.map(({ deadBins }) => deadBins));
  const nodeYears = sum((flight) => flight.nodeYears);
  const falseDeaths = sum((flight) => flight.falseDeaths);
  return {
    flights: flights.length,
    nodeYears,
    firmware: flights[0]?.firmware ?? null,
    falseDeaths,
    ratePerNodeYearUpper95: poissonUpper95(falseDeaths) / nodeYears,
    goneP50S: quantileS(silent, 0.5),
    goneP99S: quantileS(silent, 0.99),
    deadP50S: quantileS(dead, 0.5),
    deadP99S: quantileS(dead, 0.99),
    unknown: sum((flight) => flight.unknown),
  };
}

/** Adds several counts, bin by bin. */
export function addBins(counts: readonly (readonly number[])[]): number[] {
  const longest = Math.max(0, ...counts.map((bins) => bins.length));
  return Array.from({ length: longest }, (_, bin) => counts.reduce((sum, bins) => sum + (bins[bin] ?? 0), 0));
}

/**
 * Returns the upper end of the bin that holds the share-quantile, seconds. null: nothing was
 * counted.
 */
export function quantileS(bins: readonly number[], share: number): number | null {
  const total = bins.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    sum += bins[bin];
    if (total > 0 && sum >= share * total) return (bin + 1) * binS;
  }
  return null;
}

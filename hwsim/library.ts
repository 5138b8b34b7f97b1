/**
 * `heliograph`: the library. Everything of `heliograph/node`, and the simulator: loads a scenario,
 * flies it with real firmware, iterates over its trace, judges it. docs/library.md has examples.
 *
 * Experimental: names and shapes may change with any version.
 */
import type { Preset } from '../host/build/root.ts';
import { inputBytesMax, readInput } from '../host/cli/input.ts';
import { nameRecord } from '../host/cli/record_text.ts';
import { startStopwatch } from '../host/clock/clock.ts';
import { readImage } from '../host/engine/image.ts';
import { createEngine } from '../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../host/engine/names.ts';
import { HonestOnly } from './check/honest_only.ts';
import type { RunJudges } from './check/run_judges.ts';
import { createFleetEngine } from './board/fleet_engine.ts';
import { simulatedBoards } from './report/run_boards.ts';
import { judgesOf, type Setting, verdictOf } from './report/fly_and_judge.ts';
import { meteredEngines } from './report/metered.ts';
import { isClean, type SimVerdict } from './report/verdict.ts';
import { type RunFacts, ScenarioRun } from './fleet/run.ts';
import type { TraceConsumer, WorldChange } from './kernel/trace.ts';
import { type Overrides, parseScenario, withOverrides } from './scenario/load.ts';
import type { Scenario } from './scenario/schema.ts';
import { shippedScenarios } from './scenario/shipped.ts';
import { type Body, shippedBody } from './world/bodies.ts';

export * from '../host/library.ts';
export type { Check, DisruptionOutcome, SimVerdict } from './report/verdict.ts';
export type { WorldChange } from './kernel/trace.ts';
export { type Overrides, parseScenario, ScenarioError, type ScenarioProblem } from './scenario/load.ts';
export type { Scenario } from './scenario/schema.ts';
export type { Body } from './world/bodies.ts';

/** Names of the scenarios that the package ships. */
export const scenarioNames: readonly string[] = Object.keys(shippedScenarios);

/**
 * Loads a scenario: a shipped one by name, or a YAML file by path. `overrides` replace fields, as
 * the options of `heliograph sim` do. Throws ScenarioError, which names every problem with file,
 * line, column and field.
 */
export function loadScenario(nameOrFile: string, overrides: Overrides = {}): Scenario {
  const isShipped = Object.hasOwn(shippedScenarios, nameOrFile);
  const text = isShipped ? shippedScenarios[nameOrFile] : readInput(nameOrFile, inputBytesMax.scenario);
  const isShortened = overrides.days !== undefined;
  return withOverrides(parseScenario(text, isShipped ? `${nameOrFile}.yaml` : nameOrFile, isShortened), overrides);
}

/** One entry of a trace. Times are milliseconds of true mission time. */
export type TraceEntry =
  /**
   * A frame went on the air: how many nodes received it, and how many of those it was meant for
   * lost it.
   */
  | {
      readonly kind: 'frame';
      readonly timeMs: number;
      readonly sender: number;
      readonly bytes: Uint8Array;
      readonly received: number;
      readonly lost: number;
    }
  /** A node gave out a record. `name` and the names in `fields` are those of the message schema. */
  | {
      readonly kind: 'command' | 'event';
      readonly timeMs: number;
      readonly node: number;
      readonly name: string;
      readonly fields: Readonly<Record<string, number>>;
    }
  /** The world's ground truth changed. */
  | { readonly kind: 'world'; readonly timeMs: number; readonly change: WorldChange };

/** Keeps the entries of a trace until they are fetched. */
class TraceBuffer implements TraceConsumer {
  isOpen = false;
  #entries: TraceEntry[] = [];

  fetch(): TraceEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  frame(timeMs: number, sender: number, bytes: Uint8Array, received: number, lost: number): void {
    if (this.isOpen) this.#entries.push({ kind: 'frame', timeMs, sender, bytes: bytes.slice(), received, lost });
  }

  command(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    if (this.isOpen) this.#entries.push({ kind: 'command', timeMs, node, ...nameRecord(fields, length) });
  }

  event(timeMs: number, node: number, fields: Uint32Array, length: number): void {
    if (this.isOpen) this.#entries.push({ kind: 'event', timeMs, node, ...nameRecord(fields, length) });
  }

  world(timeMs: number, change: WorldChange): void {
    if (this.isOpen) this.#entries.push({ kind: 'world', timeMs, change: structuredClone(change) });
  }
}

export interface FlyOptions {
  /** Default: V8. Results and hashes are the same on both engines. */
  readonly engine?: EngineName;
  /** The small body to work at. Default: the scenario's own, from the shipped catalogue. */
  readonly body?: Body;
}

/** Mission time that is flown between two looks into the trace, milliseconds. */
const sliceMs = 60_000;

/**
 * A flight under way: it goes on as far as its trace is read, about a minute of mission time at
 * once.
 */
export interface Flight extends Iterable<TraceEntry> {
  readonly scenario: Scenario;
  /** Mission time that has been flown, milliseconds. */
  readonly timeMs: number;
  /** The trace from here on, in time order. What was flown before is not repeated. */
  [Symbol.iterator](): Generator<TraceEntry>;
  /** Flies what is left, and returns the verdict of all judges. */
  finish(): SimVerdict;
}

class ScenarioFlight implements Flight {
  readonly scenario: Scenario;
  readonly #setting: Setting;
  readonly #run: ScenarioRun;
  readonly #judges: RunJudges;
  readonly #trace: TraceBuffer;
  #wallS = 0;
  #atMs = 0;
  #verdict: SimVerdict | null = null;

  constructor(setting: Setting, run: ScenarioRun, judges: RunJudges, trace: TraceBuffer) {
    this.scenario = setting.scenario;
    this.#setting = setting;
    this.#run = run;
    this.#judges = judges;
    this.#trace = trace;
  }

  get timeMs(): number {
    return this.#atMs;
  }

  *[Symbol.iterator](): Generator<TraceEntry> {
    this.#trace.isOpen = true;
    try {
      for (let isUnderWay = true; isUnderWay; ) {
        isUnderWay = this.#advance(this.#atMs + sliceMs);
        yield* this.#trace.fetch();
      }
    } finally {
      this.#trace.isOpen = false;
      this.#trace.fetch();
    }
  }

  /** Flies to a mission time. False: the flight is over. */
  #advance(untilMs: number): boolean {
    const seconds = startStopwatch();
    this.#atMs = Math.min(untilMs, this.#run.endMs);
    const isUnderWay = this.#run.advance(this.#atMs);
    this.#wallS += seconds();
    return isUnderWay && this.#atMs < this.#run.endMs;
  }

  finish(): SimVerdict {
    if (this.#verdict !== null) return this.#verdict;
    this.#advance(this.#run.endMs);
    const facts: RunFacts = this.#run.finish();
    this.#verdict = verdictOf(this.#setting, this.#judges, facts, this.#wallS);
    return this.#verdict;
  }
}

/**
 * Prepares the flight of a scenario: a function of the scenario and the built images, which reads
 * no clock. Nodes that the scenario gives to flight boards are simulated. The flight itself goes on
 * while its trace is read, or in `judge`.
 */
export async function flyScenario(scenario: Scenario, options: FlyOptions = {}): Promise<Flight> {
  const { engine = defaultEngine, body = shippedBody(scenario.body) } = options;
  const image = readImage(scenario.preset);
  const setting: Setting = { scenario, body, image, engine };
  const engineOf = (preset: Preset) => createEngine(engine, readImage(preset));
  const { judges, byzantine } = judgesOf(setting);
  const trace = new TraceBuffer();
  const { seed, days, nodes } = scenario;
  const run = new ScenarioRun(scenario, {
    seed,
    days,
    nodes,
    body,
    engine: createFleetEngine(engine, image),
    controllers: simulatedBoards(scenario, engineOf).controllers,
    ownEngine: scenario.upsets === undefined ? undefined : await meteredEngines(engine, image),
    consumers: [byzantine === null ? judges : new HonestOnly(judges, byzantine), trace],
  });
  return new ScenarioFlight(setting, run, judges, trace);
}

/**
 * Judges a flight, after what is left of it is flown: the verdict that `heliograph sim --json`
 * prints. Every check must hold (`checks`), and every disruption must converge within its SLA
 * (`disruptions`).
 */
export function judge(flight: Flight): SimVerdict {
  return flight.finish();
}

/** True when every check held and no SLA was breached. */
export function isVerdictClean(verdict: SimVerdict): boolean {
  return isClean(verdict);
}

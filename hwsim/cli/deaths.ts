import { appendFileSync, existsSync } from 'node:fs';
import { addBins, DeathWatch, membershipScenario, quantileS } from '../campaign/cluster/deaths.ts';
import { CommandError, exitCode } from '../../host/cli/exit.ts';
import { fly } from './fly.ts';
import { readInput } from '../../host/cli/input.ts';
import { loadBody, loadScenario } from './input.ts';
import { createEngine } from '../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../host/engine/names.ts';
import { fileAdvice } from '../../host/store/store.ts';
import { readImage } from '../../host/engine/image.ts';

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

/** Flies one seed for `days` days. */
export function flyDeaths(seed: number, days: number, nodes?: number, engine: EngineName = defaultEngine): DeathFlight {
  const drawn = membershipScenario(loadScenario('lossy-30pct'), seed, days);
  const scenario = nodes === undefined ? drawn : { ...drawn, nodes };
  const body = loadBody(scenario.body, undefined, console.error);
  const watch = new DeathWatch(scenario, body);
  const running = createEngine(engine, readImage(scenario.preset));
  const { facts } = fly({ scenario, body, engine: running, consumers: [watch] });
  return {
    seed,
    nodeYears: (scenario.nodes * days) / 365.25,
    falseDeaths: watch.falseDeaths,
    examples: watch.examples,
    goneBins: watch.goneBins,
    deadBins: watch.deadBins,
    unknown: watch.unknown(scenario.nodes),
    traceHash: facts.traceHash,
    firmware: facts.firmware.sha256,
  };
}

/** Upper end of the one-sided 95 % interval of a Poisson mean, `count` seen: 3.0 for none. */
export function poissonUpper95(count: number): number {
  const below = (mean: number) => {
    let term = Math.exp(-mean);
    let sum = term;
    for (let k = 1; k <= count; k++) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  let low = count;
  let high = 10 + 3 * count;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (below(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** What many flights say together. Seconds; null: nobody died. `unknown`: deaths × members that never learnt of them. */
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
  unknown: number;
}

export function summaryOf(flights: readonly DeathFlight[]): DeathsSummary {
  const sum = (of: (flight: DeathFlight) => number) => flights.reduce((total, flight) => total + of(flight), 0);
  const gone = addBins(flights.map(({ goneBins }) => goneBins));
  const dead = addBins(flights.map(({ deadBins }) => deadBins));
  const nodeYears = sum((flight) => flight.nodeYears);
  const falseDeaths = sum((flight) => flight.falseDeaths);
  return {
    flights: flights.length,
    nodeYears,
    firmware: flights[0]?.firmware ?? null,
    falseDeaths,
    ratePerNodeYearUpper95: poissonUpper95(falseDeaths) / nodeYears,
    goneP50S: quantileS(gone, 0.5),
    goneP99S: quantileS(gone, 0.99),
    deadP50S: quantileS(dead, 0.5),
    deadP99S: quantileS(dead, 0.99),
    unknown: sum((flight) => flight.unknown),
  };
}

/** The summary as people read it. */
export function deathsText(summary: DeathsSummary, flights: readonly DeathFlight[]): string {
  const { falseDeaths, ratePerNodeYearUpper95: rate, goneP50S, goneP99S, deadP50S, deadP99S, unknown } = summary;
  const lines = [
    `flights       ${summary.flights}, ${summary.nodeYears.toFixed(1)} node·years, image ${summary.firmware?.slice(0, 16) ?? '–'}`,
    `false deaths  ${falseDeaths}; rate at most ${rate.toExponential(2)} per node·year (95 %)`,
    `known gone    p50 ${goneP50S} s, p99 ${goneP99S} s`,
    `known dead    p50 ${deadP50S} s, p99 ${deadP99S} s; never known ${unknown}`,
  ];
  for (const { seed, examples } of flights) for (const example of examples) lines.push(`seed ${seed}: ${example}`);
  return lines.join('\n');
}

/** The flights that a file holds already; CommandError (3) names the line that is none, or the image that is another. */
function flightsIn(path: string, firmware: string): DeathFlight[] {
  if (!existsSync(path)) return [];
  const lines = readInput(path).split('\n');
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    const place = `${path}:${index + 1}`;
    let flight: DeathFlight;
    try {
      flight = JSON.parse(line);
    } catch {
      throw new CommandError(`${place}: is no flight, perhaps cut off in writing (delete the line)`, exitCode.input);
    }
    if (flight.firmware === firmware) return [flight];
    const other = String(flight.firmware).slice(0, 16);
    throw new CommandError(`${place}: flown by image ${other}, not the one built (begin a new file)`, exitCode.input);
  });
}

export interface DeathsOptions {
  flights: number;
  from: number;
  days: number;
  engine: EngineName;
  out?: string;
  json?: true;
}

/** `heliograph deaths`: seeds from…from + flights − 1 of lossy-30pct without work. `out` gets a JSON line per flight; those there are not flown again. */
export function deaths({ flights: count, from, days, engine, out, json }: DeathsOptions): void {
  const firmware = createEngine(engine, readImage('flight')).image.sha256;
  const flights = out === undefined ? [] : flightsIn(out, firmware);
  for (let seed = from; seed < from + count; seed++) {
    if (flights.some((flight) => flight.seed === seed)) continue;
    const flight = flyDeaths(seed, days, undefined, engine);
    flights.push(flight);
    if (out !== undefined) append(out, `${JSON.stringify(flight)}\n`);
    console.error(`seed ${seed}: ${flight.falseDeaths} false deaths in ${flight.nodeYears.toFixed(1)} node·years`);
  }
  const summary = summaryOf(flights);
  console.log(json ? JSON.stringify(summary) : deathsText(summary, flights));
  if (summary.falseDeaths > 0) process.exitCode = exitCode.failed;
}

function append(path: string, line: string): void {
  try {
    appendFileSync(path, line);
  } catch (error) {
    throw new CommandError(`${path}: ${fileAdvice(error as NodeJS.ErrnoException)}`, exitCode.environment);
  }
}

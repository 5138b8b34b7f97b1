/**
 * `npm run deaths -- --flights N [--from S] [--days D] [--out FILE]`: flies lossy-30pct without work, counts false deaths (MBR-1) and
 * how long true ones take to be known. FILE gets a JSON line per flight, so several runs may share it: seeds in it are not flown again.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { DeathWatch, membershipScenario, quantileS } from '../../hwsim/campaign/deaths.ts';
import { exitCode } from './exit.ts';
import { fly } from './fly.ts';
import { loadBody, loadScenario, wholeNumber } from './input.ts';
import { createV8Engine } from '../engine/v8.ts';
import { readImage } from './sim.ts';

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
export function flyDeaths(seed: number, days: number, nodes?: number): DeathFlight {
  const drawn = membershipScenario(loadScenario('lossy-30pct'), seed, days);
  const scenario = nodes === undefined ? drawn : { ...drawn, nodes };
  const body = loadBody(scenario.body, undefined, console.error);
  const watch = new DeathWatch(scenario, body);
  const { facts } = fly({ scenario, body, engine: createV8Engine(readImage(scenario.preset)), consumers: [watch] });
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

/** The summary of many flights, as people read it. */
export function deathsText(flights: readonly DeathFlight[]): string {
  const sum = (of: (flight: DeathFlight) => number) => flights.reduce((total, flight) => total + of(flight), 0);
  const add = (of: (flight: DeathFlight) => number[]) => {
    const bins: number[] = [];
    for (const flight of flights)
      of(flight).forEach((count, bin) => {
        bins[bin] = (bins[bin] ?? 0) + count;
      });
    return Array.from(bins, (count) => count ?? 0);
  };
  const years = sum(({ nodeYears }) => nodeYears);
  const count = sum(({ falseDeaths }) => falseDeaths);
  const gone = add(({ goneBins }) => goneBins);
  const dead = add(({ deadBins }) => deadBins);
  const lines = [
    `flights       ${flights.length}, ${years.toFixed(1)} node·years, image ${[...new Set(flights.map(({ firmware }) => firmware.slice(0, 16)))].join(', ')}`,
    `false deaths  ${count}; rate at most ${(poissonUpper95(count) / years).toExponential(2)} per node·year (95 %)`,
    `known gone    p50 ${quantileS(gone, 0.5)} s, p99 ${quantileS(gone, 0.99)} s`,
    `known dead    p50 ${quantileS(dead, 0.5)} s, p99 ${quantileS(dead, 0.99)} s; never known ${sum(({ unknown }) => unknown)}`,
  ];
  for (const { seed, examples } of flights) for (const example of examples) lines.push(`seed ${seed}: ${example}`);
  return lines.join('\n');
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : (process.argv[at + 1] ?? '');
}

function number(name: string, fallback: number): number {
  const text = option(name);
  return text === undefined ? fallback : wholeNumber(name, 0, 0xffffffff)(text);
}

function campaign(count: number): void {
  const out = option('--out');
  const text = out !== undefined && existsSync(out) ? readFileSync(out, 'utf8') : '';
  const flights: DeathFlight[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const from = number('--from', 1);
  for (let seed = from; seed < from + count; seed++) {
    if (flights.some((flight) => flight.seed === seed)) continue;
    const flight = flyDeaths(seed, number('--days', 30));
    flights.push(flight);
    if (out !== undefined) appendFileSync(out, `${JSON.stringify(flight)}\n`);
    console.error(`seed ${seed}: ${flight.falseDeaths} false deaths in ${flight.nodeYears.toFixed(1)} node·years`);
  }
  console.log(deathsText(flights));
  if (flights.some(({ falseDeaths }) => falseDeaths > 0)) process.exitCode = exitCode.failed;
}

if (option('--flights') !== undefined) campaign(number('--flights', 1));

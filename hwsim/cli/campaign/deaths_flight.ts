import { readImage } from '../../../host/engine/image.ts';
import { createEngine } from '../../../host/engine/load.ts';
import { defaultEngine, type EngineName } from '../../../host/engine/names.ts';
import { DeathWatch, membershipScenario } from '../../campaign/cluster/deaths.ts';
import { shippedScenario } from '../../scenario/load.ts';
import { shippedBody } from '../../world/bodies.ts';
import { fly } from '../sim/fly.ts';

/** What one flight measured of deaths. A file of --out has one such line per flight. */
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
export function flyDeaths(seed: number, days: number, { nodes, engine }: DeathFlightOptions = {}): DeathFlight {
  const drawn = membershipScenario(shippedScenario('lossy-30pct'), seed, days);
  const scenario = nodes === undefined ? drawn : { ...drawn, nodes };
  const body = shippedBody(scenario.body);
  const watch = new DeathWatch(scenario, body);
  const running = createEngine(engine ?? defaultEngine, readImage(scenario.preset));
  const { facts } = fly({ scenario, body, engine: running, consumers: [watch], silent: true });
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

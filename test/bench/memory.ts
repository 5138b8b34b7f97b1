// How much resident memory a simulated node takes.

import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readImage } from '../../host/engine/image.ts';
import { createFleetEngine } from '../../hwsim/board/fleet_engine.ts';
import type { EngineName } from '../../host/engine/names.ts';
import { ScenarioRun } from '../../hwsim/fleet/run.ts';
import { shippedBody } from '../../hwsim/world/bodies.ts';
import { type FlownImage, quiet } from './speed.ts';

/** Every node has written both checkpoint slots several times by then. */
const hours = 3;
const nodes = 200;

/** Flies nodes of `quiet`, and returns the run with all that it holds. */
function held(image: FlownImage, engine: EngineName, members: number): ScenarioRun {
  const scenario = quiet(1, members);
  const { seed, days } = scenario;
  const body = shippedBody(scenario.body);
  const run = new ScenarioRun(scenario, {
    seed,
    days,
    nodes: members,
    body,
    engine: createFleetEngine(engine, readImage(image)),
  });
  run.advance(hours * 3_600_000);
  return run;
}

/** Prints how many bytes of resident memory each node of a second, equal flight adds. */
export function printBytesPerNode(image: FlownImage, engine: EngineName): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const residentBytes = () => {
    for (let turn = 0; turn < 3; turn += 1) collect();
    return process.memoryUsage().rss;
  };
  // What V8 compiles, and the room that it takes for garbage, is there before the first look.
  const runs = [held(image, engine, nodes)];
  const before = residentBytes();
  runs.push(held(image, engine, nodes));
  console.log((residentBytes() - before) / nodes);
  runs.length = 0;
}

/** Measures in a process of its own: this one has what earlier flights left in memory. */
export function bytesPerNode(image: FlownImage, engine: EngineName): number {
  const words = [process.argv[1], '--memory', image, '--engine', engine];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the measurement of memory failed: ${stderr}`);
  return Number(stdout);
}

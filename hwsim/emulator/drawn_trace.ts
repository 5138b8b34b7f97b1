import type { Engine } from '../../host/engine/engine.ts';
import type { FirmwareInput } from '../board/controller.ts';
import { runScenario } from '../fleet/run.ts';
import { type Scenario, scenarioSchema } from '../scenario/schema.ts';
import type { Body } from '../world/bodies.ts';
import { RecordingBoard, withStores } from './trace.ts';

export interface RecordOptions {
  /** Its world, radio and generations are used. */
  scenario: Scenario;
  preset: Scenario['preset'];
  body: Body;
  /** A fresh engine of the preset. */
  engineOf: () => Engine;
  inputs: number;
  seed: number;
}

const nodes = 24;
/** The node whose inputs are recorded. */
const recorded = 3;
/** Inputs of a node of such a cluster in a day, with a margin. */
const inputsPerDayMin = 25_000;
const restarts = [0.15, 0.3, 0.45, 0.6, 0.75];
const daysMin = 0.05;

/**
 * Records the inputs of one node in a short run drawn from the seed: frames of its peers, ticks,
 * observations, restarts from its checkpoints, and orders to store checkpoints. Returns exactly
 * `inputs` of them, as a function of the options.
 */
export function recordTrace({ scenario, preset, body, engineOf, inputs, seed }: RecordOptions): FirmwareInput[] {
  for (let days = Math.max(daysMin, inputs / inputsPerDayMin); ; days *= 1.5) {
    const recorder = new RecordingBoard(engineOf());
    runScenario(eventful(scenario, preset, days), {
      seed,
      days,
      nodes,
      body,
      engine: engineOf(),
      controllers: new Map([[recorded, recorder]]),
    });
    const trace = withStores(recorder.inputs, seed);
    if (trace.length >= inputs) return trace.slice(0, inputs);
  }
}

/**
 * Builds a run in which the node gets every kind of input: it restarts again and again, others die,
 * and the resources change.
 */
function eventful(scenario: Scenario, preset: Scenario['preset'], days: number): Scenario {
  const at = (share: number) => ({ atDay: days * share });
  return scenarioSchema.parse({
    ...scenario,
    name: 'trace',
    title: 'inputs of one node',
    preset,
    nodes,
    days,
    boards: [],
    greedyBaseline: false,
    disruptions: [
      ...restarts.map((share, index) => ({
        kind: 'reset',
        node: recorded,
        when: at(share),
        downS: 60,
        badSlots: index === 2 ? 1 : 0,
      })),
      { kind: 'hung-task', node: recorded, when: at(0.5), failing: [1, 2] },
      { kind: 'node-death', when: at(0.2) },
      { kind: 'reset', when: at(0.35), downS: 600 },
      { kind: 'lot-depleted', when: at(0.4) },
      { kind: 'tug-lost', when: at(0.55) },
      { kind: 'occultation', when: at(0.62), hours: 1, share: 0.3, predictedHours: 1 },
    ],
  });
}

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createV8Engine } from '../../host/engine/v8.ts';
import type { Preset } from '../../host/build/root.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import type { Controller } from '../../hwsim/board/controller.ts';
import { EngineBoard } from '../../hwsim/board/engine_board.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';
import { callsOf } from './model_board.ts';

const nodes = 12;
const days = 0.8;
const when = (atDay: number) => ({ atDay });
const scenario = scenarioSchema.parse({
  ...loadScenario('quiet'),
  nodes,
  days,
  disruptions: [
    { kind: 'reset', count: 3, when: when(0.3), downS: 120 },
    { kind: 'reset', count: 2, when: when(0.4), badSlots: 1 },
    { kind: 'reset', count: 1, when: when(0.45), badSlots: 2 },
    { kind: 'hung-runtime', count: 2, when: when(0.5) },
    { kind: 'hung-task', count: 2, when: when(0.35), persistent: true, failing: [1, 2, 3] },
    { kind: 'hung-task', count: 1, when: when(0.36) },
    { kind: 'node-death', count: 1, when: when(0.6) },
  ],
});

function fly(presets: ReadonlyMap<number, Preset>): RunFacts {
  const engines = new Map(
    (['flight', 'compact'] as Preset[]).map((preset) => [preset, createV8Engine(readImage(preset))]),
  );
  const controllers = new Map<number, Controller>();
  for (const [node, preset] of presets) controllers.set(node, new EngineBoard(engines.get(preset)!));
  const body = loadBody(scenario.body, undefined, () => {});
  return runScenario(scenario, {
    seed: 4,
    days,
    nodes,
    body,
    engine: createV8Engine(readImage('flight')),
    controllers,
  });
}

const everyNode = (preset: Preset) => new Map(Array.from({ length: nodes }, (_, node) => [node, preset] as const));

test('nodes behind the loop of a board act exactly as nodes called directly, through every kind of fault', () => {
  const direct = fly(new Map());
  const looped = fly(everyNode('flight'));
  assert.is(looped.traceHash, direct.traceHash);
  assert.is(looped.decisionHash, direct.decisionHash);
  assert.equal(callsOf(looped), callsOf(direct));
  assert.equal(looped.radio, direct.radio);
  assert.equal(looped.traps, []);
});

test('nodes of the compact image fly beside nodes of the flight image', () => {
  const mixed = fly(new Map([3, 7].map((node) => [node, 'compact' as const])));
  assert.equal(mixed.traps, []);
  assert.ok(mixed.production.minedKg > 0.8 * fly(new Map()).production.minedKg);
  assert.is(mixed.traceHash, fly(new Map([3, 7].map((node) => [node, 'compact' as const]))).traceHash);
});

test.run();

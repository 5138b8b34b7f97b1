// SEC-1: the image whose cipher is a stand-in decides what the real one decides, and is for the simulator only.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { createV8Engine, loadV8Engine } from '../../host/engine/v8.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';

const test = suite('cipher null');

function fly(image: 'flight' | 'null-cipher', seed: number): RunFacts {
  const scenario = loadScenario('cluster-neo');
  const body = loadBody(scenario.body, undefined, () => {});
  return runScenario(scenario, { seed, days: 14, nodes: 100, body, engine: loadV8Engine(image) });
}

test('100 nodes decide the same for 14 days with disruptions, whichever cipher seals their frames', () => {
  const real = fly('flight', 7);
  const standIn = fly('null-cipher', 7);
  assert.is(standIn.decisionHash, real.decisionHash);
  assert.is.not(standIn.traceHash, real.traceHash, 'the bytes on the air differ');
  assert.is(standIn.radio.framesSent, real.radio.framesSent);
  assert.ok(real.calls.boots > 100, 'somebody was struck');
});

test('it says what it is, and is as large in memory', () => {
  const engineOf = (name: 'flight' | 'null-cipher') => createV8Engine(readFileSync(imagePath(name)));
  const [real, standIn] = [engineOf('flight'), engineOf('null-cipher')];
  assert.is(real.image.isCipherNull, false);
  assert.is(standIn.image.isCipherNull, true);
  assert.is(standIn.image.contextBytes, real.image.contextBytes);
});

test.run();

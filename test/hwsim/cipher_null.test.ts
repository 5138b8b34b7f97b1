// SEC-1: the image with the null cipher decides what the real one decides, and is for the simulator
// only.
// long: HELIOGRAPH_CIPHER_DAYS=14 HELIOGRAPH_CIPHER_NODES=100

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { createV8Engine, loadV8Engine } from '../../host/engine/v8.ts';
import { type RunFacts, runScenario } from '../../hwsim/fleet/run.ts';

const test = suite('cipher null');

/** The first two disruptions, among them a reset, fall into the short flight. */
const days = Number(process.env.HELIOGRAPH_CIPHER_DAYS ?? 3);
const nodes = Number(process.env.HELIOGRAPH_CIPHER_NODES ?? 50);

function fly(image: 'flight' | 'null-cipher', seed: number): RunFacts {
  const scenario = loadScenario('cluster-neo');
  const body = loadBody(scenario.body, undefined, () => {});
  return runScenario(scenario, { seed, days, nodes, body, engine: loadV8Engine(image) });
}

test(`${nodes} nodes decide the same for ${days} days with disruptions, whichever cipher seals their frames`, () => {
  const real = fly('flight', 7);
  const nullCipher = fly('null-cipher', 7);
  assert.is(nullCipher.decisionHash, real.decisionHash);
  assert.is.not(nullCipher.traceHash, real.traceHash, 'the bytes on the air differ');
  assert.is(nullCipher.radio.framesSent, real.radio.framesSent);
  assert.ok(real.calls.boots > nodes, 'a node was reset');
});

test('the null-cipher image reports its cipher, and has a context of the same size', () => {
  const engineOf = (name: 'flight' | 'null-cipher') => createV8Engine(readFileSync(imagePath(name)));
  const [real, nullCipher] = [engineOf('flight'), engineOf('null-cipher')];
  assert.is(real.image.isCipherNull, false);
  assert.is(nullCipher.image.isCipherNull, true);
  assert.is(nullCipher.image.contextBytes, real.image.contextBytes);
});

test.run();

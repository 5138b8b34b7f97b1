// needs: wasmtime
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuelOf, fuelPerCallMax, worstFuel } from '../../hwsim/bench/fuel.ts';
import { imagePath } from '../../host/build/root.ts';
import { fly } from '../../hwsim/report/fly.ts';
import { applyOverrides, loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { engineNames } from '../../host/engine/names.ts';
import { createWasmtimeEngine } from '../../host/engine/wasmtime.ts';

const quiet = applyOverrides(loadScenario('quiet'), { days: 0.25, seed: 3, nodes: 24 });
const body = loadBody(quiet.body, undefined, () => {});
const image = readImage('flight');

const flown = (engine: Engine) => fly({ scenario: quiet, body, engine, consumers: [] }).facts;

test('SIM-4 holds: a run is the same to the last byte of its trace on V8 and on Wasmtime', () => {
  const verdicts = engineNames.map((engine) => flyAndJudge({ scenario: quiet, body, image, engine }, null));
  const [v8, wasmtime] = verdicts.map(({ speed, engine, ...rest }) => ({ ...rest, events: speed.events }));
  assert.equal(wasmtime, v8);
});

test('equal calls and runs take equal fuel, and counting or limiting fuel does not change a run', () => {
  const runs = [1, 2].map(() => {
    const { engine, worst } = worstFuel(createWasmtimeEngine(image, { fuelBudget: fuelPerCallMax }));
    return { facts: flown(engine), worst: [...worst] };
  });
  assert.equal(runs[1], runs[0]);
  assert.is(runs[0].facts.traceHash, flown(createWasmtimeEngine(image)).traceHash);
  assert.equal(runs[0].facts.traps, [], 'no call passes the budget');
  const worst = new Map(runs[0].worst);
  for (const name of ['boot', 'receive', 'tick', 'transmit'] as const) {
    const { fuel, calls } = worst.get(name)!;
    assert.ok(fuel > 1000 && fuel < fuelPerCallMax / 5 && calls > 0, `${name}: ${fuel} fuel, ${calls} calls`);
  }
});

test('a call that passes its budget does not go unnoticed in a flight', () => {
  const lessThanFillingAContextTakes = 50_000;
  const engine = createWasmtimeEngine(image, { fuelBudget: lessThanFillingAContextTakes });
  // A board whose runtime breaks off while it begins takes the crash recovery: restarts, resets,
  // the alternate image, silence.
  assert.ok(flown(engine).traps.length > 0);
});

test('the fuel of one call', () => {
  const tiny = new Uint8Array(readFileSync(imagePath('tiny')));
  const engine = createWasmtimeEngine(tiny, { fuel: true });
  const ctx = engine.reserve(engine.image.contextBytes);
  const least = fuelOf(engine, (calls) => calls.abi_version());
  const whole = fuelOf(engine, (calls) => calls.hash(ctx));
  assert.ok(least > 0 && least < 10);
  assert.ok(whole > engine.image.contextBytes / 8, 'a checksum looks at every byte');
  assert.is(
    fuelOf(engine, (calls) => calls.hash(ctx)),
    whole,
  );
  const uncounted = createWasmtimeEngine(tiny);
  assert.is(uncounted.fuelUsed(), 0);
  assert.throws(() => fuelOf(uncounted, (calls) => calls.abi_version()), /create it with fuel: true/);
});

test.run();

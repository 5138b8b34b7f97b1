import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import type { Preset } from '../../host/build/root.ts';
import { applyOverrides, loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';

const sizes: [Preset, number][] = [
  ['compact', 64],
  ['tiny', 8],
];

for (const [preset, nodes] of sizes) {
  test(`a full cluster of ${nodes} flies the ${preset} image, and one more node is refused`, () => {
    const days = 0.2;
    const scenario = applyOverrides(loadScenario('quiet'), { preset, nodes, days });
    const settled = new Set<number>();
    const watch = {
      event(_timeMs: number, node: number, fields: Uint32Array): void {
        if (fields[0] === TYPE.settled) settled.add(node);
      },
    };
    const body = loadBody(scenario.body, undefined, () => {});
    const engine = createV8Engine(readImage(preset));
    const { traps } = runScenario(scenario, { seed: 2, days, nodes, body, engine, consumers: [watch] });
    assert.equal(traps, []);
    assert.ok(settled.size >= 0.75 * nodes, `${settled.size} of ${nodes} members settled a claim`);
    assert.throws(() => applyOverrides(loadScenario('quiet'), { preset, nodes: nodes + 1 }), /do not fit the|at most/);
  });
}

test.run();

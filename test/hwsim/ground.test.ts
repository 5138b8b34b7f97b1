import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TYPE } from '../../host/cbor/generated.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { applyOverrides, loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { readImage } from '../../host/engine/image.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { scenarioSchema } from '../../hwsim/scenario/schema.ts';

const nodes = 8;
const days = 0.35;
const byzantine = 5;
const STEP_USED = 2;
/** A seed with which both contents of one version are examined: in a cluster of eight few are. */
const seed = 2;

/**
 * Returns the members that use the keys of key epoch 2 at the end, and when the equivocation was
 * first proven, mission seconds.
 */
function fly(excludedAfterHours: number | undefined) {
  const base = applyOverrides(loadScenario('byzantine-1'), { nodes, days });
  const scenario = scenarioSchema.parse({
    ...base,
    disruptions: [],
    // A window begins every quarter of an hour, from hour 6 on.
    world: { ...base.world, contactEveryHours: 2 },
    insider: { node: byzantine, fromDay: 0.05, attacks: ['equivocates'], excludedAfterHours },
  });
  const uses = new Set<number>();
  let provenS = Number.POSITIVE_INFINITY;
  const watch = {
    event(timeMs: number, node: number, [type, keyEpoch, step]: Uint32Array): void {
      if (type === TYPE.keyEpochChanged && keyEpoch === 2 && step === STEP_USED) uses.add(node);
      if (type === TYPE.equivocated) provenS = Math.min(provenS, timeMs / 1000);
    },
  };
  const body = loadBody(scenario.body, undefined, () => {});
  const facts = runScenario(scenario, {
    seed,
    days,
    nodes,
    body,
    engine: createV8Engine(readImage('flight')),
    consumers: [watch],
  });
  return { uses, provenS, facts };
}

test('SEC-1 holds: the ground hears of a proof, and all but the Byzantine node change to its new keys', () => {
  const { uses, provenS, facts } = fly(0.5);
  const excludedS = facts.insider?.excludedS ?? null;
  assert.ok(provenS < days * 86_400, 'precondition: this seed proves the equivocation; take another');
  assert.ok(
    excludedS !== null && excludedS > provenS + 1800 + 3600,
    `proven at ${provenS} s, excluded from ${excludedS} s`,
  );
  assert.equal(
    [...uses].sort((a, b) => a - b),
    Array.from({ length: nodes }, (_, node) => node).filter((node) => node !== byzantine),
  );
  assert.equal(facts.traps, []);
});

test('without the ground nobody changes keys', () => {
  const { uses, provenS, facts } = fly(undefined);
  assert.ok(provenS < days * 86_400, 'precondition: this seed proves the equivocation; take another');
  assert.is(facts.insider?.excludedS, null);
  assert.is(uses.size, 0);
});

test.run();

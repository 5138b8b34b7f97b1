// What a cluster plans by itself: tug loads that fit the depot, and sites where ore is left.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readImage } from '../../host/engine/image.ts';
import { createV8Engine } from '../../host/engine/v8.ts';
import { loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { flyAndJudge } from '../../hwsim/report/fly_and_judge.ts';
import { scenarioOf } from '../../hwsim/scenario/load.ts';
import { achievable } from '../../hwsim/world/achievable.ts';
import { WorldHistory } from '../../hwsim/world/history.ts';
import { layWorld } from '../../hwsim/world/plan.ts';

const base = loadScenario('cluster-neo');
const body = loadBody(base.body, undefined, () => {});
const image = readImage('flight');

/** Flies nodes of one kind without disruption; the default depot is ample, and so is storage. */
function production(nodes: number, days: number, storageKg: number, world: object) {
  const generations = [{ ...base.generations[1], share: 1, storageKg }];
  const change = { nodes, days, generations, disruptions: [], seed: 1, world: { ...base.world, ...world } };
  const scenario = scenarioOf({ ...base, ...change }, 'planning');
  const { production: kg, checks } = flyAndJudge({ scenario, body, image, silent: true }, null);
  const share = kg.actualKg / (kg.achievableKg ?? 0);
  return { share, judged: checks.find(({ id }) => id === 'SIM-1-production') };
}

test('SIM-1 holds: a depot that takes five loads a day gets loads of all nodes, one after the other', () => {
  // The depot takes 3,000 of the 3,520 kg that the lots give; three days fill the storage.
  const { share, judged } = production(20, 6, 600, { depotKgPerDay: 3000 });
  assert.is(judged?.ok, true, judged?.examples.join());
  assert.ok(share > 0.93, String(share));
});

test('SIM-1 holds: nodes whose storage is smaller than a tug load haul what they have', () => {
  const { share, judged } = production(8, 4, 400, { lots: 2 });
  assert.is(judged?.ok, true, judged?.examples.join());
  assert.ok(share > 0.93, String(share));
});

/** Share of the achievable that the lots yield from a day on. */
function shareFrom(day: number, seed: number, disruptions: object[]): number {
  const [nodes, days] = [20, 4];
  const scenario = scenarioOf({ ...base, nodes, days, seed, disruptions }, 'planning');
  const plan = layWorld(scenario, { seed, nodes, body });
  const history = new WorldHistory();
  let kg = 0;
  const watch = {
    world(timeMs: number, change: WorldChange): void {
      if (change.kind === 'credit' && change.group <= base.world.lots && timeMs > day * 86_400_000) kg += change.kg;
    },
  };
  const consumers = [history, watch];
  runScenario(scenario, { seed, days, nodes, body, engine: createV8Engine(image), consumers });
  const optimum = achievable(plan, history.changes, days * 86_400);
  return kg / optimum.kg(optimum.groups, day * 86_400, days * 86_400);
}

test('INT-1 holds: a node without a site takes what is left on a lot, however little', () => {
  // One of the 20 nodes finds no lot with a quarter of its rate left, and one lot has 53 kg/day.
  const share = shareFrom(3, 4, []);
  assert.ok(share > 0.975, String(share));
});

test('INT-1 holds: two days after a lot ran dry the nodes have moved to where ore is left', () => {
  const share = shareFrom(3, 2, [{ kind: 'lot-depleted', when: { atDay: 1 } }]);
  assert.ok(share > 0.98, String(share));
});

test.run();

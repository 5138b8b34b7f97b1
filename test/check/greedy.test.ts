import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clearlyExceedsGreedy } from '../../hwsim/check/judges/clearly_exceeds_greedy.ts';
import { GreedyNodesModel } from '../../hwsim/world/greedy.ts';
import type { BoundingChange } from '../../hwsim/world/history.ts';
import type { WorldPlan } from '../../hwsim/world/plan.ts';

const dayMs = 86_400_000;

/** Nodes of 100 kg/day on one lot with the given sites and more capacity than the nodes can use. */
function worldOf(nodes: number, sites: number): WorldPlan {
  const capability = { generation: 1, rateKgPerDay: 100, storageKg: 100_000, batteryWh: 1000, solarW: 1000 };
  const lot = { group: 1, kind: 1, units: sites, capacityKgPerDay: 1e6, stockKg: 1e9, loadKg: 0 } as const;
  return {
    nodes: Array.from({ length: nodes }, (_, node) => ({
      node,
      ...capability,
      baseW: 0,
      replicateW: 0,
      mineWhPerKg: 1,
    })),
    groups: [lot],
    maintenanceEveryMs: 10 * dayMs,
    maintenanceMs: 0,
    contactEveryMs: dayMs,
    contactMs: 0,
    contactWh: 0,
  };
}

const boots = (nodes: number): { timeMs: number; change: BoundingChange }[] =>
  Array.from({ length: nodes }, (_, node) => ({
    timeMs: 0,
    change: { kind: 'node-up', node, permanent: false, disruption: null },
  }));

test('a greedy node alone mines what it can, and the same seed gives the same result', () => {
  const mined = new GreedyNodesModel(worldOf(1, 3), 5).run(boots(1), dayMs);
  assert.ok(Math.abs(mined - 100) < 1e-6, String(mined));
  const crowd = () => new GreedyNodesModel(worldOf(20, 22), 5).run(boots(20), 4 * dayMs);
  assert.is(crowd(), crowd());
});

test('greedy nodes hinder each other, and two on the only site mine nothing', () => {
  const mined = new GreedyNodesModel(worldOf(20, 22), 5).run(boots(20), 4 * dayMs);
  assert.ok(mined > 0.2 * 8000 && mined < 0.8 * 8000, String(mined));
  assert.ok(new GreedyNodesModel(worldOf(2, 1), 5).run(boots(2), dayMs) < 10);
});

test('SIM-1-greedy-clearly-worse holds: greedy nodes reach 70 %', () => {
  assert.ok(clearlyExceedsGreedy(70, 100).ok);
});

test('SIM-1-greedy-clearly-worse violated: greedy nodes reach more: the scenario is too easy', () => {
  const { violations, examples } = clearlyExceedsGreedy(70.1, 100);
  assert.is(violations, 1);
  assert.match(examples[0], /greedy nodes mine 70\.1 % of the achievable/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { achievable, programOf, solve } from '../../hwsim/world/achievable.ts';
import { certifiedBound, dualBoundKg, planKg, wholeNodes } from '../../hwsim/world/bound_gap.ts';
import type { BoundingChange } from '../../hwsim/world/history.ts';
import type { NodePlan, WorldPlan } from '../../hwsim/world/plan.ts';

const day = 86_400;
const strong: Omit<NodePlan, 'node'> = {
  generation: 1,
  rateKgPerDay: 100,
  storageKg: 1_000_000,
  batteryWh: 0,
  solarW: 1000,
  baseW: 0,
  replicateW: 0,
  mineWhPerKg: 10,
};

function worldOf(
  nodes: Partial<NodePlan>[],
  lots: { capacityKgPerDay: number; units?: number; stockKg?: number }[],
  depot = 0,
): WorldPlan {
  const groups: WorldPlan['groups'] = lots.map(({ capacityKgPerDay, units = 9, stockKg = 1e9 }, index) => {
    return { group: index + 1, kind: 1, units, capacityKgPerDay, stockKg, loadKg: 0 };
  });
  groups.push({ group: lots.length + 1, kind: 2, units: 1, capacityKgPerDay: depot, stockKg: 0, loadKg: 600 });
  const rest = { maintenanceEveryMs: 0, maintenanceMs: 0, contactEveryMs: 0, contactMs: 0, contactWh: 0 };
  return { nodes: nodes.map((each, node) => ({ ...strong, ...each, node })), groups, ...rest };
}

const total = (plan: WorldPlan, days = 1, changes: { timeMs: number; change: BoundingChange }[] = []) =>
  achievable(plan, changes, days * day).totalKg;
const near = (actual: number, wanted: number) =>
  assert.ok(Math.abs(actual - wanted) < 1e-3, `${actual}, not ${wanted}`);

test('each limit binds: rate, lot, sites, stock', () => {
  near(total(worldOf([{}, {}], [{ capacityKgPerDay: 500 }])), 200);
  near(total(worldOf([{}, {}], [{ capacityKgPerDay: 150 }])), 150);
  near(total(worldOf([{}, {}, {}], [{ capacityKgPerDay: 500, units: 2 }])), 200);
  near(total(worldOf([{}, {}], [{ capacityKgPerDay: 500, stockKg: 120 }]), 2), 120);
  near(total(worldOf([{}, {}], [{ capacityKgPerDay: 90 }, { capacityKgPerDay: 60 }])), 150);
});

test('energy is 24 h of sun beyond base load, and the charge of the battery', () => {
  near(total(worldOf([{ solarW: 50, baseW: 25, mineWhPerKg: 10 }], [{ capacityKgPerDay: 500 }])), 60);
  near(total(worldOf([{ solarW: 50, baseW: 25, mineWhPerKg: 10, batteryWh: 100 }], [{ capacityKgPerDay: 500 }])), 70);
});

test('a store fills unless the depot takes its content', () => {
  near(total(worldOf([{ storageKg: 40 }], [{ capacityKgPerDay: 500 }])), 40);
  near(total(worldOf([{ storageKg: 40 }], [{ capacityKgPerDay: 500 }], 30)), 70);
  const lost: BoundingChange = { kind: 'unit', group: 2, unit: 1, usable: false, disruption: null };
  near(
    total(worldOf([{ storageKg: 40 }], [{ capacityKgPerDay: 500 }], 30), 2, [{ timeMs: day * 1000, change: lost }]),
    70,
  );
});

test('a death, an outage and an empty lot reduce the bound from their time on', () => {
  const plan = worldOf([{}, {}], [{ capacityKgPerDay: 500 }]);
  const down: BoundingChange = { kind: 'node-down', node: 0, permanent: true, disruption: null };
  const up: BoundingChange = { kind: 'node-up', node: 0, permanent: false, disruption: null };
  const dry: BoundingChange = { kind: 'group-capacity', group: 1, capacityKgPerDay: 0, stockKg: 0, disruption: null };
  near(total(plan, 2, [{ timeMs: day * 1000, change: down }]), 300);
  const outage = [
    { timeMs: (day / 4) * 1000, change: down },
    { timeMs: (day / 2) * 1000, change: up },
  ];
  near(total(plan, 1, outage), 175);
  near(total(plan, 2, [{ timeMs: day * 500, change: dry }]), 100);
  const found = achievable(plan, [{ timeMs: day * 500, change: dry }], 2 * day);
  near(found.kg([1], 0, day / 2), 100);
  near(found.kg([1], day / 2, 2 * day), 0);
  near(found.kg([1], day / 4, day), 50);
});

test('what every optimal plan takes from a lot is what the others cannot give', () => {
  // Three nodes mine 300 kg a day; the lots would give 500, so each can be left alone in part.
  const lots = [{ capacityKgPerDay: 150 }, { capacityKgPerDay: 150 }, { capacityKgPerDay: 200 }];
  const { totalKg, leastKg } = achievable(worldOf([{}, {}, {}], lots), [], 2 * day);
  near(totalKg, 600);
  near(leastKg([1], 0, 2 * day), 0);
  near(leastKg([3], 0, day), 0);
  near(leastKg([1, 2], 0, day), 100);
  near(leastKg([1, 3], 0, day), 150);
  near(leastKg([1, 2, 3], 0, day / 24), 300 / 24);
  const scarce = achievable(worldOf([{}, {}, {}], lots.slice(0, 2)), [], day);
  near(scarce.leastKg([1], 0, day), 150);
  near(scarce.leastKg([9], 0, day), 0);
});

test('what every optimal plan takes follows the deaths, segment by segment', () => {
  const lots = [{ capacityKgPerDay: 100 }, { capacityKgPerDay: 150 }];
  const down: BoundingChange = { kind: 'node-down', node: 0, permanent: true, disruption: null };
  const { leastKg } = achievable(worldOf([{}, {}, {}], lots), [{ timeMs: day * 1000, change: down }], 2 * day);
  near(leastKg([1], 0, day), 100);
  near(leastKg([1], day, 2 * day), 50);
  near(leastKg([1], day / 2, day * 1.5), 75);
});

test('SIM-1 holds: more of anything never lowers the bound', () => {
  const lots = [{ capacityKgPerDay: 120 }, { capacityKgPerDay: 90, units: 1 }];
  const nodes = [{ storageKg: 60 }, { rateKgPerDay: 150 }, { solarW: 30 }];
  const base = total(worldOf(nodes, lots, 20), 2);
  assert.ok(total(worldOf([...nodes, {}], lots, 20), 2) >= base);
  assert.ok(total(worldOf(nodes, [...lots, { capacityKgPerDay: 10 }], 20), 2) >= base);
  assert.ok(total(worldOf(nodes, lots, 40), 2) >= base);
  assert.ok(total(worldOf(nodes, lots, 20), 3) >= base);
});

test('equal nodes may form one class: separate classes give the same bound', () => {
  const alike = total(
    worldOf(
      Array.from({ length: 20 }, () => ({ storageKg: 70 })),
      [{ capacityKgPerDay: 1500 }],
      100,
    ),
  );
  const each = worldOf(
    Array.from({ length: 20 }, (_, node) => ({ storageKg: 70, generation: node + 1 })),
    [{ capacityKgPerDay: 1500 }],
    100,
  );
  near(total(each), alike);
});

// ---- the certified gap ----

const gapWorld = worldOf(
  [{}, {}, { rateKgPerDay: 70, solarW: 20 }, {}],
  [{ capacityKgPerDay: 130 }, { capacityKgPerDay: 90 }],
);
const down = (node: number, atS: number): { timeMs: number; change: BoundingChange } => ({
  timeMs: atS * 1000,
  change: { kind: 'node-down', node, permanent: false, disruption: null },
});
const up = (node: number, atS: number): { timeMs: number; change: BoundingChange } => ({
  timeMs: atS * 1000,
  change: { kind: 'node-up', node, permanent: false, disruption: null },
});

test('the bound by duals is the optimum, and a plan that is possible at every instant is no more', () => {
  for (const changes of [[], [down(0, 20_000), up(0, 20_300)], [down(0, 20_000), up(0, 60_000), down(1, 70_000)]]) {
    const { boundKg, planKg: kg } = certifiedBound(gapWorld, changes, day);
    const optimum = total(gapWorld, 1, changes);
    assert.ok(boundKg >= optimum - 1e-6 && boundKg <= optimum * (1 + 1e-6), `${boundKg}, ${optimum}`);
    assert.ok(kg <= optimum + 1e-6 && kg > 0.6 * optimum, `${kg} of ${optimum}`);
  }
  const quiet = certifiedBound(gapWorld, [], day);
  near(quiet.planKg, quiet.boundKg);
});

test('an outage of five minutes is not in the bound, and in the plan', () => {
  const alone = worldOf([{}], [{ capacityKgPerDay: 500 }]);
  const { boundKg, planKg: kg } = certifiedBound(alone, [down(0, 20_000), up(0, 20_300)], day);
  near(boundKg, 100);
  assert.is(kg, 0, 'a node works no part of a segment in which it is down');
});

test('a whole number of nodes works on a lot: three lots for two thirds of a node each give two', () => {
  const lots = [66, 66, 66].map((capacityKgPerDay) => ({ capacityKgPerDay }));
  const { boundKg, planKg: kg } = certifiedBound(worldOf([{}, {}], lots), [], day);
  near(boundKg, 198);
  near(kg, 132);
});

test('a bound holds whatever the prices are, and false ones only raise it', () => {
  const { constraints, mined } = programOf(gapWorld, [], day, 'bound');
  const { duals, totalKg } = solve(`Maximize\n kg: ${mined.join('\n + ')}`, constraints);
  near(dualBoundKg(constraints, mined, duals), totalKg);
  const holds = (prices: number[]) => assert.ok(dualBoundKg(constraints, mined, prices) >= totalKg - 1e-6, `${prices}`);
  for (const factor of [-1, 0, 0.5, 2]) holds(duals.map((dual) => dual * factor));
  for (const at of duals.keys()) holds(duals.with(at, -1));
});

test('a plan that is not feasible is refused', () => {
  const program = programOf(gapWorld, [], day, 'plan');
  const { constraints, mined } = program;
  const { columns } = solve(`Maximize\n kg: ${mined.join('\n + ')}`, constraints);
  const plan = new Map(Object.entries(columns).map(([name, { Primal = 0 }]) => [name, Primal]));
  near(planKg(constraints, mined, plan), total(gapWorld));
  const changed = (name: string, change: (value: number) => number) =>
    new Map(plan).set(name, change(plan.get(name) ?? 0));
  const name = mined.find((each) => (plan.get(each) ?? 0) > 1)!;
  assert.throws(
    () =>
      planKg(
        constraints,
        mined,
        changed(name, (kg) => kg + 1),
      ),
    /no plan/,
  );
  assert.throws(
    () =>
      planKg(
        constraints,
        mined,
        changed('b_0_0', () => -1),
      ),
    /no plan/,
  );
  assert.throws(
    () =>
      planKg(
        constraints,
        mined,
        changed('t_0_0', (kg) => kg + 1),
      ),
    /no plan/,
  );
  const whole = { ...constraints, bounds: [...constraints.bounds, ...wholeNodes(program, new Map())] };
  assert.throws(() => planKg(whole, mined, plan), /no plan/, 'nobody works on a lot');
});

test.run();

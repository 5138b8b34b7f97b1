import { WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import type { WorldPlan } from '../../hwsim/world/plan.ts';
import type { WorkOrder } from '../../hwsim/world/work.ts';
import { World } from '../../hwsim/world/world.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Progress {
  timeMs: number;
  node: number;
  slot: number;
  status: number;
  movedKg: number;
}

/**
 * Makes a world of two or more nodes of 240 kg/day (10 kg/h), one lot (group 1) with 4 sites and a
 * depot (group 2) with 2 tugs of 600 kg.
 */
function makeWorld(
  options: {
    capacity?: number;
    stock?: number;
    storage?: number;
    battery?: number;
    solar?: number;
    nodes?: number;
  } = {},
) {
  const nodes = Array.from({ length: options.nodes ?? 2 }, (_, node) => ({
    node,
    generation: 1,
    rateKgPerDay: 240,
    storageKg: options.storage ?? 100_000,
    batteryWh: options.battery ?? 6000,
    solarW: options.solar ?? 2000,
    baseW: 40,
    replicateW: 100,
    mineWhPerKg: 60,
  }));
  const plan: WorldPlan = {
    nodes,
    groups: [
      {
        group: 1,
        kind: 1,
        units: 4,
        capacityKgPerDay: options.capacity ?? 1000,
        stockKg: options.stock ?? 1e6,
        loadKg: 0,
      },
      { group: 2, kind: 2, units: 2, capacityKgPerDay: 24_000, stockKg: 0, loadKg: 600 },
    ],
    maintenanceEveryMs: 3 * dayMs,
    maintenanceMs: hourMs / 2,
    contactEveryMs: dayMs,
    contactMs: 0,
    contactWh: 0,
  };
  const changes: { timeMs: number; change: WorldChange }[] = [];
  const progress: Progress[] = [];
  const world = new World(plan, {
    change: (timeMs, change) => changes.push({ timeMs, change }),
    progress: (timeMs, node, slot, status, movedKg) => progress.push({ timeMs, node, slot, status, movedKg }),
  });
  for (const { node } of nodes) world.setNodeUp(0, node, true, false, null);
  /** Credited on the lot, or on one of its sites. */
  const creditedKg = (node: number, site = 0) => {
    let sum = 0;
    for (const { change } of changes) {
      if (change.kind !== 'credit' || change.node !== node || change.group !== 1) continue;
      if (site === 0 || change.unit === site) sum += change.kg;
    }
    return sum;
  };
  return { world, changes, progress, creditedKg };
}

function mine(world: World, timeMs: number, node: number, site: number, untilMs: number): void {
  const resource = (1 << 16) | site;
  world.startWork(timeMs, node, 0, { kind: WORK_KIND.mine, resource, rateKgPerDay: 240, untilMs });
}

function haul(world: World, timeMs: number, node: number, tug: number, untilMs: number): void {
  const resource = (2 << 16) | tug;
  world.startWork(timeMs, node, 4, { kind: WORK_KIND.haul, resource, rateKgPerDay: 7200, untilMs });
}

function close(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} instead of ${expected}`);
}

test('mining is credited from start to end at the commanded rate, and reported as done', () => {
  const { world, progress, creditedKg } = makeWorld();
  mine(world, hourMs, 0, 1, 3 * hourMs);
  world.advance(10 * hourMs);
  close(creditedKg(0), 20);
  close(world.storedKg(10 * hourMs, 0), 20);
  assert.equal(
    progress.map((entry) => [entry.timeMs, entry.status]),
    [
      [hourMs, WORK_STATUS.running],
      [3 * hourMs, WORK_STATUS.done],
    ],
  );
});

test("a rate above the node's own is limited, and the same order in an intent slot extends the work", () => {
  const { world, creditedKg } = makeWorld();
  const order: WorkOrder = { kind: WORK_KIND.mine, resource: (1 << 16) | 1, rateKgPerDay: 999, untilMs: hourMs };
  world.startWork(0, 0, 0, order);
  world.startWork(hourMs / 2, 0, 0, { ...order, untilMs: 2 * hourMs });
  world.advance(5 * hourMs);
  close(creditedKg(0), 20);
});

test('the works of one node share its rate, by what they ask, until one ends or is ordered anew', () => {
  const { world, creditedKg } = makeWorld();
  const order = (slot: number, rateKgPerDay: number): WorkOrder => ({
    kind: WORK_KIND.mine,
    resource: (1 << 16) | (slot + 1),
    rateKgPerDay,
    untilMs: 5 * hourMs,
  });
  const minedKg = (untilMs: number) => {
    const before = creditedKg(0, 1);
    world.reportCredits(untilMs);
    return creditedKg(0, 1) - before;
  };
  world.startWork(0, 0, 0, order(0, 240));
  close(minedKg(hourMs), 10);
  world.startWork(hourMs, 0, 1, order(1, 720));
  close(minedKg(2 * hourMs), 2.5);
  world.startWork(2 * hourMs, 0, 1, order(1, 240));
  close(minedKg(3 * hourMs), 5);
  world.stopWork(3 * hourMs, 0, 1);
  close(minedKg(4 * hourMs), 10);
});

test('INT-5: two nodes on one site are reported, neither is credited for the overlap, both spend the energy', () => {
  const { world, changes, creditedKg } = makeWorld({ solar: 0 });
  mine(world, 0, 0, 3, 2 * hourMs);
  mine(world, hourMs, 1, 3, 3 * hourMs);
  world.advance(4 * hourMs);
  close(creditedKg(0), 10);
  close(creditedKg(1), 10);
  const doubles = changes.filter(({ change }) => change.kind === 'double-execution');
  assert.equal(doubles, [{ timeMs: hourMs, change: { kind: 'double-execution', group: 1, unit: 3, nodes: [0, 1] } }]);
  // 4 h of base load and 2 h of digging at 10 kg/h and 60 Wh/kg each.
  close(world.batteryWh(4 * hourMs, 0), 6000 - 4 * 40 - 2 * 600, 1e-3);
  close(world.batteryWh(4 * hourMs, 1), 6000 - 4 * 40 - 2 * 600, 1e-3);
});

test('INT-5: two nodes on one site one after the other, or on two sites at once, execute nothing twice', () => {
  const { world, changes } = makeWorld();
  mine(world, 0, 0, 3, hourMs);
  world.advance(hourMs);
  mine(world, hourMs, 1, 3, 2 * hourMs);
  mine(world, hourMs, 0, 2, 2 * hourMs);
  world.advance(4 * hourMs);
  assert.is(changes.filter(({ change }) => change.kind === 'double-execution').length, 0);
});

test('a lot with too much work credits pro rata, and gives its whole capacity to the node that remains', () => {
  const { world, creditedKg } = makeWorld({ capacity: 360 });
  mine(world, 0, 0, 1, 2 * hourMs);
  mine(world, 0, 1, 2, hourMs);
  world.advance(3 * hourMs);
  close(creditedKg(0), 7.5 + 10);
  close(creditedKg(1), 7.5);
});

test('a stock runs out at its exact instant; then work there is blocked and new work refused', () => {
  const { world, changes, progress, creditedKg } = makeWorld({ stock: 25 });
  mine(world, 0, 0, 1, 9 * hourMs);
  world.advance(9 * hourMs);
  close(creditedKg(0), 25, 1e-4);
  const end = changes.find(({ change }) => change.kind === 'group-capacity');
  close(end?.timeMs ?? 0, 2.5 * hourMs, 1);
  mine(world, 10 * hourMs, 1, 2, 11 * hourMs);
  assert.equal(
    progress.map((entry) => [entry.node, entry.status]),
    [
      [0, WORK_STATUS.running],
      [0, WORK_STATUS.blocked],
      [1, WORK_STATUS.blocked],
    ],
  );
});

test('a full store stops mining until a tug has taken its load', () => {
  const { world, creditedKg } = makeWorld({ storage: 50 });
  mine(world, 0, 0, 1, 20 * hourMs);
  world.advance(10 * hourMs);
  close(world.storedKg(10 * hourMs, 0), 50, 1e-3);
  haul(world, 10 * hourMs, 0, 1, 12 * hourMs);
  world.advance(20 * hourMs);
  close(world.hauledKg, 50, 1e-3);
  world.reportCredits(20 * hourMs);
  close(creditedKg(0), 50 + 50, 1e-2);
});

test('an empty battery stops mining, which resumes when the battery has refilled to a twentieth', () => {
  const { world, creditedKg } = makeWorld({ solar: 140, battery: 1000 });
  mine(world, 0, 0, 1, 100 * hourMs);
  // 140 − 40 − 600 W: empty after 2 h; then +100 W until 50 Wh, half an hour, which lasts 6
  // minutes.
  world.advance(2.5 * hourMs);
  world.reportCredits(2.5 * hourMs);
  close(creditedKg(0), 20, 1e-3);
  close(world.batteryWh(2.5 * hourMs, 0), 50, 0.1);
  world.advance(2.7 * hourMs);
  world.reportCredits(2.7 * hourMs);
  close(creditedKg(0), 21, 0.01);
});

test('maintenance pauses mining; overdue maintenance costs a tenth of the rate', () => {
  const { world, creditedKg } = makeWorld();
  mine(world, 0, 0, 1, 30 * dayMs);
  mine(world, 0, 1, 2, 30 * dayMs);
  world.startWork(5 * dayMs, 0, 7, {
    kind: WORK_KIND.maintain,
    resource: 0,
    rateKgPerDay: 0,
    untilMs: 5 * dayMs + hourMs,
  });
  world.advance(8 * dayMs);
  world.reportCredits(8 * dayMs);
  close(creditedKg(0), 8 * 240 - 10, 1e-2);
  close(creditedKg(1), 6 * 240 + 2 * 216, 1e-2);
});

test('replication draws power and counts hours only while it runs', () => {
  const { world } = makeWorld({ solar: 0 });
  world.startWork(hourMs, 0, 6, { kind: WORK_KIND.replicate, resource: 0, rateKgPerDay: 0, untilMs: 3 * hourMs });
  world.advance(5 * hourMs);
  close(world.replicateHours, 2);
  close(world.batteryWh(5 * hourMs, 0), 6000 - 5 * 40 - 2 * 100, 1e-3);
  close(world.batteryWh(5 * hourMs, 1), 6000 - 5 * 40, 1e-3);
});

test('a node that goes down stops its work; a lost tug blocks its haul', () => {
  const { world, progress, creditedKg } = makeWorld();
  mine(world, 0, 0, 1, 9 * hourMs);
  world.setNodeUp(hourMs, 0, false, true, 'node-death-1');
  haul(world, 0, 1, 2, 2 * hourMs);
  world.setUnit(hourMs, 2, 2, false, 'tug-lost-1');
  world.advance(9 * hourMs);
  close(creditedKg(0), 10);
  assert.is(progress.at(-1)?.status, WORK_STATUS.blocked);
  assert.is(world.nodesAt(1, 0).length, 0);
});

test.run();

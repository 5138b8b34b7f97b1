// SCH-1 and SCH-2, the plan entry by entry: order of claims, energy and mass to the unit, places of
// maintenance, what a new plan leaves where it is.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURE, COUNTER, FIELD, type Message, TYPE, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { DirectNode } from '../firmware/direct_node.ts';
import { LoneNode, type NodeRecord, places, slotS } from './node.ts';

const { mine, haul, maintain } = WORK_KIND;
const beginS = 36_000;
/** Claims made at `beginS` are settled and planned by then. */
const plannedS = beginS + 1800;
const [idle, replication, maintained] = [0, 7, 8];

const rules = suite('plans, entry by entry');

interface Claim {
  slot: number;
  from: number;
  to: number;
  rate?: number;
  priority?: number;
  unit?: number;
}

const spanS = (from: number, to: number) => ({ startS: plannedS + from * slotS, endS: plannedS + to * slotS });

/** A claim on the timeline entries [from, to), counted from `plannedS`. */
const mining = ({ slot, from, to, rate = 96, priority = 1 }: Claim): Message => ({
  ...{ name: 'assign', slot, kind: mine, resource: (1 << 16) | (slot + 1), rate, durationS: 0, priority },
  ...spanS(from, to),
});
const hauling = ({ slot, from, to, rate = 96, unit = 0 }: Claim): Message => ({
  ...{ name: 'assign', slot, kind: haul, resource: (3 << 16) | unit, rate, durationS: 0, priority: 1 },
  ...spanS(from, to),
});
const maintenance = (from: number, to: number, entries: number): Message => ({
  ...{ name: 'assign', slot: 7, kind: maintain, resource: 0, rate: 0, priority: 1 },
  // Work begins up to a minute after its entry does.
  ...{ durationS: entries * slotS - 60, ...spanS(from, to) },
});

interface State {
  batteryWh?: number;
  storedKg?: number;
  solarW?: number;
}

const health = ({ batteryWh = 9000, storedKg = 0, solarW = 4000 }: State): Message => ({
  ...{ name: 'health', tasks: 255 },
  ...{ batteryWh, storedKg, solarW },
});

function live(node: LoneNode, untilS: number, state: State = {}): void {
  while (node.missionS < untilS) {
    node.runTo(Math.min(untilS, node.missionS + 300));
    node.observe(health(state));
  }
}

/** Gives records now; the plan that follows from them. */
function planWith(node: LoneNode, records: readonly Message[], state: State = {}): number[] {
  for (const record of records) node.observe(record);
  live(node, node.missionS + 1500, state);
  return node.timeline();
}

/** Entries with an activity, counted from `plannedS`. */
function entriesOf(node: LoneNode, code: number, withRadio = false): number[] {
  const passed = Math.floor(node.missionS / slotS) - plannedS / slotS;
  return node.timeline(withRadio).flatMap((entry, at) => (entry === code ? [at + passed] : []));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const of = (records: readonly NodeRecord[], type: number, slot: number) =>
  records.filter(({ fields }) => fields[0] === type && fields[1] === slot);

/** All orders of a list. */
function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) =>
    permutations([...items.slice(0, at), ...items.slice(at + 1)]).map((rest) => [item, ...rest]),
  );
}

rules('SCH-1 holds: of claims that overlap the one of higher priority has the entry, in whichever intent slot', () => {
  for (const slots of permutations([0, 1, 2, 3])) {
    const node = new LoneNode();
    // The shorter a claim, the higher its priority.
    const claims = slots.map((slot, rank) => ({ slot, from: 4, to: 24 - rank * 5, priority: 20 + rank * 60 }));
    const timeline = planWith(node, claims.map(mining)).slice(node.missionS > plannedS ? 0 : 4);
    assert.ok(timeline.length > 0);
    for (const [rank, { slot }] of claims.entries()) {
      const from = rank === 3 ? 4 : claims[rank + 1].to;
      assert.equal(
        entriesOf(node, slot + 1),
        range(from, claims[rank].to),
        `intent slots ${slots.join()}: rank ${rank}`,
      );
    }
  }
});

rules('SCH-1 violated: a claim that is not settled is not planned, whatever its intent slot did before', () => {
  const node = new LoneNode();
  node.observe(hauling({ slot: 4, from: 1, to: 60 }));
  live(node, plannedS + 2 * slotS);
  assert.ok(node.isRunning(4), 'the haul is under way');
  node.observe({ name: 'progress', slot: 4, status: WORK_STATUS.done, movedKg: 600 });
  node.runTo(node.missionS + 60);
  assert.equal(entriesOf(node, 5), []);
  node.observe(hauling({ slot: 4, from: 20, to: 30, unit: 1 }));
  node.observe(health({ solarW: 2000 }));
  node.runTo(node.missionS + 90);
  assert.is(node.own(4).settledVersion, 0, 'not settled yet');
  assert.equal(entriesOf(node, 5), []);
  live(node, node.missionS + 1500, { solarW: 2000 });
  assert.equal(entriesOf(node, 5), [20], 'settled, it is planned');
});

rules('SCH-1 holds: a haul makes room in storage for what it takes away, at its end', () => {
  // Rate of the haul in kg/day, its entries, and the entries mined after it, a kilogram each.
  for (const [rate, entries, mined] of [
    [48, 24, 12],
    [96, 24, 24],
    [904, 4, 37],
    [2304, 1, 24],
  ]) {
    const storageKg = 200;
    const node = new LoneNode({ storageKg });
    const records = [mining({ slot: 0, from: 2, to: 132 }), hauling({ slot: 4, from: 3, to: 3 + entries, rate })];
    planWith(node, records, { storedKg: storageKg });
    assert.equal(entriesOf(node, 1), range(3 + entries, 3 + entries + mined), `${rate} kg/day`);
  }
});

rules('SCH-2 violated: work that goes on is planned anew only when the far end of the timeline is', () => {
  const node = new LoneNode({ solarW: 500 });
  // The panels feed the mining: the charge stays as the plan foresaw it.
  const full = { solarW: 500 };
  planWith(node, [mining({ slot: 0, from: 0, to: 80 }), mining({ slot: 1, from: 90, to: 120 })], full);
  live(node, plannedS + 2 * slotS, full);
  assert.ok(node.isRunning(0));
  const { plans } = node.schedule();
  live(node, plannedS + 42 * slotS, full);
  const made = node.schedule().plans - plans;
  assert.ok(made >= 4 && made <= 6, `${made} plans in ten hours: one in two hours is due`);
});

/** Battery whose panels just feed the rest of the node: what is mined comes from the charge. */
const dark = { solarW: 100 };
/** Charge above the reserve of 2000 Wh, in entries of 100 Wh that mining at 96 kg/day takes. */
const chargeFor = (entries: number, moreWh = 0) => ({ ...dark, batteryWh: 2000 + entries * 100 + moreWh });

rules('SCH-2 holds: better work that comes gets the energy that lesser work was to have', () => {
  const node = new LoneNode(dark);
  planWith(node, [mining({ slot: 0, from: 3, to: 13 })], chargeFor(10));
  assert.equal(entriesOf(node, 1), range(3, 13));
  planWith(node, [mining({ slot: 1, from: 8, to: 18, priority: 200 })], chargeFor(10));
  assert.equal(entriesOf(node, 2), range(8, 18));
  assert.equal(entriesOf(node, 1), []);
});

rules('SCH-1 holds: the claims of higher priority get the energy, in whichever intent slot and order of time', () => {
  for (const slots of permutations([0, 1, 2, 3])) {
    const node = new LoneNode(dark);
    // Lower priorities come earlier: placed in the order of time they would take the energy.
    const claims = slots.map((slot, rank) => ({
      slot,
      from: 4 + rank * 8,
      to: 12 + rank * 8,
      priority: 20 + rank * 60,
    }));
    planWith(node, claims.map(mining), chargeFor(20));
    assert.equal(
      slots.map((slot) => entriesOf(node, slot + 1).length),
      [0, 4, 8, 8],
      `intent slots ${slots.join()}`,
    );
  }
});

rules('SCH-1 holds: the energy of a radio window is spread over its entries, rounded up to the unit', () => {
  // [energy of a window of so many entries, charge beside it that mining may use]
  for (const [energyWh, entries, moreWh, mined] of [
    [500, 2, 0, 5],
    [500, 2, -1, 4],
    [500, 1, 0, 5],
    [96, 7, 0, 4],
    [96, 7, 1, 5],
  ]) {
    const node = new LoneNode(dark);
    node.observe({ name: 'window', ...spanS(40, 40 + entries), energyWh });
    planWith(node, [mining({ slot: 0, from: 3, to: 20 })], chargeFor(5, energyWh + moreWh));
    assert.is(entriesOf(node, 1).length, mined, `${energyWh} Wh in ${entries} entries, ${moreWh} Wh more`);
  }
});

rules('SCH-1 holds: windows stay where they are when one before them has passed', () => {
  const node = new LoneNode();
  for (const [from, to] of [
    [3, 4],
    [9, 12],
    [20, 21],
  ])
    node.observe({ name: 'window', ...spanS(from, to), energyWh: 10 });
  live(node, plannedS + 6 * slotS);
  node.observe({ name: 'window', ...spanS(30, 31), energyWh: 10 });
  live(node, node.missionS + 600);
  assert.equal(entriesOf(node, 64, true), [9, 10, 11, 20, 30]);
});

rules('SCH-1 violated: maintenance of no length, or that ends after 2^31 s, is refused and counted', () => {
  const node = new LoneNode();
  const end = 2 ** 31;
  const base = { ...maintenance(4, 10, 1) } as Extract<Message, { name: 'assign' }>;
  const refused = (changes: Partial<typeof base>) => {
    const before = node.lossCount(COUNTER.recordRejected);
    node.observe({ ...base, ...changes } as Message);
    return node.lossCount(COUNTER.recordRejected) - before;
  };
  assert.is(refused({ durationS: 0 }), 1);
  assert.is(refused({ endS: end }), 1);
  assert.is(refused({ endS: end - 1 }), 0);
});

rules('SCH-1 holds: maintenance takes idle entries before those of replication', () => {
  const node = new LoneNode({ ...dark, features: FEATURE.replicates });
  // Replication draws 50 Wh per entry, and stops at half of the battery.
  planWith(node, [], { ...dark, batteryWh: 6000 });
  const replicated = entriesOf(node, replication);
  assert.ok(replicated.length > 10 && replicated.length < 30, `${replicated.length} entries of replication`);
  const last = replicated[replicated.length - 1];
  planWith(node, [maintenance(last - 8, last + 10, 2)], { ...dark, batteryWh: 5950 });
  const placed = entriesOf(node, maintained);
  assert.is(placed.length, 2);
  assert.ok(placed[0] > last - 2, `entry ${placed[0]}, replication ends with ${last}`);
});

rules('SCH-1 holds: mining that maintenance displaces takes the place of replication', () => {
  // The panels feed replication: telemetry asks for no further plan.
  const state = { solarW: 300 };
  const node = new LoneNode({ ...state, features: FEATURE.replicates, storageKg: 10 });
  planWith(node, [mining({ slot: 0, from: 3, to: 60 })], state);
  assert.equal(entriesOf(node, 1), range(3, 13), 'storage takes ten entries');
  const { plans } = node.schedule();
  node.observe(maintenance(6, 10, 2));
  while (node.schedule().plans === plans) node.runTo(node.missionS + 10);
  const placed = entriesOf(node, maintained);
  assert.is(placed.length, 2);
  assert.is(entriesOf(node, 1).length, 10);
  assert.ok(entriesOf(node, replication).length > 20);
});

for (const intentSlot of [0, 5]) {
  /** A node with maintenance at entry 20, where its span was idle; now it is idle from entry 4. */
  const placedLate = () => {
    const node = new LoneNode();
    planWith(node, [mining({ slot: 1, from: 4, to: 20 }), maintenance(5, 30, 1)]);
    assert.equal(entriesOf(node, maintained), [20]);
    node.observe({ name: 'progress', slot: 1, status: WORK_STATUS.blocked, movedKg: 0 });
    live(node, node.missionS + 120);
    assert.equal(entriesOf(node, 2), [], 'the claim is lost');
    assert.equal(entriesOf(node, maintained), [20], 'what it leaves idle moves nothing');
    return node;
  };

  rules(`SCH-2 holds: maintenance stays beside work of intent slot ${intentSlot} that comes elsewhere`, () => {
    for (const record of [
      mining({ slot: intentSlot, from: 6, to: 19 }),
      mining({ slot: intentSlot, from: 21, to: 40 }),
      hauling({ slot: intentSlot, from: 8, to: 16 }),
      hauling({ slot: intentSlot, from: 22, to: 30 }),
    ]) {
      const node = placedLate();
      planWith(node, [record]);
      assert.is(entriesOf(node, intentSlot + 1).length > 0, true, 'the work is planned');
      assert.equal(entriesOf(node, maintained), [20]);
    }
  });

  rules(`SCH-2 holds: maintenance makes room for work of intent slot ${intentSlot} that comes to its entries`, () => {
    for (const record of [
      mining({ slot: intentSlot, from: 19, to: 22 }),
      hauling({ slot: intentSlot, from: 20, to: 26 }),
    ]) {
      const node = placedLate();
      planWith(node, [record]);
      assert.ok(entriesOf(node, intentSlot + 1).includes(20));
      const [placed, ...more] = entriesOf(node, maintained);
      assert.equal(more, []);
      assert.ok(placed < 19, `entry ${placed}`);
    }
  });
}

rules('SCH-2 holds: maintenance within work that runs stays when another claim is lost', () => {
  const node = new LoneNode();
  planWith(node, [mining({ slot: 1, from: 0, to: 30 }), mining({ slot: 0, from: 30, to: 60 })]);
  live(node, plannedS + 60);
  planWith(node, [maintenance(10, 50, 1)]);
  assert.equal(entriesOf(node, maintained), [10]);
  live(node, plannedS + 5 * slotS);
  assert.ok(node.isRunning(1));
  node.observe({ name: 'progress', slot: 0, status: WORK_STATUS.blocked, movedKg: 0 });
  live(node, node.missionS + 600);
  assert.equal(
    entriesOf(node, 2),
    range(5, 30).filter((entry) => entry !== 10),
  );
  assert.equal(entriesOf(node, maintained), [10]);
});

rules('SCH-2 holds: after a sleep longer than the timeline a plan is made at once', () => {
  const node = new LoneNode();
  planWith(node, [mining({ slot: 0, from: 3, to: 60 })]);
  const { plans } = node.schedule();
  node.sleep(50 * 3600);
  node.runTo(node.missionS + 420);
  assert.ok(node.schedule().plans > plans);
  assert.equal([...new Set(node.timeline())], [idle]);
});

rules('SCH-2 holds: a haul whose entry passed while the processor slept loads in the next one', () => {
  // Telemetry is what the plan foresaw, and asks for none.
  const node = new LoneNode(dark);
  planWith(node, [hauling({ slot: 4, from: 4, to: 40 })], dark);
  live(node, plannedS + 4 * slotS - 90, dark);
  assert.equal(entriesOf(node, 5), [4]);
  node.sleep(slotS + 200);
  live(node, node.missionS + 480, dark);
  const [order, ...more] = of(node.commands, TYPE.startWork, 4);
  assert.ok(order !== undefined, 'it loads');
  assert.ok(order.atS >= plannedS + 5 * slotS && order.atS < plannedS + 6 * slotS, `${order.atS - plannedS} s`);
  const beginnings = more.filter(
    ({ fields }) => fields[FIELD.startWork.resource] !== order.fields[FIELD.startWork.resource],
  );
  assert.equal(beginnings, [], 'what follows renews the order');
});

rules('SCH-1 violated: a haul that is done is not begun again, in whichever intent slot', () => {
  for (let slot = 0; slot < 6; slot++) {
    const node = new LoneNode();
    planWith(node, [hauling({ slot, from: 3, to: 60 })]);
    live(node, plannedS + 4 * slotS);
    assert.ok(node.isRunning(slot));
    node.observe({ name: 'progress', slot, status: WORK_STATUS.done, movedKg: 600 });
    const before = of(node.commands, TYPE.startWork, slot).length;
    live(node, plannedS + 30 * slotS);
    assert.is(of(node.commands, TYPE.startWork, slot).length, before);
    assert.equal(entriesOf(node, slot + 1), []);
  }
});

/** Fills the ring of commands: each head of a key epoch asks the platform for a check. */
function fillCommands(node: DirectNode): void {
  const lost = node.lossCount(COUNTER.commandsFull);
  const bytes = { commitment: new Uint8Array(16), signature: new Uint8Array(64) };
  for (let keyEpoch = 100; node.lossCount(COUNTER.commandsFull) === lost; keyEpoch++) {
    assert.ok(keyEpoch < 200, 'each head makes a command');
    node.observe({ name: 'key-epoch-head', keyEpoch, startS: 0, parts: 1, ...bytes });
    node.observe({ name: 'key-epoch-checked', keyEpoch, ok: 0 });
  }
}

/** Runs with telemetry every five minutes, and takes the commands. */
function flyTo(node: DirectNode, untilS: number): void {
  while (node.nowMs < untilS * 1000) {
    node.runTo(Math.min(untilS * 1000, node.nowMs + 300_000));
    node.observe(health({}));
    node.commands();
  }
}

rules('SCH-1 holds: an order that finds the ring of commands full is given when there is room', () => {
  const node = new DirectNode({ bootMs: beginS * 1000, config: { members: 1, batteryWh: 10_000 }, groups: places });
  node.observe(mining({ slot: 0, from: 8, to: 90, rate: 50 }));
  flyTo(node, plannedS + 8 * slotS - 1);
  const orders = () =>
    node
      .commands()
      .filter(([type]) => type === TYPE.startWork || type === TYPE.stopWork)
      .map(([type, slot]) => [type, slot]);
  const ordersLater = () => {
    node.runTo(node.nowMs + 70_000);
    return orders();
  };
  fillCommands(node);
  node.runTo(node.nowMs + 70_000);
  assert.is(node.isRunning(0), false, 'what was not ordered does not run');
  assert.equal(orders(), []);
  assert.equal(ordersLater(), [[TYPE.startWork, 0]]);
  assert.is(node.isRunning(0), true);
  fillCommands(node);
  node.observe(health({ batteryWh: 100 }));
  assert.is(node.isRunning(0), true, 'the platform had no order to stop');
  assert.equal(orders(), []);
  assert.equal(ordersLater(), [[TYPE.stopWork, 0]]);
});

rules.run();

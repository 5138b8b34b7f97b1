// SCH-1 and SCH-2 rule by rule: hysteresis of halts, telemetry, windows, maintenance that fails.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, type Message, TYPE, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { LoneNode, type NodeRecord, slotS } from './node.ts';

const { mine, maintain } = WORK_KIND;
const { startWork, maintained, impossible } = TYPE;
const beginS = 36_000;
/** Claims made at `beginS` are settled and planned by then. */
const plannedS = beginS + 1800;

const rules = suite('schedule, rule by rule');

const health = (batteryWh = 9000, storedKg = 0, solarW = 4000): Message => ({
  ...{ name: 'health', tasks: 255 },
  ...{ batteryWh, storedKg, solarW },
});

const mining = (entries: number, rate = 100): Message => ({
  ...{ name: 'assign', slot: 0, kind: mine, resource: (1 << 16) | 1, rate, durationS: 0, priority: 1 },
  ...{ startS: plannedS, endS: plannedS + entries * slotS },
});

const maintenance = (startS: number, endS: number, durationS: number, priority = 1): Message => ({
  ...{ name: 'assign', slot: 7, kind: maintain, resource: 0, rate: 0, priority },
  ...{ durationS, startS, endS },
});

/** Runs with a telemetry record every five minutes. */
function live(node: LoneNode, untilS: number, report: () => Message = () => health()): void {
  while (node.missionS < untilS) {
    node.runTo(Math.min(untilS, node.missionS + 300));
    node.observe(report());
  }
}

const of = (records: readonly NodeRecord[], type: number, slot?: number) =>
  records.filter(({ fields }) => fields[0] === type && (slot === undefined || fields[1] === slot));

/** A node that mines. */
function atWork(): LoneNode {
  const node = new LoneNode();
  node.observe(mining(60));
  live(node, plannedS + 2 * slotS);
  assert.ok(node.isRunning(0), 'it mines before the test begins');
  return node;
}

/** Whether the node mines after ten minutes in which the battery has this charge. */
function minesAt(node: LoneNode, batteryWh: number, storedKg = 0): boolean {
  live(node, node.missionS + 600, () => health(batteryWh, storedKg));
  return node.isRunning(0);
}

rules('SCH-1 holds: work that the battery halted at its reserve goes on a thirty-second of the battery above', () => {
  const node = atWork();
  assert.is(minesAt(node, 2001), true, 'above the reserve of a fifth it mines');
  assert.is(minesAt(node, 2000), false, 'at the reserve it halts');
  assert.is(minesAt(node, 2001), false, 'a little more is not enough to begin again');
  assert.is(minesAt(node, 2312), false);
  assert.is(minesAt(node, 2313), true, '10,000 Wh / 32 above the reserve it begins again');
  assert.is(minesAt(node, 2312), true, 'and goes on below that');
});

rules('SCH-1 holds: mining halts at full storage and goes on below', () => {
  const node = atWork();
  assert.is(minesAt(node, 9000, 90_000), true);
  assert.is(minesAt(node, 9000, 100_000), false);
  assert.is(minesAt(node, 9000, 90_000), true);
});

rules('SCH-1 holds: an order is renewed before it ends, so that work with a valid lease has no gap', () => {
  const node = atWork();
  live(node, plannedS + 40 * slotS);
  const orders = of(node.commands, startWork, 0);
  assert.ok(orders.length > 10, `${orders.length} orders in ten hours: a lease is shorter`);
  for (const [index, { fields }] of orders.slice(0, -1).entries()) {
    const nextS = orders[index + 1].atS;
    assert.ok(fields[5] > nextS + 60, `the order until ${fields[5]} is renewed at ${nextS}`);
  }
  assert.is(of(node.commands, TYPE.stopWork, 0).filter(({ atS }) => atS > plannedS).length, 0);
});

rules('SCH-2 holds: work that failed is begun again after one timeline entry, not before', () => {
  const node = new LoneNode();
  node.observe(maintenance(plannedS, plannedS + 20 * slotS, 2700));
  live(node, plannedS + 2 * slotS);
  const [first] = of(node.commands, startWork, 7);
  assert.ok(first !== undefined && node.isRunning(7));
  node.observe({ name: 'progress', slot: 7, status: WORK_STATUS.failed, movedKg: 0 });
  assert.is(node.isRunning(7), false);
  live(node, plannedS + 14 * slotS);
  const [again, ...more] = of(node.commands, startWork, 7).filter(({ atS }) => atS > first.atS);
  assert.ok(again !== undefined && again.atS + 2700 <= plannedS + 20 * slotS, 'it is placed again in its span');
  assert.equal(more, []);
  const done = of(node.events, maintained);
  assert.equal(
    done.map(({ fields }) => fields[2]),
    [again.atS],
  );
});

rules('SCH-2 holds: maintenance that a restart interrupts is done again, once', () => {
  const node = new LoneNode();
  node.observe(maintenance(plannedS, plannedS + 20 * slotS, 2700));
  live(node, plannedS + 2 * slotS);
  assert.ok(node.isRunning(7));
  const image = node.checkpoint();
  assert.is(node.restore(image, { cause: 4, localS: Math.floor(node.localMs / 1000) }), 0);
  const restoredS = node.missionS;
  live(node, plannedS + 18 * slotS);
  const starts = of(node.commands, startWork, 7).filter(({ atS }) => atS >= restoredS);
  assert.is(starts.length, 1);
  assert.is(of(node.events, maintained).length, 1);
});

rules('SCH-1 holds: of two maintenances that compete for one span the one of higher priority is placed', () => {
  for (const first of [1, 5]) {
    const node = new LoneNode();
    const span = [plannedS + 4 * slotS, plannedS + 8 * slotS] as const;
    node.observe(maintenance(...span, 2700, first));
    node.observe(maintenance(span[0], span[1] + 1, 2701, 6 - first));
    live(node, plannedS + 10 * slotS);
    const [order, ...more] = of(node.commands, startWork, 7);
    assert.equal(more, []);
    assert.is(order.fields[5] - order.atS, first === 5 ? 2700 : 2701);
    assert.is(of(node.events, impossible).length, 1);
  }
});

rules('SCH-1 violated: maintenance that is empty or longer than its span is refused and counted', () => {
  const node = new LoneNode();
  const refused = () => node.lossCount(COUNTER.recordRejected);
  const before = refused();
  node.observe(maintenance(plannedS + slotS, plannedS + 2 * slotS, slotS + 1));
  assert.is(refused(), before + 1);
  node.observe(maintenance(plannedS + slotS, plannedS + 3 * slotS, slotS));
  node.observe(maintenance(plannedS + slotS, plannedS + 3 * slotS, slotS));
  assert.is(refused(), before + 1, 'the same maintenance twice is one');
  live(node, plannedS + 5 * slotS);
  assert.is(of(node.commands, startWork, 7).length, 1);
});

/** Entries of the timeline that a radio window overlays, from the present one on. */
const windows = (node: LoneNode) => node.timeline(true).flatMap((entry, at) => ((entry & 64) !== 0 ? [at] : []));

rules('SCH-1 holds: a radio window that is reported twice draws its energy once', () => {
  /** Entries mined with 800 Wh of which a window of 300 Wh, reported so often, takes its part. */
  const minedWith = (reports: number) => {
    const node = new LoneNode({ solarW: 150, batteryWh: 1000 });
    node.observe(mining(20, 50));
    for (let report = 0; report < reports; report++)
      node.observe({ name: 'window', startS: plannedS + 30 * slotS, endS: plannedS + 32 * slotS, energyWh: 300 });
    live(node, plannedS + 60, () => health(800, 0, 100));
    assert.equal(windows(node), reports === 0 ? [] : [30, 31]);
    return node.timeline().filter((code) => code === 1).length;
  };
  const [none, once, twice] = [minedWith(0), minedWith(1), minedWith(2)];
  assert.ok(once < none, `${once} of ${none}`);
  assert.is(twice, once);
});

rules('SCH-1 violated: a window that ends before it begins is refused; one that has passed makes room', () => {
  const node = new LoneNode();
  live(node, plannedS);
  const refused = () => node.lossCount(COUNTER.recordRejected);
  const before = refused();
  const window = (startS: number, endS: number) => node.observe({ name: 'window', startS, endS, energyWh: 10 });
  window(plannedS + 2 * slotS, plannedS + 2 * slotS);
  assert.is(refused(), before + 1);
  let taken = 0;
  while (refused() === before + 1 && taken < 100) window(plannedS + taken * slotS, plannedS + ++taken * slotS);
  assert.ok(taken > 2 && taken < 100, `the table takes ${taken - 1}`);
  live(node, plannedS + 2 * slotS + 60);
  const full = refused();
  window(plannedS + 90 * slotS, plannedS + 91 * slotS);
  assert.is(refused(), full, 'two windows have passed');
});

rules('SCH-2 violated: sunlight that changes by an eighth plans nothing anew; by more, it does', () => {
  const node = new LoneNode();
  live(node, plannedS + 60);
  /** Whether a plan is made within two minutes of telemetry. */
  const plansAt = (solarW: number) => {
    const before = node.schedule().plans;
    node.observe(health(9000, 0, solarW));
    node.runTo(node.missionS + 120);
    return node.schedule().plans > before;
  };
  assert.is(plansAt(4000), false);
  assert.is(plansAt(3500), false, 'an eighth less');
  assert.is(plansAt(3500), false);
  assert.is(plansAt(3050), true, 'more than an eighth less');
  assert.is(plansAt(3500), true, 'and more');
});

rules.run();

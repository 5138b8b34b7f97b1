/**
 * Checks the schedule module through the ABI: one node, alone in its cluster, on the built image.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURE, type Message, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { LoneNode, slotS, type NodeRecord } from './node.ts';

const operationsMax = 512;
const { mine, haul, maintain } = WORK_KIND;
const { startWork, stopWork, maintained, impossible } = TYPE;
const beginS = 36_000;
/** Claims made at `beginS` are settled and planned by then. */
const plannedS = beginS + 1800;

const sch1 = suite('timeline');
const sch2 = suite('repair');

function assign(
  slot: number,
  kind: number,
  fromSlot: number,
  slots: number,
  changes: Partial<{ rate: number; durationS: number; priority: number }> = {},
): Message {
  const group = kind === mine ? 1 + (slot % 2) : kind === haul ? 3 : 0;
  return {
    name: 'assign',
    slot,
    kind,
    resource: kind === maintain ? 0 : (group << 16) | (kind === haul ? slot - 3 : slot + 1),
    rate: 100,
    durationS: 0,
    priority: 1,
    startS: plannedS + fromSlot * slotS,
    endS: plannedS + (fromSlot + slots) * slotS,
    ...changes,
  };
}

function health(batteryWh = 9000, storedKg = 0, solarW = 4000): Message {
  return { name: 'health', tasks: 255, batteryWh, storedKg, solarW };
}

function live(node: LoneNode, untilS: number, report: () => Message = () => health()): void {
  while (node.missionS < untilS) {
    node.runTo(Math.min(untilS, node.missionS + 300));
    node.observe(report());
  }
}

function of(records: readonly NodeRecord[], type: number, slot?: number): NodeRecord[] {
  return records.filter(({ fields }) => fields[0] === type && (slot === undefined || fields[1] === slot));
}

sch1('SCH-1 holds: a settled claim runs in its interval only', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 2, 8));
  live(node, plannedS + 14 * slotS);
  const [start] = of(node.commands, startWork, 0);
  const stop = of(node.commands, stopWork, 0).at(-1) as NodeRecord;
  assert.ok(start.atS >= plannedS + 2 * slotS && start.atS <= plannedS + 2 * slotS + 60, `${start.atS - plannedS}`);
  assert.ok(stop.atS <= plannedS + 10 * slotS, `${stop.atS - plannedS}`);
  for (const { fields } of of(node.commands, startWork, 0)) assert.ok(fields[5] <= plannedS + 10 * slotS);
});

sch1('SCH-1 holds: maintenance is done in one piece inside its span, and nothing is mined meanwhile', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 30));
  node.observe(assign(7, maintain, 4, 10, { durationS: 2700 }));
  live(node, plannedS + 20 * slotS);
  const done = of(node.events, maintained);
  assert.is(done.length, 1);
  const startedS = done[0].fields[2];
  assert.ok(startedS >= plannedS + 4 * slotS && startedS + 2700 <= plannedS + 14 * slotS);
  const during = of(node.commands, startWork).filter(
    ({ atS, fields }) => fields[1] < 4 && atS > startedS && atS < startedS + 2700,
  );
  assert.is(during.length, 0);
  assert.is(of(node.commands, stopWork, 0)[0].atS, startedS);
});

sch1('SCH-1 violated: maintenance that its span cannot hold is reported as impossible', () => {
  const node = new LoneNode();
  node.observe({
    name: 'assign',
    slot: 7,
    kind: maintain,
    resource: 0,
    rate: 0,
    priority: 1,
    durationS: 1800,
    startS: beginS,
    endS: beginS + 1900,
  });
  live(node, plannedS);
  assert.equal(
    of(node.events, impossible).map(({ fields }) => fields[2]),
    [beginS + 1900],
  );
  assert.is(of(node.commands, startWork, 7).length, 0);
});

sch1('SCH-1 violated: maintenance fully covered by a loading entry is impossible', () => {
  const node = new LoneNode();
  node.observe(assign(4, haul, 6, 8));
  live(node, plannedS);
  node.observe({ ...assign(7, maintain, 6, 1, { durationS: 840 }) });
  live(node, plannedS + 3 * slotS);
  assert.is(of(node.events, impossible).length, 1);
  assert.is(node.timeline().filter((code) => code === 5).length, 1);
});

sch1('SCH-1 holds: loading takes the first timeline entry of a haul, and mining goes on in the others', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 20));
  node.observe(assign(4, haul, 6, 8));
  live(node, plannedS + 60);
  const timeline = node.timeline();
  assert.is(timeline[6], 5);
  assert.equal(timeline.slice(1, 6), [1, 1, 1, 1, 1]);
  assert.equal(timeline.slice(7, 14), [1, 1, 1, 1, 1, 1, 1]);
});

sch1('SCH-1 holds: a radio window overlays the timeline, and its energy is reserved in advance', () => {
  const node = new LoneNode({ solarW: 150, batteryWh: 1000 });
  node.observe(assign(0, mine, 2, 20, { rate: 200 }));
  node.observe({ name: 'window', startS: plannedS + 30 * slotS, endS: plannedS + 32 * slotS, energyWh: 500 });
  live(node, plannedS + 60, () => health(800, 0, 100));
  const timeline = node.timeline(true);
  assert.equal(
    timeline.map((entry, slot) => (entry & 64 ? slot : -1)).filter((slot) => slot >= 0),
    [30, 31],
  );
  // 800 Wh, 200 Wh reserve, 500 Wh contact, solar covers the base load: 100 Wh are left, and mining
  // takes 208 Wh per timeline entry.
  assert.is(timeline.filter((entry) => (entry & 15) === 1).length, 0);
});

sch1('SCH-1 violated: a battery below the reserve stops mining, whatever the plan', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 30));
  live(node, plannedS + 4 * slotS);
  assert.is(node.own(0).running, 1);
  node.observe(health(1500));
  assert.is(node.own(0).running, 0);
  assert.is(node.commands.at(-1)?.fields.join(':'), `${stopWork}:0`);
});

sch1('SCH-1 violated: full storage stops mining, and emptied storage resumes it', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 60));
  live(node, plannedS + 4 * slotS);
  node.observe(health(9000, 100_000));
  assert.is(node.own(0).running, 0);
  live(node, plannedS + 8 * slotS, () => health(9000, 100_000));
  assert.is(node.own(0).running, 0);
  live(node, plannedS + 10 * slotS, () => health(9000, 10));
  assert.is(node.own(0).running, 1);
});

sch1('SCH-1 holds: no step examines more timeline entries than its bound, and planning ends', () => {
  const node = new LoneNode({ features: FEATURE.replicates });
  for (let slot = 0; slot < 4; slot++) node.observe(assign(slot, mine, 1 + slot, 60 + slot, { rate: 50 + slot * 30 }));
  node.observe(assign(4, haul, 6, 8));
  for (const first of [10, 30, 50]) node.observe(assign(7, maintain, first, 20, { durationS: 3600 }));
  let busy = 0;
  let most = 0;
  for (let atS = beginS; atS < plannedS + 8 * 3600; atS += 60) {
    node.runTo(atS);
    if (atS % 300 === 0) node.observe(health());
    const { operationsStep, planning } = node.schedule();
    most = Math.max(most, operationsStep);
    busy = planning === 1 ? busy + 1 : 0;
    assert.ok(busy < 40, 'a plan takes less than 40 steps');
  }
  assert.ok(most > 0 && most <= operationsMax, `${most} entries in one step`);
});

/**
 * Simulates a battery and a store that follow the commands minute by minute; the firmware sees them
 * through telemetry only.
 */
function flyPhysics(
  solarW: (atS: number) => number,
  untilS: number,
): { leastWh: number; mostKg: number; minedKg: number } {
  const node = new LoneNode({
    solarW: 600,
    batteryWh: 2000,
    storageKg: 80,
    mineWhPerKg: 120,
    features: FEATURE.replicates,
  });
  const rates = [150, 90, 60];
  for (const [slot, rate] of rates.entries()) node.observe(assign(slot, mine, slot * 10, 60, { rate }));
  for (const [slot, first] of [
    [4, 20],
    [5, 44],
  ])
    node.observe(assign(slot, haul, first, 8));
  node.observe({ name: 'window', startS: plannedS + 40 * slotS, endS: plannedS + 42 * slotS, energyWh: 80 });
  const running = new Map<number, number[]>();
  let [wh, kg, seen, leastWh, mostKg, minedKg] = [1500, 0, 0, Infinity, 0, 0];
  for (let atS = beginS; atS < untilS; atS += 60) {
    node.runTo(atS);
    for (; seen < node.commands.length; seen++) {
      const { fields } = node.commands[seen];
      if (fields[0] === startWork) running.set(fields[1], fields);
      if (fields[0] === stopWork) {
        running.delete(fields[1]);
        if (fields[1] === 4 || fields[1] === 5) kg = Math.max(0, kg - 600);
      }
    }
    let drawW = 100;
    for (const [slot, fields] of running) {
      if (fields[5] <= atS) running.delete(slot);
      else if (fields[2] === mine) {
        const mined = (fields[4] / 86_400) * 60;
        kg += mined;
        minedKg += mined;
        drawW += mined * 120 * 60;
      } else if (fields[2] === 5) drawW += 200;
    }
    if (atS >= plannedS + 40 * slotS && atS < plannedS + 42 * slotS) drawW += 160;
    wh = Math.min(2000, wh + (solarW(atS) - drawW) / 60);
    leastWh = Math.min(leastWh, wh);
    mostKg = Math.max(mostKg, kg);
    if (atS % 300 === 0) node.observe(health(Math.floor(wh), Math.floor(kg), Math.floor(solarW(atS))));
  }
  return { leastWh, mostKg, minedKg };
}

sch1(
  'SCH-1 holds: over 20 hours of a simulated battery and store, the plan keeps the reserve and the storage limit',
  () => {
    const flown = flyPhysics(() => 600, plannedS + 80 * slotS);
    assert.ok(flown.leastWh >= 400, `${flown.leastWh} Wh`);
    assert.ok(flown.mostKg <= 80.5, `${flown.mostKg} kg`);
    assert.ok(flown.minedKg > 60, `${flown.minedKg} kg mined`);
  },
);

sch2('SCH-2 holds: a panel that fails shortens the plan instead of draining the battery', () => {
  const flown = flyPhysics((atS) => (atS < plannedS + 10 * slotS ? 600 : 150), plannedS + 80 * slotS);
  // Up to one telemetry period passes before the loss is seen.
  assert.ok(flown.leastWh >= 400 - 70, `${flown.leastWh} Wh`);
  assert.ok(flown.minedKg > 5, `${flown.minedKg} kg mined`);
});

sch2('SCH-2 holds: a lost claim leaves the rest of the timeline unchanged', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 20));
  node.observe(assign(1, mine, 21, 20));
  node.observe(assign(2, mine, 41, 20));
  node.observe(assign(7, maintain, 50, 10, { durationS: 3600 }));
  live(node, plannedS + 60);
  const before = node.timeline();
  assert.is(before.filter((code) => code === 2).length, 20);
  node.observe({ name: 'progress', slot: 1, status: 3, movedKg: 0 });
  node.runTo(plannedS + 660);
  const after = node.timeline();
  assert.equal(
    after,
    before.map((code) => (code === 2 ? 0 : code)),
  );
});

sch2('SCH-2 holds: better work displaces only the work that it overlaps', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 40, { rate: 100 }));
  live(node, plannedS + 60);
  const before = node.timeline();
  node.observe(assign(1, mine, 10, 10, { rate: 180 }));
  node.runTo(plannedS + 300);
  node.observe(health());
  live(node, plannedS + 890 + 600);
  const passed = Math.floor(node.missionS / slotS) - plannedS / slotS;
  const after = node.timeline();
  const expected = before.slice(passed).map((code, at) => (at + passed >= 10 && at + passed < 20 ? 2 : code));
  assert.equal(after.slice(0, 40 - passed), expected.slice(0, 40 - passed));
});

sch2('SCH-2 violated: a plan that a lost battery broke is replaced', () => {
  const node = new LoneNode({ solarW: 100 });
  node.observe(assign(0, mine, 6, 60, { rate: 200 }));
  live(node, plannedS + 60, () => health(9000, 0, 100));
  const before = node.timeline().filter((code) => code === 1).length;
  live(node, plannedS + 660, () => health(3000, 0, 100));
  const after = node.timeline().filter((code) => code === 1).length;
  // 3000 Wh less a reserve of 2000 Wh, 208.3 Wh per timeline entry.
  assert.ok(before > 20, `${before}`);
  assert.is(after, 4);
});

sch2('SCH-2 holds: a restart from a checkpoint keeps the plan and stops work that may still run', () => {
  const node = new LoneNode();
  node.observe(assign(0, mine, 1, 60));
  live(node, plannedS + 4 * slotS);
  const before = node.timeline();
  const image = node.checkpoint();
  const count = node.commands.length;
  assert.is(node.restore(image, { cause: 4, localS: Math.floor(node.localMs / 1000) }), 0);
  assert.equal(node.timeline(), before);
  assert.is(node.commands[count]?.fields.join(':'), `${stopWork}:0`);
});

sch1.run();
sch2.run();

import type { Message } from '../../host/cbor/generated.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
import { LoneNode, places, slotS } from './node.ts';
import { passiveHolds, type Instance, type MineClaim } from './mip.ts';

const slots = 24;
const givenS = 36_000;
/**
 * Claims settle within 20 minutes. The plan to be judged is made in the timeline entry that begins
 * here, before any work runs.
 */
const judgedS = 37_800;
const judgedSlot = judgedS / slotS;

export interface Flown {
  readonly instance: Instance;
  readonly timeline: number[];
  readonly replicateW: number;
}

/**
 * Draws a small instance, flies it on the `tiny` image, and returns the plan that came of it; null
 * = drawn without a solution.
 */
export function fly(seed: number): Flown | null {
  const random = new RandomStream(seed, 'instance');
  const from = (least: number, most: number): number => least + Math.floor(random.fraction() * (most - least + 1));
  const batteryWh = from(500, 4000);
  const reserveWh = batteryWh / 5;
  const healthWh = from(Math.ceil(reserveWh) + 50, batteryWh);
  const baseW = from(20, 100);
  const solarW = baseW + from(0, 500);
  const storageKg = from(5, 120);
  const storedKg = from(0, storageKg);
  const replicates = random.fraction() < 0.5;
  const mineWhPerKg = from(20, 200);
  const loadKg = from(5, 60);
  const messages: Message[] = [];
  const mines: MineClaim[] = [];
  for (let slot = 0; slot < from(1, 3); slot++) {
    const first = from(1, 16);
    const to = from(first + 2, 24);
    const rateKgPerDay = from(50, 400);
    const priority = from(0, 255);
    mines.push({ slot, from: first, to, rateKgPerDay, weight: 16 + (priority >>> 4) });
    messages.push({
      name: 'assign',
      slot,
      kind: 1,
      resource: ((1 + (slot % 2)) << 16) | (slot + 1),
      durationS: 0,
      rate: rateKgPerDay,
      priority,
      startS: judgedS + first * slotS,
      endS: judgedS + to * slotS,
    });
  }
  let haul: Instance['haul'] = null;
  if (random.fraction() < 0.6) {
    const load = from(1, 14);
    const end = from(load + 2, 22);
    haul = { load, end, loadKg };
    messages.push({
      name: 'assign',
      slot: 4,
      kind: 2,
      resource: (3 << 16) | 1,
      durationS: 0,
      // The load leaves in the haul's time at this rate; less than the rate allows is not moved.
      rate: Math.ceil((loadKg * 86_400) / ((end - load) * slotS)),
      priority: 1,
      startS: judgedS + load * slotS,
      endS: judgedS + end * slotS,
    });
  }
  let maintenance: Instance['maintenance'] = null;
  if (random.fraction() < 0.6) {
    const length = from(1, 4);
    const first = from(1, 8);
    const last = from(first, 18);
    maintenance = { first, last, length };
    messages.push({
      name: 'assign',
      slot: 7,
      kind: 4,
      resource: 0,
      durationS: length * slotS,
      rate: 0,
      priority: 1,
      startS: judgedS + first * slotS,
      endS: judgedS + (last + length) * slotS + 60,
    });
  }
  const begin = from(0, 18);
  const contact = { from: begin, to: from(begin + 1, 24), energyWh: from(0, 150) };
  const elapsedS = 60;
  const net = (solarW - baseW) * 24;
  const levelWh = Math.max(0, Math.min(batteryWh, healthWh - (Math.trunc(net / slotS) * elapsedS) / 96));
  const instance: Instance = {
    slots,
    levelWh,
    capacityWh: batteryWh,
    reserveWh,
    solarW,
    baseW,
    mineWhPerKg,
    storedKg,
    storageKg,
    mines,
    haul,
    contact,
    maintenance,
  };
  if (!passiveHolds(instance)) return null;
  const replicateW = replicates ? 150 : 0;
  const node = new LoneNode(
    { batteryWh, solarW, baseW, storageKg, mineWhPerKg, replicateW, features: replicates ? 2 : 0, rateMax: 400 },
    givenS,
    'tiny',
    places.map((place) => ({ ...place, loadKg: place.kind === 2 ? loadKg : 0 })),
  );
  const health: Message = { name: 'health', tasks: 255, batteryWh: healthWh, storedKg, solarW };
  for (const message of messages) node.observe(message);
  for (let atS = givenS + 300; atS <= judgedS; atS += 300) {
    node.runTo(atS);
    node.observe(health);
  }
  node.runTo(judgedS + elapsedS);
  if (Math.floor(node.missionS / slotS) !== judgedSlot) throw new Error('the judged slot was missed');
  if (node.isRunning(6)) node.observe({ name: 'progress', slot: 6, status: 2, movedKg: 0 });
  node.observe(health);
  node.observe({
    name: 'window',
    startS: judgedS + contact.from * slotS,
    endS: judgedS + contact.to * slotS,
    energyWh: contact.energyWh,
  });
  node.runTo(judgedS + elapsedS + 240);
  return { instance, timeline: node.timeline(), replicateW };
}

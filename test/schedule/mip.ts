/**
 * One node's timeline as a time-indexed mixed-integer program, written without a look at the
 * firmware's planner.
 */

export interface MineClaim {
  readonly slot: number;
  /** Timeline entries [from, to) counted from the present one. */
  readonly from: number;
  readonly to: number;
  readonly rateKgPerDay: number;
  /** Sixteenths: 16 + priority / 16. */
  readonly weight: number;
}

export interface Instance {
  readonly slots: number;
  readonly levelWh: number;
  readonly capacityWh: number;
  readonly reserveWh: number;
  readonly solarW: number;
  readonly baseW: number;
  readonly mineWhPerKg: number;
  readonly storedKg: number;
  readonly storageKg: number;
  readonly mines: readonly MineClaim[];
  /** Loading takes timeline entry `load`; the load has left by the beginning of entry `end`. */
  readonly haul: { readonly load: number; readonly end: number; readonly loadKg: number } | null;
  readonly contact: { readonly from: number; readonly to: number; readonly energyWh: number };
  /** Contiguous `length` timeline entries, beginning in [first, last]. */
  readonly maintenance: { readonly first: number; readonly last: number; readonly length: number } | null;
}

const slotsPerDay = 96;
const hoursPerSlot = 0.25;

function contactWh(instance: Instance, slot: number): number {
  const { from, to, energyWh } = instance.contact;
  // Whole 1/96 Wh per timeline entry, rounded up: the unit of the firmware.
  return slot >= from && slot < to ? Math.ceil((energyWh * slotsPerDay) / (to - from)) / slotsPerDay : 0;
}

/** Gain of a claim in one timeline entry: weighted kilograms. */
function slotValue(claim: MineClaim): number {
  return (claim.rateKgPerDay * claim.weight) / slotsPerDay / 16;
}

/** The reserve holds even if nothing runs at all; otherwise no plan can keep it. */
export function passiveHolds(instance: Instance): boolean {
  let level = instance.levelWh;
  for (let slot = 0; slot < instance.slots; slot++) {
    level = Math.min(
      instance.capacityWh,
      level + (instance.solarW - instance.baseW) * hoursPerSlot - contactWh(instance, slot),
    );
    if (level < instance.reserveWh) return false;
  }
  return true;
}

/** CPLEX LP text: maximise weighted kilograms; maintenance, where given, outweighs everything. */
export function toProgram(instance: Instance): string {
  const { slots, mines, maintenance } = instance;
  const objective: string[] = [];
  const rows: string[] = [];
  const binaries: string[] = [];
  const bounds: string[] = [];
  const exclusive: string[][] = Array.from({ length: slots }, () => []);
  const energy: string[][] = Array.from({ length: slots }, () => []);
  const mass: string[][] = Array.from({ length: slots }, () => []);
  mines.forEach((claim, index) => {
    for (let slot = claim.from; slot < Math.min(claim.to, slots); slot++) {
      const name = `x${index}_${slot}`;
      binaries.push(name);
      objective.push(`${slotValue(claim)} ${name}`);
      exclusive[slot].push(name);
      const kg = claim.rateKgPerDay / slotsPerDay;
      energy[slot].push(`+ ${kg * instance.mineWhPerKg} ${name}`);
      mass[slot].push(`- ${kg} ${name}`);
    }
  });
  if (maintenance !== null) {
    const begins: string[] = [];
    for (let begin = maintenance.first; begin <= Math.min(maintenance.last, slots - maintenance.length); begin++) {
      const name = `y${begin}`;
      binaries.push(name);
      begins.push(name);
      objective.push(`10000 ${name}`);
      for (let slot = begin; slot < begin + maintenance.length; slot++) exclusive[slot].push(name);
    }
    if (begins.length > 0) rows.push(`${begins.join(' + ')} <= 1`);
  }
  exclusive.forEach((names, slot) => {
    if (names.length > 0) rows.push(`${names.join(' + ')} <= ${slot === instance.haul?.load ? 0 : 1}`);
  });
  for (let slot = 0; slot < slots; slot++) {
    const net = (instance.solarW - instance.baseW) * hoursPerSlot - contactWh(instance, slot);
    const level = slot === 0 ? '' : `- e${slot}`;
    rows.push(
      `e${slot + 1} ${level} + spill${slot} ${energy[slot].join(' ')} = ${net + (slot === 0 ? instance.levelWh : 0)}`,
    );
    bounds.push(`${instance.reserveWh} <= e${slot + 1} <= ${instance.capacityWh}`);
    const stored = slot === 0 ? '' : `- m${slot}`;
    rows.push(`m${slot + 1} ${stored} + taken${slot} ${mass[slot].join(' ')} = ${slot === 0 ? instance.storedKg : 0}`);
    bounds.push(`0 <= m${slot + 1} <= ${instance.storageKg}`);
    bounds.push(`0 <= taken${slot} <= ${slot === instance.haul?.end ? instance.haul.loadKg : 0}`);
  }
  return [
    'Maximize',
    ` value: ${objective.length > 0 ? objective.join(' + ') : '0 e1'}`,
    'Subject To',
    ...rows.map((row, index) => ` r${index}: ${row}`),
    'Bounds',
    ...bounds.map((bound) => ` ${bound}`),
    'Binary',
    ...binaries.map((name) => ` ${name}`),
    'End',
    '',
  ].join('\n');
}

export interface Replay {
  /** Weighted kilograms. */
  readonly value: number;
  readonly leastWh: number;
  readonly mostKg: number;
  /** What the timeline breaks, in words; empty = nothing. */
  readonly breaks: string[];
}

/**
 * Walks a timeline (intent slot + 1, 7 replication, 8 maintenance, 0 idle) through the instance's
 * physics.
 */
export function replay(instance: Instance, timeline: readonly number[], replicateW: number): Replay {
  let level = instance.levelWh;
  let stored = instance.storedKg;
  let value = 0;
  let leastWh = Infinity;
  let mostKg = 0;
  const breaks: string[] = [];
  for (let slot = 0; slot < instance.slots; slot++) {
    const code = timeline[slot];
    let drawWh = 0;
    if (slot === instance.haul?.end) stored = Math.max(0, stored - instance.haul.loadKg);
    if (code >= 1 && code <= 4) {
      const claim = instance.mines.find((mine) => mine.slot === code - 1);
      if (claim === undefined || slot < claim.from || slot >= claim.to) {
        breaks.push(`slot ${slot} mines without a claim`);
        continue;
      }
      const kg = claim.rateKgPerDay / slotsPerDay;
      drawWh = kg * instance.mineWhPerKg;
      stored += kg;
      value += slotValue(claim);
    } else if (code === 7) drawWh = replicateW * hoursPerSlot;
    level += (instance.solarW - instance.baseW) * hoursPerSlot - contactWh(instance, slot) - drawWh;
    level = Math.min(instance.capacityWh, level);
    leastWh = Math.min(leastWh, level);
    mostKg = Math.max(mostKg, stored);
    if (level < instance.reserveWh - 1e-6)
      breaks.push(`slot ${slot} ends with ${level} Wh, reserve ${instance.reserveWh}`);
    if (drawWh > 0 && code <= 4 && stored > instance.storageKg + 1e-6)
      breaks.push(`slot ${slot} ends with ${stored} kg of ${instance.storageKg}`);
  }
  if (instance.haul !== null && timeline[instance.haul.load] !== 5)
    breaks.push(`no loading in slot ${instance.haul.load}`);
  return { value, leastWh, mostKg, breaks };
}

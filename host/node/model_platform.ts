import { FIELD, type Group, type Message, TYPE } from '../cbor/generated.ts';

/** Telemetry period of a host node. */
const healthEveryMs = 300_000;
/** Milliseconds in a day of work. */
const dayMs = 86_400_000;
/** All eight platform tasks checked in. */
const allTasks = 0xff;

/** Figures of the hardware that a host node models. */
export interface HardwareFigures {
  batteryWh: number;
  solarW: number;
  storageKg: number;
}

/** The answer to a request-assay: the modelled hardware finds every resource as it was surveyed. */
export function assayOf(groups: readonly Group[], order: Uint32Array): Message {
  const { group, unit } = FIELD.requestAssay;
  const surveyed = groups.find((entry) => entry.group === order[group]);
  const capacity = order[unit] === 0 ? (surveyed?.capacity ?? 0) : 1;
  return { name: 'assay', group: order[group], unit: order[unit], capacity };
}

interface Work {
  kind: number;
  rateKgPerDay: number;
  untilMs: number;
  fromMs: number;
  movedKg: number;
}

/**
 * Models the hardware around the firmware of a host node: a battery that stays full, tasks that all
 * check in, and work that goes on at the commanded rate until its end. Orders are carried out at
 * once. Times are milliseconds of local time.
 */
export class ModelPlatform {
  private readonly figures: HardwareFigures;
  private readonly work = new Map<number, Work>();
  private nextHealthMs: number;
  private storedKg = 0;

  constructor(figures: HardwareFigures, nowMs: number) {
    this.figures = figures;
    this.nextHealthMs = nowMs;
  }

  /** When the platform next has a record for the firmware. */
  nextMs(): number {
    let next = this.nextHealthMs;
    for (const { untilMs } of this.work.values()) next = Math.min(next, untilMs);
    return next;
  }

  /** Records that are due at `nowMs`, as flat arrays with the type first. */
  due(nowMs: number): number[][] {
    const records: number[][] = [];
    const slots = [...this.work.keys()].sort((left, right) => left - right);
    for (const slot of slots) {
      const work = this.work.get(slot)!;
      const done = nowMs >= work.untilMs;
      if (done || nowMs >= this.nextHealthMs) records.push(this.progress(slot, work, nowMs, done ? 2 : 1));
      if (done) this.work.delete(slot);
    }
    if (nowMs >= this.nextHealthMs) {
      this.nextHealthMs = nowMs + healthEveryMs;
      const { batteryWh, solarW } = this.figures;
      records.push([TYPE.health, allTasks, batteryWh, Math.floor(this.storedKg), solarW]);
    }
    return records;
  }

  startWork(slot: number, kind: number, rateKgPerDay: number, untilMs: number, nowMs: number): void {
    this.work.set(slot, { kind, rateKgPerDay, untilMs, fromMs: nowMs, movedKg: 0 });
  }

  stopWork(slot: number): void {
    this.work.delete(slot);
  }

  private progress(slot: number, work: Work, nowMs: number, status: 1 | 2): number[] {
    const total = Math.floor((work.rateKgPerDay * (Math.min(nowMs, work.untilMs) - work.fromMs)) / dayMs);
    const moved = total - work.movedKg;
    work.movedKg = total;
    // Kind 1 mines into the storage, kind 2 hauls out of it.
    const stored = work.kind === 1 ? this.storedKg + moved : this.storedKg - moved;
    this.storedKg = Math.min(Math.max(stored, 0), this.figures.storageKg);
    return [TYPE.progress, slot, status, total];
  }
}

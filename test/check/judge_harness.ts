import { Observers } from '../../hwsim/check/observers.ts';
import { Recovery } from '../../hwsim/check/recovery.ts';
import type { Judge, Verdict } from '../../hwsim/check/verdict.ts';
import type { DisruptionFact, WorldChange } from '../../hwsim/kernel/trace.ts';

/** A lot of four sites and a depot of one tug. */
export const groups = [
  { group: 1, kind: 1, units: 4, capacityKgPerDay: 1000 },
  { group: 2, kind: 2, units: 1, capacityKgPerDay: 5000 },
];

export const siteOf = (unit: number, group = 1): number => group * 65_536 + unit;

/** One published version; what a test does not name is a claim on site 1 from 0 to one day at 100 kg/day. */
export interface Work {
  slot?: number;
  version: number;
  resource?: number;
  startS?: number;
  endS?: number;
  rate?: number;
  state?: number;
  leaseS?: number;
}

/** Plays hand-made traces to judges, minute by minute, as a run would. */
export class JudgeHarness {
  readonly seen: Observers;
  readonly recovery: Recovery;
  judges: Judge[] = [];
  agreedSinceMs = -1;
  private nextMinute = 0;

  constructor(nodes: number) {
    this.seen = new Observers({ nodes, groups });
    this.recovery = new Recovery(this.seen);
  }

  seat(...judges: Judge[]): this {
    this.judges = judges;
    return this;
  }

  /** Minutes before `timeS` pass. */
  until(timeS: number): void {
    for (; this.nextMinute * 60 <= timeS; this.nextMinute++) {
      const timeMs = this.nextMinute * 60_000;
      this.recovery.minute(timeMs);
      if (this.recovery.agreed[this.nextMinute] !== 1) this.agreedSinceMs = -1;
      else if (this.agreedSinceMs < 0) this.agreedSinceMs = timeMs;
      for (const judge of this.judges) judge.minute?.(timeMs);
    }
  }

  event(timeS: number, node: number, ...record: number[]): void {
    this.until(timeS);
    const fields = Uint32Array.from(record);
    this.seen.event(timeS * 1000, node, fields);
    this.recovery.event(timeS * 1000, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.event?.(timeS * 1000, node, fields);
  }

  command(timeS: number, node: number, ...record: number[]): void {
    this.until(timeS);
    const fields = Uint32Array.from(record);
    this.seen.command(timeS * 1000, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.command?.(timeS * 1000, node, fields);
  }

  world(timeS: number, change: WorldChange): void {
    this.until(timeS);
    this.seen.world(timeS * 1000, change);
    this.recovery.world(timeS * 1000, change);
    for (const judge of this.judges) judge.world?.(timeS * 1000, change);
  }

  publish(timeS: number, node: number, work: Work): void {
    const {
      slot = 0,
      version,
      resource = siteOf(1),
      startS = 0,
      endS = 86_400,
      rate = 100,
      state = 2,
      leaseS = 0,
    } = work;
    this.hold(timeS, node, node, work);
    this.event(timeS, node, 195, slot, version, 1, resource, startS, endS, rate, 1, state, 0, 0, leaseS);
  }

  /** `holder` now holds the owner's version. */
  hold(timeS: number, holder: number, owner: number, { slot = 0, version, state = 2 }: Work): void {
    this.event(timeS, holder, 194, owner, slot, version, state, timeS);
  }

  /** Published by one, held by all. */
  spread(timeS: number, owner: number, work: Work): void {
    this.publish(timeS, owner, work);
    for (let node = 0; node < this.seen.facts.nodes; node++) if (node !== owner) this.hold(timeS, node, owner, work);
  }

  settle(timeS: number, node: number, slot: number, version: number): void {
    this.event(timeS, node, 196, slot, version, 0, 86_400, 100);
  }

  /** `observers` now take the member for: 1 alive, 2 suspect, 3 unreachable, 4 dead. */
  view(timeS: number, observers: number[], member: number, state: number): void {
    for (const observer of observers) this.event(timeS, observer, 193, member, state, 1);
  }

  start(timeS: number, node: number, resource: number, rate: number, untilS: number, slot = 0): void {
    this.command(timeS, node, 160, slot, 1, resource, rate, untilS);
  }

  verdict(id: string): Verdict {
    const judge = this.judges.find((each) => each.id === id);
    if (judge === undefined) throw new Error(`no judge ${id} is seated`);
    return judge.verdict();
  }
}

/** The world's word that node `node` died for good at `onsetS`. */
export function deathOf(node: number, onsetS: number): WorldChange {
  const disruption: DisruptionFact = {
    id: `node-death-${node}`,
    kind: 'node-death',
    class: 'node',
    onsetS,
    healedS: null,
    nodes: [node],
    groups: [],
    detail: '',
  };
  return { kind: 'disruption', id: disruption.id, disruption };
}

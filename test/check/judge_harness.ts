import { INTENT_STATE, type LIVENESS, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { Recovery } from '../../hwsim/check/convergence/recovery.ts';
import { Observers } from '../../hwsim/check/observe/observers.ts';
import type { Judge, Verdict } from '../../hwsim/check/verdict.ts';
import type { DisruptionFact, WorldChange } from '../../hwsim/kernel/trace.ts';

/** A lot of four sites and a depot of one tug. */
const groups = [
  { group: 1, kind: 1, units: 4, capacityKgPerDay: 1000 },
  { group: 2, kind: 2, units: 1, capacityKgPerDay: 5000 },
];

export const siteOf = (unit: number, group = 1): number => group * 65_536 + unit;

/** One published version. Defaults: a claim on site 1 from 0 to one day at 100 kg/day. */
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

/** Work that a node starts. Defaults: in intent slot 0, at 100 kg/day. */
export interface Start {
  resource: number;
  untilS: number;
  rate?: number;
}

type MemberState = (typeof LIVENESS)[keyof typeof LIVENESS];

/** Feeds hand-made traces to judges, minute by minute, as a run would. */
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

  /** Lets the minutes up to `timeS` pass. */
  until(timeS: number): void {
    for (; this.nextMinute * 60 <= timeS; this.nextMinute++) {
      const timeMs = this.nextMinute * 60_000;
      this.seen.minute(timeMs);
      this.recovery.minute(timeMs);
      if (!this.recovery.isAgreed(this.nextMinute)) this.agreedSinceMs = -1;
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
    const { slot = 0, version, resource = siteOf(1), startS = 0, endS = 86_400 } = work;
    const { rate = 100, state = INTENT_STATE.claimed, leaseS = 0 } = work;
    this.store(timeS, node, node, work);
    this.event(timeS, node, TYPE.published, slot, version, 1, resource, startS, endS, rate, 1, state, 0, 0, leaseS);
  }

  /** The node `storedBy` now stores the owner's version. */
  store(
    timeS: number,
    storedBy: number,
    owner: number,
    { slot = 0, version, state = INTENT_STATE.claimed }: Work,
  ): void {
    this.event(timeS, storedBy, TYPE.stored, owner, slot, version, state, timeS);
  }

  /** The nodes no longer store the owner's intent slot 0. */
  evict(timeS: number, nodes: readonly number[], owner: number): void {
    for (const node of nodes) this.store(timeS, node, owner, { version: 1, state: INTENT_STATE.none });
  }

  /** The owner publishes a version, and all others store it. */
  spread(timeS: number, owner: number, work: Work): void {
    this.publish(timeS, owner, work);
    for (let node = 0; node < this.seen.facts.nodes; node++) if (node !== owner) this.store(timeS, node, owner, work);
  }

  settle(timeS: number, node: number, { version, endS = 86_400 }: Work): void {
    this.event(timeS, node, TYPE.settled, 0, version, 0, endS, 100);
  }

  /** The node reports that version 1 of its intent slot 0 lost to intent slot 0 of the winner. */
  lose(timeS: number, node: number, winner: number): void {
    this.event(timeS, node, TYPE.lost, 0, 1, winner, 0);
  }

  /** The observers now take the member for this state. */
  view(timeS: number, observers: readonly number[], member: number, state: MemberState): void {
    for (const observer of observers) this.event(timeS, observer, TYPE.memberState, member, state, 1);
  }

  start(timeS: number, node: number, { resource, untilS, rate = 100 }: Start): void {
    this.command(timeS, node, TYPE.startWork, 0, 1, resource, rate, untilS);
  }

  /** The node's maintenance begins or ends. */
  maintain(timeS: number, node: number, begins: boolean): void {
    const slot = 7;
    if (begins) this.command(timeS, node, TYPE.startWork, slot, WORK_KIND.maintain, 0, 0, timeS + 86_400);
    else this.command(timeS, node, TYPE.stopWork, slot);
  }

  stop(timeS: number, node: number): void {
    this.command(timeS, node, TYPE.stopWork, 0);
  }

  feed(timeS: number, node: number): void {
    this.command(timeS, node, TYPE.feedWatchdog, 1);
  }

  escalate(timeS: number, node: number, level: number): void {
    this.event(timeS, node, TYPE.escalation, level, 1, 0);
  }

  orderReset(timeS: number, node: number, count: number): void {
    this.command(timeS, node, TYPE.resetProcessor, 1, count);
  }

  boot(timeS: number, node: number, { cause = 2, restored }: { cause?: number; restored: boolean }): void {
    this.event(timeS, node, TYPE.booted, cause, restored ? 1 : 0, 2);
  }

  /** The node reports errors in its own memory. */
  upset(timeS: number, node: number, outcome: number, { ageS = 0, count = 1 } = {}): void {
    this.event(timeS, node, TYPE.upset, 300, outcome, ageS, count);
  }

  verdict(id: string): Verdict {
    const judge = this.judges.find((each) => each.id === id);
    if (judge === undefined) throw new Error(`no judge ${id} is seated`);
    return judge.verdict();
  }
}

/** Builds the disruption in which node `node` dies at `onsetS`. */
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

export const nodeDown = (node: number, permanent = false, disruption: string | null = null): WorldChange => ({
  kind: 'node-down',
  node,
  permanent,
  disruption,
});

export const nodeUp = (node: number): WorldChange => ({ kind: 'node-up', node, permanent: false, disruption: null });

/** Splits nodes 0 and 1 from nodes 2 and 3. */
export const splitInHalves: WorldChange = {
  kind: 'partition',
  sets: [
    [0, 1],
    [2, 3],
  ],
  disruption: null,
};

import { Arbitration, NothingLost, Versions } from '../../hwsim/check/accepted.ts';
import { FalseDeaths } from '../../hwsim/check/deaths.ts';
import { ExclusiveExecution, SharedCapacity } from '../../hwsim/check/execution.ts';
import { Observers } from '../../hwsim/check/observers.ts';
import { Recovery } from '../../hwsim/check/recovery.ts';
import { GRID_S } from '../../hwsim/check/rules.ts';
import type { Judge, Verdict } from '../../hwsim/check/verdict.ts';
import type { RunFacts } from '../../hwsim/fleet/run.ts';
import type { TraceConsumer, WorldChange } from '../../hwsim/kernel/trace.ts';
import type { WorldPlan } from '../../hwsim/world/plan.ts';
import { FIELD, TYPE } from '../cbor/generated.ts';

/** A disruption as a script reads it. Times are absolute mission seconds; null = never. */
export interface DisruptionOutcome {
  id: string;
  kind: string;
  class: string;
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  onboardConvergedS: number | null;
  slaS: number;
  /** null: the run ended before the SLA did and nothing had converged: not measured. */
  withinSla: boolean | null;
  lostKg: number | null;
}

/** definitions.md: 30 minutes without a break. */
const unbrokenMinutes = 30;
const minuteMs = GRID_S * 1000;

/** Seats the judges of hwsim/check along one run and reads their verdicts afterwards. */
export class Bench implements TraceConsumer {
  private readonly seen: Observers;
  private readonly recovery: Recovery;
  private readonly judges: Judge[];
  private readonly deaths: FalseDeaths;
  private readonly onboard: { onsetS: number; convergedS: number }[] = [];
  private nextMinuteMs = 0;
  private agreedSince = Number.POSITIVE_INFINITY;

  constructor(plan: WorldPlan) {
    this.seen = new Observers({ nodes: plan.nodes.length, groups: plan.groups });
    this.recovery = new Recovery(this.seen);
    this.deaths = new FalseDeaths(this.seen);
    const agreedSince = () => this.agreedSince;
    this.judges = [
      new ExclusiveExecution(this.seen),
      new SharedCapacity(this.seen, agreedSince),
      new NothingLost(this.seen),
      new Versions(this.seen),
      new Arbitration(this.seen),
      this.deaths,
    ];
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.event(timeMs, node, fields);
    this.recovery.event(timeMs, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.event?.(timeMs, node, fields);
    if (fields[0] === TYPE.converged) {
      const { onsetS, convergedS } = FIELD.converged;
      this.onboard.push({ onsetS: fields[onsetS], convergedS: fields[convergedS] });
    }
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.command(timeMs, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.command?.(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    this.minutesUntil(timeMs);
    this.seen.world(timeMs, change);
    this.follow(timeMs, change);
    for (const judge of this.judges) judge.world?.(timeMs, change);
  }

  /** A disruption may be told again when more of it is known: the facts are replaced, the case stays one. */
  private follow(timeMs: number, change: WorldChange): void {
    const known = change.kind === 'disruption' ? this.recovery.cases.filter(({ fact }) => fact.id === change.id) : [];
    if (change.kind === 'disruption' && known.length > 0) for (const entry of known) entry.fact = change.disruption;
    else this.recovery.world(timeMs, change);
  }

  end(timeMs: number): void {
    this.minutesUntil(timeMs + 1);
    for (const judge of this.judges) judge.end?.(timeMs);
  }

  private minutesUntil(timeMs: number): void {
    while (this.nextMinuteMs <= timeMs) {
      const at = this.nextMinuteMs;
      this.nextMinuteMs += minuteMs;
      this.recovery.minute(at);
      const agreed = this.recovery.agreed[at / minuteMs] === 1;
      this.agreedSince = agreed ? Math.min(this.agreedSince, at) : Number.POSITIVE_INFINITY;
      for (const judge of this.judges) judge.minute?.(at);
    }
  }

  verdicts(): Verdict[] {
    return this.judges.map((judge) => judge.verdict());
  }

  get falseDeaths(): number {
    return this.deaths.count;
  }

  /** The first minute from which criteria (a), (b) and (c) held for 30 minutes, in mission seconds. */
  private convergedS(firstMinute: number, clear: readonly number[]): number | null {
    let unbroken = 0;
    for (let index = 0; index < clear.length; index++) {
      const holds = clear[index] === 1 && this.recovery.agreed[firstMinute + index] === 1;
      unbroken = holds ? unbroken + 1 : 0;
      if (unbroken === unbrokenMinutes) return (firstMinute + index + 1 - unbrokenMinutes) * GRID_S;
    }
    return null;
  }

  disruptions(facts: RunFacts): DisruptionOutcome[] {
    return this.recovery.cases.map((entry) => {
      const convergedS = this.convergedS(entry.firstMinute, entry.clear);
      const after = this.onboard.filter(({ onsetS }) => onsetS >= entry.onsetS - 900 && onsetS <= entry.onsetS + 3600);
      const onboardS = after.length === 0 ? null : after.reduce((last, { convergedS: at }) => Math.max(last, at), 0);
      const dueS = entry.onsetS + entry.slaS;
      const measured = convergedS !== null || facts.simulatedS >= dueS;
      return {
        id: entry.id,
        kind: entry.kind,
        class: entry.class,
        onsetS: entry.onsetS,
        detectedS: entry.detectedMs === null ? null : entry.detectedMs / 1000,
        convergedS,
        onboardConvergedS: onboardS,
        slaS: entry.slaS,
        withinSla: measured ? convergedS !== null && convergedS <= dueS : null,
        lostKg: null,
      };
    });
  }
}

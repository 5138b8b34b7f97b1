import { GRID_S } from '../check/bounds.ts';
import { Convergence, type Outcome } from '../check/convergence/convergence.ts';
import { OnboardReports } from '../check/convergence/onboard_reports.ts';
import { Recovery } from '../check/convergence/recovery.ts';
import { Arbitration } from '../check/judges/arbitration.ts';
import { clearlyBeatsGreedy } from '../check/judges/clearly_beats_greedy.ts';
import { CrashRecovered } from '../check/judges/crash_recovered.ts';
import { EscalationOrder } from '../check/judges/escalation_order.ts';
import { ExclusiveExecution } from '../check/judges/exclusive_execution.ts';
import { FalseDeaths } from '../check/judges/false_deaths.ts';
import { InsiderContained, type InsiderOutcome } from '../check/judges/insider_contained.ts';
import { livenessAfterHealing } from '../check/judges/liveness.ts';
import { NoCorruptValueSent, type RadiationOutcome } from '../check/judges/no_corrupt_value_sent.ts';
import { NothingLost } from '../check/judges/nothing_lost.ts';
import { SharedCapacity } from '../check/judges/shared_capacity.ts';
import { Versions } from '../check/judges/versions.ts';
import { WatchdogWindow } from '../check/judges/watchdog_window.ts';
import { withinAchievable } from '../check/judges/within_achievable.ts';
import { Observers } from '../check/observe/observers.ts';
import type { Judge, Verdict } from '../check/verdict.ts';
import { watchdogEarlyMs, watchdogLateMs } from '../board/watchdog.ts';
import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';
import { type Achievable, achievable } from '../world/achievable.ts';
import { GreedyNodesModel } from '../world/greedy.ts';
import { WorldHistory } from '../world/history.ts';
import type { WorldPlan } from '../world/plan.ts';

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
  /** Achievable minus actual from onset to convergence; null when nobody plans work. */
  lostKg: number | null;
  /** What kept it from converging; empty when it converged. */
  missing: string[];
}

/** Resets in a row that the firmware may order: RESETS_MAX of firmware/watchdog/table.ts. */
const resetsMax = 3;
/** A board's oscillator may be this much off true time, and the trace tells true time. */
const oscillatorSlack = 1e-4;
const minuteMs = GRID_S * 1000;

/** Seats the judges of hwsim/check along one run and reads their verdicts afterwards. */
export class Bench implements TraceConsumer {
  private readonly seen: Observers;
  private readonly recovery: Recovery;
  private readonly judges: Judge[];
  private readonly deaths: FalseDeaths;
  private readonly upsets: NoCorruptValueSent | null;
  private readonly insiders: InsiderContained | null;
  private readonly onboard: OnboardReports;
  private readonly plan: WorldPlan;
  private readonly planWork: boolean;
  private readonly baselineSeed: number | null;
  private greedy: number | null = null;
  private readonly history = new WorldHistory();
  private optimum: Achievable | null = null;
  private told: Outcome[] | null = null;
  private endMs = 0;
  private nextMinuteMs = 0;
  private agreedSince = Number.POSITIVE_INFINITY;

  /**
   * planWork false: nobody plans work, so there is no production to judge. baselineSeed: runs the greedy baseline too; null = not. radiation: memory errs, and that is
   * judged too. byzantine: a member that lies, of which nothing is judged (HonestOnly).
   */
  constructor(
    plan: WorldPlan,
    planWork = true,
    baselineSeed: number | null = null,
    radiation = false,
    byzantine: number | null = null,
  ) {
    this.baselineSeed = baselineSeed;
    this.plan = plan;
    this.planWork = planWork;
    this.seen = new Observers({ nodes: plan.nodes.length, groups: plan.groups });
    this.recovery = new Recovery(this.seen);
    this.onboard = new OnboardReports(this.seen);
    this.deaths = new FalseDeaths(this.seen);
    this.insiders = byzantine === null ? null : new InsiderContained(this.seen, byzantine);
    this.upsets = radiation ? new NoCorruptValueSent() : null;
    const feedMsMin = watchdogEarlyMs * (1 - oscillatorSlack);
    const bounds = { feedMsMin, feedMsMax: watchdogLateMs * (1 + oscillatorSlack), resetsMax };
    const agreedSince = () => this.agreedSince;
    this.judges = [
      new ExclusiveExecution(this.seen),
      new SharedCapacity(this.seen, agreedSince),
      new NothingLost(this.seen),
      new Versions(this.seen, byzantine ?? -1),
      new Arbitration(this.seen),
      this.deaths,
      new WatchdogWindow(this.seen, bounds),
      new EscalationOrder(this.seen, bounds),
      ...(this.insiders === null ? [] : [this.insiders]),
      ...(this.upsets === null ? [] : [this.upsets, new CrashRecovered(this.seen, resetsMax)]),
    ];
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.event(timeMs, node, fields);
    this.recovery.event(timeMs, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.event?.(timeMs, node, fields);
    this.onboard.event(timeMs, node, fields);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.command(timeMs, node, fields);
    for (const judge of this.judges) if (judge.types.includes(fields[0])) judge.command?.(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    this.minutesUntil(timeMs);
    this.seen.world(timeMs, change);
    this.history.world(timeMs, change);
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
    this.endMs = timeMs;
    this.minutesUntil(timeMs + 1);
    for (const judge of this.judges) judge.end?.(timeMs);
    if (this.baselineSeed !== null)
      this.greedy = new GreedyNodesModel(this.plan, this.baselineSeed).run(this.history.changes, timeMs);
    if (this.planWork) this.optimum = achievable(this.plan, this.history.changes, timeMs / 1000);
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
    const verdicts = [
      ...this.judges.map((judge) => judge.verdict()),
      livenessAfterHealing(this.seen, this.outcomes(), this.endMs),
    ];
    if (this.optimum !== null) verdicts.push(withinAchievable(this.actualKg, this.optimum.totalKg));
    if (this.optimum !== null && this.greedy !== null)
      verdicts.push(clearlyBeatsGreedy(this.greedy, this.optimum.totalKg));
    return verdicts;
  }

  /** What the baseline of hwsim/world/greedy.ts mined in the same world; null when it was not run. */
  get greedyKg(): number | null {
    return this.greedy;
  }

  /** The upper bound of hwsim/world/achievable.ts; null when nobody plans work. */
  get achievableKg(): number | null {
    return this.optimum === null ? null : this.optimum.totalKg;
  }

  /** Mined, as the world credited it on ore lots. */
  private get actualKg(): number {
    const lots = this.plan.groups.filter(({ kind }) => kind === 1).map(({ group }) => group);
    return this.seen.production.kg(lots, 0, Math.ceil(this.endMs / minuteMs));
  }

  private outcomes(): Outcome[] {
    if (this.told === null) {
      const convergence = new Convergence(this.recovery, this.seen.production, this.optimum, this.endMs / 1000);
      this.told = convergence.outcomes((entry) => this.onboard.nearest(entry));
    }
    return this.told;
  }

  /** What upsets did; null when memory does not err. */
  get radiation(): RadiationOutcome | null {
    return this.upsets?.outcome ?? null;
  }

  /** What a byzantine's words led to; null when nobody lies. */
  get insider(): InsiderOutcome | null {
    return this.insiders?.outcome ?? null;
  }

  get falseDeaths(): number {
    return this.deaths.count;
  }

  disruptions(): DisruptionOutcome[] {
    return this.outcomes().map((outcome) => {
      const { id, kind, onsetS, detectedS, convergedS, onboardConvergedS, slaS, withinSla, missing } = outcome;
      const lostKg = this.optimum === null ? null : outcome.lostKg;
      return {
        id,
        kind,
        class: outcome.class,
        onsetS,
        detectedS,
        convergedS,
        onboardConvergedS,
        slaS,
        withinSla,
        lostKg,
        missing,
      };
    });
  }
}

import { GROUP_KIND } from '../../host/cbor/generated.ts';
import { watchdogEarlyMs, watchdogLateMs } from '../board/watchdog.ts';
import type { TraceConsumer, WorldChange } from '../kernel/trace.ts';
import { type Achievable, achievable } from '../world/achievable.ts';
import { type CertifiedBound, certifiedBound } from '../world/bound_gap.ts';
import { GreedyNodesModel } from '../world/greedy.ts';
import { WorldHistory } from '../world/history.ts';
import type { WorldPlan } from '../world/plan.ts';
import { GRID_S, SHARE_JUDGED_FROM_S } from './bounds.ts';
import { Convergence, type Outcome } from './convergence/convergence.ts';
import { type AlarmOutcome, OnboardAlarms } from './convergence/onboard_alarms.ts';
import { OnboardReports } from './convergence/onboard_reports.ts';
import { Recovery } from './convergence/recovery.ts';
import { Arbitration } from './judges/arbitration.ts';
import { clearlyExceedsGreedy } from './judges/clearly_exceeds_greedy.ts';
import { CrashRecovered } from './judges/crash_recovered.ts';
import { EscalationOrder } from './judges/escalation_order.ts';
import { ExclusiveExecution } from './judges/exclusive_execution.ts';
import { FalseDeaths } from './judges/false_deaths.ts';
import { InsiderContained, type InsiderOutcome } from './judges/insider_contained.ts';
import { livenessAfterHealing } from './judges/liveness.ts';
import { NoCorruptValueSent, type RadiationOutcome } from './judges/no_corrupt_value_sent.ts';
import { NothingLost } from './judges/nothing_lost.ts';
import { productionShare } from './judges/production_share.ts';
import { SharedCapacity } from './judges/shared_capacity.ts';
import { Versions } from './judges/versions.ts';
import { WatchdogWindow } from './judges/watchdog_window.ts';
import { withinAchievable } from './judges/within_achievable.ts';
import { LapsedLeases } from './lapsed_leases.ts';
import { Observers } from './observe/observers.ts';
import type { Judge, Verdict } from './verdict.ts';

/** Consecutive resets that the firmware may order: RESETS_MAX of firmware/watchdog/table.ts. */
const resetsMax = 3;
/**
 * Largest error of a board's oscillator against true time, as a fraction; the trace is in true
 * time.
 */
const oscillatorErrorMax = 1e-4;
const minuteMs = GRID_S * 1000;
const nobody: readonly Judge[] = [];

/** What is judged of a run. */
interface JudgeOptions {
  /** False: nobody plans work, so there is no production to judge. */
  planWork?: boolean;
  /** Seed of the greedy baseline, which is run as well; null: it is not. */
  baselineSeed?: number | null;
  /** True: upsets are injected into the nodes' memory, and their effects are judged too. */
  radiation?: boolean;
  /** The share of the achievable that the scenario states; left out: ACHIEVABLE_SHARE_MIN. */
  shareMin?: number;
  /** The Byzantine node, which is not judged (HonestOnly); null: all members are honest. */
  byzantine?: number | null;
}

/** Feeds one run to all judges, and collects their verdicts afterwards. */
export class RunJudges implements TraceConsumer {
  private readonly seen: Observers;
  private readonly recovery: Recovery;
  private readonly judges: Judge[];
  /** By type of record: the judges that get it. */
  private readonly byType: (Judge[] | undefined)[] = [];
  private readonly deaths: FalseDeaths;
  private readonly upsets: NoCorruptValueSent | null;
  private readonly insiders: InsiderContained | null;
  private readonly onboard: OnboardReports;
  private readonly alarmed: OnboardAlarms;
  private readonly leases: LapsedLeases;
  private readonly plan: WorldPlan;
  private readonly planWork: boolean;
  private readonly baselineSeed: number | null;
  private readonly statedShare: number | undefined;
  private readonly history = new WorldHistory();
  private greedy: number | null = null;
  private optimum: Achievable | null = null;
  private judgedOutcomes: Outcome[] | null = null;
  private endMs = 0;
  private nextMinuteMs = 0;
  private agreedSinceMs = Number.POSITIVE_INFINITY;

  constructor(plan: WorldPlan, options: JudgeOptions = {}) {
    const { planWork = true, baselineSeed = null, radiation = false, byzantine = null } = options;
    this.plan = plan;
    this.statedShare = options.shareMin;
    this.planWork = planWork;
    this.baselineSeed = baselineSeed;
    this.seen = new Observers({ nodes: plan.nodes.length, groups: plan.groups });
    this.recovery = new Recovery(this.seen);
    this.onboard = new OnboardReports(this.seen);
    this.alarmed = new OnboardAlarms(this.seen);
    this.leases = new LapsedLeases(this.seen);
    this.deaths = new FalseDeaths(this.seen);
    this.insiders = byzantine === null ? null : new InsiderContained(this.seen, byzantine);
    this.upsets = radiation ? new NoCorruptValueSent() : null;
    const feedMsMin = watchdogEarlyMs * (1 - oscillatorErrorMax);
    const bounds = { feedMsMin, feedMsMax: watchdogLateMs * (1 + oscillatorErrorMax), resetsMax };
    this.judges = [
      new ExclusiveExecution(this.seen),
      new SharedCapacity(this.seen, () => this.agreedSinceMs),
      new NothingLost(this.seen),
      new Versions(this.seen, byzantine ?? -1),
      new Arbitration(this.seen),
      this.deaths,
      new WatchdogWindow(this.seen, bounds),
      new EscalationOrder(this.seen, bounds),
      ...(this.insiders === null ? [] : [this.insiders]),
      ...(this.upsets === null ? [] : [this.upsets, new CrashRecovered(this.seen, resetsMax)]),
    ];
    for (const judge of this.judges) {
      for (const type of judge.types) {
        const judges = this.byType[type];
        if (judges === undefined) this.byType[type] = [judge];
        else judges.push(judge);
      }
    }
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.event(timeMs, node, fields);
    this.recovery.event(timeMs, node, fields);
    for (const judge of this.byType[fields[0]] ?? nobody) judge.event?.(timeMs, node, fields);
    this.onboard.event(timeMs, node, fields);
    this.alarmed.event(timeMs, node, fields);
  }

  command(timeMs: number, node: number, fields: Uint32Array): void {
    this.minutesUntil(timeMs);
    this.seen.command(timeMs, node, fields);
    this.leases.command(timeMs, node, fields);
    for (const judge of this.byType[fields[0]] ?? nobody) judge.command?.(timeMs, node, fields);
  }

  world(timeMs: number, change: WorldChange): void {
    this.minutesUntil(timeMs);
    this.seen.world(timeMs, change);
    this.leases.world(timeMs, change);
    this.history.world(timeMs, change);
    this.followDisruption(timeMs, change);
    for (const judge of this.judges) judge.world?.(timeMs, change);
  }

  /**
   * Passes a change to the judgement of recovery. A disruption that is reported again replaces its
   * facts; the case stays one.
   */
  private followDisruption(timeMs: number, change: WorldChange): void {
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
      this.seen.minute(at);
      this.recovery.minute(at);
      const isAgreed = this.recovery.isAgreed(at / minuteMs);
      this.agreedSinceMs = isAgreed ? Math.min(this.agreedSinceMs, at) : Number.POSITIVE_INFINITY;
      for (const judge of this.judges) judge.minute?.(at);
    }
  }

  verdicts(): Verdict[] {
    const verdicts = [
      ...this.judges.map((judge) => judge.verdict()),
      livenessAfterHealing(this.seen, this.outcomes(), this.endMs),
    ];
    if (this.optimum === null) return verdicts;
    const actualKg = this.actualKg;
    const achievableKg = this.optimum.totalKg;
    const greedyKg = this.greedy;
    const statedShare = this.statedShare;
    verdicts.push(withinAchievable(actualKg, achievableKg));
    if (greedyKg !== null) verdicts.push(clearlyExceedsGreedy(greedyKg, achievableKg));
    if (this.endMs >= SHARE_JUDGED_FROM_S * 1000)
      verdicts.push(productionShare({ actualKg, achievableKg, greedyKg, statedShare }));
    return verdicts;
  }

  /**
   * Kilograms that the baseline of hwsim/world/greedy.ts mined in the same world; null when it was
   * not run.
   */
  get greedyKg(): number | null {
    return this.greedy;
  }

  /** The upper bound of hwsim/world/achievable.ts; null when nobody plans work. */
  get achievableKg(): number | null {
    return this.optimum === null ? null : this.optimum.totalKg;
  }

  /** How far the upper bound may be above a plan; null when nobody plans work. */
  certifiedBound(): CertifiedBound | null {
    return this.planWork ? certifiedBound(this.plan, this.history.changes, this.endMs / 1000) : null;
  }

  /** Kilograms mined, as the world credited them on ore lots. */
  private get actualKg(): number {
    const lots = this.plan.groups.filter(({ kind }) => kind === GROUP_KIND.lot).map(({ group }) => group);
    return this.seen.production.kg(lots, 0, Math.ceil(this.endMs / minuteMs));
  }

  /**
   * The judgement on each disruption. `lostKg` means something only when work is planned: see
   * `achievableKg`.
   */
  outcomes(): Outcome[] {
    if (this.judgedOutcomes === null) {
      const convergence = new Convergence(this.recovery, {
        production: this.seen.production,
        pauses: this.seen.pauses,
        achievable: this.optimum,
        endS: this.endMs / 1000,
        nodes: this.plan.nodes.length,
        rateKgPerDayMax: Math.max(...this.plan.nodes.map(({ rateKgPerDay }) => rateKgPerDay)),
      });
      this.judgedOutcomes = convergence.outcomes((entry) => this.onboard.nearest(entry));
    }
    return this.judgedOutcomes;
  }

  /** Effects of upsets; null when there are none. */
  get radiation(): RadiationOutcome | null {
    return this.upsets?.outcome ?? null;
  }

  /** Effects of the Byzantine node; null when all members are honest. */
  get insider(): InsiderOutcome | null {
    return this.insiders?.outcome ?? null;
  }

  /** Leases of members with a path to a majority that ended, and their work with them. */
  get lapsedLeases(): number {
    return this.leases.count;
  }

  /** CVG-4: how well alarms announced the breaches. */
  get alarms(): AlarmOutcome {
    return this.alarmed.compared(this.outcomes());
  }

  get falseDeaths(): number {
    return this.deaths.count;
  }
}

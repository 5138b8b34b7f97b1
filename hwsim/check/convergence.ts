import type { Production } from './production.ts';
import type { Case, Recovery } from './recovery.ts';
import {
  AGREEMENT_PERIODS_GOAL,
  GREEDY_SHARE_MAX,
  GRID_S,
  HOLD_S,
  PROBE_PERIOD_S,
  PRODUCTION_SHARE_MIN,
  PRODUCTION_WINDOW_S,
} from './rules.ts';
import type { OnboardReport } from './onboard.ts';
import { Findings, type Verdict } from './verdict.ts';

/** What was achievable where and when; laid out by hwsim/world/achievable.ts. */
export interface AchievableCurve {
  totalKg: number;
  /** Achievable kilograms on the groups within [fromS, toS) of mission time. */
  kg(groups: readonly number[], fromS: number, toS: number): number;
  groups: readonly number[];
}

/** The judgement on one disruption. Times are mission seconds, null if never. */
export interface Outcome {
  id: string;
  kind: string;
  class: Case['class'];
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  onboardConvergedS: number | null;
  /** |on-board − omniscient| in probe periods; null if one of them is missing. */
  onboardApartPeriods: number | null;
  slaS: number;
  /** null: the run ended before the SLA was due, nothing can be said. */
  withinSla: boolean | null;
  lostKg: number;
  /** Kilograms were shared with other disruptions that were open at the same time. */
  lostShared: boolean;
  touchedGroups: number[];
  /** Why not converged at the deadline or the run's end: the conditions that did not hold; empty when converged. */
  missing: string[];
  detail: string;
}

const HOLD_MINUTES = HOLD_S / GRID_S;
const WINDOW_MINUTES = PRODUCTION_WINDOW_S / GRID_S;

interface Curves {
  actual: Float64Array;
  achievable: Float64Array;
}

/** Joins what was noted minute by minute with production, once the run is over. */
export class Convergence {
  private readonly recovery: Recovery;
  private readonly production: Production;
  private readonly achievable: AchievableCurve | null;
  /** Full minutes in the run. */
  private readonly minutes: number;

  constructor(recovery: Recovery, production: Production, achievable: AchievableCurve | null, endS: number) {
    this.recovery = recovery;
    this.production = production;
    this.achievable = achievable;
    this.minutes = Math.floor(endS / GRID_S);
  }

  outcomes(onboard: (c: Case, convergedS: number | null) => OnboardReport | null): Outcome[] {
    const found = this.recovery.cases.map((c) => ({ c, atMinute: this.convergedMinute(c) }));
    const lost = this.lostKg(
      found.map(({ c, atMinute }) => ({
        fromMinute: Math.floor(c.onsetS / GRID_S),
        toMinute: atMinute ?? this.minutes,
      })),
    );
    return found.map(({ c, atMinute }, index) => {
      const convergedS = atMinute === null ? null : Math.max(c.onsetS, atMinute * GRID_S);
      const report = onboard(c, convergedS);
      const apart =
        report === null || convergedS === null ? null : Math.abs(report.convergedS - convergedS) / PROBE_PERIOD_S;
      const dueS = c.onsetS + c.slaS;
      const within = convergedS !== null ? convergedS <= dueS : dueS + HOLD_S <= this.minutes * GRID_S ? false : null;
      return {
        id: c.id,
        kind: c.kind,
        class: c.class,
        onsetS: c.onsetS,
        detectedS: c.detectedMs === null ? null : Math.floor(c.detectedMs / 1000),
        convergedS,
        onboardConvergedS: report === null ? null : report.convergedS,
        onboardApartPeriods: apart,
        slaS: c.slaS,
        withinSla: within,
        lostKg: lost[index].kg,
        lostShared: lost[index].shared,
        touchedGroups: c.touched,
        missing: convergedS === null ? this.missing(c) : [],
        detail: c.fact.detail,
      };
    });
  }

  /** The first minute from which (a) to (d) hold for 30 minutes without a break, or null. */
  private convergedMinute(c: Case): number | null {
    const curves = this.curves(c.touched);
    let since = -1;
    for (let minute = c.firstMinute; minute <= this.minutes; minute++) {
      if (!this.holds(c, minute, curves)) since = -1;
      else if (since < 0) since = minute;
      if (since >= 0 && minute - since >= HOLD_MINUTES) return since;
    }
    return null;
  }

  private holds(c: Case, minute: number, curves: Curves): boolean {
    return this.recovery.agreed[minute] === 1 && c.clear[minute - c.firstMinute] === 1 && this.produces(minute, curves);
  }

  /** (d): over the hour that begins here the touched groups yield ≥ 95 % of the achievable there; less than half an hour says nothing. */
  private produces(minute: number, curves: Curves): boolean {
    const until = Math.min(this.minutes, minute + WINDOW_MINUTES);
    if (until - minute < WINDOW_MINUTES / 2) return false;
    const actual = curves.actual[until] - curves.actual[minute];
    return actual >= PRODUCTION_SHARE_MIN * (curves.achievable[until] - curves.achievable[minute]) - 1e-6;
  }

  private curves(groups: readonly number[]): Curves {
    const achievable = new Float64Array(this.minutes + 1);
    if (this.achievable !== null) {
      for (let minute = 0; minute < this.minutes; minute++) {
        achievable[minute + 1] =
          achievable[minute] + this.achievable.kg(groups, minute * GRID_S, (minute + 1) * GRID_S);
      }
    }
    // Only ore lots produce: what reaches the depot was mined before.
    const lots = this.achievable === null ? groups : groups.filter((group) => this.achievable?.groups.includes(group));
    return { actual: this.production.cumulative(lots, this.minutes), achievable };
  }

  /** Achievable minus actual, integrated over each span; a minute within several spans is shared in equal parts. */
  private lostKg(spans: { fromMinute: number; toMinute: number }[]): { kg: number; shared: boolean }[] {
    const lost = spans.map(() => ({ kg: 0, shared: false }));
    if (this.achievable === null) return lost;
    const { actual, achievable } = this.curves(this.achievable.groups);
    for (let minute = 0; minute < this.minutes; minute++) {
      const open: number[] = [];
      for (let index = 0; index < spans.length; index++) {
        if (spans[index].fromMinute <= minute && minute < spans[index].toMinute) open.push(index);
      }
      if (open.length === 0) continue;
      const kg = achievable[minute + 1] - achievable[minute] - (actual[minute + 1] - actual[minute]);
      for (const index of open) {
        lost[index].kg += kg / open.length;
        if (open.length > 1) lost[index].shared = true;
      }
    }
    // Work done ahead of the linear program's even spread can make a short span negative; nothing was lost then.
    for (const entry of lost) entry.kg = Math.max(0, entry.kg);
    return lost;
  }

  /** Which conditions failed at the deadline, or at the run's end if that comes first. */
  private missing(c: Case): string[] {
    const lastSure = this.minutes - WINDOW_MINUTES / 2;
    const minute = Math.max(c.firstMinute, Math.min(lastSure, Math.floor((c.onsetS + c.slaS) / GRID_S)));
    const missing: string[] = [];
    if (this.recovery.agreed[minute] !== 1) missing.push('members do not agree, or a conflict is open');
    if (c.clear[minute - c.firstMinute] !== 1) missing.push('something freed or destroyed is still held or waited for');
    if (!this.produces(minute, this.curves(c.touched)))
      missing.push(`production below ${PRODUCTION_SHARE_MIN * 100} % of achievable`);
    return missing.length > 0 ? missing : ['holds, but not for 30 minutes'];
  }
}

/** Actual production never exceeds the achievable; a millionth is left to the solver's tolerance. */
export function withinAchievable(actualKg: number, achievableKg: number): Verdict {
  const findings = new Findings();
  if (actualKg > achievableKg * (1 + 1e-6) + 1e-6) {
    findings.add(() => `${actualKg.toFixed(1)} kg were produced of ${achievableKg.toFixed(1)} kg achievable`);
  }
  return findings.verdict('SIM-1-actual-within-achievable');
}

/** A scenario in which nodes that hear nobody do nearly as well is too easy to show anything. */
export function clearlyBeatsGreedy(greedyKg: number, achievableKg: number): Verdict {
  const findings = new Findings();
  if (greedyKg > GREEDY_SHARE_MAX * achievableKg) {
    findings.add(
      () =>
        `greedy nodes mine ${((100 * greedyKg) / achievableKg).toFixed(1)} % of the achievable: the scenario is too easy`,
    );
  }
  return findings.verdict('SIM-1-greedy-clearly-worse');
}

/** Whether on-board and omniscient figures agree well enough; null when one is missing. */
export const onboardAgrees = (outcome: Outcome): boolean | null =>
  outcome.onboardApartPeriods === null ? null : outcome.onboardApartPeriods <= AGREEMENT_PERIODS_GOAL;

import { GRID_S, PRODUCTION_SHARE_MIN, PRODUCTION_WINDOW_S, STABLE_S } from '../bounds.ts';
import type { OnboardReport } from './onboard_reports.ts';
import type { Case, Recovery } from './recovery.ts';
import type { Production } from '../observe/production.ts';

/** The achievable production by place and time; computed by hwsim/world/achievable.ts. */
export interface AchievableCurve {
  totalKg: number;
  /** Returns achievable kilograms on the groups within [fromS, toS) of mission time. */
  kg(groups: readonly number[], fromS: number, toS: number): number;
  groups: readonly number[];
}

/** The judgment of one disruption. Times are mission seconds, null if never. */
export interface Outcome {
  id: string;
  kind: string;
  class: Case['class'];
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  onboardConvergedS: number | null;
  slaS: number;
  /** null: the run ended before the SLA was due, so it cannot be measured. */
  withinSla: boolean | null;
  lostKg: number;
  touchedGroups: number[];
  /** The conditions that failed at the deadline or at the run's end; empty when converged. */
  missing: string[];
  detail: string;
}

const STABLE_MINUTES = STABLE_S / GRID_S;
const WINDOW_MINUTES = PRODUCTION_WINDOW_S / GRID_S;

interface Curves {
  actual: Float64Array;
  achievable: Float64Array;
}

/** Combines the minute-by-minute record of each disruption with production, after the run. */
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

  outcomes(onboard: (entry: Case, convergedS: number | null) => OnboardReport | null): Outcome[] {
    const found = this.recovery.cases.map((entry) => ({ entry, atMinute: this.convergedMinute(entry) }));
    const lost = this.lostKg(
      found.map(({ entry, atMinute }) => ({
        fromMinute: Math.floor(entry.onsetS / GRID_S),
        toMinute: atMinute ?? this.minutes,
      })),
    );
    return found.map(({ entry, atMinute }, index) => {
      const convergedS = atMinute === null ? null : Math.max(entry.onsetS, atMinute * GRID_S);
      const report = onboard(entry, convergedS);
      const dueS = entry.onsetS + entry.slaS;
      const within = convergedS !== null ? convergedS <= dueS : dueS + STABLE_S <= this.minutes * GRID_S ? false : null;
      return {
        id: entry.id,
        kind: entry.kind,
        class: entry.class,
        onsetS: entry.onsetS,
        detectedS: entry.detectedMs === null ? null : Math.floor(entry.detectedMs / 1000),
        convergedS,
        onboardConvergedS: report === null ? null : report.convergedS,
        slaS: entry.slaS,
        withinSla: within,
        lostKg: lost[index],
        touchedGroups: entry.touched,
        missing: convergedS === null ? this.missing(entry) : [],
        detail: entry.fact.detail,
      };
    });
  }

  /**
   * Returns the first minute from which (a) to (d) are true for 30 minutes without a break, or
   * null.
   */
  private convergedMinute(entry: Case): number | null {
    const curves = this.curves(entry.touched);
    let since = -1;
    for (let minute = entry.firstMinute; minute <= this.minutes; minute++) {
      if (!this.isConvergedAt(entry, minute, curves)) since = -1;
      else if (since < 0) since = minute;
      if (since >= 0 && minute - since >= STABLE_MINUTES) return since;
    }
    return null;
  }

  private isConvergedAt(entry: Case, minute: number, curves: Curves): boolean {
    return (
      this.recovery.agreed[minute] === 1 &&
      entry.clear[minute - entry.firstMinute] === 1 &&
      this.produces(minute, curves)
    );
  }

  /**
   * (d): whether the affected groups yield ≥ 95 % of the achievable in the hour that begins here.
   * False when less than half an hour of the run is left.
   */
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
    // Only ore lots produce: what arrives at the depot was mined before.
    const lots = this.achievable === null ? groups : groups.filter((group) => this.achievable?.groups.includes(group));
    return { actual: this.production.cumulative(lots, this.minutes), achievable };
  }

  /**
   * Integrates achievable minus actual over each span; a minute within several spans is shared
   * equally.
   */
  private lostKg(spans: { fromMinute: number; toMinute: number }[]): number[] {
    const lost = spans.map(() => 0);
    if (this.achievable === null) return lost;
    const { actual, achievable } = this.curves(this.achievable.groups);
    for (let minute = 0; minute < this.minutes; minute++) {
      const open: number[] = [];
      for (let index = 0; index < spans.length; index++) {
        if (spans[index].fromMinute <= minute && minute < spans[index].toMinute) open.push(index);
      }
      if (open.length === 0) continue;
      const kg = achievable[minute + 1] - achievable[minute] - (actual[minute + 1] - actual[minute]);
      for (const index of open) lost[index] += kg / open.length;
    }
    // Work done ahead of the linear program's even spread can make a short span negative: nothing
    // was lost then.
    return lost.map((kg) => Math.max(0, kg));
  }

  /** Names the conditions that failed at the deadline, or at the run's end if that comes first. */
  private missing(entry: Case): string[] {
    const lastSure = this.minutes - WINDOW_MINUTES / 2;
    const minute = Math.max(entry.firstMinute, Math.min(lastSure, Math.floor((entry.onsetS + entry.slaS) / GRID_S)));
    const missing: string[] = [];
    if (this.recovery.agreed[minute] !== 1) missing.push('members do not agree, or a conflict is open');
    if (entry.clear[minute - entry.firstMinute] !== 1)
      missing.push('something freed or destroyed is still stored or waited for');
    if (!this.produces(minute, this.curves(entry.touched)))
      missing.push(`production below ${PRODUCTION_SHARE_MIN * 100} % of achievable`);
    return missing.length > 0 ? missing : ['converged, but for less than 30 minutes'];
  }
}

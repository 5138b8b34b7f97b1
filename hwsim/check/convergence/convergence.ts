import { GRID_S, PRODUCTION_SHARE_MIN, PRODUCTION_WINDOW_S, SMALL_CLUSTER_NODES, STABLE_S } from '../bounds.ts';
import type { PlannedPauses } from '../observe/planned_pauses.ts';
import type { Production } from '../observe/production.ts';
import type { OnboardReport } from './onboard_reports.ts';
import type { PhaseTimes } from '../../../host/node/phases.ts';
import type { Case, Recovery } from './recovery.ts';

/** The achievable production by place and time; computed by hwsim/world/achievable.ts. */
export interface AchievableCurve {
  totalKg: number;
  /** Returns achievable kilograms on the groups within [fromS, toS) of mission time. */
  kg(groups: readonly number[], fromS: number, toS: number): number;
  /** Returns the least kilograms that any optimal plan takes from the groups in that time. */
  leastKg(groups: readonly number[], fromS: number, toS: number): number;
  groups: readonly number[];
}

/** What production is judged by. */
export interface ProductionFacts {
  production: Production;
  pauses: PlannedPauses;
  /** null: nobody plans work. */
  achievable: AchievableCurve | null;
  /** Length of the run. */
  endS: number;
  nodes: number;
  /** The highest rate of a node. */
  rateKgPerDayMax: number;
}

/** The criteria of convergence, in the order (a) to (d) of docs/definitions.md. */
export const criteria = ['views', 'conflicts', 'bindings', 'production'] as const;
export type Criterion = (typeof criteria)[number];

/** Half-open spans of time. */
export type Spans = [fromS: number, toS: number][];

/** `kept`, `breached`; `not measured`: the run ended too early; `void`: it affected nobody. */
export type SlaResult = 'kept' | 'breached' | 'not measured' | 'void';

/** The judgment of one disruption. Times are mission seconds, null if never. */
export interface Outcome {
  id: string;
  kind: string;
  class: Case['class'];
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  onboardConvergedS: number | null;
  onboardPhases: PhaseTimes | null;
  slaS: number;
  sla: SlaResult;
  lostKg: number;
  touchedGroups: number[];
  /** By criterion: when it was not met, from the onset to convergence or to the run's end. */
  heldUp: Record<Criterion, Spans>;
  /** The conditions that failed at the deadline or at the run's end; empty when converged. */
  missing: string[];
  detail: string;
}

const STABLE_MINUTES = STABLE_S / GRID_S;
const WINDOW_MINUTES = PRODUCTION_WINDOW_S / GRID_S;
const secondsPerDay = 86_400;

/** Running sums over the minutes of the run, on the groups that a disruption touched. */
interface Curves {
  groups: readonly number[];
  actual: Float64Array;
  paused: Float64Array;
}

/** Combines the minute-by-minute record of each disruption with production, after the run. */
export class Convergence {
  private readonly recovery: Recovery;
  private readonly facts: ProductionFacts;
  /** Full minutes in the run. */
  private readonly minutes: number;

  constructor(recovery: Recovery, facts: ProductionFacts) {
    this.recovery = recovery;
    this.facts = facts;
    this.minutes = Math.floor(facts.endS / GRID_S);
  }

  outcomes(onboard: (entry: Case, convergedS: number | null) => OnboardReport | null): Outcome[] {
    const found = this.recovery.cases.map((entry) => {
      const curves = this.curves(entry.touched);
      return { entry, curves, atMinute: this.recovery.isVoid(entry) ? null : this.convergedMinute(entry, curves) };
    });
    const lost = this.lostKg(
      found.map(({ entry, atMinute }) => {
        const fromMinute = Math.floor(entry.onsetS / GRID_S);
        return { fromMinute, toMinute: this.recovery.isVoid(entry) ? fromMinute : (atMinute ?? this.minutes) };
      }),
    );
    return found.map(({ entry, curves, atMinute }, index) => {
      const convergedS = atMinute === null ? null : atMinute * GRID_S;
      const isVoid = this.recovery.isVoid(entry);
      const report = isVoid ? null : onboard(entry, convergedS);
      return {
        id: entry.id,
        kind: entry.kind,
        class: entry.class,
        onsetS: entry.onsetS,
        detectedS: isVoid || entry.detectedMs === null ? null : Math.floor(entry.detectedMs / 1000),
        convergedS,
        onboardConvergedS: report === null ? null : report.convergedS,
        onboardPhases: report === null ? null : report.phases,
        slaS: entry.slaS,
        sla: isVoid ? 'void' : this.slaResult(entry, convergedS),
        lostKg: lost[index],
        touchedGroups: entry.touched,
        heldUp: this.heldUp(entry, curves, isVoid ? entry.firstMinute : (atMinute ?? this.minutes + 1)),
        missing: convergedS === null && !isVoid ? this.missing(entry, curves) : [],
        detail: entry.fact.detail,
      };
    });
  }

  private slaResult(entry: Case, convergedS: number | null): SlaResult {
    const dueS = entry.onsetS + entry.slaS;
    if (convergedS !== null) return convergedS <= dueS ? 'kept' : 'breached';
    return dueS + STABLE_S <= this.minutes * GRID_S ? 'breached' : 'not measured';
  }

  /**
   * Returns the first minute from which (a) to (d) are true for 30 minutes without a break, or
   * null.
   */
  private convergedMinute(entry: Case, curves: Curves): number | null {
    let since = -1;
    for (let minute = entry.firstMinute; minute <= this.minutes; minute++) {
      if (criteria.some((criterion) => !this.isMet(criterion, entry, curves, minute))) since = -1;
      else if (since < 0) since = minute;
      if (since >= 0 && minute - since >= STABLE_MINUTES) return since;
    }
    return null;
  }

  /** Whether a criterion is met at a minute; production is examined last, as it costs most. */
  private isMet(criterion: Criterion, entry: Case, curves: Curves, minute: number): boolean {
    switch (criterion) {
      case 'views':
        return this.recovery.viewsAgreed[minute] === 1;
      case 'conflicts':
        return this.recovery.conflictFree[minute] === 1;
      case 'bindings':
        return entry.clear[minute - entry.firstMinute] === 1;
      case 'production':
        return this.isProducing(minute, curves);
    }
  }

  /** Collects, by criterion, the spans before `untilMinute` in which it was not met. */
  private heldUp(entry: Case, curves: Curves, untilMinute: number): Record<Criterion, Spans> {
    const held: Record<Criterion, Spans> = { views: [], conflicts: [], bindings: [], production: [] };
    for (let minute = entry.firstMinute; minute < Math.min(untilMinute, this.minutes); minute++) {
      for (const criterion of criteria) {
        if (criterion === 'production' && this.windowEnd(minute) === null) continue;
        if (this.isMet(criterion, entry, curves, minute)) continue;
        const spans = held[criterion];
        const last = spans[spans.length - 1];
        if (last !== undefined && last[1] === minute * GRID_S) last[1] += GRID_S;
        else spans.push([minute * GRID_S, (minute + 1) * GRID_S]);
      }
    }
    return held;
  }

  /** Returns where the hour that begins at a minute ends; null: less than half of it is flown. */
  private windowEnd(minute: number): number | null {
    const until = Math.min(this.minutes, minute + WINDOW_MINUTES);
    return until - minute < WINDOW_MINUTES / 2 ? null : until;
  }

  /**
   * (d): whether the touched groups yield, in the hour that begins here, ≥ 95 % of the least that
   * any optimal plan takes from them, without what planned pauses cost. In a small cluster one
   * node's hour may be missing instead. False when less than half an hour of the run is left.
   * When nobody plans work there is no production to judge.
   */
  private isProducing(minute: number, { groups, actual, paused }: Curves): boolean {
    const { achievable, nodes, rateKgPerDayMax } = this.facts;
    if (achievable === null) return true;
    const until = this.windowEnd(minute);
    if (until === null) return false;
    const leastKg = achievable.leastKg(groups, minute * GRID_S, until * GRID_S);
    const wantedKg = Math.max(0, leastKg - (paused[until] - paused[minute]));
    const nodeHourKg = nodes < SMALL_CLUSTER_NODES ? (rateKgPerDayMax * (until - minute) * GRID_S) / secondsPerDay : 0;
    const mayMissKg = Math.max((1 - PRODUCTION_SHARE_MIN) * wantedKg, nodeHourKg);
    return actual[until] - actual[minute] >= wantedKg - mayMissKg - 1e-6;
  }

  private curves(touched: readonly number[]): Curves {
    const { achievable, production, pauses } = this.facts;
    // Only ore lots produce: what arrives at the depot was mined before.
    const groups = achievable === null ? touched : touched.filter((group) => achievable.groups.includes(group));
    const actual = production.cumulative(groups, this.minutes);
    return { groups, actual, paused: pauses.cumulative(groups, this.minutes) };
  }

  /**
   * Integrates achievable minus actual over each span; a minute within several spans is shared
   * equally.
   */
  private lostKg(spans: { fromMinute: number; toMinute: number }[]): number[] {
    const lost = spans.map(() => 0);
    const { achievable } = this.facts;
    if (achievable === null) return lost;
    const { groups, actual } = this.curves(achievable.groups);
    for (let minute = 0; minute < this.minutes; minute++) {
      const open: number[] = [];
      for (let index = 0; index < spans.length; index++) {
        if (spans[index].fromMinute <= minute && minute < spans[index].toMinute) open.push(index);
      }
      if (open.length === 0) continue;
      const achievableKg = achievable.kg(groups, minute * GRID_S, (minute + 1) * GRID_S);
      const kg = achievableKg - (actual[minute + 1] - actual[minute]);
      for (const index of open) lost[index] += kg / open.length;
    }
    // Work done ahead of the linear program's even spread can make a short span negative: nothing
    // was lost then.
    return lost.map((kg) => Math.max(0, kg));
  }

  /** Names the conditions that failed at the deadline, or at the run's end if that comes first. */
  private missing(entry: Case, curves: Curves): string[] {
    const lastSure = this.minutes - WINDOW_MINUTES / 2;
    const minute = Math.max(entry.firstMinute, Math.min(lastSure, Math.floor((entry.onsetS + entry.slaS) / GRID_S)));
    const texts: Record<Criterion, string> = {
      views: 'members do not agree',
      conflicts: 'a conflict is open',
      bindings: 'something freed or destroyed is still stored or waited for',
      production: `production below ${PRODUCTION_SHARE_MIN * 100} % of what every optimal plan takes there`,
    };
    const missing = criteria.filter((criterion) => !this.isMet(criterion, entry, curves, minute));
    return missing.length > 0
      ? missing.map((criterion) => texts[criterion])
      : ['converged, but for less than 30 minutes'];
  }
}

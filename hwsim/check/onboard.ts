import type { SlaClass } from '../kernel/trace.ts';
import type { Observers } from './observers.ts';
import type { Case } from './recovery.ts';
import { EVENT } from './record.ts';
import { ONSET_MATCH_S } from './rules.ts';

/** A coordinator's own report that a disruption was overcome. Mission seconds. */
export interface OnboardReport {
  node: number;
  class: SlaClass;
  onsetS: number;
  convergedS: number;
}

const CLASSES: readonly SlaClass[] = ['node', 'cluster', 'cross-cluster', 'fleet'];

/**
 * CVG-2: collects the `converged` events of coordinators, the lowest live member of the majority's side at that time. Of a hung task
 * nobody but its own node knows: there that node's report counts.
 */
export class Onboard {
  readonly reports: OnboardReport[] = [];
  alarms = 0;
  private readonly ownReports: OnboardReport[] = [];
  private readonly seen: Observers;

  constructor(seen: Observers) {
    this.seen = seen;
  }

  event(_timeMs: number, node: number, f: Uint32Array): void {
    if (f[0] === EVENT.ALARMED) this.alarms++;
    if (f[0] !== EVENT.CONVERGED) return;
    const report = { node, class: CLASSES[f[1] - 1] ?? 'node', onsetS: f[2], convergedS: f[3] };
    if (this.coordinates(node)) this.reports.push(report);
    else this.ownReports.push(report);
  }

  /** The report whose onset lies nearest to the case's; of equal ones the earlier. null when none lies near. */
  nearest(c: Case): OnboardReport | null {
    let best: OnboardReport | null = null;
    const mine = c.kind === 'hung-task' ? this.ownReports.filter((report) => c.fact.nodes.includes(report.node)) : [];
    for (const report of [...this.reports, ...mine]) {
      if (Math.abs(report.onsetS - c.onsetS) > ONSET_MATCH_S || report.convergedS < c.onsetS) continue;
      if (best === null || Math.abs(report.onsetS - c.onsetS) < Math.abs(best.onsetS - c.onsetS)) best = report;
    }
    return best;
  }

  private coordinates(node: number): boolean {
    const { ground } = this.seen;
    const majority = ground.majority();
    // A component carries the number of its lowest member.
    return majority >= 0 && node === majority;
  }
}

import { TYPE } from '../../../host/cbor/generated.ts';
import { ONSET_DATED_S, ONSET_MATCH_S } from '../bounds.ts';
import type { SlaClass } from '../../kernel/trace.ts';
import { measuredConvergence, type MeasuredConvergence } from '../../../host/node/phases.ts';
import type { Case } from './recovery.ts';
import type { Observers } from '../observe/observers.ts';

/** A coordinator's own report that the cluster has overcome a disruption. Mission seconds. */
export interface OnboardReport extends MeasuredConvergence {
  node: number;
  class: SlaClass;
}

/**
 * CVG-2: collects the `converged` events of coordinators; the coordinator is the lowest live member
 * of the majority's side at that time. Only a node itself knows of its hung task: there that node's
 * report counts.
 */
export class OnboardReports {
  readonly reports: OnboardReport[] = [];
  private readonly ownReports: OnboardReport[] = [];
  private readonly seen: Observers;

  constructor(seen: Observers) {
    this.seen = seen;
  }

  event(_timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.converged) return;
    const measured = measuredConvergence(fields);
    const report = { node, ...measured, class: measured.class as SlaClass };
    if (this.seen.ground.coordinates(node)) this.reports.push(report);
    else this.ownReports.push(report);
  }

  /**
   * Returns the report whose onset is nearest to the case's; of equal ones the earlier. null when
   * none is near.
   */
  nearest(entry: Case): OnboardReport | null {
    let best: OnboardReport | null = null;
    const mine =
      entry.kind === 'hung-task' ? this.ownReports.filter((report) => entry.fact.nodes.includes(report.node)) : [];
    for (const report of [...this.reports, ...mine]) {
      if (Math.abs(report.onsetS - entry.onsetS) > ONSET_MATCH_S || report.convergedS + ONSET_DATED_S < entry.onsetS)
        continue;
      if (best === null || Math.abs(report.onsetS - entry.onsetS) < Math.abs(best.onsetS - entry.onsetS)) best = report;
    }
    return best;
  }
}

import { FIELD, TYPE } from '../../../host/cbor/generated.ts';
import { ONSET_MATCH_S } from '../bounds.ts';
import type { Observers } from '../observe/observers.ts';
import type { Outcome } from './convergence.ts';

/** How well the coordinators' alarms announce breaches. */
export interface AlarmOutcome {
  breaches: number;
  /** Breaches with an alarm before the SLA ended. */
  announced: number;
  /** Alarms about a disruption that kept its SLA, or about none; not where the run ended first. */
  falseAlarms: number;
}

/** CVG-4: compares the `alarmed` events of coordinators with the judged breaches. */
export class OnboardAlarms {
  private readonly alarms: { atS: number; onsetS: number }[] = [];
  private readonly seen: Observers;

  constructor(seen: Observers) {
    this.seen = seen;
  }

  event(timeMs: number, node: number, fields: Uint32Array): void {
    if (fields[0] !== TYPE.alarmed || !this.seen.ground.coordinates(node)) return;
    this.alarms.push({ atS: timeMs / 1000, onsetS: fields[FIELD.alarmed.onsetS] });
  }

  compared(outcomes: readonly Outcome[]): AlarmOutcome {
    const breached = outcomes.filter(({ sla }) => sla === 'breached');
    const open = outcomes.filter(({ sla }) => sla === 'breached' || sla === 'not measured');
    const isOf = (onsetS: number, outcome: Outcome) => Math.abs(onsetS - outcome.onsetS) <= ONSET_MATCH_S;
    const isAnnounced = (outcome: Outcome) =>
      this.alarms.some(({ atS, onsetS }) => isOf(onsetS, outcome) && atS <= outcome.onsetS + outcome.slaS);
    return {
      breaches: breached.length,
      announced: breached.filter(isAnnounced).length,
      falseAlarms: this.alarms.filter(({ onsetS }) => !open.some((outcome) => isOf(onsetS, outcome))).length,
    };
  }
}

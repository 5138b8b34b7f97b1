import { labelled } from '../../host/cli/output.ts';
import type { RadiationOutcome } from '../check/judges/no_corrupt_value_sent.ts';
import type { UpsetRates } from '../scenario/schema.ts';

/** Effects of upsets as --json prints them. Scripts rely on these names. */
export interface RadiationReport extends RadiationOutcome {
  /** Rate of upsets in quiet times, per bit and day, before it is multiplied by `scale`. */
  perBitDay: number;
  scale: number;
}

export function radiationReport({ perBitDay, scale }: UpsetRates, outcome: RadiationOutcome): RadiationReport {
  return { perBitDay, scale, ...outcome };
}

/** Formats the report for people. */
export function radiationLines(report: RadiationReport | undefined): string[] {
  if (report === undefined) return [];
  const { upsets, bits, inUse, accessFaults, corrected, dropped, oldestS, latentBits, ages } = report;
  const { breaks, breaksUncorrectable, breaksAtStart, resetsInRowMax } = report;
  const rate = `${report.perBitDay} per bit·day in quiet times${report.scale === 1 ? '' : ` × ${report.scale}`}`;
  const bins = ages.map((count, bin) => [count, bin === ages.length - 1 ? 'longer' : `< ${2 ** bin} s`] as const);
  const histogram = bins.filter(([count]) => count > 0).map(([count, age]) => `${age}: ${count}`);
  const crashDetails = `${breaksUncorrectable} over memory that cannot be corrected, ${breaksAtStart} at the start`;
  return [
    labelled('upsets', `${upsets} (${bits} bits; ${inUse} in running nodes)`, rate, `${accessFaults} access faults`),
    labelled('corrected', `${corrected} errors`, `${dropped} records evicted`, `${latentBits} bits wrong at the end`),
    labelled('error age', `at most ${oldestS} s; by upper bound of the age  ${histogram.join(', ') || 'none'}`),
    labelled('crashes', `${breaks} (${crashDetails})`, `at most ${resetsInRowMax} resets in a row`),
    labelled(
      'corrupt',
      `${report.framesDeparted} frames sent`,
      `${report.framesAccepted} accepted`,
      `${report.framesGarbled} more as noise`,
      `${report.decisionsDeparted} decisions`,
      `${report.eventsDeparted} events`,
    ),
  ];
}

import { type PhaseTimes, splitTime } from '../../../host/node/phases.ts';

/** The part of a judged disruption that its phases follow from. */
interface Judged {
  onsetS: number;
  detectedS: number | null;
  convergedS: number | null;
  heldUp: Record<'views' | 'bindings' | 'conflicts', readonly [number, number][]>;
}

/** CVG-5: splits the time to converge by phase, null when the disruption did not converge. */
export function phasesOf(outcome: Judged): PhaseTimes | null {
  const { onsetS, detectedS, convergedS, heldUp } = outcome;
  if (convergedS === null) return null;
  const endOf = (spans: readonly [number, number][]) => spans.at(-1)?.[1] ?? null;
  const ends = {
    detect: detectedS,
    agree: endOf(heldUp.views),
    lease: endOf(heldUp.bindings),
    claim: endOf(heldUp.conflicts),
    resume: null,
  };
  return splitTime(onsetS, ends, convergedS);
}

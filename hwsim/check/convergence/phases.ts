/**
 * The phases of a convergence, in their order: until all know, until views agree, until nothing is
 * bound to what is lost, until no conflict is open, until production is back.
 */
export const phases = ['detect', 'agree', 'lease', 'claim', 'resume'] as const;
export type Phase = (typeof phases)[number];

/** Seconds of each phase. */
export type PhaseTimes = Record<Phase, number>;

/**
 * Splits the time from the onset to `untilS` at the ends of its phases, in mission seconds; null: a
 * phase has no end of its own. A phase that ends before the one ahead of it takes no time, so the
 * phases sum to the whole.
 */
export function splitTime(onsetS: number, ends: Record<Phase, number | null>, untilS: number): PhaseTimes {
  const times: PhaseTimes = { detect: 0, agree: 0, lease: 0, claim: 0, resume: 0 };
  let reachedS = onsetS;
  for (const phase of phases) {
    const endS = phase === 'resume' ? untilS : Math.min(untilS, Math.max(reachedS, ends[phase] ?? reachedS));
    times[phase] = endS - reachedS;
    reachedS = endS;
  }
  return times;
}

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

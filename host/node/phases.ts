import { FIELD, NAMES } from '../cbor/generated.ts';

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

/** What a node measured of one disruption. Mission seconds. */
export interface MeasuredConvergence {
  class: string;
  onsetS: number;
  convergedS: number;
  /** CVG-5: seconds of each phase; no node measures production, so `resume` is none. */
  phases: PhaseTimes;
}

/** Reads a `converged` event. */
export function measuredConvergence(fields: ArrayLike<number>): MeasuredConvergence {
  const at = FIELD.converged;
  const [onsetS, convergedS] = [fields[at.onsetS], fields[at.convergedS]];
  const ends = {
    detect: fields[at.detectedS],
    agree: fields[at.agreedS],
    lease: fields[at.freedS],
    claim: fields[at.settledS],
    resume: null,
  };
  const name = NAMES.slaClass[fields[at.class]] || 'node';
  return { class: name, onsetS, convergedS, phases: splitTime(onsetS, ends, convergedS) };
}

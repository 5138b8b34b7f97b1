import { exponentialOf } from '../kernel/exponential.ts';

/**
 * How much more upsets than in quiet times a solar particle event brings, from its begin on. The flux rises in a straight line to its peak and falls
 * off exponentially (rise 0.5 to 12 h, decay by e in 1 to 3 days: *assumed* within published ranges).
 *
 * Over quiet, upsets were 40-fold in the daily mean (TDRS-1 in October 1989, 243 in six days) and 75-fold in the worst hour (Cassini, 1,850/h; a proxy, for it was
 * on its way to Saturn). `upsetPeak` is the mean of the hour around the peak; a rise of 6 h and a decay of 24 h then give a day around the peak of 40-fold.
 */
export interface StormFlux {
  beginMs: number;
  riseMs: number;
  /** The flux falls by e in this time. */
  decayMs: number;
  upsetPeak: number;
}

const halfHourMs = 1_800_000;

/** Flux over its peak, 0 to 1. */
export function fluxShare({ beginMs, riseMs, decayMs }: StormFlux, atMs: number): number {
  const sinceMs = atMs - beginMs;
  if (sinceMs <= 0) return 0;
  return sinceMs < riseMs ? sinceMs / riseMs : exponentialOf(-(sinceMs - riseMs) / decayMs);
}

/** Mean of `fluxShare` over the hour around the peak: rise and fall are so slow that half an hour of each is nearly straight. */
function peakHourShare({ riseMs, decayMs }: StormFlux): number {
  const rising = 1 - Math.min(halfHourMs, riseMs) / riseMs / 2;
  const falling = 1 - halfHourMs / decayMs / 2;
  return (rising + falling) / 2;
}

/** Rate of upsets over the quiet rate, all events taken together: at least 1. */
export function upsetFactor(storms: readonly StormFlux[], atMs: number): number {
  let factor = 1;
  for (const storm of storms) factor += ((storm.upsetPeak - 1) * fluxShare(storm, atMs)) / peakHourShare(storm);
  return factor;
}

import { exponentialOf } from '../kernel/exponential.ts';

/**
 * The flux of a solar particle event, which raises the rate of upsets over the quiet rate. From its
 * begin the flux rises in a straight line to its peak and then falls exponentially (rise 0.5 to 12
 * h, decay by e in 1 to 3 days: *assumed* within published ranges).
 *
 * Measured over the quiet rate: 40-fold in the daily mean (TDRS-1 in October 1989, 243 upsets in
 * six days) and 75-fold in the worst hour (Cassini, 1,850/h; a proxy, because it was on its way to
 * Saturn). `upsetPeak` is the mean of the hour around the peak; with a rise of 6 h and a decay of
 * 24 h, the day around the peak is then 40-fold.
 */
export interface StormFlux {
  beginMs: number;
  riseMs: number;
  /** Time in which the flux falls by the factor e. */
  decayMs: number;
  upsetPeak: number;
}

const halfHourMs = 1_800_000;

/** Returns the flux divided by its peak, 0 to 1. */
function fluxShare({ beginMs, riseMs, decayMs }: StormFlux, atMs: number): number {
  const sinceMs = atMs - beginMs;
  if (sinceMs <= 0) return 0;
  return sinceMs < riseMs ? sinceMs / riseMs : exponentialOf(-(sinceMs - riseMs) / decayMs);
}

/**
 * Returns the mean of `fluxShare` over the hour around the peak, where rise and fall are nearly
 * straight lines.
 */
function peakHourShare({ riseMs, decayMs }: StormFlux): number {
  const rising = 1 - Math.min(halfHourMs, riseMs) / riseMs / 2;
  const falling = 1 - halfHourMs / decayMs / 2;
  return (rising + falling) / 2;
}

/** Returns the rate of upsets divided by the quiet rate, of all storms together: at least 1. */
export function upsetFactor(storms: readonly StormFlux[], atMs: number): number {
  let factor = 1;
  for (const storm of storms) factor += ((storm.upsetPeak - 1) * fluxShare(storm, atMs)) / peakHourShare(storm);
  return factor;
}

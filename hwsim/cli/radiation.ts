import type { RadiationOutcome } from '../check/judges/no_corrupt_value_sent.ts';

/** What upsets did, for people. */
export function radiationLines(
  outcome: (RadiationOutcome & { perBitDay: number; scale: number }) | undefined,
): string[] {
  if (outcome === undefined) return [];
  const { upsets, bits, inUse, corrected, dropped, breaks, breaksUncorrectable, breaksAtStart, latentBits } = outcome;
  const {
    framesDeparted,
    framesAccepted,
    framesGarbled,
    decisionsDeparted,
    eventsDeparted,
    accessFaults,
    resetsInRowMax,
    oldestS,
    ages,
  } = outcome;
  const rate = `${outcome.perBitDay} per bit·day in quiet times${outcome.scale === 1 ? '' : ` × ${outcome.scale}`}`;
  const lay = ages.map((count, bin) => [count, bin === ages.length - 1 ? 'longer' : `< ${2 ** bin} s`] as const);
  const histogram = lay.filter(([count]) => count > 0).map(([count, how]) => `${how}: ${count}`);
  return [
    `upsets      ${upsets} (${bits} bits; ${inUse} in running nodes), ${rate}; ${accessFaults} faults of access to checkpoints`,
    `            ${corrected} corrected, ${dropped} dropped and fetched again, the oldest after at most ${oldestS} s; ${latentBits} bits wrong at the end`,
    ...(histogram.length === 0
      ? []
      : [`            had lain there at most (each telling counts once)  ${histogram.join(', ')}`]),
    `            ${breaks} runtimes broke off (${breaksUncorrectable} over memory that could not be put right, ${breaksAtStart} at their start), at most ${resetsInRowMax} resets in a row`,
    `corrupt     ${framesDeparted} frames sent, ${framesAccepted} accepted, ${framesGarbled} more as noise; ${decisionsDeparted} decisions; ${eventsDeparted} events`,
  ];
}

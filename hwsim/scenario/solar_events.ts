/**
 * One of the largest solar proton events of 2017–2026. Source: NOAA NCEI, "Solar Proton Events
 * Affecting the Earth Environment" (list of the US government, public domain): begin, peak flux
 * above 10 MeV, flare class.
 */
export interface SolarEvent {
  /** As in NOAA's list, to the minute. */
  begin: string;
  /** Protons per cm², s and sr above 10 MeV. */
  peakPfu: number;
  flare: string;
}

export const solarEvents: readonly SolarEvent[] = [
  { begin: '2017-09-05T00:40Z', peakPfu: 844, flare: 'M5' },
  { begin: '2017-09-10T16:45Z', peakPfu: 1494, flare: 'X8' },
  { begin: '2023-07-18T01:15Z', peakPfu: 620, flare: 'M5' },
  { begin: '2023-07-29T00:20Z', peakPfu: 154, flare: 'M4' },
  { begin: '2024-02-09T15:30Z', peakPfu: 187, flare: 'X3.3' },
  { begin: '2024-03-23T08:15Z', peakPfu: 956, flare: 'X1.1' },
  { begin: '2024-05-10T13:35Z', peakPfu: 208, flare: 'X3.9' },
  { begin: '2024-06-08T02:55Z', peakPfu: 1030, flare: 'M9.7' },
  { begin: '2024-10-09T05:05Z', peakPfu: 1810, flare: 'X1.8' },
  { begin: '2024-10-26T19:10Z', peakPfu: 364, flare: 'X1.8' },
  { begin: '2025-05-31T17:10Z', peakPfu: 666, flare: 'M8.1' },
  { begin: '2025-11-11T09:45Z', peakPfu: 1460, flare: 'X5.1' },
  { begin: '2026-01-18T22:55Z', peakPfu: 37000, flare: 'X1.9' },
];

/** Finds the event that begins at `begin`. Throws an error that names the known events. */
export function solarEvent(begin: string): SolarEvent {
  const found = solarEvents.find((event) => event.begin === begin);
  if (found) return found;
  throw new Error(`no solar event begins at ${begin}; known: ${solarEvents.map((event) => event.begin).join(', ')}`);
}

import { type Scenario, scenarioSchema } from '../../scenario/schema.ts';

/**
 * Simulated hours of the campaign's run, and the part of it in which upsets fall. After the last
 * upset a whole scrub cycle and the time to recover remain.
 */
export const runHours = 10.25;
export const injectFromHours = 0.5;
export const injectToHours = 3;
export const scrubCycleHours = 6;
export const recoveryHours = 1;

/**
 * Builds the run into which faults are injected: 12 nodes of the flight image mine and haul on a
 * near-Earth asteroid behind a lossy radio; one loses power; a radiation storm is announced and
 * silences the radio for a while. Everything that a cluster does happens within the window of
 * injections.
 */
export function injectionScenario(): Scenario {
  return scenarioSchema.parse({
    heliograph: 1,
    name: 'injection',
    title: 'The run into which campaigns inject faults',
    days: runHours / 24,
    epoch: '2026-01-18T19:00:00Z',
    body: '101955',
    nodes: 12,
    generations: [
      {
        generation: 1,
        share: 1,
        rateKgPerDay: 240,
        storageKg: 30,
        batteryWh: 6000,
        solarW: 1600,
        baseW: 40,
        replicateW: 150,
        mineWhPerKg: 60,
      },
    ],
    world: {
      lots: 3,
      saturation: 0.88,
      sitesPerNode: 1.1,
      tugs: 3,
      tugLoadKg: 10,
      depotKgPerDay: 24000,
      contactEveryHours: 8,
    },
    radio: { bitsPerS: 35000, lightTimeMs: 1, meanLoss: 0.1, meanBurstS: 20 },
    disruptions: [
      { kind: 'reset', when: { atDay: 1.25 / 24 }, node: 5, downS: 60 },
      {
        kind: 'storm',
        when: { atDay: 1.75 / 24 },
        event: '2026-01-18T22:55Z',
        silenceHours: 0.25,
        riseHours: 0.75,
        resetShare: 0,
      },
    ],
  });
}

import { z } from 'zod';
import type { ClusterResult } from './cluster.ts';
import type { FleetSetting } from './setting.ts';

const count = z.int().nonnegative();
const mass = z.number().nonnegative();

/** What became of one cluster: what the statistical rung draws from (kernels.ts). */
export const clusterOutcomeSchema = z.strictObject({
  /** Members, days, and the seed of the fleet. */
  ...{ nodes: z.int().positive(), days: z.number().positive(), seed: z.int() },
  /** SHA-256 of the image that flew. */
  image: z.string(),
  disruptions: z.array(
    z.strictObject({
      ...{ kind: z.string(), class: z.string() },
      /** Seconds from the onset until it was detected, and until it converged; null: never. */
      ...{ detectedS: z.number().nullable(), convergedS: z.number().nullable() },
      withinSla: z.boolean().nullable(),
    }),
  ),
  ...{ achievableKg: mass, actualKg: mass, boundKg: mass, planKg: mass },
  ...{ events: count, framesSent: count, framesLost: count, bytesPerNodeDay: mass, channelUse: mass },
  ...{ falseDeaths: count, lapsedLeases: count },
});
export type ClusterOutcome = z.infer<typeof clusterOutcomeSchema>;

/** The outcomes of a flight's clusters, in the order of their index. */
export function outcomesOf(setting: FleetSetting, results: readonly ClusterResult[]): ClusterOutcome[] {
  return results.map(({ index, verdict, bound }) => ({
    ...{ nodes: setting.sizes[index], days: setting.scenario.days, seed: setting.seed, image: verdict.firmware.sha256 },
    disruptions: verdict.disruptions.map(({ kind, class: of, onsetS, detectedS, convergedS, withinSla }) => ({
      ...{ kind, class: of, withinSla },
      detectedS: detectedS === null ? null : detectedS - onsetS,
      convergedS: convergedS === null ? null : convergedS - onsetS,
    })),
    achievableKg: verdict.production.achievableKg ?? 0,
    actualKg: verdict.production.actualKg,
    ...{ boundKg: bound?.boundKg ?? 0, planKg: bound?.planKg ?? 0 },
    events: verdict.speed.events,
    ...{ framesSent: verdict.radio.framesSent, framesLost: verdict.radio.framesLost },
    ...{ bytesPerNodeDay: verdict.radio.bytesPerNodeDay, channelUse: verdict.radio.channelUse },
    ...{ falseDeaths: verdict.membership.falseDeaths, lapsedLeases: verdict.membership.lapsedLeases },
  }));
}

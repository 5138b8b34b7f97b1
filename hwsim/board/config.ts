import { BOOT_CAUSE, FEATURE, type Group } from '../../host/cbor/generated.ts';
import { encodeConfig, type NodePlace } from '../../host/platform/config.ts';
import type { LinkKeys } from '../../host/security/key_epoch.ts';
import type { WorldPlan } from '../world/plan.ts';
import type { NonVolatile } from './nonvolatile.ts';

interface BootConfigParts {
  cluster: number;
  /** In the federation; left out: it has none. */
  place?: NodePlace;
  plan: WorldPlan;
  node: number;
  memory: NonVolatile;
  keys: LinkKeys;
  timeMs: number;
  cause: number;
  seed: number;
  planWork: boolean;
}

/**
 * Encodes the configuration of a boot: one `config` record, `group` records, and the records of
 * keys.
 */
export function encodeBootConfig(parts: BootConfigParts): Uint8Array {
  const { cluster, place, plan, node, memory, keys, timeMs, cause, seed, planWork } = parts;
  const { generation, rateKgPerDay, storageKg, batteryWh, solarW, baseW, replicateW, mineWhPerKg } = plan.nodes[node];
  const config = {
    cluster,
    self: node,
    members: plan.nodes.length,
    generation,
    seed,
    rateMax: rateKgPerDay,
    storageKg,
    batteryWh,
    solarW,
    baseW,
    replicateW,
    mineWhPerKg,
    features: FEATURE.signs | (planWork ? FEATURE.plans : 0) | (replicateW > 0 ? FEATURE.replicates : 0),
    ownerRateMax: Math.max(...plan.nodes.map((other) => other.rateKgPerDay)),
  };
  const facts = {
    incarnation: memory.incarnation,
    // Mission time is known from the launcher at the first power-on, and never later.
    timeKnown: cause === BOOT_CAUSE.powerOn,
    missionMs: timeMs,
    resets: memory.resetsInRow,
    alternateImage: cause === BOOT_CAUSE.alternateImage,
    reserved: memory.reserved,
  };
  return encodeConfig(config, groupsOf(plan), facts, keys, place);
}

function groupsOf({ groups }: WorldPlan): Group[] {
  return groups.map(({ group, kind, units, capacityKgPerDay, stockKg, loadKg }) => {
    return { name: 'group', group, kind, units, capacity: capacityKgPerDay, stockKg, loadKg };
  });
}

import { TYPE } from '../../host/cbor/generated.ts';
import { writeRecord } from '../../host/cbor/record.ts';
import type { WorldPlan } from '../world/plan.ts';
import type { NonVolatile } from './nonvolatile.ts';
import { bootCause } from '../../host/platform/config.ts';

/** What a boot's configuration holds besides the plan's facts of the node. */
export interface ConfigFacts {
  timeMs: number;
  cause: number;
  seed: number;
  planWork: boolean;
}

/** Writes the configuration of a boot, one `config` record, `group` records and those of keys, to bytes[at…]; returns its length. */
export function writeConfig(
  bytes: Uint8Array,
  at: number,
  plan: WorldPlan,
  node: number,
  memory: NonVolatile,
  keys: Uint8Array,
  { timeMs, cause, seed, planWork }: ConfigFacts,
): number {
  const facts = plan.nodes[node];
  // Mission time is known from the launcher at first power, never after.
  const known = cause === bootCause.powerOn;
  const features = (planWork ? 1 : 0) | (facts.replicateW > 0 ? 2 : 0);
  const identity = [TYPE.config, 1, node, plan.nodes.length, facts.generation, memory.incarnation & 0xffff, seed];
  const time = known ? [1, Math.floor(timeMs / 1000), timeMs % 1000] : [0, 0, 0];
  const { rateKgPerDay, storageKg, batteryWh, solarW, baseW, replicateW, mineWhPerKg } = facts;
  const capability = [rateKgPerDay, storageKg, batteryWh, solarW, baseW, replicateW, mineWhPerKg];
  const ownerRateMax = Math.max(...plan.nodes.map((other) => other.rateKgPerDay));
  const image = cause === bootCause.alternateImage ? 1 : 0;
  let length = writeRecord(bytes, at, [
    ...identity,
    ...time,
    ...capability,
    features,
    memory.resetsInRow,
    image,
    memory.reserved,
    ownerRateMax,
  ]);
  for (const group of plan.groups) {
    const record = [
      TYPE.group,
      group.group,
      group.kind,
      group.units,
      group.capacityKgPerDay,
      group.stockKg,
      group.loadKg,
    ];
    length += writeRecord(bytes, at + length, record);
  }
  bytes.set(keys, at + length);
  return length + keys.length;
}

import { FEATURE } from '../../host/cbor/generated.ts';
import type { NodePlace, PlaceRequest } from '../../host/cli/node/options.ts';
import { layWorld } from '../world/plan.ts';
import { applyOverrides, loadBody, loadScenario } from './input.ts';

/**
 * Finds the capabilities of member `id`, and the resources of its world, in a scenario. Throws
 * CommandError.
 */
export function placeInWorld({ scenario: name, preset, cluster, id, members, seed }: PlaceRequest): NodePlace {
  const scenario = applyOverrides(loadScenario(name), { nodes: members, preset });
  const body = loadBody(scenario.body, undefined, () => {});
  const plan = layWorld(scenario, { seed, nodes: members, body });
  const node = plan.nodes[id];
  const groups = plan.groups.map(({ group, kind, units, capacityKgPerDay, stockKg, loadKg }) => {
    return { name: 'group' as const, group, kind, units, capacity: capacityKgPerDay, stockKg, loadKg };
  });
  const config = {
    cluster,
    self: id,
    members,
    generation: node.generation,
    seed: (seed + id * 0x9e3779b1) >>> 0,
    rateMax: node.rateKgPerDay,
    storageKg: node.storageKg,
    batteryWh: node.batteryWh,
    solarW: node.solarW,
    baseW: node.baseW,
    replicateW: node.replicateW,
    mineWhPerKg: node.mineWhPerKg,
    features: FEATURE.plans | FEATURE.replicates | FEATURE.signs,
  };
  return { config, groups };
}

import { GROUP_KIND } from '../../host/cbor/generated.ts';
import { RandomStream } from '../kernel/random.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Body } from './bodies.ts';

/** One node's capability; `solarW` is the solar power at the body. */
export interface NodePlan {
  node: number;
  generation: number;
  rateKgPerDay: number;
  storageKg: number;
  batteryWh: number;
  solarW: number;
  baseW: number;
  replicateW: number;
  mineWhPerKg: number;
}

/**
 * A resource group. kind 1: ore lot, its units are sites; kind 2: depot, its units are tugs. Units
 * are numbered from 1.
 */
export interface GroupPlan {
  group: number;
  kind: typeof GROUP_KIND.lot | typeof GROUP_KIND.depot;
  units: number;
  capacityKgPerDay: number;
  /** 0 for a depot. */
  stockKg: number;
  /** A tug's load; 0 for a lot. */
  loadKg: number;
}

/**
 * The ground truth at mission second 0: a function of scenario, seed and body. Judges and baselines
 * use the same.
 */
export interface WorldPlan {
  nodes: NodePlan[];
  groups: GroupPlan[];
  maintenanceEveryMs: number;
  maintenanceMs: number;
  contactEveryMs: number;
  contactMs: number;
  contactWh: number;
}

interface WorldChoice {
  seed: number;
  nodes: number;
  body: Body;
}

/**
 * Lots differ in capacity by up to this share in both directions. *Assumed*: real lots are never
 * equal.
 */
const lotSpread = 0.1;

/** Lays out the nodes, the lots 1…L and the depot L + 1. */
export function layWorld(scenario: Scenario, choice: WorldChoice): WorldPlan {
  const nodes = layNodes(scenario, choice);
  const { world } = scenario;
  let rateSumKgPerDay = 0;
  for (const node of nodes) rateSumKgPerDay += node.rateKgPerDay;
  const random = new RandomStream(choice.seed, 'world/lots');
  const weights = Array.from({ length: world.lots }, () => random.between(1 - lotSpread, 1 + lotSpread));
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const sites = Math.ceil((world.sitesPerNode * choice.nodes) / world.lots);
  const groups: GroupPlan[] = weights.map((weight, index) => {
    const capacityKgPerDay = Math.round((world.saturation * rateSumKgPerDay * weight) / weightSum);
    const stockKg = Math.round(world.stockDays * capacityKgPerDay);
    return { group: index + 1, kind: GROUP_KIND.lot, units: sites, capacityKgPerDay, stockKg, loadKg: 0 };
  });
  groups.push({
    group: world.lots + 1,
    kind: GROUP_KIND.depot,
    units: world.tugs,
    capacityKgPerDay: world.depotKgPerDay,
    stockKg: 0,
    loadKg: world.tugLoadKg,
  });
  return {
    nodes,
    groups,
    maintenanceEveryMs: Math.round(world.maintenanceEveryDays * 86_400_000),
    maintenanceMs: world.maintenanceMinutes * 60_000,
    contactEveryMs: Math.round(world.contactEveryHours * 3_600_000),
    contactMs: world.contactMinutes * 60_000,
    contactWh: world.contactWh,
  };
}

/**
 * Assigns generations to nodes by their shares (the last takes the rest), in an order drawn from
 * the seed.
 */
function layNodes(scenario: Scenario, choice: WorldChoice): NodePlan[] {
  const order = new RandomStream(choice.seed, 'world/generations').permutation(choice.nodes);
  const sunlight = 1 / (choice.body.aAu * choice.body.aAu);
  const nodes: NodePlan[] = [];
  let dealt = 0;
  let share = 0;
  scenario.generations.forEach((capability, index) => {
    share += capability.share;
    const last = index === scenario.generations.length - 1;
    const until = last ? choice.nodes : Math.min(choice.nodes, Math.round(share * choice.nodes));
    for (; dealt < until; dealt += 1) {
      nodes[order[dealt]] = {
        node: order[dealt],
        generation: capability.generation,
        rateKgPerDay: capability.rateKgPerDay,
        storageKg: capability.storageKg,
        batteryWh: capability.batteryWh,
        solarW: Math.floor(capability.solarW * sunlight),
        baseW: capability.baseW,
        replicateW: capability.replicateW,
        mineWhPerKg: capability.mineWhPerKg,
      };
    }
  });
  return nodes;
}

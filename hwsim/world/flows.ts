import { WORK_KIND } from '../../host/cbor/generated.ts';
import type { GroupState, NodeState } from './state.ts';

/**
 * An empty battery must refill to this share before mining goes on, or it would switch at every
 * instant. *Assumed*.
 */
const resumeShare = 0.05;
/**
 * Storage counts as full, a battery as empty, within this many kg or Wh: less than rounding to a
 * millisecond moves.
 */
const tolerance = 1e-3;

/** Moves a node's storage and battery to `timeMs` at their present flows. */
export function integrateNode(timeMs: number, node: NodeState): void {
  const elapsedMs = timeMs - node.lastMs;
  node.lastMs = timeMs;
  node.storedKg = Math.min(node.plan.storageKg, node.storedKg + node.storeFlow * elapsedMs);
  node.batteryWh = Math.max(0, Math.min(node.plan.batteryWh, node.batteryWh + node.powerFlow * elapsedMs));
}

/** Moves a group's stock to `timeMs` at its present drain. */
export function integrateGroup(timeMs: number, group: GroupState): void {
  group.stockKg = Math.max(0, group.stockKg - group.drainFlow * (timeMs - group.lastMs));
  group.lastMs = timeMs;
}

/** Updates the sum of the rates at which a node is to mine, after a change of its works. */
export function updateCommanded(node: NodeState): void {
  node.commandedKgPerDay = 0;
  for (const work of node.works)
    if (work !== null && work.kind === WORK_KIND.mine) node.commandedKgPerDay += work.rateKgPerDay;
}

/** Updates whether a node's store is full and its battery empty, at the node's time. */
export function updateLimits(node: NodeState): void {
  node.full = node.plan.storageKg - node.storedKg <= tolerance;
  if (node.empty) node.empty = node.batteryWh < node.plan.batteryWh * resumeShare - tolerance;
  else node.empty = node.batteryWh <= tolerance && node.powerFlow < 0;
}

/** Returns when the store will be full, or has room again; Infinity if never. */
export function storeDueMs(timeMs: number, node: NodeState): number {
  const roomKg = node.plan.storageKg - node.storedKg;
  if (node.full) return roomKg > tolerance ? timeMs + 1 : Number.POSITIVE_INFINITY;
  return node.storeFlow > 0 ? timeMs + Math.max(1, Math.ceil(roomKg / node.storeFlow)) : Number.POSITIVE_INFINITY;
}

/** Returns when the battery will be empty, or has refilled to `resumeShare`; Infinity if never. */
export function batteryDueMs(timeMs: number, node: NodeState): number {
  const { powerFlow, batteryWh, plan } = node;
  if (node.empty) {
    const missingWh = plan.batteryWh * resumeShare - batteryWh;
    return powerFlow > 0 ? timeMs + Math.max(1, Math.ceil(missingWh / powerFlow)) : Number.POSITIVE_INFINITY;
  }
  return powerFlow < 0 ? timeMs + Math.max(1, Math.ceil(batteryWh / -powerFlow)) : Number.POSITIVE_INFINITY;
}

import type { GroupPlan, NodePlan } from './plan.ts';
import type { Work } from './work.ts';

/** A node as the world keeps it: values as of lastMs, and how they change until the next event. */
export interface NodeState {
  plan: NodePlan;
  up: boolean;
  /** Down for good. */
  lost: boolean;
  storedKg: number;
  batteryWh: number;
  /** kg and Wh per ms. */
  storeFlow: number;
  powerFlow: number;
  extraW: number;
  full: boolean;
  empty: boolean;
  maintaining: boolean;
  maintainedMs: number;
  lastMs: number;
  timerMs: number;
  works: (Work | null)[];
}

/** An ore lot or the depot, likewise. */
export interface GroupState {
  plan: GroupPlan;
  capacityKgPerDay: number;
  stockKg: number;
  drainFlow: number;
  lastMs: number;
  timerMs: number;
  works: Work[];
  /** Unusable units, by number. */
  gone: Set<number>;
}

import type { GroupPlan, NodePlan } from './plan.ts';
import type { Work } from './work.ts';

/** A node's state: values as of lastMs, and their rates of change until the next event. */
export interface NodeState {
  plan: NodePlan;
  up: boolean;
  /** Whether the node is down permanently. */
  lost: boolean;
  storedKg: number;
  batteryWh: number;
  /** kg and Wh per ms. */
  storeFlow: number;
  powerFlow: number;
  extraW: number;
  /** Sum of the rates at which it is to mine. */
  commandedKgPerDay: number;
  full: boolean;
  empty: boolean;
  maintaining: boolean;
  maintainedMs: number;
  lastMs: number;
  timerMs: number;
  works: (Work | null)[];
}

/** The state of an ore lot or the depot, likewise as of lastMs. */
export interface GroupState {
  plan: GroupPlan;
  capacityKgPerDay: number;
  stockKg: number;
  drainFlow: number;
  lastMs: number;
  timerMs: number;
  works: Work[];
  /** Numbers of the unusable units. */
  unusable: Set<number>;
}

/** Clusters whose claims, partitions and restarts a test orders one by one. */
import { type Intent, INTENT_STATE, VERSION_BITS, WORK_KIND } from '../../host/cbor/generated.ts';
import { TestCluster } from './cluster.ts';

export const HOUR = 3600;
export const DAY = 86_400;
/** Unit 1 of the lot. */
export const UNIT = (1 << 16) | 1;

export const lot = {
  name: 'group',
  group: 1,
  kind: 1,
  units: 12,
  capacity: 2000,
  stockKg: 1_000_000,
  loadKg: 0,
} as const;

/** Makes a cluster whose nodes plan nothing themselves. */
export function driven(nodes: number): TestCluster {
  return new TestCluster({ nodes, features: 0, groups: [lot] });
}

export interface Claim {
  /** kg/day */
  rate: number;
  priority: number;
}

/** Assigns a node the unit in [startS, endS), in intent slot 0; returns the status code. */
export function assign(
  cluster: TestCluster,
  node: number,
  startS: number,
  endS: number,
  { rate, priority }: Claim = { rate: 100, priority: 1 },
): number {
  const work = { kind: WORK_KIND.mine, resource: UNIT, startS, endS, durationS: 0, rate, priority };
  return cluster.observe(node, { name: 'assign', slot: 0, ...work });
}

/** The version of a count in an owner's first boot. */
export const versionOf = (count: number): number => (1 << VERSION_BITS) + count;

/**
 * Makes a claim of the unit for a day from its publication on, as any member can send it in an
 * owner's name.
 */
export function claimOf(owner: number, publishedS: number, changes: Partial<Intent> = {}): Intent {
  return {
    ...{ name: 'intent', owner, slot: 0, version: versionOf(1), kind: WORK_KIND.mine, resource: UNIT },
    ...{ startS: publishedS, endS: publishedS + DAY, rate: 1, priority: 1, state: INTENT_STATE.claimed },
    ...{ generation: 1, claimS: publishedS, publishedS, nonce: 1, read: 0, leaseS: 0 },
    ...changes,
  };
}

/** The intent that a node stores in intent slot 0 of owner 0. */
export function stored(cluster: TestCluster, node: number) {
  const intent = cluster.nodes[node].intent(0, 0);
  if (intent === undefined) throw new Error(`node ${node} stores no intent of node 0`);
  return intent;
}

export function split(cluster: TestCluster, ...sets: number[][]): void {
  for (const [part, nodes] of sets.entries()) for (const node of nodes) cluster.part[node] = part;
}

export function leaseUntilS(cluster: TestCluster, node: number): number {
  return cluster.nodes[node].view().leaseUntilS;
}

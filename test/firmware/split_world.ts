// A cluster of eight that is ordered to split, for the tests of splits (docs/federation.md, Split).
import * as assert from 'uvu/assert';
import { DECISION_KIND, type Split, STATUS, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { decodeFrame } from '../../host/security/frame.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { testLink } from '../security/sealed.ts';
import { type ClusterOptions, TestCluster } from './cluster.ts';
import { DAY } from './driven.ts';
import { place } from './region.ts';

export const nodes = 8;
export const home = 7;
export const sister = home ^ 0x8000;
const constants = firmwareConstants('flight');
export const changeS = Number(constants.get('CHANGE_S'));
export const windowS = Number(constants.get('WINDOW_S'));
export const tryS = Number(constants.get('TRY_S'));
/** Of a split that is ordered before the first window and decided in the first try. */
export const switchS = tryS + changeS / 2;
/** Who mines lot 1 stays, who mines lot 2 goes: nodes take lots in turn. */
export const second = [1, 3, 5, 7];
export const everybody = Array.from({ length: nodes }, (_, node) => node);
export const ballotAt = (atS: number, proposer: number): number => ((Math.floor(atS / tryS) + 1) << 8) | proposer;

export function clusterWith(options: Partial<ClusterOptions> = {}): TestCluster {
  const cluster = new TestCluster({ nodes, place, ...options });
  // One radio channel: each half hears the other's frames, too.
  cluster.mayRefuse = (_, __, status) => status === STATUS.notForUs;
  return cluster;
}

export const order = (cluster: TestCluster, node: number): number =>
  cluster.observe(node, { name: 'propose-decision', kind: DECISION_KIND.split, contentHigh: 0, contentLow: 0 });

/** A cluster whose coordinator was ordered to split it, before the first window. */
export function ordered(options: Partial<ClusterOptions> = {}): TestCluster {
  const cluster = clusterWith(options);
  cluster.runTo(900);
  assert.is(order(cluster, 0), STATUS.ok);
  return cluster;
}

export const eventsOf = (cluster: TestCluster, type: number) =>
  cluster.events.filter(({ fields }) => fields[0] === type);
export const decidedBy = (cluster: TestCluster): number[] => eventsOf(cluster, TYPE.decided).map(({ node }) => node);
export const movedBy = (cluster: TestCluster): number[] => eventsOf(cluster, TYPE.moved).map(({ node }) => node);
export const isMoved = (cluster: TestCluster, node: number): boolean => cluster.nodes[node].division()?.moved === 1;
export const clusterOf = (cluster: TestCluster, node: number) => cluster.nodes[node].division()?.cluster;
export const hasQuorum = (cluster: TestCluster, node: number): boolean => {
  const { round, quorumRound } = cluster.nodes[node].view();
  return quorumRound + 1 >= round;
};

export function assertHalves(cluster: TestCluster): void {
  for (const node of everybody) {
    assert.ok(isMoved(cluster, node), `node ${node} moved`);
    assert.is(clusterOf(cluster, node), second.includes(node) ? sister : home, `node ${node}`);
    assert.ok(hasQuorum(cluster, node), `node ${node} has a quorum`);
  }
}

/** Whether the key of the cluster before the split opens a frame, whatever number that has. */
export function opens(frame: Uint8Array): boolean {
  try {
    decodeFrame(frame, { ...testLink, keyOf: (header) => testLink.keyOf({ ...header, cluster: home }) });
    return true;
  } catch {
    return false;
  }
}

/** Two of the second half hear nobody: the others are a majority, but not of that half. */
export function withoutMajorityOfSecond(cluster: TestCluster): void {
  for (const node of [5, 7]) cluster.part[node] = node;
}

export const unitOf = (group: number, unit: number): number => (group << 16) | unit;

/** Assigns a node a unit for a day. */
export function assigned(cluster: TestCluster, node: number, resource: number, { slot = 1, inS = 0 } = {}): number {
  const startS = Math.floor(cluster.nowMs / 1000) + inS;
  return cluster.observe(node, {
    ...{ name: 'assign', slot, kind: WORK_KIND.mine, resource, durationS: 0 },
    ...{ startS, endS: startS + DAY, rate: 10, priority: 1 },
  });
}

/** A split as a member may send it. */
export const splitWith = (changes: Partial<Split> = {}): Split => ({
  ...{ name: 'split', number: 1, promised: ballotAt(0, 4), accepted: ballotAt(0, 4), size: 0, decided: 0 },
  ...{ switchS, groups: 1 << 2, divided: 1 << 3, members: bitmapOf(second) },
  ...changes,
});

/** Members as a bitmap of 28 bytes. */
export function bitmapOf(members: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(28);
  for (const member of members) bytes[member >>> 3] |= 1 << (member & 7);
  return bytes;
}

/** What node 3 has accepted after it was sent a split in a window; 0 = nothing. */
export function acceptedOf(cluster: TestCluster, split: Split, sender = 4): number {
  assert.is(cluster.inject(3, sender, [split]), STATUS.ok);
  cluster.runTo(cluster.nowMs / 1000 + 1);
  return cluster.nodes[3].decision()?.accepted ?? 0;
}

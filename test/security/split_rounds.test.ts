// SEC-5: versions from before a cut that a Byzantine member gives to one half of the members only.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CYCLE_S,
  type Intent,
  INTENT_STATE,
  LEASE_S,
  LIVENESS_TICK_S,
  ROUND_S,
  STATUS,
} from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { latePublishedS, splitSlots } from '../../hwsim/fault/round_splits.ts';
import { sealedFrame } from './sealed.ts';
import type { TestCluster } from '../firmware/cluster.ts';
import { claimOf, driven, HOUR, leaseUntilS, versionOf } from '../firmware/driven.ts';

const BYZANTINE = 12;
const honest = Array.from({ length: BYZANTINE }, (_, node) => node);
const beginS = 2 * HOUR;

const splits = suite('SEC-5: split rounds');

/** A withdrawn version that asks for no exclusive unit. */
const lateVersion = (slot: number, count: number, publishedS: number): Intent =>
  claimOf(BYZANTINE, publishedS, {
    ...{ slot, version: versionOf(count), resource: 1 << 16 },
    state: INTENT_STATE.withdrawn,
  });

const withLease = (cluster: TestCluster) =>
  honest.filter((node) => leaseUntilS(cluster, node) > cluster.nowMs / 1000).length;

/** Gives members of even and odd number other versions, in the chosen cycles of a round. */
function attacked(isChosen: (sinceBeginS: number) => boolean, durationS = 2 * HOUR): TestCluster {
  const cluster = driven(BYZANTINE + 1);
  cluster.kill(BYZANTINE);
  cluster.runTo(beginS);
  assert.is(withLease(cluster), honest.length, 'all have leases before the attack');
  let version = 100;
  for (let atS = beginS + 5; atS < beginS + durationS; atS += CYCLE_S) {
    cluster.runTo(atS);
    const slots = isChosen(atS % ROUND_S) ? splitSlots(atS) : [];
    version += 2 * slots.length;
    for (const node of slots.length > 0 ? honest : []) {
      const header = { sender: BYZANTINE, addressee: node, counter: cycleAt(atS, BYZANTINE) };
      const publishedS = latePublishedS(atS)!;
      const versions = slots.map((slot, i) => lateVersion(slot, version + 2 * i + (node % 2), publishedS));
      assert.is(cluster.hand(node, sealedFrame(header, versions)), STATUS.ok);
    }
  }
  return cluster;
}

splits('SEC-5 holds: versions from before the cut, in the second half of a round only, take no lease', () => {
  assert.is(withLease(attacked((sinceBeginS) => sinceBeginS >= ROUND_S / 2)), honest.length);
});

splits('SEC-5 holds: versions from before the cut, in the first half of a round only, take no lease', () => {
  assert.is(withLease(attacked((sinceBeginS) => sinceBeginS < ROUND_S / 2)), honest.length);
});

splits('SEC-5 violated: both together, in every round, take all leases, until two rounds after the attack', () => {
  // No lease from before the attack lasts longer.
  const cluster = attacked(() => true, LEASE_S + 2 * LIVENESS_TICK_S);
  assert.is(withLease(cluster), 0);
  cluster.runTo(cluster.nowMs / 1000 + 2 * ROUND_S);
  assert.is(withLease(cluster), honest.length);
});

splits.run();

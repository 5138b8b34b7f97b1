// SEC-5: versions from before a cut that a Byzantine member gives to one half of the members only.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CYCLE_S, type Intent, INTENT_STATE, ROUND_S, STATUS } from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { splitPublishedS, splitSlots } from '../../hwsim/fault/round_splits.ts';
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

/** Gives members of even and odd number other versions, in the chosen cycles of a round. */
function attacked(isChosen: (sinceCutS: number) => boolean): TestCluster {
  const cluster = driven(BYZANTINE + 1);
  cluster.kill(BYZANTINE);
  let version = 100;
  for (let atS = beginS + 5; atS < beginS + 2 * HOUR; atS += CYCLE_S) {
    cluster.runTo(atS);
    const slots = isChosen(atS % ROUND_S) ? splitSlots(atS) : [];
    version += 2 * slots.length;
    for (const node of slots.length > 0 ? honest : []) {
      const header = { sender: BYZANTINE, addressee: node, counter: cycleAt(atS, BYZANTINE) };
      const versions = slots.map((slot, i) => lateVersion(slot, version + 2 * i + (node % 2), splitPublishedS(atS)));
      assert.is(cluster.hand(node, sealedFrame(header, versions)), STATUS.ok);
    }
  }
  return cluster;
}

const withLease = (cluster: TestCluster) =>
  honest.filter((node) => leaseUntilS(cluster, node) > cluster.nowMs / 1000).length;

splits('SEC-5 holds: versions from before the cut, later than half a round after it, take no lease', () => {
  assert.is(withLease(attacked((sinceCutS) => sinceCutS >= ROUND_S / 2)), honest.length);
});

splits('SEC-5 holds: versions from before the cut, in the first half of a round only, take no lease', () => {
  assert.is(withLease(attacked((sinceCutS) => sinceCutS < ROUND_S / 2)), honest.length);
});

splits('SEC-5 violated: both together, in every round, take all leases, until half an hour after the attack', () => {
  const cluster = attacked(() => true);
  assert.is(withLease(cluster), 0);
  cluster.runTo(cluster.nowMs / 1000 + 1800);
  assert.is(withLease(cluster), honest.length);
});

splits.run();

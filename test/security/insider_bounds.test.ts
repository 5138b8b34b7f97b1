import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, type Heartbeat, LIVENESS_TICK_S, ROUND_S } from '../../host/cbor/generated.ts';
import { STATUS } from '../../host/engine/status.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { sealedFrame } from './sealed.ts';
import type { TestCluster } from '../firmware/cluster.ts';
import { DAY, driven, HOUR, leaseUntilS, split } from '../firmware/driven.ts';

const LIAR = 6;
const honest = [0, 1, 2, 3, 4, 5];
const bitmapBytes = 1;

/** A cluster of seven whose last member is off: the tests make its frames. */
function flown(): TestCluster {
  const cluster = driven(7);
  cluster.kill(LIAR);
  cluster.runTo(HOUR);
  return cluster;
}

/** A list that says of members that their votes were revoked. */
const revoking = (nowS: number, members: number[], revocations = 1) =>
  ({
    name: 'silent-list',
    entries: members.map((member) => ({
      member,
      lastLivenessTick: Math.floor(nowS / LIVENESS_TICK_S) + 3,
      revocations,
    })),
  }) as const;

/** How far each honest clock is ahead of the true time, ms. */
const aheadMs = (cluster: TestCluster) =>
  honest.map((node) => {
    // A node answers with the time of its last call.
    cluster.observe(node, { name: 'health', tasks: 0xff, batteryWh: 9000, storedKg: 0, solarW: 4000 });
    const { missionS, missionMs } = cluster.nodes[node].node();
    return missionS * 1000 + missionMs - cluster.nowMs;
  });

const bounds = suite('SEC-5: what one member says at second hand is bounded');

bounds('SEC-5 holds: revocations of live members’ votes are not believed, and quorums go on', () => {
  const cluster = flown();
  for (const revocations of [1, 2, 3, 255])
    for (const node of honest)
      assert.is(cluster.inject(node, LIAR, [revoking(HOUR, [0, 1, 2, 3], revocations)]), STATUS.ok);
  for (const node of honest) assert.is(cluster.nodes[node].lossCount(COUNTER.revocationUnproven), 16);
  cluster.runTo(3 * HOUR);
  for (const node of honest) assert.ok(leaseUntilS(cluster, node) > 3 * HOUR, `node ${node} has a lease`);
});

bounds('SEC-5 violated: a node that cannot check revocations believes them, and forgets them after an hour', () => {
  const cluster = flown();
  cluster.boot(1, 2, true);
  cluster.runTo(HOUR + 200);
  assert.is(cluster.inject(1, LIAR, [revoking(HOUR, [0, 2, 3, 4])]), STATUS.ok);
  cluster.runTo(HOUR + 3 * ROUND_S);
  assert.is(leaseUntilS(cluster, 1), 0, 'its counters differ from all others');
  assert.ok(leaseUntilS(cluster, 0) > HOUR + 3 * ROUND_S, 'the others do not believe it');
  cluster.runTo(HOUR + 12 * ROUND_S);
  for (const node of honest) assert.ok(leaseUntilS(cluster, node) > HOUR + 12 * ROUND_S, `node ${node} has a lease`);
});

bounds('INT-5 holds: true revocations are learnt by nodes that were out of contact', () => {
  const cluster = driven(7);
  cluster.runTo(4 * HOUR);
  split(cluster, [0, 1], [2, 3, 4, 5, 6]);
  cluster.runTo(4 * HOUR + 33 * DAY);
  split(cluster, [0, 1, 2, 3, 4, 5, 6]);
  cluster.runTo(7 * HOUR + 33 * DAY);
  for (let node = 0; node < 7; node += 1)
    assert.ok(leaseUntilS(cluster, node) > 7 * HOUR + 33 * DAY, `node ${node} agrees with a majority`);
  assert.is(new Set(cluster.nodes.map((node) => node.viewDigest())).size, 1);
});

/** A heartbeat of the liar whose clock is ahead. */
function heartbeat(nowS: number, offS: number): Heartbeat {
  const ages = new Uint8Array(2 * bitmapBytes);
  const agree = new Uint8Array(bitmapBytes);
  const digest = { digestHigh: 0, digestLow: 0, recent: 0 };
  return { name: 'heartbeat', timeS: nowS + offS, timeMs: 0, errorMs: 0, ages, ...digest, agree };
}

for (const offS of [115, -115, 2, -2, 0.5])
  bounds(`SEC-5 holds: a clock that is ${offS} s off in every cycle moves the others by their drift at most`, () => {
    const cluster = flown();
    // In the middle of the liar's TDMA slots.
    for (let atS = HOUR + 1; atS < 2 * HOUR; atS += 15) {
      cluster.runTo(atS);
      const message = { ...heartbeat(atS, Math.floor(offS)), timeMs: Math.abs(offS) < 1 ? 500 : 0 };
      const frame = sealedFrame({ sender: LIAR, counter: cycleAt(atS, LIAR) }, [message]);
      for (const node of honest) assert.is(cluster.hand(node, frame), STATUS.ok);
    }
    // Of the liar one sample a minute counts, and moves a clock by 3 ms.
    for (const ms of aheadMs(cluster)) assert.ok(Math.abs(ms) < 250, `${ms} ms off after an hour`);
    const before = aheadMs(cluster);
    cluster.runTo(3 * HOUR);
    aheadMs(cluster).forEach((ms, node) => {
      assert.ok(Math.abs(ms - before[node]) < 30, `node ${node}: the clock stays`);
    });
    for (const node of honest) assert.ok(leaseUntilS(cluster, node) > 3 * HOUR, `node ${node} has a lease`);
  });

bounds.run();

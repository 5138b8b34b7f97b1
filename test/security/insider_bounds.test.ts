import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AHEAD_S_MAX,
  COUNTER,
  type Heartbeat,
  LEASE_S,
  LIVENESS_TICK_FIRST,
  LIVENESS_TICK_S,
  type Message,
  ROUND_S,
  STATUS,
  VERDICT,
  WORK_STATUS,
} from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { sealedFrame } from './sealed.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, driven, HOUR, leaseUntilS, lot, split } from '../firmware/driven.ts';

const BYZANTINE = 6;
const honest = [0, 1, 2, 3, 4, 5];
const bitmapBytes = 1;

/** A cluster of seven whose last member is off: the tests make its frames. */
function flown(): TestCluster {
  const cluster = driven(7);
  cluster.kill(BYZANTINE);
  cluster.runTo(HOUR);
  return cluster;
}

/** A list that says of members that their votes were revoked. */
const revoking = (nowS: number, members: number[], revocations = 1) =>
  ({
    name: 'silent-list',
    entries: members.map((member) => ({
      member,
      lastLivenessTick: Math.floor(nowS / LIVENESS_TICK_S) + LIVENESS_TICK_FIRST - 1,
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
      assert.is(cluster.inject(node, BYZANTINE, [revoking(HOUR, [0, 1, 2, 3], revocations)]), STATUS.ok);
  for (const node of honest) assert.is(cluster.nodes[node].lossCount(COUNTER.revocationUnproven), 16);
  cluster.runTo(3 * HOUR);
  for (const node of honest) assert.ok(leaseUntilS(cluster, node) > 3 * HOUR, `node ${node} has a lease`);
});

bounds('SEC-5 violated: a node that cannot check revocations believes them, and forgets them after an hour', () => {
  const cluster = flown();
  cluster.boot(1, 2, true);
  cluster.runTo(HOUR + 110);
  assert.is(cluster.inject(1, BYZANTINE, [revoking(HOUR, [0, 2, 3, 4])]), STATUS.ok);
  cluster.runTo(2 * HOUR);
  assert.is(leaseUntilS(cluster, 1), 0, 'its counters differ from all others');
  assert.ok(leaseUntilS(cluster, 0) > 2 * HOUR, 'the others do not believe it');
  // It has a vote again when it can have granted no ordinary lease that still lasts.
  cluster.runTo(2 * HOUR + LEASE_S + 3 * ROUND_S);
  const nowS = cluster.nowMs / 1000;
  for (const node of honest) assert.ok(leaseUntilS(cluster, node) > nowS, `node ${node} has a lease`);
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

/** A heartbeat of the Byzantine node whose clock is ahead. */
function heartbeat(nowS: number, offS: number): Heartbeat {
  const ages = new Uint8Array(3 * bitmapBytes);
  const agree = new Uint8Array(bitmapBytes);
  const digest = { digestHigh: 0, digestLow: 0, recent: 0 };
  return { name: 'heartbeat', timeS: nowS + offS, timeMs: 0, errorMs: 0, ages, ...digest, agree };
}

for (const offS of [AHEAD_S_MAX - 5, 5 - AHEAD_S_MAX, 2, -2, 0.5])
  bounds(`SEC-5 holds: a clock that is ${offS} s off in every cycle moves the others by their drift at most`, () => {
    const cluster = flown();
    // In the middle of the Byzantine node's TDMA slots.
    for (let atS = HOUR + 1; atS < 2 * HOUR; atS += 15) {
      cluster.runTo(atS);
      const message = { ...heartbeat(atS, Math.floor(offS)), timeMs: Math.abs(offS) < 1 ? 500 : 0 };
      const frame = sealedFrame({ sender: BYZANTINE, counter: cycleAt(atS, BYZANTINE) }, [message]);
      for (const node of honest) assert.is(cluster.hand(node, frame), STATUS.ok);
    }
    // Of the Byzantine node one sample a minute counts, and moves a clock by 3 ms.
    for (const ms of aheadMs(cluster)) assert.ok(Math.abs(ms) < 250, `${ms} ms off after an hour`);
    const before = aheadMs(cluster);
    cluster.runTo(3 * HOUR);
    aheadMs(cluster).forEach((ms, node) => {
      assert.ok(Math.abs(ms - before[node]) < 30, `node ${node}: the clock stays`);
    });
    for (const node of honest) assert.ok(leaseUntilS(cluster, node) > 3 * HOUR, `node ${node} has a lease`);
  });

// ---- notices ----

const capacityOf = (group: number) => (group === 3 ? 40_000 : 2000);

/** A notice of the Byzantine node, in its own name or in another's. */
const noticeOf = (cluster: TestCluster, group: number, unit: number, capacity: number, observer = BYZANTINE) =>
  ({ name: 'notice', group, unit, capacity, observedS: Math.floor(cluster.nowMs / 1000), observer }) as const;

/** A cluster that plans for itself; its last member is off, and the tests make its frames. */
function working(): TestCluster {
  const cluster = new TestCluster({ nodes: 7, signs: true });
  cluster.kill(BYZANTINE);
  cluster.runTo(2 * HOUR);
  for (const node of honest) assert.ok(isMining(cluster, node), `node ${node} mines`);
  return cluster;
}

const isMining = (cluster: TestCluster, node: number) =>
  [0, 1, 2, 3].some((slot) => cluster.nodes[node].isRunning(slot));

/** Gives all honest nodes a frame of the Byzantine node. */
function give(cluster: TestCluster, messages: Message[]): void {
  const nowS = Math.floor(cluster.nowMs / 1000);
  const frame = sealedFrame({ sender: BYZANTINE, counter: cycleAt(nowS, BYZANTINE) }, messages);
  for (const node of honest) assert.is(cluster.hand(node, frame), STATUS.ok);
}

bounds('SEC-5 holds: no notice in the names of all fills the table, nor stays on units that do not exist', () => {
  const cluster = driven(7);
  cluster.kill(BYZANTINE);
  cluster.runTo(HOUR + 1);
  for (let first = 1; first <= 200; first += 8) {
    const units = Array.from({ length: 8 }, (_, i) => first + i);
    give(
      cluster,
      units.map((unit) => noticeOf(cluster, unit % 2 === 0 ? 1 : 7, 100 + unit, 0)),
    );
    cluster.runTo(cluster.nowMs / 1000 + 15);
  }
  for (const node of honest) assert.is(cluster.nodes[node].lossCount(COUNTER.noticeUnfounded), 200);
  for (let unit = 1; unit <= lot.units; unit += 1) {
    give(cluster, [noticeOf(cluster, 1, unit, 0)]);
    cluster.runTo(cluster.nowMs / 1000 + 15);
  }
  // A true loss finds room, and the claim on that unit is not accepted.
  cluster.observe(1, { name: 'assay', group: 1, unit: 1, capacity: 0 });
  cluster.runTo(cluster.nowMs / 1000 + 120);
  for (const node of honest) assert.is(cluster.nodes[node].lossCount(COUNTER.noticesFull), 0);
  const nowS = Math.floor(cluster.nowMs / 1000);
  assign(cluster, 0, nowS, nowS + DAY);
  assert.is(cluster.engine.calls.verdict(cluster.contexts[0], 0, 0, nowS, 0), VERDICT.refused);
});

for (const [what, capacity, observer] of [
  ['nothing', 0, BYZANTINE],
  ['one claim', 200, BYZANTINE],
  ['nothing, in the name of an honest member', 0, 2],
] as const)
  bounds(`SEC-5 holds: forged capacities of all groups for ${what} stop no work, and claims go on`, () => {
    const cluster = working();
    for (let atS = 2 * HOUR + 1; atS < 3 * HOUR; atS += 15) {
      cluster.runTo(atS);
      give(
        cluster,
        [1, 2, 3].map((group) => noticeOf(cluster, group, 0, capacity, observer)),
      );
      for (const node of honest) assert.ok(isMining(cluster, node), `node ${node} mines at ${atS} s`);
    }
    cluster.runTo(3 * HOUR + 600);
    for (const node of honest)
      for (const group of [1, 2, 3])
        if (group !== 3 || observer !== BYZANTINE)
          assert.is(cluster.nodes[node].group(group).capacity, capacityOf(group));
  });

bounds('SEC-5 violated: the platform’s word that work is blocked ends the work, and the notice stays', () => {
  const cluster = working();
  const slot = [0, 1, 2, 3].find((i) => cluster.nodes[1].isRunning(i)) as number;
  const resource = cluster.nodes[1].intent(1, slot)?.resource as number;
  cluster.observe(1, { name: 'assay', group: resource >>> 16, unit: resource & 0xffff, capacity: 0 });
  cluster.observe(1, { name: 'progress', slot, status: WORK_STATUS.blocked, movedKg: 0 });
  cluster.runTo(2 * HOUR + 1800);
  assert.ok(isMining(cluster, 1), 'it works elsewhere');
  for (const node of honest) {
    const now = [0, 1, 2, 3].map((i) => cluster.nodes[node].intent(1, i)).find((intent) => intent?.state === 3);
    assert.is.not(now?.resource, resource);
  }
});

bounds.run();

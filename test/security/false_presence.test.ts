// SEC-5: what a Byzantine member achieves with false times and false announcements of silence.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_ADVANCE_S_MAX, LIVENESS, STATUS } from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { heartbeatAt } from './fuzz/steps.ts';
import { sealedFrame } from './sealed.ts';
import type { TestCluster } from '../firmware/cluster.ts';
import { DAY, driven, HOUR } from '../firmware/driven.ts';

const presence = suite('SEC-5: false times and announcements');

/** A cluster whose last member is off: the tests make its frames. */
function flown(nodes: number): TestCluster {
  const cluster = driven(nodes);
  cluster.kill(nodes - 1);
  cluster.runTo(HOUR);
  return cluster;
}

// ---- time ----

const NODES = 7;
const BYZANTINE = 6;
const restarted = 1;
const falseS = 10 * DAY;

/** Gives node 1 three frames of a false time in every cycle, for so long or until it has a time. */
function mislead(cluster: TestCluster, lengthS: number): void {
  const untilS = cluster.nowMs / 1000 + lengthS;
  for (let atS = cluster.nowMs / 1000; atS < untilS && !hasTime(cluster); atS += 15) {
    for (const sender of [BYZANTINE, 2, 3]) {
      const timeS = Math.floor(atS) + falseS;
      const frame = sealedFrame({ sender, counter: cycleAt(timeS, sender) }, [heartbeatAt(timeS, NODES)]);
      if (!hasTime(cluster)) assert.is(cluster.hand(restarted, frame), STATUS.ok);
    }
    cluster.runTo(atS + 15);
  }
}

const offS = (cluster: TestCluster) => cluster.nodes[restarted].node().missionS - cluster.nowMs / 1000;
const hasTime = (cluster: TestCluster) => cluster.nodes[restarted].node().missionS !== 0;

presence('SEC-5 holds: a restarted node that hears the others learns no false time, and then the true one', () => {
  const cluster = flown(NODES);
  cluster.boot(restarted, 2, false);
  mislead(cluster, 600);
  assert.is(hasTime(cluster), false, 'while it hears two times it learns none');
  cluster.runTo(cluster.nowMs / 1000 + 600);
  assert.ok(hasTime(cluster) && Math.abs(offS(cluster)) < 16, `${offS(cluster)} s off`);
});

presence('SEC-5 violated: a restarted node that hears nobody else learns a false time after three minutes', () => {
  const cluster = flown(NODES);
  cluster.boot(restarted, 2, false);
  cluster.jam = (_sender, receiver) => receiver === restarted;
  cluster.mayRefuse = (sender) => sender === restarted;
  mislead(cluster, 120);
  assert.is(hasTime(cluster), false, 'the minute begins when it can hear true frames again');
  mislead(cluster, 240);
  assert.ok(offS(cluster) > falseS - 16);
});

// ---- announced silence ----

const dead = 2;

/**
 * The state of a member some time after its death, which an announcement in its name hides until
 * `untilS`; null: nothing is announced.
 */
function stateAfter(lengthS: number, untilS: number | null): number {
  const cluster = flown(4);
  cluster.kill(dead);
  if (untilS !== null)
    for (const node of [0, 1])
      assert.is(cluster.inject(node, dead, [{ name: 'isolation', fromS: HOUR, untilS }]), STATUS.ok);
  cluster.runTo(HOUR + lengthS);
  return cluster.nodes[0].member(dead).state;
}

presence('SEC-5 holds: an announcement in a dead member’s name hides the death for 31 days and an hour', () => {
  assert.is(stateAfter(HOUR, null), LIVENESS.dead, 'without the announcement');
  assert.is(stateAfter(HOUR, 2 ** 32 - 2 * HOUR), LIVENESS.unreachable);
  assert.is(stateAfter(LEASE_ADVANCE_S_MAX + HOUR + 300, 2 ** 32 - 2 * HOUR), LIVENESS.dead);
});

presence('SEC-5 holds: an announcement of a short silence hides the death no longer', () => {
  assert.is(stateAfter(HOUR, 2 * HOUR), LIVENESS.unreachable);
  assert.is(stateAfter(HOUR + 1200, 2 * HOUR), LIVENESS.dead);
});

presence.run();

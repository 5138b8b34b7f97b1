import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWER, INSPECT, INTENT_STATE, type Message, STATUS, VERSION_BITS } from '../../host/cbor/generated.ts';
import { assign, claimOf, DAY, driven, HOUR, stored } from './driven.ts';

const byzantine = suite('messages that a Byzantine member may send');

byzantine('an intent forged in our name under a later incarnation changes nothing', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  const now = 2 * HOUR;
  const forged = claimOf(0, now, { slot: 1, version: 0xffffffff, state: INTENT_STATE.withdrawn });
  assert.is(cluster.inject(0, 4, [forged]), STATUS.ok);
  assert.is(cluster.nodes[0].intent(0, 1), undefined);
  assign(cluster, 0, now, now + HOUR);
  assert.is(stored(cluster, 0).version >>> VERSION_BITS, 1);
});

byzantine('an intent forged in our name under this incarnation changes nothing', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  const now = 2 * HOUR;
  assign(cluster, 0, now, now + HOUR);
  const { version } = stored(cluster, 0);
  const forged = claimOf(0, now, { version: (2 << VERSION_BITS) - 1, state: INTENT_STATE.withdrawn });
  assert.is(cluster.inject(0, 4, [forged]), STATUS.ok);
  assert.is(stored(cluster, 0).version, version);
});

byzantine('INT-4: a board that has used all incarnations is not booted again', () => {
  const cluster = driven(3);
  cluster.boot(1, 8191, true);
  cluster.runTo(60);
  assert.is(cluster.inspect(1, INSPECT.member, 1).length, Object.keys(ANSWER.member).length);
  assert.throws(() => cluster.boot(1, 8192, true), /status 6/);
});

byzantine(
  'rejects a notice from the future; of two contradicting notices all nodes store the same, in any order',
  () => {
    const cluster = driven(4);
    cluster.kill(3);
    cluster.runTo(2 * HOUR);
    const notice = { name: 'notice', group: 1, unit: 0, observer: 3 } as const;
    assert.is(cluster.inject(0, 2, [{ ...notice, capacity: 0, observedS: 0xffffffff }]), STATUS.implausible);
    const five: Message = { ...notice, capacity: 5, observedS: 2 * HOUR };
    const seven: Message = { ...notice, capacity: 7, observedS: 2 * HOUR };
    for (const [node, heard] of [[five, seven], [seven, five], [seven]].entries())
      for (const message of heard) assert.is(cluster.inject(node, (node + 1) % 3, [message]), STATUS.ok);
    cluster.runTo(3 * HOUR);
    const capacities = [0, 1, 2].map((node) => cluster.nodes[node].group(1).capacity);
    assert.equal(capacities, [7, 7, 7]);
    const digests = new Set([0, 1, 2].map((node) => cluster.nodes[node].viewDigest()));
    assert.is(digests.size, 1);
  },
);

byzantine('rejects an assignment that peers would reject, and one in an intent slot whose work is running', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  assert.is(assign(cluster, 0, 2 * HOUR, 2 * HOUR + 63 * DAY), STATUS.implausible);
  assert.is(assign(cluster, 0, 2 * HOUR, 2 * HOUR + DAY), STATUS.ok);
  cluster.runTo(2 * HOUR + 1500);
  assert.is(assign(cluster, 0, 3 * HOUR, 3 * HOUR + DAY), STATUS.implausible);
});

byzantine.run();

// The rules of settling and of leases one by one: majority, two rounds, guards, clock error.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FIELD,
  type Heartbeat,
  INTENT_STATE,
  LEASE_GUARD_S,
  OUTLOOK_KIND,
  ROUND_S,
  STATUS,
  TYPE,
  VERDICT,
  VERSION_BITS,
  WORK_STATUS,
} from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { assign, claimOf, DAY, driven, HOUR, leaseUntilS, lot, split, stored, versionOf } from './driven.ts';
import { CUT_LAG_S, roundFrom } from './times.ts';
import { watched } from './watch.ts';

const leases = suite('settling and leases');

/** Until when the node's last start-work command lets it work, mission seconds. */
function untilSOf(cluster: TestCluster, node: number): number {
  const starts = cluster.commands.filter((record) => record.node === node && record.fields[0] === TYPE.startWork);
  assert.ok(starts.length > 0, `node ${node} was never to start`);
  return starts[starts.length - 1].fields[FIELD.startWork.untilS];
}

/** When a node's claim settled; undefined: never. */
const settledS = (cluster: TestCluster, node: number) =>
  cluster.events.find((record) => record.node === node && record.fields[0] === TYPE.settled)?.atS;

leases('INT-5 violated: half of an even split is no majority: no lease is renewed and nothing settles', () => {
  const cluster = driven(4);
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR + 30);
  for (let node = 0; node < 4; node++) assert.ok(leaseUntilS(cluster, node) > 4 * HOUR + ROUND_S, 'all agreed');
  split(cluster, [0, 1], [2, 3]);
  assign(cluster, 0, 4 * HOUR + 30, 5 * DAY);
  assign(cluster, 2, 4 * HOUR + 30, 5 * DAY);
  cluster.runTo(6 * HOUR);
  const before = [0, 2].map((node) => leaseUntilS(cluster, node));
  cluster.runTo(8 * HOUR);
  assert.equal(
    [0, 2].map((node) => leaseUntilS(cluster, node)),
    before,
    'no half renews its leases',
  );
  assert.equal([settledS(cluster, 0), settledS(cluster, 2)], [undefined, undefined]);
  assert.equal(watch.doubles, []);
});

leases('INT-5 holds: three of four are a majority', () => {
  const cluster = driven(4);
  cluster.runTo(4 * HOUR + 30);
  split(cluster, [0, 1, 2], [3]);
  assign(cluster, 0, 4 * HOUR + 30, 5 * DAY);
  cluster.runTo(6 * HOUR);
  assert.ok(settledS(cluster, 0) !== undefined);
  assert.ok(leaseUntilS(cluster, 0) > 6 * HOUR);
});

/** Node 4 is off, and the test sends its frames: a claim, and heartbeats that agree with node 0. */
class AgreeingRival {
  readonly cluster = driven(5);
  private heard: Heartbeat | null = null;

  constructor(beginS: number) {
    const { cluster } = this;
    cluster.jam = (sender) => {
      const { messages } = openedFrame(cluster.onAir());
      for (const message of messages) if (sender === 0 && message.name === 'heartbeat') this.heard = message;
      return false;
    };
    cluster.runTo(beginS);
    cluster.kill(4);
  }

  private get nowS(): number {
    return Math.floor(this.cluster.nowMs / 1000);
  }

  /** Publishes a claim of node 4 on the unit, of low rank. */
  claim(endS: number): void {
    const intent = claimOf(4, this.nowS, { version: versionOf(9), endS, rate: 100 });
    for (let node = 0; node < 4; node++) assert.is(this.cluster.inject(node, 4, [intent]), STATUS.ok, `node ${node}`);
  }

  /** Runs to `untilS`; node 4 agrees all the time. */
  agreeTo(untilS: number): void {
    while (this.nowS + 60 <= untilS) {
      this.cluster.runTo(this.nowS + 60);
      const { digestHigh, digestLow } = this.cluster.nodes[0].view();
      assert.ok(this.heard !== null, 'node 0 sends heartbeats');
      const agree = Uint8Array.of(1 << 4);
      assert.is(this.heard.agree.length, agree.length);
      const agreeing = { ...this.heard, timeS: this.nowS, timeMs: 0, digestHigh, digestLow, agree };
      for (let node = 0; node < 4; node++) assert.is(this.cluster.inject(node, 4, [agreeing]), STATUS.ok);
    }
  }
}

const roundBeginS = 4 * HOUR;

leases('INT-5 holds: a claim settles against a claim of lower rank whose owner agreed in three rounds in a row', () => {
  const rival = new AgreeingRival(roundBeginS + 30);
  rival.claim(5 * DAY);
  assign(rival.cluster, 0, roundBeginS + 30, 5 * DAY, { rate: 100, priority: 5 });
  rival.agreeTo(roundBeginS + 3 * ROUND_S);
  assert.is(settledS(rival.cluster, 0), undefined, 'two rounds are not enough');
  rival.agreeTo(roundBeginS + 4 * ROUND_S);
  assert.ok(settledS(rival.cluster, 0) !== undefined);
});

leases('INT-5 violated: the agreement of two rounds settles nothing against another claim', () => {
  const rival = new AgreeingRival(roundBeginS + 30);
  rival.claim(5 * DAY);
  assign(rival.cluster, 0, roundBeginS + 30, 5 * DAY, { rate: 100, priority: 5 });
  // Silent in the first round that has the claims, the rival agrees in the second.
  rival.cluster.runTo(roundBeginS + 2 * ROUND_S + 30);
  rival.agreeTo(roundBeginS + 4 * ROUND_S);
  assert.is(settledS(rival.cluster, 0), undefined);
  rival.agreeTo(roundBeginS + 5 * ROUND_S);
  assert.ok(settledS(rival.cluster, 0) !== undefined, 'the fourth round is the third in a row');
});

leases('INT-5 holds: work ends a guard before its interval does', () => {
  const cluster = driven(3);
  const startS = 4 * HOUR;
  const endS = startS + HOUR;
  cluster.runTo(startS);
  assign(cluster, 0, startS, endS);
  cluster.runTo(endS);
  assert.ok(leaseUntilS(cluster, 0) > endS, 'the lease does not end it');
  assert.is(untilSOf(cluster, 0), endS - LEASE_GUARD_S);
});

/** Cuts off the owner of a lease that was extended in advance, until after it; its clock drifts. */
function extendedLease(driftPpm: number): { untilS: number; leaseS: number; errorS: number } {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [driftPpm] });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  assign(cluster, 0, 4 * HOUR, 40 * DAY);
  cluster.runTo(5 * HOUR);
  cluster.observe(0, { name: 'outlook', fromS: 7 * HOUR, untilS: 10 * DAY, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(7 * HOUR);
  const { leaseS, endS } = stored(cluster, 2);
  assert.ok(leaseS > 9 * DAY && leaseS < endS, 'the lease ends before the work does');
  split(cluster, [0], [1, 2, 3, 4]);
  cluster.runTo(leaseS - HOUR);
  assert.is(cluster.nodes[0].own(0).running, 1, 'it works on alone');
  const errorS = Math.floor(cluster.nodes[0].node().errorMs / 1000);
  assert.ok(errorS > 20, `an error of ${errorS} s after days alone`);
  const { boundS } = stored(cluster, 2);
  assign(cluster, 2, boundS, boundS + DAY);
  cluster.runTo(boundS + 2 * HOUR);
  assert.is(cluster.nodes[2].own(0).running, 1, 'another works after it');
  assert.equal(watch.doubles, []);
  return { untilS: untilSOf(cluster, 0), leaseS, errorS };
}

for (const driftPpm of [-49, 0, 49])
  leases(`INT-5 holds: work on an extended lease ends a guard and the clock's error early (${driftPpm} ppm)`, () => {
    const { untilS, leaseS, errorS } = extendedLease(driftPpm);
    assert.ok(untilS <= leaseS - LEASE_GUARD_S - errorS, `${leaseS - untilS} s early, error ${errorS} s`);
    assert.ok(untilS >= leaseS - LEASE_GUARD_S - errorS - 60, `${leaseS - untilS} s early, error ${errorS} s`);
  });

leases('INT-5 violated: an owner back from an old checkpoint settles no claim of the boot before', () => {
  const cluster = driven(6);
  const watch = watched(cluster);
  let heard: Heartbeat | null = null;
  cluster.jam = (sender) => {
    for (const message of openedFrame(cluster.onAir()).messages)
      if (sender === 1 && message.name === 'heartbeat') heard = message;
    return false;
  };
  const roundStartS = roundFrom(4 * HOUR + 1800);
  // A round counts only if it is cut after the boot.
  const bootS = roundStartS - CUT_LAG_S - 5;
  cluster.runTo(4 * HOUR);
  assign(cluster, 0, 4 * HOUR, 2 * DAY);
  // So young that no member is silent to the node that restarts from it.
  cluster.runTo(roundStartS - ROUND_S);
  assert.is(cluster.nodes[0].isRunning(0), true);
  const old = cluster.checkpoint(0);
  // The owner gives the work up, and only node 4 hears of it.
  cluster.runTo(bootS - 65);
  split(cluster, [0, 4], [1, 2, 3, 5]);
  cluster.observe(0, { name: 'progress', slot: 0, status: WORK_STATUS.failed, movedKg: 0 });
  cluster.runTo(bootS);
  assert.is(stored(cluster, 4).state, INTENT_STATE.withdrawn, 'node 4 knows');
  assert.is(stored(cluster, 1).state, INTENT_STATE.started, 'the others do not');
  split(cluster, [0, 1, 2, 3, 5], [4]);
  cluster.restore(0, 2, old);
  // Node 5 is off from here on: the test sends its frames.
  cluster.kill(5);
  // Until here a node that restarts refuses counters that it may have taken before.
  cluster.runTo(roundStartS + 34);
  // Node 5 brings the agreement of a majority before the claim of the boot before is claimed anew,
  // a minute after the boot.
  const { digestHigh, digestLow } = cluster.nodes[0].view();
  assert.is(cluster.nodes[0].viewDigest(), cluster.nodes[1].viewDigest(), 'it agrees with the others');
  assert.ok(heard !== null);
  const agreeing = { ...(heard as Heartbeat), timeS: roundStartS + 34, timeMs: 0, digestHigh, digestLow };
  assert.is(cluster.inject(0, 5, [{ ...agreeing, agree: Uint8Array.of(0b10_1110) }]), STATUS.ok);
  cluster.runTo(roundStartS + 36);
  assert.is(cluster.nodes[0].view().quorum, 1, 'a majority agrees');
  const { version, verdict } = stored(cluster, 0);
  assert.equal([version >>> VERSION_BITS, verdict], [1, VERDICT.accepted], 'the claim of the boot before is stored');
  // The others may settle on the unit once they hear of what was given up.
  split(cluster, [0], [1, 2, 3, 4, 5]);
  assign(cluster, 4, roundStartS + 240, 2 * DAY);
  cluster.runTo(roundStartS + 2 * HOUR);
  const settled = cluster.events.filter((each) => each.node === 0 && each.fields[0] === TYPE.settled);
  assert.equal(
    settled.filter(({ atS, fields }) => atS > bootS && fields[FIELD.settled.version] >>> VERSION_BITS === 1),
    [],
  );
  assert.equal(watch.doubles, []);
});

leases('INT-1 violated: a member back from a contact window lacks nothing that had ended, and agrees at once', () => {
  const cluster = driven(6);
  const endS = roundFrom(4 * HOUR);
  cluster.runTo(endS - HOUR);
  assign(cluster, 0, endS - 1800, endS);
  cluster.runTo(endS - 60);
  assert.is(stored(cluster, 5).state, INTENT_STATE.started);
  // All are silent to node 5 at a cut after the end.
  cluster.jam = (_, receiver) => receiver === 5;
  cluster.runTo(endS + 8 * 60);
  assert.ok(cluster.nodes[5].member(0).age >= 7, 'node 0 is silent to node 5');
  assert.is(stored(cluster, 1).endS, endS, 'the others store it');
  assert.is(stored(cluster, 5).endS, endS, 'node 5, too');
  cluster.jam = null;
  cluster.runTo(endS + 8 * 60 + 2 * ROUND_S);
  assert.is(cluster.nodes[5].viewDigest(), cluster.nodes[1].viewDigest());
  // It goes with its retention, on all.
  cluster.runTo(endS + HOUR);
  for (const node of [1, 5]) assert.is(cluster.nodes[node].intent(0, 0), undefined, `node ${node}`);
});

leases('INT-5 violated: a claim of an earlier boot does not settle: it is claimed anew before it runs', () => {
  for (let owner = 0; owner < 5; owner += 1) {
    const cluster = driven(5);
    cluster.runTo(HOUR);
    assign(cluster, owner, HOUR, HOUR + DAY);
    const cutS = roundFrom(HOUR + 5 * ROUND_S) - CUT_LAG_S;
    cluster.runTo(cutS - 2);
    assert.ok(cluster.nodes[owner].isRunning(0), `node ${owner} works`);
    cluster.restore(owner, 2, cluster.checkpoint(owner));
    const settledIn = new Set<number>();
    for (let atS = cutS; atS < cutS + 4 * ROUND_S; atS += 5) {
      cluster.runTo(atS);
      settledIn.add(cluster.nodes[owner].own(0).settledVersion >>> VERSION_BITS);
    }
    assert.equal([...settledIn].sort(), [0, 2], `boots of what node ${owner} settled`);
  }
});

leases.run();

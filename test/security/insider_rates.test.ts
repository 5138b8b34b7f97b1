// SEC-5: bounds on how often, and how late, one member may publish.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, CUT_LAG_S, type Intent, OWN_SLOTS, ROUND_S, STATUS } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { claimOf, lot, versionOf } from '../firmware/driven.ts';

const rates = suite('SEC-5: rates of an insider');

const insider = 4;
const limits = firmwareConstants('flight');
/** The start of the cluster counts as a merge, for two windows. */
const roundBeginS = 2 * limits.get('MERGE_ROUNDS')! * ROUND_S;
const cutS = roundBeginS - CUT_LAG_S;
const tokensMax = limits.get('OWNER_TOKENS_MAX')!;
const lateMax = limits.get('LATE_MAX')!;
const lateFreeS = limits.get('LATE_FREE_S')!;

/** Flies to `atS`; the insider itself is off, and the test sends its frames. */
function flown(atS: number): TestCluster {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot] });
  cluster.runTo(roundBeginS - ROUND_S);
  cluster.kill(insider);
  cluster.runTo(atS);
  return cluster;
}

/** The insider's version `count` of an intent that asks for no exclusive unit. */
const version = (count: number, slot: number, publishedS: number) =>
  claimOf(insider, publishedS, { slot, version: versionOf(100 + count), resource: 1 << 16 });

/** Sends node 0 a frame with one version; returns whether node 0 stores it. */
function isTaken(cluster: TestCluster, intent: Intent): boolean {
  assert.is(cluster.inject(0, insider, [intent]), STATUS.ok);
  return cluster.nodes[0].intent(insider, intent.slot)?.version === intent.version;
}

const lossesOf = (cluster: TestCluster, counter: number) => cluster.nodes[0].lossCount(counter);

rates('SEC-5 holds: versions beyond an owner’s tokens are stored, not passed on; each minute brings a token', () => {
  const nowS = roundBeginS + 60;
  const cluster = flown(nowS);
  const publish = (count: number) => isTaken(cluster, version(count, 0, nowS));
  for (let count = 1; count <= tokensMax; count++) assert.ok(publish(count), `version ${count}`);
  assert.is(lossesOf(cluster, COUNTER.quotaOwner), 0, 'a burst of all tokens is within the bound');
  assert.ok(publish(tokensMax + 1), 'it is stored');
  assert.is(lossesOf(cluster, COUNTER.quotaOwner), 1, 'and not passed on');
  cluster.runTo(nowS + 60);
  assert.ok(publish(tokensMax + 2));
  assert.is(lossesOf(cluster, COUNTER.quotaOwner), 1, 'a minute brings one token');
  assert.ok(publish(tokensMax + 3));
  assert.is(lossesOf(cluster, COUNTER.quotaOwner), 2, 'and no more');
});

rates('SEC-5 holds: a round takes eight versions from before its cut, once half of it has passed', () => {
  const cluster = flown(roundBeginS + lateFreeS + 10);
  const publishedS = cutS - 20;
  const publish = (count: number, slot: number) => isTaken(cluster, version(count, slot, publishedS));
  for (let count = 0; count < lateMax; count++) assert.ok(publish(count, count), `version ${count}`);
  assert.is(publish(20, 0), false, 'the ninth waits for the next round');
  assert.is(lossesOf(cluster, COUNTER.quotaLate), 1);
  assert.ok(isTaken(cluster, version(21, 1, cutS)), 'what is published after the cut is not late');
  cluster.runTo(roundBeginS + ROUND_S + 60);
  assert.ok(isTaken(cluster, version(30, 2, publishedS)), 'the next round takes it');
  assert.is(lossesOf(cluster, COUNTER.quotaLate), 1);
});

rates('SEC-5 holds: the next round takes eight again', () => {
  const cluster = flown(roundBeginS + lateFreeS + 10);
  for (let count = 0; count < lateMax; count++)
    assert.ok(isTaken(cluster, version(count, count, cutS - 20)), `version ${count}`);
  cluster.runTo(roundBeginS + ROUND_S + lateFreeS + 10);
  const taken = Array.from({ length: lateMax + 1 }, (_, count) =>
    isTaken(cluster, version(50 + count, count % OWN_SLOTS, cutS + ROUND_S - 10)),
  );
  assert.equal(taken, [...Array(lateMax).fill(true), false]);
});

rates('SEC-5 violated: in the first half of a round, versions from before its cut are not bounded', () => {
  const cluster = flown(roundBeginS + lateFreeS - 20);
  for (let count = 0; count < 2 * lateMax; count++)
    assert.ok(isTaken(cluster, version(count, count % OWN_SLOTS, cutS - 20)), `version ${count}`);
  assert.is(lossesOf(cluster, COUNTER.quotaLate), 0);
});

rates.run();

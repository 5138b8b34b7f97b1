// The judge of insiders, on hand-made traces: what it accepts, and each way in which it complains.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, KEY_EPOCH_STEP, TYPE } from '../../host/cbor/generated.ts';
import { FORGERY_S } from '../../hwsim/check/bounds.ts';
import { InsiderContained } from '../../hwsim/check/judges/insider_contained.ts';
import { JudgeHarness, nodeDown, splitInHalves } from './judge_harness.ts';

const byzantine = 3;
const id = 'SEC-5-insider-contained';

function seated() {
  const harness = new JudgeHarness(4);
  const judge = new InsiderContained(harness.seen, byzantine);
  harness.seat(judge);
  return { harness, judge, complaints: () => harness.verdict(id).violations };
}

/** Node 1 stores version 9 of node 0, which published version 1, from 1,000 s on. */
function forged() {
  const all = seated();
  all.harness.spread(100, 0, { version: 1 });
  all.harness.store(1000, 1, 0, { version: 9 });
  return all;
}

const equivocated = (harness: JudgeHarness, timeS: number, node: number, owner: number, proven: number) =>
  harness.event(timeS, node, TYPE.equivocated, owner, 0, 1, proven);

test('SEC-5-insider-contained holds: published versions are no forgeries, however old', () => {
  const { harness, judge, complaints } = seated();
  harness.spread(100, 0, { version: 1 });
  harness.publish(200, 0, { version: 2 });
  harness.store(5000, 1, 0, { version: 1 });
  harness.until(20_000);
  judge.end(20_000_000);
  assert.is(complaints(), 0);
  assert.equal([judge.outcome.forgeriesHeld, judge.outcome.forgeryLongestS], [0, 0]);
});

test('SEC-5-insider-contained holds: a forgery that is corrected within the bound is counted, and no complaint', () => {
  const { harness, judge, complaints } = forged();
  harness.store(1000 + FORGERY_S, 1, 0, { version: 1 });
  harness.until(5000);
  assert.is(complaints(), 0);
  assert.equal([judge.outcome.forgeriesHeld, judge.outcome.forgeryLongestS], [1, FORGERY_S]);
});

test('SEC-5-insider-contained violated: a forgery that stays for longer is one complaint, with node and owner', () => {
  const { harness, judge, complaints } = forged();
  harness.until(1000 + FORGERY_S);
  assert.is(complaints(), 0, 'not before the bound has passed');
  harness.until(9000);
  assert.is(complaints(), 1);
  assert.match(
    (harness.verdict(id).examples ?? []).join(' '),
    /node 1 has stored for 600 s what was forged of node 0 slot 0/,
  );
  judge.end(9_000_000);
  assert.is(judge.outcome.forgeryLongestS, 8000);
});

test('SEC-5-insider-contained holds: no forgery: an evicted version, an own one, the Byzantine node’s', () => {
  const { harness, judge, complaints } = seated();
  harness.store(1000, 1, 0, { version: 9, state: INTENT_STATE.none });
  harness.store(1000, 1, byzantine, { version: 9 });
  harness.store(1000, 1, 1, { version: 9 });
  harness.until(9000);
  assert.is(complaints(), 0);
  assert.is(judge.outcome.forgeriesHeld, 0);
});

test('SEC-5-insider-contained holds: no complaint where the owner is not heard, or after a restart', () => {
  const apart = forged();
  apart.harness.world(1001, splitInHalves);
  apart.harness.store(1002, 2, 0, { version: 9 });
  apart.harness.store(1002, 1, 0, { version: 1 });
  apart.harness.until(9000);
  assert.is(apart.complaints(), 0, 'node 2 does not hear node 0');
  const restarted = forged();
  restarted.harness.boot(1200, 1, { restored: true });
  restarted.harness.until(9000);
  assert.is(restarted.complaints(), 0);
  assert.is(restarted.judge.outcome.forgeryLongestS, 200);
  const down = forged();
  down.harness.world(1001, nodeDown(0, true));
  down.harness.until(9000);
  assert.is(down.complaints(), 0, 'a node that is down cannot object');
});

test('SEC-5-insider-contained violated: a version is forged though another intent slot has a newer one', () => {
  const { harness, complaints } = seated();
  harness.spread(100, 0, { version: 5 });
  harness.publish(110, 0, { slot: 1, version: 1 });
  harness.store(1000, 1, 0, { slot: 1, version: 3 });
  harness.until(9000);
  assert.is(complaints(), 1);
});

test('SEC-5-insider-contained holds: an owner that is heard for less than the bound cannot have objected', () => {
  const judged = (healedS: number) => {
    const { harness, complaints } = forged();
    harness.world(1001, { kind: 'partition', sets: [[0], [1, 2, 3]], disruption: null });
    harness.world(healedS, { kind: 'partition', sets: [], disruption: null });
    harness.until(9000);
    return complaints();
  };
  assert.equal([judged(1020), judged(1020.3)], [1, 0]);
});

test('SEC-5-insider-contained violated: how long the longest forgery lasted is kept', () => {
  const { harness, judge, complaints } = forged();
  harness.store(6000, 1, 0, { version: 1 });
  harness.store(7000, 1, 0, { version: 9 });
  harness.store(7100, 1, 0, { version: 1 });
  assert.equal([judge.outcome.forgeriesHeld, judge.outcome.forgeryLongestS, complaints()], [2, 5000, 1]);
});

test('SEC-5-insider-contained violated: an honest member that is taken for a proven equivocator is framed', () => {
  const { harness, judge, complaints } = seated();
  equivocated(harness, 100, 1, 0, 0);
  assert.is(complaints(), 0, 'what is not proven frames nobody');
  equivocated(harness, 200, 1, 0, 1);
  assert.is(complaints(), 1);
  assert.is(judge.outcome.framed, 1);
  assert.match((harness.verdict(id).examples ?? []).join(' '), /takes honest node 0 for a proven equivocator/);
});

test('SEC-5-insider-contained holds: a proof of the Byzantine node counts once for each member', () => {
  const { harness, judge, complaints } = seated();
  for (const [atS, node] of [
    [100, 0],
    [150, 0],
    [300, 2],
  ])
    equivocated(harness, atS, node, byzantine, 1);
  assert.equal([judge.outcome.provenTo, judge.outcome.provenFirstS, judge.outcome.provenLastS], [2, 100, 300]);
  assert.is(complaints(), 0);
});

test('SEC-5-insider-contained holds: members that use later keys are counted once', () => {
  const { harness, judge } = seated();
  const changed = (timeS: number, node: number, keyEpoch: number, step: number) =>
    harness.event(timeS, node, TYPE.keyEpochChanged, keyEpoch, step);
  changed(100, 0, 1, KEY_EPOCH_STEP.inUse);
  changed(150, 0, 2, KEY_EPOCH_STEP.known);
  assert.is(judge.outcome.rekeyed, 0, 'not in use yet');
  changed(200, 0, 2, KEY_EPOCH_STEP.inUse);
  changed(300, 0, 3, KEY_EPOCH_STEP.inUse);
  changed(400, 1, 2, KEY_EPOCH_STEP.inUse);
  assert.equal([judge.outcome.rekeyed, judge.outcome.rekeyedLastS], [2, 400]);
});

test.run();

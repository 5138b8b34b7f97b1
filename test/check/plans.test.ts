// What owners plan, and what of it still stands: the plans that all judges of intents look at.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { LEASE_S } from '../../hwsim/check/bounds.ts';
import type { Plan } from '../../hwsim/check/observe/plans.ts';
import { JudgeHarness, nodeDown, nodeUp, siteOf, type Work } from './judge_harness.ts';

const { none, planned, claimed, started, done, withdrawn } = INTENT_STATE;

/** Node 0 publishes works, one a minute from 60 s on; its plan, and what stands at a time. */
function published(...works: Work[]) {
  const harness = new JudgeHarness(2);
  for (const [index, work] of works.entries()) harness.publish(60 * (index + 1), 0, work);
  const { plans } = harness.seen;
  return {
    harness,
    plans,
    plan: () => plans.plan[0] as Plan,
    stands: (atS: number) => !!plans.standing(0, atS * 1000),
  };
}

test('a plan stands while it is planned, claimed or started, is not lost, and its end is not past', () => {
  for (const state of [planned, claimed, started])
    assert.equal([state, published({ version: 1, state }).stands(100)], [state, true]);
  for (const state of [none, done, withdrawn])
    assert.equal([state, published({ version: 1, state }).stands(100)], [state, false]);
  const ending = published({ version: 1, endS: 200 });
  assert.equal([ending.stands(199), ending.stands(200)], [true, false]);
  const lost = published({ version: 1 });
  lost.harness.lose(100, 0, 1);
  assert.is(lost.stands(100), false);
  assert.is(lost.plans.standing(8, 0), undefined, 'node 1 plans nothing');
});

test('a loss or a settlement of another version changes nothing', () => {
  const { harness, plan, stands } = published({ version: 1 }, { version: 2 });
  harness.lose(200, 0, 1);
  harness.settle(200, 0, { version: 1 });
  assert.equal([plan().lostTo, plan().settled, stands(200)], [-1, false, true]);
  harness.settle(200, 1, { version: 1 });
  harness.lose(200, 1, 0);
  harness.settle(300, 0, { version: 2, endS: 5000 });
  assert.equal([plan().settled, plan().settledMs, plan().settledEndS, plan().state], [true, 300_000, 5000, started]);
});

test('a settlement takes a loss back, and a loss a settlement', () => {
  const { harness, plan, stands } = published({ version: 1 });
  harness.settle(100, 0, { version: 1 });
  harness.lose(200, 0, 1);
  assert.equal([plan().settled, plan().lostTo, stands(200)], [false, 8, false]);
  harness.settle(300, 0, { version: 1 });
  assert.equal([plan().settled, plan().lostTo, stands(300)], [true, -1, true]);
});

/** A settled claim, and then a second version. */
function settledThen(work: Partial<Work>): Plan {
  const { harness, plan } = published({ version: 1, startS: 900 });
  harness.settle(100, 0, { version: 1, endS: 4000 });
  harness.publish(200, 0, { version: 2, startS: 900, ...work });
  return plan();
}

test('a new version of the same work stays settled up to the end that has settled', () => {
  const extended = settledThen({ endS: 9000 });
  assert.equal([extended.settled, extended.settledMs, extended.settledEndS], [true, 100_000, 4000]);
  assert.is(settledThen({ endS: 3000 }).settledEndS, 3000, 'a shorter one ends when it says');
});

test('other work, another start, and what is over or only planned must settle again', () => {
  for (const work of [{ resource: siteOf(2) }, { startS: 901 }, { state: planned }, { state: done }])
    assert.is(settledThen(work).settled, false);
  assert.is(settledThen({ resource: siteOf(2), state: started }).settledMs, 200_000, 'started work has settled');
  const { harness, plan } = published({ version: 1 });
  harness.settle(100, 0, { version: 1 });
  harness.lose(110, 0, 1);
  harness.publish(200, 0, { version: 2 });
  assert.is(plan().settled, false, 'it had lost');
});

test('a shorter version binds whoever relies on a longer one that stood', () => {
  const { plans, plan } = published({ version: 1, endS: 5000 }, { version: 2, endS: 300 });
  assert.is(plan().boundS, 5000);
  assert.equal([plans.isOver(0, 4_999_999), plans.isOver(0, 5_000_000), plans.isOver(8, 0)], [false, true, true]);
  const over = published({ version: 1, endS: 100 }, { version: 2, endS: 80 });
  assert.is(over.plan().boundS, 80, 'it was over when the next was published');
});

test('to store nothing agrees with a version that is done, withdrawn or past its end, and with no other', () => {
  const { plans } = published({ version: 1, state: withdrawn }, { version: 2, endS: 300 });
  assert.equal([plans.isForgettable(0, 1, 0), plans.isForgettable(0, 2, 299_999)], [true, false]);
  assert.equal([plans.isForgettable(0, 2, 300_000), plans.isForgettable(0, 3, 300_000)], [true, false]);
});

test('to store nothing still agrees with a version that had ended when a younger one took its place', () => {
  const { harness, plans } = published({ version: 1, endS: 300 });
  harness.publish(1000, 0, { version: 2, endS: 5000 });
  harness.publish(1060, 0, { version: 3, state: withdrawn });
  harness.publish(1120, 0, { version: 4, endS: 6000 });
  const forgettable = [1, 2, 3, 4].filter((version) => plans.isForgettable(0, version, 1_130_000));
  assert.equal(forgettable, [1, 3]);
});

test('plans are found by the group that they are on now', () => {
  const { plans } = published({ version: 1 }, { version: 2, resource: siteOf(1, 2) }, { slot: 3, version: 1 });
  assert.equal([plans.onGroup(1), plans.onGroup(2), plans.onGroup(3)], [[3], [0], []]);
});

test('work begins on a resource once, however often it is ordered, and ends by order or by the world', () => {
  const harness = new JudgeHarness(2);
  const { plans } = harness.seen;
  const order = (resource: number) => plans.command(0, Uint32Array.of(TYPE.startWork, 0, 1, resource, 100, 900));
  assert.equal([order(siteOf(1)), order(siteOf(1)), order(siteOf(2))], [siteOf(1), null, siteOf(2)]);
  assert.is(plans.runningOf(0).length, 1);
  harness.stop(100, 0);
  assert.is(plans.runningOf(0).length, 0);
  assert.is(order(siteOf(2)), siteOf(2));
  harness.world(110, { kind: 'work-ended', node: 0, slot: 1 });
  assert.is(plans.runningOf(0).length, 1, 'another intent slot');
  harness.world(110, { kind: 'work-ended', node: 0, slot: 0 });
  assert.is(plans.runningOf(0).length, 0);
  assert.is(plans.command(1, Uint32Array.of(TYPE.feedWatchdog, 1)), null);
});

test('a node that goes down or boots works on nothing', () => {
  for (const end of [
    (harness: JudgeHarness) => harness.world(200, nodeDown(0)),
    (harness: JudgeHarness) => harness.boot(200, 0, { restored: true }),
  ]) {
    const harness = new JudgeHarness(2);
    for (const node of [0, 1]) harness.start(100, node, { resource: siteOf(1 + node), untilS: 9000 });
    harness.maintain(150, 0, true);
    end(harness);
    assert.equal([harness.seen.plans.runningOf(0).length, harness.seen.plans.runningOf(1).length], [0, 1]);
  }
});

test('after a stop longer than the lease a plan binds nobody; after a shorter one, or under a lease, it does', () => {
  const stands = (stopS: number, leaseS = 0) => {
    const { harness, stands: standing } = published({ version: 1, leaseS });
    harness.world(1000, nodeDown(0));
    harness.world(1000 + stopS, nodeUp(0));
    harness.boot(1000 + stopS, 0, { restored: true });
    return standing(1000 + stopS);
  };
  assert.equal([stands(LEASE_S), stands(LEASE_S + 1)], [true, false]);
  assert.equal([stands(5000, 6001), stands(5000, 6000)], [true, false]);
});

test('a stop is as long as since the first sign of it', () => {
  const { harness, stands } = published({ version: 1 });
  harness.world(1000, nodeDown(0));
  harness.world(1000 + LEASE_S - 10, nodeDown(0));
  harness.boot(1000 + LEASE_S + 1, 0, { restored: true });
  assert.is(stands(1000 + LEASE_S + 1), false);
});

test('maintenance is work of its kind', () => {
  const harness = new JudgeHarness(2);
  harness.maintain(100, 0, true);
  assert.equal(
    harness.seen.plans.runningOf(0).map(({ kind }) => kind),
    [WORK_KIND.maintain],
  );
  const runs = (node: number, kind: number) => harness.seen.plans.runs(node, kind);
  assert.equal(
    [runs(0, WORK_KIND.maintain), runs(0, WORK_KIND.mine), runs(1, WORK_KIND.maintain)],
    [true, false, false],
  );
});

test.run();

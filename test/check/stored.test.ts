// Who stores which version: agreement on intents, criterion (a) of convergence.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE } from '../../host/cbor/generated.ts';
import { JudgeHarness, nodeDown, nodeUp, splitInHalves } from './judge_harness.ts';

const { none, planned, claimed, started, done, withdrawn } = INTENT_STATE;

function disagreements(harness: JudgeHarness, atS: number): number {
  harness.until(atS);
  return harness.seen.stored.disagreements(atS * 1000);
}

/** Node 0 publishes version 2 at 100 s; node 3 still stores version 1. */
function behind(work: { state?: number; endS?: number } = {}): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.spread(60, 0, { version: 1 });
  harness.publish(100, 0, { version: 2, ...work });
  for (const node of [1, 2]) harness.store(110, node, 0, { version: 2, ...work });
  return harness;
}

test('a member behind a version that is ten minutes old disagrees, until it stores that version', () => {
  const harness = behind();
  assert.is(disagreements(harness, 699), 0);
  assert.is(disagreements(harness, 700), 1);
  harness.store(1000, 3, 0, { version: 2 });
  assert.is(disagreements(harness, 1000), 0);
  harness.store(1100, 3, 0, { version: 2, state: none });
  assert.is(disagreements(harness, 1100), 1, 'who removed it is behind again');
});

test('a member that stores a newer version than is required is not behind', () => {
  const harness = behind();
  harness.publish(690, 0, { version: 3 });
  harness.store(691, 3, 0, { version: 3 });
  assert.is(disagreements(harness, 800), 0);
});

test('keys are counted apart', () => {
  const harness = behind();
  harness.publish(100, 0, { slot: 1, version: 1 });
  harness.publish(100, 1, { version: 1 });
  assert.is(disagreements(harness, 900), 3);
});

test('to store nothing equals a version that is done or withdrawn, or whose end is past', () => {
  for (const state of [done, withdrawn]) {
    const harness = behind({ state });
    assert.is(disagreements(harness, 900), 1);
    harness.store(901, 3, 0, { version: 1, state: none });
    assert.is(disagreements(harness, 960), 0);
  }
  const ended = behind({ endS: 2000 });
  ended.store(901, 3, 0, { version: 1, state: none });
  assert.is(disagreements(ended, 1999), 1);
  assert.is(disagreements(ended, 2000), 0);
});

test('an intent is over when no version that stood can bind anybody any more', () => {
  const harness = behind({ endS: 2000 });
  assert.is(disagreements(harness, 2000), 1, 'version 1 ran to the end of the day');
  assert.is(disagreements(harness, 86_399), 1);
  assert.is(disagreements(harness, 86_400), 0);
});

test('members that do not reach each other need not agree; in one part the newest version there counts', () => {
  const harness = new JudgeHarness(4);
  harness.spread(60, 0, { version: 1 });
  harness.world(90, splitInHalves);
  harness.publish(100, 0, { version: 2 });
  harness.store(110, 1, 0, { version: 2 });
  assert.is(disagreements(harness, 900), 0);
  harness.store(901, 2, 0, { version: 2 });
  assert.is(disagreements(harness, 960), 1, 'node 3 reaches node 2');
  harness.world(1000, nodeDown(3));
  assert.is(disagreements(harness, 1020), 0, 'who is down is behind nobody');
});

test('when a partition heals, members have the newest version of both parts to agree on', () => {
  const harness = new JudgeHarness(4);
  harness.world(90, splitInHalves);
  harness.publish(100, 0, { version: 1 });
  harness.store(110, 1, 0, { version: 1 });
  assert.is(disagreements(harness, 900), 0);
  harness.world(901, { kind: 'partition', sets: [], disruption: null });
  assert.is(disagreements(harness, 960), 1);
});

test('a member back from a contact window has ten minutes for the news; one that was silenced has not', () => {
  const back = (disruption: string | null, node = 3) => {
    const harness = new JudgeHarness(4);
    harness.spread(60, 1, { version: 1 });
    harness.world(70, { kind: 'radio-down', node, disruption });
    harness.publish(100, 1, { version: 2 });
    for (const other of [0, 2, 3]) if (other !== node) harness.store(110, other, 1, { version: 2 });
    harness.world(2000, { kind: 'radio-up', node, disruption });
    return [disagreements(harness, 2040), disagreements(harness, 2599), disagreements(harness, 2600)];
  };
  assert.equal(back(null), [0, 0, 1]);
  assert.equal(back(null, 0), [0, 0, 1]);
  assert.equal(back('storm-1'), [1, 1, 1]);
  const late = new JudgeHarness(4);
  late.spread(60, 1, { version: 1 });
  late.world(70, { kind: 'radio-down', node: 3, disruption: null });
  late.publish(100, 1, { version: 2 });
  for (const other of [0, 2]) late.store(110, other, 1, { version: 2 });
  late.world(2040.3, { kind: 'radio-up', node: 3, disruption: null });
  assert.equal([disagreements(late, 2640), disagreements(late, 2700)], [0, 1], 'ten minutes to the second');
});

test('what a member removed after its checkpoint may be back after a restart from it', () => {
  const harness = new JudgeHarness(4);
  harness.spread(60, 0, { version: 1 });
  harness.store(700, 3, 0, { version: 1, state: INTENT_STATE.none });
  assert.is(disagreements(harness, 900), 1);
  harness.boot(902, 3, { restored: true });
  assert.is(disagreements(harness, 960), 0);
  harness.store(1000, 3, 0, { version: 1, state: INTENT_STATE.none });
  assert.is(disagreements(harness, 1020), 1, 'an event counts again');
});

test('a restart without a checkpoint loses what was stored, one from a checkpoint does not', () => {
  const restarted = (restored: boolean) => {
    const harness = new JudgeHarness(4);
    harness.spread(60, 0, { version: 1 });
    assert.is(disagreements(harness, 900), 0);
    harness.world(901, nodeDown(3));
    harness.world(902, nodeUp(3));
    harness.boot(902, 3, { restored });
    return disagreements(harness, 960);
  };
  assert.is(restarted(true), 0);
  assert.is(restarted(false), 1);
  const alone = new JudgeHarness(4);
  alone.spread(60, 0, { version: 1 });
  assert.is(disagreements(alone, 900), 0);
  alone.boot(901, 3, { restored: false });
  assert.is(disagreements(alone, 960), 1, 'nothing else changed');
});

test('others store work that is planned, claimed or started; not what is over, and not out of reach', () => {
  const harness = new JudgeHarness(4);
  const { stored } = harness.seen;
  harness.publish(60, 0, { version: 1 });
  assert.is(stored.isStoredByOthers(0, -1), false, 'its owner is no other');
  for (const state of [planned, claimed, started]) {
    harness.store(60, 2, 0, { version: 1, state });
    assert.is(stored.isStoredByOthers(0, -1), true);
  }
  for (const state of [done, withdrawn, none]) {
    harness.store(60, 2, 0, { version: 1, state });
    assert.is(stored.isStoredByOthers(0, -1), false);
  }
  harness.store(60, 2, 0, { version: 1 });
  harness.world(70, splitInHalves);
  assert.equal([stored.isStoredByOthers(0, 0), stored.isStoredByOthers(0, 2)], [false, true]);
  harness.world(80, nodeDown(2));
  assert.is(stored.isStoredByOthers(0, -1), false);
});

test('a report on an owner outside the cluster changes nothing', () => {
  const harness = new JudgeHarness(4);
  harness.store(60, 1, 4, { version: 9 });
  assert.is(disagreements(harness, 900), 0);
});

test.run();

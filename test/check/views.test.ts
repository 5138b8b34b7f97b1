// What observers make of members' views: who agrees with whom, about whom.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIVENESS } from '../../host/cbor/generated.ts';
import { FACT } from '../../hwsim/check/observe/views.ts';
import { JudgeHarness, nodeDown, splitInHalves } from './judge_harness.ts';

function seen() {
  const harness = new JudgeHarness(4);
  harness.until(0);
  return { harness, views: harness.seen.views };
}

test('members agree from the start, and when all report the same', () => {
  const { harness, views } = seen();
  assert.is(views.disagreements(), 0);
  harness.view(100, [0, 1, 2], 3, LIVENESS.dead);
  assert.is(views.disagreements(), 0);
});

test('one observer that reports otherwise is a disagreement on that member, until it reports the same', () => {
  const { harness, views } = seen();
  harness.view(100, [0], 3, LIVENESS.dead);
  assert.is(views.disagreements(), 1);
  harness.view(200, [1], 2, LIVENESS.unreachable);
  assert.is(views.disagreements(), 2);
  harness.view(300, [1, 2], 3, LIVENESS.dead);
  assert.is(views.disagreements(), 1);
  harness.view(400, [1], 2, LIVENESS.alive);
  assert.is(views.disagreements(), 0);
});

test('dead and unreachable differ; suspicion is not yet a fact', () => {
  const { harness, views } = seen();
  harness.view(100, [0], 3, LIVENESS.suspect);
  assert.is(views.disagreements(), 0);
  assert.is(views.isAbsent(0, 3), false);
  harness.view(200, [0], 3, LIVENESS.dead);
  harness.view(200, [1, 2], 3, LIVENESS.unreachable);
  assert.is(views.disagreements(), 1);
  assert.ok(views.isAbsent(0, 3) && views.isAbsent(1, 3));
  assert.ok(views.isEitherAbsent(3, 0) && !views.isEitherAbsent(0, 1));
});

test('halves that do not hear each other may disagree, members of one half may not', () => {
  const { harness, views } = seen();
  harness.world(50, splitInHalves);
  harness.view(100, [0, 1], 2, LIVENESS.dead);
  assert.is(views.disagreements(), 0, 'node 3, which hears node 2, is in the other half');
  harness.world(150, { kind: 'partition', sets: [], disruption: null });
  assert.is(views.disagreements(), 1, 'now they hear each other');
  harness.world(160, splitInHalves);
  harness.view(200, [0], 3, LIVENESS.dead);
  assert.is(views.disagreements(), 1);
});

test('what a member thinks of itself, and what a node thinks that is down, do not count', () => {
  const { harness, views } = seen();
  harness.view(100, [3], 3, LIVENESS.dead);
  assert.is(views.disagreements(), 0);
  harness.world(150, nodeDown(2, true));
  harness.view(200, [0, 1, 3], 2, LIVENESS.dead);
  assert.is(views.disagreements(), 0);
});

test('a node that restarted has reported nothing: from a checkpoint it neither agrees nor disagrees', () => {
  const { harness, views } = seen();
  harness.view(100, [0, 1, 2], 3, LIVENESS.dead);
  views.restored(2);
  assert.is(views.fact(2, 3), FACT.UNREPORTED);
  assert.is(views.disagreements(), 0);
  views.forget(2);
  assert.is(views.fact(2, 3), FACT.PRESENT);
  assert.is(views.disagreements(), 1, 'without one it knows of no death');
});

test.run();

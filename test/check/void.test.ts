// Which changes of the world count as the effect of a disruption.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DisruptionFact, WorldChange } from '../../hwsim/kernel/trace.ts';
import { JudgeHarness, nodeDown } from './judge_harness.ts';

const id = 'd-1';

/** Returns whether a disruption that makes `changes` is void, after the changes `before` it. */
function isVoid(kind: string, changes: WorldChange[], before: WorldChange[] = []): boolean {
  const harness = new JudgeHarness(4);
  for (const change of before) harness.world(60, change);
  const [nodes, groups] = [[3], []];
  const fact: DisruptionFact = { id, kind, class: 'node', onsetS: 120, healedS: null, nodes, groups, detail: '' };
  harness.world(120, { kind: 'disruption', id, disruption: fact });
  for (const change of changes) harness.world(120, change);
  return harness.recovery.isVoid(harness.recovery.cases[0]);
}

const dead = nodeDown(3, true, null);
const off = nodeDown(3, false, null);
const radioDown: WorldChange = { kind: 'radio-down', node: 3, disruption: id };
const emptied = (disruption: string | null): WorldChange => ({
  ...{ kind: 'group-capacity', group: 1, capacityKgPerDay: 0, stockKg: 0, disruption },
});
const lost = (disruption: string): WorldChange => ({ kind: 'unit', group: 2, unit: 1, usable: false, disruption });
const split = (...sets: number[][]): WorldChange => ({ kind: 'partition', sets, disruption: id });

test('a death affects a node that lives or is only down, and none that is dead', () => {
  assert.not(isVoid('node-death', [nodeDown(3, true, id)]));
  assert.not(isVoid('node-death', [nodeDown(3, true, id)], [off]));
  assert.ok(isVoid('node-death', [nodeDown(3, true, id)], [dead]));
  assert.ok(isVoid('node-death', []));
});

test('a reset or a hang needs a node that lives', () => {
  assert.not(isVoid('reset', []));
  assert.not(isVoid('reset', [], [off]));
  assert.ok(isVoid('reset', [], [dead]));
  assert.not(isVoid('hung-task', []));
  assert.ok(isVoid('hung-task', [], [off]));
  assert.not(isVoid('hung-runtime', [nodeDown(3, false, id)]));
  assert.ok(isVoid('hung-runtime', [], [dead]));
});

test('a lot is emptied once, a tug is lost once', () => {
  assert.not(isVoid('lot-depleted', [emptied(id)]));
  assert.ok(isVoid('lot-depleted', [emptied(id)], [emptied(null)]));
  assert.not(isVoid('tug-lost', [lost(id)]));
  assert.ok(isVoid('tug-lost', [lost(id)], [lost('d-0')]));
  assert.not(isVoid('tug-lost', [lost(id)], [{ ...lost('d-0'), group: 1 } as WorldChange]), 'a unit of another group');
  assert.not(isVoid('tug-lost', [lost(id)], [{ ...lost('d-0'), unit: 2 } as WorldChange]), 'another unit');
});

test('a partition needs live members on two sides, a silence a live member', () => {
  assert.not(isVoid('occultation', [split([0, 1, 2], [3])]));
  assert.ok(isVoid('occultation', [split()]));
  assert.ok(isVoid('occultation', [split([0, 1, 2], [3])], [dead]));
  assert.not(isVoid('storm', [radioDown]));
  assert.ok(isVoid('storm', [radioDown], [dead]));
});

test.run();

// When a disruption counts as detected, and what binds it: criterion (c) of convergence.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, LIVENESS, SLA_CLASS, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { ONSET_DATED_S } from '../../hwsim/check/bounds.ts';
import { OnboardReports } from '../../hwsim/check/convergence/onboard_reports.ts';
import type { DisruptionFact } from '../../hwsim/kernel/trace.ts';
import { deathOf, JudgeHarness, nodeDown, nodeUp, siteOf, splitInHalves } from './judge_harness.ts';

const hour = 3600;
const id = 'd-1';

/** Adds a disruption of class node from one hour on. */
function disrupt(harness: JudgeHarness, changes: Partial<DisruptionFact>): void {
  const base = { id, kind: 'reset', class: 'node', onsetS: hour, healedS: null, nodes: [], groups: [], detail: '' };
  const disruption = { ...base, ...changes } as DisruptionFact;
  harness.world(hour, { kind: 'disruption', id: disruption.id, disruption });
}

/** Seconds after the onset at which case `index` was detected; null = not yet. */
function detectedS(harness: JudgeHarness, atS: number, index = 0): number | null {
  harness.until(atS);
  const { detectedMs, onsetS } = harness.recovery.cases[index];
  return detectedMs === null ? null : detectedMs / 1000 - onsetS;
}

/** Whether nothing of the disruption was left over at a minute. */
function clearAt(harness: JudgeHarness, atS: number, index = 0): boolean {
  harness.until(atS);
  const { clear, firstMinute } = harness.recovery.cases[index];
  return clear[Math.floor(atS / 60) - firstMinute] === 1;
}

test('a reset is detected when every other member of the majority has reported on the node', () => {
  const harness = new JudgeHarness(4);
  disrupt(harness, { nodes: [3] });
  harness.view(hour + 100, [0, 1], 3, LIVENESS.suspect);
  harness.view(hour + 150, [2], 1, LIVENESS.suspect);
  assert.is(detectedS(harness, hour + 180), null, 'node 2 has reported on another');
  harness.event(hour + 200, 2, TYPE.onset, SLA_CLASS.node, hour, 3);
  assert.is(detectedS(harness, hour + 240), 200);
});

test('a first report counts: later ones do not move the time of detection', () => {
  const harness = new JudgeHarness(4);
  disrupt(harness, { nodes: [3] });
  harness.view(hour + 100, [0, 1, 2], 3, LIVENESS.suspect);
  harness.view(hour + 110, [0, 1, 2], 3, LIVENESS.alive);
  assert.is(detectedS(harness, hour + 120), 100);
  harness.view(hour + 400, [0, 1, 2], 3, LIVENESS.dead);
  assert.is(detectedS(harness, hour + 600), 100);
});

test('a report before the onset, and a reset reported on only after its SLA, detect nothing', () => {
  const early = new JudgeHarness(4);
  early.view(hour - 100, [0, 1, 2], 3, LIVENESS.suspect);
  disrupt(early, { nodes: [3] });
  assert.is(detectedS(early, 3 * hour), null);
  const late = new JudgeHarness(4);
  disrupt(late, { nodes: [3] });
  late.view(2 * hour + 1, [0, 1, 2], 3, LIVENESS.suspect);
  assert.is(detectedS(late, 3 * hour), null);
  const lot = new JudgeHarness(4);
  disrupt(lot, { kind: 'lot-depleted', groups: [1] });
  for (const node of [0, 1, 2, 3]) lot.event(2 * hour + 1, node, TYPE.noticedResource, 1, 0, 0, 2 * hour);
  assert.is(detectedS(lot, 3 * hour), hour + 1, 'a lost lot stays lost');
  const death = new JudgeHarness(4);
  death.world(hour, nodeDown(3, true, 'node-death-3'));
  death.world(hour, deathOf(3, hour));
  death.view(2 * hour + 1, [0, 1, 2], 3, LIVENESS.dead);
  assert.is(detectedS(death, 3 * hour), hour + 1, 'a death leaves a mark');
});

test('a death is detected when the last member of the majority takes the node for absent', () => {
  const harness = new JudgeHarness(4);
  harness.world(hour, nodeDown(3, true, 'node-death-3'));
  harness.world(hour, deathOf(3, hour));
  harness.view(hour + 900, [0, 1], 3, LIVENESS.dead);
  harness.view(hour + 900, [2], 3, LIVENESS.suspect);
  assert.is(detectedS(harness, hour + 960), null, 'suspicion is not yet a fact');
  harness.boot(hour + 970, 2, { restored: true });
  assert.is(detectedS(harness, hour + 1020), null, 'a restored view says nothing');
  harness.view(hour + 1100, [2], 3, LIVENESS.unreachable);
  assert.is(detectedS(harness, hour + 1140), 1100);
});

test('a member outside the majority, or that is down, need not know', () => {
  const harness = new JudgeHarness(5);
  harness.world(60, { kind: 'partition', sets: [[0, 1, 2, 4], [3]], disruption: null });
  harness.world(60, nodeDown(2));
  disrupt(harness, { nodes: [4] });
  harness.view(hour + 100, [0, 1], 4, LIVENESS.suspect);
  assert.is(detectedS(harness, hour + 120), 100);
});

test('a lost lot is detected when all have a notice of its group', () => {
  const harness = new JudgeHarness(4);
  disrupt(harness, { kind: 'lot-depleted', groups: [1] });
  const notice = (timeS: number, nodes: number[], group: number) => {
    for (const node of nodes) harness.event(timeS, node, TYPE.noticedResource, group, 0, 0, timeS);
  };
  notice(hour + 50, [0, 1, 2], 1);
  notice(hour + 50, [3], 2);
  assert.is(detectedS(harness, hour + 60), null);
  notice(hour + 70, [3], 1);
  assert.is(detectedS(harness, hour + 120), 70);
});

test('a hung task is detected by its own node, when it escalates or boots', () => {
  for (const report of [
    (harness: JudgeHarness, node: number) => harness.escalate(hour + 100 + node, node, 1),
    (harness: JudgeHarness, node: number) => harness.boot(hour + 100 + node, node, { restored: true }),
  ]) {
    const harness = new JudgeHarness(4);
    disrupt(harness, { kind: 'hung-task', nodes: [3] });
    report(harness, 1);
    assert.is(detectedS(harness, hour + 120), null, 'another node is not concerned');
    report(harness, 3);
    assert.is(detectedS(harness, hour + 180), 103);
  }
  const reset = new JudgeHarness(4);
  disrupt(reset, { nodes: [3] });
  for (const node of [0, 1, 2, 3]) reset.boot(hour + 100, node, { restored: true });
  assert.is(detectedS(reset, hour + 180), null, 'no boot reports a reset');
});

/** From one hour on, nodes 0 and 1 do not reach nodes 2 and 3, for an hour. */
function split(): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.world(hour, { ...splitInHalves, disruption: id } as typeof splitInHalves);
  disrupt(harness, { kind: 'occultation', class: 'cluster', healedS: 2 * hour, nodes: [2, 3] });
  return harness;
}

test('a split is detected when each side takes all of the other for absent', () => {
  const harness = split();
  harness.view(hour + 900, [0, 1], 2, LIVENESS.unreachable);
  harness.view(hour + 900, [0], 3, LIVENESS.unreachable);
  harness.view(hour + 910, [2, 3], 0, LIVENESS.unreachable);
  harness.view(hour + 910, [2, 3], 1, LIVENESS.unreachable);
  assert.is(detectedS(harness, hour + 960), null, 'node 1 takes node 3 for present');
  assert.is(clearAt(harness, hour + 960), false);
  harness.view(hour + 1000, [1], 3, LIVENESS.dead);
  assert.is(detectedS(harness, hour + 1020), 1000);
  assert.is(clearAt(harness, hour + 1020), true);
});

test('a member in a contact window need not know of a split, nor be known to be absent', () => {
  const harness = split();
  harness.world(hour + 10, { kind: 'radio-down', node: 3, disruption: null });
  harness.view(hour + 900, [0, 1], 2, LIVENESS.unreachable);
  harness.view(hour + 910, [2], 0, LIVENESS.unreachable);
  harness.view(hour + 920, [2], 1, LIVENESS.unreachable);
  assert.is(detectedS(harness, hour + 960), 920);
});

test('who of one side cannot be heard for another reason is not part of a split', () => {
  const harness = split();
  harness.world(hour + 10, { kind: 'radio-down', node: 1, disruption: 'other' });
  for (const member of [2, 3]) harness.view(hour + 900, [0, 1], member, LIVENESS.unreachable);
  for (const member of [0, 1]) harness.view(hour + 910, [2, 3], member, LIVENESS.unreachable);
  assert.is(detectedS(harness, hour + 960), 910, 'nodes 0 and 1 need not take each other for absent');
});

test('a merge is detected when all that reach each other again take each other for present', () => {
  const harness = split();
  for (const [side, other] of [
    [
      [0, 1],
      [2, 3],
    ],
    [
      [2, 3],
      [0, 1],
    ],
  ])
    for (const member of other) harness.view(hour + 900, side, member, LIVENESS.unreachable);
  harness.world(2 * hour, { kind: 'partition', sets: [], disruption: null });
  assert.equal([harness.recovery.cases[1].id, harness.recovery.cases[1].onsetS], [`${id}/merge`, 2 * hour]);
  assert.is(clearAt(harness, 2 * hour + 60, 1), false, 'they take each other for unreachable');
  for (const member of [2, 3]) harness.view(2 * hour + 100, [0, 1], member, LIVENESS.alive);
  harness.view(2 * hour + 110, [2, 3], 0, LIVENESS.alive);
  harness.view(2 * hour + 110, [2], 1, LIVENESS.alive);
  assert.is(detectedS(harness, 2 * hour + 120, 1), null);
  harness.view(2 * hour + 200, [3], 1, LIVENESS.alive);
  assert.is(detectedS(harness, 2 * hour + 240, 1), 200);
  assert.is(clearAt(harness, 2 * hour + 240, 1), true);
});

test('a disruption without an end is one case, and so is one that does not divide the cluster', () => {
  for (const fact of [{ kind: 'occultation' }, { kind: 'reset', healedS: 2 * hour }]) {
    const harness = new JudgeHarness(4);
    disrupt(harness, { ...fact, nodes: [3] });
    assert.equal(
      harness.recovery.cases.map(({ part }) => part),
      ['whole'],
    );
  }
});

test('affected groups: those named, and those that the affected nodes work at the onset', () => {
  const harness = new JudgeHarness(4);
  harness.spread(60, 3, { version: 1, state: INTENT_STATE.started });
  disrupt(harness, { nodes: [3], groups: [2] });
  assert.equal(harness.recovery.cases[0].touched, [1, 2]);
  const touched = (work: { slot?: number; state?: number; endS?: number }) => {
    const planning = new JudgeHarness(4);
    planning.spread(60, 3, { version: 1, ...work });
    disrupt(planning, { nodes: [3] });
    return planning.recovery.cases[0].touched;
  };
  assert.equal(touched({ state: INTENT_STATE.planned }), []);
  assert.equal(touched({ slot: 3 }), [1], 'in any intent slot');
  assert.equal(touched({ endS: hour }), [], 'it is over');
  assert.equal(touched({ endS: hour + 1 }), [1]);
});

test('a merge affects the groups that are worked when the path is restored', () => {
  const harness = split();
  harness.publish(hour + 900, 2, { version: 1, resource: siteOf(1, 2) });
  harness.world(2 * hour + 60, { kind: 'partition', sets: [], disruption: null });
  harness.until(2 * hour + 120);
  assert.equal(
    harness.recovery.cases.map(({ touched }) => touched),
    [[], [2]],
  );
});

test('a dead member’s work is left over while a member of the majority stores it as valid', () => {
  const dead = (stored: (harness: JudgeHarness) => void) => {
    const harness = new JudgeHarness(5);
    harness.spread(60, 3, { version: 1, state: INTENT_STATE.started });
    harness.world(70, { kind: 'partition', sets: [[0, 1, 2, 3], [4]], disruption: null });
    harness.world(hour, nodeDown(3, true, 'node-death-3'));
    harness.world(hour, deathOf(3, hour));
    harness.view(hour + 900, [0, 1, 2], 3, LIVENESS.dead);
    stored(harness);
    return clearAt(harness, hour + 960);
  };
  assert.is(
    dead(() => {}),
    false,
  );
  assert.is(
    dead((harness) => harness.evict(hour + 900, [0, 1], 3)),
    false,
  );
  assert.is(
    dead((harness) => harness.evict(hour + 900, [0, 1, 2], 3)),
    true,
    'node 4 is not of the majority',
  );
});

test('a dead member is left over while one of the majority takes it for present', () => {
  const harness = new JudgeHarness(4);
  harness.world(hour, nodeDown(3, true, 'node-death-3'));
  harness.world(hour, deathOf(3, hour));
  harness.view(hour + 900, [0, 1], 3, LIVENESS.dead);
  assert.is(clearAt(harness, hour + 960), false);
  harness.view(hour + 970, [2], 3, LIVENESS.dead);
  assert.is(clearAt(harness, hour + 1020), true);
});

test('an affected live member is left over while it and a member in reach do not take each other for present', () => {
  const harness = new JudgeHarness(4);
  disrupt(harness, { nodes: [3] });
  assert.is(clearAt(harness, hour + 60), true);
  harness.view(hour + 100, [2], 3, LIVENESS.unreachable);
  assert.is(clearAt(harness, hour + 120), false);
  harness.view(hour + 130, [2], 3, LIVENESS.alive);
  harness.view(hour + 130, [3], 0, LIVENESS.dead);
  assert.is(clearAt(harness, hour + 180), false);
  harness.world(hour + 190, nodeDown(3));
  assert.is(clearAt(harness, hour + 240), true, 'while it is down nobody reaches it');
  harness.world(hour + 250, nodeUp(3));
  assert.is(clearAt(harness, hour + 300), false);
});

test('what an affected member thinks of itself is not left over', () => {
  const harness = new JudgeHarness(4);
  disrupt(harness, { nodes: [3] });
  harness.view(hour + 70, [3], 3, LIVENESS.dead);
  assert.is(clearAt(harness, hour + 120), true);
});

test('a destroyed unit or lot is left over while a live owner plans on it', () => {
  const planned = (unit: number, resource: number) => {
    const harness = new JudgeHarness(4);
    harness.spread(60, 0, { version: 1, resource });
    harness.spread(60, 1, { version: 1, resource: siteOf(1, 2) });
    if (unit === 0)
      harness.world(hour, { kind: 'group-capacity', group: 1, capacityKgPerDay: 0, stockKg: 0, disruption: id });
    else harness.world(hour, { kind: 'unit', group: 1, unit, usable: false, disruption: id });
    disrupt(harness, { kind: 'lot-depleted', groups: [1] });
    return harness;
  };
  assert.is(clearAt(planned(0, siteOf(2)), hour + 60), false);
  assert.is(clearAt(planned(2, siteOf(2)), hour + 60), false);
  assert.is(clearAt(planned(3, siteOf(2)), hour + 60), true, 'another unit');
  const withdrawn = planned(2, siteOf(2));
  withdrawn.publish(hour + 70, 0, { version: 2, resource: siteOf(2), state: INTENT_STATE.withdrawn });
  assert.is(clearAt(withdrawn, hour + 120), true);
  const dead = planned(2, siteOf(2));
  dead.world(hour + 70, nodeDown(0, true));
  assert.is(clearAt(dead, hour + 120), true, 'the dead plan nothing');
});

test('CVG-2 holds: only a node itself knows of its hung task: its own report counts there, and nowhere else', () => {
  const nearest = (kind: string) => {
    const harness = new JudgeHarness(4);
    const onboard = new OnboardReports(harness.seen);
    disrupt(harness, { kind, nodes: [3] });
    for (const node of [2, 3])
      onboard.event(0, node, Uint32Array.from([TYPE.converged, SLA_CLASS.node, hour + 10 * node, hour + 900]));
    return onboard.nearest(harness.recovery.cases[0])?.node;
  };
  assert.is(nearest('hung-task'), 3);
  assert.is(nearest('reset'), undefined);
});

test('CVG-2 holds: of reports on onsets equally far the earlier counts, and none that ends long before', () => {
  const harness = new JudgeHarness(4);
  const onboard = new OnboardReports(harness.seen);
  disrupt(harness, { nodes: [3] });
  const report = (onsetS: number, convergedS: number) =>
    onboard.event(0, 0, Uint32Array.from([TYPE.converged, SLA_CLASS.cluster, onsetS, convergedS]));
  const [entry] = harness.recovery.cases;
  report(hour - ONSET_DATED_S - 10, hour - ONSET_DATED_S - 1);
  assert.is(onboard.nearest(entry), null);
  report(hour + 1800, hour + 5000);
  const found = onboard.nearest(entry);
  assert.equal(
    { ...found, phases: null },
    { phases: null, node: 0, class: 'cluster', onsetS: hour + 1800, convergedS: hour + 5000 },
  );
  report(hour - 20, hour + 300);
  report(hour + 20, hour + 400);
  assert.is(onboard.nearest(entry)?.convergedS, hour + 300);
});

test('maintenance is no work: it neither affects a lot nor is it left over', () => {
  const harness = new JudgeHarness(4);
  const maintenance = [7, 1, WORK_KIND.maintain, siteOf(1), 0, 86_400, 0, 1, INTENT_STATE.started, 0, 0, 0];
  harness.event(60, 3, TYPE.published, ...maintenance);
  for (const node of [0, 1, 2]) harness.store(60, node, 3, { slot: 7, version: 1, state: INTENT_STATE.started });
  harness.world(hour, nodeDown(3, true, 'node-death-3'));
  harness.world(hour, deathOf(3, hour));
  harness.view(hour + 900, [0, 1, 2], 3, LIVENESS.dead);
  assert.equal(harness.recovery.cases[0].touched, []);
  assert.is(clearAt(harness, hour + 960), true);
});

test.run();

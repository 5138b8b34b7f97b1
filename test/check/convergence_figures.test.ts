// Phases of a convergence, alarms and lapsed leases on hand-made traces.
import { SLA_CLASS, TYPE } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_S } from '../../hwsim/check/bounds.ts';
import type { Outcome } from '../../hwsim/check/convergence/convergence.ts';
import { OnboardAlarms } from '../../hwsim/check/convergence/onboard_alarms.ts';
import { phasesOf } from '../../hwsim/check/convergence/phases.ts';
import { LapsedLeases } from '../../hwsim/check/lapsed_leases.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { JudgeHarness, nodeDown, nodeUp, siteOf, splitInHalves } from './judge_harness.ts';

const outcome = (changes: Partial<Outcome>): Outcome => ({
  ...{ id: 'node-death-1', kind: 'node-death', class: 'node', onsetS: 1000, detectedS: 1300, convergedS: 2200 },
  ...{
    onboardConvergedS: null,
    onboardPhases: null,
    slaS: 3600,
    sla: 'kept',
    lostKg: 0,
    touchedGroups: [],
    missing: [],
    detail: '',
  },
  heldUp: { views: [], conflicts: [], bindings: [], production: [] },
  ...changes,
});

test('phases follow each other and sum to the whole, and what ends before the phase ahead takes no time', () => {
  const heldUp = {
    views: [
      [1020, 1100],
      [1380, 1500],
    ],
    bindings: [[1020, 1800]],
    conflicts: [[1380, 1700]],
    production: [[1020, 2200]],
  } satisfies Outcome['heldUp'];
  assert.equal(phasesOf(outcome({ heldUp })), { detect: 300, agree: 200, lease: 300, claim: 0, resume: 400 });
  const late = outcome({ detectedS: 4000, convergedS: 1100 });
  assert.equal(phasesOf(late), { detect: 100, agree: 0, lease: 0, claim: 0, resume: 0 });
  assert.is(phasesOf(outcome({ convergedS: null })), null);
});

/** Lets nodes raise alarms, and compares them with outcomes. */
function compared(alarms: readonly { atS: number; node: number; onsetS: number }[], outcomes: readonly Outcome[]) {
  const harness = new JudgeHarness(4);
  const judge = new OnboardAlarms(harness.seen);
  for (const { atS, node, onsetS } of alarms)
    judge.event(atS * 1000, node, Uint32Array.from([TYPE.alarmed, SLA_CLASS.node, onsetS, atS - onsetS]));
  return judge.compared(outcomes);
}

test('CVG-4 holds: an alarm of the coordinator before the SLA ends announces its breach', () => {
  const breached = outcome({ sla: 'breached' });
  const announced = compared([{ atS: 3700, node: 0, onsetS: 1100 }], [breached]);
  assert.equal(announced, { breaches: 1, announced: 1, falseAlarms: 0 });
  const open = compared([{ atS: 3700, node: 0, onsetS: 1100 }], [outcome({ sla: 'not measured' })]);
  assert.equal(open, { breaches: 0, announced: 0, falseAlarms: 0 });
});

test('CVG-4 violated: alarms after the SLA, of another member, of another onset or about a kept SLA', () => {
  const breached = outcome({ sla: 'breached' });
  const late = compared([{ atS: 4601, node: 0, onsetS: 1100 }], [breached]);
  assert.equal(late, { breaches: 1, announced: 0, falseAlarms: 0 });
  const another = compared([{ atS: 3700, node: 1, onsetS: 1100 }], [breached]);
  assert.equal(another, { breaches: 1, announced: 0, falseAlarms: 0 });
  const elsewhere = compared([{ atS: 3700, node: 0, onsetS: 2801 }], [breached]);
  assert.equal(elsewhere, { breaches: 1, announced: 0, falseAlarms: 1 });
  assert.is(compared([{ atS: 3700, node: 0, onsetS: 1100 }], [outcome({})]).falseAlarms, 1);
});

const lapseS = 2 * LEASE_S;

/**
 * Lets node 0 work on a claim of a day under a lease that ends at `lapseS`, and stop at `stopS`;
 * returns how many leases lapsed.
 */
function lapsesOf(stopS: number, changes: readonly [timeS: number, change: WorldChange][] = [], endS = 86_400): number {
  const harness = new JudgeHarness(4);
  const judge = new LapsedLeases(harness.seen);
  harness.publish(60, 0, { version: 1, endS });
  harness.settle(60, 0, { version: 1, endS });
  judge.command(60_000, 0, Uint32Array.from([TYPE.startWork, 0, 1, siteOf(1), 100, lapseS]));
  for (const [timeS, change] of changes) {
    harness.world(timeS, change);
    judge.world(timeS * 1000, change);
  }
  for (const slot of [0, 0]) judge.command(stopS * 1000, 0, Uint32Array.from([TYPE.stopWork, slot]));
  return judge.count;
}

test('a lease lapses when it ends the work of a member that reached a majority for as long as a lease', () => {
  assert.is(lapsesOf(lapseS), 1);
  const ended: WorldChange = { kind: 'work-ended', node: 0, slot: 0 };
  assert.is(lapsesOf(lapseS + 1, [[lapseS, ended]]), 1, 'the platform stopped it at the end that it was given');
  assert.is(
    lapsesOf(lapseS, [
      [lapseS - LEASE_S, splitInHalves],
      [lapseS - LEASE_S, { kind: 'partition', sets: [], disruption: null }],
    ]),
    1,
  );
});

test('a member whose work ends in two intent slots counts once, and again after it worked again', () => {
  const harness = new JudgeHarness(4);
  const judge = new LapsedLeases(harness.seen);
  const order = (timeS: number, fields: number[]) => judge.command(timeS * 1000, 0, Uint32Array.from(fields));
  for (const slot of [0, 1]) {
    harness.publish(60, 0, { slot, version: 1, resource: siteOf(slot + 1) });
    order(60, [TYPE.startWork, slot, 1, siteOf(slot + 1), 100, lapseS]);
  }
  for (const slot of [0, 1]) harness.event(61, 0, TYPE.settled, slot, 1, 0, 86_400, 100);
  for (const slot of [0, 1]) order(lapseS, [TYPE.stopWork, slot]);
  assert.is(judge.count, 1);
  order(lapseS + 60, [TYPE.startWork, 0, 1, siteOf(1), 100, 2 * lapseS]);
  order(2 * lapseS, [TYPE.stopWork, 0]);
  assert.is(judge.count, 2);
});

test('no lease lapses: stopped for another reason, at the claim’s end, without a path, or after a stop', () => {
  assert.is(lapsesOf(lapseS - 1), 0, 'before its lease ended');
  assert.is(lapsesOf(lapseS, [], lapseS + 60), 0, 'at the end of its claim');
  assert.is(lapsesOf(lapseS, [[lapseS - 60, splitInHalves]]), 0, 'half is no majority');
  const away: WorldChange = { kind: 'radio-down', node: 0, disruption: null };
  const back: WorldChange = { kind: 'radio-up', node: 0, disruption: null };
  assert.is(
    lapsesOf(lapseS, [
      [lapseS - LEASE_S, away],
      [lapseS - LEASE_S + 1, back],
    ]),
    0,
    'away for a second',
  );
  assert.is(
    lapsesOf(lapseS, [
      [100, nodeDown(0)],
      [200, nodeUp(0)],
    ]),
    0,
    'it restarted',
  );
});

test.run();

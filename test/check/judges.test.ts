// The judges of liveness and recovery on hand-made traces: what each accepts, and each complaint.
import { BOOT_CAUSE, LIVENESS, RECOVERY_LEVEL, TYPE } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Outcome } from '../../hwsim/check/convergence/convergence.ts';
import { boardsDecideAlike } from '../../hwsim/check/judges/boards_decide_alike.ts';
import { EscalationOrder } from '../../hwsim/check/judges/escalation_order.ts';
import { FalseDeaths } from '../../hwsim/check/judges/false_deaths.ts';
import { livenessAfterHealing } from '../../hwsim/check/judges/liveness.ts';
import { noTrap } from '../../hwsim/check/judges/no_trap.ts';
import { WatchdogWindow } from '../../hwsim/check/judges/watchdog_window.ts';
import type { DisruptionFact } from '../../hwsim/kernel/trace.ts';
import { JudgeHarness, nodeDown, nodeUp, splitInHalves } from './judge_harness.ts';

const hour = 3600;
const bounds = { feedMsMin: 30_000, feedMsMax: 900_000, resetsMax: 3 };

function seated(): JudgeHarness {
  const harness = new JudgeHarness(4);
  const { seen } = harness;
  return harness.seat(new FalseDeaths(seen), new WatchdogWindow(seen, bounds), new EscalationOrder(seen, bounds));
}

test('MBR-1-false-deaths holds: a node that is down, or behind an occultation, is not falsely declared dead', () => {
  const harness = seated();
  harness.world(1000, nodeDown(3, true));
  harness.world(1000, splitInHalves);
  harness.view(1900, [0, 1], 3, LIVENESS.dead);
  harness.view(1900, [0, 1], 2, LIVENESS.dead);
  assert.ok(harness.verdict('MBR-1-false-deaths').ok);
});

test('MBR-1-false-deaths holds: a node that is down by now, itself, or reached for half of the suspicion only', () => {
  const down = seated();
  down.world(1000, nodeDown(3));
  down.view(1100, [0], 3, LIVENESS.dead);
  down.view(1100, [1], 1, LIVENESS.dead);
  assert.ok(down.verdict('MBR-1-false-deaths').ok);
  const silenced = seated();
  silenced.world(1000, { kind: 'radio-down', node: 3, disruption: null });
  silenced.view(1450, [0], 3, LIVENESS.dead);
  assert.ok(silenced.verdict('MBR-1-false-deaths').ok);
  silenced.world(1460, nodeDown(2));
  silenced.view(1460, [2], 1, LIVENESS.dead);
  assert.ok(silenced.verdict('MBR-1-false-deaths').ok, 'who is down declares nobody dead');
});

test('MBR-1-false-deaths violated: a live member in reach is declared dead; one episode counts once', () => {
  const harness = seated();
  harness.view(1900, [0, 1], 3, LIVENESS.dead);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 1);
  harness.view(2000, [0, 1], 3, LIVENESS.alive);
  harness.view(5000, [1], 3, LIVENESS.dead);
  assert.is(harness.verdict('MBR-1-false-deaths').violations, 2);
  const silenced = seated();
  silenced.world(1000, { kind: 'radio-down', node: 3, disruption: null });
  silenced.view(1440, [0], 3, LIVENESS.dead);
  assert.is(silenced.verdict('MBR-1-false-deaths').violations, 1, 'in reach for 460 of the last 900 s');
});

test('WDG-1-window holds: feeds are within the window, and a gap over a restart may have any length', () => {
  const harness = seated();
  for (const timeS of [100, 130, 1030]) harness.feed(timeS, 0);
  harness.boot(1031, 0, { restored: true });
  harness.feed(1040, 0);
  assert.ok(harness.verdict('WDG-1-window').ok);
});

test('WDG-1-window violated: a feed comes before the window opens', () => {
  const harness = seated();
  for (const timeS of [100, 129]) harness.feed(timeS, 0);
  const { violations, examples } = harness.verdict('WDG-1-window');
  assert.is(violations, 1);
  const atOnce = seated();
  for (const timeS of [0, 29]) atOnce.feed(timeS, 0);
  assert.is(atOnce.verdict('WDG-1-window').violations, 1, 'the first feed counts, too');
  assert.match(examples[0], /29000 ms after the last time, early: not before 30000 ms/);
});

test('WDG-1-window violated: a feed comes after the window closed, without a reset before it', () => {
  const harness = seated();
  for (const timeS of [100, 1001]) harness.feed(timeS, 0);
  const { violations, examples } = harness.verdict('WDG-1-window');
  assert.is(violations, 1);
  assert.match(examples[0], /901000 ms after the last time, late: not after 900000 ms/);
});

test('WDG-1-window holds: safe mode and a node that was down begin a window of their own', () => {
  const harness = seated();
  for (const node of [0, 1]) harness.feed(100, node);
  harness.command(110, 0, TYPE.safeMode, 1);
  harness.world(110, nodeDown(1));
  harness.world(111, nodeUp(1));
  for (const node of [0, 1]) harness.feed(120, node);
  assert.ok(harness.verdict('WDG-1-window').ok);
});

test('WDG-2-ladder holds: escalation goes level by level, and begins at the lowest again after a calm hour', () => {
  const harness = seated();
  for (let level = 1; level <= 5; level++) harness.escalate(100 + level, 0, level);
  harness.escalate(9000, 0, 1);
  harness.orderReset(9001, 0, 3);
  assert.ok(harness.verdict('WDG-2-ladder').ok);
});

test('WDG-2-ladder holds: a ladder may begin with a runtime restart, and after a watchdog’s reset above it', () => {
  const harness = seated();
  harness.escalate(100, 0, RECOVERY_LEVEL.runtimeRestart);
  harness.boot(200, 1, { cause: BOOT_CAUSE.watchdog, restored: true });
  harness.escalate(300, 1, RECOVERY_LEVEL.alternateImage);
  assert.ok(harness.verdict('WDG-2-ladder').ok);
});

test('WDG-2-ladder violated: a level is skipped', () => {
  const harness = seated();
  harness.escalate(100, 0, 1);
  harness.escalate(101, 0, 4);
  const { violations, examples } = harness.verdict('WDG-2-ladder');
  assert.is(violations, 1);
  assert.match(examples[0], /node 0 goes to level 4 from level 1/);
});

test('WDG-2-ladder violated: a ladder begins above a runtime restart', () => {
  const harness = seated();
  harness.escalate(100, 0, RECOVERY_LEVEL.processorReset);
  assert.match(harness.verdict('WDG-2-ladder').examples[0], /goes to level 3 from no escalation/);
  harness.boot(200, 1, { cause: BOOT_CAUSE.powerOn, restored: true });
  harness.escalate(300, 1, RECOVERY_LEVEL.processorReset);
  assert.is(harness.verdict('WDG-2-ladder').violations, 2, 'another boot than the watchdog’s is no level');
});

test('WDG-2-ladder violated: the hour of a ladder ends an hour after its last level', () => {
  const harness = seated();
  harness.escalate(100, 0, 1);
  harness.escalate(100 + hour, 0, 3);
  assert.is(harness.verdict('WDG-2-ladder').violations, 1, 'from level 1');
  const calm = seated();
  calm.escalate(100, 0, 2);
  calm.escalate(101 + hour, 0, 3);
  assert.is(calm.verdict('WDG-2-ladder').violations, 1, 'from none');
});

test('WDG-2-ladder violated: more resets in a row are ordered than allowed', () => {
  const harness = seated();
  harness.orderReset(102, 0, 4);
  assert.match(harness.verdict('WDG-2-ladder').examples[0], /orders reset 4 in a row, 3 are allowed/);
});

const afterHealing = (harness: JudgeHarness, endS: number, outcomes: readonly Outcome[] = []) => {
  harness.until(endS);
  return livenessAfterHealing(harness.seen, outcomes, endS * 1000);
};

test('liveness holds: a member just suspected, absent where it is out of reach, or unreported', () => {
  const suspected = seated();
  suspected.view(hour, [0], 1, LIVENESS.suspect);
  assert.ok(afterHealing(suspected, 2 * hour - 1).ok);
  const apart = seated();
  apart.world(60, splitInHalves);
  apart.view(hour, [0, 1], 2, LIVENESS.unreachable);
  assert.ok(afterHealing(apart, 9 * hour).ok);
  apart.world(9 * hour, { kind: 'partition', sets: [], disruption: null });
  assert.ok(afterHealing(apart, 10 * hour - 1).ok, 'in reach for less than an hour');
  assert.not(afterHealing(apart, 10 * hour).ok, 'in reach for an hour');
  const restored = seated();
  restored.boot(60, 0, { restored: true });
  assert.ok(afterHealing(restored, 9 * hour).ok, 'a view from a checkpoint is not in the trace');
});

for (const name of ['suspect', 'unreachable', 'dead', 'left'] as const)
  test(`liveness violated: after an hour in reach a member is still taken for ${name}`, () => {
    const harness = seated();
    harness.view(hour, [0], 1, LIVENESS[name]);
    const { violations, examples } = afterHealing(harness, 2 * hour);
    assert.is(violations, 1);
    assert.match(examples[0], new RegExp(`node 0 still takes node 1 for ${name}, after an hour in reach`));
  });

/** The judgment of a disruption with an SLA of an hour, which began at 100 s. */
const judged = (changes: Partial<Outcome>) =>
  ({ id: 'd', onsetS: 100, slaS: hour, sla: 'breached', ...changes }) as Outcome;

test('liveness holds: a disruption that converged in time, is void, or whose time is not up', () => {
  const harness = seated();
  assert.ok(afterHealing(harness, 9 * hour, [judged({ convergedS: 100 + hour })]).ok);
  assert.ok(afterHealing(harness, 9 * hour, [judged({ convergedS: null, sla: 'void' })]).ok);
  assert.ok(livenessAfterHealing(harness.seen, [judged({ convergedS: null })], (99 + hour) * 1000).ok);
});

test('liveness violated: a disruption has not converged within its SLA after all had healed', () => {
  const harness = seated();
  const { violations, examples } = afterHealing(harness, 9 * hour, [
    judged({ convergedS: null }),
    judged({ convergedS: 101 + hour }),
  ]);
  assert.is(violations, 2);
  assert.match(examples[0], /d had not converged by 3700 s, although all causes had healed by 0 s/);
});

test('liveness holds: the SLA counts from the time at which the last cause had healed', () => {
  const healed = (healedS: number | null) => {
    const harness = seated();
    const fact = {
      id: 'e',
      kind: 'storm',
      class: 'node',
      onsetS: 2 * hour,
      healedS,
      nodes: [2],
      groups: [],
      detail: '',
    };
    harness.world(2 * hour, { kind: 'disruption', id: 'e', disruption: fact as DisruptionFact });
    return afterHealing(harness, 9 * hour, [judged({ convergedS: 4 * hour })]).ok;
  };
  assert.ok(healed(3 * hour));
  assert.not(healed(3 * hour - 1));
  assert.not(healed(null), 'what has no end counts from its onset');
});

test('no-trap holds: a run without a trap', () => {
  assert.equal(noTrap([]), { id: 'no-trap', ok: true, violations: 0, examples: [] });
});

test('no-trap violated: each trap counts, and the first are named', () => {
  const { violations, examples } = noTrap([
    { node: 3, timeMs: 12_345, site: 901 },
    { node: 4, timeMs: 20_000, site: 7 },
  ]);
  assert.is(violations, 2);
  assert.equal(examples, ['node 3 at 12.345 s, site 901', 'node 4 at 20 s, site 7']);
});

test('of many violations the first five are named, and all are counted', () => {
  const traps = Array.from({ length: 7 }, (_, node) => ({ node, timeMs: 1000, site: 1 }));
  const { violations, examples } = noTrap(traps);
  assert.equal([violations, examples.length, examples[4]], [7, 5, 'node 4 at 1 s, site 1']);
});

test('BRD-1-boards-decide-alike holds: the flight with boards has the hash of the one without', () => {
  assert.ok(boardsDecideAlike('80cf26db33214b47', '80cf26db33214b47').ok);
});

test('BRD-1-boards-decide-alike violated: the two hashes differ', () => {
  const { violations, examples } = boardsDecideAlike('80cf26db33214b47', '80cf26db33214b48');
  assert.is(violations, 1);
  assert.match(examples[0], /emulators 80cf26db33214b47, simulated 80cf26db33214b48/);
});

test.run();

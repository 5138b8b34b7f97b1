import { LIVENESS, UPSET_OUTCOME } from '../../host/cbor/generated.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CrashRecovered } from '../../hwsim/check/judges/crash_recovered.ts';
import { NoCorruptValueSent } from '../../hwsim/check/judges/no_corrupt_value_sent.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { JudgeHarness, nodeDown, nodeUp, splitInHalves } from './judge_harness.ts';

const noCorruptValue = 'RAD-1-no-corrupt-value-sent';
const crashRecovery = 'RAD-5-crash-recovery';

const divergence = (
  output: 'frame' | 'command' | 'event',
  { omission = false, garbled = false } = {},
): WorldChange => ({
  kind: 'divergence',
  node: 2,
  output,
  omission,
  garbled,
  upset: 17,
  what: 'frame 85',
});

const trap = (node: number, resets = 0): WorldChange => ({ kind: 'trap', node, site: 901, booting: false, resets });

test('RAD-1-no-corrupt-value-sent holds: upsets, traps, omissions and garbled frames are no corrupt values', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  harness.world(100, { kind: 'upset', node: 2, bits: [7, 9], inUse: true });
  harness.world(101, { kind: 'upset', node: 3, bits: [7], inUse: false });
  harness.upset(160, 2, UPSET_OUTCOME.corrected, { ageS: 60, count: 2 });
  harness.upset(170, 2, UPSET_OUTCOME.evicted, { ageS: 90 });
  harness.world(180, trap(2, 1));
  harness.world(190, divergence('frame', { omission: true }));
  harness.world(195, divergence('frame', { garbled: true }));
  harness.world(200, { kind: 'access-fault', node: 1, access: 'write' });
  harness.world(300, { kind: 'latent', node: 1, bits: 3 });
  assert.is(harness.verdict(noCorruptValue).ok, true);
  const { upsets, bits, inUse, corrected, dropped, oldestS, breaks, breaksUncorrectable, omissions } = judge.outcome;
  assert.equal([upsets, bits, inUse], [2, 3, 1]);
  assert.equal([corrected, dropped, oldestS], [2, 1, 90]);
  assert.equal([breaks, breaksUncorrectable, omissions], [1, 1, 1]);
  assert.equal(
    judge.outcome.ages.flatMap((count, bin) => (count > 0 ? [[bin, count]] : [])),
    [[6, 1]],
    'less than 64 s',
  );
  const { accessFaults, latentBits, resetsInRowMax, framesGarbled } = judge.outcome;
  assert.equal([accessFaults, latentBits, resetsInRowMax, framesGarbled], [1, 3, 1, 1]);
});

test('traps are counted: over memory that could not be corrected, while booting, and by resets in a row', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  for (const site of [899, 900, 949, 950]) harness.world(site, { ...trap(2), site } as WorldChange);
  harness.world(1000, { ...trap(2, 2), booting: true } as WorldChange);
  harness.world(1001, trap(2, 1));
  const { breaks, breaksUncorrectable, breaksAtStart, resetsInRowMax } = judge.outcome;
  assert.equal([breaks, breaksUncorrectable, breaksAtStart, resetsInRowMax], [6, 4, 1, 2]);
});

test('ages of corrected errors are counted by powers of two, the oldest of all kept', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  for (const ageS of [0, 1, 2, 3, 4, 2 ** 31]) harness.upset(100, 2, UPSET_OUTCOME.corrected, { ageS });
  harness.upset(100, 2, UPSET_OUTCOME.evicted, { ageS: 7, count: 3 });
  const { ages, oldestS, corrected, dropped } = judge.outcome;
  assert.equal(ages.slice(0, 4), [1, 1, 2, 1]);
  assert.equal([ages.at(-1), oldestS, corrected, dropped], [1, 2 ** 31, 6, 3]);
});

test('each wrong output is counted by its kind', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  for (const output of ['frame', 'frame', 'frame', 'command', 'command', 'event'] as const)
    harness.world(100, divergence(output));
  const { framesDeparted, decisionsDeparted, eventsDeparted } = judge.outcome;
  assert.equal([framesDeparted, decisionsDeparted, eventsDeparted], [3, 2, 1]);
  assert.is(harness.verdict(noCorruptValue).violations, 6);
});

test('RAD-1-no-corrupt-value-sent violated: an output that the replica does not produce is reported', () => {
  for (const output of ['frame', 'command', 'event'] as const) {
    const harness = new JudgeHarness(4).seat(new NoCorruptValueSent());
    harness.world(100, divergence(output));
    const { ok, violations, examples } = harness.verdict(noCorruptValue);
    assert.equal([ok, violations], [false, 1]);
    assert.match(examples[0], new RegExp(`at 100 s node 2 produces a wrong ${output} after upset 17`));
  }
});

test('RAD-1-no-corrupt-value-sent violated: others accept a frame that an upset has corrupted', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  harness.world(100, { kind: 'corrupt-accepted', node: 2, by: [0, 3], upset: 17 });
  const [example] = harness.verdict(noCorruptValue).examples;
  assert.match(example, /at 100 s node 0 and 3 accepted a frame of node 2 .*upset 17/);
  assert.is(judge.outcome.framesAccepted, 1);
  for (const by of [
    [0, 1, 3],
    [0, 1, 3, 4],
  ])
    harness.world(101, { kind: 'corrupt-accepted', node: 2, by, upset: 17 });
  const named = harness.verdict(noCorruptValue).examples.slice(1);
  assert.match(named[0], /node 0 and 1 and 3 accepted/);
  assert.match(named[1], /4 nodes accepted/);
});

/** Node 2 traps at 1000 s, and the others take it for unreachable. */
function trapped(): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.seat(new CrashRecovered(harness.seen, 3));
  for (const member of [0, 1, 2, 3]) harness.view(10, [0, 1, 2, 3], member, LIVENESS.alive);
  harness.world(1000, trap(2));
  harness.world(1000, nodeDown(2));
  harness.view(1500, [0, 1, 3], 2, LIVENESS.unreachable);
  return harness;
}

test('RAD-5-crash-recovery holds: a node that trapped runs again, and all take it for present within the hour', () => {
  const harness = trapped();
  harness.world(1002, nodeUp(2));
  harness.view(3000, [0, 1, 3], 2, LIVENESS.alive);
  harness.until(9000);
  assert.is(harness.verdict(crashRecovery).ok, true);
});

test('RAD-5-crash-recovery holds: the time in which the radio is silenced does not count', () => {
  const harness = trapped();
  harness.world(1002, nodeUp(2));
  harness.world(1100, { kind: 'radio-down', node: 2, disruption: 'storm-1' });
  harness.world(20_000, { kind: 'radio-up', node: 2, disruption: 'storm-1' });
  harness.view(21_000, [0, 1, 3], 2, LIVENESS.alive);
  harness.until(30_000);
  assert.is(harness.verdict(crashRecovery).ok, true);
});

test('RAD-5-crash-recovery holds: who does not reach the node need not take it for present, nor it itself', () => {
  const harness = trapped();
  harness.world(1501, splitInHalves);
  harness.world(1502, nodeUp(2));
  harness.view(1510, [2], 2, LIVENESS.unreachable);
  harness.view(3000, [3], 2, LIVENESS.alive);
  harness.until(9000);
  assert.is(harness.verdict(crashRecovery).ok, true);
});

test('RAD-5-crash-recovery violated: the node does not run again within an hour', () => {
  const down = trapped();
  down.until(1000 + 3600);
  assert.is(down.verdict(crashRecovery).violations, 0, 'not before the hour is over');
  down.until(9000);
  const { violations, examples } = down.verdict(crashRecovery);
  assert.is(violations, 1);
  assert.match(examples[0], /node 2, which trapped at 1000 s, does not run again at 46[0-9]0 s/);
});

test('RAD-5-crash-recovery violated: a member that it reaches takes it for absent, or it takes that member', () => {
  const unheard = trapped();
  unheard.world(1002, nodeUp(2));
  unheard.view(3000, [0, 1], 2, LIVENESS.alive);
  unheard.until(9000);
  assert.match(unheard.verdict(crashRecovery).examples[0], /is still absent in the view of others/);
  const deaf = trapped();
  deaf.world(1002, nodeUp(2));
  deaf.view(3000, [0, 1, 3], 2, LIVENESS.alive);
  deaf.view(3000, [2], 3, LIVENESS.dead);
  deaf.until(9000);
  assert.is(deaf.verdict(crashRecovery).violations, 1);
});

test('RAD-5-crash-recovery violated: its processor was reset more often in a row than allowed', () => {
  const harness = trapped();
  harness.world(1010, trap(2, 3));
  assert.is(harness.verdict(crashRecovery).violations, 0);
  harness.world(1020, trap(2, 4));
  assert.match(harness.verdict(crashRecovery).examples[0], /node 2 traps at site 901 after 4 resets in a row/);
});

test('RAD-5-crash-recovery holds: resets that the scenario injects come on top', () => {
  const injected = trapped();
  injected.world(1008, nodeDown(2, false, 'storm-1'));
  injected.world(1010, trap(2, 4));
  assert.is(injected.verdict(crashRecovery).ok, true);
  injected.world(1020, trap(2, 5));
  assert.is(injected.verdict(crashRecovery).ok, false);
});

test.run();

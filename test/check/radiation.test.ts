import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BreaksHeal, NoCorruptValueSent } from '../../hwsim/check/radiation.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { JudgeHarness } from './judge_harness.ts';

const divergence = (output: 'frame' | 'command' | 'event', omission = false, garbled = false): WorldChange => ({
  kind: 'divergence',
  node: 2,
  output,
  omission,
  garbled,
  upset: 17,
  what: 'frame 85',
});

const trap = (node: number, resets = 0, site = 901): WorldChange => ({
  kind: 'trap',
  node,
  site,
  booting: false,
  resets,
});
const down = (node: number, disruption: string | null = null): WorldChange => ({
  kind: 'node-down',
  node,
  permanent: false,
  disruption,
});
const up = (node: number): WorldChange => ({ kind: 'node-up', node, permanent: false, disruption: null });

test('RAD-1 holds: upsets, what nodes tell of them, restarts, silence and noise are no corrupt value', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  harness.world(100, { kind: 'upset', node: 2, bits: [7, 9], inUse: true });
  harness.world(101, { kind: 'upset', node: 3, bits: [7], inUse: false });
  harness.event(160, 2, 207, 12, 1, 60, 2);
  harness.event(170, 2, 207, 13, 2, 90, 1);
  harness.world(180, trap(2, 1));
  harness.world(190, divergence('frame', true));
  harness.world(195, divergence('frame', false, true));
  harness.world(200, { kind: 'access-fault', node: 1, access: 'write' });
  harness.world(300, { kind: 'latent', node: 1, bits: 3 });
  assert.is(harness.verdict('RAD-1-no-corrupt-value-sent').ok, true);
  const { upsets, bits, inUse, corrected, dropped, oldestS, breaks, breaksUncorrectable, omissions } = judge.outcome;
  assert.equal(
    { upsets, bits, inUse, corrected, dropped, oldestS, breaks, breaksUncorrectable, omissions },
    {
      upsets: 2,
      bits: 3,
      inUse: 1,
      corrected: 2,
      dropped: 1,
      oldestS: 90,
      breaks: 1,
      breaksUncorrectable: 1,
      omissions: 1,
    },
  );
  assert.equal(
    judge.outcome.ages.flatMap((count, bin) => (count > 0 ? [[bin, count]] : [])),
    [[6, 1]],
    'less than 64 s',
  );
  const { accessFaults, latentBits, resetsInRowMax } = judge.outcome;
  assert.equal({ accessFaults, latentBits, resetsInRowMax }, { accessFaults: 1, latentBits: 3, resetsInRowMax: 1 });
});

test('RAD-1 violated: a frame, a decision or an event that the replica does not give; node, second and upset are named', () => {
  for (const output of ['frame', 'command', 'event'] as const) {
    const harness = new JudgeHarness(4).seat(new NoCorruptValueSent());
    harness.world(100, divergence(output));
    const { ok, violations, examples } = harness.verdict('RAD-1-no-corrupt-value-sent');
    assert.equal([ok, violations], [false, 1]);
    assert.match(examples[0], new RegExp(`at 100 s node 2 gives out a wrong ${output} after upset 17`));
  }
});

test('RAD-1 violated: others take in a frame that an upset made wrong', () => {
  const judge = new NoCorruptValueSent();
  const harness = new JudgeHarness(4).seat(judge);
  harness.world(100, { kind: 'corrupt-accepted', node: 2, by: [0, 3], upset: 17 });
  assert.match(
    harness.verdict('RAD-1-no-corrupt-value-sent').examples[0],
    /at 100 s node 0 and 3 took in a frame of node 2.*upset 17/,
  );
  assert.is(judge.outcome.framesAccepted, 1);
});

/** Node 2 breaks off at 1000 s; the others lose sight of it. */
function broken(): JudgeHarness {
  const harness = new JudgeHarness(4);
  harness.seat(new BreaksHeal(harness.seen, 3));
  for (const member of [0, 1, 2, 3]) harness.view(10, [0, 1, 2, 3], member, 1);
  harness.world(1000, trap(2));
  harness.world(1000, down(2));
  harness.view(1500, [0, 1, 3], 2, 3);
  return harness;
}

test('RAD-5 holds: a node that broke off runs again, and all take it for present within the hour', () => {
  const harness = broken();
  harness.world(1002, up(2));
  harness.view(3000, [0, 1, 3], 2, 1);
  harness.until(9000);
  assert.is(harness.verdict('RAD-5-crash-recovery').ok, true);
});

test('RAD-5 holds: the time in which its radio is silenced does not count', () => {
  const harness = broken();
  harness.world(1002, up(2));
  harness.world(1100, { kind: 'radio-down', node: 2, disruption: 'storm-1' });
  harness.world(20_000, { kind: 'radio-up', node: 2, disruption: 'storm-1' });
  harness.view(21_000, [0, 1, 3], 2, 1);
  harness.until(30_000);
  assert.is(harness.verdict('RAD-5-crash-recovery').ok, true);
});

test('RAD-5 violated: it does not run again, or others go on taking it for gone', () => {
  const dead = broken();
  dead.until(9000);
  assert.match(
    dead.verdict('RAD-5-crash-recovery').examples[0],
    /node 2, which broke off at 1000 s, does not run again at 46[0-9]0 s/,
  );
  const unheard = broken();
  unheard.world(1002, up(2));
  unheard.until(9000);
  assert.match(unheard.verdict('RAD-5-crash-recovery').examples[0], /is still taken for gone/);
});

test('RAD-5 violated: more resets in a row than are allowed; those that the world deals out come on top', () => {
  const harness = broken();
  harness.world(1010, trap(2, 4));
  assert.match(
    harness.verdict('RAD-5-crash-recovery').examples[0],
    /node 2 breaks off at site 901 after 4 resets in a row/,
  );
  const dealt = broken();
  dealt.world(1008, down(2, 'storm-1'));
  dealt.world(1010, trap(2, 4));
  assert.is(dealt.verdict('RAD-5-crash-recovery').ok, true);
});

test.run();

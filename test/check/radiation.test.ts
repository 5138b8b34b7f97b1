import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BreaksHeal, NoCorruptValueSent } from '../../hwsim/check/radiation.ts';
import type { WorldChange } from '../../hwsim/kernel/trace.ts';
import { Courtroom } from './judge_harness.ts';

const departure = (output: 'frame' | 'command' | 'event', omission = false, garbled = false): WorldChange => ({
  kind: 'departure',
  node: 2,
  output,
  omission,
  garbled,
  upset: 17,
  what: 'frame 85',
});

const trap = (node: number, resets = 0, site = 901): WorldChange => ({ kind: 'trap', node, site, booting: false, resets });
const down = (node: number, disruption: string | null = null): WorldChange => ({
  kind: 'node-down',
  node,
  permanent: false,
  disruption,
});
const up = (node: number): WorldChange => ({ kind: 'node-up', node, permanent: false, disruption: null });

test('RAD-1 holds: upsets, what nodes tell of them, restarts, silence and noise are no corrupt value', () => {
  const judge = new NoCorruptValueSent();
  const court = new Courtroom(4).seat(judge);
  court.world(100, { kind: 'upset', node: 2, bits: [7, 9], inUse: true });
  court.world(101, { kind: 'upset', node: 3, bits: [7], inUse: false });
  court.event(160, 2, 207, 12, 1, 60, 2);
  court.event(170, 2, 207, 13, 2, 90, 1);
  court.world(180, trap(2, 1));
  court.world(190, departure('frame', true));
  court.world(195, departure('frame', false, true));
  court.world(200, { kind: 'access-fault', node: 1, access: 'write' });
  court.world(300, { kind: 'latent', node: 1, bits: 3 });
  assert.is(court.verdict('RAD-1-no-corrupt-value-sent').ok, true);
  const { upsets, bits, inUse, corrected, dropped, oldestS, breaks, breaksUncorrectable, omissions } = judge.outcome;
  assert.equal(
    { upsets, bits, inUse, corrected, dropped, oldestS, breaks, breaksUncorrectable, omissions },
    { upsets: 2, bits: 3, inUse: 1, corrected: 2, dropped: 1, oldestS: 90, breaks: 1, breaksUncorrectable: 1, omissions: 1 },
  );
  assert.equal(
    judge.outcome.ages.flatMap((count, bin) => (count > 0 ? [[bin, count]] : [])),
    [[6, 1]],
    'less than 64 s',
  );
  const { accessFaults, latentBits, resetsInRowMax } = judge.outcome;
  assert.equal({ accessFaults, latentBits, resetsInRowMax }, { accessFaults: 1, latentBits: 3, resetsInRowMax: 1 });
});

test('RAD-1 violated: a frame, a decision or an event that the twin does not give; node, second and upset are named', () => {
  for (const output of ['frame', 'command', 'event'] as const) {
    const court = new Courtroom(4).seat(new NoCorruptValueSent());
    court.world(100, departure(output));
    const { ok, violations, examples } = court.verdict('RAD-1-no-corrupt-value-sent');
    assert.equal([ok, violations], [false, 1]);
    assert.match(examples[0], new RegExp(`at 100 s node 2 gives out a wrong ${output} after upset 17`));
  }
});

test('RAD-1 violated: others take in a frame that an upset made wrong', () => {
  const judge = new NoCorruptValueSent();
  const court = new Courtroom(4).seat(judge);
  court.world(100, { kind: 'corrupt-accepted', node: 2, by: [0, 3], upset: 17 });
  assert.match(
    court.verdict('RAD-1-no-corrupt-value-sent').examples[0],
    /at 100 s node 0 and 3 took in a frame of node 2.*upset 17/,
  );
  assert.is(judge.outcome.framesAccepted, 1);
});

/** Node 2 breaks off at 1000 s; the others lose sight of it. */
function broken(): Courtroom {
  const court = new Courtroom(4);
  court.seat(new BreaksHeal(court.seen, 3));
  for (const member of [0, 1, 2, 3]) court.view(10, [0, 1, 2, 3], member, 1);
  court.world(1000, trap(2));
  court.world(1000, down(2));
  court.view(1500, [0, 1, 3], 2, 3);
  return court;
}

test('RAD-5 holds: a node that broke off runs again, and all take it for present within the hour', () => {
  const court = broken();
  court.world(1002, up(2));
  court.view(3000, [0, 1, 3], 2, 1);
  court.until(9000);
  assert.is(court.verdict('RAD-5-dying-path').ok, true);
});

test('RAD-5 holds: the time in which its radio is silenced does not count', () => {
  const court = broken();
  court.world(1002, up(2));
  court.world(1100, { kind: 'radio-down', node: 2, disruption: 'storm-1' });
  court.world(20_000, { kind: 'radio-up', node: 2, disruption: 'storm-1' });
  court.view(21_000, [0, 1, 3], 2, 1);
  court.until(30_000);
  assert.is(court.verdict('RAD-5-dying-path').ok, true);
});

test('RAD-5 violated: it does not run again, or others go on taking it for gone', () => {
  const dead = broken();
  dead.until(9000);
  assert.match(
    dead.verdict('RAD-5-dying-path').examples[0],
    /node 2, which broke off at 1000 s, does not run again at 46[0-9]0 s/,
  );
  const unheard = broken();
  unheard.world(1002, up(2));
  unheard.until(9000);
  assert.match(unheard.verdict('RAD-5-dying-path').examples[0], /is still taken for gone/);
});

test('RAD-5 violated: more resets in a row than are allowed; those that the world deals out come on top', () => {
  const court = broken();
  court.world(1010, trap(2, 4));
  assert.match(court.verdict('RAD-5-dying-path').examples[0], /node 2 breaks off at site 901 after 4 resets in a row/);
  const dealt = broken();
  dealt.world(1008, down(2, 'storm-1'));
  dealt.world(1010, trap(2, 4));
  assert.is(dealt.verdict('RAD-5-dying-path').ok, true);
});

test.run();

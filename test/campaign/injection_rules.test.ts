import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { goodOutcomes, type OutcomeName, outcomeNames } from '../../hwsim/campaign/outcomes.ts';
import { type Detection, type Evidence, noEvidence } from '../../hwsim/campaign/memory/evidence.ts';
import { judgeFork, judgeQuiet } from '../../hwsim/campaign/memory/judge.ts';
import type { Ending } from '../../hwsim/campaign/memory/replay.ts';
import { Outputs } from '../../hwsim/campaign/memory/outputs.ts';
import { op } from '../../hwsim/campaign/memory/machine.ts';
import { lowerBound95, meanWorkToFailure, shareOf, upperBound95 } from '../../hwsim/campaign/statistics.ts';
import type { Message } from '../../host/cbor/generated.ts';
import { sealedFrame, testLink } from '../security/sealed.ts';

const hourMs = 3_600_000;
const upset = { index: 0, model: 'bit', node: 0, call: 0, place: 0, bits: [0] } as const;
const quiet = (ending: Partial<Ending>) =>
  judgeQuiet({
    upset: { ...upset, bits: [0] },
    divergence: null,
    clean: false,
    upsets: { corrected: 0, discarded: 0 },
    steps: 1,
    ...ending,
  });
const detected = (by: Detection['by'], site = 0): Partial<Evidence> => ({ detection: { by, site, timeMs: hourMs } });
const back = { bootedMs: hourMs + 2000, agreedMs: hourMs + 60_000 };
const one = { count: 1, example: 'made up' };

/** Evidence, and what the rules of docs/injection.md make of it. */
const cases: [string, OutcomeName, Partial<Evidence>][] = [
  ['a wrong frame accepted', 'SDC-propagated', { propagated: one }],
  [
    'a wrong frame accepted, and the sender detected later',
    'SDC-propagated',
    { propagated: one, ...detected('trap', 901), ...back },
  ],
  [
    'a wrong command, obeyed before the fault was detected',
    'SDC-local',
    { wrongCommands: one, ...detected('trap', 901), ...back },
  ],
  ['a wrong event that was never detected', 'SDC-local', { wrongOthers: { ...one, lastMs: 1 } }],
  ['right frames refused to the end', 'SDC-local', { refused: 3 }],
  [
    'a wrong output after all was reported as corrected',
    'SDC-local',
    { wrongOthers: { ...one, lastMs: 2 * hourMs }, ...detected('upset') },
  ],
  ['right frames refused until the correction', 'corrected', { refused: 3, corrected: 1, ...detected('upset') }],
  ['a loop without end', 'hang', { ...detected('hang'), ...back }],
  ['a watchdog that expired', 'hang', { ...detected('watchdog'), ...back }],
  ['an assertion that is no check of the protection', 'crash', { ...detected('trap', 123), ...back }],
  ['a bare trap', 'crash', { ...detected('trap', 0), ...back }],
  ['a check that failed, and back in time', 'detected-and-recovered', { ...detected('trap', 949), ...back }],
  [
    'a record discarded, and agreed again',
    'detected-and-recovered',
    { discarded: 1, ...detected('discarded'), agreedMs: hourMs + 1 },
  ],
  [
    'an hour and a minute to agree again',
    'late',
    { ...detected('trap', 900), bootedMs: hourMs, agreedMs: 2 * hourMs + 60_001 },
  ],
  [
    'as long, but silenced by a storm in between',
    'detected-and-recovered',
    { ...detected('trap', 900), bootedMs: hourMs, agreedMs: 2 * hourMs + 60_000, excusedMs: 60_000 },
  ],
  ['never agreed again', 'late', { ...detected('trap', 902), bootedMs: hourMs }],
  ['never booted again', 'fail-silent', detected('ladder')],
  ['dies while it boots', 'fail-silent', { ...detected('trap', 902), diesBooting: true }],
  ['silent without detection', 'fail-silent', { silentMs: 2 * hourMs, mistimed: one }],
  ['right outputs at a wrong time', 'late', { mistimed: one }],
  ['an upset that only a stored checkpoint held', 'masked-latent', {}],
];

for (const [name, outcome, evidence] of cases)
  test(`${name} is ${outcome}`, () => {
    assert.is(judgeFork({ ...noEvidence(), ...evidence }).outcome, outcome);
  });

test('without any divergence from the golden run only four outcomes are possible', () => {
  assert.is(quiet({ clean: true }).outcome, 'masked');
  assert.is(quiet({ clean: false }).outcome, 'masked-latent');
  assert.is(quiet({ clean: true, upsets: { corrected: 1, discarded: 0 } }).outcome, 'corrected');
  assert.is(quiet({ clean: true, upsets: { corrected: 0, discarded: 1 } }).outcome, 'detected-and-recovered');
  assert.is(outcomeNames.length, 10);
  assert.is(goodOutcomes.length, 4);
});

// ---- frames made by hand, compared with the replica's ----

const layout = { linesAt: 0, countersAt: 0, codesAt: 0, counterCodesAt: 0 };
const header = { sender: 4, counter: 9 };
const probe = (sequence: number): Message => ({ name: 'probe', sequence });
const frameWith = (...messages: Message[]) => sealedFrame(header, messages);

/**
 * Compares one frame of the injected node with its replica's frames; it changes `effects` nodes.
 */
function compared(injected: Uint8Array, replica: Uint8Array[], effects: number): Evidence {
  const evidence = noEvidence();
  const outputs = new Outputs(evidence, layout, testLink);
  outputs.learnSender(frameWith(probe(1)));
  outputs.addInjected(1000, op.transmit, injected);
  for (const frame of replica) outputs.addReplica(1000, op.transmit, frame);
  const suspect = outputs.suspectOf(injected, 0, injected.length);
  for (let node = 0; node < effects && suspect !== null; node += 1) outputs.addEffect(suspect);
  outputs.check(200_000);
  return evidence;
}

test('a wrong message is propagated when it changes a node, otherwise a wrong output', () => {
  assert.is(compared(frameWith(probe(7)), [frameWith(probe(8))], 2).propagated.count, 1);
  assert.is(compared(frameWith(probe(7)), [frameWith(probe(8))], 0).wrongOthers.count, 1);
  assert.is(compared(frameWith(probe(7)), [], 1).propagated.count, 1);
});

test('a frame in the name of another node is wrong even when its messages are right', () => {
  const forged = sealedFrame({ ...header, sender: 5 }, [probe(7)]);
  assert.is(compared(forged, [frameWith(probe(7))], 1).propagated.count, 1);
});

test('right messages in another frame, or fewer of them, are not wrong', () => {
  const { propagated, wrongOthers, mistimed } = compared(frameWith(probe(7)), [frameWith(probe(8), probe(7))], 3);
  assert.equal([propagated.count, wrongOthers.count, mistimed.count], [0, 0, 1]);
  assert.equal(compared(frameWith(probe(7)), [frameWith(probe(7))], 3), noEvidence());
});

test('commands are compared in their order, whatever their time; one that never comes is wrong', () => {
  const evidence = noEvidence();
  const outputs = new Outputs(evidence, layout, testLink);
  const command = (byte: number) => Uint8Array.of(0x81, 0x18, byte);
  outputs.addReplica(0, op.command, command(160));
  outputs.addInjected(60_000, op.command, command(160));
  outputs.check(60_000);
  assert.is(evidence.wrongCommands.count, 0);
  outputs.addReplica(60_000, op.command, command(161));
  outputs.check(60_000 + 29 * 60_000);
  assert.is(evidence.wrongCommands.count, 0);
  outputs.check(60_000 + 31 * 60_000);
  assert.is(evidence.wrongCommands.count, 1);
});

// ---- statistics ----

const near = (value: number | null, wanted: number) =>
  assert.ok(Math.abs((value ?? Number.NaN) / wanted - 1) < 1e-3, `${value} is not ${wanted}`);

test('intervals are those of Clopper and Pearson; no failure in n gives 3 ÷ n', () => {
  assert.is(upperBound95(0, 1_500_000), 2e-6);
  near(upperBound95(1, 1000), 4.735e-3);
  const { low95, high95 } = shareOf(10, 100);
  near(low95, 0.049);
  near(high95, 0.17622);
  assert.is(upperBound95(5, 5), 1);
  assert.is(upperBound95(0, 0), 1);
  near(lowerBound95(1000, 1000), 0.997);
  assert.equal(shareOf(0, 0), { count: 0, n: 0, rate: 0, low95: 0, high95: 1 });
});

test('mean work to failure falls with the bits that may flip, and has no upper bound when nothing failed', () => {
  const some = meanWorkToFailure(shareOf(10, 1000), 1e6);
  near(some.nodeYears, 1 / (1e-8 * 365.25 * 1e6 * 0.01));
  near(meanWorkToFailure(shareOf(10, 1000), 2e6).nodeYears, (some.nodeYears as number) / 2);
  const none = meanWorkToFailure(shareOf(0, 1000), 1e6);
  assert.equal([none.nodeYears, none.high95], [null, null]);
  assert.ok(none.low95 > 0);
});

test.run();

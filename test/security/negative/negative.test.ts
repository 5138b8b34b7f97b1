// SEC-4: what arrives by radio, from the platform or at a boot and is wrong is rejected, each case
// for its own reason, counted and cheap, and it changes nothing.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Preset } from '../../../host/build/root.ts';
import { encodeMessage } from '../../../host/cbor/message.ts';
import type { Negative } from './cases.ts';
import { talk } from './cases.ts';
import { AttackBench, counterNames, cycle, heard, nowS, reserved } from './bench.ts';
import { bootCases } from './boots.ts';
import { counterCases } from './counters.ts';
import { envelopeCases } from './envelope.ts';
import { floodCases } from './floods.ts';
import { ignoredCases, unbelievedTime } from './ignored.ts';
import { messageCases } from './messages.ts';
import { noiseCases } from './noise.ts';

const cases: readonly Negative[] = [
  ...envelopeCases,
  ...counterCases,
  ...noiseCases,
  ...floodCases,
  ...messageCases,
  ...bootCases,
];
const test = suite('negative cases');
const presets: readonly [Preset, number][] = [
  ['flight', 200],
  ['tiny', 8],
];
/** Of what a frame of full length costs that opens and says nothing. */
const unopenedShareMax = 0.5;

interface Costs {
  unopened: number;
  opened: number;
}

/** Gives all inputs of a case. Throws with what was otherwise. */
function meet(bench: AttackBench, each: Negative): Costs {
  bench.restore();
  each.before?.(bench);
  while (bench.waiting() > 0);
  const inputs = each.make(bench);
  assert.ok(inputs.length > 0, each.name);
  const counters = bench.lossCounts();
  const hash = bench.hash();
  const costs: Costs = { unopened: 0, opened: 0 };
  for (const input of inputs) {
    const { bytes, length } = input instanceof Uint8Array ? { bytes: input, length: input.length } : input;
    const outcome = bench.give(each.entry, bytes, length);
    assert.is(outcome.status, each.status, `${each.name}: ${Buffer.from(bytes).toString('hex')}`);
    assert.is(outcome.flags, 0, each.name);
    const kind = each.opens === true ? 'opened' : 'unopened';
    if (each.entry === 'receive') costs[kind] = Math.max(costs[kind], outcome.instructions);
  }
  if (each.entry === 'boot') {
    assert.is(bench.give('receive', bench.frame({}, talk)).status, 'notBooted', each.name);
    return costs;
  }
  assert.is(bench.waiting(), 0, `${each.name}: something was queued`);
  assert.is(bench.hash(), hash, `${each.name}: the state changed`);
  const moved = bench
    .lossCounts()
    .flatMap((count, number) => (count === counters[number] ? [] : [[counterNames[number], count - counters[number]]]));
  assert.equal(moved, each.counter === null ? [] : [[each.counter, inputs.length * (each.times ?? 1)]], each.name);
  return costs;
}

test('there are at least 250 cases, each with a name of its own', () => {
  assert.ok(cases.length >= 250, `${cases.length}`);
  assert.is(new Set(cases.map(({ name, entry }) => `${entry} ${name}`)).size, cases.length);
  for (const { counter } of cases) assert.ok(counter === null || counterNames.includes(counter), `${counter}`);
});

for (const [preset, members] of presets) {
  const fitting = cases.filter(({ membersMax = members }) => members <= membersMax);

  const title = `SEC-4 holds: wrong inputs are rejected and counted, without effect (${preset}, ${fitting.length})`;

  test(title, async () => {
    const bench = await AttackBench.make(preset, members);
    const full = bench.give(
      'receive',
      bench.sealed({}, Buffer.concat([Uint8Array.of(0x82, 0x18, 112, 0x58, 203), new Uint8Array(203)])),
    );
    assert.is(full.status, 'ok');
    const worst: Costs = { unopened: 0, opened: 0 };
    for (const each of fitting) {
      const costs = meet(bench, each);
      assert.ok(
        costs.unopened < full.instructions * unopenedShareMax,
        `${each.name}: ${costs.unopened} of ${full.instructions}`,
      );
      for (const kind of ['unopened', 'opened'] as const) worst[kind] = Math.max(worst[kind], costs[kind]);
    }
    if (process.env.HELIOGRAPH_COSTS === '1') console.log(preset, { full: full.instructions, ...worst });
    // A frame that is refused after it was opened costs no more than one that is taken, but for a
    // list of messages.
    assert.ok(worst.opened < full.instructions * 2, `${worst.opened} of ${full.instructions}`);
  });

  test(`SEC-4 holds: implausible messages of a frame have no effect (${preset}, ${ignoredCases.length})`, async () => {
    const bench = await AttackBench.make(preset, members);
    const stateAfter = (text: Uint8Array, epoch: number) => {
      bench.restore();
      const before = bench.lossCounts();
      const { status } = bench.give('receive', bench.sealed({ keyEpoch: epoch }, text));
      const counts = bench
        .lossCounts()
        .flatMap((count, at) => (count === before[at] ? [] : [[counterNames[at], count - before[at]]]));
      return { status, counts: Object.fromEntries(counts), hash: bench.hash() };
    };
    const silent = Uint8Array.of(0x84, 0x18, 97, 1, 0, 0);
    const { hash } = stateAfter(silent, 2);
    bench.restore();
    const untouched = bench.hash();
    assert.is.not(hash, untouched);
    const sampled = stateAfter(unbelievedTime.text(bench), 2).hash;
    for (const { name, text, counts, isTimeSample, epoch = 2 } of ignoredCases)
      assert.equal(
        stateAfter(text(bench), epoch),
        { status: 'ok', counts, hash: epoch === 0 ? untouched : isTimeSample ? sampled : hash },
        name,
      );
    // What is believed shows.
    assert.is.not(
      stateAfter(encodeMessage({ name: 'isolation', fromS: nowS + 1000, untilS: nowS + 2000 }), 2).hash,
      hash,
    );
  });

  test(`SEC-4 holds: noise costs a check of constants once in 15 s, else only its CRC-32C (${preset})`, async () => {
    const bench = await AttackBench.make(preset, members);
    const cost = (s: number) => bench.give('receive', new Uint8Array(256), 256, s).instructions;
    const [look, after, last, again, then] = [20, 20, 34, 35, 36].map((s) => cost(nowS + s));
    assert.ok(look > after * (preset === 'flight' ? 3 : 1.1), `${look} and ${after}`);
    const isNear = (a: number, b: number) => Math.abs(a - b) < 20;
    assert.ok(isNear(last, after) && isNear(again, look) && isNear(then, after), `${[look, after, last, again, then]}`);
    // A clock that begins anew at a restart does not keep it from looking.
    assert.ok(isNear(cost(1), look));
  });

  test(`a frame of a future time makes only a node that hears nobody else doubt its clock (${preset})`, async () => {
    const bench = await AttackBench.make(preset, members);
    const frame = bench.frame({ counter: reserved + 1, keyEpoch: 1 }, talk);
    const timeKnown = () => bench.node().timeKnown;
    bench.restore();
    assert.is(bench.give('receive', frame).status, 'ahead');
    assert.is(timeKnown(), 1);
    bench.reboot(bench.config(undefined, {}, { incarnation: 2, reserved }));
    assert.is(bench.give('receive', frame).status, 'ahead');
    assert.is(timeKnown(), 0);
  });

  test(`SEC-4 holds: frames just inside the bounds of what is rejected are accepted (${preset})`, async () => {
    const bench = await AttackBench.make(preset, members);
    for (const header of [
      { counter: reserved },
      { counter: cycle - 63 },
      { counter: cycle },
      { sender: heard.sender, counter: heard.top + 1 },
      { sender: heard.sender, counter: heard.top - 1 },
      { sender: heard.sender, counter: heard.before + 1 },
      { sender: members - 1 },
      { addressee: 0 },
      { epoch: 1 },
    ]) {
      bench.restore();
      assert.is(bench.give('receive', bench.frame(header, talk)).status, 'ok', JSON.stringify(header));
      assert.is(bench.give('receive', bench.frame(header, talk)).status, 'replay', JSON.stringify(header));
    }
  });
}

test.run();

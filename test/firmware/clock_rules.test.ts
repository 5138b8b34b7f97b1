// Mission time from peers (TIM-1): which samples are followed, and how a clock is learnt.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, FIELD, type Heartbeat, ROUND_S, TYPE } from '../../host/cbor/generated.ts';
import { Company } from './company.ts';

const rules = suite('clocks that follow peers');

/** A node that hears only what the test sends it. */
function listening(members = 8): Company {
  const company = new Company({ config: { members } });
  company.heard.clear();
  company.runTo(company.nowS + 30);
  return company;
}

/** Mission time against local time, milliseconds. */
function aheadMs({ node }: Company): number {
  const { missionS, missionMs } = node.node();
  return missionS * 1000 + missionMs - node.nowMs;
}

/** Hands a heartbeat of a clock that differs by `offMs` from the node's; how far that moves it. */
function sample(company: Company, sender: number, offMs: number, changes: Partial<Heartbeat> = {}): number {
  const before = aheadMs(company);
  const plain = company.heartbeat();
  const atMs = plain.timeS * 1000 + plain.timeMs + before + offMs;
  company.node.tick();
  company.node.receive(sender, [{ ...plain, timeS: Math.floor(atMs / 1000), timeMs: atMs % 1000, ...changes }]);
  return aheadMs(company) - before;
}

const disagrees = (company: Company) => company.node.lossCount(COUNTER.clockDisagrees);
const errorOf = (company: Company) => company.node.node().errorMs;

/** A millisecond for rounding of the air time. */
const near = (moved: number, expected: number) => Math.abs(moved - expected) <= 1;

rules('TIM-1 holds: a clock moves an eighth of the way, rounded, and its error grows by as much', () => {
  for (const offMs of [80, -80, 1600, -1600, 2000, -2000]) {
    const company = listening();
    const before = errorOf(company);
    const moved = sample(company, 1, offMs);
    assert.ok(near(moved, offMs / 8), `${offMs} ms moves it by ${moved} ms`);
    assert.is(errorOf(company) - before, Math.abs(moved));
  }
  const company = listening();
  const moves = [-5, -3, 3, 5].map((offMs, index) => sample(company, index + 1, offMs));
  assert.ok(moves[0] === -1 && moves[3] === 1, `${moves.join()}: rounded, not cut off`);
});

rules('TIM-1 holds: each minute one sample of each sender counts', () => {
  const company = listening(40);
  // A minute of local time begins.
  company.runTo(Math.ceil(company.nowS / 60) * 60);
  assert.ok(near(sample(company, 1, 800), 100));
  assert.is(sample(company, 1, 800), 0);
  assert.ok(near(sample(company, 2, 800), 100));
  assert.is(sample(company, 33, 800), 0, 'the same modulo 32');
  assert.ok(near(sample(company, 31, 800), 100));
  company.runTo(company.nowS + 59);
  assert.is(sample(company, 1, 800), 0);
  company.runTo(company.nowS + 1);
  assert.ok(near(sample(company, 1, 800), 100));
  assert.is(sample(company, 1, 800), 0);
});

rules('TIM-1 holds: a clock in step with three peers moves by three milliseconds at most', () => {
  for (const [samples, offMs, expected] of [
    // The sample itself counts, too.
    [3, 1600, 200],
    [4, 1600, 3],
    [4, -1600, -3],
    [4, 16, 2],
  ]) {
    const company = listening(32);
    for (let count = 0; count < samples; count += 1) sample(company, 1 + count, count === 0 ? 18 : -18);
    assert.ok(near(sample(company, 20, offMs), expected), `after ${samples} samples`);
  }
  const company = listening(32);
  for (const sender of [1, 2, 3, 4]) sample(company, sender, 22);
  assert.ok(near(sample(company, 20, 800), 100), 'they were further than 20 ms');
});

rules('TIM-1 holds: a sample that does not agree outweighs one that does, of seven that count', () => {
  // Each that agrees counts up to seven, each other one down: three are needed.
  for (const [agreeing, others, isInStep] of [
    [7, 4, true],
    [7, 5, false],
    [9, 5, false],
    [4, 1, true],
    [4, 2, false],
  ] as const) {
    const company = listening(32);
    for (let count = 0; count < agreeing; count += 1) sample(company, 1 + count, 0);
    // The last one moves it after it was counted itself.
    for (let count = 0; count < others - 1; count += 1) sample(company, 11 + count, 40);
    assert.is(Math.abs(sample(company, 20, 400)) <= 3, isInStep, `${agreeing} and ${others}`);
  }
});

rules('TIM-1 holds: a clock beyond the own error bound is not that of the cluster', () => {
  for (const sign of [1, -1]) {
    const company = listening();
    // Of a quorum 2,320 ms are the bound.
    const limitMs = errorOf(company) + 2320;
    assert.is(sample(company, 1, sign * (limitMs + 5)), 0);
    assert.is(disagrees(company), 1);
    assert.ok(near(sample(company, 2, sign * (limitMs - 5)), (sign * limitMs) / 8));
    assert.is(disagrees(company), 1);
  }
});

rules('TIM-1 holds: of a clock without a bound only what is near is followed', () => {
  for (const [errorMs, offMs, isFollowed] of [
    [10_000, 2100, true],
    [10_001, 2100, false],
    [10_001, 1990, true],
    [10_001, -1990, true],
    [10_001, -2100, false],
  ] as const) {
    const company = listening();
    assert.is(sample(company, 1, offMs, { errorMs }) !== 0, isFollowed, `${errorMs} ms, ${offMs} ms off`);
    // Its time within a minute counts in the heartbeat, whatever becomes of the sample.
    assert.is(disagrees(company), 0);
  }
});

/** A node that heard nobody for so long that its clock is not trusted. */
function drifted(): Company {
  const company = listening();
  company.sleepTo(company.nowS + 210_000);
  assert.ok(errorOf(company) > 10_000 && errorOf(company) < 11_000, `${errorOf(company)} ms`);
  return company;
}

rules('TIM-1 holds: a clock that is not trusted follows one that is as good, up to a minute', () => {
  const own = errorOf(drifted());
  for (const [errorMs, offMs, isFollowed] of [
    [200, 5000, true],
    [200, 59_900, true],
    [200, -59_900, true],
    [own, 5000, true],
    [own + 1, 5000, false],
  ] as const) {
    const company = drifted();
    const moved = sample(company, 1, offMs, { errorMs });
    assert.ok(near(moved, isFollowed ? offMs / 8 : 0), `${errorMs} ms, ${offMs} ms off: ${moved}`);
  }
});

rules('TIM-1 holds: a clock that is not trusted is learnt anew from one that is far off', () => {
  for (const [errorMs, offMs, isForgotten] of [
    [200, 60_100, true],
    [200, -60_100, true],
    [10_001, 60_100, true],
    [10_001, -60_100, false],
  ] as const) {
    const company = drifted();
    sample(company, 1, offMs, { errorMs });
    assert.is(company.node.node().timeKnown, isForgotten ? 0 : 1, `${errorMs} ms, ${offMs} ms off`);
    assert.is(disagrees(company), isForgotten ? 1 : 2);
  }
  const trusted = listening();
  sample(trusted, 1, 60_100);
  assert.is(trusted.node.node().timeKnown, 1);
  assert.ok(disagrees(trusted) > 0);
});

rules('TIM-1 holds: agreement of a majority bounds the error', () => {
  const company = listening();
  // Samples far off raise it.
  for (const sender of [1, 2, 3, 4, 5, 6]) sample(company, sender, sender % 2 === 0 ? 2000 : -2000);
  for (let minute = 0; minute < 3; minute += 1) {
    company.runTo(company.nowS + 60);
    for (const sender of [1, 2, 3, 4, 5, 6]) sample(company, sender, sender % 2 === 0 ? 2000 : -2000);
  }
  assert.ok(errorOf(company) > 2320);
  for (const peer of [1, 2, 3, 4, 5, 6, 7]) company.heard.add(peer);
  company.runTo(company.nowS + 2 * ROUND_S);
  assert.is(company.node.view().quorum, 1);
  const most = 2320 + 2 * ROUND_S * 0.05 + 80;
  assert.ok(errorOf(company) > 2300 && errorOf(company) <= most, `${errorOf(company)} ms`);
});

// ---- an unknown clock ----

interface Lesson {
  /** Local seconds between the first sample and the others. */
  afterS: number[];
  offMs?: number[];
  errorMs?: number[];
}

/** A node without mission time, after samples; when and with which error it learnt the time. */
function taught({ afterS, offMs = [], errorMs = [] }: Lesson) {
  const company = new Company({ config: { members: 8 }, facts: { timeKnown: false } }, 1000);
  company.heard.clear();
  const { node } = company;
  const learnt: { sample: number; errorMs: number; aheadMs: number }[] = [];
  for (const [index, seconds] of [0, ...afterS].entries()) {
    while (company.nowS < 1000 + seconds) {
      node.nowMs = Math.min(node.nowMs + 20_000, (1000 + seconds) * 1000);
      company.tick();
    }
    const atMs = node.nowMs + 50_000_000 + (offMs[index] ?? 0);
    const times = { timeS: Math.floor(atMs / 1000), timeMs: atMs % 1000, errorMs: errorMs[index] ?? 100 };
    node.receive(1 + index, [{ ...company.heartbeat(), ...times }]);
    company.tick();
    for (const { fields } of company.eventsOf(TYPE.timeAcquired))
      if (learnt.length === 0)
        learnt.push({
          sample: index,
          errorMs: fields[FIELD.timeAcquired.errorMs],
          aheadMs: aheadMs(company) - 50_000_000,
        });
  }
  return learnt[0];
}

rules('TIM-1 holds: a clock is learnt from three samples over a minute', () => {
  assert.is(taught({ afterS: [30, 60] })?.sample, 2);
  assert.is(taught({ afterS: [30, 59] }), undefined);
  assert.is(taught({ afterS: [90] }), undefined);
  assert.is(taught({ afterS: [20, 40, 61] })?.sample, 3);
  const learnt = taught({ afterS: [30, 70] });
  assert.ok(learnt.aheadMs >= 0 && learnt.aheadMs < 40, 'it is the time of the first sample, and its way');
});

rules('TIM-1 holds: a sample that contradicts the others begins it anew', () => {
  assert.is(taught({ afterS: [30, 61, 90], offMs: [0, 0, 2100, 2100] }), undefined);
  assert.is(taught({ afterS: [30, 61, 90, 121], offMs: [0, 0, 2100, 2100, 2100] })?.sample, 4);
  assert.is(taught({ afterS: [30, 61], offMs: [0, 0, 1990] })?.sample, 2);
  assert.is(taught({ afterS: [30, 61], offMs: [0, 0, -1990] })?.sample, 2);
  assert.is(taught({ afterS: [30, 61, 90], offMs: [0, 0, -2100] }), undefined);
  assert.is(taught({ afterS: [30, 61], offMs: [700, 700, 500] })?.aheadMs >= 700, true);
});

rules('TIM-1 holds: the error of a learnt clock is that of the last sample, and two seconds', () => {
  assert.is(taught({ afterS: [30, 60], errorMs: [5, 7, 400] })?.errorMs, 2400);
  assert.is(taught({ afterS: [30, 60], errorMs: [5, 7, 10_000] })?.errorMs, 12_000);
  assert.ok(taught({ afterS: [30, 60], errorMs: [5, 7, 10_001] }).errorMs >= 12_001);
});

rules.run();

// Notices of resources: which are believed, which of two is kept, what they change (INT-2, SEC-5).
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  COUNTER,
  FIELD,
  INTENT_STATE,
  type Notice,
  ROUND_S,
  STATUS,
  TYPE,
  VERDICT,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { Company } from './company.ts';
import { claimOf, DAY, lot } from './driven.ts';
import { noticeTerm } from './hashes.ts';

const rules = suite('notices of resources');

const noticesMax = firmwareConstants('flight').get('NOTICES_MAX')!;
/** Stored notices of one observer. */
const observerMax = noticesMax / 8 + 2;
const { accepted, refused } = VERDICT;

function agreed(members = 12): Company {
  const company = new Company({ config: { members }, groups: [{ ...lot, units: 90 }] });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  return company;
}

const noticeOf = (company: Company, changes: Partial<Notice> = {}): Notice => {
  return { name: 'notice', group: lot.group, unit: 0, capacity: 5, observedS: company.nowS, observer: 1, ...changes };
};
const hear = (company: Company, changes: Partial<Notice>) =>
  company.hear(changes.observer || 1, [noticeOf(company, changes)]);
const lost = (company: Company, counter: number) => company.node.lossCount(counter);
const noticed = (company: Company) =>
  company.eventsOf(TYPE.noticedResource).map(({ fields }) => {
    const at = FIELD.noticedResource;
    return [fields[at.group], fields[at.unit], fields[at.capacity], fields[at.observedS]];
  });

/** The units, and times, of the notices that the node stores, from its answer to a summary. */
function stored(company: Company): [unit: number, observedS: number][] {
  const entries = [{ group: 31, unit: 1, observedS: 1 }];
  const { nowS } = company;
  company.deliver(2, [{ name: 'notice-summary', answer: 1, entries }], 0);
  company.runTo(nowS + 40);
  const [answer] = company.sentOf('notice-summary', nowS).filter(({ to }) => to === 2);
  return answer.message.entries.map(({ unit, observedS }) => [unit, observedS]);
}

rules('INT-2 holds: a notice that cannot be true is refused, one that is not founded is counted', () => {
  const company = agreed(6);
  const at = company.nowS;
  const implausible: [Partial<Notice>, boolean][] = [
    [{ group: 31 }, false],
    [{ observer: 5 }, false],
    [{ observedS: at + 60 }, false],
    [{ observedS: at + 61 }, true],
  ];
  for (const [changes, isRefused] of implausible)
    assert.is(hear(company, changes), isRefused ? STATUS.implausible : STATUS.ok, JSON.stringify(changes));
  assert.is(company.hear(1, [noticeOf(company, { observer: 6 })]), STATUS.implausible);
  const founded: [Partial<Notice>, boolean][] = [
    [{ group: 2 }, false],
    [{ unit: 90, capacity: 1 }, true],
    [{ unit: 91, capacity: 0 }, false],
    [{ capacity: 2000, observedS: at + 1 }, true],
    [{ capacity: 2001, observedS: at + 2 }, false],
    [{ unit: 3, capacity: 1 }, true],
    [{ unit: 4, capacity: 2 }, false],
    [{ unit: 5, capacity: 0, observedS: at + 2 }, true],
    [{ unit: 6, capacity: 0, observedS: at + 3 }, false],
  ];
  for (const [changes, isFounded] of founded) {
    const before = [lost(company, COUNTER.noticeUnfounded), noticed(company).length];
    assert.is(hear(company, changes), STATUS.ok);
    assert.equal(
      [lost(company, COUNTER.noticeUnfounded) - before[0], noticed(company).length - before[1]],
      isFounded ? [0, 1] : [1, 0],
      JSON.stringify(changes),
    );
  }
});

rules('INT-2 holds: the newest notice is kept, then that of the higher observer, then the larger capacity', () => {
  const base = { observedS: 36_500, observer: 3, capacity: 50 };
  const cases: [Partial<Notice>, boolean][] = [
    [base, false],
    [{ ...base, observedS: 36_501, observer: 1, capacity: 1 }, true],
    [{ ...base, observedS: 36_499, observer: 5, capacity: 99 }, false],
    [{ ...base, observer: 4, capacity: 1 }, true],
    [{ ...base, observer: 2, capacity: 99 }, false],
    [{ ...base, capacity: 51 }, true],
    [{ ...base, capacity: 49 }, false],
  ];
  for (const [changes, isKept] of cases) {
    const company = agreed(6);
    hear(company, base);
    assert.equal(noticed(company), [[lot.group, 0, 50, 36_500]]);
    assert.is(company.node.group(lot.group).capacity, 50);
    hear(company, changes);
    assert.is(noticed(company).length, isKept ? 2 : 1, JSON.stringify(changes));
    assert.is(company.node.group(lot.group).capacity, isKept ? changes.capacity : 50);
  }
});

rules('INT-2 holds: a unit without capacity is refused to all, a group takes what the notice leaves', () => {
  const company = agreed();
  for (const owner of [1, 2, 3]) {
    const claim = claimOf(owner, company.nowS, { resource: (lot.group << 16) | owner, rate: 100 });
    company.deliver(owner, [claim]);
  }
  const verdicts = () => [1, 2, 3].map((owner) => company.node.verdict(owner, 0));
  assert.equal(verdicts(), [accepted, accepted, accepted]);
  hear(company, { unit: 2, capacity: 0 });
  assert.equal(verdicts(), [accepted, refused, accepted]);
  company.runTo(company.nowS + 1);
  hear(company, { unit: 2, capacity: 1 });
  assert.equal(verdicts(), [accepted, accepted, accepted]);
  hear(company, { unit: 0, capacity: 200 });
  assert.is(verdicts().filter((verdict) => verdict === accepted).length, 2);
  hear(company, { unit: 0, capacity: 199, observer: 2 });
  assert.is(verdicts().filter((verdict) => verdict === accepted).length, 1);
});

rules('SEC-5 holds: a notice in the own name, of this boot, is contradicted unless an own one is as new', () => {
  const company = agreed(6);
  const at = company.nowS;
  hear(company, { observer: 0, unit: 4, capacity: 0, observedS: at - 5 });
  assert.is(lost(company, COUNTER.impersonated), 1);
  assert.equal(noticed(company), [[lot.group, 4, 1, at]], 'as surveyed, and of now');
  hear(company, { observer: 0, unit: 5, capacity: 0, observedS: at + 2 });
  assert.equal(noticed(company).at(-1), [lot.group, 5, 1, at + 2], 'no older than the forged one');
  hear(company, { observer: 0, capacity: 7 });
  assert.equal(noticed(company).at(-1), [lot.group, 0, 2000, at]);
  assert.is(lost(company, COUNTER.impersonated), 3);
  hear(company, { observer: 0, unit: 4, capacity: 1, observedS: at });
  assert.is(lost(company, COUNTER.impersonated), 3, 'it is its own');
  company.runTo(at + 20);
  const sent = company.sentOf('notice', at).filter(({ to }) => to === ADDRESSEE_ALL);
  assert.equal(sent.map(({ message }) => [message.unit, message.observer]).sort(), [
    [0, 0],
    [4, 0],
    [5, 0],
  ]);
  const bootS = 36_000;
  hear(company, { observer: 0, unit: 6, capacity: 0, observedS: bootS - 1 });
  assert.is(lost(company, COUNTER.impersonated), 3);
  assert.equal(noticed(company).at(-1), [lot.group, 6, 0, bootS - 1], 'an earlier boot may have seen it');
  hear(company, { observer: 0, unit: 7, capacity: 0, observedS: bootS });
  assert.is(lost(company, COUNTER.impersonated), 4);
});

rules('SEC-5 holds: of one observer ten notices are kept, the oldest goes', () => {
  const company = agreed(6);
  const at = company.nowS;
  // The second and the third are of one second: the lower unit is the older notice.
  const times = [5, 1, 1, 2, 3, 4, 6, 7, 8, 9];
  assert.is(times.length, observerMax);
  hear(company, { unit: 80, capacity: 0, observer: 2, observedS: at - 100 });
  for (const [index, afterS] of times.entries())
    hear(company, { unit: 10 + index, capacity: 0, observedS: at - 50 + afterS });
  assert.is(stored(company).length, 11);
  hear(company, { unit: 30, capacity: 0, observedS: at - 40 });
  const units = () =>
    stored(company)
      .map(([unit]) => unit)
      .sort((a, b) => a - b);
  assert.equal(units(), [10, 12, 13, 14, 15, 16, 17, 18, 19, 30, 80]);
  hear(company, { unit: 31, capacity: 0, observedS: at - 39 });
  assert.equal(units(), [10, 13, 14, 15, 16, 17, 18, 19, 30, 31, 80]);
  hear(company, { unit: 32, capacity: 0, observedS: at - 60 });
  assert.equal(units(), [10, 13, 14, 15, 16, 17, 18, 19, 30, 31, 80], 'the new one is the oldest');
});

rules('INT-2 holds: what is discarded is as surveyed again', () => {
  const company = agreed(6);
  const at = company.nowS;
  const claim = claimOf(3, at, { resource: (lot.group << 16) | 9, rate: 100 });
  company.deliver(3, [claim]);
  hear(company, { unit: 9, capacity: 0, observedS: at - 50 });
  hear(company, { unit: 0, capacity: 50, observedS: at - 49 });
  assert.is(company.node.verdict(3, 0), refused);
  for (let unit = 20; unit < 28; unit += 1) hear(company, { unit, capacity: 0, observedS: at - 60 + unit });
  hear(company, { unit: 28, capacity: 0 });
  assert.is(company.node.group(lot.group).capacity, 50);
  assert.is(company.node.verdict(3, 0), refused);
  hear(company, { unit: 29, capacity: 0 });
  assert.is(company.node.group(lot.group).capacity, 2000);
  assert.is(company.node.verdict(3, 0), accepted);
});

rules(
  'SEC-5 holds: a full table takes a notice that is newer than its oldest, and counts each that finds no room',
  () => {
    const company = agreed(12);
    const at = company.nowS;
    for (let count = 0; count < noticesMax; count += 1)
      hear(company, { unit: 1 + count, capacity: 0, observer: 1 + Math.floor(count / 8), observedS: at - 200 + count });
    assert.is(noticed(company).length, noticesMax);
    assert.is(lost(company, COUNTER.noticesFull), 0);
    hear(company, { unit: 80, capacity: 0, observer: 9, observedS: at - 200 });
    assert.is(lost(company, COUNTER.noticesFull), 1);
    assert.is(noticed(company).length, noticesMax, 'it is as old as the oldest');
    hear(company, { unit: 80, capacity: 0, observer: 9, observedS: at - 199 });
    assert.is(lost(company, COUNTER.noticesFull), 2);
    assert.is(noticed(company).length, noticesMax + 1);
    hear(company, { unit: 1, capacity: 0, observer: 1, observedS: at - 198 });
    assert.is(noticed(company).length, noticesMax + 2, 'unit 1 was the oldest, and is discarded');
    hear(company, { unit: 80, capacity: 0, observer: 9, observedS: at });
    assert.is(lost(company, COUNTER.noticesFull), 3, 'what replaces its own notice needs no room');
  },
);

const assay = (company: Company, unit: number, capacity: number) =>
  assert.is(company.observe({ name: 'assay', group: lot.group, unit, capacity }), STATUS.ok);

rules('INT-2 holds: an assay that differs from what is known is published, within the survey', () => {
  const company = agreed(6);
  const at = company.nowS;
  assay(company, 0, 2000);
  assay(company, 0, 2500);
  assay(company, 3, 1);
  assay(company, 3, 9);
  assert.equal(noticed(company), [], 'as surveyed');
  assay(company, 3, 0);
  assay(company, 0, 1500);
  assert.equal(noticed(company), [
    [lot.group, 3, 0, at],
    [lot.group, 0, 1500, at],
  ]);
  company.runTo(at + 30);
  assay(company, 3, 0);
  assay(company, 0, 1500);
  assert.is(noticed(company).length, 2, 'known');
  const sent = company.sentOf('notice', at);
  assert.ok([0, 3].every((unit) => sent.some(({ to, message }) => to === ADDRESSEE_ALL && message.unit === unit)));
  assay(company, 3, 5);
  assert.equal(noticed(company).at(-1), [lot.group, 3, 1, at + 30]);
});

const assignTo = (company: Company, slot: number, unit: number, startS: number) =>
  company.observe({
    ...{ name: 'assign', slot, kind: WORK_KIND.mine, resource: (lot.group << 16) | unit, durationS: 0 },
    ...{ startS, endS: startS + DAY, rate: 100, priority: 1 },
  });
const stateAt = (company: Company, slot: number) => company.node.intent(0, slot)?.state;

rules('INT-3 holds: work that has not begun is withdrawn where the platform finds its resource lost', () => {
  const units = (unit: number) => {
    const company = agreed(6);
    const laterS = company.nowS + DAY;
    assignTo(company, 0, 3, company.nowS);
    company.runTo(company.nowS + 3 * ROUND_S);
    assert.ok(company.node.isRunning(0));
    for (const [slot, claimed] of [
      [1, 4],
      [2, 5],
    ])
      assignTo(company, slot, claimed, laterS);
    assay(company, unit, 0);
    return [0, 1, 2].map((slot) => stateAt(company, slot) === INTENT_STATE.withdrawn);
  };
  assert.equal(units(4), [false, true, false]);
  assert.equal(units(3), [false, false, false], 'the platform itself reports running work');
  assert.equal(units(0), [false, true, true], 'the group');
});

rules('SEC-5 holds: a notice on a unit that this node works is contradicted, and work that waits is looked at', () => {
  const company = agreed(6);
  assignTo(company, 0, 3, company.nowS);
  company.runTo(company.nowS + 3 * ROUND_S);
  assert.ok(company.node.isRunning(0));
  const at = company.nowS;
  hear(company, { unit: 3, capacity: 0 });
  hear(company, { unit: 0, capacity: 1 });
  company.runTo(at + 61);
  assert.equal(
    noticed(company)
      .slice(2)
      .map(([, unit, capacity]) => [unit, capacity]),
    [
      [3, 1],
      [0, 2000],
    ],
  );
  assert.ok(
    noticed(company)
      .slice(2)
      .every(([, , , observedS]) => observedS > at),
  );
  assert.is(lost(company, COUNTER.noticeUnfounded), 2);
  assert.ok(company.node.isRunning(0), 'its work goes on');
  assert.equal(
    company.commands.filter(({ fields }) => fields[0] === TYPE.requestAssay),
    [],
  );
});

rules('SEC-5 holds: settled work that waits stays when a notice refuses it, until the platform has looked', () => {
  const company = agreed(6);
  assignTo(company, 0, 3, company.nowS + DAY);
  company.runTo(company.nowS + 3 * ROUND_S);
  const at = company.nowS;
  assert.is(company.node.own(0).settledVersion, company.node.intent(0, 0)?.version);
  hear(company, { unit: 3, capacity: 0 });
  company.runTo(at + 125);
  assert.is(company.node.verdict(0, 0), refused);
  assert.is(stateAt(company, 0), INTENT_STATE.started);
  const asked = company.commands.filter(({ fields }) => fields[0] === TYPE.requestAssay);
  assert.equal(
    asked.map(({ fields }) => fields.slice(1)),
    [
      [lot.group, 3],
      [lot.group, 3],
    ],
  );
  const young = agreed(6);
  assignTo(young, 0, 3, young.nowS + DAY);
  hear(young, { unit: 3, capacity: 0 });
  young.runTo(young.nowS + 61);
  assert.is(stateAt(young, 0), INTENT_STATE.withdrawn, 'nothing had settled');
});

rules('FLT-3 holds: a summary of notices is answered with those that the peer lacks, four at a time', () => {
  const company = agreed(6);
  const at = company.nowS;
  for (let unit = 1; unit <= 6; unit += 1) hear(company, { unit, capacity: 0, observedS: at - 10 });
  const ask = (entries: { group: number; unit: number; observedS: number }[], wants: number) => {
    const { nowS } = company;
    company.deliver(2, [{ name: 'notice-summary', answer: wants, entries }], 0);
    company.runTo(nowS + 45);
    const sent = company.sentOf('notice', nowS).filter(({ to }) => to === 2);
    const summaries = company.sentOf('notice-summary', nowS).filter(({ to }) => to === 2);
    return { units: sent.map(({ message }) => message.unit), summaries: summaries.map(({ message }) => message) };
  };
  const of = (unit: number, observedS = at - 10) => ({ group: lot.group, unit, observedS });
  assert.equal(ask([], 1), { units: [1, 2, 3, 4], summaries: [] });
  assert.equal(ask([of(1), of(2, at - 11), of(3, at - 9), of(4)], 0).units, [2, 5, 6]);
  const lacking = ask([of(1), of(2), of(3, at - 9), of(4), of(5), of(6)], 1);
  assert.equal(lacking.units, []);
  assert.equal(lacking.summaries, [
    { name: 'notice-summary', answer: 0, entries: [1, 2, 3, 4, 5, 6].map((unit) => of(unit)) },
  ]);
  assert.equal(ask([of(1), of(2), of(3, at - 9), of(4), of(5), of(6)], 0).summaries, [], 'no answer is wanted');
  assert.equal(ask([of(1), of(2), of(3), of(4), of(5), of(6)], 1).summaries, [], 'nothing lacks here');
});

rules('FLT-3 holds: a summary has twelve notices, others in turn, and heartbeats have the sum of all', () => {
  const company = agreed(6);
  const at = company.nowS;
  let sum = 0;
  for (let unit = 1; unit <= 14; unit += 1) {
    const notice = noticeOf(company, { unit, capacity: 0, observer: 1 + (unit & 1), observedS: at - unit });
    company.deliver(1, [notice]);
    sum = (sum + noticeTerm(notice)) >>> 0;
  }
  const units = stored(company).map(([unit]) => unit);
  assert.is(units.length, 12);
  const summary = company.sentOf('notice-summary').at(-1)!;
  const from = Math.floor(summary.atS / 20) % 14;
  assert.equal(
    units,
    Array.from({ length: 12 }, (_, index) => 1 + ((from + index) % 14)),
  );
  company.runTo(company.nowS + 120);
  assert.is(company.sentOf('heartbeat').at(-1)?.message.recent, sum);
});

rules.run();

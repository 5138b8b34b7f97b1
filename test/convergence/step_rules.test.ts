// Convergence as one node measures it (CVG-1, CVG-2, CVG-4): onset, what still differs, end, alarm.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  FIELD,
  INSPECT,
  INTENT_STATE,
  OUTLOOK_KIND,
  ROUND_S,
  SLA_CLASS,
  STATUS,
  TYPE,
} from '../../host/cbor/generated.ts';
import { Company } from '../firmware/company.ts';
import { claimOf, DAY, lot, UNIT, versionOf } from '../firmware/driven.ts';

const rules = suite('convergence, step by step');

/** The node looks once a minute, so long after its begin. */
const stepS = 45;
const quietS = 1800;

/** A node that knew a majority for long, ten seconds before it looks. */
function agreed(members = 9, groups = [{ ...lot, units: 60 }]): Company {
  const company = new Company({ config: { members }, groups });
  company.runTo(company.nowS + 11 * ROUND_S + stepS - 10);
  assert.equal([company.node.view().quorum, company.node.view().disruptions], [1, 0]);
  return company;
}

const stepFrom = (s: number) => Math.ceil((s - stepS) / 60) * 60 + stepS;

let unitLast = 0;
/** Gives the node a notice of a unit; the second at which the node looks at it. */
function notice(company: Company, observedS = company.nowS, observer = 1): number {
  unitLast = (unitLast % 50) + 1;
  const capacity = unitLast % 2;
  company.deliver(observer, [{ name: 'notice', group: lot.group, unit: unitLast, capacity, observedS, observer }]);
  const atS = stepFrom(company.nowS);
  company.runTo(atS);
  return atS;
}

interface Converged {
  atS: number;
  class: number;
  onsetS: number;
  convergedS: number;
  detectedS: number;
  agreedS: number;
  freedS: number;
  settledS: number;
}

function convergedOf(company: Company): Converged[] {
  const at = FIELD.converged;
  return company.eventsOf(TYPE.converged).map(({ atS, fields }) => ({
    atS,
    class: fields[at.class],
    onsetS: fields[at.onsetS],
    convergedS: fields[at.convergedS],
    detectedS: fields[at.detectedS],
    agreedS: fields[at.agreedS],
    freedS: fields[at.freedS],
    settledS: fields[at.settledS],
  }));
}

const onsetsOf = (company: Company) =>
  company.eventsOf(TYPE.onset).map(({ fields }) => {
    const at = FIELD.onset;
    return [fields[at.class], fields[at.onsetS], fields[at.subject]];
  });
const open = (company: Company) => company.node.view().disruptions;
const apartS = (company: Company) => company.node.convergence().apartS;

// ---- onset and end ----

rules('CVG-2 holds: a disruption begins when it was observed, and is closed half an hour after it was noticed', () => {
  const company = agreed();
  const onsetS = company.nowS - 30;
  const atS = notice(company, onsetS);
  assert.equal(onsetsOf(company), [[SLA_CLASS.cluster, onsetS, 0]]);
  company.runTo(atS + quietS - 1);
  assert.is(open(company), 1);
  company.runTo(atS + quietS);
  assert.is(open(company), 0);
  const [one] = convergedOf(company);
  assert.equal(
    [one.atS, one.class, one.onsetS, one.convergedS, one.detectedS],
    [atS + quietS, SLA_CLASS.cluster, onsetS, onsetS, atS],
  );
  assert.equal(company.node.inspect(INSPECT.histogram, SLA_CLASS.cluster).slice(0, 2), [1, 0]);
});

rules('CVG-1 holds: what follows within a quarter of an hour is the same disruption, of the higher class', () => {
  for (const [afterS, agoS, disruptions] of [
    [900, 0, 1],
    [960, 0, 2],
    [960, 65, 1],
    [960, 45, 2],
  ]) {
    const company = agreed();
    const first = notice(company);
    company.runTo(first + afterS - 10);
    notice(company, company.nowS - agoS);
    assert.is(open(company), disruptions, `${afterS} s later, of ${agoS} s before`);
  }
});

rules('CVG-1 holds: a disruption has the earliest onset and the highest class of what it contains', () => {
  const company = agreed();
  const upS = 500;
  const early = company.nowS - upS;
  company.deliver(3, [{ name: 'join', incarnation: 8, generation: 1, cause: 1, upS: 9 }]);
  assert.is(open(company), 0, 'it was not known before');
  company.deliver(3, [{ name: 'join', incarnation: 16, generation: 1, cause: 1, upS }]);
  assert.equal(onsetsOf(company), [[SLA_CLASS.node, early, 3]]);
  const atS = notice(company, company.nowS);
  assert.is(open(company), 1);
  company.runTo(atS + quietS + 60);
  const [one, ...more] = convergedOf(company);
  assert.equal(more, []);
  assert.equal([one.class, one.onsetS, one.detectedS], [SLA_CLASS.cluster, early, atS - 10]);
});

rules('CVG-2 holds: a restart counts from the boot, as the member says, a quarter of an hour at most', () => {
  for (const [upS, agoS] of [
    [899, 899],
    [900, 900],
    [5000, 900],
  ]) {
    const company = agreed();
    company.deliver(3, [{ name: 'join', incarnation: 8, generation: 1, cause: 1, upS: 9 }]);
    company.deliver(3, [{ name: 'alive', member: 3, incarnation: 16, upS }]);
    assert.equal(onsetsOf(company), [[SLA_CLASS.node, company.nowS - agoS, 3]]);
    company.deliver(3, [{ name: 'alive', member: 3, incarnation: 17, upS }]);
    assert.is(onsetsOf(company).length, 1, 'a refutation is no restart');
  }
});

rules('CVG-2 holds: a member falls silent half a tick after its last sign of life', () => {
  for (const [away, slaClass] of [
    [[8], SLA_CLASS.node],
    [[7, 8], SLA_CLASS.node],
    [[6, 7, 8], SLA_CLASS.cluster],
  ] as const) {
    const company = agreed(12);
    for (const member of away) company.heard.delete(member);
    company.runTo(company.nowS + 9 * 60);
    const heardS = (company.node.member(8).lastLivenessTick + 1 - 4) * 60;
    assert.equal(onsetsOf(company), [[slaClass, heardS - 30, 8]]);
  }
});

rules('CVG-2 holds: what an observer missed in its contact window was lost in the middle since another looked', () => {
  const lookS = 400;
  for (const [untilS, observedS, unit, onsetS] of [
    [-1000, -100, 5, -250],
    [-1000, -99, 5, -99],
    [-160, -100, 5, -250],
    [-40, -100, 5, -250],
    [-39, -100, 5, -100],
    [-160, -100, 0, -100],
  ]) {
    const company = agreed(9);
    const at = company.nowS;
    company.deliver(2, [{ name: 'isolation', fromS: at - 1500, untilS: at + untilS }]);
    company.deliver(3, [{ name: 'isolation', fromS: at - 1500, untilS: at - lookS }]);
    company.deliver(4, [{ name: 'isolation', fromS: at - 1500, untilS: at - lookS - 77 }]);
    company.deliver(5, [{ name: 'isolation', fromS: at - 1500, untilS: at - 50 }]);
    const lost = { group: lot.group, unit, capacity: 0, observedS: at + observedS, observer: 2 };
    company.deliver(2, [{ name: 'notice', ...lost }]);
    company.runTo(at + 10);
    // The observer is no longer in contact: it saw the loss itself.
    assert.equal(onsetsOf(company), [[SLA_CLASS.cluster, at + onsetS, 0]], `${untilS} ${observedS} ${unit}`);
  }
  const long = agreed(9);
  const at = long.nowS;
  long.deliver(2, [{ name: 'isolation', fromS: at - 2500, untilS: at - 100 }]);
  long.deliver(3, [{ name: 'isolation', fromS: at - 2500, untilS: at - 1901 }]);
  long.deliver(2, [{ name: 'notice', group: lot.group, unit: 5, capacity: 0, observedS: at - 100, observer: 2 }]);
  long.runTo(at + 10);
  assert.equal(onsetsOf(long), [[SLA_CLASS.cluster, at - 100, 0]], 'nobody looked for half an hour');
});

// ---- what still differs ----

rules('CVG-2 holds: a member that is heard and does not agree in five rounds differs', () => {
  for (const [rounds, differs] of [
    [5, false],
    [6, true],
  ] as const) {
    const company = agreed();
    notice(company);
    company.runTo(Math.ceil(company.nowS / ROUND_S) * ROUND_S);
    const before = apartS(company);
    company.agreeing.delete(3);
    const beganS = company.nowS;
    company.runTo(beganS + rounds * ROUND_S - 5);
    assert.is(apartS(company) > before, differs, `${rounds} rounds`);
    if (!differs) continue;
    assert.is(apartS(company), beganS + 5 * ROUND_S, 'as of the begin of the round after');
    company.agreeing.add(3);
    company.runTo(beganS + (rounds + 2) * ROUND_S);
    const last = apartS(company);
    company.runTo(beganS + (rounds + 4) * ROUND_S);
    assert.is(apartS(company), last);
  }
});

rules('CVG-2 holds: a round in which it agrees ends the count, one in which it is not heard does not', () => {
  const differs = (between: (company: Company) => void, after: (company: Company) => void) => {
    const company = agreed();
    notice(company);
    company.runTo(Math.ceil(company.nowS / ROUND_S) * ROUND_S);
    const before = apartS(company);
    company.agreeing.delete(3);
    company.runTo(company.nowS + 3 * ROUND_S);
    between(company);
    company.runTo(company.nowS + ROUND_S);
    after(company);
    company.runTo(company.nowS + 3 * ROUND_S - 5);
    return apartS(company) > before;
  };
  const nothing = () => {};
  assert.ok(differs(nothing, nothing));
  assert.not(
    differs(
      (company) => company.agreeing.add(3),
      (company) => company.agreeing.delete(3),
    ),
  );
  assert.ok(
    differs(
      (company) => company.heard.delete(3),
      (company) => company.heard.add(3),
    ),
  );
});

rules('CVG-2 holds: five rounds without a majority differ', () => {
  const company = agreed();
  notice(company);
  company.runTo(Math.ceil(company.nowS / ROUND_S) * ROUND_S);
  const before = apartS(company);
  const beganS = company.nowS;
  company.agreeing.clear();
  company.runTo(beganS + 5 * ROUND_S - 5);
  assert.is(apartS(company), before);
  company.runTo(beganS + 6 * ROUND_S - 5);
  assert.is(apartS(company), beganS + 5 * ROUND_S);
});

rules('CVG-2 holds: a change of what is reported of a member differs, a suspicion does not', () => {
  const company = agreed();
  notice(company);
  const before = apartS(company);
  company.heard.delete(8);
  const awayS = company.nowS;
  company.runTo(awayS + 5 * 60);
  company.deliver(1, [{ name: 'suspicion', member: 8, incarnation: 1 }]);
  company.runTo(awayS + 6 * 60 - 10);
  assert.is(apartS(company), before);
  company.runTo(awayS + 8 * 60);
  const state = FIELD.memberState;
  const absent = company.eventsOf(TYPE.memberState, awayS).find(({ fields }) => fields[state.state] > 2);
  assert.ok(absent !== undefined);
  assert.is(apartS(company), stepFrom(absent.atS));
});

rules('CVG-2 holds: a refused claim is an open conflict once it is a quarter of an hour old', () => {
  const company = agreed();
  notice(company);
  const at = company.nowS;
  const winner = claimOf(1, at, { priority: 2 });
  const loser = claimOf(2, at, { priority: 1, slot: 3 });
  company.deliver(1, [winner]);
  company.deliver(2, [loser]);
  // Another group has no conflict.
  company.deliver(4, [claimOf(4, at, { resource: 2 << 16, rate: 0 })]);
  company.runTo(at + 900);
  const before = apartS(company);
  assert.ok(before < at);
  company.runTo(stepFrom(at + 901));
  assert.is(apartS(company), stepFrom(at + 901));
  const endS = company.nowS + 7 * 60;
  company.runTo(endS);
  assert.is(apartS(company), endS);
  company.deliver(2, [{ ...loser, version: versionOf(2), state: INTENT_STATE.withdrawn, publishedS: company.nowS }]);
  company.runTo(endS + quietS - 1);
  assert.is(open(company), 1);
  company.runTo(endS + quietS);
  const [one] = convergedOf(company);
  assert.equal([one.atS, one.convergedS, one.settledS], [endS + quietS, endS, endS]);
  const durationS = endS - one.onsetS;
  assert.is(company.node.convergence().lastClusterS, durationS);
  const bin = Math.floor(Math.log2(Math.floor(durationS / 60)));
  assert.is(company.node.inspect(INSPECT.histogram, SLA_CLASS.cluster)[bin], 1);
});

rules('CVG-2 holds: a claim of a silent owner differs until its lease hold ends', () => {
  const company = agreed();
  const at = company.nowS;
  company.deliver(8, [claimOf(8, at, { state: INTENT_STATE.started, endS: at + DAY })]);
  company.deliver(7, [claimOf(7, at, { resource: UNIT + 1, endS: at + DAY })]);
  company.heard.delete(8);
  company.runTo(at + 30 * 60);
  assert.is(company.node.intent(8, 0), undefined);
  const evicted = company.eventsOf(TYPE.stored).find(({ fields }) => fields[FIELD.stored.state] === 0)!;
  company.runTo(at + 90 * 60);
  const [one] = convergedOf(company);
  assert.ok(one.freedS < evicted.atS && one.freedS >= evicted.atS - 60, `${evicted.atS - one.freedS}`);
  const held = agreed();
  held.deliver(8, [claimOf(8, at, { state: INTENT_STATE.started, endS: at + 2 * DAY, leaseS: at + DAY })]);
  held.heard.delete(8);
  held.runTo(at + 90 * 60);
  assert.is(convergedOf(held)[0]?.freedS, 0, 'it ends in more than an hour');
});

// ---- alarms ----

const alarmsOf = (company: Company) =>
  company.eventsOf(TYPE.alarmed).map(({ atS, fields }) => {
    const at = FIELD.alarmed;
    return { atS, class: fields[at.class], onsetS: fields[at.onsetS], elapsedS: fields[at.elapsedS] };
  });

rules('CVG-4 holds: the alarm comes when three quarters of the limit are spent, and once', () => {
  const company = agreed();
  company.deliver(3, [{ name: 'join', incarnation: 8, generation: 1, cause: 1, upS: 9 }]);
  company.deliver(3, [{ name: 'alive', member: 3, incarnation: 16, upS: 0 }]);
  const onsetS = company.nowS;
  company.agreeing.delete(3);
  company.runTo(onsetS + 2700 - 1);
  assert.equal(alarmsOf(company), []);
  const atS = stepFrom(onsetS + 2700);
  company.runTo(atS + 600);
  assert.equal(alarmsOf(company), [{ atS, class: SLA_CLASS.node, onsetS, elapsedS: atS - onsetS }]);
  const sent = company.sentOf('alarm');
  assert.is(sent.length, 1);
  assert.equal([sent[0].to, sent[0].message.class, sent[0].message.onsetS], [ADDRESSEE_ALL, SLA_CLASS.node, onsetS]);
});

rules('CVG-4 holds: no alarm once nothing differed for ten minutes', () => {
  const company = agreed();
  company.deliver(3, [{ name: 'join', incarnation: 8, generation: 1, cause: 1, upS: 9 }]);
  company.deliver(3, [{ name: 'alive', member: 3, incarnation: 16, upS: 0 }]);
  const onsetS = company.nowS;
  company.agreeing.delete(3);
  company.runTo(onsetS + 1900);
  company.agreeing.add(3);
  company.runTo(onsetS + 4000);
  assert.ok(apartS(company) + 600 < onsetS + 2700);
  assert.equal(alarmsOf(company), []);
});

rules('CVG-4 holds: a predicted silence is no delay', () => {
  for (const kind of [OUTLOOK_KIND.occultation, OUTLOOK_KIND.storm]) {
    const company = agreed();
    const fromS = company.nowS;
    const untilS = fromS + 1800;
    assert.is(company.observe({ name: 'outlook', fromS, untilS, kind }), STATUS.ok);
    const slaClass = kind === OUTLOOK_KIND.storm ? SLA_CLASS.fleet : SLA_CLASS.cluster;
    assert.equal(onsetsOf(company), [[slaClass, fromS, 0xffff]]);
    company.agreeing.delete(3);
    company.runTo(fromS + 3000);
    company.agreeing.add(3);
    company.runTo(fromS + 9000);
    const [one] = convergedOf(company);
    assert.is(one.onsetS, fromS);
    assert.ok(one.convergedS > untilS);
    const bins = company.node.inspect(INSPECT.histogram, slaClass);
    const bin = Math.floor(Math.log2(Math.floor((one.convergedS - untilS) / 60)));
    assert.equal(
      bins.flatMap((count, index) => (count > 0 ? [index] : [])),
      [bin],
    );
    if (kind === OUTLOOK_KIND.occultation) assert.is(company.node.convergence().lastClusterS, one.convergedS - untilS);
  }
});

rules.run();

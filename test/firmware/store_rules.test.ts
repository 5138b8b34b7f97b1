// What the store of intents keeps and for how long (INT-4, INT-5), and what waits for whom.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  COUNTER,
  FEATURE,
  FIELD,
  type Intent,
  INTENT_STATE,
  LEASE_GUARD_S,
  LEASE_S,
  OUTLOOK_KIND,
  ROUND_S,
  TYPE,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { Company } from './company.ts';
import { claimOf, DAY, HOUR, lot, UNIT, versionOf } from './driven.ts';
import { silentTerm, sum64, versionTerm } from './hashes.ts';

const rules = suite('the store of intents');

const limits = firmwareConstants('flight');
const intentsMax = limits.get('INTENTS_MAX')!;
const tokensMax = limits.get('OWNER_TOKENS_MAX')!;
const retentionS = limits.get('RETENTION_S')!;
const { started, withdrawn } = INTENT_STATE;

function agreed(members = 6, features = 0): Company {
  const company = new Company({ config: { members, features }, groups: [{ ...lot, units: 200, capacity: 100_000 }] });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  assert.is(company.node.view().quorum, 1);
  return company;
}

function store(company: Company, owner: number, changes: Partial<Intent> = {}): Intent {
  const intent = claimOf(owner, company.nowS, { resource: UNIT + owner, ...changes });
  company.deliver(owner, [intent]);
  return intent;
}

const isStored = (company: Company, owner: number, slot = 0) => company.node.intent(owner, slot) !== undefined;

/** When the node removed an intent. */
const removedS = (company: Company, owner: number) => {
  const at = FIELD.stored;
  return company.eventsOf(TYPE.stored).find(({ fields }) => fields[at.owner] === owner && fields[at.state] === 0)?.atS;
};

rules('INT-4 holds: what ended is kept until the first cut half an hour later', () => {
  const company = agreed();
  const roundS = Math.ceil(company.nowS / ROUND_S) * ROUND_S + 20 * ROUND_S;
  const cutS = roundS - 60;
  for (const [owner, endS] of [
    [1, cutS - retentionS],
    [2, cutS - retentionS + 1],
    [3, cutS - retentionS - 1],
  ])
    store(company, owner, { startS: endS - 900, endS });
  company.runTo(roundS + 2 * ROUND_S);
  assert.equal([removedS(company, 1), removedS(company, 2), removedS(company, 3)], [roundS, roundS + ROUND_S, roundS]);
  assert.is(company.node.view().intents, 0);
  assert.is(company.node.group(lot.group).length, 0);
  assert.is(company.node.member(1).intentSum, 0);
});

rules('INT-5 holds: the claim of a silent owner is evicted when its lease hold ends, and no other', () => {
  for (const leaseAfterS of [0, LEASE_S + 60, LEASE_S + 61]) {
    const company = agreed();
    company.runTo(Math.ceil(company.nowS / 60) * 60);
    const at = company.nowS;
    store(company, 1, { endS: at + DAY, leaseS: leaseAfterS === 0 ? 0 : at + leaseAfterS });
    store(company, 1, { slot: 1, resource: UNIT + 20, endS: at + 10 * 60 });
    store(company, 2, { endS: at + DAY });
    company.heard.delete(1);
    company.runTo(at + 40 * 60);
    const heardS = (company.node.member(1).lastLivenessTick + 1 - 4) * 60;
    const holdS = Math.max(heardS + LEASE_S, leaseAfterS === 0 ? 0 : at + leaseAfterS) + LEASE_GUARD_S;
    assert.is(removedS(company, 1), holdS, `extended to ${leaseAfterS} s`);
    assert.not(isStored(company, 1));
    assert.ok(isStored(company, 1, 1), 'what has ended binds nobody');
    assert.ok(isStored(company, 2));
  }
});

rules('INT-5 holds: an owner that is back keeps its claim', () => {
  const company = agreed();
  const at = company.nowS;
  store(company, 1, { endS: at + DAY });
  company.heard.delete(1);
  company.runTo(at + 11 * 60);
  company.heard.add(1);
  company.runTo(at + 40 * 60);
  assert.ok(isStored(company, 1));
});

rules('INT-5 holds: a node that has just booted evicts nothing until it listened for seven ticks', () => {
  const company = new Company();
  const bootS = company.nowS;
  company.heard.delete(1);
  company.runTo(bootS + ROUND_S + 30);
  // It never heard the owner: a lease hold would be over long since.
  company.deliver(2, [claimOf(1, company.nowS, { endS: bootS + DAY })]);
  company.runTo(bootS + 419);
  assert.ok(isStored(company, 1));
  company.runTo(bootS + 481);
  assert.ok(removedS(company, 1)! >= bootS + 420, `${removedS(company, 1)! - bootS}`);
});

rules('INT-4 holds: a full store counts what it cannot take, and takes it when there is room', () => {
  const members = Math.ceil((intentsMax + 8) / 8) + 1;
  const company = agreed(members);
  const at = company.nowS;
  for (let count = 0; count < intentsMax; count += 1)
    store(company, 1 + (count >> 3), { slot: count & 7, resource: lot.group << 16, rate: 0 });
  assert.is(company.node.view().intents, intentsMax);
  assert.is(company.node.lossCount(COUNTER.intentsFull), 0);
  const owner = 1 + (intentsMax >> 3);
  store(company, owner, { rate: 0 });
  assert.is(company.node.lossCount(COUNTER.intentsFull), 1);
  assert.not(isStored(company, owner));
  company.runTo(at + 16);
  store(company, 1, { version: versionOf(2), resource: lot.group << 16, rate: 0 });
  assert.is(company.node.lossCount(COUNTER.intentsFull), 1, 'what is replaced leaves its place');
});

rules('CVG-2 holds: after an hour without a call the digest is that of what is stored', () => {
  const company = agreed();
  const intents = [
    store(company, 1),
    store(company, 2, { endS: company.nowS + 3 * DAY, leaseS: company.nowS + 2 * DAY }),
  ];
  company.runTo(company.nowS + 2 * ROUND_S);
  company.sleepTo(company.nowS + HOUR);
  company.runTo(company.nowS + 3 * ROUND_S);
  const { digestHigh, digestLow } = company.node.view();
  const kept = intents.filter(({ owner }) => isStored(company, owner));
  const silent = [1, 2, 3, 4, 5].flatMap((member) => (company.node.member(member).age === 7 ? [member] : []));
  const terms = silent.map((member) => silentTerm(member, company.node.member(member).lastLivenessTick));
  assert.is((BigInt(digestHigh) << 32n) | BigInt(digestLow), sum64([...kept.map(versionTerm), ...terms]));
});

rules('SEC-5 holds: an owner has twelve versions passed on, and one more each minute', () => {
  const company = agreed();
  company.runTo(Math.ceil(company.nowS / 60) * 60);
  let count = 0;
  const refusedOf = (versions: number) => {
    const before = company.node.lossCount(COUNTER.quotaOwner);
    for (let each = 0; each < versions; each += 1) store(company, 1, { version: versionOf((count += 1)) });
    assert.is(company.node.intent(1, 0)?.version, versionOf(count), 'it is stored');
    return company.node.lossCount(COUNTER.quotaOwner) - before;
  };
  assert.is(refusedOf(tokensMax), 0);
  assert.is(refusedOf(1), 1);
  company.runTo(company.nowS + 59);
  assert.is(refusedOf(1), 1);
  company.runTo(company.nowS + 1);
  assert.equal([refusedOf(1), refusedOf(1)], [0, 1]);
  company.runTo(company.nowS + 5 * 60);
  assert.equal([refusedOf(5), refusedOf(1)], [0, 1]);
  company.runTo(company.nowS + 30 * 60);
  assert.equal([refusedOf(tokensMax), refusedOf(1)], [0, 1]);
});

rules('SEC-5 holds: what an owner over its quota published goes to who asks alone', () => {
  const to = (versions: number) => {
    const company = agreed();
    company.runTo(Math.ceil(company.nowS / 60) * 60);
    const heardS = company.nowS;
    company.runTo(heardS + 120);
    for (let count = 1; count <= versions; count += 1)
      company.deliver(2, [claimOf(1, company.nowS, { version: versionOf(count) })], 0);
    const { nowS } = company;
    company.deliver(3, [{ name: 'owner-summary', owner: 1, answer: 0, entries: [] }], 0);
    company.runTo(nowS + 40);
    return company
      .sentOf('intent', nowS)
      .filter(({ message }) => message.version === versionOf(versions))
      .map((one) => one.to);
  };
  assert.ok(to(tokensMax - 1).includes(ADDRESSEE_ALL));
  assert.ok(to(tokensMax).includes(3));
});

rules('SEC-5 holds: statements of four owners are awaited at one time, and a fifth is counted', () => {
  const company = agreed(9, FEATURE.signs);
  const at = company.nowS;
  const release = (owner: number) => {
    const claim = claimOf(owner, at, { resource: UNIT + owner, state: started, claimS: at - HOUR });
    company.deliver(owner, [claim]);
    company.deliver(owner, [{ ...claim, version: versionOf(2), state: withdrawn }]);
  };
  for (const owner of [1, 2, 3, 4]) release(owner);
  assert.is(company.node.lossCount(COUNTER.statementsFull), 0);
  release(5);
  assert.is(company.node.lossCount(COUNTER.statementsFull), 1);
  assert.is(company.node.lossCount(COUNTER.intentUnsigned), 5);
});

// ---- own work ----

function working(endAfterS: number, features = 0): Company {
  const company = agreed(6, features);
  const { nowS } = company;
  const work = { kind: WORK_KIND.mine, resource: UNIT, startS: nowS, endS: nowS + endAfterS, durationS: 0 };
  company.observe({ name: 'assign', slot: 0, ...work, rate: 100, priority: 1 });
  company.runTo(nowS + 3 * ROUND_S);
  assert.ok(company.node.isRunning(0));
  return company;
}

rules('INT-3 holds: a refused extension goes back to what had settled', () => {
  const company = working(4 * HOUR);
  const { endS, settledVersion } = company.node.own(0);
  const at = company.nowS;
  store(company, 1, { resource: UNIT, startS: endS, endS: endS + DAY, priority: 9, state: started });
  company.observe({ name: 'outlook', fromS: at + 2 * HOUR, untilS: endS + HOUR, kind: OUTLOOK_KIND.occultation });
  company.runTo(at + 3 * 60);
  const versions = company.eventsOf(TYPE.published, at).map(({ fields }) => fields[FIELD.published.endS]);
  assert.ok(versions[0] > endS, 'it tried');
  assert.ok(versions.includes(endS), 'and went back');
  const own = company.node.intent(0, 0)!;
  assert.is(company.eventsOf(TYPE.lost, at).length > 0, true);
  assert.is(own.state, started);
  assert.ok(company.node.isRunning(0));
  assert.ok(settledVersion < company.node.own(0).settledVersion);
  assert.is(company.node.own(0).endS, endS);
});

rules('INT-3 holds: running work keeps its unit against a start that comes first in the order', () => {
  const company = working(DAY);
  const at = company.nowS;
  store(company, 1, { resource: UNIT, startS: at, endS: at + DAY, priority: 9, state: started });
  company.runTo(at + 70);
  assert.is(company.node.verdict(0, 0), 2);
  assert.is(company.node.intent(0, 0)?.state, started);
  assert.ok(company.node.isRunning(0));
  const waits = agreed();
  const work = { kind: WORK_KIND.mine, resource: UNIT, startS: at + 5 * HOUR, endS: at + DAY, durationS: 0 };
  waits.observe({ name: 'assign', slot: 0, ...work, rate: 100, priority: 1 });
  waits.runTo(waits.nowS + 3 * ROUND_S);
  assert.is(waits.node.intent(0, 0)?.state, started);
  store(waits, 1, { resource: UNIT, startS: at, endS: at + DAY, priority: 9, state: started });
  waits.runTo(waits.nowS + 70);
  assert.is(waits.node.intent(0, 0)?.state, withdrawn, 'nothing moves there yet');
});

rules(
  'INT-5 holds: a contact window is announced seven minutes before it, and the return from it for three after',
  () => {
    for (const [lengthS, isAnnounced] of [
      [900, true],
      [901, false],
    ] as const) {
      const company = working(DAY);
      const startS = company.nowS + 20 * 60;
      const endS = startS + lengthS;
      company.observe({ name: 'window', startS, endS, energyWh: 10 });
      const { nowS } = company;
      company.runTo(endS + 600);
      const announced = company.sentOf('isolation', nowS);
      assert.is(announced.length > 0, isAnnounced);
      if (!isAnnounced) continue;
      assert.ok(
        announced.every(
          ({ to, message }) => to === ADDRESSEE_ALL && message.fromS === startS && message.untilS === endS,
        ),
      );
      assert.ok(
        announced[0].atS >= startS - 420 && announced[0].atS < startS - 420 + 90,
        `${startS - announced[0].atS} s before`,
      );
      assert.ok(announced.every(({ atS }) => atS < startS + 30));
      const back = company.sentOf('alive', nowS).map(({ atS }) => atS - endS);
      assert.is(back.length, 3);
      assert.ok(
        back.every((afterS) => afterS >= 0 && afterS < 180 + 30),
        back.join(),
      );
      assert.is(company.node.intent(0, 0)?.leaseS, endS + 360);
    }
  },
);

rules.run();

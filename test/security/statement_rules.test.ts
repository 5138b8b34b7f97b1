// Signed statements of others (SEC-5): what is verified, and what valid ones do.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  COUNTER,
  FIELD,
  type Intent,
  INTENT_STATE,
  type Message,
  type Statement,
  STATUS,
  TYPE,
  VERDICT,
} from '../../host/cbor/generated.ts';
import { intentDigest } from '../../host/security/statement.ts';
import type { Company } from '../firmware/company.ts';
import { claimOf, DAY, lot, UNIT, versionOf } from '../firmware/driven.ts';
import {
  agreed,
  asked,
  counted,
  proven,
  signature,
  statementAt,
  statementOn,
  stored,
  verify,
} from './statement_node.ts';

const rules = suite('statements of others');

/** A started claim of member 1, stored as its owner broadcast it. */
function claimed(company: Company, changes: Partial<Intent> = {}): Intent {
  const at = company.nowS;
  const intent = claimOf(1, at - 10, {
    state: INTENT_STATE.started,
    endS: at + DAY,
    version: versionOf(5),
    ...changes,
  });
  company.deliver(intent.owner, [intent]);
  assert.is(stored(company, intent.owner, intent.slot)?.version, intent.version);
  return intent;
}

// ---- verification ----

rules('SEC-5 holds: a statement is verified before it counts, one at a time, and a false one is counted', () => {
  const company = agreed();
  const intent = claimed(company);
  const forged = { ...intent, version: versionOf(9), rate: 7 };
  company.deliver(2, [forged]);
  const statement = statementOn(intent, company.nowS);
  company.deliver(1, [statement]);
  const [ticket] = asked(company, TYPE.verify);
  const { name: _, ...text } = statement;
  assert.equal(statementAt(company, ticket), text);
  assert.is(stored(company, 1)?.version, versionOf(9), 'it is not verified yet');
  company.observe({ name: 'verified', ticket: ticket + 1, ok: 1 });
  company.observe({ name: 'signed', ticket, signature });
  assert.is(stored(company, 1)?.version, versionOf(9), 'another ticket was asked for');
  company.observe({ name: 'verified', ticket, ok: 0 });
  assert.is(counted(company, COUNTER.statementFalse), 1);
  assert.is(stored(company, 1)?.version, versionOf(9));
  proven(company, statement);
  assert.is(counted(company, COUNTER.intentForged), 1);
  assert.is.not(stored(company, 1)?.version, versionOf(9));
});

rules('SEC-5 holds: an answer of the platform is awaited for half a minute', () => {
  const company = agreed();
  const intent = claimed(company);
  company.runTo(company.nowS + 10);
  const at = company.nowS;
  company.deliver(1, [statementOn(intent, at)]);
  company.deliver(2, [statementOn(claimOf(2, at), at)]);
  assert.is(asked(company, TYPE.verify).length, 1);
  company.runTo(at + 29);
  company.deliver(3, [statementOn(claimOf(3, at), at)]);
  assert.is(asked(company, TYPE.verify).length, 1);
  company.runTo(at + 30);
  company.deliver(4, [statementOn(claimOf(4, at), at)]);
  assert.is(asked(company, TYPE.verify).length, 2);
});

rules('SEC-5 holds: four statements wait to be verified, more are counted', () => {
  const company = agreed(9);
  const at = company.nowS;
  for (const owner of [1, 2, 3, 4]) company.deliver(owner, [statementOn(claimOf(owner, at), at)]);
  assert.is(counted(company, COUNTER.statementsFull), 0);
  company.deliver(5, [statementOn(claimOf(5, at), at)]);
  assert.is(counted(company, COUNTER.statementsFull), 1);
  // What its owner sends to this node alone may be half of a proof.
  company.deliver(6, [statementOn(claimOf(6, at), at)], 0);
  assert.is(counted(company, COUNTER.statementsFull), 1);
  company.deliver(5, [statementOn(claimOf(7, at), at)], 0);
  assert.is(counted(company, COUNTER.statementsFull), 2, 'another member sent it');
});

rules('SEC-5 holds: what is known, its own, or dated ahead by two minutes is not verified', () => {
  const company = agreed();
  const intent = claimed(company);
  const at = company.nowS;
  proven(company, statementOn(intent, at - 5));
  const isAsked = (statement: Statement) => {
    const before = asked(company, TYPE.verify).length;
    company.deliver(2, [statement]);
    const isNew = asked(company, TYPE.verify).length > before;
    if (isNew) verify(company, 0);
    return isNew;
  };
  assert.not(isAsked(statementOn(intent, at - 5)));
  assert.not(isAsked(statementOn(intent, at - 6)));
  assert.ok(isAsked(statementOn(intent, at - 4)));
  assert.ok(isAsked(statementOn({ ...intent, rate: 99 }, at - 60)), 'another content under one version');
  assert.ok(isAsked(statementOn(intent, at - 60, { slot: 3 })));
  const other = { ...intent, version: versionOf(4) };
  assert.not(isAsked(statementOn(other, at - 6)), 'an earlier one on another version');
  assert.ok(isAsked(statementOn(other, at - 4)));
  assert.not(isAsked(statementOn(intent, at, { owner: 0 })));
  assert.ok(isAsked(statementOn(intent, at + 120)));
  assert.not(isAsked(statementOn(intent, at + 121)));
  assert.is(company.hear(2, [statementOn(intent, at, { owner: 6 })]), STATUS.implausible);
});

// ---- what a valid statement does ----

rules('SEC-5 holds: a statement retracts what it contradicts, of its time or before, and nothing else', () => {
  const cases: [forged: (intent: Intent) => Partial<Intent>, afterS: number, isRetracted: boolean][] = [
    [() => ({ version: versionOf(6) }), 0, true],
    [() => ({ version: versionOf(6), publishedS: 36_625 }), 36_624, false],
    [() => ({ version: versionOf(6), publishedS: 36_625 }), 36_625, true],
    [() => ({ rate: 4 }), 0, true],
    [() => ({}), 0, false],
  ];
  for (const [changes, atS, isRetracted] of cases) {
    const company = agreed();
    const intent = claimOf(1, company.nowS - 10, {
      endS: company.nowS + DAY,
      version: versionOf(5),
      resource: lot.group << 16,
    });
    const forged = { ...intent, ...changes(intent) };
    company.deliver(2, [forged]);
    proven(company, statementOn(intent, atS || company.nowS));
    assert.is(stored(company, 1) === undefined, isRetracted, JSON.stringify([changes(intent), atS]));
    assert.is(counted(company, COUNTER.intentForged), isRetracted ? 1 : 0);
  }
});

rules(
  'SEC-5 holds: in the place of a forgery that holds a unit the unit stays taken until the true version comes',
  () => {
    const company = agreed();
    const intent = claimOf(1, company.nowS - 10, {
      endS: company.nowS + DAY,
      version: versionOf(5),
      state: INTENT_STATE.started,
    });
    company.deliver(2, [{ ...intent, version: versionOf(8), rate: 7 }]);
    proven(company, statementOn(intent, company.nowS));
    assert.equal([stored(company, 1)?.version, stored(company, 1)?.kind], [versionOf(4), 255]);
    company.deliver(3, [claimOf(3, company.nowS, { priority: 0 })]);
    assert.is(company.node.verdict(3, 0), VERDICT.refused);
    company.deliver(2, [{ ...intent, rate: 9 }]);
    assert.is(stored(company, 1)?.kind, 255, 'another content is refuted');
    company.deliver(2, [intent]);
    assert.equal([stored(company, 1)?.version, stored(company, 1)?.rate], [versionOf(5), 1]);
    const none = agreed();
    none.deliver(2, [intent]);
    proven(none, statementOn(intent, none.nowS, { version: 0, digest: new Uint8Array(16) }));
    assert.is(stored(none, 1), undefined, 'the owner has nothing there');
  },
);

rules('SEC-5 holds: after a statement older versions are refuted to who sends them, with the statement', () => {
  const company = agreed();
  const intent = claimed(company, { resource: lot.group << 16 });
  proven(company, statementOn(intent, company.nowS));
  const at = company.nowS;
  const forged = { ...intent, version: versionOf(7) };
  company.deliver(2, [forged], 0);
  assert.is(counted(company, COUNTER.intentForged), 1);
  assert.is(stored(company, 1)?.version, versionOf(5));
  company.runTo(at + 20);
  const sent = company.sent.filter(({ atS, to }) => atS >= at && to === 2).map(({ message }) => message.name);
  assert.ok(sent.includes('statement') && sent.includes('intent'), sent.join());
  company.deliver(3, [forged]);
  company.runTo(at + 40);
  assert.is(counted(company, COUNTER.intentForged), 2);
  assert.equal(company.sentOf('statement', at + 21), [], 'it was to all');
  company.deliver(1, [{ ...forged, publishedS: at + 41 }]);
  assert.is(stored(company, 1)?.version, versionOf(7), 'published after the statement');
});

rules('SEC-5 holds: a release that came before its statement was verified is stored with it', () => {
  const company = agreed();
  const intent = claimed(company);
  const release = { ...intent, state: INTENT_STATE.withdrawn, version: versionOf(6), publishedS: company.nowS };
  company.deliver(1, [statementOn(release, company.nowS), release]);
  assert.is(stored(company, 1)?.version, versionOf(5));
  verify(company);
  assert.equal([stored(company, 1)?.version, stored(company, 1)?.state], [versionOf(6), INTENT_STATE.withdrawn]);
  const other = agreed();
  claimed(other);
  other.deliver(1, [statementOn({ ...release, rate: 3 }, other.nowS), release]);
  verify(other);
  assert.is(stored(other, 1)?.version === versionOf(6), false, 'it is not what the statement confirms');
});

rules('SEC-5 holds: what others relay of an intent slot is doubted for half an hour after a statement on it', () => {
  for (const [minutes, isDoubted] of [
    [0, true],
    [29, true],
    [30, false],
  ] as const) {
    const company = agreed();
    const at = Math.ceil(company.nowS / 60) * 60;
    company.runTo(at);
    const intent = claimed(company, { resource: lot.group << 16 });
    proven(company, statementOn(intent, at));
    // Eight others take its place among the statements.
    for (let count = 0; count < 9; count += 1) {
      company.runTo(company.nowS + 2);
      proven(company, statementOn(claimOf(2 + (count % 4), at, { slot: 1 + (count >> 2) }), at));
    }
    company.runTo(at + minutes * 60 + 40);
    const next = { ...intent, version: versionOf(6), publishedS: at };
    const before = counted(company, COUNTER.intentUnsigned);
    company.deliver(2, [next]);
    assert.is(counted(company, COUNTER.intentUnsigned) - before, isDoubted ? 1 : 0, `${minutes} minutes`);
    company.deliver(1, [{ ...next, version: versionOf(7) }]);
    assert.is(stored(company, 1)?.version, versionOf(7), 'the owner itself is believed');
  }
});

// ---- equivocation ----

/** Two contents of one version of member 1. */
function contents(company: Company): [Intent, Intent] {
  const intent = claimOf(1, company.nowS - 10, { endS: company.nowS + DAY, version: versionOf(5) });
  return [intent, { ...intent, rate: 2 }];
}

rules('SEC-5 holds: two valid statements on two contents of one version prove their owner an equivocator', () => {
  const company = agreed();
  const [one, two] = contents(company);
  const at = company.nowS;
  company.deliver(1, [one]);
  company.deliver(1, [{ ...one, slot: 2, resource: UNIT + 4 }]);
  company.deliver(1, [{ name: 'notice', group: lot.group, unit: 7, capacity: 0, observedS: at, observer: 1 }]);
  company.deliver(2, [{ name: 'notice', group: lot.group, unit: 8, capacity: 0, observedS: at, observer: 2 }]);
  proven(company, statementOn(one, at));
  const digest = company.node.viewDigest();
  proven(company, statementOn(two, at, {}), 2);
  const at2 = FIELD.equivocated;
  assert.equal(
    company
      .eventsOf(TYPE.equivocated)
      .map(({ fields }) => [at2.owner, at2.slot, at2.version, at2.proven].map((index) => fields[index])),
    [[1, 0, versionOf(5), 1]],
  );
  assert.equal([stored(company, 1), stored(company, 1, 2)], [undefined, undefined]);
  assert.is.not(company.node.viewDigest(), digest, 'it is agreed on');
  company.deliver(1, [{ ...one, version: versionOf(6) }]);
  assert.is(stored(company, 1), undefined);
  assert.is(counted(company, COUNTER.ownerBarred), 1);
  company.deliver(1, [{ name: 'notice', group: lot.group, unit: 7, capacity: 0, observedS: at + 1, observer: 1 }]);
  assert.is(counted(company, COUNTER.ownerBarred), 2);
  const before = asked(company, TYPE.verify).length;
  company.deliver(1, [statementOn({ ...one, version: versionOf(8) }, at + 1)]);
  assert.is(asked(company, TYPE.verify).length, before, 'nothing of it is verified');
  company.runTo(at + 400);
  const proofs = company.sentOf('proof', at);
  assert.is(proofs.length, 4);
  assert.ok(proofs.every(({ to }) => to === ADDRESSEE_ALL));
  const { message } = proofs[0];
  assert.equal([message.owner, message.slot, message.version, message.atA, message.atB], [1, 0, versionOf(5), at, at]);
  assert.equal([message.digestA, message.digestB], [intentDigest(one), intentDigest(two)]);
  const entries = [{ group: 31, unit: 1, observedS: 1 }];
  company.deliver(2, [{ name: 'notice-summary', answer: 1, entries }], 0);
  company.runTo(at + 440);
  const units = company
    .sentOf('notice-summary', at + 400)
    .flatMap(({ message: one }) => one.entries.map(({ unit }) => unit));
  assert.equal([...new Set(units)], [8], 'its notices are discarded');
});

rules('SEC-5 holds: statements on two versions, or twice on one content, prove nothing', () => {
  const company = agreed();
  const [one] = contents(company);
  const at = company.nowS;
  proven(company, statementOn(one, at - 3));
  proven(company, statementOn(one, at - 2));
  proven(company, statementOn({ ...one, version: versionOf(6) }, at - 1));
  proven(company, statementOn(one, at, { version: 0, digest: new Uint8Array(16) }));
  proven(company, statementOn(one, at + 1, { version: 0, digest: new Uint8Array(16).fill(1) }));
  assert.equal(company.eventsOf(TYPE.equivocated), []);
});

rules('SEC-5 holds: of a proof both statements are verified, but for what is known', () => {
  const company = agreed();
  const [one, two] = contents(company);
  const at = company.nowS;
  const proof = (changes: object = {}): Message => ({
    ...{ name: 'proof', owner: 1, slot: 0, version: versionOf(5), atA: at, atB: at - 1 },
    ...{ digestA: intentDigest(one), digestB: intentDigest(two), signatureA: signature, signatureB: signature },
    ...changes,
  });
  assert.equal(
    [proof({ owner: 6 }), proof({ version: 0 }), proof({ digestB: intentDigest(one) })].map((each) =>
      company.hear(3, [each]),
    ),
    [STATUS.implausible, STATUS.implausible, STATUS.implausible],
  );
  company.deliver(3, [proof({ owner: 0 })]);
  assert.equal(asked(company, TYPE.verify), []);
  proven(company, statementOn(one, at));
  company.deliver(3, [proof()]);
  assert.is(asked(company, TYPE.verify).length, 2);
  assert.equal(statementAt(company, asked(company, TYPE.verify)[1])?.digest, intentDigest(two));
  assert.is(statementAt(company, asked(company, TYPE.verify)[1])?.atS, at - 1);
  verify(company);
  assert.is(company.eventsOf(TYPE.equivocated).length, 1);
  company.deliver(3, [proof()]);
  assert.is(asked(company, TYPE.verify).length, 2, 'it is proven');
  const both = agreed();
  both.deliver(3, [proof()]);
  verify(both);
  verify(both);
  assert.is(both.eventsOf(TYPE.equivocated).length, 1);
});

rules('SEC-5 holds: another content makes a node broadcast the statement that it has, once', () => {
  const company = agreed();
  const [one, two] = contents(company);
  company.deliver(1, [one]);
  proven(company, statementOn(one, company.nowS - 20));
  const at = company.nowS;
  company.deliver(2, [{ ...two, publishedS: at }]);
  assert.is(counted(company, COUNTER.intentDiffers), 1);
  company.runTo(at + 400);
  const sent = company.sentOf('statement', at);
  assert.ok(
    sent.length === 4 && sent.every(({ to, message }) => to === ADDRESSEE_ALL && message.owner === 1),
    `${sent.length}`,
  );
  company.deliver(2, [{ ...two, publishedS: at }]);
  company.runTo(at + 500);
  assert.is(company.sentOf('statement', at).length, 4);
});

rules.run();

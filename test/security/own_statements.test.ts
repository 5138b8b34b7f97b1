// A node's own statements (SEC-5): when it has them signed, and how often it sends them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  FEATURE,
  INTENT_STATE,
  type Message,
  ROUND_S,
  STATUS,
  TYPE,
  VERSION_BITS,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { intentDigest } from '../../host/security/statement.ts';
import { Company } from '../firmware/company.ts';
import { claimOf, DAY, HOUR, UNIT } from '../firmware/driven.ts';
import { agreed, asked, counted, sign, signature, statementAt, stored } from './statement_node.ts';

const rules = suite('statements of this node');

/** A node that works unit 1, and the version that it published last. */
function working() {
  const company = agreed();
  const { nowS } = company;
  const work = {
    kind: WORK_KIND.mine,
    resource: UNIT,
    startS: nowS,
    endS: nowS + DAY,
    durationS: 0,
    rate: 100,
    priority: 1,
  };
  company.observe({ name: 'assign', slot: 0, ...work });
  company.runTo(nowS + 3 * ROUND_S);
  assert.ok(company.node.isRunning(0));
  return { company, version: stored(company, 0)!.version };
}

const statements = (company: Company, fromS: number) =>
  company.sentOf('statement', fromS).map(({ message }) => message);

rules(
  'SEC-5 holds: a version forged in the own name is contradicted by a statement, four times, with the version',
  () => {
    const { company, version } = working();
    const at = company.nowS;
    company.deliver(2, [claimOf(0, at, { version: version + 5 })]);
    assert.is(counted(company, COUNTER.impersonated), 1);
    assert.is(asked(company, TYPE.sign, at).length, 1);
    assert.is(sign(company), 1);
    company.runTo(at + 400);
    const sent = statements(company, at);
    assert.is(sent.length, 4);
    for (const one of sent) assert.equal([one.owner, one.slot, one.version, one.atS], [0, 0, version, at]);
    const frames = company.sentOf('intent', at).filter(({ message }) => message.owner === 0);
    assert.ok(frames.length >= 4 && frames.every(({ message }) => message.version === version));
    const { message } = frames[0];
    assert.equal(sent[0].digest, intentDigest(message));
    assert.equal(sent[0].signature, signature);
    company.deliver(2, [claimOf(0, at, { version: version + 5 })]);
    company.runTo(at + 520);
    assert.equal(asked(company, TYPE.sign), [], 'the statement covers that time');
    assert.is(statements(company, at).length, 5, 'it is broadcast once more');
    company.deliver(2, [claimOf(0, at + 520, { version: version + 6 })]);
    assert.is(asked(company, TYPE.sign).length, 1, 'that one is younger');
  },
);

rules('SEC-5 holds: in an intent slot without work the statement says that there is none', () => {
  const { company, version } = working();
  const at = company.nowS;
  company.deliver(2, [claimOf(0, at, { slot: 3, version: version + 5 })]);
  sign(company);
  company.runTo(at + 60);
  const [one] = statements(company, at);
  assert.equal([one.slot, one.version, one.atS, one.digest], [3, 0, at, new Uint8Array(16)]);
});

rules(
  'SEC-5 holds: a forged version that is dated ahead is contradicted now, each cycle, and when its time has come',
  () => {
    const { company, version } = working();
    const at = company.nowS;
    company.deliver(2, [claimOf(0, at, { version: version + 5, publishedS: at + 40 })]);
    const times: number[] = [];
    for (let s = at; s <= at + 90; s += 1) {
      company.runTo(s);
      if (asked(company, TYPE.sign).length === 0) continue;
      times.push(s - at);
      sign(company);
    }
    assert.is(times[0], 0);
    assert.ok(times.at(-1)! >= 40, times.join());
    assert.ok(
      times.every((s, index) => index === 0 || s - times[index - 1] >= 15),
      times.join(),
    );
  },
);

rules('SEC-5 holds: a peer gets a statement on request, once a minute', () => {
  const { company, version } = working();
  const at = company.nowS;
  const request = (owner = 0, slot = 0): Message => ({ name: 'statement-request', owner, slot });
  company.deliver(2, [request(1)]);
  assert.equal(asked(company, TYPE.sign, at), []);
  assert.is(company.hear(2, [request(6)]), STATUS.implausible);
  company.deliver(2, [request()]);
  assert.is(sign(company), 1);
  company.runTo(at + 50);
  assert.is(statements(company, at)[0].version, version);
  company.deliver(2, [request(0, 4)]);
  company.runTo(at + 59);
  company.deliver(2, [request(0, 4)]);
  assert.equal(asked(company, TYPE.sign), []);
  company.runTo(at + 60);
  company.deliver(2, [request(0, 4)]);
  assert.is(asked(company, TYPE.sign).length, 1);
});

rules('SEC-5 holds: what releases an own unit goes out with a statement on it', () => {
  const { company } = working();
  const at = company.nowS;
  company.observe({ name: 'progress', slot: 0, status: 3, movedKg: 0 });
  assert.is(stored(company, 0)?.state, INTENT_STATE.withdrawn);
  assert.is(sign(company), 1);
  company.runTo(at + 20);
  const [one] = statements(company, at);
  assert.is(one.version, stored(company, 0)?.version);
  const later = company.node.intent(0, 0)!.publishedS;
  assert.ok(later >= at);
});

rules('SEC-5 holds: what is published after an own statement is dated after it', () => {
  const { company, version } = working();
  const at = company.nowS;
  company.deliver(2, [claimOf(0, at, { version: version + 5 })]);
  sign(company);
  company.observe({ name: 'progress', slot: 0, status: 3, movedKg: 0 });
  assert.is(stored(company, 0)?.publishedS, at + 1);
});

rules('SEC-5 holds: after a restart nothing is signed about what an earlier boot published', () => {
  const company = new Company({ facts: { incarnation: 2 }, config: { features: FEATURE.signs } });
  company.heard.clear();
  company.runTo(company.nowS + 1100);
  for (const peer of [1, 2, 3, 4, 5]) company.heard.add(peer);
  const at = company.nowS;
  company.deliver(2, [claimOf(0, at - HOUR, { endS: at + DAY })]);
  company.deliver(2, [{ name: 'statement-request', owner: 0, slot: 0 }]);
  assert.equal(asked(company, TYPE.sign), []);
  company.runTo(at + 90);
  const [ticket] = asked(company, TYPE.sign);
  assert.ok(ticket !== undefined, 'it has claimed anew');
  assert.is(statementAt(company, ticket)?.version, (2 << VERSION_BITS) + 1);
});

rules('SEC-5 holds: while parts merge, own claims of units are confirmed once in each window', () => {
  const { company } = working();
  const peers = [...company.heard];
  company.heard.clear();
  company.runTo(company.nowS + 9 * 60);
  for (const peer of peers) company.heard.add(peer);
  const at = company.nowS;
  company.runTo(at + 70);
  assert.is(sign(company), 1);
  company.runTo(at + 130);
  assert.is(statements(company, at).length, 1, 'once');
});

rules.run();

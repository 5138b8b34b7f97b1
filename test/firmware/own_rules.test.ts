// A node's own claims (INT-3, INT-5): when they settle, are renewed, given up, claimed anew.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  FIELD,
  type Intent,
  INTENT_STATE,
  LEASE_ADVANCE_S_MAX,
  OUTLOOK_KIND,
  ROUND_S,
  STATUS,
  TYPE,
  VERSION_BITS,
  WORK_KIND,
  WORK_STATUS,
} from '../../host/cbor/generated.ts';
import { Company } from './company.ts';
import { claimOf, DAY, HOUR, UNIT, versionOf } from './driven.ts';
import { identityTerm } from './hashes.ts';

const rules = suite('own claims');

const { claimed, started, done, withdrawn } = INTENT_STATE;

/** A node that knows a majority, at 30 s of a round. */
function agreed(incarnation = 1): Company {
  const company = new Company({ facts: { incarnation } });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  return company;
}

interface Work {
  slot?: number;
  resource?: number;
  startS?: number;
  endS?: number;
  priority?: number;
  rate?: number;
}

function assign(company: Company, work: Work = {}): number {
  const { nowS } = company;
  const claim = { slot: 0, resource: UNIT, startS: nowS, endS: nowS + DAY, rate: 100, priority: 1, ...work };
  return company.observe({ name: 'assign', kind: WORK_KIND.mine, durationS: 0, ...claim });
}

/** A node that works unit 1. */
function working(work: Work = {}): Company {
  const company = agreed();
  assert.is(assign(company, work), STATUS.ok);
  company.runTo(company.nowS + 3 * ROUND_S);
  assert.ok(company.node.own(work.slot ?? 0).settledVersion > 0);
  return company;
}

const own = (company: Company, slot = 0) => company.node.intent(0, slot)!;
const settled = (company: Company) => company.node.own(0).settledVersion;
/** What the node published since `fromS`: state, start and end, seconds after `fromS`. */
const published = (company: Company, fromS = 0) =>
  company.eventsOf(TYPE.published, fromS).map(({ fields }) => {
    const at = FIELD.published;
    return {
      slot: fields[at.slot],
      state: fields[at.state],
      startS: fields[at.startS] - fromS,
      endS: fields[at.endS] - fromS,
    };
  });

const rival = (company: Company, owner: number, changes: Partial<Intent> = {}): Intent => {
  const intent = claimOf(owner, company.nowS, { rate: 10, ...changes });
  company.deliver(owner, [intent]);
  return intent;
};

// ---- publication ----

rules('INT-1 holds: a claim is published with what it read, and broadcast three times', () => {
  const company = agreed();
  const at = company.nowS;
  const read = [
    rival(company, 1, { startS: at, endS: at + HOUR }),
    rival(company, 2, { resource: UNIT + 1, startS: at + HOUR, endS: at + 3 * HOUR }),
  ];
  // They end where it begins, or begin where it ends; or are of another group, or no claims.
  rival(company, 3, { resource: UNIT + 2, endS: at + 600 });
  rival(company, 4, { resource: UNIT + 3, startS: at + 2 * HOUR, endS: at + 4 * HOUR });
  rival(company, 5, { resource: (2 << 16) | 1 });
  rival(company, 5, { slot: 1, resource: UNIT + 4, state: done });
  assert.is(assign(company, { slot: 1, resource: UNIT + 9, startS: at + 600, endS: at + 2 * HOUR }), STATUS.ok);
  company.runTo(at + 300);
  const sent = company.sentOf('intent', at).filter(({ to, message }) => to === ADDRESSEE_ALL && message.owner === 0);
  const [{ message }] = sent;
  assert.is(
    message.read,
    read.reduce((sum, one) => (sum + identityTerm(one)) >>> 0, 0),
  );
  assert.equal(
    [message.version, message.publishedS, message.claimS, message.state, message.generation, message.leaseS],
    [versionOf(1), at, at, claimed, 1, 0],
  );
  const newest = sent.at(-1)!.message.version;
  assert.ok(newest === versionOf(2), 'its start');
  const broadcasts = sent.filter(({ message: one }) => one.version === newest).map(({ atS }) => atS);
  assert.is(new Set(broadcasts).size, 3);
});

rules('INT-1 holds: a received claim whose owner had not read a competitor is counted', () => {
  const company = agreed();
  const at = company.nowS;
  const first = rival(company, 1);
  const unread = () => company.node.lossCounts()[14];
  assert.is(unread(), 0);
  rival(company, 2, { resource: UNIT + 1 });
  assert.is(unread(), 1);
  const second = claimOf(2, at, { resource: UNIT + 1, rate: 10 });
  rival(company, 3, { resource: UNIT + 2, read: (identityTerm(first) + identityTerm(second)) >>> 0 });
  assert.is(unread(), 1);
  rival(company, 4, { resource: UNIT + 3, state: started });
  assert.is(unread(), 1, 'a start has settled');
});

// ---- settling ----

rules('INT-3 holds: a claim settles with the first majority after the cut that follows it', () => {
  const company = agreed();
  const roundS = Math.ceil(company.nowS / ROUND_S) * ROUND_S;
  for (const [beforeCutS, settlesS] of [
    [1, roundS],
    [0, roundS + ROUND_S],
  ]) {
    const one = agreed();
    one.runTo(roundS - 60 - beforeCutS);
    assign(one);
    one.runTo(roundS + 2 * ROUND_S);
    const [event] = one.eventsOf(TYPE.settled);
    assert.ok(event.atS >= settlesS && event.atS < settlesS + 30, `${event.atS - settlesS} s`);
    assert.is(own(one).state, started);
  }
});

rules('INT-5 holds: without a majority nothing settles, however long', () => {
  const company = agreed();
  company.agreeing.clear();
  company.runTo(company.nowS + ROUND_S);
  assign(company);
  company.runTo(company.nowS + 5 * ROUND_S);
  assert.is(settled(company), 0);
  for (const peer of company.heard) company.agreeing.add(peer);
  company.runTo(company.nowS + ROUND_S);
  assert.ok(settled(company) > 0);
});

rules('INT-3 holds: a claim settles against a competitor once that agreed in three rounds', () => {
  const rounds = (owner: number, changes: Partial<Intent> = {}) => {
    const company = agreed();
    company.agreeing.delete(owner);
    company.runTo(company.nowS + 3 * ROUND_S);
    assign(company, { priority: 9 });
    const rivalAt = rival(company, 1, { priority: 1, ...changes });
    assert.ok(rivalAt.endS > company.nowS);
    company.runTo(company.nowS + 5 * ROUND_S);
    assert.is(settled(company) > 0, owner !== 1, 'not before it agrees');
    if (owner !== 1) return 0;
    const { round } = company.node.view();
    company.agreeing.add(owner);
    company.runTo(company.nowS + 5 * ROUND_S);
    const [{ atS }] = company.eventsOf(TYPE.settled);
    return Math.floor(atS / ROUND_S) + 2 - round;
  };
  assert.is(rounds(1), 2, 'in the round in which it began to agree, and in two more');
  assert.is(rounds(2), 0, 'another one does not matter');
});

rules('INT-3 holds: a competitor matters while it overlaps, on the same unit, and is a claim', () => {
  const isSettled = (changes: (at: number) => Partial<Intent>) => {
    const company = agreed();
    company.agreeing.delete(1);
    company.runTo(company.nowS + ROUND_S);
    const at = company.nowS;
    assign(company, { priority: 9, startS: at + HOUR, endS: at + 2 * HOUR });
    rival(company, 1, { priority: 1, startS: at, endS: at + DAY, ...changes(at) });
    company.runTo(at + 4 * ROUND_S);
    return settled(company) > 0;
  };
  assert.not(isSettled(() => ({})));
  assert.ok(isSettled(() => ({ resource: UNIT + 1 })));
  assert.ok(isSettled(() => ({ state: withdrawn })));
  assert.ok(isSettled((at) => ({ endS: at + HOUR })));
  assert.not(isSettled((at) => ({ endS: at + HOUR + 1 })));
  assert.ok(isSettled((at) => ({ startS: at + 2 * HOUR })));
  assert.not(isSettled((at) => ({ startS: at + 2 * HOUR - 1 })));
});

rules('INT-3 holds: a claim that loses its unit is withdrawn, and the winner named', () => {
  const company = agreed();
  const at = company.nowS;
  assign(company, { slot: 2, priority: 1 });
  rival(company, 3, { slot: 1, priority: 2, rate: 1900, resource: UNIT + 1 });
  rival(company, 4, { slot: 3, priority: 1, state: started });
  company.runTo(at + 70);
  const lost = company.eventsOf(TYPE.lost).map(({ fields }) => {
    const field = FIELD.lost;
    return [field.slot, field.version, field.toOwner, field.toSlot].map((index) => fields[index]);
  });
  assert.equal(lost, [[2, versionOf(1), 4, 3]], 'it is the claim of the unit, not the first that overlaps');
  assert.is(own(company, 2).state, withdrawn);
});

// ---- leases ----

rules('INT-5 holds: each majority renews the lease, to a fixed time after the round', () => {
  const company = working();
  const { round, leaseUntilS } = company.node.view();
  // Seven ticks before, a lease, less the guard and the error of the clock.
  const errorS = Math.floor(company.node.node().errorMs / 1000);
  assert.is(errorS, 0);
  assert.is(leaseUntilS, (round * 2 - 4) * 60 - 5 * 60 + 735 - 30);
  company.runTo(company.nowS + ROUND_S);
  assert.is(company.node.view().leaseUntilS, leaseUntilS + ROUND_S);
  company.agreeing.clear();
  company.runTo(company.nowS + ROUND_S);
  const { nowS } = company;
  const last = company.node.view().leaseUntilS;
  company.runTo(nowS + 2 * ROUND_S);
  assert.is(company.node.view().leaseUntilS, last);
  company.runTo(last - 1);
  assert.ok(company.node.isRunning(0));
  company.runTo(last + 60);
  assert.not(company.node.isRunning(0));
  assert.ok(settled(company) > 0, 'it may go on when a majority agrees');
  for (const peer of company.heard) company.agreeing.add(peer);
  company.runTo(company.nowS + ROUND_S);
  assert.ok(company.node.isRunning(0));
});

/** Work whose lease ended, and a claim of member 1 on its unit; then a majority agrees again. */
function returned(claim: (at: number) => Partial<Intent>, work: Work = {}) {
  const company = working(work);
  company.agreeing.clear();
  company.runTo(company.nowS + 10 * ROUND_S);
  assert.not(company.node.isRunning(0));
  const at = company.nowS;
  const version = settled(company);
  rival(company, 1, { startS: at - 60, endS: at + 5 * HOUR, publishedS: at - 300, claimS: at - 300, ...claim(at) });
  for (const peer of company.heard) company.agreeing.add(peer);
  company.runTo(at + ROUND_S);
  return { company, at, version, since: published(company, at).filter(({ slot }) => slot === 0) };
}

rules('INT-5 holds: work whose lease ended is claimed anew where another one may work its unit', () => {
  const anew = returned(() => ({}));
  assert.is(anew.since[0].state, claimed);
  assert.ok(anew.since[0].startS >= 0, 'from now on');
  assert.is(settled(anew.company), 0);
  const other = returned(() => ({ resource: UNIT + 1 }));
  assert.equal(other.since, []);
  assert.is(settled(other.company), other.version);
  const ended = returned(() => ({ state: done }));
  assert.equal(ended.since, []);
});

rules('INT-5 holds: work whose lease ended is shortened to where another claim begins', () => {
  const { company, at, since } = returned((nowS) => ({ startS: nowS + HOUR }));
  assert.equal(
    since.map(({ state, endS }) => [state, endS]),
    [[started, HOUR]],
  );
  assert.is(company.node.own(0).endS, at + HOUR);
  assert.is(settled(company), own(company).version, 'that needs no agreement');
  const last = company.eventsOf(TYPE.settled).at(-1)!;
  assert.is(last.fields[FIELD.settled.endS], at + HOUR);
});

rules('INT-5 holds: claims that begin while the lease is valid do not end work', () => {
  const company = working();
  const at = company.nowS;
  rival(company, 1, { startS: at + 120, endS: at + DAY });
  company.runTo(at + 2 * ROUND_S);
  assert.equal(published(company, at), []);
  assert.ok(company.node.isRunning(0));
});

// ---- the end of work ----

rules('INT-3 holds: work stops a guard before its end, and is done ten seconds before it', () => {
  const company = agreed();
  const endS = Math.ceil(company.nowS / 60) * 60 + 20 * 60;
  assign(company, { endS });
  company.runTo(endS + 60);
  const orders = company.commands.filter(({ fields }) => fields[0] === TYPE.startWork);
  const limits = orders.map(({ fields }) => fields[FIELD.startWork.untilS]);
  assert.is(Math.max(...limits), endS - 30);
  assert.ok(limits.length > 1 && limits[0] < endS - 30, 'before that its lease bounds it');
  assert.is(own(company).state, done);
  const never = agreed();
  never.agreeing.clear();
  never.runTo(never.nowS + ROUND_S);
  assign(never, { endS: never.nowS + 400 });
  never.runTo(never.nowS + 500);
  assert.is(own(never).state, withdrawn, 'it never settled');
  assert.is(own(never).endS > 0, true);
});

rules('INT-3 holds: what ends early ends now, and what had not begun ends a second after its start', () => {
  const running = working();
  const at = running.nowS;
  running.observe({ name: 'progress', slot: 0, status: WORK_STATUS.blocked, movedKg: 0 });
  assert.equal([own(running).state, own(running).endS], [withdrawn, at]);
  assert.is(settled(running), 0);
  const waits = working({ startS: at + DAY, endS: at + 2 * DAY });
  waits.observe({ name: 'progress', slot: 0, status: WORK_STATUS.failed, movedKg: 0 });
  assert.equal([own(waits).state, own(waits).endS], [withdrawn, at + DAY + 1]);
  const mines = working();
  mines.observe({ name: 'progress', slot: 0, status: WORK_STATUS.done, movedKg: 5 });
  assert.is(own(mines).state, started, 'only a haul is done with its load');
});

rules(
  'INT-3 holds: a claim for this node is refused that cannot be, and while work runs its intent slot takes no other',
  () => {
    const company = agreed();
    const at = company.nowS;
    const cases: [Work, number][] = [
      [{ startS: at, endS: at }, STATUS.implausible],
      [{ resource: 31 << 16 }, STATUS.ok],
      [{ slot: 7 }, STATUS.ok],
    ];
    for (const [work, status] of cases) assert.is(assign(company, work), status);
    const busy = working();
    assert.is(assign(busy), STATUS.implausible);
    assert.is(assign(busy, { slot: 1, resource: UNIT + 1 }), STATUS.ok);
  },
);

// ---- predicted silence ----

rules('INT-5 holds: before a predicted silence the lease of started work is extended to an hour after it', () => {
  for (const [lengthS, marginS] of [
    [900, 360],
    [901, 3600],
  ]) {
    const company = working();
    const fromS = company.nowS + HOUR;
    const untilS = fromS + lengthS;
    company.observe({ name: 'outlook', fromS, untilS, kind: OUTLOOK_KIND.occultation });
    company.runTo(company.nowS + 4 * ROUND_S);
    assert.is(own(company).leaseS, untilS + marginS, `a silence of ${lengthS} s`);
    assert.is(published(company, company.nowS - 4 * ROUND_S).length, 1, 'once');
    const [announced] = company.sentOf('isolation');
    assert.equal(announced.message, { name: 'isolation', fromS, untilS });
  }
  const long = working();
  const beganS = long.nowS;
  long.observe({ name: 'outlook', fromS: beganS + HOUR, untilS: beganS + LEASE_ADVANCE_S_MAX, kind: 1 });
  long.runTo(beganS + 61);
  const { leaseS, publishedS, endS } = own(long);
  assert.is(leaseS, publishedS + LEASE_ADVANCE_S_MAX - 60);
  assert.is(endS, leaseS, 'the claim covers it');
});

rules('INT-5 holds: no lease is extended for a silence that is over, nor of what has not settled', () => {
  const over = working();
  over.observe({ name: 'outlook', fromS: over.nowS - HOUR, untilS: over.nowS, kind: OUTLOOK_KIND.occultation });
  over.runTo(over.nowS + ROUND_S);
  assert.is(own(over).leaseS, 0);
  const young = agreed();
  young.agreeing.clear();
  young.runTo(young.nowS + ROUND_S);
  assign(young);
  young.observe({ name: 'outlook', fromS: young.nowS + HOUR, untilS: young.nowS + 2 * HOUR, kind: 1 });
  young.runTo(young.nowS + ROUND_S);
  assert.is(own(young).leaseS, 0);
});

// ---- after a restart ----

/** A node in its second boot; its peers have what it published in the first. */
function rebooted(): Company {
  const company = new Company({ facts: { incarnation: 2 } });
  company.heard.clear();
  company.runTo(company.nowS + 1100);
  for (let peer = 1; peer < company.members; peer += 1) company.heard.add(peer);
  return company;
}

rules('INT-3 holds: a claim of an earlier boot is claimed anew, in its old place, before it runs', () => {
  const company = rebooted();
  const at = company.nowS;
  const before = claimOf(0, at - HOUR, {
    state: started,
    leaseS: at + DAY,
    startS: at - HOUR,
    endS: at + DAY,
    nonce: 77,
  });
  company.deliver(2, [before]);
  assert.is(own(company).version, versionOf(1));
  company.runTo(at + 70);
  const [{ message: anew }] = company.sentOf('intent', at).filter(({ message }) => message.version > versionOf(1));
  assert.is(anew.version, (2 << VERSION_BITS) + 1);
  assert.equal([anew.state, anew.claimS, anew.nonce, anew.leaseS], [claimed, at - HOUR, 77, 0]);
  assert.ok(anew.startS > at && anew.endS === at + DAY);
});

rules('SEC-5 holds: a version in the own name that this boot cannot have published is not taken', () => {
  const company = rebooted();
  const at = company.nowS;
  const forged = (count: number, changes: Partial<Intent> = {}) => {
    const counted = company.node.lossCounts()[33];
    company.deliver(2, [claimOf(0, at, { version: (2 << VERSION_BITS) + count, resource: UNIT + 5, ...changes })]);
    return company.node.lossCounts()[33] - counted;
  };
  assert.is(forged(1), 1);
  assert.is(own(company), undefined as never);
  assign(company, { slot: 1 });
  assert.is(forged(1, { slot: 1, rate: 3 }), 1, 'another content');
  assert.is(forged(2, { slot: 1 }), 1);
  assert.is(forged(0, { slot: 1 }), 0, 'it is older than what is stored');
  assert.is(forged(1, { slot: 2 }), 0, 'a number that this boot gave away');
  assert.is(company.node.intent(0, 2)?.state, withdrawn, 'it ended: it comes back to be withdrawn');
  assert.is(forged(0, { slot: 3, version: (3 << VERSION_BITS) + 1 }), 1, 'nobody publishes for a later boot');
});

rules.run();

// The view of members (MBR-1, INT-5): signs of life, agreement, probes, suspicions.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  type Heartbeat,
  LIVENESS,
  LIVENESS_TICK_S,
  type Message,
  ROUND_S,
  STATUS,
} from '../../host/cbor/generated.ts';
import { Company } from './company.ts';

const rules = suite('the view of members');

const silentAge = 7;

function agreed(members = 6): Company {
  const company = new Company({ config: { members } });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  assert.is(company.node.view().quorum, 1);
  return company;
}

/** A node that hears only what the test sends it. */
function listening(members: number): Company {
  const company = new Company({ config: { members } });
  company.heard.clear();
  // A second after a tick began: a frame that left a moment ago is of this tick.
  company.runTo(company.nowS + ROUND_S + 1);
  return company;
}

/** Bitmaps that give member m freshness `of(m)`: 7 = heard in this tick, 0 = silent. */
function agesOf(members: number, of: (member: number) => number): Uint8Array {
  const bytes = Math.ceil(members / 8);
  const ages = new Uint8Array(3 * bytes);
  for (let member = 0; member < members; member += 1)
    for (let plane = 0; plane < 3; plane += 1)
      ages[plane * bytes + (member >> 3)] |= ((of(member) >> plane) & 1) << (member & 7);
  return ages;
}

const agesIn = (company: Company) =>
  Array.from({ length: company.members }, (_, member) => company.node.member(member).age);

// ---- signs of life ----

rules('MBR-1 holds: the newest sign of life stays, as of the tick of its reporter', () => {
  // Members on both sides of a word of 64 bits, and all pairs of old and new freshness.
  const members = 130;
  const own = (member: number) => Math.floor(member / 8) % 8;
  const given = (member: number) => member % 8;
  for (const [offS, ticks] of [
    [0, 0],
    [-60, 1],
    [60, -1],
  ]) {
    const company = listening(members);
    company.deliver(1, [company.heartbeat({ ages: agesOf(members, own) })]);
    const ages = agesOf(members, given);
    company.deliver(2, [company.heartbeat({ ages, timeS: company.nowS + offS })]);
    const expected = agesIn(company).map((_, member) => {
      const news = given(member) === 0 ? 0 : Math.min(7, Math.max(0, given(member) - ticks));
      return silentAge - Math.max(own(member), news);
    });
    for (const heard of [0, 1, 2]) expected[heard] = 0;
    assert.equal(agesIn(company), expected, `a sender ${offS} s off`);
  }
});

rules('MBR-1 holds: each tick every sign of life is one older, and after seven the member is silent', () => {
  const members = 40;
  const company = listening(members);
  const fresh = (member: number) => member % 8;
  company.deliver(1, [company.heartbeat({ ages: agesOf(members, fresh) })]);
  const tick = Math.floor(company.nowS / LIVENESS_TICK_S) + 4;
  for (let ticks = 0; ticks <= 8; ticks += 1) {
    company.runTo((tick - 4 + ticks) * LIVENESS_TICK_S + 2);
    for (let member = 2; member < members; member += 1) {
      const { age, lastLivenessTick } = company.node.member(member);
      assert.is(age, Math.min(silentAge, silentAge - fresh(member) + ticks), `member ${member} after ${ticks}`);
      if (fresh(member) > 0) assert.is(lastLivenessTick, tick - (silentAge - fresh(member)));
      else assert.is(lastLivenessTick, 0);
    }
    assert.is(company.node.member(0).age, 0);
  }
  // After many ticks without a call it is the same.
  const asleep = listening(members);
  asleep.deliver(1, [asleep.heartbeat({ ages: agesOf(members, fresh) })]);
  asleep.node.nowMs += 8 * LIVENESS_TICK_S * 1000;
  asleep.tick();
  for (let member = 2; member < members; member += 1)
    assert.is(asleep.node.member(member).lastLivenessTick, company.node.member(member).lastLivenessTick);
  asleep.node.nowMs += 100 * LIVENESS_TICK_S * 1000;
  asleep.tick();
  assert.is(asleep.node.member(9).lastLivenessTick, company.node.member(9).lastLivenessTick);
  assert.is(asleep.node.member(0).lastLivenessTick, Math.floor(asleep.nowS / LIVENESS_TICK_S) + 4);
});

rules('MBR-1 holds: heartbeats report what the node knows itself', () => {
  const members = 20;
  const company = listening(members);
  company.deliver(1, [company.heartbeat({ ages: agesOf(members, (member) => member % 8) })]);
  const { nowS } = company;
  company.runTo(nowS + 60);
  const [{ atS, message }] = company.sentOf('heartbeat', nowS);
  const later = Math.floor(atS / 60) - Math.floor(nowS / 60);
  const expected = (member: number) => (member === 0 ? 7 : Math.max(0, (member === 1 ? 7 : member % 8) - later));
  assert.equal(message.ages, agesOf(members, expected));
  assert.is(message.timeS, atS);
  assert.ok(message.agree.length === 3 && message.agree[0] === 1);
});

rules('MBR-1 holds: a heartbeat has bitmaps of the size of the cluster, or none', () => {
  const company = agreed(12);
  const of = (ages: number, agree: number): Heartbeat => {
    return { ...company.heartbeat(), ages: new Uint8Array(ages), agree: new Uint8Array(agree) };
  };
  assert.equal(
    [of(6, 2), of(0, 0), of(5, 2), of(6, 1), of(3, 1), of(6, 0), of(0, 2), of(9, 3)].map((one) =>
      company.hear(1, [one]),
    ),
    [STATUS.ok, STATUS.ok, ...Array<number>(6).fill(STATUS.implausible)],
  );
});

rules('INT-5 holds: a majority is more than half of all, of those that have the digest', () => {
  for (const [members, agreeing, isQuorum] of [
    [6, 3, false],
    [6, 4, true],
    [7, 3, false],
    [7, 4, true],
    [40, 20, false],
    [40, 21, true],
  ] as const) {
    const company = listening(members);
    company.runTo(company.nowS + ROUND_S + 10);
    const first = Array.from({ length: agreeing }, (_, member) => member);
    // Bits of no member do not count.
    const agree = company.bits(first);
    if (members % 8 !== 0) agree[agree.length - 1] |= 0x80;
    company.deliver(1, [company.heartbeat({ agree })]);
    assert.is(company.node.view().quorum === 1, isQuorum, `${agreeing} of ${members}`);
  }
});

rules('INT-5 holds: agreement counts under the digest of this round only, and from heartbeats with bitmaps', () => {
  const company = listening(6);
  company.runTo(company.nowS + ROUND_S + 10);
  const all = company.bits([0, 1, 2, 3, 4, 5]);
  const plain = company.heartbeat({ agree: all });
  const wrong: Partial<Heartbeat>[] = [
    { digestLow: (plain.digestLow ^ 1) >>> 0 },
    { digestHigh: (plain.digestHigh ^ 1) >>> 0 },
    { timeS: plain.timeS - 11 },
    { agree: new Uint8Array(0), ages: new Uint8Array(0) },
  ];
  for (const [index, changes] of wrong.entries()) {
    company.deliver(1 + index, [{ ...plain, ...changes }]);
    assert.is(company.node.view().quorum, 0, JSON.stringify(changes));
  }
  company.deliver(5, [plain]);
  assert.is(company.node.view().quorum, 1);
});

// ---- probes ----

const probes = (company: Company, fromS = 0) => company.sentOf('probe', fromS).map(({ to }) => to);

rules('MBR-1 holds: probes pass over all members again and again, each once in a pass', () => {
  for (const members of [6, 8, 9]) {
    const company = agreed(members);
    const { nowS } = company;
    company.runTo(nowS + 4 * (members - 1) * 60);
    const counts = new Map<number, number>();
    for (const to of probes(company, nowS)) counts.set(to, (counts.get(to) ?? 0) + 1);
    assert.is(counts.size, members - 1);
    for (const count of counts.values()) assert.ok(count >= 3 && count <= 5, `${[...counts.values()]}`);
    const sequences = company.sentOf('probe', nowS).map(({ message }) => message.sequence);
    assert.ok(sequences.every((sequence, index) => index === 0 || sequence === sequences[index - 1] + 1));
  }
});

rules('MBR-1 holds: silent members are not probed', () => {
  const company = agreed();
  company.heard.delete(3);
  company.runTo(company.nowS + 8 * 60);
  const { nowS } = company;
  company.runTo(nowS + 12 * 60);
  assert.is(probes(company, nowS).length, 12);
  assert.not(probes(company, nowS).includes(3));
});

rules('MBR-1 holds: relays are asked about a member that nobody heard for three ticks, three of them', () => {
  const company = agreed(6);
  company.acks = false;
  company.runTo(company.nowS + 300);
  assert.equal(company.sentOf('probe-request'), [], 'all were heard lately');
  assert.is(company.node.view().health, 0);
  const { nowS } = company;
  company.heard.delete(3);
  company.runTo(nowS + 8 * 60);
  const asked = company.sentOf('probe-request', nowS);
  // One leaves in each cycle; the last may be too late.
  assert.ok(asked.length === 2 || asked.length === 3, `${asked.length}`);
  assert.is(new Set(asked.map(({ to }) => to)).size, asked.length);
  assert.ok(asked.every(({ to, message }) => to !== 3 && to !== 0 && message.target === 3));
  const probe = company
    .sentOf('probe', nowS)
    .filter(({ to, atS }) => to === 3 && atS < asked[0].atS)
    .at(-1)!;
  assert.ok(asked.every(({ message }) => message.sequence === probe.message.sequence));
  assert.ok(asked[0].atS - probe.atS >= 45, 'it had a period to answer');
  assert.ok(company.node.view().health >= 1);
});

rules('MBR-1 holds: a relay that reached a member is a success, unless the member answered itself', () => {
  for (const answersItself of [false, true]) {
    const company = agreed();
    company.acks = false;
    company.heard.delete(3);
    while (company.sentOf('probe-request').length === 0) company.runTo(company.nowS + 1);
    assert.is(company.node.view().health, 1);
    if (answersItself) company.deliver(3, [{ name: 'ack', sequence: 0x7000 }], 0);
    company.deliver(2, [{ name: 'relayed-ack', sequence: 0x7000, target: 3 }], 0);
    assert.is(company.node.view().health, answersItself ? 1 : 0);
  }
});

rules('MBR-1 holds: a relay probes for who asks, and passes the answer on, once', () => {
  const company = agreed();
  company.acks = false;
  const { nowS } = company;
  const target = 4;
  company.deliver(2, [{ name: 'probe-request', sequence: 100, target }], 0);
  company.runTo(nowS + 45);
  const sent = company.sentOf('probe', nowS).filter(({ to, message }) => to === target && message.sequence >= 0x8000);
  assert.equal(
    sent.map(({ message }) => message.sequence),
    [100 + 0x8000],
  );
  const relayed = () =>
    company.sentOf('relayed-ack', nowS).map(({ to, message }) => [to, message.sequence, message.target]);
  company.deliver(target, [{ name: 'ack', sequence: 100 }], 0);
  company.deliver(3, [{ name: 'ack', sequence: 100 + 0x8000 }], 0);
  company.runTo(nowS + 90);
  assert.equal(relayed(), []);
  company.deliver(target, [{ name: 'ack', sequence: 100 + 0x8000 }], 0);
  company.deliver(target, [{ name: 'ack', sequence: 100 + 0x8000 }], 0);
  company.runTo(nowS + 150);
  assert.equal(relayed(), [[2, 100, target]]);
  company.deliver(5, [{ name: 'probe-request', sequence: 7, target: 0 }], 0);
  company.runTo(nowS + 200);
  const acks = company.sentOf('ack', nowS + 150).map(({ to, message }) => [to, message.sequence]);
  assert.equal(acks, [[5, 7]], 'for itself it answers itself');
});

rules('MBR-1 holds: messages about members outside the cluster are refused', () => {
  const company = agreed();
  const of = (member: number): Message[] => [
    { name: 'probe-request', sequence: 1, target: member },
    { name: 'relayed-ack', sequence: 1, target: member },
    { name: 'suspicion', member, incarnation: 1 },
    { name: 'silent-list', entries: [{ member, lastLivenessTick: 1, revocations: 0 }] },
  ];
  assert.equal(
    of(5).map((message) => company.hear(1, [message])),
    Array<number>(4).fill(STATUS.ok),
  );
  assert.equal(
    of(6).map((message) => company.hear(1, [message])),
    Array<number>(4).fill(STATUS.implausible),
  );
  const alive = (member: number): Message => ({ name: 'alive', member, incarnation: 8, upS: 1 });
  assert.equal(
    [alive(2), alive(3)].map((message) => company.hear(2, [message])),
    [STATUS.ok, STATUS.implausible],
  );
  const twice = [1, 2, 1].map((member) => ({ member, lastLivenessTick: 1, revocations: 0 }));
  assert.is(company.hear(1, [{ name: 'silent-list', entries: twice }]), STATUS.implausible);
  assert.is(company.hear(1, [{ name: 'silent-list', entries: twice.slice(0, 2) }]), STATUS.ok);
  const isolation = (untilS: number): Message => ({ name: 'isolation', fromS: 90_000, untilS });
  assert.equal(
    [90_001, 90_000].map((untilS) => company.hear(1, [isolation(untilS)])),
    [STATUS.ok, STATUS.implausible],
  );
});

// ---- silence in the digest ----

const digestOf = (company: Company): number[] => {
  const { digestHigh, digestLow } = company.node.view();
  return [digestHigh, digestLow];
};

rules('INT-5 holds: who was heard elsewhere before it counted as silent does not count so in the digest', () => {
  const company = agreed();
  const before = digestOf(company);
  company.heard.delete(5);
  company.runTo(company.nowS + 12 * LIVENESS_TICK_S);
  const reported = (agoTicks: number): number[] => {
    const lastLivenessTick = Math.floor(company.nowS / LIVENESS_TICK_S) + 4 - agoTicks;
    assert.ok(lastLivenessTick > company.node.member(5).lastLivenessTick);
    company.deliver(2, [{ name: 'silent-list', entries: [{ member: 5, lastLivenessTick, revocations: 0 }] }]);
    return digestOf(company);
  };
  const silent = digestOf(company);
  assert.not.equal(silent, before);
  const later = reported(10);
  assert.not.equal(later, before);
  assert.not.equal(later, silent, 'its term has its last tick');
  assert.equal(reported(3), before, 'three ticks ago');
  assert.equal(reported(2), before, 'its term is taken out once');
});

// ---- suspicions ----

const stateOf = (company: Company, member: number) => company.node.member(member).state;

/** A node that heard member 5 last so many ticks ago, and member 1 now. */
function waiting(age: number, members = 6): Company {
  const company = agreed(members);
  company.heard.delete(5);
  company.runTo(company.nowS + (age - company.node.member(5).age) * 60);
  assert.is(company.node.member(5).age, age);
  return company;
}

const suspect = (company: Company, incarnation = 8): void =>
  company.deliver(1, [{ name: 'suspicion', member: 5, incarnation }]);

rules('MBR-1 holds: a suspicion shows from the third tick without a sign of life on, and is given three times', () => {
  for (const [age, state] of [
    [2, LIVENESS.alive],
    [3, LIVENESS.suspect],
  ]) {
    const company = waiting(age);
    const { nowS } = company;
    suspect(company);
    company.node.tick();
    assert.is(stateOf(company, 5), state);
    company.runTo(nowS + 80);
    suspect(company);
    company.runTo(nowS + 140);
    const given = company.sentOf('suspicion', nowS).map(({ message }) => message.member);
    assert.equal(given, [5, 5, 5], 'what is known is not given anew');
  }
});

rules('MBR-1 holds: a suspicion of an earlier incarnation, or of one heard in this tick, has no effect', () => {
  const company = waiting(4);
  company.deliver(5, [{ name: 'alive', member: 5, incarnation: 9, upS: 99 }]);
  company.runTo(company.nowS + 4 * 60);
  assert.is(company.node.member(5).incarnation, 9);
  suspect(company, 8);
  assert.is(stateOf(company, 5), LIVENESS.alive);
  suspect(company, 9);
  assert.is(stateOf(company, 5), LIVENESS.suspect);
  company.deliver(5, [{ name: 'probe', sequence: 1 }]);
  assert.is(stateOf(company, 5), LIVENESS.alive);
  suspect(company, 9);
  company.runTo(company.nowS + 4 * 60);
  assert.is(stateOf(company, 5), LIVENESS.alive, 'it was heard when it was suspected');
});

rules('MBR-1 holds: a suspected member that is alive, or whom a relay reached, is cleared', () => {
  for (const [sender, message, cleared] of [
    [5, { name: 'alive', member: 5, incarnation: 9, upS: 99 }, true],
    [2, { name: 'relayed-ack', sequence: 1, target: 5 }, true],
    [2, { name: 'relayed-ack', sequence: 1, target: 4 }, false],
  ] as const) {
    const company = waiting(3);
    suspect(company);
    assert.is(stateOf(company, 5), LIVENESS.suspect);
    const { nowS } = company;
    company.deliver(sender, [message]);
    assert.is(stateOf(company, 5), cleared ? LIVENESS.alive : LIVENESS.suspect);
    company.runTo(nowS + 4 * 60);
    if (cleared) assert.is(company.node.member(5).age, 4);
    assert.is(stateOf(company, 5), cleared ? LIVENESS.alive : LIVENESS.unreachable);
    const given = company.sentOf('suspicion', nowS).length;
    assert.ok(message.name === 'alive' ? given <= 1 : given > 0, `${given} times`);
  }
});

rules('MBR-1 holds: a node refutes a suspicion of itself under a higher number, seven in a boot', () => {
  const company = agreed();
  company.runTo(company.nowS + 300);
  const numbers: number[] = [];
  for (const incarnation of [7, 8, 9, 9, 12, 10, 11, 12, 13, 14, 15, 16]) {
    const { nowS } = company;
    company.deliver(1, [{ name: 'suspicion', member: 0, incarnation }]);
    company.runTo(nowS + 20);
    numbers.push(company.sentOf('alive', nowS).at(-1)!.message.incarnation);
    company.runTo(nowS + 60);
  }
  assert.equal(numbers, [8, 9, 10, 10, 11, 11, 12, 13, 14, 15, 15, 15]);
  const { nowS } = company;
  company.runTo(nowS + 600);
  const left = company.sentOf('alive', nowS);
  assert.ok(left.length >= 2 && left.length <= 3, `${left.length} times more`);
  assert.ok(left.every(({ to, message }) => to === ADDRESSEE_ALL && message.member === 0));
});

rules.run();

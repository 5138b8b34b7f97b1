// What two members exchange whose stores differ (FLT-3): digests, summaries, versions, notices.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ADDRESSEE_ALL, type Intent, type Message, ROUND_S, STATUS } from '../../host/cbor/generated.ts';
import { Company, type Sent } from './company.ts';
import { claimOf, DAY, lot, UNIT, versionOf } from './driven.ts';
import { fold32, identityTerm, versionTerm } from './hashes.ts';

const rules = suite('exchanges between two stores');

/** A node that knows a majority, at 30 s of a round. */
function agreed(members = 6, self = 0): Company {
  const company = new Company({ config: { members, self }, groups: [{ ...lot, units: 200, capacity: 1_000_000 }] });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  assert.is(company.node.view().quorum, 1);
  return company;
}

/** A node that knows no majority in this round nor in the one before, but hears all. */
function alone(members = 6): Company {
  const company = agreed(members);
  company.agreeing.clear();
  company.runTo(company.nowS + 3 * ROUND_S);
  assert.is(company.node.view().quorum, 0);
  return company;
}

/** Stores a version of its owner. */
function store(company: Company, changes: Partial<Intent> & { owner: number }): Intent {
  const intent = claimOf(changes.owner, company.nowS, {
    resource: UNIT + changes.owner * 8 + (changes.slot ?? 0),
    ...changes,
  });
  company.deliver(intent.owner, [intent]);
  assert.is(company.node.intent(intent.owner, intent.slot)?.version, intent.version);
  return intent;
}

/** What the node sends to `to` in the next seconds. */
function answer(company: Company, to: number, seconds = 32): Sent[] {
  const { nowS } = company;
  company.runTo(nowS + seconds);
  return company.sent.filter((one) => one.atS >= nowS && one.to === to);
}

const namesOf = (sent: readonly Sent[]) => sent.map(({ message }) => message.name);
const intentsOf = (sent: readonly Sent[]) =>
  sent.flatMap(({ message }) =>
    message.name === 'intent' ? [`${message.owner}/${message.slot}/${message.version & 0xff}`] : [],
  );

/** A heartbeat to this node alone, with another digest of the round or of the last minutes. */
function differ(company: Company, peer: number, where: 'round' | 'recent'): void {
  const { digestLow } = company.node.view();
  const plain = company.heartbeat();
  const changes = where === 'round' ? { digestLow: (digestLow ^ 5) >>> 0, agree: company.bits([]) } : { recent: 12345 };
  company.deliver(peer, [{ ...plain, ...changes }], 0);
}

/** The heartbeat's digest of the last minutes that the node itself has. */
function recentOf(company: Company): number {
  const heartbeats = company.sentOf('heartbeat');
  return heartbeats[heartbeats.length - 1].message.recent;
}

const exchange = new Set(['sync-digest', 'owner-summary', 'notice-summary', 'silent-list']);

/** Of an exchange, the messages of the frame that begins it. */
function exchanged(sent: readonly Sent[]): string[] {
  const begin = sent.find(({ message }) => message.name === 'notice-summary');
  return namesOf(sent.filter(({ atS }) => atS === begin?.atS)).filter((name) => exchange.has(name));
}

rules('FLT-3 holds: a member that agrees with a majority lets a peer that differs in the round begin', () => {
  const company = agreed();
  differ(company, 2, 'round');
  assert.equal(exchanged(answer(company, 2)), ['notice-summary']);
  differ(company, 3, 'recent');
  assert.equal(exchanged(answer(company, 3)), ['sync-digest', 'notice-summary']);
});

rules('FLT-3 holds: without a majority a member sends its digests, and all it published once after a restart', () => {
  const company = alone();
  differ(company, 2, 'round');
  assert.equal(exchanged(answer(company, 2)), ['sync-digest', 'notice-summary']);
  const young = new Company();
  young.agreeing.clear();
  young.runTo(young.nowS + 4 * ROUND_S + 10);
  differ(young, 2, 'round');
  const sent = answer(young, 2, 60);
  assert.equal(exchanged(sent), ['owner-summary', 'sync-digest', 'notice-summary']);
  const summary = sent.find(({ message }) => message.name === 'owner-summary')?.message;
  assert.equal(summary, { name: 'owner-summary', owner: 0, answer: 0, entries: [] });
});

rules('FLT-3 holds: a member that knew no majority lately offers its digests to each member that it probes', () => {
  for (const company of [agreed(), alone()]) {
    const { nowS } = company;
    company.runTo(nowS + 300);
    const targets = company.sentOf('probe', nowS).map(({ atS, to }) => `${atS} ${to}`);
    const offers = company.sentOf('sync-digest', nowS).map(({ atS, to }) => `${atS} ${to}`);
    assert.is(targets.length, 5);
    assert.equal(offers, company.node.view().quorum === 1 ? [] : targets);
  }
});

rules('FLT-3 holds: a member begins an exchange each 20 s, after a heartbeat for it alone that differs', () => {
  const company = alone();
  company.deliver(2, [{ ...company.heartbeat(), digestLow: 77 }]);
  assert.equal(exchanged(answer(company, 2)), [], 'it was to all');
  const same = company.heartbeat();
  company.deliver(2, [{ ...same, recent: recentOf(company) }], 0);
  assert.equal(exchanged(answer(company, 2)), [], 'it has the same');
  for (const [againS, exchanges] of [
    [19, 1],
    [20, 2],
  ]) {
    const askedS = company.nowS + 60;
    company.runTo(askedS);
    differ(company, 2, 'recent');
    company.runTo(askedS + againS);
    differ(company, 3, 'recent');
    company.runTo(askedS + 60);
    assert.is(company.sentOf('notice-summary', askedS).length, exchanges, `after ${againS} s`);
  }
});

rules('FLT-3 holds: what waits to be sent goes first, exchanges begin when the outbox is not half full', () => {
  for (const waiting of [7, 8]) {
    const company = agreed();
    for (let slot = 0; slot < 8; slot += 1) store(company, { owner: 1, slot });
    company.runTo(company.nowS + 150);
    company.node.tick();
    const entries = Array.from({ length: waiting - company.node.node().outbox }, (_, slot) => slot);
    company.node.receive(
      3,
      [
        {
          name: 'owner-summary',
          owner: 1,
          answer: 0,
          entries: [0, 1, 2, 3, 4, 5, 6, 7]
            .filter((slot) => !entries.includes(slot))
            .map((slot) => ({ slot, version: versionOf(1) })),
        },
      ],
      { addressee: 0 },
    );
    assert.is(company.node.node().outbox, waiting);
    const plain = company.heartbeat();
    company.node.receive(2, [{ ...plain, recent: 12345 }], { addressee: 0 });
    assert.is(company.node.node().outbox > waiting, waiting === 7);
  }
});

/** Four bits of an owner's digest, from the versions that are stored of it. */
function partOf(company: Company, owner: number, salt: number): number {
  return fold32(company.node.member(owner).intentSum, salt) >>> 28;
}

rules('FLT-3 holds: the digests have four bits of each owner, under a salt that changes each 20 s', () => {
  const company = alone(7);
  const first = store(company, { owner: 3 });
  const other = store(company, { owner: 3, slot: 5, version: versionOf(9) });
  assert.is(company.node.member(3).intentSum, (identityTerm(first) + identityTerm(other)) >>> 0);
  differ(company, 2, 'round');
  const [sent] = answer(company, 2).filter(({ message }) => message.name === 'sync-digest');
  assert.ok(sent.message.name === 'sync-digest');
  const { salt, parts } = sent.message;
  assert.is(salt, Math.floor(sent.atS / 20) & 0xff);
  const expected = [0, 1, 2, 3, 4, 5, 6].map((owner) => partOf(company, owner, salt));
  assert.equal(
    [...parts].flatMap((byte) => [byte & 15, byte >>> 4]),
    [...expected, 0],
  );
});

/** Digests of a peer that differ for these owners only. */
function digests(company: Company, differing: readonly number[], salt = 7): Message {
  const parts = new Uint8Array(Math.ceil(company.members / 2));
  for (let owner = 0; owner < company.members; owner += 1) {
    const part = partOf(company, owner, salt) ^ (differing.includes(owner) ? 1 : 0);
    parts[owner >> 1] |= part << ((owner & 1) * 4);
  }
  return { name: 'sync-digest', salt, parts };
}

rules('FLT-3 holds: a member that agreed lately sends the versions of an owner that had time to spread', () => {
  const company = agreed();
  const { nowS } = company;
  store(company, { owner: 3, slot: 1 });
  store(company, { owner: 3, slot: 7 });
  store(company, { owner: 4, slot: 7 });
  company.runTo(nowS + 59);
  company.deliver(2, [digests(company, [3])], 0);
  assert.equal(intentsOf(answer(company, 2)), []);
  company.deliver(2, [digests(company, [3])], 0);
  const sent = answer(company, 2);
  assert.equal(intentsOf(sent), ['3/1/1', '3/7/1']);
  assert.not(namesOf(sent).includes('owner-summary'));
  store(company, { owner: 3, slot: 2 });
  company.deliver(3, [digests(company, [3])], 0);
  const summaries = answer(company, 3).map(({ message }) => message);
  assert.equal(
    summaries.filter(({ name }) => name === 'owner-summary'),
    [
      {
        name: 'owner-summary',
        owner: 3,
        answer: 1,
        entries: [1, 2, 7].map((slot) => ({ slot, version: versionOf(1) })),
      },
    ],
    'of its own intents the sender has the newest',
  );
});

rules('FLT-3 holds: a member that agreed in the round before still sends, one of two rounds ago asks', () => {
  for (const rounds of [1, 2]) {
    const company = agreed();
    store(company, { owner: 3 });
    company.runTo(company.nowS + ROUND_S - 40);
    const { quorumRound } = company.node.view();
    company.agreeing.clear();
    company.runTo(company.nowS + (rounds - 1) * ROUND_S + 20);
    assert.is(company.node.view().round - company.node.view().quorumRound, rounds);
    assert.ok(company.node.view().quorumRound >= quorumRound);
    company.deliver(2, [digests(company, [3])], 0);
    const sent = answer(company, 2);
    assert.equal(intentsOf(sent), rounds === 1 ? ['3/0/1'] : []);
    assert.equal(namesOf(sent).includes('owner-summary'), rounds === 2);
  }
});

rules('FLT-3 holds: of many owners that differ four are followed, from another one on each 20 s', () => {
  const company = alone(40);
  const all = Array.from({ length: 40 }, (_, owner) => owner);
  const followed: number[][] = [];
  for (let exchangeNo = 0; exchangeNo < 3; exchangeNo += 1) {
    const begin = Math.floor(company.nowS / 20) * 4;
    company.deliver(2, [digests(company, all)], 0);
    const { nowS } = company;
    company.runTo(nowS + 60);
    const owners = company.sentOf('owner-summary', nowS).map(({ message }) => message.owner);
    assert.equal(
      owners.sort((a, b) => a - b),
      [0, 1, 2, 3].map((i) => (begin + i) % 40).sort((a, b) => a - b),
    );
    followed.push(owners);
  }
  assert.is(new Set(followed.flat()).size, 12);
});

rules('FLT-3 holds: digests and summaries that are not of this cluster are refused', () => {
  const company = agreed(7);
  const parts = (bytes: number): Message => ({ name: 'sync-digest', salt: 1, parts: new Uint8Array(bytes) });
  assert.equal(
    [3, 4, 5].map((bytes) => company.hear(1, [parts(bytes)], 0)),
    [STATUS.implausible, STATUS.ok, STATUS.implausible],
  );
  const summary = (owner: number, ...slots: number[]): Message => {
    return { name: 'owner-summary', owner, answer: 0, entries: slots.map((slot) => ({ slot, version: 1 })) };
  };
  assert.equal(
    [summary(6, 0, 7), summary(7), summary(1, 3, 3), summary(1, 0, 2, 0)].map((one) => company.hear(1, [one], 0)),
    [STATUS.ok, STATUS.implausible, STATUS.implausible, STATUS.implausible],
  );
  const notices = (...units: [number, number][]): Message => {
    return {
      name: 'notice-summary',
      answer: 0,
      entries: units.map(([group, unit]) => ({ group, unit, observedS: 1 })),
    };
  };
  assert.equal(
    [notices([1, 1], [1, 2], [2, 1]), notices([1, 1], [1, 2], [1, 1])].map((one) => company.hear(1, [one], 0)),
    [STATUS.ok, STATUS.implausible],
  );
});

rules('FLT-3 holds: a summary is answered with what the peer lacks, and with a summary of what lacks here', () => {
  const company = agreed();
  store(company, { owner: 3, slot: 0, version: versionOf(5) });
  store(company, { owner: 3, slot: 1, version: versionOf(5) });
  store(company, { owner: 3, slot: 2, version: versionOf(5) });
  // By then they are no rumours any more.
  company.runTo(company.nowS + 80);
  const summary = (theirs: number[], wants: number): Message => {
    const entries = theirs.map((version, slot) => ({ slot, version: versionOf(version) }));
    return { name: 'owner-summary', owner: 3, answer: wants, entries };
  };
  // Within two minutes of the broadcast that brought them only the peer gets them.
  company.deliver(2, [summary([5, 4], 1)], 0);
  const lacking = answer(company, 2);
  assert.equal(intentsOf(lacking), ['3/1/5', '3/2/5']);
  assert.not(namesOf(lacking).includes('owner-summary'));
  company.deliver(2, [summary([6, 5, 5], 0)], 0);
  assert.equal(
    namesOf(answer(company, 2)).filter((name) => name !== 'heartbeat' && name !== 'probe'),
    [],
  );
  company.deliver(2, [summary([6, 5, 5], 1)], 0);
  const asked = answer(company, 2).find(({ message }) => message.name === 'owner-summary')?.message;
  assert.ok(asked?.name === 'owner-summary' && asked.answer === 0 && asked.entries.length === 3);
});

rules('FLT-3 holds: what a peer lacks is broadcast, and within two minutes of a broadcast sent to it alone', () => {
  const to = (afterS: number) => {
    const company = agreed();
    const { nowS } = company;
    store(company, { owner: 3 });
    company.runTo(nowS + afterS);
    company.deliver(2, [{ name: 'owner-summary', owner: 3, answer: 0, entries: [] }], 0);
    const askedS = company.nowS;
    company.runTo(askedS + 32);
    return company.sentOf('intent', askedS).map((one) => one.to);
  };
  assert.equal(to(119), [2]);
  assert.equal(to(120), [ADDRESSEE_ALL]);
});

rules('FLT-3 holds: an older version sent to this node alone is answered with the newer one, if it had spread', () => {
  for (const [afterS, isAnswered] of [
    [59, false],
    [60, true],
  ] as const) {
    const company = agreed();
    const { nowS } = company;
    const newer = store(company, { owner: 3, version: versionOf(5) });
    company.runTo(nowS + afterS);
    company.deliver(2, [{ ...newer, version: versionOf(4) }], 0);
    assert.equal(intentsOf(answer(company, 2)), isAnswered ? ['3/0/5'] : []);
    company.deliver(2, [{ ...newer, version: versionOf(4) }]);
    assert.equal(intentsOf(answer(company, 2)), [], 'it was to all');
    company.deliver(2, [newer], 0);
    assert.equal(intentsOf(answer(company, 2)), [], 'it is the same');
  }
});

rules(
  'FLT-3 holds: after two minutes without a heartbeat a node asks all for what it missed, for three minutes',
  () => {
    for (const gapS of [119, 120]) {
      const company = agreed();
      const peers = [...company.heard];
      const quietS = company.nowS;
      company.deliver(1, [company.heartbeat()]);
      company.heard.clear();
      company.runTo(quietS + gapS);
      for (const peer of peers) company.heard.add(peer);
      company.deliver(1, [company.heartbeat()]);
      company.runTo(quietS + gapS + 400);
      const asked = company.sentOf('since', quietS);
      assert.is(asked.length, gapS === 119 ? 0 : 3);
      for (const { to, message } of asked) assert.equal([to, message.fromS], [ADDRESSEE_ALL, quietS - 120]);
    }
  },
);

rules('FLT-3 holds: a request for recent versions is answered with one share of the owners at a time', () => {
  // Of 96 members 24 answer in each minute, with an eighth of the owners each.
  const company = agreed(96);
  const oldS = company.nowS;
  for (let owner = 1; owner <= 32; owner += 1) store(company, { owner });
  company.runTo(oldS + 60);
  const newS = company.nowS;
  for (let owner = 33; owner <= 64; owner += 1) store(company, { owner });
  const answered: string[][] = [];
  for (let minute = 0; minute < 4; minute += 1) {
    const { nowS } = company;
    company.deliver(7, [{ name: 'since', fromS: newS }]);
    company.runTo(nowS + 60);
    const sent = company.sentOf('intent', nowS).filter(({ to }) => to === 7);
    const isTurn = Math.floor(nowS / 60) % 4 === 0;
    assert.is(sent.length > 0, isTurn, `minute ${Math.floor(nowS / 60)}`);
    if (!isTurn) continue;
    const share = Math.floor(nowS / 60) % 8;
    const expected = Array.from({ length: 32 }, (_, at) => at + 33).filter((owner) => owner % 8 === share);
    assert.equal(
      sent.map(({ message }) => message.owner).sort((a, b) => a - b),
      expected,
    );
    answered.push(intentsOf(sent));
  }
  assert.is(answered.length, 1);
});

rules('FLT-3 holds: in a small cluster every member answers, with eight versions at most', () => {
  const company = agreed(12);
  const { nowS } = company;
  for (let owner = 1; owner < 12; owner += 1) store(company, { owner });
  company.runTo(nowS + 600);
  for (let minute = 0; minute < 2; minute += 1) {
    const askedS = company.nowS;
    company.deliver(7, [{ name: 'since', fromS: nowS }]);
    company.runTo(askedS + 60);
    assert.is(company.sentOf('intent', askedS).filter(({ to }) => to === 7).length, 8);
  }
});

rules('CVG-2 holds: the digest of the round is that of what was published before its cut', () => {
  const company = agreed();
  const roundS = Math.ceil(company.nowS / ROUND_S) * ROUND_S;
  const cutS = roundS - 60;
  const early = store(company, { owner: 2 });
  company.runTo(cutS - 1);
  const last = store(company, { owner: 3, rate: 7, leaseS: company.nowS + DAY, read: 9 });
  company.runTo(cutS);
  const after = store(company, { owner: 4 });
  company.runTo(roundS + 10);
  const digest = () => (BigInt(company.node.view().digestHigh) << 32n) | BigInt(company.node.view().digestLow);
  const sum = (...intents: Intent[]) => intents.reduce((all, one) => (all + versionTerm(one)) & ((1n << 64n) - 1n), 0n);
  assert.is(digest(), sum(early, last));
  const late = { ...early, version: versionOf(2), publishedS: cutS - 1 };
  company.deliver(2, [late]);
  assert.is(digest(), sum(late, last), 'late news count at once');
  company.deliver(2, [{ ...late, version: versionOf(3), publishedS: cutS }]);
  assert.is(digest(), sum(late, last));
  company.runTo(roundS + ROUND_S + 1);
  assert.is(digest(), sum({ ...late, version: versionOf(3), publishedS: cutS }, last, after));
});

rules('CVG-2 holds: heartbeats have the digest of what was published before the minute before', () => {
  const company = agreed();
  const minuteS = Math.ceil(company.nowS / 60) * 60;
  const first = store(company, { owner: 2 });
  company.runTo(minuteS);
  store(company, { owner: 3 });
  const low = (intent: Intent) => Number(versionTerm(intent) & 0xffffffffn);
  company.runTo(minuteS + 120);
  const heartbeats = company.sentOf('heartbeat', minuteS);
  const at = (fromS: number) => heartbeats.find(({ atS }) => atS >= fromS && atS < fromS + 60)?.message.recent;
  assert.equal([at(minuteS), at(minuteS + 60)], [0, low(first)]);
});

rules.run();

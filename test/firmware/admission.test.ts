// Which versions of intents can be true, which are stored, and which of two is kept.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  FEATURE,
  HORIZON_S_MAX,
  type Intent,
  INTENT_STATE,
  LEASE_ADVANCE_S_MAX,
  ROUND_S,
  STATUS,
  VERDICT,
} from '../../host/cbor/generated.ts';
import { Company } from './company.ts';
import { claimOf, DAY, HOUR, lot, UNIT, versionOf } from './driven.ts';
import { contentHash, fold32 } from './hashes.ts';

const rules = suite('admission of versions');

const depot = { name: 'group', group: 2, kind: 2, units: 9, capacity: 50_000, stockKg: 0, loadKg: 20 } as const;
const DEPOT_UNIT = (2 << 16) | 1;
const ownerRateMax = 200;

/** A node that knows a majority, at 30 s of a round. */
function agreed(features = 0, rateMax = 0): Company {
  const company = new Company({ config: { features, ownerRateMax: rateMax }, groups: [lot, depot] });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  assert.is(company.node.view().quorum, 1);
  return company;
}

/** The status of a version that its owner broadcasts. */
const hear = (company: Company, intent: Intent) => company.hear(intent.owner, [intent]);

const versionAt = (company: Company, owner: number, slot = 0) => company.node.intent(owner, slot)?.version;
const verdictAt = (company: Company, owner: number, slot: number) => company.node.verdict(owner, slot);

rules('INT-1 holds: a version that cannot be true is refused, and one at the bound is stored', () => {
  const company = agreed();
  const at = company.nowS;
  const cases: [changes: Partial<Intent>, isTrue: boolean][] = [
    [{ endS: at + 1 }, true],
    [{ endS: at }, false],
    [{ resource: 31 << 16 }, true],
    [{ resource: 32 << 16 }, false],
    [{ claimS: at + 1 }, false],
    [{ leaseS: at + LEASE_ADVANCE_S_MAX }, true],
    [{ leaseS: at + LEASE_ADVANCE_S_MAX + 1 }, false],
    [{ endS: at + HORIZON_S_MAX }, true],
    [{ endS: at + HORIZON_S_MAX + 1 }, false],
    [{ startS: at + HORIZON_S_MAX, endS: at + HORIZON_S_MAX + 9 }, true],
    [{ startS: at + HORIZON_S_MAX + 1, endS: at + HORIZON_S_MAX + 9 }, false],
    [{ publishedS: at + 20 }, true],
    [{ publishedS: at + 61 }, false],
    [{ kind: 255 }, false],
  ];
  for (const [index, [changes, isTrue]] of cases.entries()) {
    const version = versionOf(index + 1);
    const status = hear(company, claimOf(1, at, { version, ...changes }));
    assert.is(status === STATUS.ok, isTrue, JSON.stringify(changes));
    assert.is(versionAt(company, 1) === version, isTrue, JSON.stringify(changes));
  }
  assert.is(company.hear(1, [claimOf(5, at)]), STATUS.ok);
  assert.is(company.hear(1, [claimOf(6, at)]), STATUS.implausible, 'there is no member 6');
});

rules('INT-1 holds: what is dated beyond the errors of two trusted clocks waits, and comes again', () => {
  const company = agreed();
  const at = company.nowS;
  for (const [owner, aheadS] of [
    [1, 20],
    [2, 21],
    [3, 60],
  ])
    assert.is(hear(company, claimOf(owner, at, { publishedS: at + aheadS })), STATUS.ok);
  assert.equal(
    [1, 2, 3].map((owner) => versionAt(company, owner)),
    [versionOf(1), undefined, undefined],
  );
  assert.is(company.node.lossCount(COUNTER.intentAhead), 2);
  assert.is(company.hear(4, [claimOf(2, at, { publishedS: at + 21 })]), STATUS.ok);
  company.runTo(at + 1);
  assert.is(hear(company, claimOf(2, at, { publishedS: at + 21 })), STATUS.ok);
  assert.is(versionAt(company, 2), versionOf(1));
});

rules('SEC-5 holds: an intent slot claims what it is for, up to its bounds, and else is counted', () => {
  const company = agreed(0, ownerRateMax);
  const at = company.nowS;
  const haul = { resource: DEPOT_UNIT, kind: 2, rate: 240, endS: at + HOUR };
  const cases: [changes: Partial<Intent>, mayClaim: boolean][] = [
    [{ slot: 3 }, true],
    [{ slot: 4 }, false],
    [{ rate: ownerRateMax }, true],
    [{ rate: ownerRateMax + 1 }, false],
    [{ rate: ownerRateMax + 1, state: INTENT_STATE.done }, true],
    [{ rate: ownerRateMax + 1, state: INTENT_STATE.started }, false],
    [{ rate: ownerRateMax + 1, resource: 5 << 16, slot: 7 }, true],
    [{ ...haul, slot: 4 }, true],
    [{ ...haul, slot: 5 }, true],
    [{ ...haul, slot: 3 }, false],
    [{ ...haul, slot: 6 }, false],
    [{ ...haul, slot: 4, endS: at + DAY }, true],
    [{ ...haul, slot: 4, endS: at + DAY + 1 }, false],
    [{ ...haul, slot: 4, startS: at + DAY, endS: at + DAY + 9 }, true],
    [{ ...haul, slot: 4, startS: at + DAY + 1, endS: at + DAY + 9 }, false],
  ];
  let beyond = 0;
  for (const [index, [changes, mayClaim]] of cases.entries()) {
    const status = hear(company, claimOf(1, at, { version: versionOf(index + 1), ...changes }));
    assert.is(status, mayClaim ? STATUS.ok : STATUS.implausible, JSON.stringify(changes));
    if (!mayClaim) beyond += 1;
    assert.is(company.node.lossCount(COUNTER.quotaClaim), beyond);
  }
  hear(company, claimOf(1, at, { version: versionOf(99), claimS: at + 1 }));
  assert.is(company.node.lossCount(COUNTER.quotaClaim), beyond, 'what is false for another reason is not counted');
});

/** Verdicts on claims of owner 1 in these intent slots, and the node that stores them. */
function verdictsOf(claims: (Partial<Intent> & { slot: number })[], rateMax = ownerRateMax) {
  const company = agreed(0, rateMax);
  const at = company.nowS;
  for (const claim of claims)
    assert.is(hear(company, claimOf(1, at, { resource: lot.group << 16, ...claim })), STATUS.ok, JSON.stringify(claim));
  return { company, at, verdicts: claims.map(({ slot }) => verdictAt(company, 1, slot)) };
}

const { accepted, refused } = VERDICT;

rules('SEC-5 holds: what one owner claims at one time on lots stays within what it can mine', () => {
  const verdicts = (...claims: (Partial<Intent> & { slot: number })[]) => verdictsOf(claims).verdicts;
  assert.equal(verdicts({ slot: 0, rate: 120 }, { slot: 1, rate: 80 }), [accepted, accepted]);
  assert.equal(verdicts({ slot: 0, rate: 120 }, { slot: 1, rate: 81 }), [accepted, refused]);
  assert.equal(verdicts({ slot: 0, rate: 1 }, { slot: 1, rate: 1 }, { slot: 2, rate: 1 }), [
    accepted,
    accepted,
    refused,
  ]);
  assert.equal(
    verdictsOf(
      [
        { slot: 0, rate: 150 },
        { slot: 1, rate: 150 },
      ],
      0,
    ).verdicts,
    [accepted, accepted],
  );
  const nowS = agreed().nowS;
  const first = { slot: 0, rate: 150, startS: nowS, endS: nowS + HOUR };
  assert.equal(
    verdicts(first, { slot: 1, rate: 150, startS: nowS + HOUR }),
    [accepted, accepted],
    'one after the other',
  );
  assert.equal(verdicts(first, { slot: 1, rate: 150, startS: nowS + HOUR - 1 }), [accepted, refused]);
  const last = { slot: 0, rate: 150, startS: nowS + 2 * HOUR, endS: nowS + 3 * HOUR };
  assert.equal(verdicts(last, { slot: 1, rate: 150, startS: nowS, endS: nowS + 2 * HOUR }), [accepted, accepted]);
  assert.equal(verdicts(last, { slot: 1, rate: 150, startS: nowS, endS: nowS + 2 * HOUR + 1 }), [accepted, refused]);
});

rules('SEC-5 holds: hauls are bounded apart from mining, by what tugs carry where that is more', () => {
  const haul = (slot: number, rate: number) => ({ slot, rate, kind: 2, resource: 2 << 16, endS: agreed().nowS + HOUR });
  // Twelve loads of 20 kg a day.
  assert.equal(verdictsOf([haul(4, 140), haul(5, 100)]).verdicts, [accepted, accepted]);
  assert.equal(verdictsOf([haul(4, 140), haul(5, 101)]).verdicts, [accepted, refused]);
  assert.equal(verdictsOf([{ slot: 0, rate: 200 }, haul(4, 240)]).verdicts, [accepted, accepted]);
  assert.equal(verdictsOf([{ slot: 0, rate: 1 }, { slot: 1, rate: 1 }, haul(4, 1), haul(5, 1)]).verdicts, [
    ...[accepted, accepted, accepted, accepted],
  ]);
  assert.equal(verdictsOf([haul(4, 340), haul(5, 60)], 400).verdicts, [accepted, accepted]);
});

rules('SEC-5 holds: a claim is looked at again when a lower intent slot of its owner changes', () => {
  const { company, at, verdicts } = verdictsOf([
    { slot: 0, rate: 120 },
    { slot: 1, rate: 81 },
  ]);
  assert.equal(verdicts, [accepted, refused]);
  const lower = { version: versionOf(2), resource: lot.group << 16 };
  assert.is(hear(company, claimOf(1, at, { ...lower, rate: 119 })), STATUS.ok);
  assert.is(verdictAt(company, 1, 1), accepted);
  assert.is(hear(company, claimOf(1, at, { ...lower, version: versionOf(3), rate: 120 })), STATUS.ok);
  assert.is(verdictAt(company, 1, 1), refused);
  assert.is(
    hear(company, claimOf(1, at, { ...lower, version: versionOf(4), state: INTENT_STATE.withdrawn })),
    STATUS.ok,
  );
  assert.is(verdictAt(company, 1, 1), accepted);
});

/** A node that can verify statements, and a started claim of owner 1 with room to change. */
function worked(changes: Partial<Intent> = {}) {
  const company = agreed(FEATURE.signs);
  const at = company.nowS;
  const claim = claimOf(1, at, {
    ...{ version: versionOf(10), state: INTENT_STATE.started, claimS: at - HOUR, priority: 5, nonce: 9, rate: 50 },
    ...{ startS: at - HOUR, endS: at + DAY, leaseS: at + HOUR },
    ...changes,
  });
  assert.is(hear(company, claim), STATUS.ok);
  assert.is(versionAt(company, 1), versionOf(10));
  const isStored = (next: Partial<Intent>) => {
    const before = company.node.lossCount(COUNTER.intentUnsigned);
    const publishedS = company.nowS;
    assert.is(hear(company, { ...claim, publishedS, version: versionOf(11), ...next }), STATUS.ok);
    const stored = versionAt(company, 1) !== claim.version;
    assert.is(company.node.lossCount(COUNTER.intentUnsigned) - before, stored ? 0 : 1);
    return stored;
  };
  return { company, at, claim, isStored };
}

rules('SEC-5 holds: a version that releases a worked unit needs a statement, and another does not', () => {
  const releases: ((claim: Intent) => Partial<Intent>)[] = [
    () => ({ state: INTENT_STATE.claimed }),
    () => ({ state: INTENT_STATE.done }),
    () => ({ state: INTENT_STATE.withdrawn }),
    () => ({ resource: UNIT + 1 }),
    ({ startS }) => ({ startS: startS + 1 }),
    ({ endS }) => ({ endS: endS - 1 }),
    ({ leaseS }) => ({ leaseS: leaseS - 1 }),
    ({ claimS }) => ({ claimS: claimS + 1 }),
    ({ priority }) => ({ priority: priority - 1 }),
    () => ({ nonce: 8 }),
  ];
  const { claim, isStored } = worked();
  for (const release of releases) assert.not(isStored(release(claim)), JSON.stringify(release(claim)));
  const keeps: Partial<Intent> = {
    ...{ startS: claim.startS - 1, endS: claim.endS + 1, leaseS: claim.leaseS + 1, claimS: claim.claimS - 1 },
    ...{ priority: claim.priority + 1, rate: 49 },
  };
  assert.ok(isStored(keeps));
});

rules('SEC-5 holds: what is no unit, or ends within the guard, is released without a statement', () => {
  const withdrawn = { state: INTENT_STATE.withdrawn };
  assert.ok(worked({ resource: lot.group << 16 }).isStored(withdrawn));
  assert.ok(worked({ endS: agreed().nowS + 10 }).isStored(withdrawn));
  assert.not(worked({ endS: agreed().nowS + 11 }).isStored(withdrawn));
  const plain = new Company();
  plain.runTo(plain.nowS + 5 * ROUND_S + 30);
  const claim = claimOf(1, plain.nowS, { state: INTENT_STATE.started });
  hear(plain, claim);
  hear(plain, { ...claim, ...withdrawn, version: versionOf(2) });
  assert.is(versionAt(plain, 1), versionOf(2), 'a node that cannot verify stores it');
});

rules('SEC-5 holds: a claim that no digest contains yet is released without a statement, a started one is not', () => {
  const young = (at: number) => ({ claimS: at, state: INTENT_STATE.claimed });
  const withdrawn = { state: INTENT_STATE.withdrawn };
  const nowS = agreed().nowS;
  assert.ok(worked(young(nowS)).isStored(withdrawn));
  assert.not(worked({ ...young(nowS), state: INTENT_STATE.started }).isStored(withdrawn));
  assert.not(worked({ ...young(nowS), claimS: nowS - ROUND_S }).isStored(withdrawn), 'the digest contains it');
  // The cut of the next round lies between them.
  const { company, at, isStored } = worked(young(nowS));
  company.runTo(at + 31);
  assert.not(isStored(withdrawn));
});

rules('SEC-5 holds: an owner that is heard and does not sign for ten minutes is believed, for twenty', () => {
  const { company, at, isStored } = worked();
  const withdrawn = { state: INTENT_STATE.withdrawn };
  // Minutes are counted, so it may be one more.
  assert.not(isStored(withdrawn));
  company.runTo(at + 600);
  assert.not(isStored(withdrawn));
  company.runTo(at + 660 + 30);
  assert.ok(isStored(withdrawn));
  const late = worked();
  assert.not(late.isStored(withdrawn));
  late.company.runTo(late.at + 30 * 60 + 60);
  assert.not(late.isStored(withdrawn), 'the wait is forgotten');
  const silent = worked();
  assert.not(silent.isStored(withdrawn));
  silent.company.heard.delete(1);
  silent.company.runTo(silent.at + 780);
  assert.is(silent.company.hear(2, [{ ...silent.claim, ...withdrawn, version: versionOf(11) }]), STATUS.ok);
  assert.is(versionAt(silent.company, 1), versionOf(10), 'a silent owner cannot object');
});

rules('SEC-5 holds: a version from a time at which its owner was silent is not believed', () => {
  const company = agreed();
  const at = company.nowS;
  company.heard.delete(1);
  company.runTo(at + 9 * 60);
  const { age, lastLivenessTick } = company.node.member(1);
  assert.is(age, 7);
  // Two ticks later a frame that brought it would have been a sign of life.
  const silentS = (lastLivenessTick + 2 - 4) * 60;
  for (const [slot, publishedS, isBelieved] of [
    [0, silentS - 1, true],
    [1, silentS, false],
  ] as const) {
    const version = claimOf(1, publishedS, { slot, resource: UNIT + slot });
    assert.is(company.hear(2, [version]), STATUS.ok);
    assert.is(versionAt(company, 1, slot) !== undefined, isBelieved, `published at ${publishedS - silentS}`);
  }
  assert.is(company.node.lossCount(COUNTER.intentUnsigned), 1);
});

rules('SEC-5 holds: of late versions a round takes eight after its first minute, and all before', () => {
  const company = agreed();
  // The members that were heard for the first time do not count as a merge any more.
  company.runTo(company.nowS + 10 * ROUND_S);
  const roundS = Math.ceil(company.nowS / ROUND_S) * ROUND_S;
  const cutS = roundS - 60;
  const late = (count: number, publishedS = cutS - 1) =>
    hear(
      company,
      claimOf(1 + (count % 5), publishedS, { slot: count % 8, version: versionOf(count), resource: UNIT + count }),
    );
  const stored = () => company.node.view().intents;
  company.runTo(roundS + 59);
  for (let count = 0; count < 10; count += 1) late(100 + count);
  const early = stored();
  assert.is(early, 10);
  company.runTo(roundS + 60);
  for (let count = 0; count < 10; count += 1) late(200 + count);
  assert.is(stored(), early + 8);
  assert.is(company.node.lossCount(COUNTER.quotaLate), 2);
  late(310, cutS);
  assert.is(stored(), early + 9, 'what is of after the cut is not late');
  company.runTo(roundS + ROUND_S + 60);
  for (let count = 0; count < 10; count += 1) late(410 + count, cutS + 1);
  assert.is(stored(), early + 17, 'the next round takes as many again');
});

rules('INT-4 holds: the newest version is kept, of two contents the one with the greater hash', () => {
  for (const order of [0, 1]) {
    const company = agreed();
    const at = company.nowS;
    const contents = [claimOf(1, at, { rate: 11 }), claimOf(1, at, { rate: 12 })];
    const [first, second] = order === 0 ? contents : [...contents].reverse();
    hear(company, first);
    hear(company, second);
    const greater = contentHash(contents[0]) > contentHash(contents[1]) ? contents[0] : contents[1];
    assert.is(company.node.intent(1, 0)?.rate, greater.rate);
    assert.is(company.node.lossCount(COUNTER.intentDiffers), 1);
    const stale = company.node.lossCount(COUNTER.intentStale);
    hear(company, greater);
    assert.is(company.node.lossCount(COUNTER.intentDiffers), 1, 'the same content is no conflict');
    assert.is(company.node.lossCount(COUNTER.intentStale), stale + 1);
    company.runTo(at + 20);
    assert.ok(company.sentOf('statement-request').some(({ to, message }) => to === 1 && message.owner === 1));
    hear(company, claimOf(1, at, { version: versionOf(3), rate: 1 }));
    hear(company, claimOf(1, at, { version: versionOf(2), rate: 2 }));
    assert.is(company.node.intent(1, 0)?.rate, 1);
    assert.is(company.node.lossCount(COUNTER.intentDiffers), 1, 'an older version is no conflict');
  }
});

rules('INT-4 holds: what ended half an hour before the cut is not stored again', () => {
  const company = agreed();
  const cutS = Math.floor(company.nowS / ROUND_S) * ROUND_S - 60;
  const ended = (owner: number, endS: number) => claimOf(owner, cutS - 2 * HOUR, { startS: cutS - 2 * HOUR, endS });
  hear(company, ended(1, cutS - 1800));
  hear(company, ended(2, cutS - 1799));
  assert.is(versionAt(company, 1), undefined);
  assert.is(versionAt(company, 2), versionOf(1));
});

rules('SEC-5 holds: a node asks for the statement on one version in 1,024, of its own choice', () => {
  const company = agreed();
  const at = company.nowS;
  const isDrawn = (version: number) => fold32(fold32(1, 2), version) % 1024 === 0;
  let count = 1;
  while (!isDrawn(versionOf(count))) count += 1;
  hear(company, claimOf(2, at, { version: versionOf(count - 1) }));
  company.runTo(at + 40);
  assert.equal(company.sentOf('statement-request', at), []);
  hear(company, claimOf(2, at, { version: versionOf(count) }));
  company.runTo(at + 80);
  assert.equal(
    company.sentOf('statement-request', at).map(({ to, message }) => [to, message.owner, message.slot]),
    [[2, 2, 0]],
  );
});

rules.run();

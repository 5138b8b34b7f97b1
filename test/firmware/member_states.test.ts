// What a node finds of its members (MBR-1, FLT-2, INT-4): states, digest, votes, disagreement.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, FIELD, LIVENESS, LIVENESS_TICK_S, type Message, ROUND_S, TYPE } from '../../host/cbor/generated.ts';
import { Company } from './company.ts';
import { HOUR } from './driven.ts';
import { revocationTerm, silentTerm, sum64 } from './hashes.ts';

const rules = suite('members as a node finds them');

function agreed(members = 6): Company {
  const company = new Company({ config: { members } });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  assert.is(company.node.view().quorum, 1);
  return company;
}

const stateOf = (company: Company, member: number) => company.node.member(member).state;

// ---- states ----

/** When a node reported a state of a member, seconds after `fromS`. */
function reports(company: Company, member: number, fromS: number): [afterS: number, state: number][] {
  const at = FIELD.memberState;
  return company
    .eventsOf(TYPE.memberState, fromS)
    .filter(({ fields }) => fields[at.member] === member)
    .map(({ atS, fields }) => [atS - fromS, fields[at.state]]);
}

/** A node that no longer hears some from the begin of a minute on. */
function without(members: number, ...away: number[]): Company {
  const company = agreed(members);
  company.runTo(Math.ceil(company.nowS / 60) * 60);
  for (const member of away) company.heard.delete(member);
  return company;
}

rules('MBR-1 holds: a member is unreachable after seven ticks of silence, and dead after eleven', () => {
  const company = without(9, 8);
  const { nowS } = company;
  company.runTo(nowS + 20 * 60);
  const heardS = (company.node.member(8).lastLivenessTick - 4) * 60;
  const absent = reports(company, 8, heardS).filter(([, state]) => state > LIVENESS.suspect);
  assert.equal(absent, [
    [7 * 60, LIVENESS.unreachable],
    [12 * 60, LIVENESS.dead],
  ]);
  company.heard.add(8);
  company.runTo(company.nowS + 60);
  assert.is(stateOf(company, 8), LIVENESS.alive);
});

rules('MBR-1 holds: three that fall silent within five minutes are unreachable, two are dead', () => {
  for (const [apartS, state] of [
    [5 * 60, LIVENESS.unreachable],
    [6 * 60, LIVENESS.dead],
  ]) {
    const company = without(12, 9);
    company.runTo(company.nowS + 120);
    company.heard.delete(10);
    company.runTo(company.nowS + apartS - 120);
    company.heard.delete(11);
    company.runTo(company.nowS + 20 * 60);
    const ticks = [9, 10, 11].map((member) => company.node.member(member).lastLivenessTick);
    assert.is((ticks[2] - ticks[0]) * 60, apartS);
    assert.is(stateOf(company, 9), state, `${apartS} s apart`);
    assert.is(stateOf(company, 10), LIVENESS.unreachable, 'it fell silent within five minutes of both');
  }
});

rules('MBR-1 holds: an announced silence explains one from a quarter of an hour before it to one after it', () => {
  const lastedS = 2 * HOUR;
  for (const [leadS, doubtS, state] of [
    [15 * 60, 15 * 60 - 1, LIVENESS.unreachable],
    [15 * 60, 15 * 60, LIVENESS.dead],
    [17 * 60, 0, LIVENESS.dead],
  ]) {
    const company = without(9, 8);
    const heardS = Math.floor(company.nowS / 60) * 60;
    const fromS = heardS + leadS;
    company.deliver(8, [{ name: 'isolation', fromS, untilS: fromS + lastedS }]);
    company.runTo(heardS + 13 * 60);
    company.sleepTo(fromS + lastedS + doubtS - 400);
    company.runTo(fromS + lastedS + doubtS);
    assert.is(stateOf(company, 8), state, `${leadS} s before, ${doubtS} s after`);
  }
});

rules('MBR-1 holds: a contact window is bridged: the member counts as alive until five minutes after it', () => {
  for (const [lengthS, afterS, state] of [
    [900, 299, LIVENESS.alive],
    [900, 300, LIVENESS.unreachable],
    [901, 0, LIVENESS.unreachable],
  ]) {
    const company = without(9, 8);
    const fromS = company.nowS + 120;
    company.deliver(8, [{ name: 'isolation', fromS, untilS: fromS + lengthS }]);
    company.runTo(fromS + lengthS + afterS);
    assert.is(stateOf(company, 8), state, `${lengthS} s, ${afterS} s after`);
  }
});

rules('MBR-1 holds: members that fell silent together are dead two days later', () => {
  for (const [afterS, state] of [
    [2 * 86_400, LIVENESS.unreachable],
    [2 * 86_400 + 60, LIVENESS.dead],
  ]) {
    const company = without(12, 9, 10, 11);
    company.runTo(company.nowS + 15 * 60);
    assert.is(stateOf(company, 9), LIVENESS.unreachable);
    const heardS = (company.node.member(9).lastLivenessTick - 4) * 60;
    company.sleepTo(heardS + afterS - 500);
    company.runTo(heardS + afterS);
    assert.is(stateOf(company, 9), state, `after ${afterS} s`);
  }
});

rules('MBR-1 holds: a node that is deaf for a contact window reports nobody absent, for longer it reports all', () => {
  const company = agreed();
  const peers = [...company.heard];
  const heardS = company.nowS;
  company.heard.clear();
  const states = () => peers.map((peer) => stateOf(company, peer));
  const all = (state: number) => peers.map(() => state);
  company.runTo(heardS + 880);
  assert.equal(states(), all(LIVENESS.alive));
  const absent = () =>
    company.eventsOf(TYPE.memberState, heardS).filter(({ fields }) => fields[FIELD.memberState.state] > 2);
  assert.equal(absent(), []);
  company.runTo(heardS + 920);
  assert.equal(states(), all(LIVENESS.unreachable));
});

rules(
  'MBR-1 holds: after a contact window the first heartbeat shows who is absent, after a longer gap in minutes',
  () => {
    for (const [gapS, quickly] of [
      [860, true],
      [1000, false],
    ] as const) {
      const company = agreed(9);
      const peers = [...company.heard].filter((peer) => peer !== 8);
      const heardS = company.nowS;
      company.heard.clear();
      company.runTo(heardS + gapS);
      for (const peer of peers) company.heard.add(peer);
      company.runTo(heardS + gapS + 60);
      assert.is(stateOf(company, 1), LIVENESS.alive);
      assert.is(stateOf(company, 8), quickly ? LIVENESS.dead : LIVENESS.unreachable, `a gap of ${gapS} s`);
      company.runTo(heardS + gapS + 300);
      assert.is(stateOf(company, 8), LIVENESS.dead);
    }
  },
);

// ---- what is agreed on ----

const digestOf = ({ node }: Company) => (BigInt(node.view().digestHigh) << 32n) | BigInt(node.view().digestLow);

rules('CVG-2 holds: the digest has the silent members, with the tick in which each was heard last', () => {
  const company = without(9, 7, 8);
  assert.is(digestOf(company), 0n);
  company.runTo(company.nowS + 12 * 60 + 5);
  const ticks = [7, 8].map((member) => company.node.member(member).lastLivenessTick);
  assert.is(digestOf(company), sum64([silentTerm(7, ticks[0]), silentTerm(8, ticks[1])]));
  const news = (lastLivenessTick: number): Message => {
    return { name: 'silent-list', entries: [{ member: 8, lastLivenessTick, revocations: 0 }] };
  };
  company.deliver(1, [news(ticks[1] - 1)]);
  assert.is(company.node.member(8).lastLivenessTick, ticks[1], 'older news');
  company.deliver(1, [news(ticks[1] + 1)]);
  assert.is(digestOf(company), sum64([silentTerm(7, ticks[0]), silentTerm(8, ticks[1] + 1)]));
  // Heard within seven ticks before the cut: it was not silent.
  const cut = company.node.view().round * 2;
  company.deliver(1, [news(cut - 7)]);
  assert.is(company.node.member(8).lastLivenessTick, cut - 7);
  assert.is(digestOf(company), sum64([silentTerm(7, ticks[0]), silentTerm(8, cut - 7)]));
  company.deliver(1, [news(cut - 6)]);
  assert.is(digestOf(company), silentTerm(7, ticks[0]));
});

rules('FLT-2 holds: a member that is silent for 32 days loses its vote, and gets it back when it returns', () => {
  const silentTicks = (32 * 86_400) / LIVENESS_TICK_S;
  const company = new Company({ config: { members: 7 } }, 3_000_000);
  company.heard.delete(6);
  company.runTo(company.nowS + 30);
  // The tick of the round after the next.
  const round = company.node.view().round + 2;
  const lastLivenessTick = round * 2 - silentTicks + 1;
  company.deliver(1, [{ name: 'silent-list', entries: [{ member: 6, lastLivenessTick, revocations: 0 }] }]);
  const expected = (revocations: number) => sum64([silentTerm(6, lastLivenessTick), revocationTerm(6, revocations)]);
  company.runTo((round * 2 - 4) * LIVENESS_TICK_S + 1);
  assert.is(company.node.view().round, round);
  assert.is(digestOf(company), expected(0), 'a tick less');
  company.runTo(company.nowS + ROUND_S);
  assert.is(digestOf(company), expected(1));
  const listed = () => {
    const { nowS } = company;
    company.deliver(2, [{ ...company.heartbeat(), recent: 12345 }], 0);
    company.runTo(nowS + 60);
    const [list] = company.sentOf('silent-list', nowS).filter(({ to }) => to === 2);
    return list?.message.entries;
  };
  company.runTo(company.nowS + 30);
  assert.equal(listed(), [{ member: 6, lastLivenessTick, revocations: 1 }]);
  // Six have a vote now, after a majority stored that: four are a majority.
  company.runTo(company.nowS + ROUND_S);
  company.agreeing.clear();
  for (const member of [1, 2, 3, 6]) company.agreeing.add(member);
  company.runTo(company.nowS + ROUND_S);
  assert.is(company.node.view().quorum, 1);
  company.agreeing.delete(3);
  company.runTo(company.nowS + 2 * ROUND_S);
  assert.is(company.node.view().quorum, 0, 'the vote of member 6 does not count');
  company.agreeing.add(3).add(4).add(5);
  company.heard.add(6);
  company.runTo(company.nowS + 3 * ROUND_S);
  assert.is(digestOf(company), revocationTerm(6, 2));
});

rules('SEC-5 holds: a count of revocations that this node can refute is counted and not taken', () => {
  const company = agreed();
  const given = (revocations: number): Message => {
    return { name: 'silent-list', entries: [{ member: 5, lastLivenessTick: 0, revocations }] };
  };
  company.deliver(1, [given(1)]);
  assert.is(company.node.lossCount(COUNTER.revocationUnproven), 1);
  assert.is(digestOf(company), 0n);
  company.deliver(1, [given(0)]);
  assert.is(company.node.lossCount(COUNTER.revocationUnproven), 1, 'it is what is stored');
  const restarted = new Company({ facts: { incarnation: 2 } });
  // What it may have taken before its restart it takes no more.
  restarted.heard.clear();
  restarted.runTo(restarted.nowS + 1100);
  const before = digestOf(restarted);
  restarted.deliver(1, [given(2)]);
  assert.is(restarted.node.lossCount(COUNTER.revocationUnproven), 0, 'it forgot which votes were revoked');
  assert.is(digestOf(restarted), sum64([before, revocationTerm(5, 2)]));
});

// ---- a node that disagrees ----

/** A node whose peers have these digests in a round, and hear it or not; then its count. */
function disagreed(digests: Record<number, number>, isHeard = true): number {
  const company = agreed(8);
  const peers = [...company.heard];
  company.heard.clear();
  company.runTo(Math.ceil(company.nowS / ROUND_S) * ROUND_S + 10);
  const plain = company.heartbeat();
  const all = company.bits(isHeard ? [0, ...peers] : peers);
  for (const peer of peers) {
    const digestLow = digests[peer];
    const ages = Uint8Array.of(...all, ...all, ...all);
    if (digestLow === undefined) company.deliver(peer, [{ name: 'probe', sequence: 1 }]);
    else company.deliver(peer, [{ ...plain, digestLow, ages, agree: company.bits([]) }]);
  }
  company.runTo(company.nowS + ROUND_S);
  return company.node.view().disagreedRounds;
}

rules('INT-4 holds: a round counts in which three that hear this node share a digest, and nobody has its own', () => {
  assert.is(disagreed({ 1: 9, 2: 9, 3: 9 }), 1);
  assert.is(disagreed({ 1: 9, 2: 9 }), 0);
  assert.is(disagreed({ 1: 9, 2: 9, 3: 8 }), 0);
  assert.is(disagreed({ 1: 8, 2: 9, 3: 9, 4: 9 }), 1);
  assert.is(disagreed({ 1: 9, 2: 8, 3: 9, 4: 9 }), 0, 'member 2 took the place of member 1');
  assert.is(disagreed({ 1: 9, 2: 9, 3: 8, 4: 9, 5: 9 }), 1);
  assert.is(disagreed({ 1: 9, 2: 9, 3: 9, 4: 0 }), 0, 'member 4 has the digest of this node');
  assert.is(disagreed({ 1: 0, 2: 9, 3: 9, 4: 9 }), 0);
  assert.is(disagreed({ 1: 9, 2: 9, 3: 9 }, false), 0, 'they do not hear it');
});

rules('INT-4 holds: rounds of disagreement add up, and one in which a peer agrees ends them', () => {
  const company = agreed(6);
  company.agreeing.clear();
  const beganS = company.nowS;
  company.runTo(beganS + 10 * ROUND_S);
  const { disagreedRounds } = company.node.view();
  assert.ok(disagreedRounds >= 8, `${disagreedRounds}`);
  company.agreeing.add(2);
  company.runTo(company.nowS + 2 * ROUND_S);
  assert.is(company.node.view().disagreedRounds, 0);
});

rules('INT-4 holds: a node that alone disagrees for sixty rounds restarts, six hours after its boot', () => {
  const orders = (disagreesFromS: number, untilS: number) => {
    const company = new Company();
    const bootS = company.nowS;
    company.runTo(bootS + disagreesFromS);
    company.agreeing.clear();
    company.runTo(bootS + untilS);
    return company.commands.filter(({ fields }) => fields[0] === TYPE.restartRuntime).map(({ atS }) => atS - bootS);
  };
  const sixHoursS = 6 * HOUR;
  const [early, ...more] = orders(600, sixHoursS + 120);
  assert.equal(more, []);
  assert.ok(early >= sixHoursS && early < sixHoursS + 60, `after ${early} s`);
  const beganS = sixHoursS - HOUR;
  const [late] = orders(beganS, beganS + 62 * ROUND_S);
  assert.ok(late >= beganS + 60 * ROUND_S && late < beganS + 62 * ROUND_S, `${late - beganS} s later`);
});

rules.run();

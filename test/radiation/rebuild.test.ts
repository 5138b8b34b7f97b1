// RAD-1: rebuilds what it can after a double-bit error in a line that the scrubber finds first.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LEASE_GUARD_S, LEASE_S, ROUND_S, TYPE, UPSET_OUTCOME } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { decoded, isSigned, Region, summaryAt } from '../firmware/region.ts';
import { roundFrom } from '../firmware/times.ts';
import { firstUnsound, Lines, recode } from './watch.ts';

const test = suite('radiation: rebuild');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const nodes = 8;
const faulty = 3;
/**
 * Just after a round began: the scrubber's pass after a start takes four minutes. Health, which a
 * walk over the timeline follows within half a minute, was reported a minute ago, and is next
 * reported after that pass.
 */
const injectedS = 3365;
const scrubbedS = injectedS + 230;
assert.is(roundFrom(injectedS), injectedS - 5 + ROUND_S);
assert.ok(scrubbedS < 3600);
const agreedS = injectedS + 1800;

function grown(): TestCluster {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(injectedS);
  return cluster;
}

/** Flips two bits of one word of a line of a node. */
function inject(cluster: TestCluster, line: number, node = faulty): void {
  const words = new Uint32Array(cluster.engine.view().buffer);
  words[(cluster.contexts[node] + lines.at + line * 64) >> 2] ^= 0x0000_0011;
}

/** Lines of the intents that the faulty node stores of an owner. */
function storedOf(cluster: TestCluster, owner: number): number[] {
  const slots = constants.get('OWN_SLOTS')!;
  const index = new Uint16Array(
    cluster.engine.view().buffer,
    cluster.contexts[faulty] + constants.get('INTENT_INDEX_AT')! + owner * slots * 2,
    slots,
  );
  return [...index].filter((record) => record !== 0xffff).map((record) => lines.lineOf('INTENTS_AT') + record);
}

const views = (cluster: TestCluster) => Array.from({ length: nodes }, (_, node) => cluster.nodes[node].viewDigest());
const storedCount = (cluster: TestCluster) => cluster.nodes[faulty].view().intents;
const evicted = (cluster: TestCluster) => cluster.nodes[faulty].protection().evicted;

const kinds: [string, (cluster: TestCluster) => number][] = [
  ["another's intent", (cluster) => storedOf(cluster, (faulty + 1) % nodes)[0]],
  ['a free record', () => lines.lineOf('INTENTS_AT') + 790],
  ['the index of intents of other owners', () => lines.lineOf('INTENT_INDEX_AT') + 1],
  ['the timeline', () => lines.lineOf('TIMELINE_AT') + 20],
  ['the state of the federation', () => lines.lineOf('FEDERATION_AT')],
  ['the own summary', () => lines.lineOf('DRAFT_AT') + 1],
  ['a foreign summary', () => lines.lineOf('WAITING_AT') + 11],
  ['known clusters', () => lines.lineOf('CLUSTERS_AT') + 15],
  ['profiles of members', () => lines.lineOf('PROFILES_AT') + 24],
  ['an event that is not pending', () => lines.lineOf('EVENTS_AT') + 70],
  ['loss counters', () => lines.lineOf('COUNTERS_AT') + 1],
];

for (const [what, choose] of kinds)
  test(`RAD-1 holds: a node evicts ${what} with two flipped bits, all lines have their code, and all agree`, () => {
    const [cluster, sound] = [grown(), grown()];
    const own = cluster.nodes[faulty].own(0);
    assert.ok(own.settledVersion !== 0 && own.running === 1, 'the node works');
    inject(cluster, choose(cluster));
    cluster.runTo(scrubbedS);
    assert.is(evicted(cluster), 1);
    const words = new Uint32Array(cluster.engine.view().buffer);
    assert.is(firstUnsound(lines, words, cluster.contexts[faulty]), -1);
    cluster.runTo(agreedS);
    sound.runTo(agreedS);
    assert.is(new Set(views(cluster)).size, 1, 'the cluster agrees');
    assert.is(storedCount(cluster), storedCount(sound), 'the node stores again what it evicted');
    assert.is(evicted(cluster), 1);
    const { settledVersion, ...work } = cluster.nodes[faulty].own(0);
    assert.equal({ settledVersion: own.settledVersion, ...work }, own, 'its own work goes on');
  });

test('RAD-1 holds: a damaged summary is discarded whole and never sent, and news of clusters comes again', () => {
  const region = new Region({ nodes, features: 0 });
  region.delayS = null;
  const [cluster] = region.clusters;
  region.runTo(injectedS);
  const foreign = { name: 'foreign', message: encodeMessage(summaryAt(injectedS - 60)) } as const;
  cluster.observe(faulty, foreign);
  region.answers = false;
  cluster.inject(faulty, 1, [summaryAt(injectedS - 60, { cluster: 9 })]);
  const { summary, clusterKnown } = cluster.nodes[faulty];
  assert.ok(
    summary.call(cluster.nodes[faulty], 1) !== null && clusterKnown.call(cluster.nodes[faulty], 8) !== undefined,
  );
  const draft = cluster.nodes[0].summary();
  assert.ok(draft !== null);
  inject(cluster, lines.lineOf('WAITING_AT') + 2);
  inject(cluster, lines.lineOf('CLUSTERS_AT'));
  inject(cluster, lines.lineOf('DRAFT_AT') + 2, 0);
  region.runTo(scrubbedS);
  assert.is(evicted(cluster), 2);
  assert.is(cluster.nodes[0].protection().evicted, 1);
  const anew = cluster.nodes[0].summary();
  assert.ok(anew !== null && decoded(anew).sequence > decoded(draft).sequence, 'it is composed anew');
  assert.is(cluster.nodes[faulty].summary(1), null);
  assert.is(cluster.nodes[faulty].clusterKnown(8), undefined);
  cluster.observe(faulty, foreign);
  assert.ok(cluster.nodes[faulty].clusterKnown(8) !== undefined);
  region.answers = true;
  const before = region.sent.length;
  region.runTo(2 * 3600);
  assert.ok(region.sent.length > before && region.sent.every(({ message }) => isSigned(message)));
});

/** The members that agree with the faulty node, a bit each. */
function agreement(cluster: TestCluster): number {
  const agreeAt = constants.get('MEMBER_BITMAPS_AT')! + 4 * constants.get('BITMAP_BYTES')!;
  return cluster.engine.view()[cluster.contexts[faulty] + agreeAt];
}

const agreesWithItself = (cluster: TestCluster) => (agreement(cluster) & (1 << faulty)) !== 0;

/** Runs by seconds until the faulty node has evicted something. */
function runToEviction(cluster: TestCluster, untilS: number): void {
  while (evicted(cluster) === 0 && cluster.nowMs < untilS * 1000) cluster.runTo(cluster.nowMs / 1000 + 1);
  assert.is(evicted(cluster), 1);
}

test('INT-5 holds: a node that evicts an intent has no vote until a majority without it agrees', () => {
  const cluster = grown();
  assert.ok(agreesWithItself(cluster), 'it has a vote before');
  inject(cluster, storedOf(cluster, (faulty + 1) % nodes)[0]);
  // It hears nobody, so nobody can agree with it.
  cluster.part[faulty] = 1;
  runToEviction(cluster, scrubbedS);
  for (const laterS of [0, 3 * ROUND_S, LEASE_S + 2 * LEASE_GUARD_S + ROUND_S]) {
    cluster.runTo(scrubbedS + laterS);
    assert.not(agreesWithItself(cluster), `${laterS} s later`);
  }
  cluster.part[faulty] = 0;
  cluster.runTo(scrubbedS + 3600);
  assert.ok(agreesWithItself(cluster), 'it has a vote again');
});

test('INT-5 holds: a node without which there is no majority restarts instead of evicting an intent', () => {
  const cluster = grown();
  for (let node = 0; node < nodes / 2; node += 1) if (node !== faulty) cluster.kill(node);
  cluster.runTo(injectedS + 1800 + ROUND_S - 15);
  assert.is(cluster.nodes[faulty].view().quorum, 1, 'five of eight are a majority');
  inject(cluster, storedOf(cluster, nodes - 1)[0]);
  assert.throws(() => cluster.runTo(injectedS + 2400), /unreachable/);
});

test('RAD-1 holds: a free record that is cleared costs neither agreement nor a vote', () => {
  const [cluster, sound] = [grown(), grown()];
  inject(cluster, lines.lineOf('INTENTS_AT') + 790);
  runToEviction(cluster, scrubbedS);
  cluster.runTo(roundFrom(cluster.nowMs / 1000 + 5) - 5);
  sound.runTo(cluster.nowMs / 1000);
  assert.is(sound.nodes[faulty].view().quorum, 1, 'a majority agrees');
  assert.equal(cluster.nodes[faulty].view(), sound.nodes[faulty].view());
  assert.is(agreement(sound), (1 << nodes) - 1, 'all agree');
  assert.is(agreement(cluster), agreement(sound));
  // The free list is whole: as many claims as before find a record.
  const freeOf = (one: TestCluster): number => {
    const view = new DataView(one.engine.view().buffer, one.contexts[faulty]);
    let at = view.getUint32(constants.get('INTENT_STATE_AT')! + 4, true);
    let length = 0;
    for (; at !== 0xffff; length += 1) at = view.getUint16(constants.get('INTENTS_AT')! + 64 * at + 20, true);
    return length;
  };
  assert.is(freeOf(cluster), constants.get('INTENTS_MAX')! - storedCount(cluster));
});

for (const [what, choose] of kinds.slice(0, 2))
  test(`RAD-1 holds: ${what} with two flipped bits is evicted before the walk when a round begins`, () => {
    const cluster = grown();
    const roundStartS = roundFrom(injectedS);
    cluster.runTo(roundStartS - 1);
    const { cursor } = cluster.nodes[faulty].protection();
    const line = choose(cluster);
    inject(cluster, line);
    cluster.runTo(roundStartS + 5);
    assert.is(evicted(cluster), 1);
    assert.is(cluster.nodes[faulty].protection().cursor, cursor, 'the scrubber did not come first');
    cluster.runTo(roundStartS + 1800);
    assert.is(new Set(views(cluster)).size, 1, 'the cluster agrees');
  });

/** Changes a word of the faulty node's context and gives its line the code of its new contents. */
function change(cluster: TestCluster, at: number, bits = 0x10): void {
  const words = new Uint32Array(cluster.engine.view().buffer);
  const ctx = cluster.contexts[faulty];
  words[(ctx + at) >> 2] ^= bits;
  recode(lines, words, ctx, at);
  assert.is(firstUnsound(lines, words, ctx), -1);
}

const sums: [string, number][] = [
  ['the digest', constants.get('INTENT_STATE_AT')! + 8],
  ['the sum that anti-entropy compares', constants.get('INTENT_STATE_AT')! + 16],
  ['the sum over notices', constants.get('INTENT_STATE_AT')! + 32],
  ['the sum of an owner', constants.get('MEMBERS_AT')! + 5 * 32 + 16],
];

for (const [what, at] of sums)
  test(`RAD-1 holds: ${what} that went wrong within a call is recomputed within half an hour, and reported`, () => {
    const [cluster, sound] = [grown(), grown()];
    const value = (one: TestCluster) =>
      new DataView(one.engine.view().buffer).getUint32(one.contexts[faulty] + at, true);
    assert.is(value(cluster), value(sound));
    change(cluster, at);
    cluster.runTo(agreedS + 60);
    sound.runTo(agreedS + 60);
    assert.is(cluster.nodes[faulty].protection().recomputed, 1);
    assert.is(sound.nodes[faulty].protection().recomputed, 0);
    const reports = cluster.events.filter(({ node, fields }) => node === faulty && fields[0] === TYPE.upset);
    assert.equal(
      reports.map(({ fields }) => fields[FIELD.upset.outcome]),
      [UPSET_OUTCOME.recomputed],
    );
    cluster.runTo(agreedS + 1800);
    sound.runTo(agreedS + 1800);
    assert.is(new Set(views(cluster)).size, 1, 'the cluster agrees');
    assert.is(value(cluster), value(sound));
  });

test('RAD-1 holds: the count of recomputed sums stops at 255 and does not begin anew', () => {
  const cluster = grown();
  const countAt = constants.get('PROTECTION_AT')! + 6;
  cluster.engine.view()[cluster.contexts[faulty] + countAt] = 255 ^ 0x10;
  change(cluster, countAt & ~3, 0x10 << ((countAt & 3) * 8));
  assert.is(cluster.nodes[faulty].protection().recomputed, 255);
  change(cluster, sums[0][1]);
  cluster.runTo(agreedS + 60);
  assert.is(cluster.nodes[faulty].protection().recomputed, 255);
  assert.is(new Set(views(cluster)).size, 1, 'the sum was recomputed');
});

const vital: [string, (cluster: TestCluster) => number][] = [
  ['the view', () => lines.lineOf('MEMBERSHIP_AT')],
  ['a resource group', () => lines.lineOf('GROUPS_AT')],
  ['an own intent', (cluster) => storedOf(cluster, faulty)[0]],
];

for (const [what, choose] of vital)
  test(`RAD-1 holds: two flipped bits in ${what} end in crash recovery before the node sends anything`, () => {
    const cluster = grown();
    inject(cluster, choose(cluster));
    assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
    const site = cluster.engine.calls.trap_site();
    assert.ok(site >= 900 && site < 950, `site ${site}`);
  });

test.run();

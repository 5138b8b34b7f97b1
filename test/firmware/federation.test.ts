// What a coordinator says of its cluster, and what members keep of others (FLT-1).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClusterSummary, type Message, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { encodeMessage } from '../../host/cbor/message.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { split } from './driven.ts';
import { decoded, isSigned, lossesOf, place, Region, roundOf, signed, summaryAt } from './region.ts';

const HOUR = 3600;
const nodes = 6;
const quiet = { nodes, features: 0 };

const foreign = (summary: ClusterSummary): Message => ({ name: 'foreign', message: encodeMessage(summary) });
const timesOf = (region: Region, from: number): number[] =>
  region.sent.filter((sent) => sent.from === from).map(({ atS }) => atS);

/** A cluster with a place, alone, after its first rounds. */
function settled(untilS = 1800): Region {
  const region = new Region(quiet);
  region.delayS = null;
  region.runTo(untilS);
  return region;
}

/** The summaries that were taken at a node, as [cluster, coordinator, round, sequence]. */
const takenAt = (cluster: TestCluster, node: number): number[][] =>
  cluster.events
    .filter((event) => event.node === node && event.fields[0] === TYPE.summaryTaken)
    .map(({ fields }) => fields.slice(1));

test('FLT-1 holds: a summary reaches every member of both clusters, signed, once an hour', () => {
  const region = new Region(quiet);
  region.runTo(3 * HOUR);
  for (const from of [0, 1]) {
    const times = timesOf(region, from);
    // The first when a quorum is there, then in the hour that begins with the cluster's number.
    assert.is(times.length, 3, `${times}`);
    const starts = times.slice(1).map((atS) => (atS - 7 - from) % HOUR);
    assert.ok(
      starts.every((late) => late >= 0 && late < 75),
      `${starts}`,
    );
  }
  for (const { message, from } of region.sent) {
    assert.ok(message.length <= 180 && isSigned(message));
    const { counts, region: of, cluster, lineages, coordinator } = decoded(message);
    assert.equal([counts[1], of, cluster, coordinator], [nodes, place.region, 7 + from, 0]);
    assert.ok(lineages[1] <= nodes && lineages[0] + lineages[2] + lineages[3] === 0);
  }
  const last = decoded(region.sent[region.sent.length - 1].message);
  assert.equal(
    [last.counts, last.lineages, last.versions],
    [[6, 6, 0, 0], [0, 6, 0, 0], [{ version: 500, members: 6 }]],
  );
  for (const [index, cluster] of region.clusters.entries()) {
    for (let node = 0; node < nodes; node++) {
      const abroad = region.sent.filter(({ from, atS }) => from !== index && atS + 700 < 3 * HOUR);
      const newest = decoded(abroad[abroad.length - 1].message);
      const known = cluster.nodes[node].clusterKnown(newest.cluster);
      assert.equal([known?.round, known?.sequence, known?.asOfS], [newest.round, newest.sequence, newest.asOfS]);
      const own = decoded(region.sent.filter(({ from }) => from === index).at(-1)!.message);
      assert.is(cluster.nodes[node].clusterKnown(own.cluster)?.sequence, own.sequence, 'members know their own');
    }
    assert.ok(cluster.nodes.every(({ summary }, node) => node === 0 || summary.call(cluster.nodes[node]) === null));
  }
});

test('FLT-1 holds: a summary has a frame of its own, and a profile comes beside a heartbeat', () => {
  const region = new Region(quiet);
  const seen = new Set<string>();
  const [cluster] = region.clusters;
  cluster.jam = () => {
    seen.add(
      openedFrame(cluster.onAir())
        .messages.map(({ name }) => name)
        .join(' '),
    );
    return false;
  };
  region.runTo(2 * HOUR);
  const summaries = [...seen].filter((names) => names.includes('cluster-summary'));
  assert.equal(summaries, ['cluster-summary']);
  const profiles = [...seen].filter((names) => names.includes('member-profile'));
  assert.ok(profiles.length > 0 && profiles.every((names) => names.startsWith('heartbeat ')), profiles.join());
});

test('FLT-1 holds: a count that moves by a twentieth gives a summary at once, ten minutes after the last', () => {
  const region = settled(1800);
  const [cluster] = region.clusters;
  assert.is(timesOf(region, 0).length, 1);
  const before = decoded(region.sent[0].message);
  cluster.kill(5);
  region.runTo(1800 + 900);
  const moved = timesOf(region, 0);
  assert.ok(moved.length >= 2 && moved.length <= 3, `${moved}`);
  assert.ok(moved.every((atS, i) => i === 0 || atS - moved[i - 1] >= 600));
  const after = decoded(region.sent.filter(({ from }) => from === 0)[1].message);
  assert.equal([before.counts[0], after.counts[0], after.counts[1]], [6, 5, 6]);
  assert.ok(after.round > before.round && after.sequence === before.sequence + 1);
  // Nothing moves in the other cluster, so it says nothing.
  assert.is(timesOf(region, 1).length, 1);
});

test('FLT-1 holds: profiles are summed, and those of silent members count for three hours at most', () => {
  const region = settled(600);
  const [cluster] = region.clusters;
  for (const node of [1, 5]) {
    const stocks = [1000, 40_000, 99];
    assert.is(cluster.observe(node, { name: 'stocks', stocks, demands: [0, 700, 0], energyWh: 2500 }), STATUS.ok);
  }
  const economyOf = () => decoded(region.sent.filter(({ from }) => from === 0).at(-1)!.message).economy;
  region.runTo(2.2 * HOUR);
  assert.equal(economyOf().slice(1), [20, 510, 0, 0, 14, 0, 50]);
  cluster.kill(5);
  region.runTo(6.2 * HOUR);
  assert.equal(economyOf().slice(1), [10, 255, 0, 0, 7, 0, 25]);
});

test('FLT-1 holds: a summary says what is free of lots and which tugs are idle', () => {
  const region = new Region({ nodes });
  region.runTo(3 * HOUR);
  const { economy, tugs, generations } = decoded(region.sent.filter(({ from }) => from === 0).at(-1)!.message);
  const [cluster] = region.clusters;
  let rate = 0;
  let hauls = 0;
  for (let owner = 0; owner < nodes; owner++) {
    for (let slot = 0; slot < 8; slot++) {
      const intent = cluster.nodes[0].intent(owner, slot);
      if (intent === undefined || intent.verdict !== 1 || intent.startS > 3 * HOUR || intent.boundS < 3 * HOUR)
        continue;
      if (intent.resource >>> 16 === 3) hauls++;
      else rate += intent.rate;
    }
  }
  assert.ok(rate > 0);
  assert.ok(Math.abs(economy[0] - (4000 - rate) / 100) <= 6, `${economy[0]} of ${4000 - rate}`);
  assert.ok(tugs >= 2 - hauls && tugs <= 3, `${tugs}`);
  assert.is(generations, 2);
});

test('FLT-1 holds: a successor continues, and the deposed coordinator is stale', () => {
  const region = settled(1800);
  const [cluster] = region.clusters;
  const first = decoded(region.sent[0].message);
  cluster.kill(0);
  region.runTo(2 * HOUR);
  const next = decoded(region.sent.filter(({ from }) => from === 0)[1].message);
  assert.is(next.coordinator, 1);
  assert.ok(next.round > first.round && next.sequence === first.sequence + 1, 'it saw the sequence');
  const receiver = region.clusters[1];
  const give = (message: Uint8Array) => receiver.observe(0, { name: 'foreign', message });
  assert.is(give(encodeMessage(next)), STATUS.ok);
  const known = receiver.nodes[0].clusterKnown(7);
  assert.is(give(encodeMessage(first)), STATUS.ok);
  assert.is(lossesOf(receiver, 0, 'summaryStale'), 1);
  assert.equal(receiver.nodes[0].clusterKnown(7), known);
  assert.is(give(encodeMessage(next)), STATUS.ok, 'a summary that is known changes nothing');
  assert.is(lossesOf(receiver, 0, 'summaryStale'), 1);
});

test('FLT-1 violated: a coordinator without a quorum says nothing of its cluster', () => {
  const region = settled(1800);
  const [cluster] = region.clusters;
  split(cluster, [2, 3, 4, 5], [0, 1]);
  region.runTo(3 * HOUR);
  const later = region.sent.filter(({ from, atS }) => from === 0 && atS > 1800 + 600);
  assert.ok(later.length >= 2);
  assert.ok(later.every(({ node }) => node === 2));
});

test('FLT-1 violated: a round that is still to come is refused', () => {
  const [cluster] = settled().clusters;
  const at = (s: number) => cluster.observe(0, foreign(summaryAt(1800 + s)));
  assert.is(at(240), STATUS.implausible);
  assert.is(lossesOf(cluster, 0, 'summaryAhead'), 1);
  assert.is(cluster.nodes[0].clusterKnown(8), undefined);
  // A clock may be a round ahead of this one.
  assert.is(at(120), STATUS.ok);
  assert.is(cluster.nodes[0].clusterKnown(8)?.round, roundOf(1920));
  assert.is(cluster.inject(1, 0, [summaryAt(1800 + 240)]), STATUS.ok);
  assert.is(lossesOf(cluster, 1, 'summaryAhead'), 1);
});

test('FLT-1 violated: of two contents under one fence all receivers keep the same', () => {
  const region = settled();
  const [cluster] = region.clusters;
  const one = summaryAt(1700, { tugs: 1 });
  const two = summaryAt(1700, { tugs: 2 });
  for (const [node, order] of [
    [0, [one, two]],
    [1, [two, one]],
  ] as const)
    for (const summary of order) assert.is(cluster.observe(node, foreign(summary)), STATUS.ok);
  // One that hears both by broadcasts, with the loser last.
  for (const summary of [one, two]) cluster.inject(2, 1, [summary]);
  region.runTo(1900);
  const kept = [0, 1, 2].map((node) => cluster.nodes[node].clusterKnown(8)?.hash);
  assert.ok(kept[0] !== undefined && kept[0] === kept[1] && kept[0] === kept[2], `${kept}`);
  // The coordinator passes one of them on, which members hear once more.
  assert.is(lossesOf(cluster, 0, 'summaryDiffers'), 1);
  assert.ok([1, 2].every((node) => lossesOf(cluster, node, 'summaryDiffers') > 0));
});

test('FLT-1 violated: summaries that cannot be true, and those of another region, are refused', () => {
  const [cluster] = settled().clusters;
  const wrong: Partial<ClusterSummary>[] = [
    { region: 4 },
    { coordinator: 200 },
    { counts: [7, 6, 0, 0] },
    { round: roundOf(1700) - 1 },
  ];
  for (const changes of wrong) {
    const summary = summaryAt(1700, changes);
    assert.is(cluster.observe(0, foreign(summary)), STATUS.implausible, JSON.stringify(changes));
    assert.is(cluster.inject(0, 1, [summary]), STATUS.implausible, JSON.stringify(changes));
  }
  const cut = encodeMessage(summaryAt(1700)).slice(0, -1);
  assert.is(cluster.observe(0, { name: 'foreign', message: cut }), STATUS.implausible);
  assert.is(
    cluster.observe(0, { name: 'foreign', message: encodeMessage({ name: 'probe', sequence: 1 }) }),
    STATUS.implausible,
  );
  assert.is(cluster.nodes[0].clusterKnown(8), undefined);
  assert.is(cluster.observe(0, foreign(summaryAt(1700))), STATUS.ok);
});

test('FLT-1 violated: a broadcast with a false signature moves no fence', () => {
  const region = settled();
  const [cluster] = region.clusters;
  const { signature: _, ...text } = summaryAt(1700);
  assert.is(cluster.inject(2, 3, [signed(text, 4)]), STATUS.ok);
  region.runTo(1900);
  assert.is(lossesOf(cluster, 2, 'summaryFalse'), 1);
  assert.is(cluster.nodes[2].clusterKnown(8), undefined);
  cluster.inject(2, 3, [summaryAt(1700)]);
  assert.is(cluster.nodes[2].clusterKnown(8), undefined, 'not before it was verified');
  region.runTo(2000);
  assert.is(cluster.nodes[2].clusterKnown(8)?.round, roundOf(1700));
  assert.equal(takenAt(cluster, 2).at(-1), [8, 0, roundOf(1700), 1]);
});

test('FLT-1 violated: a lost signature is asked for again, and a new summary takes the place of one that waits', () => {
  const region = new Region(quiet);
  region.answers = false;
  region.runTo(1800);
  const [cluster] = region.clusters;
  const asked = region.toSign.length;
  assert.ok(asked > 10 && region.sent.length === 0, `${asked}`);
  assert.is(cluster.observe(0, { name: 'summary-signed', sequence: 99, signature: new Uint8Array(64) }), STATUS.ok);
  assert.is(region.sent.length, 0, 'an answer to another question counts for nothing');
  region.runTo(1.8 * HOUR);
  const waits = cluster.nodes[0].summary();
  assert.ok(waits !== null && decoded(waits).sequence > decoded(region.toSign[0].message).sequence);
  region.answers = true;
  region.runTo(1.8 * HOUR + 120);
  assert.equal(region.sent.map(({ message }) => decoded(message).sequence).sort(), [2, 2]);
});

test('FLT-1 violated: what nobody verifies is given up, and what finds no place is counted', () => {
  const region = settled();
  const [cluster] = region.clusters;
  region.answers = false;
  const heard = [9, 10, 11, 12].map((number) => summaryAt(1700, { cluster: number }));
  for (const summary of heard) cluster.inject(2, 1, [summary]);
  cluster.inject(2, 1, [heard[0]]);
  assert.is(lossesOf(cluster, 2, 'summariesFull'), 0, 'one that waits already takes no place');
  cluster.inject(2, 1, [summaryAt(1700, { cluster: 13 })]);
  assert.is(lossesOf(cluster, 2, 'summariesFull'), 1);
  const before = region.verifications;
  region.runTo(1800 + 1500);
  assert.is(lossesOf(cluster, 2, 'summariesFull'), 5);
  assert.is(region.verifications - before, 16, 'each is asked for four times');
  assert.is(cluster.observe(2, { name: 'foreign-verified', place: 0, ok: 1 }), STATUS.ok);
  assert.is(cluster.nodes[2].clusterKnown(9), undefined, 'an answer that comes too late counts for nothing');
});

test('FLT-1 violated: a coordinator that restarts between signature and sending sends anew, in a later round', () => {
  const region = new Region(quiet);
  region.delayS = null;
  const [cluster] = region.clusters;
  const obey = cluster.onOrder!;
  let lost: ClusterSummary | null = null;
  cluster.onOrder = (node, order) => {
    if (order[0] !== TYPE.sendAbroad || lost !== null) return obey(node, order);
    lost = decoded(cluster.nodes[node].summary()!);
    return null;
  };
  while (lost === null) region.runTo(cluster.nowMs / 1000 + 30);
  const signedOne = lost as ClusterSummary;
  cluster.restore(0, 2, cluster.checkpoint(0));
  region.runTo(cluster.nowMs / 1000 + 900);
  const again = region.sent.filter(({ from }) => from === 0).map(({ message }) => decoded(message));
  assert.is(again.length, 1);
  assert.ok(again[0].round > signedOne.round && again[0].sequence > signedOne.sequence);
});

test('FLT-1 holds: the coordinator passes on one foreign summary a minute, and one of a cluster an hour', () => {
  const region = settled();
  const [cluster] = region.clusters;
  const passed: { atS: number; cluster: number }[] = [];
  cluster.jam = (sender, receiver) => {
    if (sender === 0 && receiver === 1)
      for (const message of openedFrame(cluster.onAir()).messages as ClusterSummary[])
        if (message.name === 'cluster-summary') passed.push({ atS: cluster.nowMs / 1000, cluster: message.cluster });
    return false;
  };
  const give = (number: number, asOfS: number) => cluster.observe(0, foreign(summaryAt(asOfS, { cluster: number })));
  for (const number of [9, 10, 11]) give(number, 1700);
  give(9, 1790);
  region.runTo(2100);
  assert.equal(
    passed.map((each) => each.cluster),
    [9, 10, 11],
  );
  assert.ok(
    passed.every(({ atS }, i) => i === 0 || atS - passed[i - 1].atS >= 45),
    JSON.stringify(passed),
  );
  assert.is(cluster.nodes[3].clusterKnown(11)?.round, roundOf(1700));
  // The next hour of cluster 9 begins at its ninth second.
  region.runTo(HOUR + 300);
  give(9, HOUR + 200);
  region.runTo(HOUR + 500);
  assert.equal(passed.filter((each) => each.cluster === 9).length, 2);
  // A member that does not coordinate stores what its platform gives, and passes nothing on.
  cluster.observe(4, foreign(summaryAt(HOUR + 400, { cluster: 12 })));
  region.runTo(HOUR + 900);
  assert.is(cluster.nodes[4].clusterKnown(12)?.round, roundOf(HOUR + 400));
  assert.is(cluster.nodes[3].clusterKnown(12), undefined);
});

test('FLT-1 violated: without a place a node takes no part', () => {
  const cluster = new TestCluster({ nodes, features: 0 });
  const orders = new Set<number>();
  cluster.onOrder = (_, order) => {
    orders.add(order[0]);
    return null;
  };
  cluster.runTo(1800);
  assert.is(cluster.inject(1, 0, [summaryAt(1700)]), STATUS.ok);
  assert.is(cluster.observe(0, foreign(summaryAt(1700))), STATUS.implausible);
  assert.is(
    cluster.observe(0, { name: 'stocks', stocks: [1, 2, 3], demands: [1, 2, 3], energyWh: 1 }),
    STATUS.implausible,
  );
  cluster.runTo(3 * HOUR);
  for (const type of [TYPE.signSummary, TYPE.sendAbroad, TYPE.verifyForeign]) assert.not(orders.has(type));
  assert.ok(orders.has(TYPE.reserveCounters));
  assert.not(cluster.events.some(({ fields }) => fields[0] === TYPE.summaryTaken));
  for (const node of cluster.nodes) assert.ok(node.summary() === null && node.clusterKnown(8) === undefined);
});

/** What members decide: intents, and whom they see. */
const decisionsOf = (cluster: TestCluster) =>
  cluster.events
    .filter(({ fields }) => [TYPE.memberState, TYPE.published, TYPE.settled, TYPE.lost].includes(fields[0] as 193))
    .map(({ node, fields }) => [node, ...fields].join(' '))
    .sort();

test('FLT-1 holds: no decision inside a cluster depends on its place or on other clusters', () => {
  const [alone, placed] = [null, place].map((where) => new TestCluster({ nodes, place: where }));
  for (const cluster of [alone, placed]) {
    cluster.runTo(1800);
    cluster.kill(5);
    cluster.runTo(4 * HOUR);
  }
  assert.ok(decisionsOf(alone).length > 40);
  assert.equal(decisionsOf(placed), decisionsOf(alone));
});

test('FLT-1 violated: a compact node composes no summary and stores none; it sends its profile', () => {
  const region = new Region({ ...quiet, preset: 'compact' });
  const [cluster] = region.clusters;
  const seen = new Set<string>();
  cluster.jam = () => {
    for (const { name } of openedFrame(cluster.onAir()).messages) seen.add(name);
    return false;
  };
  region.runTo(2 * HOUR);
  assert.equal([region.toSign.length, region.sent.length], [0, 0]);
  assert.ok(seen.has('member-profile') && !seen.has('cluster-summary'));
  assert.is(cluster.inject(1, 0, [summaryAt(HOUR)]), STATUS.ok);
  assert.is(cluster.observe(0, foreign(summaryAt(HOUR))), STATUS.implausible);
  region.runTo(2 * HOUR + 300);
  assert.is(region.verifications, 0);
});

test('FLT-1 violated: a region with more clusters than a node has room for is counted', () => {
  const region = new Region({ ...quiet, preset: 'tiny' });
  region.delayS = null;
  region.runTo(1800);
  const [cluster] = region.clusters;
  // The tiny image knows two clusters, its own one among them.
  assert.is(cluster.observe(0, foreign(summaryAt(1700, { cluster: 8 }))), STATUS.ok);
  assert.is(cluster.observe(0, foreign(summaryAt(1700, { cluster: 9 }))), STATUS.ok);
  assert.is(lossesOf(cluster, 0, 'summariesFull'), 1);
  assert.ok(cluster.nodes[0].clusterKnown(8) !== undefined && cluster.nodes[0].clusterKnown(9) === undefined);
});

test.run();

// What a node measures of convergence: onset, class, the moment from which nothing differs, alarm.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LIVENESS, LIVENESS_TICK_S, OUTLOOK_KIND, ROUND_S, SLA_CLASS, TYPE } from '../../host/cbor/generated.ts';
import { OnboardReports } from '../../hwsim/check/convergence/onboard_reports.ts';
import type { Observers } from '../../hwsim/check/observe/observers.ts';
import type { NodeRecord, TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, driven, HOUR, split } from '../firmware/driven.ts';
import { beginS, eventsOf, flown, type Seen } from './reports.ts';

const onboard = suite('convergence on board');

const { onset, converged, alarmed } = TYPE;

onboard('CVG-2 holds: no disruption is seen before the cluster has agreed once', () => {
  const cluster = driven(5);
  cluster.runTo(4 * HOUR);
  const early = cluster.events.filter(({ fields }) => fields[0] === onset && fields[FIELD.onset.onsetS] < 600);
  assert.equal(early, []);
});

onboard('CVG-1 holds: the death of one node is a disruption of class node, with onset and subject', () => {
  const cluster = flown(5);
  cluster.kill(3);
  cluster.runTo(beginS + 3 * HOUR);
  for (const node of [0, 1, 2, 4]) {
    const [first, ...more] = eventsOf(cluster, node, onset);
    assert.equal(more, [], `node ${node}`);
    assert.equal([first.class, first.third], [SLA_CLASS.node, 3]);
    assert.ok(Math.abs(first.onsetS - beginS) <= LIVENESS_TICK_S, `onset ${first.onsetS - beginS} s`);
    assert.ok(first.atS > beginS + 2 * LIVENESS_TICK_S, 'it is known after two ticks of silence');
  }
});

/** When a node reported the death of a member, local seconds. */
function deathSeenBy(cluster: TestCluster, node: number, member: number): number {
  const { member: memberAt, state } = FIELD.memberState;
  const isDeath = ({ fields }: NodeRecord) =>
    fields[0] === TYPE.memberState && fields[memberAt] === member && fields[state] === LIVENESS.dead;
  const seen = cluster.events.find((record) => record.node === node && isDeath(record));
  if (seen === undefined) throw new Error(`node ${node} reports no death of node ${member}`);
  return seen.atS;
}

onboard('CVG-1 holds: a death converges when its last change of state is known, reported half an hour later', () => {
  const cluster = flown(5);
  cluster.kill(3);
  cluster.runTo(beginS + 3 * HOUR);
  for (const node of [0, 1, 2, 4]) {
    const [first, ...more] = eventsOf(cluster, node, converged);
    assert.equal(more, []);
    assert.is(first.class, SLA_CLASS.node);
    assert.is(first.onsetS, eventsOf(cluster, node, onset)[0].onsetS);
    const lateS = first.third - deathSeenBy(cluster, node, 3);
    assert.ok(lateS >= 0 && lateS <= 75, `dated ${lateS} s after the death was known`);
    const heldS = first.atS - first.third;
    assert.ok(heldS >= 1800 && heldS <= 1800 + ROUND_S + 15, `reported ${heldS} s after its date`);
  }
  assert.is(cluster.nodes[0].view().disruptions, 0);
});

onboard('CVG-1 violated: what a dead member holds is not free yet: convergence is dated when it is', () => {
  const cluster = flown(5);
  assign(cluster, 3, beginS + 900, beginS + DAY);
  cluster.runTo(beginS + HOUR);
  assert.ok(cluster.nodes[0].intent(3, 0) !== undefined, 'the claim is stored');
  cluster.kill(3);
  let heldS = 0;
  for (let atS = beginS + HOUR; atS < beginS + 4 * HOUR; atS += 15) {
    cluster.runTo(atS);
    if (cluster.nodes[0].intent(3, 0) !== undefined) heldS = atS;
  }
  assert.ok(heldS > deathSeenBy(cluster, 0, 3), 'the claim outlasts the silence');
  const [first] = eventsOf(cluster, 0, converged);
  assert.ok(Math.abs(first.third - heldS) <= 75, `dated ${first.third - heldS} s after the claim ended`);
});

/**
 * Kills node 3 and lets node 1 disagree for some rounds; returns until when, and the report of
 * node 0.
 */
function differing(rounds: number): { untilS: number; end: Seen } {
  const cluster = flown(5);
  cluster.kill(3);
  const fromS = Math.ceil((beginS + 900) / ROUND_S) * ROUND_S;
  const untilS = fromS + rounds * ROUND_S;
  cluster.runTo(fromS - ROUND_S);
  // Node 1 hears nobody, and so no claim of node 0: it is heard, and agrees with nobody.
  cluster.jam = (_, receiver) => receiver === 1 && cluster.nowMs < untilS * 1000;
  assign(cluster, 0, fromS + DAY, fromS + 2 * DAY);
  cluster.runTo(untilS + 2 * HOUR);
  return { untilS, end: eventsOf(cluster, 0, converged)[0] };
}

onboard('CVG-1 violated: a member differs for ten minutes: convergence is dated when it agrees', () => {
  const { untilS, end } = differing(6);
  assert.ok(Math.abs(end.third - untilS) <= ROUND_S, `dated ${end.third - untilS} s after the last round`);
});

onboard('CVG-1 holds: what a member lacks for less than ten minutes is news on its way', () => {
  const { untilS, end } = differing(3);
  assert.ok(end.third <= untilS - 3 * ROUND_S, `dated ${end.third - untilS} s after the last round`);
});

onboard('CVG-2 holds: rounds that end with an eviction count as agreed', () => {
  const cluster = flown(8);
  const owners = [0, 1, 2, 4, 5, 6, 7];
  const firstS = Math.ceil(beginS / ROUND_S) * ROUND_S + 1800;
  // What ends in seven rounds in a row is evicted in seven rounds in a row, half an hour later.
  for (const [index, owner] of owners.entries())
    assign(cluster, owner, firstS + index * ROUND_S, firstS + (index + 1) * ROUND_S);
  cluster.runTo(firstS + 1000);
  cluster.kill(3);
  const storedBy = (node: number) =>
    owners.filter((owner) => cluster.nodes[node].intent(owner, 0) !== undefined).length;
  cluster.runTo(firstS + ROUND_S + 1800);
  assert.is(storedBy(0), owners.length);
  cluster.runTo(firstS + 10 * ROUND_S + 1800);
  assert.is(storedBy(0), 0);
  cluster.runTo(firstS + 3 * HOUR);
  const end = eventsOf(cluster, 0, converged).at(-1);
  assert.ok(end !== undefined && end.third <= deathSeenBy(cluster, 0, 3) + 75, `dated ${end?.third} s`);
});

/** Announces a contact window of five minutes of a node, and closes its radio to others in it. */
function contact(cluster: TestCluster, node: number, fromS: number): number {
  const untilS = fromS + 300;
  cluster.runTo(fromS - 60);
  assert.is(cluster.observe(node, { name: 'outlook', fromS, untilS, kind: OUTLOOK_KIND.transfer }), 0);
  cluster.runTo(fromS);
  cluster.part[node] = 1;
  cluster.runTo(untilS);
  cluster.part[node] = 0;
  return untilS;
}

onboard('CVG-2 holds: a lost unit that a member missed after its contact window was lost since the one before', () => {
  const cluster = flown(6);
  const beforeS = contact(cluster, 4, beginS + 60);
  const observedS = contact(cluster, 3, beginS + 840) + 1;
  cluster.runTo(observedS);
  const notice = { name: 'notice', group: 1, unit: 2, capacity: 0, observedS, observer: 3 } as const;
  assert.is(cluster.inject(0, 3, [notice]), 0);
  cluster.runTo(observedS + 60);
  const lost = eventsOf(cluster, 0, onset).find((seen) => seen.class === SLA_CLASS.cluster);
  assert.is(lost?.onsetS, observedS - Math.floor((observedS - beforeS) / 2));
});

onboard('CVG-4 violated: one slow disruption raises no alarm about the next', () => {
  const cluster = flown(7);
  cluster.kill(5);
  cluster.runTo(beginS + HOUR);
  assert.is(eventsOf(cluster, 0, converged).length, 1);
  cluster.kill(6);
  const untilS = beginS + HOUR + 2400;
  // Node 1 hears nobody for so long, and differs.
  cluster.jam = (_, receiver) => receiver === 1 && cluster.nowMs < untilS * 1000;
  assign(cluster, 0, beginS + 2 * DAY, beginS + 3 * DAY);
  cluster.runTo(untilS + HOUR);
  const [quick, slow] = eventsOf(cluster, 0, converged).map((seen) => seen.third - seen.onsetS);
  // The rise from the quick one to the slow one would breach the limit; the average's does not.
  assert.ok(slow < HOUR && slow + (slow - quick) > HOUR, `${quick} s, then ${slow} s`);
  cluster.kill(4);
  cluster.runTo(untilS + 2 * HOUR);
  const { onsetS } = eventsOf(cluster, 0, converged)[2];
  assert.not(eventsOf(cluster, 0, alarmed).some((seen) => seen.onsetS === onsetS));
});

onboard('CVG-1 holds: a restarted member that has no vote yet does not delay convergence', () => {
  const cluster = flown(5);
  const cutS = Math.ceil(beginS / ROUND_S) * ROUND_S;
  cluster.runTo(cutS - 30);
  cluster.kill(3);
  cluster.runTo(cutS + 30);
  cluster.restore(3, 2, cluster.stored[3][0]);
  cluster.runTo(beginS + HOUR);
  const [first] = eventsOf(cluster, 0, onset);
  assert.is(first.third, 3);
  const [end] = eventsOf(cluster, 0, converged);
  assert.is(end.third, first.onsetS, 'nobody differed');
});

onboard(
  'CVG-2 holds: a restart began when the member booted, for others and for itself, however late it is heard',
  () => {
    const cluster = flown(5);
    cluster.kill(3);
    cluster.runTo(beginS + 30);
    cluster.restore(3, 2, cluster.stored[3][0]);
    cluster.jam = (from) => from === 3 && cluster.nowMs < (beginS + 240) * 1000;
    cluster.runTo(beginS + HOUR);
    for (const node of [0, 3]) {
      const own = eventsOf(cluster, node, onset).find(({ third }) => third === 3);
      assert.ok(own !== undefined && Math.abs(own.onsetS - (beginS + 30)) <= 2, `node ${node}: ${JSON.stringify(own)}`);
      if (node === 0) assert.ok(own.atS >= beginS + 240, 'it was heard late');
    }
  },
);

onboard('CVG-5 holds: a death is known first, then agreed on, then its claim ends, and no conflict was open', () => {
  const cluster = flown(5);
  assign(cluster, 3, beginS + 900, beginS + DAY);
  cluster.runTo(beginS + HOUR);
  cluster.kill(3);
  cluster.runTo(beginS + 4 * HOUR);
  const at = FIELD.converged;
  const end = cluster.events.find(({ node, fields, atS }) => node === 0 && fields[0] === converged && atS > beginS);
  assert.ok(end !== undefined);
  const [onsetS, detectedS, agreedS] = [at.onsetS, at.detectedS, at.agreedS].map((field) => end.fields[field]);
  const [freedS, convergedS] = [end.fields[at.freedS], end.fields[at.convergedS]];
  const detectS = detectedS - onsetS;
  assert.ok(detectS > 6 * LIVENESS_TICK_S && detectS <= 8 * LIVENESS_TICK_S, `known after ${detectS} s`);
  assert.ok(agreedS > detectedS && agreedS <= freedS, `${agreedS - onsetS} s, ${freedS - onsetS} s`);
  assert.is(freedS, convergedS, 'the claim was the last to differ');
  assert.ok(end.fields[at.settledS] < onsetS, 'no conflict was open');
});

onboard('CVG-5 violated: no phase reaches beyond convergence, and a time before the onset is no phase', () => {
  const harness = { ground: { coordinates: () => true } } as unknown as Observers;
  const reports = new OnboardReports(harness);
  reports.event(0, 0, Uint32Array.from([converged, SLA_CLASS.node, 1000, 2000, 1400, 900, 2000, 0]));
  assert.equal(reports.reports[0].phases, { detect: 400, agree: 0, lease: 600, claim: 0, resume: 0 });
  reports.event(0, 0, Uint32Array.from([converged, SLA_CLASS.node, 1000, 1000, 1400, 900, 3000, 0]));
  assert.equal(reports.reports[1].phases, { detect: 0, agree: 0, lease: 0, claim: 0, resume: 0 });
});

onboard('CVG-4 violated: no alarm while a disruption that has converged waits to be closed', () => {
  const cluster = flown(7);
  cluster.kill(5);
  cluster.runTo(beginS + 900);
  cluster.kill(6);
  cluster.runTo(beginS + 3 * HOUR);
  const [end, ...more] = eventsOf(cluster, 0, converged);
  assert.equal(more, [], 'one disruption');
  assert.ok(
    end.atS - end.onsetS > 2700 && end.third - end.onsetS < 2700 - 600,
    'it was open for longer than 45 minutes',
  );
  assert.equal(eventsOf(cluster, 0, alarmed), []);
});

onboard('CVG-4 violated: a silence that was predicted spends no time of the SLA, and no average', () => {
  const cluster = flown(3);
  const [fromS, untilS] = [beginS + 60, beginS + 9 * HOUR];
  assert.is(cluster.observe(0, { name: 'outlook', fromS, untilS, kind: OUTLOOK_KIND.occultation }), 0);
  cluster.runTo(fromS);
  split(cluster, [0], [1, 2]);
  cluster.runTo(untilS);
  assert.is(eventsOf(cluster, 0, converged).length, 0, 'alone, it does not converge');
  split(cluster, [0, 1, 2]);
  cluster.runTo(untilS + 2 * HOUR);
  const isCluster = (seen: Seen) => seen.class === SLA_CLASS.cluster;
  assert.ok(eventsOf(cluster, 0, converged).some(isCluster));
  assert.not(eventsOf(cluster, 0, alarmed).some(isCluster));
  assert.ok(cluster.nodes[0].convergence().lastClusterS < HOUR);
});

onboard('CVG-1 holds: a hung task and a lost resource began when they were observed', () => {
  const cluster = flown(5);
  cluster.runTo(beginS + HOUR, (node) => (node === 2 ? 0xf7 : 0xff));
  const [hung] = eventsOf(cluster, 2, onset);
  assert.ok(hung.onsetS > beginS - 301 && hung.onsetS <= beginS, `${hung.onsetS - beginS} s`);
  assert.ok(hung.atS >= beginS + 600, 'it is known after the window');
  const observedS = beginS + HOUR - 200;
  const notice = { name: 'notice', group: 1, unit: 0, capacity: 500, observedS, observer: 3 } as const;
  assert.is(cluster.inject(0, 3, [notice]), 0);
  cluster.runTo(beginS + HOUR + 60);
  assert.is(eventsOf(cluster, 0, onset).at(-1)?.onsetS, observedS);
});

onboard(
  'CVG-1 violated: while a live member does not agree, nothing converges, and an alarm comes at 45 minutes',
  () => {
    const cluster = flown(5);
    cluster.kill(3);
    // Node 1 hears nobody: it is live, and agrees with nobody.
    cluster.jam = (_, receiver) => receiver === 1;
    cluster.runTo(beginS + 2 * HOUR);
    for (const node of [0, 2, 4]) {
      assert.equal(eventsOf(cluster, node, converged), []);
      const [first, ...more] = eventsOf(cluster, node, alarmed);
      assert.equal(more, [], 'one alarm');
      assert.is(first.class, SLA_CLASS.node);
      assert.ok(first.third >= 2700 && first.third <= 2760, `${first.third} s`);
      assert.is(cluster.nodes[node].view().disruptions, 1);
    }
  },
);

onboard('CVG-1 holds: several members that fall silent together are a disruption of class cluster', () => {
  for (const [fallen, expected] of [
    [[7, 8], SLA_CLASS.node],
    [[6, 7, 8], SLA_CLASS.cluster],
  ] as const) {
    const cluster = flown(9);
    for (const node of fallen) cluster.kill(node);
    cluster.runTo(beginS + HOUR);
    const classes = eventsOf(cluster, 0, onset).map((seen) => seen.class);
    assert.is(Math.max(...classes), expected, `${fallen.length} of 9`);
  }
});

onboard('CVG-1 holds: members that come back are a disruption that begins when they are heard', () => {
  const cluster = flown(5);
  split(cluster, [0, 1, 2, 3], [4]);
  cluster.runTo(beginS + 3 * HOUR);
  const before = eventsOf(cluster, 0, onset).length;
  assert.is(eventsOf(cluster, 0, converged).length, 1);
  const backS = beginS + 3 * HOUR;
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.runTo(backS + 2 * HOUR);
  const back = eventsOf(cluster, 0, onset).slice(before);
  assert.ok(
    back.length >= 1 && back[0].onsetS >= backS && back[0].onsetS <= backS + 2 * LIVENESS_TICK_S,
    JSON.stringify(back),
  );
  assert.is(eventsOf(cluster, 0, converged).length, 2);
});

onboard('CVG-1 holds: what follows within 15 minutes is the same disruption; what comes later is another', () => {
  for (const [laterS, disruptions] of [
    [600, 1],
    [2400, 2],
  ]) {
    const cluster = flown(7);
    cluster.kill(5);
    cluster.runTo(beginS + laterS);
    cluster.kill(6);
    cluster.runTo(beginS + laterS + 3 * HOUR);
    const closed = eventsOf(cluster, 0, converged);
    assert.is(eventsOf(cluster, 0, onset).length, 2, 'two onsets');
    assert.is(closed.length, disruptions, `${laterS} s later`);
    assert.is(closed[0].onsetS, eventsOf(cluster, 0, onset)[0].onsetS, 'the first onset counts');
  }
});

onboard.run();

// Rules of convergence on board: class and onset, excused restarts, trend, alarm, losses.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  FIELD,
  INSPECT,
  type Message,
  OUTLOOK_KIND,
  ROUND_S,
  SLA_CLASS,
  STATUS,
  TYPE,
} from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import type { TestCluster } from '../firmware/cluster.ts';
import { driven, HOUR, lot, split } from '../firmware/driven.ts';
import { openedFrame } from '../security/sealed.ts';
import { beginS, eventsOf, flown } from './reports.ts';

const rules = suite('convergence, rule by rule');

const { onset, converged, alarmed } = TYPE;
const disruptionsMax = firmwareConstants('flight').get('DISRUPTIONS_MAX')!;

/** How many durations each bin of a class holds. */
const histogram = (cluster: TestCluster, slaClass: number) => cluster.inspect(0, INSPECT.histogram, slaClass);

/** The bin of a duration: powers of two of a minute. */
const binOf = (durationS: number) => (durationS < 60 ? 0 : Math.floor(Math.log2(Math.floor(durationS / 60))));

/** Durations that node 0 reported of a class, seconds. */
const durationsOf = (cluster: TestCluster, slaClass: number) =>
  eventsOf(cluster, 0, converged)
    .filter((seen) => seen.class === slaClass)
    .map(({ third, onsetS }) => third - onsetS);

function assertCounted(cluster: TestCluster, slaClass: number): void {
  const expected = Array<number>(16).fill(0);
  for (const durationS of durationsOf(cluster, slaClass)) expected[binOf(durationS)] += 1;
  assert.equal(histogram(cluster, slaClass), expected, `class ${slaClass}`);
}

/** The average after each duration: a new one has the weight of a quarter. */
const averageOf = (durations: number[]) =>
  durations.reduce((average, tookS) => (average === 0 ? tookS : average - (average >>> 2) + (tookS >>> 2)), 0);

/** Lets a live member hear nobody until `untilS`: it agrees with nobody. */
function deafen(cluster: TestCluster, member: number, untilS: number): void {
  cluster.jam = (_, receiver) => receiver === member && cluster.nowMs < untilS * 1000;
}

rules('CVG-4 holds: durations are counted and averaged by class, and a rising average raises an alarm at once', () => {
  const cluster = flown(13);
  cluster.kill(12);
  cluster.runTo(beginS + 2 * HOUR);
  const [firstS] = durationsOf(cluster, SLA_CLASS.node);
  assert.ok(firstS >= 240 && firstS < 1200, `the first takes ${firstS} s`);
  assert.equal(cluster.nodes[0].convergence().lastNodeS, firstS);
  assert.equal(cluster.nodes[0].convergence().trendNodeS, firstS);
  assert.equal(eventsOf(cluster, 0, alarmed), []);
  // Three fall together: it counts as of class cluster, and leaves the average of class node alone.
  deafen(cluster, 1, beginS + 2 * HOUR + 1200);
  for (const node of [9, 10, 11]) cluster.kill(node);
  cluster.runTo(beginS + 4 * HOUR);
  const [together] = durationsOf(cluster, SLA_CLASS.cluster);
  assert.ok(together >= 240, `the second takes ${together} s`);
  assert.equal(cluster.nodes[0].convergence().lastClusterS, together);
  assert.equal(cluster.nodes[0].convergence().trendClusterS, together);
  assert.equal(cluster.nodes[0].convergence().trendNodeS, firstS);
  assert.equal(eventsOf(cluster, 0, alarmed), []);
  const slowS = beginS + 4 * HOUR;
  deafen(cluster, 1, slowS + 6000);
  cluster.kill(8);
  cluster.runTo(slowS + 3 * HOUR);
  const durations = durationsOf(cluster, SLA_CLASS.node);
  assert.is(durations.length, 2);
  assert.ok(durations[1] >= 2700, `the third takes ${durations[1]} s`);
  const { lastNodeS, trendNodeS, trendClusterS } = cluster.nodes[0].convergence();
  assert.equal([lastNodeS, trendNodeS, trendClusterS], [durations[1], averageOf(durations), together]);
  const riseS = trendNodeS - firstS;
  assert.ok(trendNodeS + riseS < HOUR && trendNodeS + 2 * riseS >= HOUR, `an average of ${trendNodeS} s`);
  assert.is(eventsOf(cluster, 0, alarmed).length, 1, 'it took three quarters of the limit');
  for (const slaClass of [SLA_CLASS.node, SLA_CLASS.cluster]) assertCounted(cluster, slaClass);
  cluster.kill(2);
  cluster.runTo(slowS + 3 * HOUR + 1200);
  const [, early, ...more] = eventsOf(cluster, 0, alarmed);
  assert.equal(more, []);
  assert.ok(early.third < 900, `an alarm after ${early.third} s`);
  assert.is(early.onsetS, eventsOf(cluster, 0, onset).at(-1)?.onsetS);
});

rules('CVG-2 holds: a member that restarts in a young cluster did not boot before the mission began', () => {
  const cluster = driven(3);
  cluster.runTo(4 * ROUND_S + ROUND_S / 2);
  assert.is(cluster.nodes[0].view().quorum, 1, 'the cluster has agreed');
  const join: Message = {
    name: 'join',
    incarnation: cluster.nodes[0].member(2).incarnation + 8,
    generation: 1,
    cause: 1,
    upS: 5000,
  };
  assert.is(cluster.inject(0, 2, [join]), STATUS.ok);
  const seen = cluster.events.filter(({ node, fields }) => node === 0 && fields[0] === onset);
  assert.equal(
    seen.map(({ fields }) => fields[FIELD.onset.onsetS]),
    [0],
  );
});

rules('CVG-2 holds: of the notices of a resource the newest is the onset, whatever their order', () => {
  for (const observedS of [
    [beginS - 90, beginS - 30],
    [beginS - 30, beginS - 90],
  ]) {
    const cluster = flown(3);
    const notices = observedS.map((atS, at): Message => {
      return { name: 'notice', group: lot.group, unit: 3 + at, capacity: 0, observedS: atS, observer: 2 };
    });
    assert.is(cluster.inject(0, 2, notices), STATUS.ok);
    cluster.runTo(beginS + 70);
    const [first] = eventsOf(cluster, 0, onset);
    assert.equal([first.class, first.onsetS], [SLA_CLASS.cluster, beginS - 30]);
  }
});

rules('CVG-1 holds: three members that come back at once are of class cluster, two of class node', () => {
  for (const [away, expected] of [
    [[7, 8], SLA_CLASS.node],
    [[6, 7, 8], SLA_CLASS.cluster],
  ] as const) {
    const cluster = flown(9);
    const others = Array.from({ length: 9 - away.length }, (_, node) => node);
    split(cluster, others, [...away]);
    cluster.runTo(beginS + 2 * HOUR);
    const before = eventsOf(cluster, 0, onset).length;
    split(cluster, [...others, ...away]);
    cluster.runTo(beginS + 2 * HOUR + 200);
    const classes = eventsOf(cluster, 0, onset).slice(before);
    assert.is(Math.max(...classes.map((seen) => seen.class)), expected, `${away.length} come back`);
  }
});

rules('CVG-4 holds: a storm is of class fleet, and its limit of seven days raises no alarm in hours', () => {
  const cluster = flown(3);
  const [fromS, untilS] = [beginS + 30, beginS + 90];
  assert.is(cluster.observe(0, { name: 'outlook', fromS, untilS, kind: OUTLOOK_KIND.storm }), STATUS.ok);
  deafen(cluster, 1, beginS + 9 * HOUR);
  cluster.runTo(beginS + 9 * HOUR);
  assert.equal(eventsOf(cluster, 0, onset).at(0)?.class, SLA_CLASS.fleet);
  assert.equal(eventsOf(cluster, 0, alarmed), []);
  assert.equal(eventsOf(cluster, 0, converged), []);
});

rules('CVG-1 violated: more disruptions than there is room for are counted as lost', () => {
  const cluster = flown(3);
  // A member that hears nobody keeps each of them open.
  deafen(cluster, 1, beginS + 9 * HOUR);
  for (let count = 0; count <= disruptionsMax; count += 1) {
    assert.is(cluster.nodes[0].view().disruptions, count);
    assert.is(cluster.nodes[0].lossCount(COUNTER.disruptionsFull), 0);
    const observedS = beginS + count * 1800;
    cluster.runTo(observedS);
    const notice: Message = { name: 'notice', group: lot.group, unit: 5, capacity: count & 1, observedS, observer: 2 };
    assert.is(cluster.inject(0, 2, [notice]), STATUS.ok);
    cluster.runTo(observedS + 70);
  }
  assert.is(cluster.nodes[0].view().disruptions, disruptionsMax);
  assert.is(cluster.nodes[0].lossCount(COUNTER.disruptionsFull), 1);
});

rules('CVG-4 holds: the coordinator broadcasts the alarm, and no other member does', () => {
  const cluster = flown(4);
  const alarms: { atS: number; sender: number; message: Message }[] = [];
  const deafS = beginS + HOUR;
  cluster.jam = (sender, receiver) => {
    const atS = cluster.nowMs / 1000;
    for (const message of openedFrame(cluster.onAir()).messages)
      if (message.name === 'alarm') alarms.push({ atS, sender, message });
    return receiver === 1 && atS < deafS;
  };
  cluster.kill(3);
  cluster.runTo(deafS);
  assert.ok(
    [0, 2].every((node) => eventsOf(cluster, node, alarmed).length === 1),
    'both raise it',
  );
  assert.ok(alarms.length > 0);
  assert.equal([...new Set(alarms.map(({ sender }) => sender))], [0]);
  const [{ atS, message }] = alarms;
  const [{ onsetS }] = eventsOf(cluster, 0, onset);
  assert.ok(message.name === 'alarm' && message.class === SLA_CLASS.node && message.onsetS === onsetS);
  assert.ok(Math.abs(message.elapsedS - (atS - onsetS)) <= 20, `${message.elapsedS} s`);
});

rules.run();

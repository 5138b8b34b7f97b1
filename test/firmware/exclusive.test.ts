import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Message, TYPE } from '../../host/cbor/generated.ts';
import { STATUS } from '../../host/engine/status.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { watched } from './watch.ts';

const HOUR = 3600;
const DAY = 86_400;
const UNIT = (1 << 16) | 1;
const CLAIMED = 2;
const STARTED = 3;
const FAILED = 4;
const WITHDRAWN = 5;
const WHAT_NODE = 0;
const WHAT_MEMBER = 1;
const WHAT_HELD = 2;
const WHAT_OWN = 3;
const WHAT_VIEW = 7;
const WHAT_GROUP = 8;
const VERSION_BITS = 19;

const lot = { name: 'group', group: 1, kind: 1, units: 12, capacity: 2000, stockKg: 1_000_000, loadKg: 0 } as const;

/** Nodes that plan nothing themselves: claims come from outside, partitions and restarts by hand. */
function driven(nodes: number): TestCluster {
  return new TestCluster({ nodes, features: 0, groups: [lot] });
}

function assign(cluster: TestCluster, node: number, startS: number, endS: number, rate = 100, priority = 1): number {
  return cluster.observe(node, {
    name: 'assign',
    slot: 0,
    kind: 1,
    resource: UNIT,
    startS,
    endS,
    durationS: 0,
    rate,
    priority,
  });
}

function split(cluster: TestCluster, ...sets: number[][]): void {
  for (const [part, nodes] of sets.entries()) for (const node of nodes) cluster.part[node] = part;
}

function lease(cluster: TestCluster, node: number): number {
  return cluster.inspect(node, WHAT_VIEW)[5];
}

const exclusive = suite('INT-5 in hand-driven partitions');

exclusive('an owner back from an old checkpoint does not run what it had taken back', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  cluster.runTo(2 * HOUR + 1300);
  const old = cluster.checkpoint(0);
  cluster.runTo(2 * HOUR + 1680);
  split(cluster, [0, 4], [1, 2, 3]);
  cluster.observe(0, { name: 'progress', slot: 0, status: FAILED, movedKg: 0 });
  // A cut and a majority come before what the old boot published is claimed anew.
  cluster.runTo(2 * HOUR + 1795);
  split(cluster, [0, 1, 2, 3], [4]);
  cluster.restore(0, 2, old);
  cluster.runTo(2 * HOUR + 1920);
  split(cluster, [0], [1, 2, 3, 4]);
  cluster.runTo(2 * HOUR + 2040);
  assign(cluster, 4, 2 * HOUR + 2040, 2 * HOUR + 2 * DAY);
  cluster.runTo(5 * HOUR);
  assert.equal(watch.doubles, []);
  const settled = cluster.events.filter(({ node, fields }) => node === 0 && fields[0] === TYPE.settled);
  assert.not(settled.some(({ atS, fields }) => atS > 2 * HOUR + 1795 && fields[2] >>> VERSION_BITS === 1));
});

exclusive('an owner that restarted alone does not take running work back', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  cluster.runTo(2 * HOUR + 1300);
  split(cluster, [1, 2, 3, 4], [0]);
  cluster.runTo(2 * HOUR + 2700);
  cluster.restore(0, 2, cluster.checkpoint(0));
  cluster.runTo(2 * HOUR + 2900);
  assert.is(cluster.inspect(0, WHAT_HELD, 0)[1], CLAIMED, 'it no longer says that it has begun');
  cluster.runTo(4 * HOUR);
  assign(cluster, 1, 4 * HOUR, 4 * HOUR + DAY);
  cluster.runTo(5 * HOUR);
  assert.is(cluster.inspect(1, 3, 0)[4], 1, 'node 1 works before the path is back');
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.runTo(6 * HOUR);
  assert.is(cluster.inspect(1, 3, 0)[4], 1, 'and after');
  assert.equal(watch.doubles, []);
});

exclusive('a competitor of higher rank, refused for a fact newer than the cut, is not taken for beaten', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.jam = (sender, receiver) => {
    const atS = cluster.nowMs / 1000;
    if (atS < 18_000 || atS >= 18_900) return false;
    const { messages } = openedFrame(cluster.onAir());
    if (receiver === 1 && messages.some(({ name }) => name === 'notice')) return true;
    const other = receiver === 1 ? 2 : receiver === 2 ? 1 : -1;
    return atS >= 18_600 && sender !== receiver && messages.some((m) => m.name === 'intent' && m.owner === other);
  };
  const tell = (nodes: number[], observedS: number, capacity: number) => {
    const notice: Message = { name: 'notice', group: 1, unit: 0, capacity, observedS, observer: 3 };
    for (const node of nodes) assert.is(cluster.inject(node, 3, [notice]), STATUS.ok);
  };
  cluster.runTo(17_995);
  assign(cluster, 2, 17_995, 17_995 + DAY, 30, 1);
  assign(cluster, 1, 17_995, 17_995 + DAY, 60, 5);
  cluster.runTo(18_001);
  tell([0, 2, 4], 18_001, 50);
  cluster.runTo(18_597);
  tell([0, 1, 2, 4], 18_597, 100);
  cluster.runTo(18_601);
  tell([0, 2, 4], 18_601, 50);
  cluster.runTo(19_800);
  assert.equal(watch.doubles, []);
});

exclusive('two majorities of different bases always share a member', () => {
  const cluster = driven(7);
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR + 100);
  split(cluster, [0, 1], [2, 3, 4, 5, 6]);
  cluster.runTo(4 * HOUR + 33 * DAY + 100);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  const t = 4 * HOUR + 33 * DAY + 130;
  cluster.runTo(t);
  assign(cluster, 0, t, t + DAY);
  assign(cluster, 4, t, t + DAY);
  cluster.runTo(t + 3 * HOUR);
  assert.equal(watch.doubles, []);
  assert.is(cluster.inspect(4, WHAT_OWN, 0)[4], 1, 'three of the five that revokeVotes the two work on');
  split(cluster, [0, 1, 2, 3, 4, 5, 6]);
  cluster.runTo(t + 6 * HOUR);
  split(cluster, [0, 1, 2], [3, 4, 5, 6]);
  cluster.runTo(t + 8 * HOUR);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  cluster.runTo(t + 10 * HOUR);
  assert.ok(lease(cluster, 0) > t + 10 * HOUR, 'who came back has its vote again: four of seven are a majority');
  assert.ok(lease(cluster, 4) < t + 10 * HOUR, 'and three are none');
  assert.equal(watch.doubles, []);
});

const cutS = 4 * HOUR + 32 * DAY;
let away: { cluster: TestCluster; back: () => void } | null = null;

/** Seven, of which 0 and 1 are away, a little over an epoch before the cut `cutS`, at which the others would take their votes. Flown once. */
function votesAboutToBeLost(): TestCluster {
  if (away === null) {
    const cluster = driven(7);
    cluster.runTo(4 * HOUR + 290);
    split(cluster, [0, 1], [2, 3, 4, 5, 6]);
    const watch = watched(cluster);
    cluster.runTo(cutS - 605);
    assert.equal(watch.doubles, []);
    away = { cluster, back: cluster.saved() };
  }
  away.back();
  return away.cluster;
}

/** Both sides want the unit for a day; returns who works it after three hours. */
function contested(cluster: TestCluster): number[] {
  const nowS = Math.ceil(cluster.nowMs / 1000);
  assign(cluster, 0, nowS, nowS + DAY);
  assign(cluster, 4, nowS, nowS + DAY);
  cluster.runTo(nowS + 3 * HOUR);
  return [0, 4].filter((node) => cluster.inspect(node, WHAT_OWN, 0)[4] === 1);
}

exclusive('three that alone took two votes are no majority of seven', () => {
  const cluster = votesAboutToBeLost();
  const watch = watched(cluster);
  cluster.runTo(cutS - 150);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  assert.equal(contested(cluster), [0]);
  assert.equal(watch.doubles, []);
});

exclusive('votes are taken only by a majority that knows it', () => {
  const cluster = votesAboutToBeLost();
  const watch = watched(cluster);
  // 2 and 3 hear nothing for an epoch: they see no majority, so they take no votes at its end.
  let jammed = true;
  cluster.jam = (_, receiver) => jammed && (receiver === 2 || receiver === 3);
  cluster.runTo(cutS + 15);
  jammed = false;
  cluster.runTo(cutS + 570);
  split(cluster, [0, 1, 2, 3], [4, 5, 6]);
  assert.ok(contested(cluster).length <= 1);
  assert.equal(watch.doubles, []);
});

exclusive('an owner that comes back before its hold ends leaves the unit to who settled ahead', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  cluster.runTo(2 * HOUR + 2400);
  cluster.observe(0, { name: 'outlook', fromS: 3 * HOUR, untilS: 5 * HOUR, kind: 1 });
  cluster.runTo(3 * HOUR + 900);
  split(cluster, [1, 2, 3, 4], [0]);
  cluster.runTo(18_010);
  const bound = cluster.inspect(1, WHAT_HELD, 0)[7];
  assign(cluster, 1, bound, bound + DAY);
  cluster.runTo(19_860);
  split(cluster, [0, 2, 3, 4], [1]);
  cluster.runTo(24_500);
  assert.equal(watch.doubles, []);
});

for (const restart of ['without a checkpoint', 'from one']) {
  exclusive(`a witness that restarts ${restart} agrees to nothing before it holds again what it agreed to`, () => {
    const cluster = driven(3);
    const watch = watched(cluster);
    cluster.runTo(4 * HOUR);
    const old = cluster.checkpoint(1);
    cluster.runTo(6 * HOUR);
    split(cluster, [0, 1], [2]);
    cluster.runTo(6 * HOUR + 30);
    assign(cluster, 0, 6 * HOUR + 30, 7 * DAY);
    cluster.runTo(6 * HOUR + 690);
    split(cluster, [0], [1, 2]);
    if (restart === 'from one') cluster.restore(1, 2, old);
    else cluster.boot(1, 2, true);
    cluster.runTo(6 * HOUR + 700);
    assign(cluster, 2, 6 * HOUR + 700, 7 * DAY);
    cluster.runTo(9 * HOUR);
    assert.equal(watch.doubles, []);
    if (restart === 'from one')
      assert.is(
        cluster.inspect(2, WHAT_OWN, 0)[4],
        1,
        'when the leases are over that it may have granted, it counts again',
      );
    else assert.is(cluster.inspect(2, WHAT_OWN, 0)[4], 0, 'it may have granted one of 31 days');
    split(cluster, [0, 1, 2]);
    cluster.runTo(11 * HOUR);
    assert.ok(lease(cluster, 2) > 11 * HOUR, 'two others that agree make it whole again');
  });
}

exclusive(
  'a lease extended in advance is stored before it is agreed to: a witness that restarts still knows it',
  () => {
    const cluster = driven(5);
    const watch = watched(cluster);
    cluster.runTo(4 * HOUR);
    assign(cluster, 0, 4 * HOUR, 3 * DAY);
    cluster.runTo(5 * HOUR);
    split(cluster, [0, 1, 2], [3, 4]);
    cluster.runTo(5 * HOUR + 30);
    cluster.observe(0, { name: 'outlook', fromS: 6 * HOUR, untilS: 2 * DAY, kind: 1 });
    cluster.runTo(5 * HOUR + 2430);
    split(cluster, [0], [2], [1, 3, 4]);
    cluster.restore(1, 2, cluster.stored[1][0]);
    cluster.runTo(9 * HOUR);
    assign(cluster, 3, 9 * HOUR, 9 * HOUR + DAY);
    cluster.runTo(12 * HOUR);
    assert.is(cluster.inspect(0, WHAT_OWN, 0)[4], 1, 'the lease was extended');
    assert.equal(watch.doubles, []);
  },
);

exclusive('nobody agrees to a lease extended in advance before two checkpoints hold it', () => {
  const cluster = driven(5);
  const cutS = 5 * HOUR;
  cluster.runTo(cutS - 5);
  const now = cutS - 5;
  const times = { startS: now, endS: now + 9 * DAY, claimS: now, publishedS: now, leaseS: now + 5 * DAY };
  const content = { kind: 1, resource: UNIT, rate: 1, priority: 1, state: STARTED, generation: 1, nonce: 1, read: 0 };
  cluster.inject(1, 4, [{ name: 'intent', owner: 4, slot: 1, version: (1 << VERSION_BITS) + 9, ...content, ...times }]);
  const agreed: { atS: number; own: boolean; stored: number }[] = [];
  cluster.commands.length = 0;
  cluster.jam = (sender) => {
    const heartbeat = openedFrame(cluster.onAir()).messages.find((message) => message.name === 'heartbeat');
    const stored = cluster.commands.filter(
      ({ node, fields }) => node === 1 && fields[0] === TYPE.storeCheckpoint,
    ).length;
    if (sender === 1 && heartbeat?.name === 'heartbeat' && cluster.nowMs > cutS * 1000)
      agreed.push({ atS: cluster.nowMs / 1000, own: (heartbeat.agree[0] & 2) !== 0, stored });
    return false;
  };
  cluster.runTo(cutS + 300);
  assert.ok(agreed.some(({ stored }) => stored < 2));
  assert.ok(
    agreed.every(({ own, stored }) => !own || stored >= 2),
    JSON.stringify(agreed),
  );
  assert.ok(agreed.at(-1)?.own, 'then it does');
});

exclusive('INT-3: who comes back restarted, its claim begun long ago, revokes nothing that began since', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  cluster.runTo(2 * HOUR + 1300);
  const old = cluster.checkpoint(0);
  split(cluster, [1, 2, 3, 4], [0]);
  cluster.kill(0);
  cluster.runTo(4 * HOUR);
  assign(cluster, 1, 4 * HOUR, 4 * HOUR + DAY);
  cluster.runTo(6 * HOUR - 70);
  assert.is(cluster.inspect(1, WHAT_OWN, 0)[4], 1);
  // It is heard before a cut, and claims anew only after it.
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.restore(0, 2, old);
  cluster.runTo(7 * HOUR);
  assert.is(cluster.inspect(1, WHAT_OWN, 0)[4], 1);
  assert.not(cluster.commands.some((told) => told.node === 1 && told.fields[0] === TYPE.stopWork));
  assert.equal(watch.doubles, []);
});

exclusive('INT-4: what its owner gave up stays given up when one comes back who never heard of it', () => {
  const cluster = driven(5);
  const watch = watched(cluster);
  cluster.runTo(2 * HOUR);
  assign(cluster, 0, 2 * HOUR, 2 * HOUR + 2 * DAY);
  cluster.runTo(3 * HOUR);
  split(cluster, [0, 1, 2, 3], [4]);
  cluster.observe(0, { name: 'progress', slot: 0, status: FAILED, movedKg: 0 });
  cluster.runTo(4 * HOUR + 1300);
  assert.is(cluster.inspect(0, WHAT_HELD, 0).length, 0, 'all that were told have let go of it');
  // Who is away lets go of it by itself when the lease is over: it comes back from what it stored before.
  cluster.restore(4, 2, cluster.stored[4][0]);
  split(cluster, [0, 1, 2, 3, 4]);
  cluster.runTo(5 * HOUR);
  assert.not(
    cluster.commands.some(({ node, fields, atS }) => node === 0 && fields[0] === TYPE.startWork && atS > 3 * HOUR),
  );
  for (const node of [0, 4]) assert.ok([undefined, WITHDRAWN].includes(cluster.inspect(node, WHAT_HELD, 0)[1]));
  assert.equal(watch.doubles, []);
});

/** Mission time of a node against the true one, seconds; its clock is looked at where it was last called. */
function offBy(cluster: TestCluster, node: number): number {
  cluster.observe(node, { name: 'health', tasks: 0xff, batteryWh: 9000, storedKg: 0, solarW: 4000 });
  const [, seconds, milliseconds] = cluster.inspect(node, WHAT_NODE);
  return seconds + milliseconds / 1000 - cluster.nowMs / 1000;
}

exclusive(
  'TIM-1: two that are cut off together drift together and know it; back after 40 days they learn the time anew',
  () => {
    const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [49, 49] });
    cluster.runTo(4 * HOUR);
    split(cluster, [0, 1], [2, 3, 4]);
    cluster.runTo(4 * HOUR + 10 * DAY);
    assert.ok(offBy(cluster, 0) > 30, `${offBy(cluster, 0)} s`);
    assert.ok(cluster.inspect(0, WHAT_NODE)[3] >= 1000 * offBy(cluster, 0), 'the error it states covers it');
    assert.ok(cluster.inspect(2, WHAT_NODE)[3] < 4000, 'a majority is the time');
    cluster.runTo(4 * HOUR + 40 * DAY);
    assert.ok(offBy(cluster, 0) > 125, `${offBy(cluster, 0)} s`);
    // Counters are times: what those two send is of a time to come, until they have learnt the others'.
    cluster.mayRefuse = (sender, _node, status) => sender < 2 && status === STATUS.ahead;
    split(cluster, [0, 1, 2, 3, 4]);
    cluster.runTo(4 * HOUR + 40 * DAY + 2 * HOUR);
    for (const node of [0, 1]) {
      assert.ok(Math.abs(offBy(cluster, node)) < 2, `${offBy(cluster, node)} s`);
      assert.ok(lease(cluster, node) > cluster.nowMs / 1000, 'it agrees with the others');
    }
  },
);

exclusive('an owner whose clock fell behind while it was cut off stops before others begin', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [-49, -49] });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  assign(cluster, 0, 4 * HOUR, 20 * DAY);
  cluster.runTo(5 * HOUR);
  cluster.observe(0, { name: 'outlook', fromS: 7 * HOUR, untilS: 25 * DAY, kind: 1 });
  cluster.runTo(7 * HOUR);
  split(cluster, [0, 1], [2, 3, 4]);
  cluster.runTo(24 * DAY);
  assert.is(cluster.inspect(0, WHAT_OWN, 0)[4], 1, 'it works on alone');
  const bound = Math.min(cluster.inspect(2, WHAT_HELD, 0)[6], cluster.inspect(2, WHAT_HELD, 0)[7]);
  assign(cluster, 2, bound, bound + DAY);
  cluster.runTo(bound + 2 * HOUR);
  assert.is(cluster.inspect(2, WHAT_OWN, 0)[4], 1, 'and another after it');
  assert.equal(watch.doubles, []);
});

exclusive('an owner whose clock ran ahead while it was cut off does not begin before another ends', () => {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], driftPpm: [49, 49] });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  assign(cluster, 2, 4 * HOUR, 20 * DAY);
  assign(cluster, 0, 20 * DAY, 22 * DAY);
  cluster.runTo(5 * HOUR);
  cluster.observe(0, { name: 'outlook', fromS: 7 * HOUR, untilS: 25 * DAY, kind: 1 });
  cluster.runTo(7 * HOUR);
  split(cluster, [0, 1], [2, 3, 4]);
  cluster.runTo(20 * DAY + HOUR);
  assert.is(cluster.inspect(0, WHAT_OWN, 0)[4], 1, 'it begins alone');
  assert.equal(watch.doubles, []);
});

exclusive.run();

const hostile = suite('what a member may not tell');

hostile('an intent in our name under a boot to come changes nothing', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  const now = 2 * HOUR;
  const times = { startS: now, endS: now + HOUR, claimS: now, publishedS: now, leaseS: 0 };
  const content = { kind: 1, resource: UNIT, rate: 1, priority: 1, state: 5, generation: 1, nonce: 1, read: 0 };
  assert.is(
    cluster.inject(0, 4, [{ name: 'intent', owner: 0, slot: 1, version: 0xffffffff, ...content, ...times }]),
    STATUS.ok,
  );
  assert.is(cluster.inspect(0, WHAT_HELD, 1).length, 0);
  assign(cluster, 0, now, now + HOUR);
  assert.is(cluster.inspect(0, WHAT_HELD, 0)[0] >>> VERSION_BITS, 1);
});

hostile('an intent in our name under this boot changes nothing: only we could have published it', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  const now = 2 * HOUR;
  assign(cluster, 0, now, now + HOUR);
  const version = cluster.inspect(0, WHAT_HELD, 0)[0];
  const times = { startS: now, endS: now + HOUR, claimS: now, publishedS: now, leaseS: 0 };
  const content = { kind: 1, resource: UNIT, rate: 1, priority: 1, state: 5, generation: 1, nonce: 1, read: 0 };
  const last = ((2 << VERSION_BITS) >>> 0) - 1;
  cluster.inject(0, 4, [{ name: 'intent', owner: 0, slot: 0, version: last, ...content, ...times }]);
  assert.is(cluster.inspect(0, WHAT_HELD, 0)[0], version);
});

hostile('INT-4: a board that has used up its boots is not booted, rather than publish under an old number', () => {
  const cluster = driven(3);
  cluster.boot(1, 8191, true);
  cluster.runTo(60);
  assert.is(cluster.inspect(1, WHAT_MEMBER, 1).length, 5);
  assert.throws(() => cluster.boot(1, 8192, true), /status 6/);
});

hostile(
  'a notice of the future is refused, and of two that contradict each other all hold the same, whatever the order',
  () => {
    const cluster = driven(3);
    cluster.runTo(2 * HOUR);
    const notice = { name: 'notice', group: 1, unit: 0, observer: 1 } as const;
    assert.is(cluster.inject(0, 2, [{ ...notice, capacity: 0, observedS: 0xffffffff }]), STATUS.implausible);
    const five: Message = { ...notice, capacity: 5, observedS: 2 * HOUR };
    const seven: Message = { ...notice, capacity: 7, observedS: 2 * HOUR };
    for (const [node, heard] of [[five, seven], [seven, five], [seven]].entries())
      for (const message of heard) assert.is(cluster.inject(node, (node + 1) % 3, [message]), STATUS.ok);
    cluster.runTo(3 * HOUR);
    const capacities = [0, 1, 2].map((node) => cluster.inspect(node, WHAT_GROUP, 1)[2]);
    assert.equal(capacities, [7, 7, 7]);
    const digests = new Set([0, 1, 2].map((node) => cluster.inspect(node, WHAT_VIEW).slice(1, 3).join()));
    assert.is(digests.size, 1);
  },
);

hostile('work that peers would refuse to hear of is refused when assigned, as is another in a slot at work', () => {
  const cluster = driven(5);
  cluster.runTo(2 * HOUR);
  assert.is(assign(cluster, 0, 2 * HOUR, 2 * HOUR + 63 * DAY), STATUS.implausible);
  assert.is(assign(cluster, 0, 2 * HOUR, 2 * HOUR + DAY), STATUS.ok);
  cluster.runTo(2 * HOUR + 1500);
  assert.is(assign(cluster, 0, 3 * HOUR, 3 * HOUR + DAY), STATUS.implausible);
});

hostile.run();

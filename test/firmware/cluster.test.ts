import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LIVENESS, LIVENESS_TICK_S, OUTLOOK_KIND, SLA_CLASS, TYPE } from '../../host/cbor/generated.ts';
import { type NodeRecord, smallWorld, TestCluster } from './cluster.ts';
import { ExecutionWatch, watched } from './watch.ts';

const HOUR = 3600;

function digests(cluster: TestCluster, nodes: number[]): string[] {
  return nodes.map((node) => cluster.nodes[node].viewDigest());
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const formation = suite('formation');

formation('INT-1 holds: nodes claim sites, settle by agreement and fill the lots to their capacity', () => {
  const cluster = new TestCluster({ nodes: 24 });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR + 500);
  let rate = 0;
  for (const node of range(0, 24))
    for (const slot of range(0, 4)) {
      const own = cluster.nodes[node].own(slot);
      if (own.settledVersion && own.running) rate += own.rate;
    }
  assert.is(rate, 4000, 'two lots of 2,000 kg/day each');
  assert.equal(watch.doubles, []);
  assert.is(new Set(digests(cluster, range(0, 24))).size, 1, 'all nodes have the same view of the round');
});

formation('INT-3 holds: nodes that store the same intents reach the same verdicts', () => {
  const cluster = new TestCluster({ nodes: 16, loss: 0.2 });
  cluster.runTo(3 * HOUR);
  const verdicts = range(0, 16).map((node) =>
    range(0, 16 * 8)
      .map((key) => cluster.engine.calls.verdict(cluster.contexts[node], key >> 3, key & 7, 3 * HOUR, 0))
      .join(''),
  );
  assert.is(new Set(verdicts).size, 1);
});

formation('INT-3 violated: nodes that store different intents have different digests', () => {
  const cluster = new TestCluster({ nodes: 4 });
  cluster.runTo(HOUR);
  cluster.part[3] = 1;
  cluster.observe(0, {
    name: 'assign',
    slot: 5,
    kind: 1,
    resource: (2 << 16) | 11,
    startS: HOUR,
    endS: 9 * HOUR,
    durationS: 0,
    rate: 10,
    priority: 1,
  });
  cluster.runTo(HOUR + 1700);
  const seen = digests(cluster, range(0, 4));
  assert.is(new Set(seen.slice(0, 3)).size, 1);
  assert.is.not(seen[3], seen[0]);
});

const deaths = suite('deaths');

deaths(
  'MBR-1 holds: every live member detects a death within 20 minutes at 30 % loss, and declares no other dead',
  () => {
    const cluster = new TestCluster({ nodes: 40, loss: 0.3, features: 0 });
    cluster.runTo(HOUR);
    cluster.events.length = 0;
    cluster.kill(11);
    cluster.runTo(HOUR + 1200);
    const silences = cluster.events
      .filter(({ fields }) => fields[0] === TYPE.memberState)
      .map(({ fields: [, member, state] }) => ({ member, state }))
      .filter(({ state }) => state >= LIVENESS.unreachable);
    assert.is(silences.filter(({ member, state }) => member === 11 && state === LIVENESS.dead).length, 39);
    assert.is(silences.filter(({ member }) => member !== 11).length, 0);
  },
);

deaths('MBR-1 violated: no node keeps a silent member alive in its view', () => {
  const cluster = new TestCluster({ nodes: 8, features: 0 });
  cluster.runTo(HOUR);
  cluster.kill(2);
  cluster.runTo(2 * HOUR);
  for (const node of [0, 1, 3, 4, 5, 6, 7]) assert.is.not(cluster.nodes[node].member(2).state, LIVENESS.alive);
});

deaths('members are unreachable when three fell silent within five minutes, else dead', () => {
  const cluster = new TestCluster({ nodes: 24, features: 0 });
  cluster.runTo(HOUR);
  // By member: tick in which it is killed, in no order of the members.
  const killedIn = new Map([
    [9, 1],
    [20, 4],
    [3, 5],
    [14, 15],
    [2, 15],
    [17, 25],
    [22, 28],
    [6, 32],
    [11, 42],
    [5, 50],
  ]);
  for (let tick = 0; tick <= 64; tick += 1) {
    cluster.runTo(HOUR + tick * LIVENESS_TICK_S + 40);
    for (const [member, inTick] of killedIn) if (inTick === tick) cluster.kill(member);
  }
  const views = [...killedIn.keys()].map((member) => cluster.nodes[0].member(member));
  const states = new Set<number>();
  for (const { state, lastLivenessTick } of views) {
    const together = views.filter((other) => Math.abs(other.lastLivenessTick - lastLivenessTick) <= 5).length;
    assert.is(state, together >= 3 ? LIVENESS.unreachable : LIVENESS.dead, `${together} fell silent together`);
    states.add(state);
  }
  assert.is(states.size, 2);
});

deaths('MBR-2 holds: the coordinator is the lowest live member, without any election', () => {
  const cluster = new TestCluster({ nodes: 8, features: 0 });
  cluster.runTo(HOUR);
  for (const node of range(0, 8)) assert.is(cluster.nodes[node].node().coordinator, 0);
  cluster.kill(0);
  cluster.runTo(2 * HOUR);
  for (const node of range(1, 8)) assert.is(cluster.nodes[node].node().coordinator, 1);
});

deaths('MBR-2 violated: a coordinator that died is followed no longer than one detection time', () => {
  const cluster = new TestCluster({ nodes: 8, loss: 0.1, features: 0 });
  cluster.runTo(HOUR);
  cluster.kill(0);
  cluster.runTo(HOUR + 300);
  const followed = () => range(1, 8).map((node) => cluster.nodes[node].node().coordinator);
  assert.equal(new Set(followed()), new Set([0]), 'no node can have detected it yet');
  cluster.runTo(HOUR + 1200);
  assert.equal(new Set(followed()), new Set([1]));
});

deaths(
  'CVG-1, CVG-2 holds: another node takes over a dead node’s unit, and all measure convergence below one hour',
  () => {
    const cluster = new TestCluster({ nodes: 24, loss: 0.1 });
    const watch = watched(cluster);
    cluster.runTo(6 * HOUR);
    const worker = range(0, 24).find((node) => cluster.nodes[node].isRunning(0)) as number;
    cluster.events.length = 0;
    cluster.kill(worker);
    cluster.runTo(9 * HOUR);
    const converged = cluster.events.filter(
      ({ fields }) => fields[0] === TYPE.converged && fields[FIELD.converged.class] === SLA_CLASS.node,
    );
    assert.is(new Set(converged.map((event) => event.node)).size, 23);
    for (const { node, fields } of converged) {
      const durationS = fields[FIELD.converged.convergedS] - fields[FIELD.converged.onsetS];
      assert.ok(durationS <= HOUR, `node ${node}: ${durationS} s`);
    }
    assert.equal(watch.doubles, []);
  },
);

deaths('CVG-4 holds: while a member cannot learn of a death, an alarm precedes the breach', () => {
  const cluster = new TestCluster({ nodes: 24 });
  cluster.runTo(6 * HOUR);
  const worker = range(0, 24).find((node) => cluster.nodes[node].isRunning(0)) as number;
  cluster.events.length = 0;
  const deaf = (worker + 1) % 24;
  cluster.jam = (_, receiver) => receiver === deaf;
  cluster.kill(worker);
  cluster.runTo(7 * HOUR);
  assert.ok(cluster.events.some(({ fields }) => fields[0] === TYPE.alarmed && fields[FIELD.alarmed.elapsedS] < HOUR));
});

deaths('CVG-4 violated: without a disruption there is no alarm', () => {
  const cluster = new TestCluster({ nodes: 8 });
  cluster.runTo(8 * HOUR);
  assert.not(cluster.events.some(({ fields }) => fields[0] === TYPE.alarmed));
});

const partitions = suite('partitions');

partitions(
  'INT-5 holds: in an unannounced partition no unit runs twice, and the part without majority grants nothing',
  () => {
    const cluster = new TestCluster({ nodes: 24, loss: 0.1 });
    const watch = watched(cluster);
    cluster.runTo(5 * HOUR);
    for (const node of range(0, 9)) cluster.part[node] = 1;
    cluster.events.length = 0;
    cluster.runTo(20 * HOUR);
    const late = cluster.events.filter(
      ({ fields, node, atS }) => fields[0] === TYPE.settled && node < 9 && atS > 5 * HOUR + 1200,
    );
    assert.is(late.length, 0, 'the smaller part settles nothing');
    for (const node of range(0, 9)) assert.is(cluster.nodes[node].own(0).running, 0, 'its leases ran out');
    cluster.part.fill(0);
    cluster.runTo(24 * HOUR + 500);
    assert.equal(watch.doubles, []);
    assert.is(new Set(digests(cluster, range(0, 24))).size, 1, 'merged');
  },
);

partitions('INT-5 violated: the watch reports two nodes that start work on one unit at once', () => {
  const watch = new ExecutionWatch();
  watch.take({ atS: 1, node: 0, fields: [TYPE.startWork, 0, 1, (1 << 16) | 1, 10, 100] });
  watch.take({ atS: 2, node: 1, fields: [TYPE.startWork, 0, 1, (1 << 16) | 1, 10, 100] });
  assert.is(watch.doubles.length, 1);
});

partitions('FLT-2 holds: announced silence extends leases in advance, and work goes on through it', () => {
  const cluster = new TestCluster({ nodes: 24 });
  const watch = watched(cluster);
  cluster.runTo(5 * HOUR);
  const far = range(0, 9);
  for (const node of far)
    cluster.observe(node, { name: 'outlook', fromS: 8 * HOUR, untilS: 32 * HOUR, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(8 * HOUR);
  const working = far.filter((node) => cluster.nodes[node].isRunning(0));
  assert.ok(working.length > 3);
  for (const node of far) cluster.part[node] = 1;
  cluster.runTo(30 * HOUR);
  assert.equal(
    far.filter((node) => cluster.nodes[node].isRunning(0)),
    working,
  );
  assert.is(cluster.nodes[20].member(0).state, LIVENESS.unreachable, 'not dead');
  cluster.part.fill(0);
  cluster.runTo(36 * HOUR + 500);
  assert.equal(watch.doubles, []);
  assert.is(new Set(digests(cluster, range(0, 24))).size, 1);
});

partitions(
  'FLT-2 violated: silence beyond its announced end ends work with its leases, and nothing new is claimed',
  () => {
    const cluster = new TestCluster({ nodes: 24 });
    const watch = watched(cluster);
    cluster.runTo(5 * HOUR);
    const far = range(0, 9);
    for (const node of far)
      cluster.observe(node, { name: 'outlook', fromS: 8 * HOUR, untilS: 12 * HOUR, kind: OUTLOOK_KIND.occultation });
    cluster.runTo(8 * HOUR);
    for (const node of far) cluster.part[node] = 1;
    cluster.runTo(11 * HOUR);
    const running = () => far.filter((node) => cluster.nodes[node].isRunning(0)).length;
    assert.ok(running() > 3);
    cluster.events.length = 0;
    cluster.runTo(20 * HOUR);
    assert.is(running(), 0);
    assert.not(cluster.events.some(({ node, fields }) => node < 9 && fields[0] === TYPE.settled));
    assert.equal(watch.doubles, []);
  },
);

const restarts = suite('restarts');

restarts('TIM-1 holds: a node that lost its clock learns mission time from peers and claims nothing before', () => {
  const cluster = new TestCluster({ nodes: 12 });
  cluster.runTo(3 * HOUR);
  cluster.kill(4);
  cluster.runTo(3 * HOUR + 120);
  cluster.events.length = 0;
  cluster.boot(4, 2, false);
  assert.is(cluster.nodes[4].node().timeKnown, 0, 'unknown');
  cluster.runTo(3 * HOUR + 1800);
  const { timeKnown, errorMs } = cluster.nodes[4].node();
  assert.is(timeKnown, 1);
  assert.ok(errorMs < 10_000);
  const ofNode = cluster.events.filter(({ node }) => node === 4);
  const acquired = ofNode.find(({ fields }) => fields[0] === TYPE.timeAcquired) as NodeRecord;
  assert.ok(Math.abs(acquired.fields[1] - acquired.atS) <= 2, `${acquired.fields[1]} at ${acquired.atS}`);
  assert.not(ofNode.some(({ fields, atS }) => fields[0] === TYPE.published && atS < acquired.atS));
});

restarts('TIM-1 violated: alone, a node without a clock sends nothing and claims nothing', () => {
  const cluster = new TestCluster({ nodes: 3 });
  cluster.runTo(HOUR);
  cluster.kill(2);
  cluster.part[2] = 1;
  cluster.boot(2, 2, false);
  const before = cluster.frames;
  cluster.kill(0);
  cluster.kill(1);
  cluster.runTo(3 * HOUR);
  assert.is(cluster.frames, before);
  assert.is(cluster.nodes[2].node().timeKnown, 0);
});

restarts('INT-4 holds: a restarted node gets back what it forgot and agrees again', () => {
  const cluster = new TestCluster({ nodes: 12, loss: 0.1, groups: smallWorld });
  const watch = watched(cluster);
  cluster.runTo(4 * HOUR);
  cluster.kill(1);
  cluster.runTo(4 * HOUR + 300);
  cluster.boot(1, 2, false);
  cluster.runTo(6 * HOUR + 500);
  assert.is(new Set(digests(cluster, range(0, 12))).size, 1);
  assert.equal(watch.doubles, []);
});

restarts(
  'WDG-1 holds: the watchdog is fed while all tasks check in; WDG-2: a silent task climbs the ladder to safe mode',
  () => {
    const cluster = new TestCluster({ nodes: 4 });
    cluster.runTo(HOUR);
    assert.ok(cluster.commands.some((command) => command.fields[0] === TYPE.feedWatchdog));
    cluster.commands.length = 0;
    cluster.runTo(6 * HOUR, (node) => (node === 1 ? 0xfb : 0xff));
    const ordered = cluster.commands.filter(
      (command) => command.node === 1 && command.fields[0] >= 163 && command.fields[0] <= 167,
    );
    const ladder = ordered.map((command) => command.fields[0]);
    assert.equal(ladder.slice(0, 8), [163, 163, 164, 165, 165, 165, 166, 167]);
    assert.is(cluster.nodes[1].node().safeMode, 1, 'safe mode');
  },
);

restarts('WDG-1 violated: with a task silent nothing is fed', () => {
  const cluster = new TestCluster({ nodes: 2 });
  cluster.runTo(HOUR);
  cluster.commands.length = 0;
  cluster.runTo(HOUR + 3000, (node) => (node === 0 ? 0x7f : 0xff));
  const fed = cluster.commands.filter((command) => command.node === 0 && command.fields[0] === TYPE.feedWatchdog);
  assert.ok(
    fed.some((command) => command.atS < HOUR + 600),
    'fed before the silence can be noticed',
  );
  assert.not(
    fed.some((command) => command.atS > HOUR + 1300 && command.atS < HOUR + 1600),
    'and not while the ladder is climbed',
  );
});

for (const one of [formation, deaths, partitions, restarts]) one.run();

// INT-5, CVG-1: agreement is collected at the begin of a round, so a majority is known soon.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FIELD, LIVENESS, STATUS, TYPE } from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { addresseeOf } from '../../hwsim/channel/channel.ts';
import { SingleNode } from './single.ts';
import { TestCluster } from './cluster.ts';
import { claimOf } from './driven.ts';

const HOUR = 3600;
const nodes = 40;

/** Members, of those that are live, that know a majority `seconds` after a round began. */
function knowing(cluster: TestCluster, live: number[], seconds: number): number {
  cluster.runTo(2 * HOUR + seconds);
  return live.filter((node) => cluster.nodes[node].view().quorum === 1).length;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('CVG-1 holds: most members know a majority half a minute after a round began, all after a minute', () => {
  const cluster = new TestCluster({ nodes, loss: 0.1 });
  const all = range(0, nodes);
  assert.is(knowing(cluster, all, 5), 0, 'none knows one at once');
  const soon = knowing(cluster, all, 32);
  assert.ok(soon > nodes * 0.8, `${soon} of ${nodes}`);
  assert.is(knowing(cluster, all, 75), nodes);
});

test('CVG-1 holds: turns pass over silent members, so two thirds of a cluster find its majority as soon', () => {
  const cluster = new TestCluster({ nodes, loss: 0.1 });
  const live = range(0, nodes).filter((node) => node % 3 !== 2);
  cluster.runTo(HOUR);
  for (const node of range(0, nodes)) if (node % 3 === 2) cluster.kill(node);
  const soon = knowing(cluster, live, 62);
  assert.ok(soon > live.length * 0.8, `${soon} of ${live.length}`);
});

/** Bytes of ages in the heartbeats of frames with a probe, in a cluster of this size. */
function agesOfProbes(size: number): Set<number> {
  const cluster = new TestCluster({ nodes: size });
  const found = new Set<number>();
  cluster.jam = () => {
    const { messages } = openedFrame(cluster.onAir());
    if (messages.some(({ name }) => name === 'probe'))
      for (const message of messages) if (message.name === 'heartbeat') found.add(message.ages.length);
    return false;
  };
  cluster.runTo(150);
  return found;
}

test('from 128 members on probes leave the bitmaps out, unless a report goes with them', () => {
  assert.ok(agesOfProbes(128).has(0));
  assert.equal([...agesOfProbes(127)], [3 * 16]);
});

/** Members that node 0 reports as absent while it hears nobody for so long, seconds. */
function absentAfter(deafS: number): number {
  const cluster = new TestCluster({ nodes: 5 });
  cluster.runTo(HOUR);
  cluster.events.length = 0;
  cluster.jam = (_, receiver) => receiver === 0;
  cluster.runTo(HOUR + deafS);
  cluster.jam = null;
  cluster.runTo(HOUR + deafS + 120);
  const { state } = FIELD.memberState;
  const reports = cluster.events.filter(({ node, fields }) => node === 0 && fields[0] === TYPE.memberState);
  return reports.filter(({ fields }) => fields[state] === LIVENESS.unreachable).length;
}

test('MBR-1 holds: a node that is deaf for a contact window reports nobody as absent', () => {
  assert.is(absentAfter(840), 0);
});

test('MBR-1 violated: a node that is deaf for longer reports the others as unreachable', () => {
  assert.is(absentAfter(1500), 4);
});

test('MBR-1 holds: a node back from a contact window calls a member dead within half a minute', () => {
  const cluster = new TestCluster({ nodes: 8 });
  cluster.runTo(HOUR);
  cluster.kill(5);
  cluster.runTo(HOUR + 400);
  cluster.jam = (_, receiver) => receiver === 0;
  cluster.runTo(HOUR + 783);
  cluster.jam = null;
  cluster.runTo(HOUR + 838);
  for (const node of [1, 0]) assert.is(cluster.nodes[node].member(5).state, LIVENESS.dead, `node ${node}`);
});

test('INT-4 holds: in every second period the member is probed for which something waits', () => {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(HOUR);
  const probed: number[] = [];
  cluster.jam = (sender, receiver) => {
    const { messages } = openedFrame(cluster.onAir());
    const isProbe = messages.some(({ name }) => name === 'probe');
    if (sender === 0 && isProbe && addresseeOf(cluster.onAir(), 0) === receiver) probed.push(receiver);
    return false;
  };
  const summary = { name: 'notice-summary', answer: 1, entries: [] } as const;
  for (let second = 0; second < 600; second += 15) {
    cluster.runTo(HOUR + second);
    cluster.inject(0, 9, [summary, { name: 'owner-summary', owner: 3, answer: 1, entries: [{ slot: 0, version: 9 }] }]);
  }
  const often = probed.filter((receiver) => receiver === 9).length;
  assert.ok(probed.length >= 9 && often >= 4 && often <= 7, probed.join());
});

/** Reports that node 0 sends in ten minutes in which it differs from all others, or does not. */
function reports(differs: boolean): number {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(HOUR);
  const repair = new Set(['intent', 'sync-digest', 'owner-summary']);
  let count = 0;
  cluster.jam = (sender, receiver) => {
    const { messages } = openedFrame(cluster.onAir());
    const isReport = messages.length === 1 && messages[0].name === 'heartbeat';
    if (sender === 0 && isReport && addresseeOf(cluster.onAir(), 0) === receiver) count++;
    return messages.some(({ name }) => repair.has(name));
  };
  if (differs) cluster.inject(0, 9, [claimOf(9, HOUR)]);
  cluster.runTo(HOUR + 300);
  count = 0;
  cluster.runTo(HOUR + 900);
  assert.is(cluster.nodes[0].view().quorum, differs ? 0 : 1);
  return count;
}

test('INT-4 holds: a member whose digest differs from that of others reports once a round, as they do', () => {
  const alike = reports(false);
  assert.ok(alike >= 3 && alike <= 6, `${alike}`);
  const differing = reports(true);
  assert.ok(differing <= alike + 1, `${differing} instead of ${alike}`);
});

test('MBR-1 holds: heartbeats without ages end no gap in hearing, so a node back from one calls nobody absent', () => {
  const size = 130;
  const node = new SingleNode(size, []);
  const ages = new Uint8Array(3 * Math.ceil(size / 8)).fill(0xff);
  const bitmaps = { ages, agree: new Uint8Array(Math.ceil(size / 8)) };
  const short = { ages: new Uint8Array(0), agree: new Uint8Array(0) };
  const heard = (nowS: number, content: typeof short) => {
    const time = { timeS: nowS, timeMs: 0, errorMs: 100, digestHigh: 1, digestLow: 2, recent: 3 };
    assert.is(node.receiveMessages(7, [{ name: 'heartbeat', ...time, ...content }], nowS), STATUS.ok);
  };
  const step = (nowS: number) => {
    if (nowS % 300 === 0) node.observe({ name: 'health', tasks: 255, batteryWh: 900, storedKg: 0, solarW: 900 }, nowS);
    node.tick(nowS);
  };
  const startS = 1205;
  for (let nowS = 0; nowS <= startS; nowS += 5) step(nowS);
  heard(startS, bitmaps);
  // It hears nobody for eight minutes, then probes alone.
  for (let nowS = startS + 5; nowS < startS + 480; nowS += 5) step(nowS);
  for (let nowS = startS + 480; nowS <= startS + 580; nowS += 20) {
    heard(nowS, short);
    step(nowS);
  }
  assert.is(node.member(9).state, LIVENESS.alive);
});

test.run();

// INT-5, FLT-3: after a merge owners confirm their claims, so that members learn of released units.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ADDRESSEE_ALL, ROUND_S, WORK_KIND } from '../../host/cbor/generated.ts';
import { addresseeOf } from '../../hwsim/channel/channel.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, HOUR, lot, split } from '../firmware/driven.ts';
import { openedFrame } from './sealed.ts';

const owner = 1;
const nodes = 8;
/** A third is out of contact from here to there. */
const [apartS, togetherS] = [2 * HOUR, 3 * HOUR];
const away = [5, 6, 7];

/** A cluster whose owner has a claim of a unit; then a third of it is out of contact, or not. */
function claimed(isApart: boolean): TestCluster {
  const cluster = new TestCluster({ nodes, features: 0, groups: [lot], signs: true });
  cluster.runTo(HOUR);
  assign(cluster, owner, HOUR, HOUR + DAY);
  cluster.runTo(apartS);
  if (isApart) split(cluster, [0, 1, 2, 3, 4], away);
  return cluster;
}

/** Returns who broadcasts a statement of its own in the round after the merge, once a frame. */
function confirmingAfter(isApart: boolean): number[] {
  const cluster = claimed(isApart);
  cluster.runTo(togetherS);
  cluster.part.fill(0);
  const frames = new Map<Uint8Array, number>();
  cluster.jam = (sender) => {
    const isBroadcast = addresseeOf(cluster.onAir(), 0) === ADDRESSEE_ALL;
    const messages = isBroadcast ? openedFrame(cluster.onAir()).messages : [];
    if (messages.some((message) => message.name === 'statement' && message.owner === sender))
      frames.set(cluster.onAir(), sender);
    return false;
  };
  cluster.runTo(togetherS + ROUND_S);
  return [...frames.values()];
}

test('FLT-3 holds: after a merge the owner of a claim of a unit confirms it once, and only it does', () => {
  const confirming = confirmingAfter(true);
  assert.equal([...new Set(confirming)], [owner]);
  // The merge may begin in one round and go on in the next.
  assert.ok(confirming.length <= 2, `${confirming.length} times in one round`);
});

test('FLT-3 violated: without a merge nobody confirms anything', () => {
  assert.equal(confirmingAfter(false), []);
});

test('INT-5, FLT-3 hold: who was away learns within ten minutes that a unit was released meanwhile', () => {
  const cluster = claimed(true);
  cluster.runTo(apartS + HOUR / 2);
  // The owner moves to another unit: the version releases the first.
  const work = { kind: WORK_KIND.mine, resource: (1 << 16) | 2, durationS: 0, rate: 100, priority: 1 };
  const [startS, endS] = [apartS + HOUR / 2, HOUR + DAY];
  cluster.observe(owner, { name: 'assign', slot: 0, startS, endS, ...work });
  cluster.runTo(togetherS);
  const versionOf = (node: number) => cluster.nodes[node].intent(owner, 0)?.version;
  for (const node of away) assert.is.not(versionOf(node), versionOf(owner), `node ${node} stores the old claim`);
  cluster.part.fill(0);
  cluster.runTo(togetherS + 600);
  for (const node of away) assert.is(versionOf(node), versionOf(owner), `node ${node}`);
});

test.run();

// Rules of intents: what is passed on, what may run, units that come free, quotas of passing on.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FEATURE,
  FIELD,
  type Intent,
  INTENT_STATE,
  LEASE_S,
  type Message,
  OUTLOOK_KIND,
  ROUND_S,
  STATUS,
  STATUS_MASK,
  TYPE,
  VERDICT,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';
import { assign, claimOf, DAY, driven, HOUR, lot, UNIT, versionOf } from './driven.ts';
import { reservedNode } from './direct_node.ts';

const rules = suite('intents, rule by rule');

const tokensMax = firmwareConstants('flight').get('OWNER_TOKENS_MAX')!;
const rumourCount = firmwareConstants('flight').get('RUMOUR_COUNT')!;

/** Intents that a cluster's nodes send, with the sender; none is lost. */
function heardIntents(cluster: TestCluster): { sender: number; atS: number; intent: Intent }[] {
  const heard: { sender: number; atS: number; intent: Intent }[] = [];
  let last: Uint8Array | null = null;
  cluster.jam = (sender) => {
    const bytes = cluster.onAir();
    if (bytes === last) return false;
    last = bytes;
    for (const message of openedFrame(bytes).messages)
      if (message.name === 'intent') heard.push({ sender, atS: cluster.nowMs / 1000, intent: message as Intent });
    return false;
  };
  return heard;
}

rules('INT-1 holds: members pass a version on as its owner published it', () => {
  const cluster = driven(6);
  cluster.runTo(HOUR);
  const heard = heardIntents(cluster);
  const resource = (1 << 16) | 7;
  const work = { startS: 2 * HOUR + 7, endS: 3 * HOUR + 11, durationS: 0, rate: 123, priority: 4 };
  assert.is(cluster.observe(2, { name: 'assign', slot: 3, kind: WORK_KIND.mine, resource, ...work }), STATUS.ok);
  cluster.runTo(HOUR + 6 * ROUND_S);
  const published = heard.filter(({ sender }) => sender === 2).map(({ intent }) => intent);
  const [claim, start] = [INTENT_STATE.claimed, INTENT_STATE.started].map((state) =>
    published.find((intent) => intent.state === state),
  );
  assert.ok(claim !== undefined && start !== undefined, 'it is claimed, and then started');
  for (const own of [claim, start]) {
    assert.equal(
      [own.owner, own.slot, own.kind, own.resource, own.startS, own.endS, own.rate, own.priority],
      [2, 3, WORK_KIND.mine, resource, work.startS, work.endS, 123, 4],
    );
    const others = heard.filter(({ sender, intent }) => sender !== 2 && intent.version === own.version);
    assert.ok(new Set(others.map(({ sender }) => sender)).size >= 2, 'others pass it on');
    for (const { intent } of others) assert.equal(intent, own);
    const most = Math.max(...[0, 1, 3, 4, 5].map((node) => others.filter(({ sender }) => sender === node).length));
    assert.ok(most <= rumourCount, `${most} times by one member`);
  }
  assert.ok(start.version > claim.version && start.claimS === claim.claimS, 'the order stays that of the claim');
});

rules('INT-3 holds: a claim that settles is reported with what may run', () => {
  const cluster = driven(3);
  cluster.runTo(HOUR);
  assert.is(assign(cluster, 1, 2 * HOUR, 3 * HOUR, { rate: 77, priority: 2 }), 0);
  cluster.runTo(HOUR + 5 * ROUND_S);
  const at = FIELD.settled;
  const settled = cluster.events.filter(({ node, fields }) => node === 1 && fields[0] === TYPE.settled);
  const own = cluster.nodes[1].own(0);
  assert.equal(
    settled.map(({ fields }) => [at.slot, at.version, at.startS, at.endS, at.rate].map((field) => fields[field])),
    [[0, own.settledVersion, 2 * HOUR, 3 * HOUR, 77]],
  );
  assert.is(own.settledVersion, cluster.nodes[0].intent(1, 0)?.version, 'the others store the start');
});

/** A cluster that plans for itself on one unit. */
function planning(claimed: (cluster: TestCluster) => void): TestCluster {
  const one = { ...lot, units: 1 };
  const cluster = new TestCluster({ nodes: 4, features: FEATURE.plans, groups: [one] });
  claimed(cluster);
  return cluster;
}

/** The nodes that work in their first intent slot. */
const working = (cluster: TestCluster) =>
  [0, 1, 2, 3].filter((node) => cluster.up[node] && cluster.nodes[node].isRunning(0));

rules('INT-2 holds: a unit that is claimed for later is free until then, and comes free when its owner is dead', () => {
  const cluster = planning((cluster) => {
    cluster.runTo(ROUND_S / 2);
    assign(cluster, 3, 20 * DAY, 21 * DAY);
  });
  cluster.runTo(HOUR);
  const [owner, ...others] = working(cluster);
  assert.ok(owner !== undefined && others.length === 0, 'one node works the unit');
  assert.is(cluster.nodes[0].intent(owner, 0)?.resource, UNIT);
  cluster.kill(owner);
  cluster.runTo(HOUR + 2 * LEASE_S + 10 * ROUND_S);
  const [next, ...more] = working(cluster);
  assert.ok(next !== undefined && next !== owner && more.length === 0, 'another one works it');
});

rules('MBR-1 holds: a predicted silence is announced to all, and its claim covers it', () => {
  const cluster = driven(4);
  cluster.runTo(HOUR);
  assign(cluster, 1, HOUR, HOUR + 5 * DAY);
  cluster.runTo(HOUR + 5 * ROUND_S);
  assert.ok(cluster.nodes[1].isRunning(0));
  const announced: Message[] = [];
  cluster.jam = (sender) => {
    for (const message of openedFrame(cluster.onAir()).messages as Message[])
      if (sender === 1 && message.name === 'isolation') announced.push(message);
    return false;
  };
  const [fromS, untilS] = [3 * HOUR, 5 * HOUR];
  cluster.observe(1, { name: 'outlook', fromS, untilS, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(HOUR + 8 * ROUND_S);
  assert.ok(announced.length > 0);
  for (const message of announced) assert.equal(message, { name: 'isolation', fromS, untilS });
  const stored = cluster.nodes[0].intent(1, 0);
  assert.ok(stored !== undefined && stored.leaseS === untilS + 3600, `the lease lasts until ${stored?.leaseS}`);
});

rules('INT-2 holds: claims that fill a group to its capacity fit, and one more kilogram a day does not', () => {
  for (const rate of [500, 501]) {
    const node = reservedNode({ config: { members: 8 }, groups: [{ ...lot, capacity: 1500 }] });
    // A silent owner's claim would end with its lease hold.
    for (let round = 1; round <= 4; round += 1) {
      node.runTo(round * ROUND_S * 1000);
      for (const owner of [1, 2, 3]) node.receive(owner, [{ name: 'probe', sequence: 1 }]);
    }
    const atS = node.nowMs / 1000;
    // The last two follow each other: they never add up.
    const claims = [
      { rate: 1000, startS: atS, endS: atS + DAY },
      { rate, startS: atS, endS: atS + HOUR },
      { rate, startS: atS + HOUR, endS: atS + DAY },
    ];
    for (const [at, claim] of claims.entries()) {
      const message = claimOf(1 + at, atS, { version: versionOf(1), resource: UNIT + at, priority: 9 - at, ...claim });
      assert.is(node.receive(1 + at, [message]) & STATUS_MASK, STATUS.ok);
    }
    node.tick();
    const expected = rate === 500 ? VERDICT.accepted : VERDICT.refused;
    assert.equal(
      [1, 2, 3].map((owner) => node.verdict(owner, 0)),
      [VERDICT.accepted, expected, expected],
    );
  }
});

rules('SEC-5 holds: of a burst of versions an owner has a few passed on, and one more each minute', () => {
  const cluster = driven(3);
  cluster.kill(2);
  cluster.runTo(HOUR);
  const heard = heardIntents(cluster);
  const passedOn = () => new Set(heard.filter(({ sender }) => sender === 0).map(({ intent }) => intent.version)).size;
  const publish = (count: number) => {
    const message = claimOf(2, Math.floor(cluster.nowMs / 1000), { version: versionOf(count), slot: 0 });
    assert.is(cluster.inject(0, 2, [message]), STATUS.ok);
  };
  for (let count = 1; count <= tokensMax + 5; count += 1) {
    publish(count);
    cluster.runTo(HOUR + count * 2);
  }
  cluster.runTo(HOUR + 5 * ROUND_S);
  assert.ok(passedOn() >= 1 && passedOn() <= tokensMax, `${passedOn()} versions`);
  publish(tokensMax + 6);
  cluster.runTo(HOUR + 7 * ROUND_S);
  assert.is(cluster.nodes[1].intent(2, 0)?.version, versionOf(tokensMax + 6), 'it is passed on again');
});

rules.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  FEATURE,
  FIELD,
  INSPECT,
  type Intent,
  INTENT_STATE,
  LEASE_S,
  type Message,
  ROUND_S,
  STATUS,
  TYPE,
  VERDICT,
  VERSION_BITS,
} from '../../host/cbor/generated.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { intentDigest, signStatement, statementOf, verifyStatement } from '../../host/security/statement.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { claimOf, lot, versionOf } from '../firmware/driven.ts';

const CLUSTER = 7;
const NODES = 5;
const BYZANTINE = 4;

const seedOf = (node: number) => new Uint8Array(32).fill(node + 1);

function flown(ownerRateMax = 0, features = 0): TestCluster {
  const cluster = new TestCluster({ nodes: NODES, features, groups: [lot], ownerRateMax });
  // The Byzantine node itself is off: the tests make its frames. Its claims are valid until its
  // first lease ends.
  cluster.kill(BYZANTINE);
  cluster.runTo(LEASE_S - ROUND_S);
  return cluster;
}

/** Runs to `untilS`, every cycle answering the requests to the platforms' signature service. */
function serve(cluster: TestCluster, untilS: number): void {
  for (let atS = cluster.nowMs / 1000 + 15; atS <= untilS; atS += 15) {
    cluster.runTo(atS);
    for (let record = cluster.commands.shift(); record !== undefined; record = cluster.commands.shift()) {
      const [type, ticket] = record.fields;
      if (type !== TYPE.sign && type !== TYPE.verify) continue;
      const shown = statementAt(cluster, record.node, ticket);
      if (shown === null) continue;
      if (type === TYPE.sign) {
        assert.is(shown.owner, record.node, 'a node asks only for signatures of its own statements');
        cluster.observe(record.node, {
          name: 'signed',
          ticket,
          signature: signStatement(seedOf(record.node), CLUSTER, shown),
        });
      } else {
        const ok = verifyStatement(nodeSignatures.publicKey(seedOf(shown.owner)), CLUSTER, shown) ? 1 : 0;
        cluster.observe(record.node, { name: 'verified', ticket, ok });
      }
    }
  }
}

/** Work of the Byzantine node, if `content` names no other owner. */
function intentOf(cluster: TestCluster, content: Partial<Intent>): Intent {
  const started = { rate: 150, state: INTENT_STATE.started };
  return claimOf(BYZANTINE, Math.floor(cluster.nowMs / 1000), { ...started, ...content });
}

/** The version that a node stores of an owner's intent; undefined: none. */
const versionAt = (cluster: TestCluster, node: number, owner: number, slot: number) =>
  cluster.nodes[node].intent(owner, slot)?.version;
const rateAt = (cluster: TestCluster, node: number) => cluster.nodes[node].intent(BYZANTINE, 0)?.rate;
/** The statement that a node wants signed or verified. */
const statementAt = (cluster: TestCluster, node: number, ticket: number) =>
  statementOf(Uint32Array.from(cluster.inspect(node, INSPECT.statement, ticket)));
const verdict = (cluster: TestCluster, node: number, owner: number, slot: number) => {
  const s = Math.floor(cluster.nowMs / 1000);
  return cluster.engine.calls.verdict(cluster.contexts[node], owner, slot, s, 0);
};

/** Flies a cluster in which node 1 works unit 3 and all nodes store its claim. */
function claimed() {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const resource = (1 << 16) | 3;
  const times = { startS: nowS, endS: nowS + 86_400, durationS: 0 };
  cluster.observe(1, { name: 'assign', slot: 0, kind: 1, resource, ...times, rate: 100, priority: 1 });
  serve(cluster, nowS + 120);
  const version = versionAt(cluster, 1, 1, 0) as number;
  assert.is(versionAt(cluster, 0, 1, 0), version);
  return { cluster, nowS, resource, version };
}

const byzantine = suite('SEC-5: Byzantine members');

byzantine('SEC-5 holds: claims of one owner are accepted up to the quota of a member, and not beyond', () => {
  const cluster = flown(200);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, {})]);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, { slot: 1, version: versionOf(2), resource: (1 << 16) | 2 })]);
  assert.is(verdict(cluster, 0, BYZANTINE, 0), VERDICT.accepted);
  assert.is(verdict(cluster, 0, BYZANTINE, 1), VERDICT.refused, 'together they exceed the quota of one member');
  const whole = intentOf(cluster, { slot: 2, version: versionOf(3), resource: 1 << 16, rate: 2000 });
  assert.is(
    cluster.inject(0, BYZANTINE, [whole]),
    STATUS.implausible,
    'a single claim beyond the quota is implausible',
  );
  assert.is(
    cluster.inject(0, BYZANTINE, [{ ...whole, slot: 6, rate: 1 }]),
    STATUS.implausible,
    'slot 6 is not for lots',
  );
  assert.ok(cluster.nodes[0].lossCount(COUNTER.quotaClaim) >= 2);
});

byzantine('SEC-5 violated: without the quota all of the same claims are accepted', () => {
  const cluster = flown(0);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, {})]);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, { slot: 1, version: versionOf(2), resource: (1 << 16) | 2 })]);
  assert.equal(
    [verdict(cluster, 0, BYZANTINE, 0), verdict(cluster, 0, BYZANTINE, 1)],
    [VERDICT.accepted, VERDICT.accepted],
  );
});

byzantine('SEC-5 holds: of two contents under one version all members come to store the same', () => {
  const cluster = flown();
  assert.is(cluster.inject(0, BYZANTINE, [intentOf(cluster, { rate: 100 })]), STATUS.ok);
  assert.is(cluster.inject(1, BYZANTINE, [intentOf(cluster, { rate: 120, nonce: 2 })]), STATUS.ok);
  assert.is.not(rateAt(cluster, 0), rateAt(cluster, 1));
  cluster.runTo(cluster.nowMs / 1000 + 2 * ROUND_S);
  const rates = [0, 1, 2, 3].map((node) => rateAt(cluster, node));
  assert.is(new Set(rates).size, 1, `rates stored: ${rates}`);
  assert.ok([0, 1, 2, 3].some((node) => cluster.nodes[node].lossCount(COUNTER.intentDiffers) > 0));
});

byzantine('SEC-5 holds: a version forged in a member’s name is retracted after its signed statement', () => {
  const { cluster, nowS, resource, version } = claimed();
  const forged = intentOf(cluster, { owner: 1, version: version + 5, state: INTENT_STATE.withdrawn, resource });
  for (const node of [0, 1, 2, 3]) assert.is(cluster.inject(node, BYZANTINE, [forged]), STATUS.ok);
  assert.is(versionAt(cluster, 0, 1, 0), version + 5, 'the cluster key does not prove the author');
  assert.is(versionAt(cluster, 1, 1, 0), version, 'its owner keeps its own version');
  assert.is(cluster.nodes[1].lossCount(COUNTER.impersonated), 1);
  serve(cluster, nowS + 420);
  for (const node of [0, 2, 3]) {
    assert.is(versionAt(cluster, node, 1, 0), versionAt(cluster, 1, 1, 0), `node ${node} stores what node 1 published`);
    assert.ok(cluster.nodes[node].lossCount(COUNTER.intentForged) > 0);
  }
  const again = cluster.inject(0, BYZANTINE, [forged]);
  assert.is(again, STATUS.ok);
  assert.is.not(
    versionAt(cluster, 0, 1, 0),
    version + 5,
    'an intent that its owner’s statement refutes is not stored again',
  );
});

byzantine('SEC-5 holds: a member contradicts at once what a frame in its own name claims that it published', () => {
  const { cluster, nowS, resource, version } = claimed();
  const forged = intentOf(cluster, { owner: 1, version: version + 5, state: INTENT_STATE.started, resource });
  for (const node of [0, 2, 3]) assert.is(cluster.inject(node, 1, [forged]), STATUS.ok);
  assert.is(
    cluster.inject(1, 1, [{ name: 'probe', sequence: 3 }]),
    STATUS.implausible,
    'no other node sends in its name',
  );
  assert.is(cluster.nodes[1].lossCount(COUNTER.impersonated), 0);
  assert.is(cluster.inject(1, 1, [{ name: 'probe', sequence: 3 }, forged]), STATUS.ok);
  assert.is(versionAt(cluster, 1, 1, 0), version);
  assert.is(cluster.nodes[1].lossCount(COUNTER.impersonated), 1);
  // One cycle until the statement is signed, one until it is sent, one until it is verified.
  serve(cluster, nowS + 180);
  for (const node of [0, 2, 3])
    assert.is(cluster.nodes[node].lossCount(COUNTER.intentForged), 1, `node ${node} retracts it`);
});

byzantine('SEC-5 holds: probes do not keep a member from sending its statement', () => {
  const { cluster, resource, version } = claimed();
  cluster.inject(1, BYZANTINE, [intentOf(cluster, { owner: 1, version: version + 5, resource })]);
  serve(cluster, cluster.nowMs / 1000 + 15);
  cluster.commands.length = 0;
  for (const asking of [0, 2, 3, BYZANTINE])
    assert.is(cluster.inject(1, asking, [{ name: 'probe', sequence: 90 }]), STATUS.ok);
  cluster.runTo(cluster.nowMs / 1000 + 16);
  const asked = new Set(cluster.commands.filter(({ fields }) => fields[0] === TYPE.verify).map(({ node }) => node));
  assert.equal([...asked].sort(), [0, 2, 3], 'all heard the statement with the next frame');
});

byzantine('SEC-5 holds: a restarted owner signs no statement on versions of an earlier boot', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  cluster.part.fill(1);
  cluster.part[1] = 0;
  cluster.boot(1, 2, true);
  // It rejects frames up to its reservation, and then hears the Byzantine node before any other.
  cluster.runTo(nowS + 180);
  cluster.commands.length = 0;
  const false1 = intentOf(cluster, {
    owner: 1,
    version: versionOf(9),
    publishedS: nowS,
    startS: nowS,
    claimS: nowS,
  });
  assert.is(cluster.inject(1, BYZANTINE, [false1]), STATUS.ok);
  assert.is(versionAt(cluster, 1, 1, 0), false1.version, 'a restarted owner may have published it');
  assert.is(cluster.inject(1, BYZANTINE, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  const signed: number[] = [];
  for (let atS = nowS + 195; atS < nowS + 1200; atS += 15) {
    cluster.runTo(atS);
    for (const { node, fields } of cluster.commands.splice(0)) {
      if (node !== 1 || fields[0] !== TYPE.sign) continue;
      signed.push(statementAt(cluster, 1, fields[FIELD.sign.ticket])!.version);
    }
  }
  // It claims anew, and signs a statement on the new claim.
  assert.ok(signed.length > 0);
  assert.ok(
    signed.every((version) => version >>> VERSION_BITS === 2),
    `versions signed: ${signed}`,
  );
});

byzantine('SEC-5 holds: an owner that claims anew after a restart signs the new version when asked', () => {
  const { cluster } = claimed();
  assert.is(cluster.inject(1, 0, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  serve(cluster, cluster.nowMs / 1000 + 60);
  // Its checkpoint has the statement of the earlier incarnation.
  cluster.restore(1, 2, cluster.checkpoint(1));
  serve(cluster, cluster.nowMs / 1000 + 600);
  const version = versionAt(cluster, 1, 1, 0) as number;
  assert.is(version >>> VERSION_BITS, 2);
  cluster.commands.length = 0;
  assert.is(cluster.inject(1, 0, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  cluster.runTo(cluster.nowMs / 1000 + 30);
  const asked = cluster.commands.find(({ node, fields }) => node === 1 && fields[0] === TYPE.sign);
  assert.ok(asked !== undefined, 'it does not send the old statement again');
  assert.is(statementAt(cluster, 1, asked.fields[FIELD.sign.ticket])!.version, version);
});

function statementFor(intent: Intent, atS: number, signer: number): Message {
  const { owner, slot, version } = intent;
  const text = { owner, slot, version, atS, digest: intentDigest(intent) };
  return { name: 'statement', ...text, signature: signStatement(seedOf(signer), CLUSTER, text) };
}

byzantine(
  'SEC-5 holds: two contradicting statements prove an equivocator to all, and its intents count no more',
  () => {
    const cluster = flown();
    const nowS = Math.floor(cluster.nowMs / 1000);
    const one = intentOf(cluster, { rate: 100 });
    const other = { ...one, rate: 120, nonce: 2 };
    cluster.inject(0, BYZANTINE, [one, statementFor(one, nowS, BYZANTINE)]);
    cluster.inject(0, BYZANTINE, [statementFor(other, nowS + 1, BYZANTINE)]);
    const notice = { group: lot.group, unit: 0, capacity: 1000, observedS: nowS, observer: BYZANTINE };
    cluster.inject(0, BYZANTINE, [{ name: 'notice', ...notice }]);
    assert.is(cluster.nodes[0].group(lot.group).capacity, 1000);
    serve(cluster, nowS + 300);
    for (const node of [0, 1, 2, 3]) {
      assert.is(
        cluster.nodes[node].group(lot.group).capacity,
        lot.capacity,
        `node ${node} believes none of its notices`,
      );
      const equivocations = cluster.events.filter(
        ({ node: who, fields }) => who === node && fields[0] === TYPE.equivocated,
      );
      assert.equal(equivocations[0]?.fields.slice(1), [BYZANTINE, 0, one.version, 1], `node ${node} knows`);
      assert.is(versionAt(cluster, node, BYZANTINE, 0), undefined, `node ${node} stores none of its intents`);
    }
    cluster.inject(0, BYZANTINE, [intentOf(cluster, { slot: 1, version: one.version + 1 })]);
    assert.is(versionAt(cluster, 0, BYZANTINE, 1), undefined);
    assert.ok(cluster.nodes[0].lossCount(COUNTER.ownerBarred) > 0);
  },
);

byzantine(
  'SEC-5 holds: a release that waits for the statement that proves its owner an equivocator is not stored',
  () => {
    const cluster = flown(0, FEATURE.signs);
    const nowS = Math.floor(cluster.nowMs / 1000);
    const work = intentOf(cluster, { state: INTENT_STATE.started });
    assert.is(cluster.inject(0, BYZANTINE, [work]), STATUS.ok);
    assert.is(versionAt(cluster, 0, BYZANTINE, 0), work.version);
    const one = { ...work, version: work.version + 1, state: INTENT_STATE.withdrawn, publishedS: nowS };
    cluster.inject(0, BYZANTINE, [statementFor(one, nowS, BYZANTINE)]);
    serve(cluster, nowS + 30);
    const laterS = Math.floor(cluster.nowMs / 1000);
    const other = { ...one, publishedS: laterS, nonce: 2 };
    cluster.inject(0, BYZANTINE, [statementFor(other, laterS, BYZANTINE), other]);
    assert.is(versionAt(cluster, 0, BYZANTINE, 0), work.version, 'the release waits');
    serve(cluster, laterS + 60);
    assert.ok(cluster.events.some(({ node, fields }) => node === 0 && fields[0] === TYPE.equivocated));
    assert.is(versionAt(cluster, 0, BYZANTINE, 0), undefined);
  },
);

byzantine('SEC-5 holds: a proof counts also for a member that has a later statement of the equivocator', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const one = intentOf(cluster, { rate: 100 });
  const later = { ...one, version: one.version + 5 };
  cluster.inject(1, BYZANTINE, [statementFor(later, nowS + 5, BYZANTINE)]);
  serve(cluster, nowS + 30);
  cluster.inject(0, BYZANTINE, [statementFor(one, nowS, BYZANTINE)]);
  cluster.inject(0, BYZANTINE, [statementFor({ ...one, rate: 120 }, nowS + 1, BYZANTINE)]);
  serve(cluster, nowS + 330);
  const knowing = cluster.events.filter(({ fields }) => fields[0] === TYPE.equivocated).map(({ node }) => node);
  assert.equal(knowing.sort(), [0, 1, 2, 3]);
});

byzantine('SEC-5 holds: nobody can be framed, for statements that another signed prove nothing', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const one = intentOf(cluster, { owner: 1, rate: 100 });
  const other = { ...one, rate: 120, nonce: 2 };
  cluster.inject(0, BYZANTINE, [statementFor(one, nowS, BYZANTINE)]);
  cluster.inject(0, BYZANTINE, [statementFor(other, nowS + 1, BYZANTINE)]);
  serve(cluster, nowS + 300);
  assert.is(cluster.events.filter(({ fields }) => fields[0] === TYPE.equivocated).length, 0);
  assert.is(cluster.nodes[0].lossCount(COUNTER.statementFalse), 2);
});

byzantine.run();

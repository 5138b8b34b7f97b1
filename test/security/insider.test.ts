import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Intent, type Message, TYPE } from '../../host/cbor/generated.ts';
import { STATUS } from '../../host/engine/status.ts';
import { nodeSignatures } from '../../host/security/signature.ts';
import { intentDigest, signStatement, statementOf, verifyStatement } from '../../host/security/statement.ts';
import { TestCluster } from '../firmware/cluster.ts';

const CLUSTER = 7;
const NODES = 5;
const BYZANTINE = 4;
const WHAT_INTENT = 2;
const WHAT_COUNTERS = 4;
const WHAT_STATEMENT = 13;
const EQUIVOCATED = 209;
const ACCEPTED = 1;
const REFUSED = 2;
const VERSION_BITS = 19;
const counter = { claim: 32, impersonated: 33, differs: 34, forged: 35, statementFalse: 36, barred: 38 } as const;

const lot = { name: 'group', group: 1, kind: 1, units: 12, capacity: 2000, stockKg: 1_000_000, loadKg: 0 } as const;

const seedOf = (node: number) => new Uint8Array(32).fill(node + 1);

function flown(ownerRateMax = 0): TestCluster {
  const cluster = new TestCluster({ nodes: NODES, features: 0, groups: [lot], ownerRateMax });
  // Its place is empty: what comes in its name is made here.
  cluster.kill(BYZANTINE);
  cluster.runTo(1300);
  return cluster;
}

/** The platforms' signature service, until nothing is asked any more. */
function serve(cluster: TestCluster, untilS: number): void {
  for (let atS = cluster.nowMs / 1000 + 15; atS <= untilS; atS += 15) {
    cluster.runTo(atS);
    for (let told = cluster.commands.shift(); told !== undefined; told = cluster.commands.shift()) {
      const [type, ticket] = told.fields;
      if (type !== TYPE.sign && type !== TYPE.verify) continue;
      const shown = statementOf(Uint32Array.from(cluster.inspect(told.node, WHAT_STATEMENT, ticket)));
      if (shown === null) continue;
      if (type === TYPE.sign) {
        assert.is(shown.owner, told.node, 'a node has nobody’s word signed but its own');
        cluster.observe(told.node, {
          name: 'signed',
          ticket,
          signature: signStatement(seedOf(told.node), CLUSTER, shown),
        });
      } else {
        const ok = verifyStatement(nodeSignatures.publicKey(seedOf(shown.owner)), CLUSTER, shown) ? 1 : 0;
        cluster.observe(told.node, { name: 'verified', ticket, ok });
      }
    }
  }
}

function intentOf(cluster: TestCluster, content: Partial<Intent>): Intent {
  const nowS = Math.floor(cluster.nowMs / 1000);
  return {
    name: 'intent',
    owner: BYZANTINE,
    slot: 0,
    version: (1 << VERSION_BITS) + 1,
    kind: 1,
    resource: (1 << 16) | 1,
    startS: nowS,
    endS: nowS + 86_400,
    rate: 150,
    priority: 1,
    state: 3,
    generation: 1,
    claimS: nowS,
    publishedS: nowS,
    nonce: 1,
    read: 0,
    leaseS: 0,
    ...content,
  };
}

const held = (cluster: TestCluster, node: number, owner: number, slot: number) =>
  cluster.inspect(node, WHAT_INTENT, owner * 8 + slot);
const counted = (cluster: TestCluster, node: number, which: number) => cluster.inspect(node, WHAT_COUNTERS)[2 * which];
const verdict = (cluster: TestCluster, node: number, owner: number, slot: number) => {
  const s = Math.floor(cluster.nowMs / 1000);
  return cluster.engine.calls.verdict(cluster.contexts[node], owner, slot, s, 0);
};

/** Node 1 works unit 3, and all hold its claim. */
function claimed() {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const resource = (1 << 16) | 3;
  const times = { startS: nowS, endS: nowS + 86_400, durationS: 0 };
  cluster.observe(1, { name: 'assign', slot: 0, kind: 1, resource, ...times, rate: 100, priority: 1 });
  serve(cluster, nowS + 120);
  const [version] = held(cluster, 1, 1, 0);
  assert.is(held(cluster, 0, 1, 0)[0], version);
  return { cluster, nowS, resource, version };
}

const insiders = suite('insiders');

insiders('SEC-5 holds: claims of one owner are accepted up to the quota of a member, and not beyond', () => {
  const cluster = flown(200);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, {})]);
  cluster.inject(0, BYZANTINE, [
    intentOf(cluster, { slot: 1, version: (1 << VERSION_BITS) + 2, resource: (1 << 16) | 2 }),
  ]);
  assert.is(verdict(cluster, 0, BYZANTINE, 0), ACCEPTED);
  assert.is(verdict(cluster, 0, BYZANTINE, 1), REFUSED, 'together they draw more than one member may');
  const whole = intentOf(cluster, { slot: 2, version: (1 << VERSION_BITS) + 3, resource: 1 << 16, rate: 2000 });
  assert.is(cluster.inject(0, BYZANTINE, [whole]), STATUS.implausible, 'one claim beyond the bound is no claim');
  assert.is(
    cluster.inject(0, BYZANTINE, [{ ...whole, slot: 6, rate: 1 }]),
    STATUS.implausible,
    'slot 6 is not for lots',
  );
  assert.ok(counted(cluster, 0, counter.claim) >= 2);
});

insiders('SEC-5 violated: without the quota all of the same claims are accepted', () => {
  const cluster = flown(0);
  cluster.inject(0, BYZANTINE, [intentOf(cluster, {})]);
  cluster.inject(0, BYZANTINE, [
    intentOf(cluster, { slot: 1, version: (1 << VERSION_BITS) + 2, resource: (1 << 16) | 2 }),
  ]);
  assert.equal([verdict(cluster, 0, BYZANTINE, 0), verdict(cluster, 0, BYZANTINE, 1)], [ACCEPTED, ACCEPTED]);
});

insiders('SEC-5 holds: of two contents under one version all members come to store the same', () => {
  const cluster = flown();
  assert.is(cluster.inject(0, BYZANTINE, [intentOf(cluster, { rate: 100 })]), STATUS.ok);
  assert.is(cluster.inject(1, BYZANTINE, [intentOf(cluster, { rate: 120, nonce: 2 })]), STATUS.ok);
  assert.is.not(held(cluster, 0, BYZANTINE, 0)[8], held(cluster, 1, BYZANTINE, 0)[8]);
  cluster.runTo(1900);
  const rates = [0, 1, 2, 3].map((node) => held(cluster, node, BYZANTINE, 0)[8]);
  assert.is(new Set(rates).size, 1, `rates held: ${rates}`);
  assert.ok([0, 1, 2, 3].some((node) => counted(cluster, node, counter.differs) > 0));
});

insiders('SEC-5 holds: a version forged in a member’s name is retracted after its signed statement', () => {
  const { cluster, nowS, resource, version } = claimed();
  const forged = intentOf(cluster, { owner: 1, version: version + 5, state: 5, resource });
  for (const node of [0, 1, 2, 3]) assert.is(cluster.inject(node, BYZANTINE, [forged]), STATUS.ok);
  assert.is(held(cluster, 0, 1, 0)[0], version + 5, 'the key of the cluster does not tell who wrote it');
  assert.is(held(cluster, 1, 1, 0)[0], version, 'its owner knows better');
  assert.is(counted(cluster, 1, counter.impersonated), 1);
  serve(cluster, nowS + 420);
  for (const node of [0, 2, 3]) {
    assert.is(held(cluster, node, 1, 0)[0], held(cluster, 1, 1, 0)[0], `node ${node} holds what node 1 published`);
    assert.ok(counted(cluster, node, counter.forged) > 0);
  }
  const again = cluster.inject(0, BYZANTINE, [forged]);
  assert.is(again, STATUS.ok);
  assert.is.not(held(cluster, 0, 1, 0)[0], version + 5, 'what its owner’s word refutes is not taken again');
});

insiders('SEC-5 holds: a member contradicts at once what a frame in its own name claims that it published', () => {
  const { cluster, nowS, resource, version } = claimed();
  const forged = intentOf(cluster, { owner: 1, version: version + 5, state: 3, resource });
  for (const node of [0, 2, 3]) assert.is(cluster.inject(node, 1, [forged]), STATUS.ok);
  assert.is(
    cluster.inject(1, 1, [{ name: 'probe', sequence: 3 }]),
    STATUS.implausible,
    'nobody else speaks in its name',
  );
  assert.is(counted(cluster, 1, counter.impersonated), 0);
  assert.is(cluster.inject(1, 1, [{ name: 'probe', sequence: 3 }, forged]), STATUS.ok);
  assert.is(held(cluster, 1, 1, 0)[0], version);
  assert.is(counted(cluster, 1, counter.impersonated), 1);
  // A cycle until the word is signed, one until it is sent, one until it is verified.
  serve(cluster, nowS + 180);
  for (const node of [0, 2, 3]) assert.is(counted(cluster, node, counter.forged), 1, `node ${node} lets go of it`);
});

insiders('SEC-5 holds: probes do not keep a member from sending its statement', () => {
  const { cluster, resource, version } = claimed();
  cluster.inject(1, BYZANTINE, [intentOf(cluster, { owner: 1, version: version + 5, resource })]);
  serve(cluster, cluster.nowMs / 1000 + 15);
  cluster.commands.length = 0;
  for (const asking of [0, 2, 3, BYZANTINE])
    assert.is(cluster.inject(1, asking, [{ name: 'probe', sequence: 90 }]), STATUS.ok);
  cluster.runTo(cluster.nowMs / 1000 + 16);
  const asked = new Set(cluster.commands.filter(({ fields }) => fields[0] === TYPE.verify).map(({ node }) => node));
  assert.equal([...asked].sort(), [0, 2, 3], 'all have heard the word with the next frame');
});

insiders('SEC-5 holds: a restarted owner signs no statement on versions of an earlier boot', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  cluster.part.fill(1);
  cluster.part[1] = 0;
  cluster.boot(1, 2, true);
  // Deaf for what it had reserved, and then told by the byzantine before anybody who knows better is heard.
  cluster.runTo(nowS + 180);
  cluster.commands.length = 0;
  const false1 = intentOf(cluster, {
    owner: 1,
    version: (1 << VERSION_BITS) + 9,
    publishedS: nowS,
    startS: nowS,
    claimS: nowS,
  });
  assert.is(cluster.inject(1, BYZANTINE, [false1]), STATUS.ok);
  assert.is(held(cluster, 1, 1, 0)[0], false1.version, 'who restarted may have published it');
  assert.is(cluster.inject(1, BYZANTINE, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  const signed: number[] = [];
  for (let atS = nowS + 195; atS < nowS + 1200; atS += 15) {
    cluster.runTo(atS);
    for (const { node, fields } of cluster.commands.splice(0)) {
      if (node !== 1 || fields[0] !== TYPE.sign) continue;
      signed.push(statementOf(Uint32Array.from(cluster.inspect(1, WHAT_STATEMENT, fields[1])))!.version);
    }
  }
  // It claims anew, and gives its word on that.
  assert.ok(signed.length > 0);
  assert.ok(
    signed.every((version) => version >>> VERSION_BITS === 2),
    `versions signed: ${signed}`,
  );
});

insiders('SEC-5 holds: an owner that claims anew after a restart signs the new version when asked', () => {
  const { cluster } = claimed();
  assert.is(cluster.inject(1, 0, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  serve(cluster, cluster.nowMs / 1000 + 60);
  // Its checkpoint has the word that it gave before.
  cluster.restore(1, 2, cluster.checkpoint(1));
  serve(cluster, cluster.nowMs / 1000 + 600);
  const [version] = held(cluster, 1, 1, 0);
  assert.is(version >>> VERSION_BITS, 2);
  cluster.commands.length = 0;
  assert.is(cluster.inject(1, 0, [{ name: 'statement-request', owner: 1, slot: 0 }]), STATUS.ok);
  cluster.runTo(cluster.nowMs / 1000 + 30);
  const asked = cluster.commands.find(({ node, fields }) => node === 1 && fields[0] === TYPE.sign);
  assert.ok(asked !== undefined, 'an old word is not told again in its place');
  assert.is(statementOf(Uint32Array.from(cluster.inspect(1, WHAT_STATEMENT, asked.fields[1])))!.version, version);
});

function statementFor(intent: Intent, atS: number, signer: number): Message {
  const { owner, slot, version } = intent;
  const text = { owner, slot, version, atS, digest: intentDigest(intent) };
  return { name: 'statement', ...text, signature: signStatement(seedOf(signer), CLUSTER, text) };
}

insiders('SEC-5 holds: two contradicting statements prove an equivocator to all, and its intents count no more', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const one = intentOf(cluster, { rate: 100 });
  const other = { ...one, rate: 120, nonce: 2 };
  cluster.inject(0, BYZANTINE, [one, statementFor(one, nowS, BYZANTINE)]);
  cluster.inject(0, BYZANTINE, [statementFor(other, nowS + 1, BYZANTINE)]);
  serve(cluster, nowS + 300);
  for (const node of [0, 1, 2, 3]) {
    const told = cluster.events.filter(({ node: who, fields }) => who === node && fields[0] === EQUIVOCATED);
    assert.equal(told[0]?.fields.slice(1), [BYZANTINE, 0, one.version, 1], `node ${node} knows`);
    assert.equal(held(cluster, node, BYZANTINE, 0), [], `node ${node} holds nothing of it`);
  }
  cluster.inject(0, BYZANTINE, [intentOf(cluster, { slot: 1, version: one.version + 1 })]);
  assert.equal(held(cluster, 0, BYZANTINE, 1), []);
  assert.ok(counted(cluster, 0, counter.barred) > 0);
});

insiders('SEC-5 holds: nobody can be framed, for statements that another signed prove nothing', () => {
  const cluster = flown();
  const nowS = Math.floor(cluster.nowMs / 1000);
  const one = intentOf(cluster, { owner: 1, rate: 100 });
  const other = { ...one, rate: 120, nonce: 2 };
  cluster.inject(0, BYZANTINE, [statementFor(one, nowS, BYZANTINE)]);
  cluster.inject(0, BYZANTINE, [statementFor(other, nowS + 1, BYZANTINE)]);
  serve(cluster, nowS + 300);
  assert.is(cluster.events.filter(({ fields }) => fields[0] === EQUIVOCATED).length, 0);
  assert.is(counted(cluster, 0, counter.statementFalse), 2);
});

insiders.run();

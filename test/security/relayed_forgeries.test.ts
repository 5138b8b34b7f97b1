// SEC-5: forged versions that come back from other members, after their owner contradicted them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESSEE_ALL,
  COUNTER,
  INSPECT,
  type Message,
  SIGNATURE_BYTES,
  STATUS,
  STATEMENT_DIGEST_BYTES,
  TYPE,
} from '../../host/cbor/generated.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { statementOf } from '../../host/security/statement.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { openedFrame, sealedFrame } from './sealed.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { claimOf, HOUR, lot, versionOf } from '../firmware/driven.ts';

const relays = suite('SEC-5: relayed forgeries');

const owner = 1;
const member = 0;
const BYZANTINE = 5;
const statementsMax = firmwareConstants('flight').get('STATEMENTS_MAX')!;

/** A claim in the owner's name that asks for no exclusive unit. */
const forgedAt = (publishedS: number, count: number) =>
  claimOf(owner, publishedS, { version: versionOf(count), resource: 1 << 16 });

/** The statements that the member stores. */
function statementsOf(cluster: TestCluster) {
  return Array.from({ length: statementsMax }, (_, i) =>
    statementOf(Uint32Array.from(cluster.inspect(member, INSPECT.statement, i))),
  ).filter((statement) => statement !== null);
}

/** A statement of another owner: the platforms of this cluster take each for true. */
function anotherStatement(cluster: TestCluster, nth: number): Message {
  const { length } = [2, 3, 4];
  return {
    ...{ name: 'statement', owner: 2 + (nth % length), slot: Math.floor(nth / length), version: 1 },
    ...{ atS: Math.floor(cluster.nowMs / 1000), digest: new Uint8Array(STATEMENT_DIGEST_BYTES) },
    signature: new Uint8Array(SIGNATURE_BYTES),
  };
}

/** The owner contradicts a forgery; then other statements replace its own at the member. */
function contradicted(): { cluster: TestCluster; atS: number } {
  const cluster = new TestCluster({ nodes: 6, features: 0, groups: [lot], signs: true });
  cluster.kill(BYZANTINE);
  cluster.runTo(HOUR);
  for (const node of [0, 1, 2, 3, 4]) cluster.inject(node, BYZANTINE, [forgedAt(HOUR, 1)]);
  assert.is(cluster.nodes[member].intent(owner, 0)?.version, forgedAt(HOUR, 1).version);
  cluster.runTo(HOUR + 60);
  assert.is(cluster.nodes[member].intent(owner, 0), undefined, 'the member retracted it');
  const signed = statementsOf(cluster).find((statement) => statement.owner === owner);
  assert.ok(signed !== undefined);
  for (const node of [1, 2, 3, 4]) cluster.kill(node);
  for (let nth = 0; nth < 2 * statementsMax; nth++) {
    cluster.inject(member, BYZANTINE, [anotherStatement(cluster, nth)]);
    if (nth % 2 === 1) cluster.runTo(cluster.nowMs / 1000 + 15);
  }
  assert.ok(
    statementsOf(cluster).every((statement) => statement.owner !== owner),
    'the statement is forgotten',
  );
  return { cluster, atS: signed.atS };
}

relays('SEC-5 holds: what was forged in the minute of the owner’s statement is refused from others', () => {
  const { cluster, atS } = contradicted();
  const refused = cluster.nodes[member].lossCount(COUNTER.intentUnsigned);
  const relayed = forgedAt(atS, 2);
  cluster.inject(member, BYZANTINE, [relayed]);
  assert.is(cluster.nodes[member].intent(owner, 0), undefined);
  assert.is(cluster.nodes[member].lossCount(COUNTER.intentUnsigned), refused + 1);
});

relays('SEC-5 holds: only the intent slot of the statement is doubted; others of its owner are taken', () => {
  const { cluster, atS } = contradicted();
  const relayed = { ...forgedAt(atS, 2), slot: 1 };
  cluster.inject(member, BYZANTINE, [relayed]);
  assert.is(cluster.nodes[member].intent(owner, 1)?.version, relayed.version);
});

relays('SEC-5 violated: what is dated a minute after the owner’s statement is stored', () => {
  const { cluster, atS } = contradicted();
  const later = forgedAt(atS + 60, 2);
  cluster.inject(member, BYZANTINE, [later]);
  assert.is(cluster.nodes[member].intent(owner, 0)?.version, later.version);
});

/** Members that ask the owner about a new version of its intent slot 1. */
function askingAbout(cluster: TestCluster): number {
  const asking = new Set<number>();
  cluster.jam = (sender) => {
    if (openedFrame(cluster.onAir()).messages.some((m) => m.name === 'statement-request' && m.slot === 1))
      asking.add(sender);
    return false;
  };
  const version = { ...forgedAt(Math.floor(cluster.nowMs / 1000), 9), slot: 1 };
  for (const node of [0, 2, 3, 4]) cluster.inject(node, BYZANTINE, [version]);
  cluster.runTo(cluster.nowMs / 1000 + 60);
  return asking.size;
}

/** A cluster some time after a forgery that all members retracted; or without a forgery. */
function warned(isForged: boolean, laterS: number): TestCluster {
  const cluster = new TestCluster({ nodes: 6, features: 0, groups: [lot], signs: true });
  cluster.kill(BYZANTINE);
  cluster.runTo(HOUR);
  if (isForged) for (const node of [0, 1, 2, 3, 4]) cluster.inject(node, BYZANTINE, [forgedAt(HOUR, 1)]);
  cluster.runTo(HOUR + laterS);
  for (const node of isForged ? [0, 2, 3, 4] : [])
    assert.ok(cluster.nodes[node].lossCount(COUNTER.intentForged) > 0, `node ${node} retracted it`);
  return cluster;
}

relays('SEC-5 holds: within an hour of a forgery several members ask about each version', () => {
  assert.ok(askingAbout(warned(true, 120)) >= 2);
});

relays('SEC-5 violated: without a forgery, or two hours after one, none of these members asks', () => {
  assert.is(askingAbout(warned(false, 120)), 0);
  assert.is(askingAbout(warned(true, 2 * HOUR)), 0);
});

const contents = [1, 2];

/** The Byzantine node signs one content for node 0 and another for node 1. */
function signedApart(addressees: readonly number[]): TestCluster {
  const cluster = new TestCluster({ nodes: 6, features: 0, groups: [lot], signs: true });
  cluster.kill(BYZANTINE);
  cluster.runTo(HOUR);
  const counter = cycleAt(HOUR, BYZANTINE);
  for (const [node, content] of contents.entries()) {
    const statement: Message = {
      ...{ name: 'statement', owner: BYZANTINE, slot: 0, version: 1, atS: HOUR },
      digest: new Uint8Array(STATEMENT_DIGEST_BYTES).fill(content),
      signature: new Uint8Array(SIGNATURE_BYTES),
    };
    const frame = sealedFrame({ sender: BYZANTINE, addressee: addressees[node], counter }, [statement]);
    assert.is(cluster.hand(node, frame), STATUS.ok);
  }
  cluster.runTo(HOUR + 300);
  return cluster;
}

/** The members to which the Byzantine node is a proven equivocator. */
const provenTo = (cluster: TestCluster) =>
  new Set(cluster.events.filter(({ fields }) => fields[0] === TYPE.equivocated).map(({ node }) => node)).size;

relays('SEC-5 holds: two statements on one version, each sent to one member alone, are proved to all', () => {
  assert.is(provenTo(signedApart([0, 1])), 5);
});

relays('SEC-5 violated: a statement that was broadcast is not passed on', () => {
  assert.is(provenTo(signedApart([ADDRESSEE_ALL, ADDRESSEE_ALL])), 0);
});

relays.run();

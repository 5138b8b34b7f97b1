// SEC-5, INT-5: which versions in an owner's name release its unit only with its statement.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  COUNTER,
  CUT_LAG_S,
  type Intent,
  INTENT_STATE,
  LEASE_S,
  OUTLOOK_KIND,
  ROUND_S,
} from '../../host/cbor/generated.ts';
import type { Frame } from '../../host/security/frame.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, HOUR, lot } from '../firmware/driven.ts';
import { type ExecutionWatch, watched } from '../firmware/watch.ts';
import { openedFrame } from './sealed.ts';

const releases = suite('SEC-5: forged releases');

const owner = 1;
const member = 0;
const others = [0, 2, 3, 4];
const BYZANTINE = 3;
/** A round begins. */
const beginS = 2 * HOUR;
assert.is(beginS % ROUND_S, 0);

/** Which frames are lost, besides none. */
type Loses = (messages: Frame['messages'], sender: number, receiver: number) => boolean;

const isStart = (message: Frame['messages'][number]) =>
  message.name === 'intent' && message.owner === owner && message.state === INTENT_STATE.started;
const losesStarts: Loses = (messages, sender) => sender === owner && messages.some(isStart);
const losesStatements: Loses = (messages) => messages.some(({ name }) => name === 'statement');

const nowOf = (cluster: TestCluster) => Math.floor(cluster.nowMs / 1000);
const storedAt = (cluster: TestCluster, node: number) => cluster.nodes[node].intent(owner, 0);

interface Flight {
  cluster: TestCluster;
  /** The owner's newest version that was on the air. */
  published: () => Intent;
  watch: ExecutionWatch;
}

/** Flies a cluster to `untilS`; the owner claims a unit at `claimS`. */
function flown(claimS: number, untilS: number, loses?: Loses, signs = true): Flight {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], signs });
  const watch = watched(cluster);
  let newest: Intent | undefined;
  const record: Loses = (messages, sender, receiver) => {
    for (const message of messages)
      if (message.name === 'intent' && message.owner === owner && sender === owner) newest = message;
    return loses?.(messages, sender, receiver) ?? false;
  };
  hear(cluster, record);
  cluster.runTo(claimS);
  assign(cluster, owner, claimS, claimS + DAY);
  cluster.runTo(untilS);
  return { cluster, published: () => newest!, watch };
}

function hear(cluster: TestCluster, loses: Loses): void {
  cluster.jam = (sender, receiver) => loses(openedFrame(cluster.onAir()).messages, sender, receiver);
}

/** A flight in which the owner works the unit and all store that. */
function worked(): Flight {
  const flight = flown(beginS - 60, beginS + HOUR + 120);
  assert.is(flight.cluster.nodes[owner].own(0).running, 1);
  assert.is(storedAt(flight.cluster, member)?.state, INTENT_STATE.started);
  return flight;
}

/** A flight in which the owner works the unit and the others store its claim only. */
function startLost(): Flight {
  const flight = flown(beginS - ROUND_S - 60, beginS + 200, losesStarts);
  assert.is(flight.cluster.nodes[owner].own(0).running, 1);
  for (const node of others) assert.is(storedAt(flight.cluster, node)?.state, INTENT_STATE.claimed);
  return flight;
}

/** Hands a node a version that changes the stored one so; returns it. */
function forge({ cluster, published }: Flight, node: number, changes: Partial<Intent>, sender = BYZANTINE): Intent {
  const stored = storedAt(cluster, node)!;
  const next = { version: stored.version + 1, publishedS: nowOf(cluster) };
  const forged = { ...published(), state: stored.state, ...next, ...changes };
  cluster.inject(node, sender, [forged]);
  return forged;
}

const isStored = (flight: Flight, changes: Partial<Intent>): boolean =>
  forge(flight, member, changes).version === storedAt(flight.cluster, member)?.version;

const withdrawn: Partial<Intent> = { state: INTENT_STATE.withdrawn };
const ofWork: [string, (started: Intent) => Partial<Intent>][] = [
  ['ends it', () => withdrawn],
  ['makes it a claim again', () => ({ state: INTENT_STATE.claimed })],
  ['moves it to another unit', ({ resource }) => ({ resource: resource + 1 })],
  ['lets it end earlier', ({ endS }) => ({ endS: endS - HOUR })],
  ['lets it start later', ({ endS }) => ({ startS: endS - HOUR })],
  ['lowers its priority', () => ({ priority: 0 })],
  ['draws its order anew', ({ nonce }) => ({ nonce: nonce + 1 })],
  ['gives it a later claim time', ({ claimS }) => ({ claimS: claimS + 1 })],
];

for (const [name, changes] of ofWork) {
  releases(`SEC-5 holds: a version that ${name} is refused without the owner’s statement`, () => {
    const flight = worked();
    const lossCount = () => flight.cluster.nodes[member].lossCount(COUNTER.intentUnsigned);
    const before = lossCount();
    const release = changes(flight.published());
    assert.is(isStored(flight, release), false);
    assert.is(isStored(flight, { ...release, publishedS: flight.published().publishedS + 1 }), false, 'dated back');
    assert.is(lossCount(), before + 2);
  });
}

releases('SEC-5 holds: a version that releases nothing is stored without a statement', () => {
  const flight = worked();
  assert.is(isStored(flight, { rate: flight.published().rate - 1 }), true);
});

releases('SEC-5 holds: another content under the version of started work releases nothing', () => {
  const flight = worked();
  const { version } = flight.published();
  const { cluster } = flight;
  const before = cluster.nodes[member].lossCount(COUNTER.intentDiffers);
  for (let nonce = 1; nonce <= 8; nonce += 1) {
    forge(flight, member, { ...withdrawn, version, nonce });
    assert.is(storedAt(cluster, member)?.state, INTENT_STATE.started, `nonce ${nonce}`);
  }
  assert.ok(cluster.nodes[member].lossCount(COUNTER.intentDiffers) > before, 'the conflict is noticed');
});

releases('SEC-5 holds: a version that shortens an extended lease is refused without the owner’s statement', () => {
  const flight = worked();
  const { cluster } = flight;
  const fromS = nowOf(cluster) + HOUR;
  cluster.observe(owner, { name: 'outlook', fromS, untilS: fromS + 5 * HOUR, kind: OUTLOOK_KIND.occultation });
  cluster.runTo(fromS);
  const { leaseS } = storedAt(cluster, member)!;
  assert.ok(leaseS > fromS + 5 * HOUR, `extended to ${leaseS}`);
  assert.is(isStored(flight, { leaseS: 0 }), false);
  assert.is(isStored(flight, { leaseS: leaseS - 1 }), false);
  assert.is(isStored(flight, { leaseS: leaseS + 1 }), true);
});

releases('SEC-5 holds: a claim that may have settled is released with its owner’s statement only', () => {
  const flight = startLost();
  assert.is(isStored(flight, withdrawn), false);
  assert.is(isStored(flight, { resource: flight.published().resource + 1 }), false);
  // In two steps: a claim that looks young, and then its withdrawal.
  assert.is(isStored(flight, { claimS: nowOf(flight.cluster) }), false);
  assert.is(isStored(flight, { rate: 1 }), true);
  assert.is(isStored(flight, withdrawn), false);
});

releases('SEC-5 holds: a claim that is in no digest yet is withdrawn without a statement', () => {
  // Both after the cut of the next round.
  const cutS = beginS + ROUND_S - CUT_LAG_S;
  const flight = flown(cutS + 20, cutS + 90);
  assert.is(storedAt(flight.cluster, member)?.state, INTENT_STATE.claimed);
  assert.is(isStored(flight, withdrawn), true);
});

releases('INT-5 holds: forged withdrawals of a claim whose start was lost give the unit to nobody else', () => {
  const { cluster, published, watch } = startLost();
  // The owner hears no forgery, and what it sends of its intent is lost.
  hear(cluster, (messages, sender) => sender === owner && messages.some((m) => m.name === 'intent'));
  const forged = { ...published(), ...withdrawn, version: published().version + 1, publishedS: nowOf(cluster) };
  for (const node of others) cluster.inject(node, BYZANTINE, [forged]);
  cluster.runTo(nowOf(cluster) + 60);
  assign(cluster, 2, nowOf(cluster), nowOf(cluster) + DAY);
  cluster.runTo(beginS + LEASE_S / 2);
  assert.is(cluster.nodes[owner].own(0).running, 1, 'the owner works until its lease ends');
  cluster.runTo(beginS + 2 * HOUR);
  assert.equal(watch.doubles, []);
});

/** An owner in contact objects within this time. */
const objectionS = firmwareConstants('flight').get('OBJECTION_S')!;

/** Repeats a release every minute. Returns the minute in which the member stores it, if any. */
function storedInMinute(flight: Flight, minutes: number): number | null {
  const { cluster } = flight;
  const version = storedAt(cluster, member)!.version + 1;
  const publishedS = nowOf(cluster);
  for (let minute = 0; minute <= minutes; minute += 1) {
    forge(flight, member, { ...withdrawn, version, publishedS });
    if (storedAt(cluster, member)?.version === version) return minute;
    cluster.runTo(publishedS + (minute + 1) * 60);
  }
  return null;
}

releases('SEC-5 holds: an owner that is asked objects in time, however often its release is forged', () => {
  const flight = worked();
  assert.is(storedInMinute(flight, 40), null);
  assert.is(flight.cluster.nodes[owner].own(0).running, 1);
});

releases('SEC-5 violated: a release of an owner that is heard and does not answer is stored after ten minutes', () => {
  const flight = worked();
  hear(flight.cluster, losesStatements);
  const minute = storedInMinute(flight, 40);
  assert.ok(minute !== null && minute > objectionS / 60 && minute < 2 * (objectionS / 60), `minute ${minute}`);
});

releases('SEC-5 violated: a node whose platform does not sign stores releases without a statement', () => {
  const flight = flown(beginS - 60, beginS + HOUR, undefined, false);
  assert.is(storedAt(flight.cluster, member)?.state, INTENT_STATE.started);
  assert.is(isStored(flight, withdrawn), true);
});

releases('SEC-5 holds: a release of an owner that is not heard is stored by nobody', () => {
  const flight = worked();
  hear(flight.cluster, (_, sender, receiver) => sender === owner || receiver === owner);
  assert.is(storedInMinute(flight, Math.floor(LEASE_S / 60) - 1), null);
});

releases('SEC-5 holds: a contradicted forgery leaves no gap before the version that the statement confirms', () => {
  const flight = worked();
  const { cluster } = flight;
  const { version } = flight.published();
  const before = cluster.nodes[member].lossCount(COUNTER.intentForged);
  const forged = forge(flight, member, { rate: 1 });
  assert.is(storedAt(cluster, member)?.version, forged.version);
  cluster.inject(owner, BYZANTINE, [forged]);
  for (let step = 0; step < 120; step += 1) {
    cluster.runTo(nowOf(cluster) + 1);
    assert.ok(storedAt(cluster, member) !== undefined, `without a record ${step} s after the forgery`);
  }
  assert.ok(cluster.nodes[member].lossCount(COUNTER.intentForged) > before, 'the forgery was contradicted');
  assert.is(storedAt(cluster, member)?.version, version);
  assert.is(cluster.nodes[member].viewDigest(), cluster.nodes[2].viewDigest(), 'the digest is as before');
});

releases('SEC-5 holds: a forged release is refused while a contradicted forgery holds the place of its version', () => {
  const flight = worked();
  const { cluster } = flight;
  const { version } = flight.published();
  const forged = forge(flight, member, { rate: 1 });
  // The member hears the statement once, and no version after it: the signature is verified later.
  let heard = false;
  hear(cluster, (messages, _, receiver) => {
    if (receiver !== member) return false;
    const isLost = heard;
    heard ||= messages.some((m) => m.name === 'statement' && m.owner === owner);
    return isLost;
  });
  cluster.inject(owner, BYZANTINE, [forged]);
  cluster.runTo(nowOf(cluster) + 60);
  assert.is(storedAt(cluster, member)?.version, version - 1, 'a placeholder');
  const release = forge(flight, member, { ...withdrawn, version: version + 7 }, owner);
  assert.is(storedAt(cluster, member)?.version, version - 1, `not version ${release.version}`);
});

releases.run();

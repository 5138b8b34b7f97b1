// The edge module rule by rule: what frames ask of a node and say, what calls answer.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CYCLE_S,
  COUNTER,
  INSPECT,
  LIVENESS,
  type Message,
  OUTLOOK_KIND,
  OWN_SLOTS,
  SIGNATURE_BYTES,
  STATUS,
  STATUS_MASK,
  TYPE,
  VERDICT,
  WORK_KIND,
} from '../../host/cbor/generated.ts';
import { encodeMessage, joinBytes } from '../../host/cbor/message.ts';
import { cycleAt } from '../../host/security/cycle.ts';
import { LoneNode, slotS } from '../schedule/node.ts';
import { messagesAt } from '../security/fuzz/steps.ts';
import { cause, PersistentNode } from '../security/persistence.ts';
import { openedFrame, sealedBytes, sealedFrame, testKeys } from '../security/sealed.ts';
import { smallWorld, TestCluster } from './cluster.ts';
import { type DirectBoot, DirectNode } from './direct_node.ts';

const rules = suite('edge, rule by rule');

const members = 12;
const startS = 6000;
const codeOf = (status: number) => status & STATUS_MASK;

/** A node at a quarter of a second after its TDMA slot, with reserved counters and empty rings. */
function ready(boot: DirectBoot = {}): DirectNode {
  const node = new DirectNode({ bootMs: (startS - 20 * CYCLE_S) * 1000, groups: smallWorld, ...boot });
  node.tick();
  assert.is(codeOf(node.observe({ name: 'counters-reserved', cycle: startS / CYCLE_S + 200 })), STATUS.ok);
  for (let back = 12; back >= 0; back--) {
    node.nowMs = (startS - back * CYCLE_S) * 1000 + Math.floor((boot.config?.self ?? 0) * 62.5);
    node.tick();
    node.transmit();
  }
  node.commands();
  node.events();
  assert.is(node.node().outbox, 0);
  node.nowMs += 250;
  return node;
}

function give(node: DirectNode, sender: number, ...messages: Message[]): void {
  assert.is(codeOf(node.receive(sender, messages)), STATUS.ok);
  node.tick();
}

/** Runs to the next TDMA slot: the addressee and the messages of the frame there. */
function nextFrame(node: DirectNode) {
  node.nowMs = (Math.floor(node.nowMs / 1000 / CYCLE_S) + 1) * CYCLE_S * 1000;
  node.tick();
  const { header, messages } = openedFrame(node.transmit());
  return { addressee: header.addressee, messages: messages as Message[] };
}

const of = <Name extends Message['name']>(messages: readonly Message[], name: Name) =>
  messages.filter((message): message is Extract<Message, { name: Name }> => message.name === name);

rules('MBR-1 holds: an ack says which probe it answers', () => {
  const node = ready();
  give(node, 3, { name: 'probe', sequence: 77 });
  const { addressee, messages } = nextFrame(node);
  assert.is(addressee, 3);
  assert.equal(
    of(messages, 'ack').map(({ sequence }) => sequence),
    [77],
  );
});

rules('MBR-1 holds: a node probes for a member that asks, and reports the ack to it', () => {
  const node = ready();
  give(node, 3, { name: 'probe-request', sequence: 5, target: 7 });
  const probe = nextFrame(node);
  assert.is(probe.addressee, 7);
  const [{ sequence }] = of(probe.messages, 'probe');
  give(node, 7, { name: 'ack', sequence });
  const report = nextFrame(node);
  assert.is(report.addressee, 3);
  assert.equal(of(report.messages, 'relayed-ack'), [{ name: 'relayed-ack', sequence: 5, target: 7 }]);
});

rules('MBR-1 holds: a node that is suspected says that it lives, under a higher incarnation', () => {
  const node = ready();
  give(node, 3, { name: 'suspicion', member: 0, incarnation: 9000 });
  const [alive, ...more] = of(nextFrame(node).messages, 'alive');
  assert.equal(more, []);
  assert.is(alive.member, 0);
  for (const [suspected, refuted] of [
    [alive.incarnation - 1, alive.incarnation],
    [alive.incarnation - 2, alive.incarnation - 1],
  ]) {
    const other = ready();
    give(other, 3, { name: 'suspicion', member: 0, incarnation: suspected });
    assert.is(of(nextFrame(other).messages, 'alive')[0].incarnation, refuted);
  }
});

rules('MBR-1 holds: a list of silent members names those that are silent, and only those', () => {
  const cluster = new TestCluster({ nodes: 8, features: 0, preset: 'tiny' });
  // One member was silent for an hour, and is heard again long before the lists are sent.
  const [dead, back, apart] = [5, 6, 7];
  const named = new Set<number>();
  cluster.jam = (sender) => {
    const { messages } = openedFrame(cluster.onAir());
    for (const { entries } of sender === apart ? [] : of(messages as Message[], 'silent-list'))
      for (const { member } of entries) named.add(member);
    return false;
  };
  cluster.mayRefuse = () => true;
  cluster.runTo(1800);
  cluster.kill(dead);
  cluster.part[apart] = 1;
  cluster.part[back] = 2;
  cluster.runTo(5400);
  for (const member of [dead, back, apart])
    assert.is.not(cluster.nodes[0].member(member).state, LIVENESS.alive, `member ${member} was silent`);
  cluster.part[back] = 0;
  cluster.runTo(3 * 3600);
  named.clear();
  cluster.part[apart] = 0;
  cluster.runTo(4 * 3600);
  named.delete(apart);
  assert.equal([...named], [dead]);
});

rules('TIM-1 violated: a node without the time takes nothing but the time from a frame', () => {
  const node = new DirectNode({ facts: { timeKnown: false } });
  node.tick();
  const before = node.node().outbox;
  for (const message of [
    { name: 'probe', sequence: 1 },
    { name: 'suspicion', member: 0, incarnation: 1 },
  ] as const)
    assert.is(codeOf(node.hand(sealedFrame({ sender: 3, counter: message.name.length }, [message]))), STATUS.ok);
  node.tick();
  assert.is(node.node().outbox, before);
});

rules('a message of an unknown type is passed over and counted, and no other is', () => {
  const node = ready();
  const known = encodeMessage({ name: 'probe', sequence: 1 });
  const unknown = Uint8Array.of(0x82, 0x18, 70, 0x18, 99);
  const frame = (counter: number, ...parts: Uint8Array[]) =>
    sealedBytes({ sender: 3, keyEpoch: 1, counter: cycleAt(startS, 3) - counter }, joinBytes(parts));
  assert.is(codeOf(node.hand(frame(1, known))), STATUS.ok);
  assert.is(node.lossCount(COUNTER.messageUnknown), 0);
  const before = node.node().outbox;
  const other = encodeMessage({ name: 'probe', sequence: 2 });
  assert.is(codeOf(node.hand(frame(2, unknown, other, unknown))), STATUS.ok);
  assert.is(node.lossCount(COUNTER.messageUnknown), 2);
  assert.is(node.node().outbox, before + 1, 'the message between them was taken');
});

const digest = (byte: number) => new Uint8Array(16).fill(byte);
const signature = new Uint8Array(SIGNATURE_BYTES);
/** The messages of signed statements, of this owner. */
const signedOf = (owner: number): Message[] => [
  { ...{ name: 'statement', owner, slot: 1, version: 7 }, atS: startS, digest: digest(1), signature } as const,
  {
    ...({ name: 'proof', owner, slot: 1, version: 7 } as const),
    ...{ atA: startS, digestA: digest(1), signatureA: signature },
    ...{ atB: startS, digestB: digest(2), signatureB: signature },
  },
  { name: 'statement-request', owner, slot: 1 },
];

rules('SEC-4 holds: a message that ends early is malformed, whatever its type and wherever it ends', () => {
  for (const message of [...messagesAt(startS, members), ...signedOf(2)]) {
    const whole = encodeMessage(message);
    const node = ready();
    for (let length = 2; length < whole.length; length++) {
      const sender = 1 + (length % (members - 1));
      const counter = cycleAt(startS, sender) - Math.floor(length / (members - 1));
      const frame = sealedBytes({ sender, keyEpoch: 1, counter }, whole.subarray(0, length));
      assert.is(codeOf(node.hand(frame)), STATUS.malformed, `${message.name}, ${length} of ${whole.length} bytes`);
    }
  }
});

rules('SEC-4 holds: a signed statement of an owner that does not exist is implausible', () => {
  for (const [owner, status] of [
    [2, STATUS.ok],
    [members, STATUS.implausible],
    [0xffff, STATUS.implausible],
  ])
    for (const message of signedOf(owner)) assert.is(codeOf(ready().receive(3, [message])), status, message.name);
});

const shares: [number, (index: number) => Message][] = [
  [4, (index) => ({ name: 'probe', sequence: index })],
  [4, (index) => ({ name: 'probe-request', sequence: index, target: 7 })],
  [
    4,
    (index) =>
      index % 2 === 0 ? { name: 'probe', sequence: index } : { name: 'probe-request', sequence: 1, target: 7 },
  ],
  [6, (index) => ({ name: 'sync-digest', salt: index, parts: new Uint8Array(6) })],
  [6, (index) => ({ name: 'owner-summary', owner: index, answer: 0, entries: [] })],
  [6, () => ({ name: 'notice-summary', answer: 0, entries: [] })],
];

rules('SEC-4 holds: a frame gets its share of answers, whatever it asks for, and the rest is counted', () => {
  const asked = 10;
  for (const [share, message] of shares) {
    const node = ready();
    const messages = Array.from({ length: asked }, (_, index) => message(index + 1));
    give(node, 3, ...messages);
    assert.is(node.lossCount(COUNTER.exchangesFull), asked - share, messages.map(({ name }) => name).join());
    give(node, 4, ...messages.slice(0, share));
    assert.is(node.lossCount(COUNTER.exchangesFull), asked - share, 'the next frame has its own share');
  }
});

rules('CVG-2 holds: an outlook that the platform reports is a disruption', () => {
  for (const kind of [OUTLOOK_KIND.occultation, OUTLOOK_KIND.storm]) {
    const cluster = new TestCluster({ nodes: 3, features: 0, preset: 'tiny' });
    cluster.runTo(3600);
    const before = cluster.nodes[0].view().disruptions;
    assert.is(cluster.observe(0, { name: 'outlook', fromS: 9000, untilS: 12_600, kind }), STATUS.ok);
    assert.is(cluster.nodes[0].view().disruptions - before, 1, `kind ${kind}`);
  }
});

rules('INT-3 violated: work that runs is not replaced by an assignment to its intent slot', () => {
  const node = new LoneNode({}, 36_000);
  const work = { name: 'assign', kind: WORK_KIND.mine, durationS: 0, priority: 1 } as const;
  const claim = { ...work, slot: 0, resource: (1 << 16) | 1, rate: 100, startS: 37_800, endS: 37_800 + 20 * slotS };
  node.observe(claim);
  while (node.missionS < 40_000) {
    node.runTo(node.missionS + 300);
    node.observe({ name: 'health', tasks: 255, batteryWh: 9000, storedKg: 0, solarW: 4000 });
  }
  assert.ok(node.isRunning(0));
  const { settledVersion } = node.own(0);
  assert.is(node.observe({ ...claim, resource: (1 << 16) | 2, startS: 50_000, endS: 60_000 }), STATUS.implausible);
  assert.is(node.own(0).settledVersion, settledVersion);
  assert.is(node.observe({ ...claim, slot: 1, resource: (1 << 16) | 2, startS: 50_000, endS: 60_000 }), STATUS.ok);
});

rules('SEC-1 holds: a call that sends nothing uses up no counter', () => {
  const node = ready();
  give(node, 3, { name: 'probe', sequence: 1 });
  node.nowMs = (startS + CYCLE_S) * 1000;
  node.tick();
  const { sentCounter } = node.keys();
  assert.is(node.transmit(255).length, 0, 'the buffer is too short');
  assert.is(node.keys().sentCounter, sentCounter);
  assert.ok(node.transmit().length > 0);
  assert.ok(node.keys().sentCounter > sentCounter);
});

/** An assignment to an intent slot, of a unit of its own. */
const assignTo = (slot: number): Message => ({
  ...{ name: 'assign', slot, kind: WORK_KIND.mine, resource: (1 << 16) | (slot + 1), rate: 100, priority: 1 },
  ...{ durationS: 0, startS: startS + 3600, endS: startS + 20_000 },
});

rules('a verdict on an owner or intent slot that does not exist is unknown', () => {
  const node = ready();
  for (const slot of [0, 5]) assert.is(codeOf(node.observe(assignTo(slot))), STATUS.ok);
  for (const slot of [0, 5]) assert.is(node.verdict(0, slot), VERDICT.accepted);
  const other = ready({ config: { self: 1 } });
  for (const [owner, slot] of [
    [0, OWN_SLOTS],
    [0, 13],
    [200, 0],
    [201, 5],
    [0xffff, 0],
    [0x7fff_ffff, 0],
    [0, 0x7fff_ffff],
  ]) {
    assert.is(node.verdict(owner, slot), VERDICT.unknown, `owner ${owner}, intent slot ${slot}`);
    assert.is(other.verdict(owner, slot), VERDICT.unknown);
  }
});

rules('an intent slot beyond those of an owner is not the first intent slot of the next owner', () => {
  const node = ready({ config: { self: 1 } });
  assert.is(codeOf(node.observe(assignTo(0))), STATUS.ok);
  assert.is(node.verdict(1, 0), VERDICT.accepted);
  assert.is(node.verdict(0, OWN_SLOTS), VERDICT.unknown);
});

rules('inspect answers nothing about what does not exist', () => {
  const node = ready();
  for (const [what, index] of [
    [INSPECT.statement, 0],
    [INSPECT.statement, 0xffff],
    [INSPECT.intent, 0],
    [INSPECT.member, members],
    [INSPECT.pendingHead, 0],
  ])
    assert.equal(node.inspect(what, index), [], `${what}: ${index}`);
});

rules('SEC-1 holds: a restore takes the keys of its configuration, and keeps those of its checkpoint', () => {
  const keys = testKeys.member(0);
  const secret = { keyEpoch: 2, startS: 0, secret: testKeys.secret(2) };
  const node = new PersistentNode(keys);
  node.boot();
  node.runTo(600);
  const checkpoint = node.checkpoint();
  for (const [given, newest] of [
    [{ ...keys, secrets: [...keys.secrets, secret] }, 2],
    [keys, 1],
  ] as const) {
    const restored = new PersistentNode(given);
    const facts = { incarnation: 2, missionMs: 600_000, reserved: node.reserved };
    restored.boot({ cause: cause.watchdog, checkpoint, facts });
    assert.is(restored.keys().newestKeyEpoch, newest);
  }
});

rules('INT-1 holds: where no frame is lost, every claim has read its competitors', () => {
  const cluster = new TestCluster({ nodes: 6 });
  cluster.runTo(2 * 3600);
  const claims = cluster.events.filter(({ fields }) => fields[0] === TYPE.published).length;
  assert.ok(claims > 6, `${claims} claims`);
  assert.equal(
    cluster.nodes.map((node) => node.lossCount(COUNTER.claimUnread)),
    Array(6).fill(0),
  );
});

rules.run();

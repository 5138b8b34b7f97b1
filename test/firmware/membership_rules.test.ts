// Rules of membership: probes and health, clock samples, agreement, what a restart forgets.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FIELD,
  type Heartbeat,
  LIVENESS,
  LIVENESS_TICK_S,
  type Message,
  ROUND_S,
  STATUS,
  STATUS_MASK,
  TYPE,
} from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { heartbeatAt } from '../security/fuzz/steps.ts';
import { openedFrame } from '../security/sealed.ts';
import type { TestCluster } from './cluster.ts';
import { DirectNode, reservedNode } from './direct_node.ts';
import { driven, HOUR, split } from './driven.ts';
import { roundFrom } from './times.ts';

const rules = suite('membership, rule by rule');

const limits = firmwareConstants('flight');
const ticksUntilSilent = limits.get('TICKS_UNTIL_SILENT')!;
const healthMax = limits.get('HEALTH_MAX')!;
const samplesMin = limits.get('CLOCK_SAMPLES_MIN')!;
const cycleMs = 15_000;

interface Sent {
  to: number;
  message: Message;
}

/** Ticks a node four times a second for so many TDMA cycles; gives what it sends. */
function* sentIn(node: DirectNode, cycles: number): Generator<Sent> {
  const endMs = node.nowMs + cycles * cycleMs;
  for (; node.nowMs < endMs; node.nowMs += 250) {
    node.tick();
    const frame = node.transmit();
    if (frame.length === 0) continue;
    const { header, messages } = openedFrame(frame);
    for (const message of messages as Message[]) yield { to: header.addressee, message };
  }
}

/** Has members 1 and on give a sign of life. */
function allHeard(node: DirectNode, members: number): void {
  node.tick();
  for (let member = 1; member < members; member += 1)
    assert.is(node.receive(member, [{ name: 'probe', sequence: 1 }]) & STATUS_MASK, STATUS.ok);
}

/** A node that nobody answered for so long that its health score is high, and asks relays. */
function unheard(members: number): DirectNode {
  const node = reservedNode({ config: { members } });
  for (const _ of sentIn(node, 4));
  allHeard(node, members);
  for (const _ of sentIn(node, 4));
  assert.is(node.view().health, 0, 'who was heard lately is not doubted');
  for (const _ of sentIn(node, 16));
  assert.ok(node.view().health >= 1 && node.view().health < healthMax, `health ${node.view().health}`);
  return node;
}

/** Runs a node until it sends a message of this name; fails if it does not in two periods. */
function nextSent<Name extends Message['name']>(node: DirectNode, name: Name) {
  for (const { to, message } of sentIn(node, 8))
    if (message.name === name) return { to, message: message as Extract<Message, { name: Name }> };
  throw new Error(`no ${name} was sent`);
}

rules('MBR-1 holds: an ack lowers the health score by one, once, and one to another probe does not', () => {
  const node = unheard(6);
  const { to, message } = nextSent(node, 'probe');
  const before = node.view().health;
  const ack = (sequence: number) => node.receive(to, [{ name: 'ack', sequence }]);
  ack(message.sequence - 1);
  assert.is(node.view().health, before);
  ack(message.sequence);
  assert.is(node.view().health, before - 1);
  ack(message.sequence);
  assert.is(node.view().health, before - 1);
});

/** Whether a node suspects the member that it asks relays about. */
function isSuspected(isAnswered: boolean): boolean {
  const node = unheard(6);
  const { to, message } = nextSent(node, 'probe-request');
  const { sequence, target } = message;
  const before = node.view().health;
  if (isAnswered) node.receive(to, [{ name: 'relayed-ack', sequence, target }]);
  assert.is(node.view().health, isAnswered ? before - 1 : before);
  const sent: Sent[] = [];
  for (let cycle = 0; cycle < 6; cycle += 1) {
    // A node that hears nobody suspects nobody.
    node.tick();
    node.receive(to, [heartbeatAt(node.node().missionS, 6)]);
    sent.push(...sentIn(node, 1));
  }
  return sent.some(({ message }) => message.name === 'suspicion' && message.member === target);
}

rules('MBR-1 holds: whom no relay reaches is suspected, and not one for whom a relay answers', () => {
  assert.ok(isSuspected(false));
  assert.not(isSuspected(true));
});

/** Mission time of a node against local time, milliseconds. */
function aheadMs(node: DirectNode): number {
  const { missionS, missionMs } = node.node();
  return missionS * 1000 + missionMs - node.nowMs;
}

rules('TIM-1 holds: a known clock moves an eighth of the way to a peer', () => {
  for (const offMs of [1600, -1600]) {
    const node = reservedNode({ config: { members: 8 } });
    node.nowMs = 100_000;
    node.tick();
    const peerMs = node.nowMs + offMs;
    node.receive(1, [{ ...heartbeatAt(Math.floor(peerMs / 1000), 8), timeMs: peerMs % 1000 } as Heartbeat]);
    node.tick();
    // The air time of the frame, some 30 ms, comes on top.
    const movedMs = aheadMs(node) - offMs / 8;
    assert.ok(movedMs >= 0 && movedMs <= 6, `${movedMs} ms`);
  }
});

/** Whether a clock is learnt from samples of which the last differs by so much from the first. */
function isLearnt(apartMs: number): boolean {
  const node = new DirectNode({ config: { members: 8 }, facts: { timeKnown: false } });
  for (let sample = 0; sample < samplesMin; sample += 1) {
    node.runTo(700_000 + sample * 61_000);
    assert.is(node.node().timeKnown, 0);
    const peerMs = node.nowMs + 5_000_000 + (sample === samplesMin - 1 ? apartMs : 0);
    const heartbeat = { ...heartbeatAt(Math.floor(peerMs / 1000), 8), timeMs: peerMs % 1000 } as Heartbeat;
    node.receive(1 + sample, [heartbeat]);
    node.tick();
  }
  return node.node().timeKnown === 1;
}

rules('TIM-1 holds: samples that differ by two seconds agree, and a clock is learnt; by more they do not', () => {
  for (const sign of [1, -1]) {
    assert.ok(isLearnt(2000 * sign));
    assert.not(isLearnt(2001 * sign));
  }
});

/** Whether a node takes the agreement of a peer whose clock is so far ahead, seconds. */
function isAgreementTaken(aheadS: number): boolean {
  const node = reservedNode({ config: { members: 8 } });
  node.runTo(3 * ROUND_S * 1000 + 30_000);
  assert.is(node.view().quorum, 0);
  const { digestHigh, digestLow } = node.view();
  const heartbeat = heartbeatAt(node.node().missionS + aheadS, 8) as Heartbeat;
  assert.is(node.receive(1, [{ ...heartbeat, digestHigh, digestLow }]) & STATUS_MASK, STATUS.ok);
  node.tick();
  return node.view().quorum === 1;
}

rules('INT-5 holds: agreement counts between clocks that show one time, within two seconds', () => {
  for (const sign of [1, -1]) {
    assert.ok(isAgreementTaken(2 * sign));
    assert.not(isAgreementTaken(3 * sign));
  }
});

/** The member states that a node reported of others since `fromS`: time, member, state. */
function reportsOf(cluster: TestCluster, node: number, fromS: number) {
  const at = FIELD.memberState;
  return cluster.events
    .filter((record) => record.node === node && record.fields[0] === TYPE.memberState && record.atS >= fromS)
    .map(({ atS, fields }) => ({ atS, member: fields[at.member], state: fields[at.state] }));
}

rules('MBR-1 holds: a restarted node calls nobody absent until it listened for the time of a silence', () => {
  const cluster = driven(5);
  cluster.runTo(HOUR);
  const image = cluster.checkpoint(0);
  for (const node of [0, 4]) cluster.kill(node);
  const backS = HOUR + 4 * ticksUntilSilent * LIVENESS_TICK_S;
  cluster.runTo(backS);
  cluster.restore(0, 2, image);
  cluster.runTo(backS + 3 * ticksUntilSilent * LIVENESS_TICK_S);
  const absent = reportsOf(cluster, 0, backS).filter(({ state }) => state > LIVENESS.suspect);
  assert.equal([...new Set(absent.map(({ member }) => member))], [4], 'the others were heard meanwhile');
  const listenedS = absent[0].atS - backS;
  assert.ok(listenedS >= ticksUntilSilent * LIVENESS_TICK_S, `after ${listenedS} s`);
});

rules('MBR-1 holds: a member that fell silent with others stays unreachable when these are heard again', () => {
  const cluster = driven(9);
  cluster.runTo(HOUR);
  const rest = [0, 1, 2, 3, 4, 5];
  split(cluster, rest, [6], [7], [8]);
  const backS = HOUR + 2 * ticksUntilSilent * LIVENESS_TICK_S;
  cluster.runTo(backS);
  split(cluster, [...rest, 6, 7]);
  cluster.runTo(backS + HOUR);
  for (const node of rest) {
    assert.equal(
      [6, 7, 8].map((member) => cluster.nodes[node].member(member).state),
      [LIVENESS.alive, LIVENESS.alive, LIVENESS.unreachable],
    );
    const isDeath = ({ state }: { state: number }) => state === LIVENESS.dead;
    assert.equal(reportsOf(cluster, node, HOUR).filter(isDeath), []);
  }
});

/** Bitmaps of agreement in the heartbeats of a node. */
function agreementsOf(cluster: TestCluster, member: number): number[] {
  const found: number[] = [];
  cluster.jam = (sender, receiver) => {
    for (const message of openedFrame(cluster.onAir()).messages)
      if (sender === member && message.name === 'heartbeat' && message.agree.length > 0) found.push(message.agree[0]);
    return receiver === member;
  };
  return found;
}

rules('INT-5 holds: a restarted node passes on no agreement from before its restart', () => {
  const cluster = driven(5);
  const beginS = roundFrom(HOUR);
  cluster.runTo(beginS + 50);
  assert.is(cluster.nodes[1].view().quorum, 1, 'it knew a majority');
  const found = agreementsOf(cluster, 1);
  cluster.restore(1, 2, cluster.checkpoint(1));
  cluster.runTo(beginS + 3 * ROUND_S);
  assert.ok(found.length > 3, 'it is heard');
  assert.equal([...new Set(found)], [0]);
});

rules('INT-5 holds: late news that a member was alive changes the digest, and agreement starts anew', () => {
  const cluster = driven(5);
  cluster.kill(4);
  cluster.runTo(HOUR);
  cluster.boot(4, 2, true);
  cluster.runTo(2 * HOUR);
  cluster.kill(4);
  const beginS = roundFrom(2 * HOUR + (ticksUntilSilent + 4) * LIVENESS_TICK_S);
  cluster.runTo(beginS + 50);
  const before = cluster.nodes[0].viewDigest();
  assert.is(cluster.nodes[0].view().quorum, 1);
  const found = agreementsOf(cluster, 0);
  const { lastLivenessTick } = cluster.nodes[0].member(4);
  const entries = [{ member: 4, lastLivenessTick: lastLivenessTick + 1, revocations: 0 }];
  assert.is(cluster.inject(0, 1, [{ name: 'silent-list', entries }]), STATUS.ok);
  cluster.runTo(beginS + ROUND_S - 1);
  assert.is.not(cluster.nodes[0].viewDigest(), before);
  assert.ok(found.length > 1, 'it is heard');
  assert.equal([...new Set(found.slice(1))], [1], 'only itself agrees');
});

rules.run();

// Probes one member per period, directly and then through relays (SWIM, MBR-1). The traffic per
// period does not depend on the size of the cluster: at most one probe and one request to each of
// three relays.

import { TICKS_UNTIL_SILENT, HEALTH_MAX, PERIOD_S, RELAYS } from '../memory/limits';
import { changes } from '../memory/guard';
import { mix32, fold32 } from '../base/hash';
import {
  longestAwaited,
  sendAck,
  sendFirst,
  SEND_PROBE,
  send,
  SEND_PROBE_REQUEST,
  SEND_RELAYED_ACK,
} from '../node/outbox';
import { members, node, self, missionS, HOT } from '../node/table';
import { markHeard } from './hearing';
import { ageOf } from './liveness';
import { clearSuspicion } from './suspicion';
import { membership, hearing, PROBING } from './table';

/** Relays are asked about members that nobody is known to have heard for so many ticks. */
const RELAY_AGE: u32 = 3;
/** Members that one period may look at to find a live one to probe. */
const WALK_STEPS_MAX: u32 = 8;

/** The next member to probe: passes over all members, each with its own affine step. */
function walk(ctx: usize): u32 {
  const state = membership(ctx);
  const count = members(ctx);
  if (state.walkLeft == 0) {
    const draw = mix32(fold32(node(ctx).seed ^ (self(ctx) << 16), missionS(ctx)));
    let stride = 1 + (draw % (count - 1));
    while (!coprime(stride, count)) stride = stride == count - 1 ? 1 : stride + 1;
    state.walkStride = stride;
    state.walkPosition = (draw >>> 8) % count;
    state.walkLeft = count;
  }
  state.walkLeft--;
  state.walkPosition = (state.walkPosition + state.walkStride) % count;
  return state.walkPosition;
}

function coprime(a: u32, b: u32): bool {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a == 1;
}

/**
 * The member to probe. In every second period it is one for which something waits: that leaves with
 * the probe, and needs no frame of its own.
 */
function nextTarget(ctx: usize): u32 {
  if (((missionS(ctx) / PERIOD_S) & 1) != 0) {
    const awaited = longestAwaited(ctx);
    if (awaited < members(ctx)) return awaited;
  }
  return walk(ctx);
}

export function probeNext(ctx: usize): void {
  for (let i: u32 = 0; i < WALK_STEPS_MAX; i++) {
    const target = i == 0 ? nextTarget(ctx) : walk(ctx);
    if (target == self(ctx) || ageOf(ctx, target) >= TICKS_UNTIL_SILENT) continue;
    hearing(ctx).probeTarget = <u16>(target + 1);
    hearing(ctx).probeSequence++;
    sendFirst(ctx, SEND_PROBE, target, hearing(ctx).probeSequence, 0);
    return;
  }
}

/**
 * Asks relays to probe a member that did not ack. A member that others heard lately is alive: they
 * are not asked.
 */
export function askRelays(ctx: usize, target: u32): void {
  if (ageOf(ctx, target) < RELAY_AGE) return;
  if (hearing(ctx).health < HEALTH_MAX) hearing(ctx).health++;
  hearing(ctx).relayedTarget = <u16>(target + 1);
  hearing(ctx).relayedSequence = hearing(ctx).probeSequence;
  const count = members(ctx);
  let draw = mix32(fold32(node(ctx).seed + target, missionS(ctx) ^ (self(ctx) << 20)));
  let asked: u32 = 0;
  for (let i: u32 = 0; i < WALK_STEPS_MAX && asked < RELAYS; i++) {
    const relay = draw % count;
    draw = mix32(draw + 0x9e3779b9);
    if (relay == target || relay == self(ctx) || ageOf(ctx, relay) >= TICKS_UNTIL_SILENT) continue;
    send(ctx, SEND_PROBE_REQUEST, relay, hearing(ctx).relayedSequence, target);
    asked++;
  }
}

/** Lowers the local health score after a success. */
function improve(ctx: usize): void {
  if (hearing(ctx).health == 0) return;
  hearing(ctx).health--;
  changes(ctx, HOT);
}

export function onProbe(ctx: usize, sender: u32, sequence: u32): void {
  sendAck(ctx, sender, sequence);
}

export function onAck(ctx: usize, sender: u32, sequence: u32): void {
  const state = membership(ctx);
  const probe = hearing(ctx);
  if (<u32>probe.probeTarget == sender + 1 && <u32>probe.probeSequence == sequence) {
    probe.probeTarget = 0;
    changes(ctx, HOT);
    improve(ctx);
  }
  if (<u32>probe.relayedTarget == sender + 1) {
    probe.relayedTarget = 0;
    changes(ctx, HOT);
  }
  if (state.relayFor != 0 && <u32>state.relayTarget == sender && <u32>state.relayProbe == sequence) {
    sendFirst(ctx, SEND_RELAYED_ACK, state.relayFor - 1, state.relaySequence, sender);
    state.relayFor = 0;
    changes(ctx, PROBING);
  }
}

export function onProbeRequest(ctx: usize, sender: u32, sequence: u32, target: u32): void {
  if (target == self(ctx)) {
    sendAck(ctx, sender, sequence);
    return;
  }
  const state = membership(ctx);
  changes(ctx, PROBING);
  state.relayFor = <u16>(sender + 1);
  state.relaySequence = <u16>sequence;
  state.relayTarget = <u16>target;
  state.relayProbe = <u16>(sequence + 0x8000);
  send(ctx, SEND_PROBE, target, state.relayProbe, 0);
}

export function onRelayedAck(ctx: usize, target: u32): void {
  markHeard(ctx, target);
  clearSuspicion(ctx, target);
  if (<u32>hearing(ctx).relayedTarget == target + 1) {
    hearing(ctx).relayedTarget = 0;
    changes(ctx, HOT);
    improve(ctx);
  }
}

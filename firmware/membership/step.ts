// SWIM-style probing with suspicion, refutation and local health awareness (MBR-1). One period tick sends at most one probe, one
// request to relays and one suspicion, whatever the size of the cluster.

import {
  RELAYS,
  HEALTH_MAX,
  HEARTBEATS_PER_PERIOD,
  ADDRESSEE_ALL,
  MEMBER_WORDS,
  TICKS_UNTIL_SILENT,
  BOOTS_MAX,
} from '../memory/limits';
import { bitGet, bitSet, bitClear } from '../base/bits';
import { mix32, fold32 } from '../base/hash';
import { changes } from '../memory/guard';
import { edge, queues, members, missionS, self, HOT } from '../node/table';
import {
  send,
  sendFirst,
  SEND_PROBE,
  SEND_ACK,
  SEND_PROBE_REQUEST,
  SEND_RELAYED_ACK,
  SEND_HEARTBEAT,
  SEND_ALIVE,
  SEND_JOIN,
} from '../node/outbox';
import {
  membership,
  member,
  memberToChange,
  everyoneAt,
  baseAt,
  votersAt,
  suspectAt,
  agreeAt,
  RECOVERING_ALL,
  RECOVERING_LEASES,
  hearing,
  BITMAPS,
  HEARD_LONG_AGO,
  PROBING,
  VIEW,
} from './table';
import { ageOf, markHeard } from './view';
import { heartbeatTurn } from './heartbeat';

/** Steps of the walk that one tick may take to find a live member. */
const WALK_STEPS_MAX: u32 = 8;
/** Times a suspicion is attached to frames, and a refutation broadcast. */
const TELL_TIMES: u32 = 3;
/** A boot counts as this many refutations (as a power of two), so that a restarted member speaks with a higher incarnation. */
const REFUTATION_BITS: u32 = 3;
const REFUTATION_MASK: u32 = (1 << REFUTATION_BITS) - 1;
/** Frames waiting at a period tick from which on probes count for nothing: as many as leave in a period. */
const CONGESTED: u32 = 4;
/** Above this a node doubts itself and suspects nobody. */
const HEALTH_DOUBT: u32 = 5;

/** After boot: everybody counts for a majority, nobody was heard. */
export function membershipBoot(ctx: usize): void {
  changes(ctx, VIEW | PROBING | BITMAPS);
  for (let i: u32 = 0; i < members(ctx); i++) {
    bitSet(everyoneAt(ctx), i);
    bitSet(baseAt(ctx), i);
    bitSet(votersAt(ctx), i);
  }
  membership(ctx).incarnation = edge(ctx).incarnation << REFUTATION_BITS;
  membership(ctx).refuteLeft = TELL_TIMES;
  // The first boot has nothing to forget.
  membership(ctx).recovering = edge(ctx).incarnation > 1 ? RECOVERING_ALL : 0;
  send(ctx, SEND_JOIN, ADDRESSEE_ALL, 0, 0);
}

/** After restore: what was in flight is forgotten, the view is kept but old signs of life count from their beats. */
export function membershipRestart(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW | HOT | PROBING | BITMAPS);
  hearing(ctx).probeTarget = 0;
  hearing(ctx).relayedTarget = 0;
  state.errandFor = 0;
  state.rumorLeft = 0;
  // A join may be lost; the new incarnation is told a few times more.
  state.refuteLeft = TELL_TIMES;
  hearing(ctx).health = 0;
  state.quorum = 0;
  if (state.recovering == 0) state.recovering = RECOVERING_LEASES;
  state.unstored = 0;
  memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);
  state.leaseUntilS = 0;
  const floor = edge(ctx).incarnation << REFUTATION_BITS;
  if (floor > state.incarnation) state.incarnation = floor;
  memory.fill(suspectAt(ctx), 0, MEMBER_WORDS << 2);
  send(ctx, SEND_JOIN, ADDRESSEE_ALL, 0, 0);
}

/** Once per period, mission time known. */
export function membershipStep(ctx: usize): void {
  const state = membership(ctx);
  const count = members(ctx);
  if (count < 2) return;
  changes(ctx, HOT | PROBING);
  // A node that cannot get its own frames out in time knows nothing about others.
  const congested = queues(ctx).outboxCount >= CONGESTED;
  if (hearing(ctx).relayedTarget != 0 && !congested) suspect(ctx, hearing(ctx).relayedTarget - 1);
  hearing(ctx).relayedTarget = 0;
  if (hearing(ctx).probeTarget != 0 && !congested) askRelays(ctx, hearing(ctx).probeTarget - 1);
  hearing(ctx).probeTarget = 0;
  probeNext(ctx);
  if (state.refuteLeft != 0) {
    state.refuteLeft--;
    changes(ctx, PROBING);
    send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
  }
  for (let j: u32 = 0; j < HEARTBEATS_PER_PERIOD; j++)
    if (heartbeatTurn(ctx, HEARTBEATS_PER_PERIOD, j) == self(ctx)) sendFirst(ctx, SEND_HEARTBEAT, ADDRESSEE_ALL, 0, 0);
}

/** The next member of the walk: rounds of all members in an order fixed by an affine step that changes every round. */
function walk(ctx: usize): u32 {
  const state = membership(ctx);
  const count = members(ctx);
  if (state.walkLeft == 0) {
    const draw = mix32(fold32(edge(ctx).seed ^ (self(ctx) << 16), missionS(ctx)));
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

function probeNext(ctx: usize): void {
  for (let i: u32 = 0; i < WALK_STEPS_MAX; i++) {
    const target = walk(ctx);
    if (target == self(ctx) || ageOf(ctx, target) >= TICKS_UNTIL_SILENT) continue;
    hearing(ctx).probeTarget = <u16>(target + 1);
    hearing(ctx).probeSequence++;
    sendFirst(ctx, SEND_PROBE, target, hearing(ctx).probeSequence, 0);
    return;
  }
}

/** No ack came: others shall try. */
function askRelays(ctx: usize, target: u32): void {
  if (hearing(ctx).health < HEALTH_MAX) hearing(ctx).health++;
  hearing(ctx).relayedTarget = <u16>(target + 1);
  hearing(ctx).relayedSequence = hearing(ctx).probeSequence;
  const count = members(ctx);
  let draw = mix32(fold32(edge(ctx).seed + target, missionS(ctx) ^ (self(ctx) << 20)));
  let asked: u32 = 0;
  for (let i: u32 = 0; i < WALK_STEPS_MAX && asked < RELAYS; i++) {
    const relay = draw % count;
    draw = mix32(draw + 0x9e3779b9);
    if (relay == target || relay == self(ctx) || ageOf(ctx, relay) >= TICKS_UNTIL_SILENT) continue;
    send(ctx, SEND_PROBE_REQUEST, relay, hearing(ctx).relayedSequence, target);
    asked++;
  }
}

/** Neither we nor our relays got through. A node that hears little itself suspects nobody (local health awareness). */
function suspect(ctx: usize, target: u32): void {
  const state = membership(ctx);
  if (hearing(ctx).health < HEALTH_MAX) hearing(ctx).health++;
  if (hearing(ctx).health > HEALTH_DOUBT || hearing(ctx).heartbeatsHeard == 0) return;
  bitSet(suspectAt(ctx), target);
  changes(ctx, HEARD_LONG_AGO | PROBING);
  state.rumorMember = target + 1;
  state.rumorLeft = TELL_TIMES;
}

function improve(ctx: usize): void {
  if (hearing(ctx).health == 0) return;
  hearing(ctx).health--;
  changes(ctx, HOT);
}

export function onProbe(ctx: usize, sender: u32, sequence: u32): void {
  sendFirst(ctx, SEND_ACK, sender, sequence, 0);
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
  if (state.errandFor != 0 && state.errandTarget == sender && state.errandProbe == sequence) {
    sendFirst(ctx, SEND_RELAYED_ACK, state.errandFor - 1, state.errandSequence, sender);
    state.errandFor = 0;
    changes(ctx, PROBING);
  }
}

export function onProbeRequest(ctx: usize, sender: u32, sequence: u32, target: u32): void {
  if (target == self(ctx)) {
    sendFirst(ctx, SEND_ACK, sender, sequence, 0);
    return;
  }
  const state = membership(ctx);
  changes(ctx, PROBING);
  state.errandFor = sender + 1;
  state.errandSequence = sequence;
  state.errandTarget = target;
  state.errandProbe = (sequence + 0x8000) & 0xffff;
  send(ctx, SEND_PROBE, target, state.errandProbe, 0);
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

/** A rumour that somebody is silent. About us: refuted under a higher incarnation. About another: passed on unless we know better. */
export function onSuspicion(ctx: usize, suspected: u32, incarnation: u32): void {
  const state = membership(ctx);
  if (suspected == self(ctx)) {
    changes(ctx, PROBING);
    // The last refutation of a boot is repeated for ever: the next number is that of a restart.
    if (incarnation >= state.incarnation && (state.incarnation & REFUTATION_MASK) != REFUTATION_MASK)
      state.incarnation++;
    if (state.refuteLeft == 0) send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
    state.refuteLeft = TELL_TIMES;
    return;
  }
  if (incarnation < <u32>member(ctx, suspected).incarnation || ageOf(ctx, suspected) == 0) return;
  if (bitGet(suspectAt(ctx), suspected)) return;
  bitSet(suspectAt(ctx), suspected);
  changes(ctx, HEARD_LONG_AGO | PROBING);
  state.rumorMember = suspected + 1;
  state.rumorLeft = TELL_TIMES;
}

/** A member speaks for itself. Returns true if it is a restart that we had not heard of: it lost what was in flight. */
export function onAlive(ctx: usize, who: u32, incarnation: u32): bool {
  const known: u32 = member(ctx, who).incarnation;
  const restarted = known != 0 && incarnation >> REFUTATION_BITS > known >> REFUTATION_BITS;
  if (incarnation > known) memberToChange(ctx, who).incarnation = <u16>incarnation;
  clearSuspicion(ctx, who);
  if (membership(ctx).rumorMember == who + 1 && membership(ctx).rumorLeft != 0) {
    membership(ctx).rumorLeft = 0;
    changes(ctx, PROBING);
  }
  return restarted;
}

function clearSuspicion(ctx: usize, who: u32): void {
  if (!bitGet(suspectAt(ctx), who)) return;
  bitClear(suspectAt(ctx), who);
  changes(ctx, HEARD_LONG_AGO);
}

export function onIsolation(ctx: usize, who: u32, fromS: u32, untilS: u32): void {
  const entry = memberToChange(ctx, who);
  entry.isolationFromS = fromS;
  entry.isolationUntilS = untilS;
}

if (BOOTS_MAX >= 1 << (16 - REFUTATION_BITS)) ERROR('an incarnation is told in 16 bits');

// Boots, restarts and steps membership once per period (MBR-1).

import { MEMBER_WORDS } from '../memory/limits';
import { ADDRESSEE_ALL, LEASE_ADVANCE_S_MAX } from '../wire/generated/codes';
import { bitSet } from '../base/bits';
import { changes } from '../memory/guard';
import { node, queues, members, missionS, HOT } from '../node/table';
import { send, sendFirst, SEND_HEARTBEAT, SEND_ALIVE, SEND_JOIN } from '../node/outbox';
import {
  membership,
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
  PROBING,
  VIEW,
} from './table';
import { hasHeartbeatTurn } from './turns';
import { askRelays, probeNext } from './probing';
import { REFUTATION_BITS, SPREAD_TIMES, suspect } from './suspicion';

/** Waiting frames from which on a missing ack means nothing: as many as leave in a period. */
const CONGESTED: u32 = 4;

/** Boots: every member has a vote, nobody was heard. */
export function membershipBoot(ctx: usize): void {
  changes(ctx, VIEW | PROBING | BITMAPS);
  for (let i: u32 = 0; i < members(ctx); i++) {
    bitSet(everyoneAt(ctx), i);
    bitSet(baseAt(ctx), i);
    bitSet(votersAt(ctx), i);
  }
  membership(ctx).incarnation = node(ctx).incarnation << REFUTATION_BITS;
  membership(ctx).refutationsLeft = SPREAD_TIMES;
  // The first boot has forgotten nothing.
  membership(ctx).recovering = node(ctx).incarnation > 1 ? RECOVERING_ALL : 0;
  send(ctx, SEND_JOIN, ADDRESSEE_ALL, 0, 0);
}

/**
 * Restarts from a checkpoint: forgets what was in flight. The view stays; signs of life count from
 * their ticks.
 */
export function membershipRestart(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW | HOT | PROBING | BITMAPS);
  hearing(ctx).probeTarget = 0;
  hearing(ctx).relayedTarget = 0;
  state.relayFor = 0;
  state.suspicionLeft = 0;
  // A join may be lost: the new incarnation is broadcast a few times more.
  state.refutationsLeft = SPREAD_TIMES;
  hearing(ctx).health = 0;
  state.quorum = 0;
  if (state.recovering == 0) state.recovering = RECOVERING_LEASES;
  state.forgotS = 0;
  state.unstoredPeriods = 0;
  memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);
  state.leaseUntilS = 0;
  const floor = node(ctx).incarnation << REFUTATION_BITS;
  if (floor > state.incarnation) state.incarnation = floor;
  memory.fill(suspectAt(ctx), 0, MEMBER_WORDS << 2);
  send(ctx, SEND_JOIN, ADDRESSEE_ALL, 0, 0);
}

/** Probes, suspects, refutes and broadcasts heartbeats, once per period; mission time is known. */
export function membershipStep(ctx: usize): void {
  const state = membership(ctx);
  const count = members(ctx);
  if (count < 2) return;
  changes(ctx, HOT | PROBING);
  // A node whose own frames wait too long cannot judge others by their acks.
  const congested = queues(ctx).outboxCount >= CONGESTED;
  if (hearing(ctx).relayedTarget != 0 && !congested) suspect(ctx, hearing(ctx).relayedTarget - 1);
  hearing(ctx).relayedTarget = 0;
  if (hearing(ctx).probeTarget != 0 && !congested) askRelays(ctx, hearing(ctx).probeTarget - 1);
  hearing(ctx).probeTarget = 0;
  probeNext(ctx);
  if (state.refutationsLeft != 0) {
    state.refutationsLeft--;
    changes(ctx, PROBING);
    send(ctx, SEND_ALIVE, ADDRESSEE_ALL, 0, 0);
  }
  if (hasHeartbeatTurn(ctx)) sendFirst(ctx, SEND_HEARTBEAT, ADDRESSEE_ALL, 0, 0);
}

/**
 * Takes an announced silence, as far as leases can be extended in advance: a false announcement in
 * a dead member's name must not hide its death for ever.
 */
export function onIsolation(ctx: usize, who: u32, fromS: u32, untilS: u32): void {
  const entry = memberToChange(ctx, who);
  entry.isolationFromS = fromS;
  entry.isolationUntilS = min<u32>(untilS, missionS(ctx) + LEASE_ADVANCE_S_MAX);
}

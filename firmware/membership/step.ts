// SWIM-style probing with suspicion, refutation and local health awareness (MBR-1). One period tick sends at most one probe, one
// request to relays and one suspicion, whatever the size of the cluster.

import { HEARTBEATS_PER_PERIOD, ADDRESSEE_ALL, MEMBER_WORDS } from '../memory/limits';
import { bitSet } from '../base/bits';
import { changes } from '../memory/guard';
import { edge, queues, members, self, HOT } from '../node/table';
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
import { heartbeatTurn } from './heartbeat';
import { askRelays, probeNext } from './probing';
import { REFUTATION_BITS, TELL_TIMES, suspect } from './suspicion';

/** Frames waiting at a period tick from which on probes count for nothing: as many as leave in a period. */
const CONGESTED: u32 = 4;

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

export function onIsolation(ctx: usize, who: u32, fromS: u32, untilS: u32): void {
  const entry = memberToChange(ctx, who);
  entry.isolationFromS = fromS;
  entry.isolationUntilS = untilS;
}

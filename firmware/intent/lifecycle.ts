// Maintains the intents of this node over their life.

import {
  INTENT_STATE_DONE,
  INTENT_STATE_STARTED,
  INTENT_STATE_WITHDRAWN,
  VERDICT_REFUSED,
  VERSION_BITS,
} from '../wire/generated/codes';
import { OWN_SLOTS, ADDRESSEE_ALL, NO_INDEX, LEASE_GUARD_S, EVENT_BYTES_MAX, ROUND_S } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { changes } from '../memory/guard';
import { sendFirst, SEND_INTENT } from '../node/outbox';
import { eventSpace, eventDone } from '../node/queues';
import { missionS, self, edge, leaveToTick, DUE_WITHDRAW } from '../node/table';
import { updateQuorum } from '../membership/quorum';
import { membership, VIEW } from '../membership/table';
import { Lost, encodeLost } from '../wire/generated/messages';
import { invalidateAll, verdictOf, winnerOver } from './arbitration';
import { leaseEndS } from './lease';
import { ownIndex, finish, claimAnew, draft, publish } from './publish';
import { renewOwn } from './renewal';
import { settleOwn } from './settling';
import { own, ownToChange, intent, intentsToChange, intents, flagSlot } from './table';

/** So long after a boot peers have told what this node had published before it: what stands then is claimed anew, seconds. */
const RECLAIM_AFTER_S: u32 = 120;

// ---- settling ----

/** After the agreement grew, or a cut: a majority renews the lease, once in an epoch, and what can be settled is. */
export function onAgreement(ctx: usize): void {
  if (membership(ctx).boundsMoved != 0) {
    membership(ctx).boundsMoved = 0;
    changes(ctx, VIEW);
    invalidateAll(ctx);
  }
  if (updateQuorum(ctx)) renewOwn(ctx);
  settleOwn(ctx);
}

// ---- losing ----

/** Every period: what arbitration refused is given up or cut back, what ended is done, what lost its lease claims anew. */
export function maintainOwn(ctx: usize): void {
  const now = missionS(ctx);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = own(ctx, slot);
    if (mine.rebroadcasts != 0) {
      ownToChange(ctx, slot).rebroadcasts--;
      sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
    }
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX) continue;
    const record = intent(ctx, index);
    if (verdictOf(ctx, index) == VERDICT_REFUSED && !keepsUnit(ctx, slot, index)) {
      giveUp(ctx, slot, index);
      continue;
    }
    if (record.endS <= now + LEASE_GUARD_S) {
      finish(ctx, slot, mine.settledVersion != 0 ? INTENT_STATE_DONE : INTENT_STATE_WITHDRAWN);
      continue;
    }
    if (mine.settledVersion != 0 && now >= leaseEndS(ctx, slot)) claimAnew(ctx, slot, now);
    else if (record.version >>> VERSION_BITS != edge(ctx).incarnation && now >= membership(ctx).bootS + RECLAIM_AFTER_S)
      claimAnew(ctx, slot, record.claimS);
  }
}

/**
 * INT-3: what is under way and holds its lease is not taken back for another's start on the unit. That one's lease was over before
 * this could settle; its owner was away or restarted, and claims anew.
 */
function keepsUnit(ctx: usize, slot: u32, index: u32): bool {
  const winner = winnerOver(ctx, index);
  if (winner == NO_INDEX || own(ctx, slot).running == 0 || own(ctx, slot).settledVersion != intent(ctx, index).version)
    return false;
  const other = intent(ctx, winner);
  return (
    <u32>other.state == INTENT_STATE_STARTED &&
    other.resource == intent(ctx, index).resource &&
    missionS(ctx) < leaseEndS(ctx, slot)
  );
}

/** Arbitration refused it. An extension falls back to what had settled; a claim is withdrawn and planned anew. */
function giveUp(ctx: usize, slot: u32, index: u32): void {
  const record = intent(ctx, index);
  const mine = own(ctx, slot);
  const winner = winnerOver(ctx, index);
  const at = eventSpace(ctx);
  if (at != 0) {
    const e = changetype<Lost>(ctx + SCRATCH_OUT_AT);
    e.slot = slot;
    e.version = record.version;
    e.toOwner = winner == NO_INDEX ? self(ctx) : <u32>intent(ctx, winner).owner;
    e.toSlot = winner == NO_INDEX ? slot : <u32>intent(ctx, winner).slot;
    eventDone(ctx, at, encodeLost(at, at + EVENT_BYTES_MAX - 1, e));
  }
  const settled = mine.settledVersion;
  if (settled != 0 && settled != record.version && mine.settledEndS > missionS(ctx) + ROUND_S && winner != NO_INDEX) {
    const m = draft(ctx, slot);
    m.endS = mine.settledEndS;
    m.rate = mine.settledRate;
    m.leaseS = mine.settledLeaseS;
    const version = publish(ctx, m);
    if (version != 0) ownToChange(ctx, slot).settledVersion = version;
    return;
  }
  intentsToChange(ctx).attempts++;
  finish(ctx, slot, INTENT_STATE_WITHDRAWN);
}

/**
 * A newer version of an own slot came from peers: this node forgot it when it restarted. It stands as published, and must settle
 * again before it runs, for it may have been an extension that had not settled. One of this boot was over, and let go of: who brings it
 * back was away when it ended. Agreement of the epoch before did not cover it, so it must not settle, and all are told that it is over.
 */
export function adoptOwn(ctx: usize, slot: u32, index: u32): void {
  const version = intent(ctx, index).version;
  if (version > intents(ctx).version) intentsToChange(ctx).version = version;
  if (version >>> VERSION_BITS == edge(ctx).incarnation) {
    ownToChange(ctx, slot).returned = 1;
    leaveToTick(ctx, DUE_WITHDRAW);
    return;
  }
  ownToChange(ctx, slot).settledVersion = 0;
  intentsToChange(ctx).unsettled = 1;
  flagSlot(ctx, slot);
}

/** Own versions that were over and that a straggler brought back: all are told so. */
export function withdrawReturned(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    if (own(ctx, slot).returned == 0) continue;
    ownToChange(ctx, slot).returned = 0;
    finish(ctx, slot, INTENT_STATE_WITHDRAWN);
  }
}

/** After a restart nothing counts as settled: a version published after the checkpoint may have taken it back. */
export function restartOwn(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = ownToChange(ctx, slot);
    mine.settledVersion = 0;
    mine.running = 0;
    mine.returned = 0;
  }
  intentsToChange(ctx).unsettled = 1;
}

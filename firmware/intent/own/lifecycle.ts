// Maintains this node's intents from publication to their end: broadcasts, losses, ends, restarts
// (INT-1, INT-3).

import { COMMAND_BYTES_MAX, CONTAINED, EVENT_BYTES_MAX, NO_INDEX, NOTICES_MAX } from '../../memory/limits';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { changes } from '../../memory/guard';
import { sendFirst, SEND_INTENT } from '../../node/outbox';
import { commandDone, commandSpace, eventSpace, eventDone } from '../../node/queues';
import { missionS, self, node, leaveToTick, upS, DUE_WITHDRAW } from '../../node/table';
import { updateQuorum } from '../../membership/quorum';
import { membership, VIEW } from '../../membership/table';
import {
  VERDICT_REFUSED,
  INTENT_STATE_DONE,
  INTENT_STATE_WITHDRAWN,
  VERSION_BITS,
  INTENT_STATE_STARTED,
  OWN_SLOTS,
  ADDRESSEE_ALL,
  ROUND_S,
} from '../../wire/generated/codes';
import { Lost, RequestAssay, encodeLost, encodeRequestAssay } from '../../wire/generated/messages';
import { ENDING_S } from '../admission';
import { invalidateAll, verdictOf, winnerOver } from '../arbitration';
import { contradictNotices, loweringNotice } from '../notice';
import { own, ownToChange, intent, intentsToChange, intents, flagSlot, notice } from '../table';
import { leaseEndS } from './lease';
import { ownIndex, finish, claimAnew, draft, publish } from './publish';
import { renewOwn } from './renewal';
import { settleOwn } from './settling';

/**
 * Seconds after which the claims of earlier boots are claimed anew, from the boot and from when
 * mission time was known: by then peers have sent what this node published before the boot.
 */
const RECLAIM_AFTER_S: u32 = 60;
const RECLAIM_HEARD_S: u32 = 20;

/**
 * Acts on agreement after it grew, or after a cut: renews the lease once per round when a majority
 * agrees, and settles what can be settled.
 */
export function onAgreement(ctx: usize): void {
  if (membership(ctx).boundsMoved != 0) {
    membership(ctx).boundsMoved = 0;
    changes(ctx, VIEW);
    invalidateAll(ctx);
  }
  if (updateQuorum(ctx)) renewOwn(ctx);
  settleOwn(ctx);
}

/**
 * Maintains every own intent slot, once per period: gives up refused claims, finishes ended ones,
 * and claims anew what an earlier boot claimed.
 */
export function maintainOwn(ctx: usize): void {
  const now = missionS(ctx);
  const reclaims = upS(ctx) >= RECLAIM_AFTER_S && now >= membership(ctx).bootS + RECLAIM_HEARD_S;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = own(ctx, slot);
    if (mine.rebroadcasts != 0) {
      ownToChange(ctx, slot).rebroadcasts--;
      sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
    }
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX) continue;
    const record = intent(ctx, index);
    if (mine.running != 0) contradictNotices(ctx, mine.settledResource);
    if (verdictOf(ctx, index) == VERDICT_REFUSED) {
      if (!keepsUnit(ctx, slot, index)) {
        giveUp(ctx, slot, index);
        continue;
      }
      if (mine.running == 0) requestAssay(ctx, record.resource);
    }
    if (record.endS <= now + ENDING_S) {
      finish(ctx, slot, mine.settledVersion != 0 ? INTENT_STATE_DONE : INTENT_STATE_WITHDRAWN);
      continue;
    }
    if (reclaims && record.version >>> VERSION_BITS != node(ctx).incarnation) claimAnew(ctx, slot, record.claimS);
  }
}

/**
 * Whether settled work with a valid lease keeps its unit although it is refused. Running work keeps
 * it against another started claim on the unit (INT-3): the lease of that claim had ended before
 * this one could settle; its owner was out of contact or restarted, and claims anew. Work that a
 * notice refuses goes on until the platform itself reports it blocked, and work that has not begun
 * stays until the platform has looked: the notice may be false.
 */
function keepsUnit(ctx: usize, slot: u32, index: u32): bool {
  const record = intent(ctx, index);
  if (own(ctx, slot).settledVersion != record.version || missionS(ctx) >= leaseEndS(ctx, slot)) return false;
  const winner = winnerOver(ctx, index);
  const hasRival = winner != NO_INDEX && intent(ctx, winner).resource == record.resource;
  if (hasRival) return own(ctx, slot).running != 0 && <u32>intent(ctx, winner).state == INTENT_STATE_STARTED;
  return CONTAINED && loweringNotice(ctx, record.resource) != NOTICES_MAX;
}

/** Has the platform look at what a notice calls lost. A full queue asks in the next period. */
function requestAssay(ctx: usize, resource: u32): void {
  const index = loweringNotice(ctx, resource);
  if (index == NOTICES_MAX) return;
  const at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<RequestAssay>(ctx + SCRATCH_OUT_AT);
  m.group = notice(ctx, index).group;
  m.unit = notice(ctx, index).unit;
  commandDone(ctx, at, encodeRequestAssay(at, at + COMMAND_BYTES_MAX - 1, m));
}

/**
 * Withdraws work that has not begun on a unit, or on a group (`unit` 0), that this node's platform
 * found lost.
 */
export function withdrawLost(ctx: usize, group: u32, unit: u32): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = ownIndex(ctx, slot);
    if (index == NO_INDEX || own(ctx, slot).running != 0) continue;
    const resource = intent(ctx, index).resource;
    if (resource >>> 16 != group || (unit != 0 && (resource & 0xffff) != unit)) continue;
    intentsToChange(ctx).attempts++;
    finish(ctx, slot, INTENT_STATE_WITHDRAWN);
  }
}

/**
 * Gives up a refused version. An extension goes back to the settled content; a claim is withdrawn
 * and planned anew.
 */
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
 * Adopts a version of an own intent slot that a peer sent. A version of an earlier boot was
 * forgotten by the restart: it stays as published, and must settle again before it runs, because it
 * may be an extension that had not settled. A version of this boot had ended and was evicted; its
 * sender was out of contact when it ended. The agreement of the round before did not cover it, so
 * it must not settle: it is withdrawn.
 */
export function adoptOwn(ctx: usize, slot: u32, index: u32): void {
  const version = intent(ctx, index).version;
  if (version > intents(ctx).version) intentsToChange(ctx).version = version;
  if (version >>> VERSION_BITS == node(ctx).incarnation) {
    ownToChange(ctx, slot).returned = 1;
    leaveToTick(ctx, DUE_WITHDRAW);
    return;
  }
  ownToChange(ctx, slot).settledVersion = 0;
  intentsToChange(ctx).unsettled = 1;
  flagSlot(ctx, slot);
}

/** Withdraws own versions that had ended and came back from a peer. */
export function withdrawReturned(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    if (own(ctx, slot).returned == 0) continue;
    ownToChange(ctx, slot).returned = 0;
    finish(ctx, slot, INTENT_STATE_WITHDRAWN);
  }
}

/**
 * Restarts from a checkpoint: nothing is settled, because a version published after the checkpoint
 * may have withdrawn it.
 */
export function restartOwn(ctx: usize): void {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const mine = ownToChange(ctx, slot);
    mine.settledVersion = 0;
    mine.running = 0;
    mine.returned = 0;
  }
  intentsToChange(ctx).unsettled = 1;
}

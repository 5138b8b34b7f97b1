// Receives versions: asks admission, refuses or merges them, and passes new ones on.

import { NO_INDEX, RUMOUR_COUNT } from '../memory/limits';
import { call } from '../memory/guard';
import { leaveToTick, self, DUE_CHECK } from '../node/table';
import { send, SEND_INTENT, SEND_STATEMENT, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { countLoss } from '../node/queues';
import {
  INTENT_STATE_CLAIMED,
  ADDRESSEE_ALL,
  COUNTER_INTENT_AHEAD,
  COUNTER_INTENT_DIFFERS,
  COUNTER_INTENT_FORGED,
  COUNTER_INTENT_STALE,
  COUNTER_INTENT_UNSIGNED,
  COUNTER_OWNER_BARRED,
  COUNTER_QUOTA_LATE,
} from '../wire/generated/codes';
import { Intent as IntentMessage } from '../wire/generated/messages';
import { adoptOwn } from './own/lifecycle';
import { awaitStatement } from './statement/awaited';
import { onConflict } from './statement/equivocation';
import { reportImpersonation } from './statement/signing';
import { keepWaiting } from './statement/waiting';
import {
  admissionOf,
  isSampled,
  mayBeOwn,
  noteLateVersion,
  ADMITTED_LATE,
  REFUSED_AHEAD,
  REFUSED_EQUIVOCATOR,
  REFUSED_FORGED,
  REFUSED_LATE,
} from './admission';
import { agreedLately, answerStale, forgetBroadcast, noteBroadcast } from './anti_entropy';
import { put, relationOf, GREATER_CONTENT, LESSER_CONTENT } from './merge';
import { takeOwnerToken } from './quota';
import { startRumour } from './rumour';
import { intent, intentsToChange } from './table';

/** Receives a version that can be true. */
export function receiveVersion(ctx: usize, m: IntentMessage): void {
  const owner = m.owner;
  const slot = m.slot;
  const version = m.version;
  const verdict = admissionOf(ctx, m);
  if (verdict > ADMITTED_LATE) {
    refuse(ctx, m, verdict);
    return;
  }
  if (verdict == ADMITTED_LATE) noteLateVersion(ctx);
  const relation = relationOf(ctx, m);
  const index = mergeReceived(ctx, m, relation);
  if (relation == LESSER_CONTENT) spreadStored(ctx, owner, slot);
  else if (call(ctx).addressee == ADDRESSEE_ALL) noteBroadcast(ctx, owner, slot);
  if (index == NO_INDEX) {
    countLoss(ctx, COUNTER_INTENT_STALE);
    if (call(ctx).addressee != ADDRESSEE_ALL) answerStale(ctx, owner, slot, version);
    return;
  }
  if (isSampled(ctx, owner, intent(ctx, index).version)) send(ctx, SEND_STATEMENT_REQUEST, owner, owner, slot);
  // Versions of an owner that publishes too often are stored and not passed on.
  if (owner != self(ctx) && !takeOwnerToken(ctx, owner)) return;
  startRumour(ctx, index, RUMOUR_COUNT);
  if (<u32>intent(ctx, index).state == INTENT_STATE_CLAIMED && owner != self(ctx)) {
    intentsToChange(ctx).claimToCheck = index + 1;
    leaveToTick(ctx, DUE_CHECK);
  }
  if (owner == self(ctx)) adoptOwn(ctx, slot, index);
}

/**
 * Counts a refused version. If it was sent to this node alone, its sender accepted it: corrects the
 * sender.
 */
function refuse(ctx: usize, m: IntentMessage, verdict: u32): void {
  const unicast = call(ctx).addressee != ADDRESSEE_ALL;
  if (verdict == REFUSED_EQUIVOCATOR) countLoss(ctx, COUNTER_OWNER_BARRED);
  else if (verdict == REFUSED_LATE) countLoss(ctx, COUNTER_QUOTA_LATE);
  else if (verdict == REFUSED_AHEAD) countLoss(ctx, COUNTER_INTENT_AHEAD);
  else if (verdict == REFUSED_FORGED) {
    countLoss(ctx, COUNTER_INTENT_FORGED);
    // The sender has not received the owner's statement, or not the version that it confirms.
    if (unicast) {
      send(ctx, SEND_STATEMENT, call(ctx).sender, m.owner, m.slot);
      send(ctx, SEND_INTENT, call(ctx).sender, m.owner, m.slot);
    }
  } else {
    countLoss(ctx, COUNTER_INTENT_UNSIGNED);
    keepWaiting(ctx, m);
    noteConflict(ctx, m, relationOf(ctx, m));
    const awaitedMinutes = awaitStatement(ctx, m.owner);
    // The unicast sender accepted the version, or the owner has not heard it: the owner's statement
    // is requested. With a true version it comes within a minute, unasked.
    if (unicast || awaitedMinutes > 1) askStatement(ctx, m.owner, m.slot);
  }
}

/**
 * Requests an owner's statement. A node that knew no majority lately lacks those of many owners:
 * its requests to all leave in one frame.
 */
function askStatement(ctx: usize, owner: u32, slot: u32): void {
  send(ctx, SEND_STATEMENT_REQUEST, agreedLately(ctx) ? owner : ADDRESSEE_ALL, owner, slot);
}

/** Merges an admitted version. Returns its record, or NO_INDEX. */
function mergeReceived(ctx: usize, m: IntentMessage, relation: u32): u32 {
  if (m.owner == self(ctx) && !mayBeOwn(ctx, m)) {
    reportImpersonation(ctx, m.slot, m.publishedS);
    return NO_INDEX;
  }
  noteConflict(ctx, m, relation);
  return relation >= GREATER_CONTENT ? put(ctx, m) : NO_INDEX;
}

/**
 * Broadcasts the stored content of another owner's version, because a member stores the lesser one.
 * Exchanges compare versions: they do not find such a difference.
 */
function spreadStored(ctx: usize, owner: u32, slot: u32): void {
  if (owner == self(ctx) || !takeOwnerToken(ctx, owner)) return;
  forgetBroadcast(ctx, owner, slot);
  send(ctx, SEND_INTENT, ADDRESSEE_ALL, owner, slot);
}

/** Counts another content under the stored version: two statements on them are a proof. */
function noteConflict(ctx: usize, m: IntentMessage, relation: u32): void {
  if (relation != LESSER_CONTENT && relation != GREATER_CONTENT) return;
  countLoss(ctx, COUNTER_INTENT_DIFFERS);
  onConflict(ctx, m);
}

// Messages and records about intents, notices and signed statements: which can be true, and what they change.

import {
  ADDRESSEE_ALL,
  COUNTER_INTENT_STALE,
  GROUPS_MAX,
  NO_INDEX,
  RUMOR_COUNT,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
} from '../memory/limits';
import { call } from '../memory/guard';
import { DUE_CHECK, leaveToTick, members, self, timeKnown } from '../node/table';
import { send, SEND_STATEMENT_REQUEST } from '../node/outbox';
import { countLoss } from '../node/queues';
import {
  Assay,
  Group as GroupRecord,
  Intent as IntentMessage,
  Notice as NoticeMessage,
  NoticeSummary,
  OwnerSummary,
  Proof as ProofMessage,
  Signed,
  Since,
  Statement as StatementMessage,
  StatementRequest,
  SyncDigest,
  Verified,
  noticeSummaryEntryAt,
  ownerSummaryEntryAt,
} from '../wire/generated/messages';
import { noteEcho, onNoticeSummary, onOwnerSummary, onSince, onSyncDigest, syncPlausible } from './anti_entropy';
import { holdNotice, noticePlausible, observeResource } from './notice';
import { takeOwnerToken } from './quota';
import { CLAIMED, groupToChange, intent, intentsToChange } from './table';
import { intentPlausible, isBelievable, isSampled } from './admission';
import { onProof } from './equivocation';
import { adoptOwn } from './lifecycle';
import { hold } from './merge';
import { startRumor } from './rumour';
import { onStatementRequest, onSigned } from './signing';
import { sameDigest } from './statement_table';
import { onStatement, onVerified } from './verification';

export function admitIntent(ctx: usize, m: IntentMessage): bool {
  return intentPlausible(ctx, m);
}

export function applyIntent(ctx: usize, m: IntentMessage): void {
  // A heartbeat before it in this frame may have brought the time that its admission lacked.
  if (!timeKnown(ctx) || !intentPlausible(ctx, m)) return;
  const now = call(ctx);
  const owner = m.owner;
  const slot = m.slot;
  const broadcast = now.addressee == ADDRESSEE_ALL;
  if (!isBelievable(ctx, m, now.sender, broadcast)) return;
  const index = hold(ctx, m);
  if (broadcast) noteEcho(ctx, owner, slot);
  if (index == NO_INDEX) {
    countLoss(ctx, COUNTER_INTENT_STALE);
    return;
  }
  if (isSampled(ctx, owner, intent(ctx, index).version)) send(ctx, SEND_STATEMENT_REQUEST, owner, owner, slot);
  // An owner that publishes without end is stored, and not passed on.
  if (owner != self(ctx) && !takeOwnerToken(ctx, owner)) return;
  startRumor(ctx, index, RUMOR_COUNT);
  if (<u32>intent(ctx, index).state == CLAIMED && owner != self(ctx)) {
    intentsToChange(ctx).claimToCheck = index + 1;
    leaveToTick(ctx, DUE_CHECK);
  }
  if (owner == self(ctx)) adoptOwn(ctx, slot, index);
}

export function admitSyncDigest(ctx: usize, m: SyncDigest): bool {
  return syncPlausible(ctx, m);
}

export function applySyncDigest(ctx: usize, m: SyncDigest): void {
  onSyncDigest(ctx, call(ctx).sender, m);
}

/** Rejects summaries that name a slot twice. */
export function admitOwnerSummary(ctx: usize, m: OwnerSummary): bool {
  let seen: u32 = 0;
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const bit: u32 = 1 << ownerSummaryEntryAt(m, i).slot;
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return m.owner < members(ctx);
}

export function applyOwnerSummary(ctx: usize, m: OwnerSummary): void {
  onOwnerSummary(ctx, call(ctx).sender, m);
}

export function applySince(ctx: usize, m: Since): void {
  onSince(ctx, call(ctx).sender, m.fromS);
}

export function admitNotice(ctx: usize, m: NoticeMessage): bool {
  return noticePlausible(ctx, m);
}

export function applyNotice(ctx: usize, m: NoticeMessage): void {
  if (timeKnown(ctx) && noticePlausible(ctx, m)) holdNotice(ctx, m);
}

/** Rejects summaries that name a unit twice. */
export function admitNoticeSummary(_ctx: usize, m: NoticeSummary): bool {
  for (let i: u32 = 0; i < m.entriesLength; i++) {
    const named = noticeSummaryEntryAt(m, i);
    for (let j: u32 = 0; j < i; j++) {
      const other = noticeSummaryEntryAt(m, j);
      if (other.group == named.group && other.unit == named.unit) return false;
    }
  }
  return true;
}

export function applyNoticeSummary(ctx: usize, m: NoticeSummary): void {
  onNoticeSummary(ctx, call(ctx).sender, m);
}

export function admitStatement(ctx: usize, m: StatementMessage): bool {
  return m.owner < members(ctx);
}

export function applyStatement(ctx: usize, m: StatementMessage): void {
  onStatement(ctx, m);
}

/** A proof holds two statements on one version that differ. */
export function admitProof(ctx: usize, m: ProofMessage): bool {
  return m.owner < members(ctx) && m.version != 0 && !sameDigest(m.digestAAt, m.digestBAt);
}

export function applyProof(ctx: usize, m: ProofMessage): void {
  onProof(ctx, m);
}

export function admitStatementRequest(ctx: usize, m: StatementRequest): bool {
  return m.owner < members(ctx);
}

export function applyStatementRequest(ctx: usize, m: StatementRequest): void {
  onStatementRequest(ctx, m);
}

/** A resource group as surveyed before launch, or newly surveyed. */
export function observeGroup(ctx: usize, m: GroupRecord): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  const entry = groupToChange(ctx, m.group);
  entry.kind = m.kind;
  entry.units = m.units;
  entry.capacity = m.capacity;
  entry.loadKg = m.loadKg;
  return STATUS_OK;
}

export function observeAssay(ctx: usize, m: Assay): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  if (timeKnown(ctx)) observeResource(ctx, m.group, m.unit, m.capacity);
  return STATUS_OK;
}

export function observeSigned(ctx: usize, m: Signed): u32 {
  onSigned(ctx, m);
  return STATUS_OK;
}

export function observeVerified(ctx: usize, m: Verified): u32 {
  onVerified(ctx, m.ticket, m.ok != 0);
  return STATUS_OK;
}

// Handles messages and records about intents, notices and signed statements: admits those that can
// be true, and calls the module's steps.

import { COUNTER_OWNER_BARRED, GROUPS_MAX, STATUS_IMPLAUSIBLE, STATUS_OK } from '../wire/generated/codes';
import { call } from '../memory/guard';
import { countLoss } from '../node/queues';
import { shareOf } from '../membership/division';
import { members, timeKnown } from '../node/table';
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
import { isEquivocator, onProof } from './statement/equivocation';
import { onStatementRequest, onSigned } from './statement/signing';
import { sameDigest } from './statement/table';
import { onStatement, onVerified } from './statement/verification';
import { onNoticeSummary, onOwnerSummary, onSince, onSyncDigest, syncPlausible } from './anti_entropy';
import { noticePlausible, observeResource, receiveNotice } from './notice';
import { groupToChange } from './table';
import { plausibilityOf, PLAUSIBLE } from './admission';
import { withdrawLost } from './own/lifecycle';
import { receiveVersion } from './reception';

export function admitIntent(ctx: usize, m: IntentMessage): bool {
  return plausibilityOf(ctx, m) == PLAUSIBLE;
}

export function applyIntent(ctx: usize, m: IntentMessage): void {
  // A heartbeat before it in this frame may have brought the time that its admission lacked.
  if (timeKnown(ctx) && plausibilityOf(ctx, m) == PLAUSIBLE) receiveVersion(ctx, m);
}

export function admitSyncDigest(ctx: usize, m: SyncDigest): bool {
  return syncPlausible(ctx, m);
}

export function applySyncDigest(ctx: usize, m: SyncDigest): void {
  onSyncDigest(ctx, call(ctx).sender, m);
}

/** Rejects summaries that name an intent slot twice. */
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
  if (!timeKnown(ctx) || !noticePlausible(ctx, m)) return;
  if (isEquivocator(ctx, m.observer)) countLoss(ctx, COUNTER_OWNER_BARRED);
  else receiveNotice(ctx, m);
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

/** Rejects proofs whose two statements do not differ. */
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

/** Takes a resource group as surveyed before launch, or newly surveyed. */
export function observeGroup(ctx: usize, m: GroupRecord): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  const entry = groupToChange(ctx, m.group);
  entry.kind = m.kind;
  entry.units = m.units;
  entry.capacity = shareOf(ctx, m.group, m.capacity);
  entry.surveyed = entry.capacity;
  entry.loadKg = m.loadKg;
  return STATUS_OK;
}

export function observeAssay(ctx: usize, m: Assay): u32 {
  if (m.group >= GROUPS_MAX) return STATUS_IMPLAUSIBLE;
  if (!timeKnown(ctx)) return STATUS_OK;
  // The notice takes the place of the record in the scratch.
  const groupIndex = m.group;
  const unit = m.unit;
  const isLost = m.capacity == 0;
  observeResource(ctx, groupIndex, unit, m.capacity);
  if (isLost) withdrawLost(ctx, groupIndex, unit);
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

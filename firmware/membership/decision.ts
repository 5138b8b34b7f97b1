// Keeps the record of the cluster's decision, which is part of the digest: its ballots, and which
// value was accepted (docs/federation.md, Decisions). The coordinator opens and proposes
// (firmware/federation/decisions.ts); this file has what every member does.

import { ACT_S, CHANGE_S, TRY_S, WINDOW_S } from '../memory/limits';
import { AHEAD_S_MAX, CLUSTER_MEMBERS_MAX, DECISION_KIND_GROW, DECISION_KIND_VOID } from '../wire/generated/codes';
import { members, missionS, timeKnown } from '../node/table';
import { Decision as DecisionMessage } from '../wire/generated/messages';
import { decision, decisionToChange, Decision } from './table';
import { noteUnstored } from './quorum';
import { decisionTerm, subtractFromDigest } from './view';

/** Proposers fill the low bits of a ballot; the try, counted from 1 on, stands above. */
const PROPOSER_BITS: u32 = 8;

/** The ballot of a proposer in the try of a mission second. */
export function ballotAt(atS: u32, proposer: u32): u32 {
  return ((atS / TRY_S + 1) << PROPOSER_BITS) | proposer;
}

/** The try of a ballot, from 1 on. */
export function tryOf(ballot: u32): u32 {
  return ballot >>> PROPOSER_BITS;
}

/** Mission second at which the try of a ballot began. */
export function tryStartS(ballot: u32): u32 {
  return (tryOf(ballot) - 1) * TRY_S;
}

export function proposerOf(ballot: u32): u32 {
  return ballot & ((1 << PROPOSER_BITS) - 1);
}

/** Whether records may change now. */
export function isWindow(ctx: usize): bool {
  return missionS(ctx) % CHANGE_S < WINDOW_S;
}

/** Whether a coordinator may open and propose now. */
export function mayAct(ctx: usize): bool {
  return missionS(ctx) % CHANGE_S < ACT_S;
}

/** Whether this is a value of a kind that is built. All members refuse the other kinds alike. */
function isBuilt(kind: u32, contentHigh: u32, contentLow: u32): bool {
  if (kind == DECISION_KIND_VOID) return contentHigh == 0 && contentLow == 0;
  return kind == DECISION_KIND_GROW && contentHigh == 0 && contentLow <= CLUSTER_MEMBERS_MAX;
}

/** Whether a member accepts this value after decisions that gave its cluster `size` numbers. */
export function isAcceptable(ctx: usize, size: u32, kind: u32, contentHigh: u32, contentLow: u32): bool {
  if (!isBuilt(kind, contentHigh, contentLow)) return false;
  return kind != DECISION_KIND_GROW || contentLow > max<u32>(members(ctx), size);
}

/**
 * Whether a record can be: no value in a ballot that nobody promised, none of a kind that is not
 * built; no try that is still to come. A try has one number at most, so nobody uses numbers up.
 */
export function isPlausible(ctx: usize, m: DecisionMessage): bool {
  if (m.accepted > m.promised || proposerOf(m.promised) >= CLUSTER_MEMBERS_MAX) return false;
  if (m.number > tryOf(m.promised) || !isBuilt(m.kind, m.contentHigh, m.contentLow)) return false;
  return !timeKnown(ctx) || tryOf(m.promised) <= tryOf(ballotAt(missionS(ctx) + AHEAD_S_MAX, 0));
}

/** Changes the record: this node agrees to no digest with it before two checkpoints contain it. */
export function changeDecision(ctx: usize, m: DecisionMessage): void {
  const before = decisionTerm(ctx);
  const record = decisionToChange(ctx);
  if (record.number != m.number) record.decided = 0;
  record.number = m.number;
  record.promised = m.promised;
  record.accepted = m.accepted;
  record.kind = <u8>m.kind;
  record.contentHigh = m.contentHigh;
  record.contentLow = m.contentLow;
  record.size = <u8>m.size;
  record.agreed = 0;
  noteUnstored(ctx);
  subtractFromDigest(ctx, before - decisionTerm(ctx));
}

/** Writes the record to a message. */
export function decisionTo(record: Decision, m: DecisionMessage): void {
  m.number = record.number;
  m.promised = record.promised;
  m.accepted = record.accepted;
  m.kind = record.kind;
  m.contentHigh = record.contentHigh;
  m.contentLow = record.contentLow;
  m.size = record.size;
}

/** Whether the value in a message is accepted later than the one in the record. */
function isLater(record: Decision, m: DecisionMessage): bool {
  if (m.accepted != record.accepted) return m.accepted > record.accepted;
  // A ballot has one value; if its proposer sent two, all keep the same.
  if (m.kind != <u32>record.kind) return m.kind > <u32>record.kind;
  if (m.contentHigh != record.contentHigh) return m.contentHigh > record.contentHigh;
  return m.contentLow > record.contentLow;
}

/**
 * Merges a record that a member sent: a later number replaces this one, else ballots only grow. A
 * value that this node does not accept is left out.
 */
export function learnDecision(ctx: usize, m: DecisionMessage): void {
  const record = decision(ctx);
  if (!isWindow(ctx) || m.number < record.number) return;
  const size = max<u32>(m.size, record.size);
  const isAccepted = m.accepted != 0 && isAcceptable(ctx, size, m.kind, m.contentHigh, m.contentLow);
  let promised = m.promised;
  if (m.number > record.number) {
    if (!isAccepted) clearValue(m);
  } else {
    promised = max<u32>(promised, record.promised);
    const isTaken = isAccepted && isLater(record, m);
    if (!isTaken && promised == record.promised && size == <u32>record.size) return;
    if (!isTaken) decisionTo(record, m);
  }
  m.promised = promised;
  m.size = size;
  changeDecision(ctx, m);
}

/** Takes the value out of a message. */
export function clearValue(m: DecisionMessage): void {
  m.accepted = 0;
  m.kind = 0;
  m.contentHigh = 0;
  m.contentLow = 0;
}

// Keeps the record of the cluster's decision, which is part of the digest: its ballots, and which
// value was accepted (docs/federation.md, Decisions). The coordinator opens and proposes
// (firmware/federation/decisions.ts); this file has what every member does.

import { ACT_S, CHANGE_S, WINDOW_S } from '../memory/limits';
import { AHEAD_S_MAX, CLUSTER_MEMBERS_MAX, DECISION_KIND_GROW, DECISION_KIND_VOID } from '../wire/generated/codes';
import { members, missionS, node, timeKnown, WHOLE } from '../node/table';
import { Decision as DecisionMessage } from '../wire/generated/messages';
import { ballotAt, proposerOf, tryOf } from './ballot';
import { isSplitPending } from './division';
import { decision, decisionToChange, Decision, division } from './table';
import { noteUnstored } from './quorum';
import { decisionTerm, subtractFromDigest } from './view';

/** Whether records may change now. */
export function isWindow(ctx: usize): bool {
  return missionS(ctx) % CHANGE_S < WINDOW_S;
}

/** Whether a coordinator may open and propose now. */
export function mayAct(ctx: usize): bool {
  return missionS(ctx) % CHANGE_S < ACT_S;
}

/**
 * Whether this is a value of a kind that is built, and that needs no more than its content. All
 * members refuse the other kinds alike. A split comes with its cut (federation/split.ts).
 */
function isBuilt(kind: u32, contentHigh: u32, contentLow: u32): bool {
  if (kind == DECISION_KIND_VOID) return contentHigh == 0 && contentLow == 0;
  return kind == DECISION_KIND_GROW && contentHigh == 0 && contentLow <= CLUSTER_MEMBERS_MAX;
}

/** Whether a member accepts such a value after decisions that gave its cluster `size` numbers. */
export function isAcceptable(ctx: usize, size: u32, kind: u32, contentHigh: u32, contentLow: u32): bool {
  if (!isBuilt(kind, contentHigh, contentLow)) return false;
  return kind != DECISION_KIND_GROW || contentLow > max<u32>(members(ctx), size);
}

/** Whether a record can be: its numbers can, and it has no value of a kind that is not built. */
export function isPlausible(ctx: usize, m: DecisionMessage): bool {
  return isBuilt(m.kind, m.contentHigh, m.contentLow) && areNumbersPlausible(ctx, m.number, m.promised, m.accepted);
}

/**
 * Whether the numbers of a record can be: no value in a ballot that nobody promised, no try that is
 * still to come. A try has one number at most, so nobody uses numbers up.
 */
export function areNumbersPlausible(ctx: usize, number: u32, promised: u32, accepted: u32): bool {
  if (accepted > promised || proposerOf(promised) >= CLUSTER_MEMBERS_MAX || number > tryOf(promised)) return false;
  return !timeKnown(ctx) || tryOf(promised) <= tryOf(ballotAt(missionS(ctx) + AHEAD_S_MAX, 0));
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
  // A ballot has one value. If its proposer sent two, all keep the same, until a quorum has agreed.
  if (record.agreed != 0) return false;
  if (m.kind != <u32>record.kind) return m.kind > <u32>record.kind;
  if (m.contentHigh != record.contentHigh) return m.contentHigh > record.contentHigh;
  return m.contentLow > record.contentLow;
}

/**
 * Makes the record of the split that divided the cluster the same in all members of a half,
 * whatever ballot they saw it decided in. Call when this node takes its half.
 */
export function closeSplitRecord(ctx: usize): void {
  const split = division(ctx);
  const record = decisionToChange(ctx);
  if (record.number != split.number) return;
  record.promised = ballotAt(split.switchS, 0);
  record.accepted = record.promised;
  record.agreed = 1;
  record.decided = 1;
}

/** Whether this node's cluster was divided by the decision of this number, or a later one. */
function isPastSplit(ctx: usize, number: u32): bool {
  return <u32>node(ctx).half != WHOLE && number <= division(ctx).number;
}

/**
 * Merges a record that a member sent: a later number replaces this one, else ballots only grow. A
 * value that this node does not accept (`accepts`) is left out. While a split is pending no later
 * number replaces it: it may be decided, and a half may have moved. Returns true if the value is
 * the record's now.
 */
export function learnDecision(ctx: usize, m: DecisionMessage, accepts: bool): bool {
  const record = decision(ctx);
  if (!isWindow(ctx) || m.number < record.number || isPastSplit(ctx, m.number)) return false;
  if (m.number > record.number && isSplitPending(ctx)) return false;
  const size = max<u32>(m.size, record.size);
  const isAccepted = accepts && m.accepted != 0;
  let isTaken = isAccepted;
  let promised = m.promised;
  if (m.number > record.number) {
    if (!isAccepted) clearValue(m);
  } else {
    promised = max<u32>(promised, record.promised);
    isTaken = isAccepted && isLater(record, m);
    if (!isTaken && promised == record.promised && size == <u32>record.size) return false;
    if (!isTaken) decisionTo(record, m);
  }
  m.promised = promised;
  m.size = size;
  changeDecision(ctx, m);
  return isTaken;
}

/** Takes the value out of a message. */
export function clearValue(m: DecisionMessage): void {
  m.accepted = 0;
  m.kind = 0;
  m.contentHigh = 0;
  m.contentLow = 0;
}

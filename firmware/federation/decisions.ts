// Opens decisions of the cluster and proposes values, as coordinator; and sees, as any member, what
// was decided (docs/federation.md, Decisions).

import { COORDINATOR_ALLOWED, EVENT_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import {
  ADDRESSEE_ALL,
  DECISION_KIND_GROW,
  DECISION_KIND_SPLIT,
  STATUS_IMPLAUSIBLE,
  STATUS_OK,
} from '../wire/generated/codes';
import { eventDone, eventSpace } from '../node/queues';
import { missionS, self } from '../node/table';
import { NOTHING_TO_SEND, send, SEND_DECISION } from '../node/outbox';
import { coordinator } from '../membership/member_state';
import { decision, decisionToChange, division, membership } from '../membership/table';
import { majorityAgrees } from '../membership/quorum';
import { ballotAt, proposerOf, tryOf, tryStartS } from '../membership/ballot';
import { halvesAgree, isSplitPending, switchS } from '../membership/division';
import { changeDecision, clearValue, decisionTo, isAcceptable, isWindow, mayAct } from '../membership/decision';
import {
  Decided,
  Decision as DecisionMessage,
  encodeDecided,
  encodeDecision,
  ProposeDecision,
} from '../wire/generated/messages';
import { isClaimedAcross } from './cut';
import { forgetOrder, isOrdered, orderDecision } from './order';
import { composeSplit, mayBeSplit, noteSplitDecided, proposeSplit, reproposeSplit } from './split';
import { federation } from './table';

/** Does the period's work on decisions. */
export function decisionStep(ctx: usize): void {
  noteAgreement(ctx);
  if (coordinator(ctx) != self(ctx)) return forgetOrder(ctx);
  if (COORDINATOR_ALLOWED && mayAct(ctx)) {
    if (mayPropose(ctx)) propose(ctx);
    else openWhenDue(ctx);
  }
  // A compact node opens nothing, and spreads what others opened.
  if (!isWindow(ctx)) return;
  const record = decision(ctx);
  if (record.number != 0 && (record.agreed == 0 || record.decided == 0)) send(ctx, SEND_DECISION, ADDRESSEE_ALL, 0, 0);
}

/**
 * Notes a quorum on the digest with the present record. A value that was accepted in the promised
 * ballot is decided then; one of an earlier ballot was only learnt. A split needs a majority of
 * each half, too, and that no lease which all of them know binds across it.
 */
function noteAgreement(ctx: usize): void {
  const record = decision(ctx);
  const isChosen = record.accepted == record.promised && record.decided == 0;
  if (record.number == 0 || (record.agreed != 0 && !isChosen)) return;
  if (membership(ctx).quorum == 0 || !majorityAgrees(ctx)) return;
  if (record.agreed == 0) decisionToChange(ctx).agreed = 1;
  if (!isChosen) return;
  if (isSplitPending(ctx)) {
    if (!halvesAgree(ctx) || isClaimedAcross(ctx, division(ctx), switchS(ctx))) return;
    noteSplitDecided(ctx);
  }
  decisionToChange(ctx).decided = 1;
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Decided>(ctx + SCRATCH_OUT_AT);
  m.number = record.number;
  m.ballot = record.accepted;
  m.kind = record.kind;
  m.contentHigh = record.contentHigh;
  m.contentLow = record.contentLow;
  eventDone(ctx, at, encodeDecided(at, at + EVENT_BYTES_MAX - 1, m));
}

/** Whether a ballot is this node's own, and its try began after the boot: it knows what it sent. */
function isOwn(ctx: usize, ballot: u32): bool {
  return proposerOf(ballot) == self(ctx) && tryStartS(ballot) >= membership(ctx).bootS;
}

/** Whether a quorum promised the own ballot of this try, and nothing was proposed in it. */
function mayPropose(ctx: usize): bool {
  const record = decision(ctx);
  if (tryOf(record.promised) != tryOf(ballotAt(missionS(ctx), 0))) return false;
  return record.number != 0 && record.agreed != 0 && record.accepted != record.promised && isOwn(ctx, record.promised);
}

/** Proposes what was accepted; else what was ordered; else nothing, which is a value, too. */
function propose(ctx: usize): void {
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(decision(ctx), m);
  if (m.accepted == 0) {
    clearValue(m);
    takeOrder(ctx, m);
  } else if (m.kind == DECISION_KIND_SPLIT) reproposeSplit(ctx, m);
  m.accepted = m.promised;
  changeDecision(ctx, m);
}

/** Moves the order into a proposal, if members accept it still. */
function takeOrder(ctx: usize, m: DecisionMessage): void {
  if (!isOrdered(ctx)) return;
  const state = federation(ctx);
  const kind = <u32>state.orderKind - 1;
  if (kind == DECISION_KIND_SPLIT) proposeSplit(ctx, m);
  else if (isAcceptable(ctx, m.size, kind, state.orderHigh, state.orderLow)) {
    m.kind = kind;
    m.contentHigh = state.orderHigh;
    m.contentLow = state.orderLow;
  }
  forgetOrder(ctx);
}

/**
 * Opens the next decision when one is ordered, or a later ballot of one that is not decided. A node
 * without a vote, and one that saw no quorum lately, opens none.
 */
function openWhenDue(ctx: usize): void {
  const record = decision(ctx);
  const view = membership(ctx);
  if (view.recovering != 0 || view.quorumRound == 0 || view.quorumRound + 1 < view.round) return;
  // What is decided of a split is over when the halves have parted.
  if (record.decided != 0 && isSplitPending(ctx)) return;
  const ballot = ballotAt(missionS(ctx), self(ctx));
  if (!isOwn(ctx, ballot) || ballot <= record.promised) return;
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(record, m);
  const isPast = record.number == 0 || (record.decided != 0 && record.accepted == record.promised);
  if (isPast) {
    // A number of its own for each try: who sees numbers can bound them.
    if (!isOrdered(ctx) || tryOf(ballot) == tryOf(record.promised)) return;
    m.number++;
    if (record.accepted != 0 && m.kind == DECISION_KIND_GROW) m.size = m.contentLow;
    clearValue(m);
  }
  m.promised = ballot;
  changeDecision(ctx, m);
}

/** Takes an order of the platform. Returns a status. */
export function onProposeDecision(ctx: usize, m: ProposeDecision): u32 {
  if (coordinator(ctx) != self(ctx)) return STATUS_IMPLAUSIBLE;
  const isSplit = m.kind == DECISION_KIND_SPLIT && m.contentHigh == 0 && m.contentLow == 0;
  if (isSplit ? !mayBeSplit(ctx) : !isAcceptable(ctx, decision(ctx).size, m.kind, m.contentHigh, m.contentLow))
    return STATUS_IMPLAUSIBLE;
  orderDecision(ctx, m.kind, m.contentHigh, m.contentLow);
  return STATUS_OK;
}

/** Composes the record. Returns the address after it, 0 if it does not fit, or NOTHING_TO_SEND. */
export function composeDecision(ctx: usize, at: usize, end: usize): usize {
  const record = decision(ctx);
  if (record.number == 0) return NOTHING_TO_SEND;
  if (<u32>record.kind == DECISION_KIND_SPLIT) return composeSplit(ctx, at, end);
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(record, m);
  return encodeDecision(at, end, m);
}

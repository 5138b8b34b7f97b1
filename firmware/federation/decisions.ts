// Opens decisions of the cluster and proposes values, as coordinator; and sees, as any member, what
// was decided (docs/federation.md, Decisions).

import { COORDINATOR_ALLOWED, EVENT_BYTES_MAX } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { ADDRESSEE_ALL, DECISION_KIND_GROW, STATUS_IMPLAUSIBLE, STATUS_OK } from '../wire/generated/codes';
import { eventDone, eventSpace } from '../node/queues';
import { missionS, self } from '../node/table';
import { NOTHING_TO_SEND, send, SEND_DECISION } from '../node/outbox';
import { coordinator } from '../membership/member_state';
import { decision, decisionToChange, membership } from '../membership/table';
import { majorityAgrees } from '../membership/quorum';
import {
  ballotAt,
  changeDecision,
  clearValue,
  decisionTo,
  isAcceptable,
  isWindow,
  mayAct,
  proposerOf,
  tryOf,
  tryStartS,
} from '../membership/decision';
import {
  Decided,
  Decision as DecisionMessage,
  encodeDecided,
  encodeDecision,
  ProposeDecision,
} from '../wire/generated/messages';
import { federation, federationToChange } from './table';

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
 * ballot is decided then; one of an earlier ballot was only learnt.
 */
function noteAgreement(ctx: usize): void {
  const record = decision(ctx);
  if (record.number == 0 || record.agreed != 0) return;
  if (membership(ctx).quorum == 0 || !majorityAgrees(ctx)) return;
  const changed = decisionToChange(ctx);
  changed.agreed = 1;
  if (record.accepted != record.promised || record.decided != 0) return;
  changed.decided = 1;
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

/** Whether a quorum promised the own ballot, and nothing was proposed in it. */
function mayPropose(ctx: usize): bool {
  const record = decision(ctx);
  return record.number != 0 && record.agreed != 0 && record.accepted != record.promised && isOwn(ctx, record.promised);
}

/** Proposes what was accepted; else what was ordered; else nothing, which is a value, too. */
function propose(ctx: usize): void {
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(decision(ctx), m);
  if (m.accepted == 0) {
    clearValue(m);
    takeOrder(ctx, m);
  }
  m.accepted = m.promised;
  changeDecision(ctx, m);
}

/** Moves the order into a proposal, if members accept it still. */
function takeOrder(ctx: usize, m: DecisionMessage): void {
  const state = federation(ctx);
  if (state.orderKind == 0) return;
  const kind = <u32>state.orderKind - 1;
  if (isAcceptable(ctx, m.size, kind, state.orderHigh, state.orderLow)) {
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
  const ballot = ballotAt(missionS(ctx), self(ctx));
  if (!isOwn(ctx, ballot) || ballot <= record.promised) return;
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(record, m);
  const isPast = record.number == 0 || (record.decided != 0 && record.accepted == record.promised);
  if (isPast) {
    // A number of its own for each try: who sees numbers can bound them.
    if (federation(ctx).orderKind == 0 || tryOf(ballot) == tryOf(record.promised)) return;
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
  if (!isAcceptable(ctx, decision(ctx).size, m.kind, m.contentHigh, m.contentLow)) return STATUS_IMPLAUSIBLE;
  const state = federationToChange(ctx);
  state.orderKind = <u8>(m.kind + 1);
  state.orderHigh = m.contentHigh;
  state.orderLow = m.contentLow;
  return STATUS_OK;
}

/** Forgets what was ordered: another coordinator did not hear of it. */
export function forgetOrder(ctx: usize): void {
  if (COORDINATOR_ALLOWED && federation(ctx).orderKind != 0) federationToChange(ctx).orderKind = 0;
}

/** Composes the record. Returns the address after it, 0 if it does not fit, or NOTHING_TO_SEND. */
export function composeDecision(ctx: usize, at: usize, end: usize): usize {
  const record = decision(ctx);
  if (record.number == 0) return NOTHING_TO_SEND;
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  decisionTo(record, m);
  return encodeDecision(at, end, m);
}

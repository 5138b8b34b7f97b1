// Proves equivocation: two valid statements of one owner on one version with two contents. A proof
// is broadcast; all that the owner publishes from then on is refused. An accusation without a proof
// has no effect.

import { NO_INDEX, CONTAINED, EVENT_BYTES_MAX, STATEMENTS_MAX } from '../../memory/limits';
import { SCRATCH_OUT_AT } from '../../memory/map';
import { send, SEND_STATEMENT, SEND_STATEMENT_REQUEST, SEND_PROOF, NOTHING_TO_SEND } from '../../node/outbox';
import { eventSpace, eventDone } from '../../node/queues';
import { self } from '../../node/table';
import { MARK_EQUIVOCATOR, member } from '../../membership/table';
import { discardNoticesOf } from '../notice';
import { learnEquivocator } from '../../membership/view';
import { STATEMENT_DIGEST_BYTES, SIGNATURE_BYTES, ADDRESSEE_ALL, OWN_SLOTS } from '../../wire/generated/codes';
import {
  Intent as IntentMessage,
  Equivocated,
  encodeEquivocated,
  Proof as ProofMessage,
  Statement as StatementMessage,
  encodeProof,
} from '../../wire/generated/messages';
import { retract } from '../store';
import { statement, statementToChange, statements, statementsToChange, intentIndex } from '../table';
import { reportImpersonation } from './signing';
import { findStatement, REBROADCASTS, storeReceived } from './store';
import { VALID, CONTESTED, IN_PROOF, FREE, DIGEST_AT, sameDigest, SIGNATURE_AT } from './table';

/**
 * Handles a received version with another content than the stored one: broadcasts the owner's
 * statement if it is stored, else requests it.
 */
export function onConflict(ctx: usize, m: IntentMessage): void {
  if (m.owner == self(ctx)) {
    reportImpersonation(ctx, m.slot, m.publishedS);
    return;
  }
  const index = findStatement(ctx, m.owner, m.slot);
  if (index != NO_INDEX && <u32>statement(ctx, index).state == VALID && statement(ctx, index).version == m.version) {
    if ((statement(ctx, index).flags & CONTESTED) != 0) return;
    statementToChange(ctx, index).flags |= CONTESTED;
    statementToChange(ctx, index).broadcastsLeft = REBROADCASTS;
    send(ctx, SEND_STATEMENT, ADDRESSEE_ALL, m.owner, m.slot);
  } else send(ctx, SEND_STATEMENT_REQUEST, m.owner, m.owner, m.slot);
}

/** Whether an owner is a proven equivocator. */
export function isEquivocator(ctx: usize, owner: u32): bool {
  return CONTAINED && (member(ctx, owner).marks & MARK_EQUIVOCATOR) != 0;
}

/** Proves the equivocation of the owner of two contradicting entries. */
export function proveEquivocation(ctx: usize, a: u32, b: u32): void {
  const owner: u32 = statement(ctx, a).owner;
  if (isEquivocator(ctx, owner)) {
    // One proof is enough: more must not fill the table.
    if ((statement(ctx, a).flags & IN_PROOF) == 0) statementToChange(ctx, a).state = <u8>FREE;
    if ((statement(ctx, b).flags & IN_PROOF) == 0) statementToChange(ctx, b).state = <u8>FREE;
    return;
  }
  // The proof before is no longer broadcast.
  const before = statements(ctx);
  if (before.proofA != 0) {
    statementToChange(ctx, before.proofA - 1).flags &= ~IN_PROOF;
    statementToChange(ctx, before.proofB - 1).flags &= ~IN_PROOF;
  }
  statementToChange(ctx, a).flags |= IN_PROOF;
  statementToChange(ctx, b).flags |= IN_PROOF;
  statementToChange(ctx, a).broadcastsLeft = 0;
  statementToChange(ctx, b).broadcastsLeft = 0;
  const state = statementsToChange(ctx);
  state.proofA = a + 1;
  state.proofB = b + 1;
  state.proofBroadcasts = REBROADCASTS;
  learnEquivocator(ctx, owner);
  discardNoticesOf(ctx, owner);
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = intentIndex(ctx, owner, slot);
    if (index != NO_INDEX) retract(ctx, index);
  }
  send(ctx, SEND_PROOF, ADDRESSEE_ALL, owner, 0);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const e = changetype<Equivocated>(ctx + SCRATCH_OUT_AT);
  e.owner = owner;
  e.slot = statement(ctx, a).slot;
  e.version = statement(ctx, a).version;
  e.proven = 1;
  eventDone(ctx, at, encodeEquivocated(at, at + EVENT_BYTES_MAX - 1, e));
}

/** Takes a received proof: both statements are verified like any other. */
export function onProof(ctx: usize, m: ProofMessage): void {
  if (!CONTAINED || m.owner == self(ctx) || isEquivocator(ctx, m.owner)) return;
  let known: u32 = 0;
  for (let i: u32 = 0; i < STATEMENTS_MAX; i++) {
    const entry = statement(ctx, i);
    if (
      <u32>entry.state == FREE ||
      <u32>entry.owner != m.owner ||
      <u32>entry.slot != m.slot ||
      entry.version != m.version
    )
      continue;
    const digest = changetype<usize>(entry) + DIGEST_AT;
    if (sameDigest(digest, m.digestAAt)) known |= 1;
    if (sameDigest(digest, m.digestBAt)) known |= 2;
  }
  const half = changetype<StatementMessage>(ctx + SCRATCH_OUT_AT);
  half.owner = m.owner;
  half.slot = m.slot;
  half.version = m.version;
  if ((known & 1) == 0) {
    half.atS = m.atA;
    half.digestAt = m.digestAAt;
    half.signatureAt = m.signatureAAt;
    storeReceived(ctx, half, CONTESTED);
  }
  if ((known & 2) == 0) {
    half.atS = m.atB;
    half.digestAt = m.digestBAt;
    half.signatureAt = m.signatureBAt;
    storeReceived(ctx, half, CONTESTED);
  }
}

/** Encodes the proof. */
export function composeProof(ctx: usize, at: usize, end: usize): usize {
  const state = statements(ctx);
  if (state.proofA == 0) return NOTHING_TO_SEND;
  const a = statement(ctx, state.proofA - 1);
  const b = statement(ctx, state.proofB - 1);
  const m = changetype<ProofMessage>(ctx + SCRATCH_OUT_AT);
  m.owner = a.owner;
  m.slot = a.slot;
  m.version = a.version;
  m.atA = a.atS;
  m.digestAAt = <u32>(changetype<usize>(a) + DIGEST_AT);
  m.digestALength = STATEMENT_DIGEST_BYTES;
  m.signatureAAt = <u32>(changetype<usize>(a) + SIGNATURE_AT);
  m.signatureALength = SIGNATURE_BYTES;
  m.atB = b.atS;
  m.digestBAt = <u32>(changetype<usize>(b) + DIGEST_AT);
  m.digestBLength = STATEMENT_DIGEST_BYTES;
  m.signatureBAt = <u32>(changetype<usize>(b) + SIGNATURE_AT);
  m.signatureBLength = SIGNATURE_BYTES;
  return encodeProof(at, end, m);
}

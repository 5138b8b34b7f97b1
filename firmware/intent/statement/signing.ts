// Signs statements of this node on its own intent slots: when it is impersonated, when a peer
// requests one, and with each version that releases a unit under work.

import { CONTAINED, MERGE_ROUNDS, NO_INDEX, STATEMENTS_MAX } from '../../memory/limits';
import { call } from '../../memory/guard';
import { sendFirst, SEND_INTENT, SEND_STATEMENT } from '../../node/outbox';
import { countLoss } from '../../node/queues';
import { self, missionS, leaveToTick, DUE_STATEMENT, node, timeKnown } from '../../node/table';
import {
  CYCLE_S,
  OWN_SLOTS,
  VERSION_BITS,
  STATEMENT_DIGEST_BYTES,
  SIGNATURE_BYTES,
  AHEAD_S_MAX,
  COUNTER_IMPERSONATED,
  ADDRESSEE_ALL,
} from '../../wire/generated/codes';
import { membership } from '../../membership/table';
import { isMerging } from '../../membership/hearing';
import { Signed, StatementRequest } from '../../wire/generated/messages';
import {
  statement,
  statementToChange,
  statementsToChange,
  intentIndex,
  intent,
  resourceUnit,
  statements,
} from '../table';
import { digestOf } from './check';
import { findStatement, storedVersion, allocateStatement } from './store';
import { VALID, UNSIGNED, DIGEST_AT, SIGNATURE_AT } from './table';

/** A request of a peer is granted at most this often, local seconds. */
const REQUEST_EVERY_S: u32 = 60;
/**
 * While a version forged in this node's name is dated ahead of now, a statement is signed this
 * often, seconds.
 */
const SIGN_AGAIN_S: u32 = CYCLE_S;

/** Counts an impersonation of this node, and requests a statement on the intent slot. */
export function reportImpersonation(ctx: usize, slot: u32, publishedS: u32): void {
  countLoss(ctx, COUNTER_IMPERSONATED);
  if (CONTAINED) requestStatement(ctx, slot, publishedS);
}

/**
 * Requests a statement of this node on an own intent slot, as of `publishedS` or later, and that it
 * is broadcast several times.
 */
export function requestStatement(ctx: usize, slot: u32, publishedS: u32): void {
  if (!confirm(ctx, slot, publishedS)) return;
  const state = statementsToChange(ctx);
  state.toRepeat = <u16>(<u32>state.toRepeat | (1 << slot));
}

/**
 * Requests a statement as `requestStatement`, to be broadcast once. A valid statement on the stored
 * version that covers that time is broadcast again instead: then returns false.
 */
function confirm(ctx: usize, slot: u32, publishedS: u32): bool {
  const index = findStatement(ctx, self(ctx), slot);
  if (
    index != NO_INDEX &&
    <u32>statement(ctx, index).state == VALID &&
    statement(ctx, index).atS >= publishedS &&
    storedVersion(ctx, statement(ctx, index)) == statement(ctx, index).version
  ) {
    if (statement(ctx, index).broadcastsLeft == 0) statementToChange(ctx, index).broadcastsLeft = 1;
    return false;
  }
  const state = statementsToChange(ctx);
  state.toSign |= 1 << slot;
  const latest = missionS(ctx) + AHEAD_S_MAX;
  const forgedS = publishedS < latest ? publishedS : latest;
  if (forgedS > state.forgedS) state.forgedS = forgedS;
  leaveToTick(ctx, DUE_STATEMENT);
  return true;
}

/**
 * Confirms the own claims of units while parts of the cluster merge, once in MERGE_ROUNDS: members
 * that were apart store older versions, and take what releases a unit only with a statement.
 * Otherwise each of them would ask for each. It is not repeated: the next window confirms again,
 * and in a merge signs of life need the frames.
 */
export function confirmInMerge(ctx: usize): void {
  const window = <u16>(membership(ctx).round / MERGE_ROUNDS);
  if (statements(ctx).confirmedWindow == window || !isMerging(ctx)) return;
  statementsToChange(ctx).confirmedWindow = window;
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) {
    const index = intentIndex(ctx, self(ctx), slot);
    if (index != NO_INDEX && resourceUnit(intent(ctx, index).resource) != 0)
      confirm(ctx, slot, intent(ctx, index).publishedS);
  }
}

/**
 * Publication time of a version that is published now in an own intent slot: now, or the second
 * after this node's last statement on it. That statement is of this second at most, whatever others
 * claimed: a start that others could date past the next cut would settle unseen (INT-5).
 */
export function publicationTimeS(ctx: usize, slot: u32): u32 {
  const now = missionS(ctx);
  if (!CONTAINED) return now;
  const index = findStatement(ctx, self(ctx), slot);
  if (index == NO_INDEX) return now;
  const atS = statement(ctx, index).atS;
  return atS < now ? now : atS + 1;
}

/**
 * Whether this boot published what is stored in an own intent slot. A version of an earlier boot
 * may be a forgery, which this boot cannot know. A statement on it, beside a statement of that
 * boot, could prove this node an equivocator; so it signs none. It claims anew a minute after
 * boot (own/lifecycle.ts), and signs that.
 */
export function isOfThisBoot(ctx: usize, slot: u32): bool {
  const stored = intentIndex(ctx, self(ctx), slot);
  return stored == NO_INDEX || intent(ctx, stored).version >>> VERSION_BITS == node(ctx).incarnation;
}

/**
 * Whether a statement on an own intent slot waits: another was signed a moment ago, and the forged
 * version that it shall contradict is dated ahead of now.
 */
export function signsLater(ctx: usize, slot: u32): bool {
  const index = findStatement(ctx, self(ctx), slot);
  const now = missionS(ctx);
  return (
    index != NO_INDEX &&
    <u32>statement(ctx, index).state == VALID &&
    statement(ctx, index).atS + SIGN_AGAIN_S > now &&
    statement(ctx, index).version == storedVersion(ctx, statement(ctx, index)) &&
    statements(ctx).forgedS > now
  );
}

/**
 * Prepares a statement on an own intent slot as of now, to be signed, and broadcast `repeats` times
 * more. Returns its entry, or NO_INDEX.
 */
export function prepareOwn(ctx: usize, slot: u32, repeats: u16): u32 {
  const me = self(ctx);
  let index = findStatement(ctx, me, slot);
  if (index == NO_INDEX) index = allocateStatement(ctx);
  if (index == NO_INDEX) return NO_INDEX;
  const now = missionS(ctx);
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>me;
  entry.slot = <u8>slot;
  entry.state = <u8>UNSIGNED;
  entry.flags = 0;
  entry.broadcastsLeft = repeats;
  entry.version = 0;
  entry.atS = now;
  const digest = changetype<usize>(entry) + DIGEST_AT;
  memory.fill(digest, 0, STATEMENT_DIGEST_BYTES);
  const stored = intentIndex(ctx, me, slot);
  if (stored == NO_INDEX) return index;
  const record = intent(ctx, stored);
  entry.version = record.version;
  if (record.publishedS > entry.atS) entry.atS = record.publishedS;
  memory.copy(digest, digestOf(ctx, record), STATEMENT_DIGEST_BYTES);
  return index;
}

/** Takes a signature of the platform, and broadcasts the statement. */
export function onSigned(ctx: usize, m: Signed): void {
  const index = m.ticket;
  if (index >= STATEMENTS_MAX || statements(ctx).ticket != index + 1 || <u32>statement(ctx, index).state != UNSIGNED)
    return;
  statementsToChange(ctx).ticket = 0;
  const entry = statementToChange(ctx, index);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, m.signatureAt, SIGNATURE_BYTES);
  entry.state = <u8>VALID;
  broadcastOwn(ctx, entry.slot);
  leaveToTick(ctx, DUE_STATEMENT);
}

/** Broadcasts the statement on an own intent slot, and its intent after it: both fit one frame. */
export function broadcastOwn(ctx: usize, slot: u32): void {
  // The later call is queued first.
  if (intentIndex(ctx, self(ctx), slot) != NO_INDEX) sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  sendFirst(ctx, SEND_STATEMENT, ADDRESSEE_ALL, self(ctx), slot);
}

/** Takes a peer's request for a statement. */
export function onStatementRequest(ctx: usize, m: StatementRequest): void {
  if (!CONTAINED || m.owner != self(ctx) || !timeKnown(ctx)) return;
  const state = statements(ctx);
  if (state.requestedS != 0 && call(ctx).localS - state.requestedS < REQUEST_EVERY_S) return;
  statementsToChange(ctx).requestedS = call(ctx).localS;
  requestStatement(ctx, m.slot, 0);
}

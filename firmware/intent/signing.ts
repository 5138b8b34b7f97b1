// Signs statements of this node on its own slots.

import { SIGNATURE_BYTES, VERSION_BITS, STATEMENT_DIGEST_BYTES } from '../wire/generated/codes';
import { COUNTER_IMPERSONATED, CONTAINED, NO_INDEX, STATEMENTS_MAX, ADDRESSEE_ALL } from '../memory/limits';
import { call } from '../memory/guard';
import { sendFirst, SEND_INTENT, SEND_STATEMENT } from '../node/outbox';
import { countLoss } from '../node/queues';
import { self, missionS, leaveToTick, DUE_STATEMENT, edge, timeKnown } from '../node/table';
import { Signed, StatementRequest } from '../wire/generated/messages';
import { digestOf, findStatement, allocateStatement, REBROADCASTS } from './statement';
import { VALID, UNSIGNED, DIGEST_AT, SIGNATURE_AT } from './statement_table';
import { statement, statementToChange, statementsToChange, Statement, intentIndex, intent, statements } from './table';
import { PUBLISHED_AHEAD_S_MAX } from './version';

/** Who asks gets a new word at most so often, local seconds. */
const REQUEST_EVERY_S: u32 = 60;

// ---- this node's own word ----

/** Somebody published in the name of this node, as of `publishedS`: it gives its word on the slot. */
export function reportImpersonation(ctx: usize, slot: u32, publishedS: u32): void {
  countLoss(ctx, COUNTER_IMPERSONATED);
  if (CONTAINED) requestStatement(ctx, slot, publishedS);
}

/**
 * A word of this node on a slot is wanted: what is told of it as of `publishedS` is not its own. One that it has given on what stands there covers all that was published
 * until then, and is told again with the next periods if need be.
 */
export function requestStatement(ctx: usize, slot: u32, publishedS: u32): void {
  const index = findStatement(ctx, self(ctx), slot);
  if (
    index != NO_INDEX &&
    <u32>statement(ctx, index).state == VALID &&
    statement(ctx, index).atS >= publishedS &&
    storedVersion(ctx, statement(ctx, index)) == statement(ctx, index).version
  ) {
    if (statement(ctx, index).broadcastsLeft == 0) statementToChange(ctx, index).broadcastsLeft = 1;
    return;
  }
  const state = statementsToChange(ctx);
  state.toSign |= 1 << slot;
  const latest = missionS(ctx) + PUBLISHED_AHEAD_S_MAX;
  const forgedS = publishedS < latest ? publishedS : latest;
  if (forgedS > state.forgedS) state.forgedS = forgedS;
  leaveToTick(ctx, DUE_STATEMENT);
}

/** The version that is held here in the slot that a word is on, 0 = none. */
export function storedVersion(ctx: usize, entry: Statement): u32 {
  const held = intentIndex(ctx, entry.owner, entry.slot);
  return held == NO_INDEX ? 0 : intent(ctx, held).version;
}

/** When what is published now in an own slot counts as published: after this node's last word on the slot. */
export function publicationTimeS(ctx: usize, slot: u32): u32 {
  const now = missionS(ctx);
  if (!CONTAINED) return now;
  const index = findStatement(ctx, self(ctx), slot);
  if (index == NO_INDEX) return now;
  const atS = statement(ctx, index).atS;
  return atS < now ? now : atS + 1;
}

/**
 * What stands in a slot from an earlier boot may have been told by anybody, and this node cannot know: it gives no word on it, which beside a word that it gave then would prove it a double-equivocator.
 * It claims anew two minutes after boot (own.ts), and gives its word on that.
 */
export function isOfThisBoot(ctx: usize, slot: u32): bool {
  const held = intentIndex(ctx, self(ctx), slot);
  return held == NO_INDEX || intent(ctx, held).version >>> VERSION_BITS == edge(ctx).incarnation;
}

/** Lays out this node's word on a slot as of now, to be signed. */
export function prepareOwn(ctx: usize, slot: u32): u32 {
  const me = self(ctx);
  let index = findStatement(ctx, me, slot);
  if (index == NO_INDEX) index = allocateStatement(ctx);
  if (index == NO_INDEX) return NO_INDEX;
  const now = missionS(ctx);
  const forgedS = statements(ctx).forgedS;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>me;
  entry.slot = <u8>slot;
  entry.state = <u8>UNSIGNED;
  entry.flags = 0;
  entry.broadcastsLeft = REBROADCASTS;
  entry.version = 0;
  entry.atS = forgedS > now ? forgedS : now;
  const digest = changetype<usize>(entry) + DIGEST_AT;
  memory.fill(digest, 0, STATEMENT_DIGEST_BYTES);
  const held = intentIndex(ctx, me, slot);
  if (held == NO_INDEX) return index;
  const record = intent(ctx, held);
  entry.version = record.version;
  if (record.publishedS > entry.atS) entry.atS = record.publishedS;
  memory.copy(digest, digestOf(ctx, record), STATEMENT_DIGEST_BYTES);
  return index;
}

/** The platform signed. */
export function onSigned(ctx: usize, m: Signed): void {
  const index = m.ticket;
  if (index >= STATEMENTS_MAX || statements(ctx).ticket != index + 1 || <u32>statement(ctx, index).state != UNSIGNED)
    return;
  statementsToChange(ctx).ticket = 0;
  const entry = statementToChange(ctx, index);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, m.signatureAt, SIGNATURE_BYTES);
  entry.state = <u8>VALID;
  statementsToChange(ctx).serviceSeen = 1;
  broadcastOwn(ctx, entry.slot);
  leaveToTick(ctx, DUE_STATEMENT);
}

export function broadcastOwn(ctx: usize, slot: u32): void {
  // First the word, then what it is about: together they fit a frame.
  if (intentIndex(ctx, self(ctx), slot) != NO_INDEX) sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  sendFirst(ctx, SEND_STATEMENT, ADDRESSEE_ALL, self(ctx), slot);
}

/** Somebody wants this node's word on a slot. */
export function onStatementRequest(ctx: usize, m: StatementRequest): void {
  if (!CONTAINED || m.owner != self(ctx) || !timeKnown(ctx)) return;
  const state = statements(ctx);
  if (state.requestedS != 0 && call(ctx).localS - state.requestedS < REQUEST_EVERY_S) return;
  statementsToChange(ctx).requestedS = call(ctx).localS;
  requestStatement(ctx, m.slot, 0);
}

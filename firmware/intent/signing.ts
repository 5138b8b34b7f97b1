// Signs statements of this node on its own slots.

import { COUNTER_IMPERSONATED, CONTAINED, NO_INDEX, STATEMENTS_MAX, ADDRESSEE_ALL } from '../memory/limits';
import { call } from '../memory/guard';
import { sendFirst, SEND_INTENT, SEND_STATEMENT } from '../node/outbox';
import { countLoss } from '../node/queues';
import { self, missionS, leaveToTick, DUE_STATEMENT, edge, timeKnown } from '../node/table';
import { Signed, StatementRequest } from '../wire/generated/messages';
import { find, room, RETELL_TIMES, digestOf } from './statement';
import { VALID, UNSIGNED, DIGEST_AT, DIGEST_BYTES, SIGNATURE_AT, SIGNATURE_BYTES } from './statement_table';
import {
  statement,
  statementToChange,
  witnessToChange,
  Statement,
  intentIndex,
  intent,
  VERSION_BITS,
  witness,
} from './table';
import { AHEAD_S_MAX } from './version';

/** Who asks gets a new word at most so often, local seconds. */
const ASKED_EVERY_S: u32 = 60;

// ---- this node's own word ----

/** Somebody published in the name of this node, as of `publishedS`: it gives its word on the slot. */
export function impersonated(ctx: usize, slot: u32, publishedS: u32): void {
  countLoss(ctx, COUNTER_IMPERSONATED);
  if (CONTAINED) dispute(ctx, slot, publishedS);
}

/**
 * A word of this node on a slot is wanted: what is told of it as of `publishedS` is not its own. One that it has given on what stands there covers all that was published
 * until then, and is told again with the next periods if need be.
 */
export function dispute(ctx: usize, slot: u32, publishedS: u32): void {
  const index = find(ctx, self(ctx), slot);
  if (
    index != NO_INDEX &&
    <u32>statement(ctx, index).state == VALID &&
    statement(ctx, index).atS >= publishedS &&
    standing(ctx, statement(ctx, index)) == statement(ctx, index).version
  ) {
    if (statement(ctx, index).left == 0) statementToChange(ctx, index).left = 1;
    return;
  }
  const state = witnessToChange(ctx);
  state.disputed |= 1 << slot;
  const latest = missionS(ctx) + AHEAD_S_MAX;
  const falseS = publishedS < latest ? publishedS : latest;
  if (falseS > state.falseS) state.falseS = falseS;
  leaveToTick(ctx, DUE_STATEMENT);
}

/** The version that is held here in the slot that a word is on, 0 = none. */
export function standing(ctx: usize, entry: Statement): u32 {
  const held = intentIndex(ctx, entry.owner, entry.slot);
  return held == NO_INDEX ? 0 : intent(ctx, held).version;
}

/** When what is published now in an own slot counts as published: after this node's last word on the slot. */
export function publicationS(ctx: usize, slot: u32): u32 {
  const now = missionS(ctx);
  if (!CONTAINED) return now;
  const index = find(ctx, self(ctx), slot);
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
export function writeOwn(ctx: usize, slot: u32): u32 {
  const me = self(ctx);
  let index = find(ctx, me, slot);
  if (index == NO_INDEX) index = room(ctx);
  if (index == NO_INDEX) return NO_INDEX;
  const now = missionS(ctx);
  const falseS = witness(ctx).falseS;
  const entry = statementToChange(ctx, index);
  entry.owner = <u16>me;
  entry.slot = <u8>slot;
  entry.state = <u8>UNSIGNED;
  entry.flags = 0;
  entry.left = RETELL_TIMES;
  entry.version = 0;
  entry.atS = falseS > now ? falseS : now;
  const digest = changetype<usize>(entry) + DIGEST_AT;
  memory.fill(digest, 0, DIGEST_BYTES);
  const held = intentIndex(ctx, me, slot);
  if (held == NO_INDEX) return index;
  const record = intent(ctx, held);
  entry.version = record.version;
  if (record.publishedS > entry.atS) entry.atS = record.publishedS;
  memory.copy(digest, digestOf(ctx, record), DIGEST_BYTES);
  return index;
}

/** The platform signed. */
export function onSigned(ctx: usize, m: Signed): void {
  const index = m.ticket;
  if (index >= STATEMENTS_MAX || witness(ctx).asked != index + 1 || <u32>statement(ctx, index).state != UNSIGNED)
    return;
  witnessToChange(ctx).asked = 0;
  const entry = statementToChange(ctx, index);
  memory.copy(changetype<usize>(entry) + SIGNATURE_AT, m.signatureAt, SIGNATURE_BYTES);
  entry.state = <u8>VALID;
  witnessToChange(ctx).answered = 1;
  emitOwn(ctx, entry.slot);
  leaveToTick(ctx, DUE_STATEMENT);
}

export function emitOwn(ctx: usize, slot: u32): void {
  // First the word, then what it is about: together they fit a frame.
  if (intentIndex(ctx, self(ctx), slot) != NO_INDEX) sendFirst(ctx, SEND_INTENT, ADDRESSEE_ALL, self(ctx), slot);
  sendFirst(ctx, SEND_STATEMENT, ADDRESSEE_ALL, self(ctx), slot);
}

/** Somebody wants this node's word on a slot. */
export function onStatementRequest(ctx: usize, m: StatementRequest): void {
  if (!CONTAINED || m.owner != self(ctx) || !timeKnown(ctx)) return;
  const state = witness(ctx);
  if (state.signedS != 0 && call(ctx).localS - state.signedS < ASKED_EVERY_S) return;
  witnessToChange(ctx).signedS = call(ctx).localS;
  dispute(ctx, m.slot, 0);
}

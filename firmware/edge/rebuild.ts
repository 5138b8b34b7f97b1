// Recovers from a double-bit error in a protected line, where the line's contents exist elsewhere:
// in this node's other tables, or at its peers. The module that owns the contents rebuilds them;
// this file knows whose line it is.
//
//   an intent        evicted unless it is an own one; digests and chains are rebuilt, and
//                    anti-entropy brings it back. Until a majority agrees without this node, it
//                    has no vote: it may have forgotten what it agreed to
//   a free record    cleared; the free list is rebuilt
//   index of intents rebuilt from the records
//   timeline         planned anew
//   the federation   discarded: summaries and profiles come again within hours, and no rule of this
//                    cluster reads them
//   an event         lost, and reported as lost
//   loss counters    begin at zero
//
// Everything else is this node's own and exists once: the call ends in the crash recovery, and the
// node starts again from its checkpoint.

import {
  ROUND_S,
  TRAP_SITE_SCRUB,
  UPSET_OUTCOME_CORRECTED,
  UPSET_OUTCOME_EVICTED,
  UPSET_OUTCOME_RECOMPUTED,
} from '../wire/generated/codes';
import { COMMAND_BYTES_MAX, EVENT_BYTES_MAX, SCRUBBED } from '../memory/limits';
import {
  COMMANDS_AT,
  COUNTERS_AT,
  EVENTS_AT,
  FEDERATION_AT,
  INTENTS_AT,
  INTENT_INDEX_AT,
  INTENT_STATE_AT,
  LINES,
  NOTICES_AT,
  SCRATCH_OUT_AT,
  TIMELINE_AT,
} from '../memory/map';
import { clearLine, changesProtection, lineAt, lineOf, protection, triesLine } from '../memory/guard';
import { invariant } from '../memory/trap';
import { commandDone, commandSpace, eventDone, eventSpace, isEventQueued } from '../node/queues';
import { self } from '../node/table';
import {
  hasUnreported,
  noteDiscarded,
  noteRecomputed,
  noteReported,
  scrub,
  REPEATS,
  NO_LINE,
} from '../protection/scrub';
import { sumsDiffer } from '../intent/digest';
import { evictUnreadable, rebuildIntents } from '../intent/rebuild';
import { discardFederationLine } from '../federation/table';
import { isSwept } from '../intent/table';
import { scheduleRestart } from '../schedule/step';
import {
  MoveContext,
  RepeatedUpset,
  Upset,
  encodeMoveContext,
  encodeRepeatedUpset,
  encodeUpset,
} from '../wire/generated/messages';

/** Rounds between two comparisons of the sums: nearly half an hour. */
const SUMS_ROUNDS: u32 = 1800 / ROUND_S;

/**
 * Outcomes for an uncorrectable line: it cannot be spared; it was discarded; its place has the
 * event `upset` now.
 */
const KEPT: u32 = 0;
const DISCARDED: u32 = 1;
const DISCARDED_AND_REPORTED: u32 = 2;

/**
 * Scrubs, and rebuilds what a line that cannot be corrected belongs to. Traps when that line cannot
 * be spared.
 */
export function scrubAndRebuild(ctx: usize): void {
  const line = scrub(ctx);
  if (line != NO_LINE) discardOrTrap(ctx, line);
}

/**
 * Checks the records of intents before the walk over them at a round's cut and before a checkpoint,
 * and discards those of others that cannot be corrected: either would end in the crash recovery.
 */
export function sweepIntents(ctx: usize): void {
  if (!SCRUBBED || isSwept(ctx)) return;
  for (let line = lineOf(INTENTS_AT); line < lineOf(INTENT_INDEX_AT); line++)
    if (!triesLine(ctx, line)) discardOrTrap(ctx, line);
}

/**
 * Checks the lines of the federation before they are used, and discards those that cannot be
 * corrected: a restart of the node is not worth them.
 */
export function sweepFederation(ctx: usize): void {
  if (!SCRUBBED) return;
  for (let line = lineOf(FEDERATION_AT); line < lineOf(COMMANDS_AT); line++)
    if (!triesLine(ctx, line)) discardOrTrap(ctx, line);
}

/**
 * Compares the sums that are kept over the stored intents with the records, every few rounds, and
 * recomputes them if they differ: a sum that went wrong within a call has a valid code, and this
 * node would agree with nobody.
 */
export function verifySums(ctx: usize, round: u32): void {
  // Members do it in different rounds, so that not all restart their agreement at once.
  if (!SCRUBBED || (round + self(ctx)) % SUMS_ROUNDS != 0 || !sumsDiffer(ctx)) return;
  rebuildIntents(ctx);
  noteRecomputed(ctx);
  emitUpset(ctx, upsetOf(ctx, lineOf(INTENT_STATE_AT), UPSET_OUTCOME_RECOMPUTED, 0, 1));
}

function discardOrTrap(ctx: usize, line: u32): void {
  const outcome = discard(ctx, line);
  invariant(outcome != KEPT, TRAP_SITE_SCRUB);
  noteDiscarded(ctx);
  if (outcome != DISCARDED_AND_REPORTED) emitUpset(ctx, upsetOf(ctx, line, UPSET_OUTCOME_EVICTED, 0, 1));
}

/**
 * Reports the upsets that were corrected since the last report, if the ring of events has room;
 * else a later call does.
 */
export function reportUpsets(ctx: usize): void {
  if (!hasUnreported(ctx)) return;
  const state = protection(ctx);
  const line: u32 = state.line;
  if (!emitUpset(ctx, upsetOf(ctx, line, UPSET_OUTCOME_CORRECTED, state.ageS, state.unreported))) return;
  changesProtection(ctx).unreported = 0;
  if (noteReported(ctx, line)) reportRepeated(ctx, line);
}

/**
 * Reports a line whose cell seems stuck, and asks the platform for another place: a second flip in
 * the line could not be corrected. Constants lie outside of the context.
 */
function reportRepeated(ctx: usize, line: u32): void {
  let at = eventSpace(ctx);
  if (at != 0) {
    const m = changetype<RepeatedUpset>(ctx + SCRATCH_OUT_AT);
    m.line = line;
    m.count = REPEATS;
    eventDone(ctx, at, encodeRepeatedUpset(at, at + EVENT_BYTES_MAX - 1, m));
  }
  if (line >= LINES) return;
  at = commandSpace(ctx);
  if (at == 0) return;
  const m = changetype<MoveContext>(ctx + SCRATCH_OUT_AT);
  m.line = line;
  commandDone(ctx, at, encodeMoveContext(at, at + COMMAND_BYTES_MAX - 1, m));
}

/** Discards the contents of an uncorrectable line and rebuilds what depends on them. */
function discard(ctx: usize, line: u32): u32 {
  if (line >= lineOf(INTENTS_AT) && line < lineOf(INTENT_INDEX_AT))
    return evictUnreadable(ctx, line - lineOf(INTENTS_AT)) ? DISCARDED : KEPT;
  if (line >= lineOf(INTENT_INDEX_AT) && line < lineOf(NOTICES_AT)) {
    clearLine(ctx, line);
    rebuildIntents(ctx);
    return DISCARDED;
  }
  if (line >= lineOf(TIMELINE_AT) && line < lineOf(FEDERATION_AT)) {
    clearLine(ctx, line);
    scheduleRestart(ctx);
    return DISCARDED;
  }
  if (line >= lineOf(FEDERATION_AT) && line < lineOf(COMMANDS_AT)) {
    discardFederationLine(ctx, line);
    return DISCARDED;
  }
  if (line >= lineOf(EVENTS_AT) && line < lineOf(COUNTERS_AT)) return discardEvent(ctx, line);
  if (line < lineOf(COUNTERS_AT)) return KEPT;
  clearLine(ctx, line);
  return DISCARDED;
}

/** Puts the event `upset` in the place of an event that waits. */
function discardEvent(ctx: usize, line: u32): u32 {
  clearLine(ctx, line);
  if (!isEventQueued(ctx, line - lineOf(EVENTS_AT))) return DISCARDED;
  writeUpset(lineAt(ctx, line) + 1, upsetOf(ctx, line, UPSET_OUTCOME_EVICTED, 0, 1));
  return DISCARDED_AND_REPORTED;
}

/** Fills the event `upset` in the outgoing scratch. */
function upsetOf(ctx: usize, line: u32, outcome: u32, ageS: u32, count: u32): Upset {
  const m = changetype<Upset>(ctx + SCRATCH_OUT_AT);
  m.line = line;
  m.outcome = outcome;
  m.ageS = ageS;
  m.count = count;
  return m;
}

/** Writes the event record at `at`, and its length before it. Returns its end. */
function writeUpset(at: usize, m: Upset): usize {
  const end = encodeUpset(at, at + EVENT_BYTES_MAX - 1, m);
  store<u8>(at - 1, <u8>(end - at));
  return end;
}

/** Emits the event. Returns false if the ring of events is full. */
function emitUpset(ctx: usize, m: Upset): bool {
  const at = eventSpace(ctx);
  if (at == 0) return false;
  eventDone(ctx, at, writeUpset(at, m));
  return true;
}

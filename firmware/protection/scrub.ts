// Scrubs the lines and the constants, a bounded number per period, so that a flipped bit is found
// before a second one joins it in the same line. See README.md.

import { PERIOD_S, PROTECTED, SCRUBBED } from '../memory/limits';
import { LINES } from '../memory/map';
import { call, changesProtection, noteFound, protection, reads, scrubLine, CORE_PROTECTION } from '../memory/guard';
import { crcTablesDiffer, rebuildCrcEntries, CRC_ENTRIES } from '../base/crc32c';

/**
 * A whole pass takes 2.5 h, in a storm 4 min. No line waits longer than two passes: 6 h and 10 min
 * are allowed.
 */
const QUIET_PERIODS: u32 = 150;
const STORM_PERIODS: u32 = 4;
const QUIET_LINES: u32 = (LINES + QUIET_PERIODS - 1) / QUIET_PERIODS;
const STORM_LINES: u32 = (LINES + STORM_PERIODS - 1) / STORM_PERIODS;
/**
 * After an upset was found the scrubber works as in a storm for this long: without a storm there is
 * one in months.
 */
const STORM_AFTER_S: u32 = 3 * 3600;
/** The longest that a storm is expected to last. */
const STORM_S_MAX: u32 = 31 * 86400;

/**
 * Least time between two checks of all constants that frames with a wrong CRC give rise to: one
 * TDMA cycle.
 */
const DOUBT_S: u32 = 15;
/** Stands for the constants in static memory where a line number is reported. */
const LINE_CONSTANTS: u32 = 0xffff;
/** Reports of one line in a row after which a cell of it counts as stuck. */
export const REPEATS: u32 = 3;
const HALF_DAY_S: u32 = 43200;
/** Returned where no line is meant. */
export const NO_LINE: u32 = LINES;

/**
 * Starts a new pass after boot or restore; counts are kept. The start may be the consequence of an
 * upset: the first hours are scrubbed as in a storm.
 */
export function protectionBoot(ctx: usize): void {
  const state = changesProtection(ctx);
  const nowS = call(ctx).localS;
  state.cursor = 0;
  state.passBeganS = nowS;
  state.previousPassBeganS = nowS;
  state.foundS = nowS + 1;
  state.unreported = 0;
  state.repeatCount = 0;
  state.stormUntilS = 0;
}

/** Expects a radiation storm for the next `durationS`. */
export function expectStorm(ctx: usize, durationS: u32): void {
  const state = changesProtection(ctx);
  state.stormUntilS = max<u32>(state.stormUntilS, call(ctx).localS + min<u32>(durationS, STORM_S_MAX));
}

/**
 * Scrubs this period's lines and constants, before anything else of the call reads the block.
 * Returns the line at which it stopped because more than one bit has flipped there, else NO_LINE.
 * The rest of the period's lines is left to the next period: what its module rebuilds has valid
 * codes only when the call ends.
 */
export function scrub(ctx: usize): u32 {
  if (!SCRUBBED) return NO_LINE;
  const state = changesProtection(ctx);
  const nowS = call(ctx).localS;
  const storm = nowS < state.stormUntilS || (state.foundS != 0 && nowS < state.foundS + STORM_AFTER_S);
  let left = storm ? STORM_LINES : QUIET_LINES;
  scrubConstants(ctx, state.cursor, left);
  for (; left != 0; left--) {
    const line: u32 = state.cursor;
    const isSound = scrubLine(ctx, line);
    state.cursor++;
    if (<u32>state.cursor == LINES) {
      state.cursor = 0;
      state.passes++;
      state.previousPassBeganS = state.passBeganS;
      state.passBeganS = nowS;
      left = 1;
    }
    if (!isSound) return line;
  }
  return NO_LINE;
}

/** Counts a line that was discarded because it could not be corrected. */
export function noteDiscarded(ctx: usize): void {
  const state = changesProtection(ctx);
  state.discarded++;
  state.foundS = call(ctx).localS;
}

/** Counts sums over the stored intents that differed from the records and were recomputed. */
export function noteRecomputed(ctx: usize): void {
  const state = changesProtection(ctx);
  if (state.recomputed != 0xff) state.recomputed++;
  state.foundS = call(ctx).localS;
}

/**
 * Notes that an upset of `line` was reported. Returns true at the third report in a row that names
 * the line, within a day: a cell of it seems stuck. Without a stuck cell a line has an upset in
 * centuries.
 */
export function noteReported(ctx: usize, line: u32): bool {
  const state = changesProtection(ctx);
  const halfDay = <u8>(call(ctx).localS / HALF_DAY_S);
  if (<u32>state.repeatLine != line || state.repeatCount == 0 || <u8>(halfDay - state.repeatHalfDay) > 1) {
    state.repeatLine = <u16>line;
    state.repeatCount = 0;
    state.repeatHalfDay = halfDay;
  }
  if (<u32>state.repeatCount > REPEATS) return false;
  state.repeatCount++;
  return <u32>state.repeatCount == REPEATS;
}

/** Rebuilds the CRC tables if a bit in them has flipped. Returns whether one had. */
function constantsCorrected(ctx: usize): bool {
  if (!SCRUBBED || !crcTablesDiffer()) return false;
  rebuildCrcEntries(0, CRC_ENTRIES);
  noteFound(ctx, LINE_CONSTANTS);
  return true;
}

/**
 * Checks the CRC tables after a frame with a wrong CRC: rarely, the tables are the cause. Returns
 * whether they were, and are corrected. The check costs as much as opening a frame, so noise causes
 * one per DOUBT_S at most.
 */
export function constantsDoubted(ctx: usize): bool {
  const now = call(ctx);
  if (now.doubtS > now.localS && now.doubtS - now.localS <= DOUBT_S) return false;
  now.doubtS = now.localS + DOUBT_S;
  return constantsCorrected(ctx);
}

/** Checks all constants by their sums, and some entries against their definition. */
function scrubConstants(ctx: usize, cursor: u32, lines: u32): void {
  if (
    !constantsCorrected(ctx) &&
    rebuildCrcEntries((cursor * CRC_ENTRIES) / LINES, (lines * CRC_ENTRIES) / LINES + 1) != 0
  )
    noteFound(ctx, LINE_CONSTANTS);
}

/**
 * Whether corrected upsets wait to be reported. Reads the line unchecked first: only the checked
 * value is returned.
 */
export function hasUnreported(ctx: usize): bool {
  if (!PROTECTED || protection(ctx).unreported == 0) return false;
  reads(ctx, CORE_PROTECTION);
  return protection(ctx).unreported != 0;
}

if (LINES >= LINE_CONSTANTS) ERROR('a line number is reported in 16 bits');
if (2 * STORM_PERIODS * PERIOD_S > 600 || 2 * QUIET_PERIODS * PERIOD_S > 6 * 3600)
  ERROR('two passes take at most 10 min and 6 h');

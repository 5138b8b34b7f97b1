// Scrubbing: a bounded number of lines with every period, so that a flipped bit is found before a second one joins it; and the constants, which are
// rebuilt from their definition. What was found is told. See README.md.

import { PERIOD_S, PROTECTED, SCRUBBED } from '../memory/limits';
import { LINES } from '../memory/map';
import { call, changesProtection, noteFound, protection, reads, scrubLine, CORE_PROTECTION } from '../memory/guard';
import { invariant } from '../memory/trap';
import { crcTablesDiffer, rebuildCrcEntries, CRC_ENTRIES } from '../base/crc32c';
import { timeKnown, missionS } from '../node/table';
import { letGo, KEPT, LET_GO_AND_TOLD } from './rebuild';
import { emitUpset, OUTCOME_CORRECTED, OUTCOME_DROPPED } from './report';

/** A whole pass in 2.5 h, in a storm in 4 min: no line waits longer than two passes, and 6 h and 10 min are allowed. */
const QUIET_PERIODS: u32 = 150;
const STORM_PERIODS: u32 = 4;
const QUIET_LINES: u32 = (LINES + QUIET_PERIODS - 1) / QUIET_PERIODS;
const STORM_LINES: u32 = (LINES + STORM_PERIODS - 1) / STORM_PERIODS;
/** One upset found is taken for a storm for so long: quiet, there is one in months. */
const STORM_AFTER_S: u32 = 3 * 3600;

/** No storm is announced for longer than a month. */
const STORM_S_MAX: u32 = 31 * 86400;

/** Between two looks at the constants that frames with a wrong CRC give rise to: one TDMA cycle. */
const DOUBT_S: u32 = 15;
/** Told in place of a line: the constants in static memory. */
const LINE_CONSTANTS: u32 = 0xffff;
const SITE_SCRUB: u32 = 904;

/** After boot or restore: the pass begins anew, what was counted stays. A start may be what an upset has led to: it is scrubbed as in a storm for a while. */
export function protectionBoot(ctx: usize): void {
  const state = changesProtection(ctx);
  const nowS = call(ctx).localS;
  state.cursor = 0;
  state.beganS = nowS;
  state.beforeS = nowS;
  state.foundS = nowS + 1;
  state.untold = 0;
  state.stormUntilS = 0;
}

/** A radiation storm is announced until mission second `untilS`. */
export function expectStorm(ctx: usize, untilS: u32): void {
  if (!timeKnown(ctx) || untilS <= missionS(ctx)) return;
  const state = changesProtection(ctx);
  state.stormUntilS = max<u32>(state.stormUntilS, call(ctx).localS + min<u32>(untilS - missionS(ctx), STORM_S_MAX));
}

/** Once per period, before anything else of the call reads the block. */
export function scrub(ctx: usize): void {
  if (!SCRUBBED) return;
  const state = changesProtection(ctx);
  const nowS = call(ctx).localS;
  const storm = nowS < state.stormUntilS || (state.foundS != 0 && nowS < state.foundS + STORM_AFTER_S);
  let left = storm ? STORM_LINES : QUIET_LINES;
  scrubConstants(ctx, state.cursor, left);
  for (; left != 0; left--) {
    const line: u32 = state.cursor;
    const right = scrubLine(ctx, line);
    state.cursor++;
    if (<u32>state.cursor == LINES) {
      state.cursor = 0;
      state.passes++;
      state.beforeS = state.beganS;
      state.beganS = nowS;
      left = 1;
    }
    if (right) continue;
    const gone = letGo(ctx, line);
    invariant(gone != KEPT, SITE_SCRUB);
    state.dropped++;
    state.foundS = nowS;
    if (gone != LET_GO_AND_TOLD) emitUpset(ctx, line, OUTCOME_DROPPED, 0, 1);
    // What was rebuilt has its code only when the call ends: the scrubber goes on with the next period.
    return;
  }
}

/** A frame's checksum is wrong: is it the tables' fault? True if they were, and are right again. */
export function constantsCorrected(ctx: usize): bool {
  if (!SCRUBBED || !crcTablesDiffer()) return false;
  rebuildCrcEntries(0, CRC_ENTRIES);
  noteFound(ctx, LINE_CONSTANTS);
  return true;
}

/**
 * A frame's CRC was wrong: rarely, it is the constants that are. A look at all of them costs as much as opening a frame, so that noise is given one every so often, and no more; the
 * scrubber comes by besides.
 */
export function constantsDoubted(ctx: usize): bool {
  const now = call(ctx);
  if (now.doubtS > now.localS && now.doubtS - now.localS <= DOUBT_S) return false;
  now.doubtS = now.localS + DOUBT_S;
  return constantsCorrected(ctx);
}

/** All constants at a glance, and a few by their definition. */
function scrubConstants(ctx: usize, cursor: u32, lines: u32): void {
  if (
    !constantsCorrected(ctx) &&
    rebuildCrcEntries((cursor * CRC_ENTRIES) / LINES, (lines * CRC_ENTRIES) / LINES + 1) != 0
  )
    noteFound(ctx, LINE_CONSTANTS);
}

/** What was corrected since this was told last is told, if there is room; else the next time. */
export function reportUpsets(ctx: usize): void {
  // A glance that nothing rests on: the line is checked before it is believed.
  if (!PROTECTED || protection(ctx).untold == 0) return;
  reads(ctx, CORE_PROTECTION);
  const state = protection(ctx);
  if (state.untold == 0 || !emitUpset(ctx, state.line, OUTCOME_CORRECTED, state.ageS, state.untold)) return;
  changesProtection(ctx).untold = 0;
}

if (LINES >= LINE_CONSTANTS) ERROR('a line is told in 16 bits');
if (2 * STORM_PERIODS * PERIOD_S > 600 || 2 * QUIET_PERIODS * PERIOD_S > 6 * 3600)
  ERROR('whole passes within 10 min and 6 h');

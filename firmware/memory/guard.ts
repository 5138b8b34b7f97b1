// Checks lines before they are used and renews the codes of those that change (RAD-1).
//
// What a call reads was checked in that call; what it changed gets a new code before the call
// returns, and nothing leaves before. A flipped bit is corrected where it is found. A line that
// cannot be corrected is not used: the call ends in the crash recovery.
//
// Core lines are tracked by a bit each in two words of the call, the others by a stamp per line.
// The stamps are in static memory, because they are valid within one call only: a stamp of another
// call means nothing. Tests show that no module omits a check: every load of a protected byte is
// watched for the check before it, and every line is compared with its code after every call
// (test/radiation).

import { TRAP_SITE_CORE, TRAP_SITE_TABLE, AGE_BINS, CODE_BYTES, LINE_BYTES } from '../wire/generated/codes';
import { PROTECTED, SCRUBBED } from './limits';
import { CALL_AT, LINES, LINES_AT, CORE_END, CODES_AT, PROTECTION_AT, MEMBERSHIP_AT, NODE_AT, HOT_AT } from './map';
import { codeOf, codeOfChange, correct, CODE_OF_ZEROS } from './lines';
import { invariant } from './trap';

/**
 * The present call. Not protected, because it is set before it is read; only calls without a time
 * (command, event, inspect) read the time of the call before.
 */
@unmanaged
class Call {
  /** Core lines checked and changed, a bit each. */
  checked: u32 = 0;
  changed: u32 = 0;
  /** Other lines changed: the length of their list. */
  listed: u32 = 0;
  /** The stamp of lines checked in this call, even; lines changed have the next odd one. */
  stamp: u32 = 0;
  /** The present call's time: the processor's clock, and mission time if it is known. */
  localS: u32 = 0;
  localMs: u32 = 0;
  missionS: u32 = 0;
  missionMs: u32 = 0;
  /** Messages of anti-entropy in the present frame. */
  exchanges: u32 = 0;
  /**
   * The present frame, from its envelope; where its ciphertext or plain text begins, and its
   * length.
   */
  sender: u32 = 0;
  addressee: u32 = 0;
  keyEpoch: u32 = 0;
  counter: u32 = 0;
  bodyAt: u32 = 0;
  bodyBytes: u32 = 0;
  /**
   * Persists from call to call: before this local second no frame's CRC causes a check of the
   * constants (protection/scrub.ts). Unprotected on purpose: corruption only mistimes a check.
   */
  doubtS: u32 = 0;
  /**
   * 1 = the counter is ahead, and the frame is opened anyway: this node hears no member, and its
   * own clock may be the cause.
   */
  ahead: u32 = 0;
  /** Probes, and requests to probe, in the frame. */
  probes: u32 = 0;
  /** The frame's length on the air. */
  frameBytes: u32 = 0;
  /** 1 = all records of intents were checked in this call. */
  swept: u32 = 0;
}

// @inline
export function call(ctx: usize): Call {
  return changetype<Call>(ctx + CALL_AT);
}

/** What was found and corrected, and the scrubber's progress. One line. Times are local seconds. */
@unmanaged
class Protection {
  corrected: u32 = 0;
  /** Lines that could not be corrected and were discarded; peers send their contents again. */
  discarded: u16 = 0;
  /** How often sums over the store were recomputed, 255 = that often or more. */
  recomputed: u8 = 0;
  /** Upsets not yet reported, 255 = that many or more. */
  unreported: u8 = 0;
  /** Next line to scrub, and whole passes done. */
  cursor: u16 = 0;
  passes: u16 = 0;
  /** Beginning of the present pass, and of the one before: bounds the age of a fault. */
  passBeganS: u32 = 0;
  previousPassBeganS: u32 = 0;
  /** When an upset was found last. */
  foundS: u32 = 0;
  /** Line and greatest age of the upset that was found last. */
  line: u16 = 0;
  ageS: u16 = 0;
  /** A radiation storm is expected until then. */
  stormUntilS: u32 = 0;
  /** The line that reports named last, how often in a row, and since which half-day. */
  repeatLine: u16 = 0;
  repeatCount: u8 = 0;
  repeatHalfDay: u8 = 0;
}

const AGES_AT: u32 = PROTECTION_AT + 36;

// @inline
export function protection(ctx: usize): Protection {
  return changetype<Protection>(ctx + PROTECTION_AT);
}
export function ageCountAt(ctx: usize, bin: u32): usize {
  return ctx + AGES_AT + (bin << 1);
}

/**
 * Stamps of all lines, and the list of those that changed. A context's size does not depend on
 * them.
 */
const STAMPS_AT = memory.data((PROTECTED ? LINES : 1) * 2, 8);
const LIST_AT = memory.data((PROTECTED ? LINES : 1) * 2, 8);
const NUMBER_AT = memory.data(4, 4);
/** Stamps start again after this many. */
const NUMBER_MAX: u32 = 0xfffc;

/** Checked with every call that reads more than this node's own state. */
export const CORE_HOT: u32 = (2 << ((HOT_AT - LINES_AT) >> 6)) - 1;
/** Checked with all other calls: identity, queues, counters. */
export const CORE_NODE: u32 = 3 << ((NODE_AT - LINES_AT) >> 6);
export const CORE_ALL: u32 = (2 << ((CORE_END - 1 - LINES_AT) >> 6)) - 1;
export const CORE_PROTECTION: u32 = 1 << ((PROTECTION_AT - LINES_AT) >> 6);

// @inline
export function lineAt(ctx: usize, line: u32): usize {
  return ctx + LINES_AT + line * LINE_BYTES;
}
// @inline
function codeAt(ctx: usize, line: u32): usize {
  return ctx + CODES_AT + line * CODE_BYTES;
}
// @inline
function isSound(ctx: usize, line: u32): bool {
  return codeOf(lineAt(ctx, line)) == load<u64>(codeAt(ctx, line));
}
/** Corrects one flipped bit of a line that is not sound. */
function correctLine(ctx: usize, line: u32): bool {
  return correct(lineAt(ctx, line), codeAt(ctx, line));
}
// @inline
function renew(ctx: usize, line: u32): void {
  store<u64>(codeAt(ctx, line), codeOf(lineAt(ctx, line)));
}

// ---- one call ----

/** Starts a call: only the core lines in `mask` count as checked, and they are. */
export function openCall(ctx: usize, mask: u32): void {
  if (!PROTECTED) return;
  const now = call(ctx);
  let stamp = load<u32>(NUMBER_AT) + 2;
  if (stamp > NUMBER_MAX || (stamp & 1) != 0) {
    memory.fill(STAMPS_AT, 0, LINES * 2);
    stamp = 2;
  }
  store<u32>(NUMBER_AT, stamp);
  now.stamp = stamp;
  now.checked = 0;
  now.changed = 0;
  now.listed = 0;
  now.swept = 0;
  if (SCRUBBED) checkCore(ctx, mask);
  else now.checked = mask;
}

/** Ends the call: lines that changed get their codes. */
export function closeCall(ctx: usize): void {
  if (!PROTECTED) return;
  const now = call(ctx);
  let mask = now.changed;
  if ((mask | now.listed) == 0) return;
  while (mask != 0) {
    renew(ctx, ctz<u32>(mask));
    mask &= mask - 1;
  }
  const listed = now.listed;
  now.listed = 0;
  for (let i: u32 = 0; i < listed; i++) {
    const line: u32 = load<u16>(LIST_AT + (i << 1));
    renew(ctx, line);
    // No stamp says "changed" between calls: a flipped stamp must not make a later call believe
    // that the line is in its list.
    store<u16>(STAMPS_AT + (line << 1), <u16>now.stamp);
  }
}

/** Gives every line the code of a line of zeros. */
export function giveZeroCodes(ctx: usize): void {
  if (!PROTECTED) return;
  for (let line: u32 = 0; line < LINES; line++) store<u64>(codeAt(ctx, line), CODE_OF_ZEROS);
}

/** Gives every line its code, after a boot that wrote all of them. */
export function renewAll(ctx: usize): void {
  if (!PROTECTED) return;
  for (let line: u32 = 0; line < LINES; line++) renew(ctx, line);
  memory.fill(STAMPS_AT, 0, LINES * 2);
  call(ctx).changed = 0;
  call(ctx).listed = 0;
}

// ---- the core ----

/** Checks core lines before they are read. */
export function reads(ctx: usize, mask: u32): void {
  if (PROTECTED && (~call(ctx).checked & mask) != 0) checkCore(ctx, mask);
}

/** Marks core lines as changed, before or after they are written. They were checked before. */
export function changes(ctx: usize, mask: u32): void {
  if (PROTECTED) call(ctx).changed |= mask;
}

/**
 * Checks further core lines of a call that started with fewer. Every such call checks them, used or
 * not, so they need no other scrubbing.
 */
export function sweepsCore(ctx: usize, mask: u32): void {
  if (SCRUBBED) checkCore(ctx, mask);
  else call(ctx).checked |= mask;
}

/** Checks core lines before they are read and written. */
export function readsAndChanges(ctx: usize, mask: u32): void {
  reads(ctx, mask);
  changes(ctx, mask);
}

/** Checks the core lines that were not yet checked in this call. */
function checkCore(ctx: usize, mask: u32): void {
  if (!PROTECTED) return;
  mask &= ~call(ctx).checked;
  call(ctx).checked |= mask;
  while (mask != 0) {
    const line = ctz<u32>(mask);
    mask &= mask - 1;
    if (!isSound(ctx, line)) correctOrTrap(ctx, line, TRAP_SITE_CORE);
  }
}

// ---- the tables ----

/** Returns the line of the byte at offset `at` of the context. */
// @inline
export function lineOf(at: u32): u32 {
  return (at - LINES_AT) / LINE_BYTES;
}

/** Checks a table's line before it is read. */
// @inline
export function readsLine(ctx: usize, line: u32): void {
  if (PROTECTED && (<u32>load<u16>(STAMPS_AT + (line << 1)) & ~1) != call(ctx).stamp) checkLine(ctx, line);
}

/** Checks a table's line before it is read and written. */
export function changesLine(ctx: usize, line: u32): void {
  if (PROTECTED && <u32>load<u16>(STAMPS_AT + (line << 1)) != (call(ctx).stamp | 1)) changeLine(ctx, line);
}

/** Whether this call changed a table's line. */
// @inline
export function isChanged(ctx: usize, line: u32): bool {
  return PROTECTED && <u32>load<u16>(STAMPS_AT + (line << 1)) == (call(ctx).stamp | 1);
}

/** Checks the lines [first, end) before they are read. */
export function readsLines(ctx: usize, first: u32, end: u32): void {
  if (PROTECTED) for (let line = first; line < end; line++) readsLine(ctx, line);
}

/** Checks the lines [first, end) before they are read and written. */
export function changesLines(ctx: usize, first: u32, end: u32): void {
  if (PROTECTED) for (let line = first; line < end; line++) changesLine(ctx, line);
}

/** Checks the lines [first, end) before a walk over the whole table, which scrubs it. */
export function sweepsLines(ctx: usize, first: u32, end: u32): void {
  if (SCRUBBED) readsLines(ctx, first, end);
}

function checkLine(ctx: usize, line: u32): void {
  if (!isSound(ctx, line)) correctOrTrap(ctx, line, TRAP_SITE_TABLE);
  store<u16>(STAMPS_AT + (line << 1), <u16>call(ctx).stamp);
}

/**
 * Checks a table's line before it is read, as readsLine does. Returns false instead of trapping if
 * the line cannot be corrected: nothing was changed then.
 */
export function triesLine(ctx: usize, line: u32): bool {
  if (!PROTECTED || (<u32>load<u16>(STAMPS_AT + (line << 1)) & ~1) == call(ctx).stamp) return true;
  if (!isSound(ctx, line) && !scrubLine(ctx, line)) return false;
  store<u16>(STAMPS_AT + (line << 1), <u16>call(ctx).stamp);
  return true;
}

function changeLine(ctx: usize, line: u32): void {
  readsLine(ctx, line);
  replacesLine(ctx, line);
}

/** Marks a line as changed without checking it: the caller writes all that is read of it. */
export function replacesLine(ctx: usize, line: u32): void {
  if (!PROTECTED) return;
  const now = call(ctx);
  if (<u32>load<u16>(STAMPS_AT + (line << 1)) == (now.stamp | 1)) return;
  store<u16>(STAMPS_AT + (line << 1), <u16>(now.stamp | 1));
  store<u16>(LIST_AT + (now.listed << 1), <u16>line);
  now.listed++;
}

/** Replaces a line's contents by zeros. */
export function clearLine(ctx: usize, line: u32): void {
  replacesLine(ctx, line);
  memory.fill(lineAt(ctx, line), 0, LINE_BYTES);
}

/**
 * Writes one word at offset `at` of the context and changes the line's code by the difference. That
 * costs less than a new code, and a bit that has flipped elsewhere in the line, checked or not, is
 * still found.
 */
export function setWord(ctx: usize, at: u32, value: u32): void {
  const place = ctx + at;
  const difference = load<u32>(place) ^ value;
  store<u32>(place, value);
  if (!PROTECTED || difference == 0) return;
  const code = codeAt(ctx, lineOf(at));
  store<u64>(code, load<u64>(code) ^ codeOfChange((at >>> 2) & 15, difference));
}

// ---- finding faults ----

/** Corrects a line, or traps. */
function correctOrTrap(ctx: usize, line: u32, site: u32): void {
  invariant(correctLine(ctx, line), site);
  noteFound(ctx, line);
}

/**
 * Scrubs a line, before anything else of the call reads a table. False if the line cannot be
 * corrected: nothing was changed then.
 */
export function scrubLine(ctx: usize, line: u32): bool {
  // A core line that was checked in this call may have been changed since: it has no valid code
  // now.
  if (line < 32 && ((call(ctx).checked >>> line) & 1) != 0) return true;
  if (isSound(ctx, line)) return true;
  if (!correctLine(ctx, line)) return false;
  noteFound(ctx, line);
  return true;
}

/**
 * Whether every line of the block at `ctx`, which need not be in use, is sound or was corrected.
 */
export function linesSound(ctx: usize): bool {
  if (!PROTECTED) return true;
  for (let line: u32 = 0; line < LINES; line++) if (!isSound(ctx, line) && !correctLine(ctx, line)) return false;
  return true;
}

/**
 * Returns the greatest age that a fault in `line` can have, s: since the scrubber passed it, or a
 * minute for lines that every call checks.
 */
function ageBoundS(ctx: usize, line: u32): u32 {
  const state = protection(ctx);
  const nowS = call(ctx).localS;
  const sinceS = line < <u32>state.cursor ? state.passBeganS : state.previousPassBeganS;
  const ageS = nowS > sinceS ? nowS - sinceS : 0;
  return line < 32 && ((1 << line) & CORE_HOT) != 0 && ageS > 60 ? 60 : ageS;
}

/**
 * Checks the line of protection itself without noteFound(), which would recurse: the stack has a
 * bound.
 */
function checkedProtection(ctx: usize): Protection {
  const line = lineOf(PROTECTION_AT);
  const state = protection(ctx);
  if ((call(ctx).checked & CORE_PROTECTION) == 0 && !isSound(ctx, line)) {
    invariant(correctLine(ctx, line), TRAP_SITE_CORE);
    state.corrected++;
  }
  call(ctx).checked |= CORE_PROTECTION;
  changes(ctx, CORE_PROTECTION);
  return state;
}

/** Counts a corrected fault, to be reported at the end of a call that emits events. */
export function noteFound(ctx: usize, line: u32): void {
  if (!PROTECTED) return;
  const state = checkedProtection(ctx);
  const ageS = ageBoundS(ctx, line);
  const bin: u32 = ageS == 0 ? 0 : 32 - clz<u32>(ageS);
  const at = ageCountAt(ctx, bin < AGE_BINS ? bin : AGE_BINS - 1);
  if (load<u16>(at) != 0xffff) store<u16>(at, load<u16>(at) + 1);
  state.corrected++;
  state.foundS = call(ctx).localS;
  state.line = <u16>line;
  state.ageS = <u16>min<u32>(ageS, 0xffff);
  if (state.unreported != 0xff) state.unreported++;
}

/** Checks the state of protection before it is read and written. */
export function changesProtection(ctx: usize): Protection {
  readsAndChanges(ctx, CORE_PROTECTION);
  return protection(ctx);
}

if (offsetof<Call>() > 128) ERROR('the call fits into its place');
if (AGES_AT - PROTECTION_AT + AGE_BINS * 2 > LINE_BYTES) ERROR('protection has one line');
if (offsetof<Protection>() > AGES_AT - PROTECTION_AT) ERROR('the state of protection fits into its line');
if (MEMBERSHIP_AT != LINES_AT) ERROR('what every call reads stands first');

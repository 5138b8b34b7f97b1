// Check, use, renew (RAD-1). What a call reads has passed its check in that call; what it changed gets a new code before the call returns, and nothing
// leaves before. A flipped bit is corrected where it is found; a line that cannot be corrected ends the call on the crash recovery before it is used.
//
// Lines of the core are known by their bit in two words of the call; the others by a stamp per line, in static memory because it means something within one
// call only: a stamp of another call says nothing. What the rooms do not do is shown by tests: every load of a protected byte is watched
// for the check before it, and every line's code is compared after every call (test/radiation).

import { PROTECTED, SCRUBBED } from './limits';
import { CALL_AT, LINES, LINES_AT, CORE_END, CODES_AT, PROTECTION_AT, MEMBERSHIP_AT, EDGE_AT, HOT_AT } from './map';
import { LINE_BYTES, CODE_BYTES, codeOf, codeOfChange, correct } from './lines';
import { invariant } from './trap';

/** The present call. Not protected: set before it is read, but for the time of calls that bring none (command, event, inspect). */
@unmanaged
export class Call {
  /** Core lines checked and changed, a bit each. */
  checked: u32 = 0;
  changed: u32 = 0;
  /** Other lines changed: so many in the list. */
  listed: u32 = 0;
  /** Even: what stamps of checked lines hold in this call; odd: of changed ones. */
  stamp: u32 = 0;
  /** The present call's time: the processor's clock, and mission time if it is known. */
  localS: u32 = 0;
  localMs: u32 = 0;
  missionS: u32 = 0;
  missionMs: u32 = 0;
  /** Messages of anti-entropy in the frame at hand. */
  exchanges: u32 = 0;
  /** The frame at hand, from its envelope; where its ciphertext or plain text begins, and how long the text is. */
  sender: u32 = 0;
  addressee: u32 = 0;
  epoch: u32 = 0;
  counter: u32 = 0;
  bodyAt: u32 = 0;
  bodyBytes: u32 = 0;
  /** Kept from call to call: no frame's CRC makes us look at the constants before this local second (protection/step.ts). Wrong, it costs a look too many or one too late. */
  doubtS: u32 = 0;
  /** 1 = its counter is ahead, and it is opened all the same: this node hears nobody, and its own clock may be the cause. */
  ahead: u32 = 0;
  /** Probes, and requests to probe, in it. */
  probes: u32 = 0;
  /** Its length on the air. */
  frameBytes: u32 = 0;
}

// @inline
export function call(ctx: usize): Call {
  return changetype<Call>(ctx + CALL_AT);
}

/** What was found and corrected, and how far the scrubber is (protection/). One line. Local seconds. */
@unmanaged
export class Protection {
  corrected: u32 = 0;
  /** Records that could not be corrected and were let go: peers tell them again. */
  discarded: u32 = 0;
  /** Next line to scrub, and whole passes done. */
  cursor: u16 = 0;
  passes: u16 = 0;
  /** Beginning of the present pass, and of the one before: how long a fault may have lain. */
  beganS: u32 = 0;
  beforeS: u32 = 0;
  /** An upset was found last at. */
  foundS: u32 = 0;
  /** Not told yet: how many, and of the last its line and greatest age. */
  unreported: u16 = 0;
  line: u16 = 0;
  ageS: u32 = 0;
  /** A radiation storm is announced until. */
  stormUntilS: u32 = 0;
}

export const AGE_BINS: u32 = 14;
const AGES_AT: u32 = PROTECTION_AT + 36;

// @inline
export function protection(ctx: usize): Protection {
  return changetype<Protection>(ctx + PROTECTION_AT);
}
export function ageCountAt(ctx: usize, bin: u32): usize {
  return ctx + AGES_AT + (bin << 1);
}

/** Stamps of all lines, and the list of those that changed. A context's size does not depend on them. */
const STAMPS_AT = memory.data((PROTECTED ? LINES : 1) * 2, 8);
const LIST_AT = memory.data((PROTECTED ? LINES : 1) * 2, 8);
const NUMBER_AT = memory.data(4, 4);
/** Stamps begin anew after this many calls. */
const NUMBER_MAX: u32 = 0xfffc;

/** Uncorrectable: in the core, in a table. */
const SITE_CORE: u32 = 901;
const SITE_TABLE: u32 = 902;

/** Checked with every call that reads more than this node's own state. */
export const CORE_HOT: u32 = (2 << ((HOT_AT - LINES_AT) >> 6)) - 1;
/** Checked with all others: what this node is, and what goes in and out. */
export const CORE_EDGE: u32 = 3 << ((EDGE_AT - LINES_AT) >> 6);
export const CORE_ALL: u32 = (2 << ((CORE_END - 1 - LINES_AT) >> 6)) - 1;
export const CORE_PROTECTION: u32 = 1 << ((PROTECTION_AT - LINES_AT) >> 6);

// @inline
export function lineAt(ctx: usize, line: u32): usize {
  return ctx + LINES_AT + line * LINE_BYTES;
}
// @inline
export function codeAt(ctx: usize, line: u32): usize {
  return ctx + CODES_AT + line * CODE_BYTES;
}
// @inline
function sound(ctx: usize, line: u32): bool {
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

/** Begins a call: nothing counts as checked but the core lines in `mask`, which are. */
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
  if (SCRUBBED) checkCore(ctx, mask);
  else now.checked = mask;
}

/** Ends it: what changed gets its code. */
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
    // Between calls no stamp says "changed": a flipped one must not make a later call believe that it has this line in its list.
    store<u16>(STAMPS_AT + (line << 1), <u16>now.stamp);
  }
}

/** Gives every line its code: after boot, when nothing was there before. */
export function renewAll(ctx: usize): void {
  if (!PROTECTED) return;
  for (let line: u32 = 0; line < LINES; line++) renew(ctx, line);
  memory.fill(STAMPS_AT, 0, LINES * 2);
  call(ctx).changed = 0;
  call(ctx).listed = 0;
}

// ---- the core ----

/** Before core lines are read. */
export function reads(ctx: usize, mask: u32): void {
  if (PROTECTED && (~call(ctx).checked & mask) != 0) checkCore(ctx, mask);
}

/** Before or after core lines are written that were read or checked before. */
export function changes(ctx: usize, mask: u32): void {
  if (PROTECTED) call(ctx).changed |= mask;
}

/** Before a call that began with less goes on: what every such call checks, used or not, is scrubbed by that. */
export function sweepsCore(ctx: usize, mask: u32): void {
  if (SCRUBBED) checkCore(ctx, mask);
  else call(ctx).checked |= mask;
}

/** Before core lines are read and written. */
export function readsAndChanges(ctx: usize, mask: u32): void {
  reads(ctx, mask);
  changes(ctx, mask);
}

/** Checks core lines that were not yet checked in this call. */
export function checkCore(ctx: usize, mask: u32): void {
  if (!PROTECTED) return;
  mask &= ~call(ctx).checked;
  call(ctx).checked |= mask;
  while (mask != 0) {
    const line = ctz<u32>(mask);
    mask &= mask - 1;
    if (!sound(ctx, line)) mend(ctx, line, SITE_CORE);
  }
}

// ---- the tables ----

/** Line of the byte at offset `at` of the context. */
// @inline
export function lineOf(at: u32): u32 {
  return (at - LINES_AT) / LINE_BYTES;
}

/** Before a table's line is read. */
// @inline
export function readsLine(ctx: usize, line: u32): void {
  if (PROTECTED && (<u32>load<u16>(STAMPS_AT + (line << 1)) & ~1) != call(ctx).stamp) checkLine(ctx, line);
}

/** Before a table's line is read and written. */
export function changesLine(ctx: usize, line: u32): void {
  if (PROTECTED && <u32>load<u16>(STAMPS_AT + (line << 1)) != (call(ctx).stamp | 1)) changeLine(ctx, line);
}

/** Whether a table's line is among those that this call changed. */
// @inline
export function isChanged(ctx: usize, line: u32): bool {
  return PROTECTED && <u32>load<u16>(STAMPS_AT + (line << 1)) == (call(ctx).stamp | 1);
}

/** Before lines [first, end) are read, all of them. */
export function readsLines(ctx: usize, first: u32, end: u32): void {
  if (PROTECTED) for (let line = first; line < end; line++) readsLine(ctx, line);
}

/** Before lines [first, end) are read and written. */
export function changesLines(ctx: usize, first: u32, end: u32): void {
  if (PROTECTED) for (let line = first; line < end; line++) changesLine(ctx, line);
}

/** Likewise before a walk over a whole table, which is scrubbed by that: the scrubber need not come by. */
export function sweepsLines(ctx: usize, first: u32, end: u32): void {
  if (SCRUBBED) readsLines(ctx, first, end);
}

function checkLine(ctx: usize, line: u32): void {
  if (!sound(ctx, line)) mend(ctx, line, SITE_TABLE);
  store<u16>(STAMPS_AT + (line << 1), <u16>call(ctx).stamp);
}

function changeLine(ctx: usize, line: u32): void {
  readsLine(ctx, line);
  replacesLine(ctx, line);
}

/** A line that is written without regard to what stood there: nobody reads of it what was not written now. */
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
 * Writes one word at offset `at` of the context; its code changes by what the word does. That is cheaper than a new code where little of a line changes, and
 * what has flipped elsewhere in the line, checked or not, is still found.
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

/** Corrects a line, or dies. */
function mend(ctx: usize, line: u32, site: u32): void {
  invariant(correctLine(ctx, line), site);
  noteFound(ctx, line);
}

/** Scrubbing, before anything else of the call touches a table. False if a line cannot be corrected: nothing was changed then. */
export function scrubLine(ctx: usize, line: u32): bool {
  // What of the core was checked in this call may have been changed since.
  if (line < 32 && ((call(ctx).checked >>> line) & 1) != 0) return true;
  if (sound(ctx, line)) return true;
  if (!correctLine(ctx, line)) return false;
  noteFound(ctx, line);
  return true;
}

/** Whether every line of the block at `ctx`, which need not be in use, is sound or could be corrected. */
export function linesSound(ctx: usize): bool {
  if (!PROTECTED) return true;
  for (let line: u32 = 0; line < LINES; line++) if (!sound(ctx, line) && !correctLine(ctx, line)) return false;
  return true;
}

/** The longest that a fault in `line` can have lain there: since the scrubber came by, or for what every call reads, a minute. */
function ageBoundS(ctx: usize, line: u32): u32 {
  const state = protection(ctx);
  const nowS = call(ctx).localS;
  const sinceS = line < <u32>state.cursor ? state.beganS : state.beforeS;
  const ageS = nowS > sinceS ? nowS - sinceS : 0;
  return line < 32 && ((1 << line) & CORE_HOT) != 0 && ageS > 60 ? 60 : ageS;
}

/** The state of protection itself, checked without being told of by itself: no call may lead back to its own beginning (the stack has a bound). */
function checkedProtection(ctx: usize): Protection {
  const line = lineOf(PROTECTION_AT);
  const state = protection(ctx);
  if ((call(ctx).checked & CORE_PROTECTION) == 0 && !sound(ctx, line)) {
    invariant(correctLine(ctx, line), SITE_CORE);
    state.corrected++;
  }
  call(ctx).checked |= CORE_PROTECTION;
  changes(ctx, CORE_PROTECTION);
  return state;
}

/** Counts a corrected fault, to be told with the end of a call that tells events. */
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
  state.ageS = ageS;
  if (state.unreported != 0xffff) state.unreported++;
}

/** Before the state of protection is read and written. */
export function changesProtection(ctx: usize): Protection {
  readsAndChanges(ctx, CORE_PROTECTION);
  return protection(ctx);
}

if (offsetof<Call>() > 128) ERROR('room for the call');
if (AGES_AT - PROTECTION_AT + AGE_BINS * 2 > LINE_BYTES) ERROR('protection has one line');
if (offsetof<Protection>() > AGES_AT - PROTECTION_AT) ERROR('room for the state of protection');
if (MEMBERSHIP_AT != LINES_AT) ERROR('what every call reads stands first');

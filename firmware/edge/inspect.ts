// Telemetry for tests and tools: tables as words. Judges never use it.

import { COUNTERS_MAX, NO_INDEX, STATEMENTS_MAX, TIMELINE_ENTRIES_MAX, OWN_SLOTS, GROUPS_MAX } from '../memory/limits';
import { CODES_AT, CONTEXT_BYTES, COUNTERS_AT, COUNTER_CODES_AT, LINES, LINES_AT, TIMELINE_AT } from '../memory/map';
import { ageCountAt, AGE_BINS, call, changesProtection } from '../memory/guard';
import { clockErrorMs } from '../node/clock';
import { hearing, membership, member, readMembers } from '../membership/table';
import { intents, intent, intentIndex, own, group, STATEMENT_BYTES, statement } from '../intent/table';
import { Head, head, pending, COMMITMENT_BYTES, SIGNATURE_AT, SIGNATURE_BYTES } from '../security/table';
import { newestKeyEpoch, sendingKeyEpoch } from '../security/key_epoch';
import { edge, queues, counterAt, counterWord, members } from '../node/table';
import { ageOf, lastLivenessTickOf } from '../membership/liveness';
import { coordinator, memberState } from '../membership/member_state';
import { FREE, DIGEST_AT } from '../intent/statement_table';
import { histogramAt, HISTOGRAM_BINS, convergence, CLASSES } from '../convergence/table';
import { readTimeline, scheduleToChange } from '../schedule/table';

const HEAD_WORDS: u32 = 3 + (COMMITMENT_BYTES + SIGNATURE_BYTES) / 4;

/** [timeKnown, missionS, missionMs, errorMs, safeMode, outbox, coordinator] */
export const WHAT_NODE: u32 = 0;
/** of member `index`: [state, age, lastLivenessTick, incarnation, intentSum] */
export const WHAT_MEMBER: u32 = 1;
/** of owner·8+slot `index`: [version, state, verdict, kind, resource, startS, endS, boundS, rate, publishedS, leaseS] */
export const WHAT_INTENT: u32 = 2;
/** of own slot `index`: [settledVersion, startS, endS, rate, running] */
export const WHAT_OWN: u32 = 3;
/** loss counters: [count, firstS] × COUNTERS_MAX */
export const WHAT_COUNTERS: u32 = 4;
/** of class `index` 1–4: counts per bin */
export const WHAT_HISTOGRAM: u32 = 5;
/** what each timeline slot is for */
export const WHAT_TIMELINE: u32 = 6;
/** [epoch, digestHigh, digestLow, quorum, quorumRound, leaseUntilS, intents held, open disruptions, local health] */
export const WHAT_VIEW: u32 = 7;
/** of group `index`: [kind, units, capacity, length] */
export const WHAT_GROUP: u32 = 8;
/** what a rejected input leaves as it was: [LINES_AT, COUNTERS_AT, CODES_AT, COUNTER_CODES_AT, CONTEXT_BYTES, lines]: the rest is scratch and loss counters */
export const WHAT_LAYOUT: u32 = 9;
/** of the timeline: [plans made, slots looked at in the last step, in the last plan, 1 = energy falls short, 1 = a plan is in the making] */
export const WHAT_SCHEDULE: u32 = 10;

/** of protection: [corrected, discarded, next line to scrub, lines, passes, local second the present pass began, counts of ages × AGE_BINS] */
export const WHAT_PROTECTION: u32 = 11;

/** of keys: `index` 0 the head whose signature is to be checked: [epoch, startS, parts, commitment × 4, signature × 16], as in memory; 1: [epoch in use, newest epoch, counter reserved, counter sent last, epoch of the cover, parts held] */
export const WHAT_KEYS: u32 = 12;

/** of the owner's word with ticket `index`: [owner, slot, version, atS, digest × 4, signature × 16], the last two as in memory */
export const WHAT_STATEMENT: u32 = 13;

function put(out: usize, index: u32, word: u32): void {
  store<u32>(out + (index << 2), word);
}

/** Writes words to `out` (room for `cap` bytes). Returns how many, 0 if it does not fit or does not exist. */
export function inspectContext(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  if (cap < 64) return 0;
  switch (what) {
    case WHAT_NODE: {
      const state = edge(ctx);
      put(out, 0, state.timeKnown);
      put(out, 1, call(ctx).missionS);
      put(out, 2, call(ctx).missionMs);
      put(out, 3, clockErrorMs(ctx));
      put(out, 4, state.safeMode);
      put(out, 5, queues(ctx).outboxCount);
      put(out, 6, coordinator(ctx));
      return 7;
    }
    case WHAT_MEMBER:
      if (index >= members(ctx)) return 0;
      readMembers(ctx, members(ctx));
      put(out, 0, memberState(ctx, index));
      put(out, 1, ageOf(ctx, index));
      put(out, 2, lastLivenessTickOf(ctx, index));
      put(out, 3, member(ctx, index).incarnation);
      put(out, 4, member(ctx, index).intentSum);
      return 5;
    case WHAT_INTENT:
      return inspectIntent(ctx, index, out);
    case WHAT_OWN: {
      if (index >= OWN_SLOTS) return 0;
      const mine = own(ctx, index);
      put(out, 0, mine.settledVersion);
      put(out, 1, mine.settledStartS);
      put(out, 2, mine.settledEndS);
      put(out, 3, mine.settledRate);
      put(out, 4, mine.running);
      return 5;
    }
    case WHAT_VIEW:
      return inspectView(ctx, out);
    case WHAT_GROUP: {
      if (index >= GROUPS_MAX) return 0;
      const chain = group(ctx, index);
      put(out, 0, chain.kind);
      put(out, 1, chain.units);
      put(out, 2, chain.capacity);
      put(out, 3, chain.length);
      return 4;
    }
    case WHAT_SCHEDULE: {
      const state = scheduleToChange(ctx);
      put(out, 0, state.plans);
      put(out, 1, state.operationsStep);
      put(out, 2, state.operationsPlan);
      put(out, 3, state.shortfall);
      put(out, 4, state.phase != 0 ? 1 : 0);
      return 5;
    }
    case WHAT_LAYOUT:
      put(out, 0, LINES_AT);
      put(out, 1, COUNTERS_AT);
      put(out, 2, CODES_AT);
      put(out, 3, COUNTER_CODES_AT);
      put(out, 4, CONTEXT_BYTES);
      put(out, 5, LINES);
      return 6;
    case WHAT_PROTECTION:
      return inspectProtection(ctx, out, cap);
    case WHAT_STATEMENT:
      return inspectStatement(ctx, index, out, cap);
    case WHAT_KEYS:
      return inspectKeys(ctx, index, out, cap);
    default:
      return inspectList(ctx, what, index, out, cap);
  }
}

function inspectIntent(ctx: usize, index: u32, out: usize): u32 {
  if (index >= members(ctx) * OWN_SLOTS) return 0;
  const at = intentIndex(ctx, index >>> 3, index & 7);
  if (at == NO_INDEX) return 0;
  const record = intent(ctx, at);
  put(out, 0, record.version);
  put(out, 1, record.state);
  put(out, 2, record.verdict);
  put(out, 3, record.kind);
  put(out, 4, record.resource);
  put(out, 5, record.startS);
  put(out, 6, record.endS);
  put(out, 7, record.boundS);
  put(out, 8, record.rate);
  put(out, 9, record.publishedS);
  put(out, 10, record.leaseS);
  return 11;
}

function inspectView(ctx: usize, out: usize): u32 {
  const view = membership(ctx);
  put(out, 0, view.round);
  put(out, 1, <u32>(view.digest >> 32));
  put(out, 2, <u32>view.digest);
  put(out, 3, view.quorum);
  put(out, 4, view.quorumRound);
  put(out, 5, view.leaseUntilS);
  put(out, 6, intents(ctx).count);
  put(out, 7, convergence(ctx).count);
  put(out, 8, hearing(ctx).health);
  return 9;
}

function inspectProtection(ctx: usize, out: usize, cap: u32): u32 {
  if (cap < (6 + AGE_BINS) * 4) return 0;
  const state = changesProtection(ctx);
  put(out, 0, state.corrected);
  put(out, 1, state.discarded);
  put(out, 2, state.cursor);
  put(out, 3, LINES);
  put(out, 4, state.passes);
  put(out, 5, state.beganS);
  for (let i: u32 = 0; i < AGE_BINS; i++) put(out, 6 + i, load<u16>(ageCountAt(ctx, i)));
  return 6 + AGE_BINS;
}

function inspectStatement(ctx: usize, index: u32, out: usize, cap: u32): u32 {
  if (index >= STATEMENTS_MAX || cap < STATEMENT_BYTES) return 0;
  const entry = statement(ctx, index);
  if (<u32>entry.state == FREE) return 0;
  put(out, 0, entry.owner);
  put(out, 1, entry.slot);
  put(out, 2, entry.version);
  put(out, 3, entry.atS);
  memory.copy(out + 16, changetype<usize>(entry) + DIGEST_AT, STATEMENT_BYTES - DIGEST_AT);
  return STATEMENT_BYTES / 4;
}

function inspectKeys(ctx: usize, index: u32, out: usize, cap: u32): u32 {
  if (index == 1) {
    put(out, 0, sendingKeyEpoch(ctx));
    put(out, 1, newestKeyEpoch(ctx));
    put(out, 2, queues(ctx).reserved);
    put(out, 3, queues(ctx).sentCycle);
    put(out, 4, head(ctx).keyEpoch);
    put(out, 5, head(ctx).partCount);
    return 6;
  }
  const state = pending(ctx);
  if (index != 0 || state.keyEpoch == 0 || cap < HEAD_WORDS * 4) return 0;
  put(out, 0, state.keyEpoch);
  put(out, 1, state.startS);
  put(out, 2, state.parts);
  memory.copy(out + 12, changetype<usize>(state) + offsetof<Head>('commitment0'), COMMITMENT_BYTES);
  memory.copy(out + 12 + COMMITMENT_BYTES, changetype<usize>(state) + SIGNATURE_AT, SIGNATURE_BYTES);
  return HEAD_WORDS;
}

function inspectList(ctx: usize, what: u32, index: u32, out: usize, cap: u32): u32 {
  if (what == WHAT_COUNTERS) {
    if (cap < COUNTERS_MAX * 8) return 0;
    for (let i: u32 = 0; i < COUNTERS_MAX; i++) {
      put(out, i * 2, counterWord(ctx, counterAt(i)));
      put(out, i * 2 + 1, counterWord(ctx, counterAt(i) + 4));
    }
    return COUNTERS_MAX * 2;
  }
  if (what == WHAT_HISTOGRAM) {
    if (index < 1 || index > CLASSES) return 0;
    for (let i: u32 = 0; i < HISTOGRAM_BINS; i++) put(out, i, load<u16>(histogramAt(ctx, index, i)));
    return HISTOGRAM_BINS;
  }
  if (what == WHAT_TIMELINE) {
    if (cap < TIMELINE_ENTRIES_MAX * 4) return 0;
    readTimeline(ctx);
    for (let i: u32 = 0; i < TIMELINE_ENTRIES_MAX; i++) put(out, i, load<u8>(ctx + TIMELINE_AT + i));
    return TIMELINE_ENTRIES_MAX;
  }
  return 0;
}

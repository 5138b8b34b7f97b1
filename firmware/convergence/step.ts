// Measures convergence on board (CVG-1, CVG-2) and its trend (CVG-4): class and onset of each
// disruption, and the time until, in CONVERGED_ROUNDS rounds in a row, every live member agrees
// with this node, no conflict is open and no silent owner has claims.

import {
  SLA_CLASS_CLUSTER,
  SLA_CLASS_NODE,
  VERDICT_REFUSED,
  HISTOGRAM_BINS,
  GROUPS_MAX,
  COUNTER_DISRUPTIONS_FULL,
  ADDRESSEE_ALL,
  ROUND_S,
  LIVENESS_TICK_S,
} from '../wire/generated/codes';
import { MEMBER_WORDS, DISRUPTIONS_MAX, NO_INDEX, EVENT_BYTES_MAX, CORRELATED_SILENT_MIN } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { node, missionS, self } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { send, SEND_ALARM } from '../node/outbox';
import { membership, member, heardAt, agreeAt, everyoneAt } from '../membership/table';
import { livenessTickStartS } from '../membership/calendar';
import { coordinator } from '../membership/member_state';
import { nextInChain } from '../intent/chain';
import { intents, intent, group } from '../intent/table';
import { arbitrate } from '../intent/arbitration';
import { Onset, encodeOnset, Converged, encodeConverged, Alarmed, encodeAlarmed } from '../wire/generated/messages';
import { convergence, disruption, DisruptionSeen, histogramAt, seenSilentAt, setSeenSilent } from './table';

/** Rounds in a row in which every live member must agree: they span 30 minutes. */
const CONVERGED_ROUNDS: u32 = 4;
/** Disturbances that follow one another within this are one disruption, seconds. */
const MERGE_S: u32 = 900;
/**
 * A conflict counts as open once its intent is this old, seconds: younger ones are about to be
 * settled.
 */
const CONFLICT_S: u32 = ROUND_S;

/** Hard limit of a disruption class, seconds (CVG-1). */
function slaS(disruptionClass: u32): u32 {
  if (disruptionClass == SLA_CLASS_NODE) return 3600;
  if (disruptionClass == SLA_CLASS_CLUSTER) return 8 * 3600;
  if (disruptionClass == 3) return 72 * 3600;
  return 7 * 86400;
}

/** Opens a disruption that began at `onsetS`, or extends an open one that it follows. */
export function disturb(ctx: usize, disruptionClass: u32, onsetS: u32, subject: u32, notBeforeS: u32): void {
  const state = convergence(ctx);
  if (membership(ctx).formed == 0) return;
  const now = missionS(ctx);
  state.agreedRun = 0;
  let free: u32 = NO_INDEX;
  for (let i: u32 = 0; i < DISRUPTIONS_MAX; i++) {
    const seen = disruption(ctx, i);
    if (seen.class == 0) {
      if (free == NO_INDEX) free = i;
      continue;
    }
    if (now > seen.lastS + MERGE_S && onsetS > seen.lastS + MERGE_S) continue;
    if (disruptionClass > seen.class) seen.class = disruptionClass;
    if (onsetS < seen.onsetS) seen.onsetS = onsetS;
    if (notBeforeS > seen.notBeforeS) seen.notBeforeS = notBeforeS;
    seen.lastS = now;
    emitOnset(ctx, disruptionClass, onsetS, subject);
    return;
  }
  if (free == NO_INDEX) {
    countLoss(ctx, COUNTER_DISRUPTIONS_FULL);
    return;
  }
  const seen = disruption(ctx, free);
  seen.class = disruptionClass;
  seen.onsetS = onsetS;
  seen.lastS = now;
  seen.subject = subject;
  seen.alarmed = 0;
  seen.notBeforeS = notBeforeS;
  state.count++;
  emitOnset(ctx, disruptionClass, onsetS, subject);
}

/** Emits the event of a disturbance. */
function emitOnset(ctx: usize, disruptionClass: u32, onsetS: u32, subject: u32): void {
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Onset>(ctx + SCRATCH_OUT_AT);
  m.class = disruptionClass;
  m.onsetS = onsetS;
  m.subject = subject & 0xffff;
  eventDone(ctx, at, encodeOnset(at, at + EVENT_BYTES_MAX - 1, m));
}

/** Looks for disruptions and for convergence, once per period; mission time is known. */
export function convergenceStep(ctx: usize): void {
  watchMembers(ctx);
  watchNotices(ctx);
  const state = convergence(ctx);
  if (state.count == 0) return;
  const round = membership(ctx).round;
  if (state.agreedRound != round && everybodyAgrees(ctx) && nothingOpen(ctx)) {
    if (state.agreedRun == 0 || state.agreedRound + 1 != round) {
      state.agreedRun = 0;
      state.agreedS = missionS(ctx);
    }
    state.agreedRound = round;
    state.agreedRun++;
  }
  for (let i: u32 = 0; i < DISRUPTIONS_MAX; i++) {
    const seen = disruption(ctx, i);
    if (seen.class == 0) continue;
    if (state.agreedRun >= CONVERGED_ROUNDS && state.agreedS >= seen.notBeforeS) close(ctx, seen);
    else if (seen.notBeforeS <= missionS(ctx)) watchSla(ctx, seen);
  }
}

/** Finds members that fell silent or came back. */
function watchMembers(ctx: usize): void {
  let fallen: u32 = 0;
  let back: u32 = 0;
  let subject: u32 = 0;
  let onsetS: u32 = 0xffffffff;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const heard =
      load<u32>(heardAt(ctx, 0) + offset) | load<u32>(heardAt(ctx, 1) + offset) | load<u32>(heardAt(ctx, 2) + offset);
    const now = load<u32>(everyoneAt(ctx) + offset) & ~heard;
    const before = load<u32>(seenSilentAt(ctx) + offset);
    if (now != before) setSeenSilent(ctx, offset, now);
    back += popcnt<u32>(before & ~now);
    let fresh = now & ~before;
    fallen += popcnt<u32>(fresh);
    while (fresh != 0) {
      subject = (word << 5) + ctz<u32>(fresh);
      fresh &= fresh - 1;
      const silentS = livenessTickStartS(member(ctx, subject).lastLivenessTick + 1) - (LIVENESS_TICK_S >>> 1);
      if (silentS < onsetS) onsetS = silentS;
    }
  }
  if (fallen != 0)
    disturb(ctx, fallen < CORRELATED_SILENT_MIN ? SLA_CLASS_NODE : SLA_CLASS_CLUSTER, onsetS, subject, 0);
  if (back != 0)
    disturb(ctx, back < CORRELATED_SILENT_MIN ? SLA_CLASS_NODE : SLA_CLASS_CLUSTER, missionS(ctx), subject, 0);
}

/** Finds new notices of resources. */
function watchNotices(ctx: usize): void {
  const state = convergence(ctx);
  const sum = intents(ctx).noticeSum;
  if (sum == state.noticeSum) return;
  state.noticeSum = sum;
  disturb(ctx, SLA_CLASS_CLUSTER, missionS(ctx), self(ctx), 0);
}

/** Whether a majority and every live member agree with this node. */
function everybodyAgrees(ctx: usize): bool {
  if (membership(ctx).quorum == 0) return false;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const live =
      load<u32>(heardAt(ctx, 0) + offset) | load<u32>(heardAt(ctx, 1) + offset) | load<u32>(heardAt(ctx, 2) + offset);
    if ((live & ~load<u32>(agreeAt(ctx) + offset)) != 0) return false;
  }
  return true;
}

/**
 * Whether no refused intent is older than CONFLICT_S, and no claim of a silent owner is due to be
 * evicted.
 */
function nothingOpen(ctx: usize): bool {
  const state = intents(ctx);
  if (state.nextEvictionS != 0xffffffff && state.nextEvictionS < missionS(ctx) + 3600) return false;
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).length == 0) continue;
    arbitrate(ctx, g, NO_INDEX);
    let at: u32 = group(ctx, g).first;
    let steps: u32 = 0;
    while (at != NO_INDEX) {
      const record = intent(ctx, at);
      if (<u32>record.verdict == VERDICT_REFUSED && record.publishedS + CONFLICT_S < missionS(ctx)) return false;
      at = nextInChain(record, steps++);
    }
  }
  return true;
}

/** Closes a converged disruption: counts its duration, updates the trend, emits an event. */
function close(ctx: usize, seen: DisruptionSeen): void {
  const state = convergence(ctx);
  const convergedS = state.agreedS > seen.onsetS ? state.agreedS : seen.onsetS;
  const tookS = convergedS - seen.onsetS;
  const minutes = tookS / 60;
  let bin: u32 = minutes == 0 ? 0 : 31 - clz<u32>(minutes);
  if (bin >= HISTOGRAM_BINS) bin = HISTOGRAM_BINS - 1;
  const at = histogramAt(ctx, seen.class, bin);
  if (load<u16>(at) != 0xffff) store<u16>(at, load<u16>(at) + 1);
  if (seen.class == SLA_CLASS_NODE) {
    state.trendNodeS = trend(state.trendNodeS, tookS);
    state.lastNodeS = tookS;
  } else if (seen.class == SLA_CLASS_CLUSTER) {
    state.trendClusterS = trend(state.trendClusterS, tookS);
    state.lastClusterS = tookS;
  }
  const event = eventSpace(ctx);
  if (event != 0) {
    const m = changetype<Converged>(ctx + SCRATCH_OUT_AT);
    m.class = seen.class;
    m.onsetS = seen.onsetS;
    m.convergedS = convergedS;
    eventDone(ctx, event, encodeConverged(event, event + EVENT_BYTES_MAX - 1, m));
  }
  seen.class = 0;
  state.count--;
}

/** Moving average with a weight of a quarter for the new duration. */
function trend(average: u32, tookS: u32): u32 {
  return average == 0 ? tookS : average - (average >>> 2) + (tookS >>> 2);
}

/**
 * Raises an alarm when three quarters of the limit are spent, or when the average plus twice its
 * rise would breach the limit (CVG-4).
 */
function watchSla(ctx: usize, seen: DisruptionSeen): void {
  if (seen.alarmed != 0) return;
  const state = convergence(ctx);
  const limitS = slaS(seen.class);
  const now = missionS(ctx);
  const elapsedS = now > seen.onsetS ? now - seen.onsetS : 0;
  const average =
    seen.class == SLA_CLASS_NODE ? state.trendNodeS : seen.class == SLA_CLASS_CLUSTER ? state.trendClusterS : 0;
  const last =
    seen.class == SLA_CLASS_NODE ? state.lastNodeS : seen.class == SLA_CLASS_CLUSTER ? state.lastClusterS : 0;
  const rising = last > average ? last - average : 0;
  if (elapsedS < limitS - (limitS >>> 2) && average + 2 * rising < limitS) return;
  seen.alarmed = 1;
  if (coordinator(ctx) == self(ctx)) send(ctx, SEND_ALARM, ADDRESSEE_ALL, seen.class, seen.onsetS);
  const at = eventSpace(ctx);
  if (at == 0) return;
  const m = changetype<Alarmed>(ctx + SCRATCH_OUT_AT);
  m.class = seen.class;
  m.onsetS = seen.onsetS;
  m.elapsedS = elapsedS;
  eventDone(ctx, at, encodeAlarmed(at, at + EVENT_BYTES_MAX - 1, m));
}

/** Restarts from a checkpoint: this node's own absence is a disruption. */
export function convergenceRestart(ctx: usize): void {
  if (node(ctx).timeKnown != 0) disturb(ctx, SLA_CLASS_NODE, missionS(ctx), self(ctx), 0);
}

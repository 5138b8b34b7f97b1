// Measures convergence on board (CVG-1, CVG-2) and its trend (CVG-4): class and onset of each
// disruption, and the time until the last moment at which members differed, a conflict was open or
// a silent owner had claims. A disruption is closed half an hour after that moment.

import {
  SLA_CLASS_CLUSTER,
  LIVENESS_SUSPECT,
  SLA_CLASS_NODE,
  VERDICT_REFUSED,
  HISTOGRAM_BINS,
  GROUPS_MAX,
  COUNTER_DISRUPTIONS_FULL,
  ADDRESSEE_ALL,
  ROUND_S,
  LIVENESS_TICK_S,
} from '../wire/generated/codes';
import {
  MEMBER_WORDS,
  DISRUPTIONS_MAX,
  NO_INDEX,
  EVENT_BYTES_MAX,
  CORRELATED_SILENT_MIN,
  INTENTS_MAX,
  ROUND_TICKS,
} from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { fold32 } from '../base/hash';
import { node, missionS, self, members, upS } from '../node/table';
import { countLoss, eventSpace, eventDone } from '../node/queues';
import { send, SEND_ALARM } from '../node/outbox';
import {
  membership,
  liveWord,
  agreedBeforeAt,
  everyoneAt,
  silentAt,
  readMembers,
  member,
  memberSeen,
  memberToChange,
  MARKS_APART,
} from '../membership/table';
import { livenessTickStartS, roundStartS } from '../membership/calendar';
import { countSilences, isCorrelatedSilence } from '../membership/correlated';
import { isMerging } from '../membership/hearing';
import { isLarge } from '../membership/turns';
import { coordinator } from '../membership/member_state';
import { nextInChain } from '../intent/chain';
import { intents, intent, intentSeen, readIntents, group, notice, Notice } from '../intent/table';
import { arbitrate, boundOf } from '../intent/arbitration';
import { ageOf, isSilent } from '../membership/liveness';
import { bitGet } from '../base/bits';
import { Onset, encodeOnset, Converged, encodeConverged, Alarmed, encodeAlarmed } from '../wire/generated/messages';
import { convergence, disruption, DisruptionSeen, histogramAt, seenSilentAt, setSeenSilent } from './table';

/** A cluster has converged when nothing differed for so long, seconds. */
const CONVERGED_S: u32 = 1800;
/** Conflicts and states of members are looked at this often, seconds. */
const LOOK_S: u32 = 60;
/** A claim of a silent owner that ends within this is about to be free, seconds. */
const BOUND_S: u32 = 3600;
/** Disturbances that follow one another within this are one disruption, seconds. */
const MERGE_S: u32 = 900;
/**
 * A conflict counts as open once its intent is this old, seconds: the owner of a younger one knows
 * that it lost, and is about to withdraw it.
 */
const CONFLICT_S: u32 = 900;
/** A disruption in which nothing differed for so long is about to be closed: no alarm, seconds. */
const CALM_S: u32 = 600;
/**
 * Rounds in a row in which a member was heard and did not agree, from which on it differs: what it
 * lacks is ten minutes old. In fewer rounds its agreement may have been lost, or its news is young.
 */
const APART_ROUNDS: u32 = 600 / ROUND_S;
if (APART_ROUNDS == 0 || APART_ROUNDS >= 1 << (8 - MARKS_APART) || APART_ROUNDS * ROUND_S >= CONVERGED_S)
  ERROR('what differs for long is seen before a disruption is closed');
/** The same while parts of the cluster merge: what a member lacks was published before they met. */
const APART_ROUNDS_MERGING: u32 = 240 / ROUND_S;
/**
 * In a large cluster probes have no bitmaps: a round brings the agreement of three members in four.
 * So one in so many may seem to differ.
 */
const APART_SHARE_LARGE: u32 = 8;
/** A member that says that it booted longer ago than this is not believed, seconds. */
const RESTART_S_MAX: u32 = MERGE_S;

/** Hard limit of a disruption class, seconds (CVG-1). */
export function slaS(disruptionClass: u32): u32 {
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
  if (state.count == 0) watchFromNow(ctx);
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
  seen.detectedS = now;
  seen.subject = <u16>subject;
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
  watchRound(ctx);
  const now = missionS(ctx);
  if (now >= state.lookS + LOOK_S) {
    state.lookS = now;
    watchStates(ctx);
    if (intents(ctx).nextEvictionS < now + BOUND_S && silentOwnersHold(ctx)) state.boundS = now;
    if (isConflictOpen(ctx)) state.conflictS = now;
  }
  for (let i: u32 = 0; i < DISRUPTIONS_MAX; i++) {
    const seen = disruption(ctx, i);
    if (seen.class == 0) continue;
    if (now >= max<u32>(convergedS(ctx, seen), seen.detectedS) + CONVERGED_S) close(ctx, seen);
    else if (seen.notBeforeS <= now) watchSla(ctx, seen);
  }
}

/** Begins to watch: what changed while no disruption was open does not count. */
function watchFromNow(ctx: usize): void {
  const state = convergence(ctx);
  const viewsS = state.viewsS;
  watchStates(ctx);
  state.viewsS = viewsS;
  state.lookS = missionS(ctx);
  state.round = 0;
}

/**
 * Notes that a member restarted, and says that it booted `upS` seconds ago: it is a disruption of
 * class node.
 */
export function noteRestart(ctx: usize, index: u32, upS: u32): void {
  disturb(ctx, SLA_CLASS_NODE, missionS(ctx) - min<u32>(min<u32>(upS, RESTART_S_MAX), missionS(ctx)), index, 0);
}

/** Judges the round that has ended, in the first period of the next one. */
function watchRound(ctx: usize): void {
  const state = convergence(ctx);
  const before = state.round;
  const round = membership(ctx).round;
  state.round = round;
  if (before == 0) forgetApart(ctx);
  if (before == 0 || before == round) return;
  state.blindRounds = <u8>min<u32>(<u32>state.blindRounds + (round - before), APART_ROUNDS);
  const rounds = isMerging(ctx) ? APART_ROUNDS_MERGING : APART_ROUNDS;
  // A round without a quorum says nothing of single members.
  if (bitGet(agreedBeforeAt(ctx), self(ctx))) countApart(ctx, round - 1, rounds);
  const tolerated = isLarge(ctx) ? members(ctx) / APART_SHARE_LARGE : 0;
  if (<u32>state.apart > tolerated || <u32>state.blindRounds >= rounds) state.viewsS = roundStartS(round);
}

/** Begins to count the rounds in which members differ. */
function forgetApart(ctx: usize): void {
  const state = convergence(ctx);
  state.apart = 0;
  state.blindRounds = 0;
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) setApart(ctx, i, 0);
}

/** Sets the rounds in which a member has differed. Call readMembers() first. */
function setApart(ctx: usize, index: u32, rounds: u32): void {
  if (<u32>memberSeen(ctx, index).marks >>> MARKS_APART == rounds) return;
  const entry = memberToChange(ctx, index);
  entry.marks = <u8>((<u32>entry.marks & ((1 << MARKS_APART) - 1)) | (rounds << MARKS_APART));
}

/**
 * Counts for each member the rounds in a row in which it differed, and those that did for
 * `roundsMin`; `round` had a quorum.
 */
function countApart(ctx: usize, round: u32, roundsMin: u32): void {
  const state = convergence(ctx);
  state.apart = 0;
  state.blindRounds = 0;
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    let rounds: u32 = 0;
    if (!bitGet(agreedBeforeAt(ctx), i) && isInReach(ctx, i, roundStartS(round))) {
      rounds = <u32>memberSeen(ctx, i).marks >>> MARKS_APART;
      if (isHeardSince(ctx, i, round) && rounds < APART_ROUNDS) rounds++;
    }
    setApart(ctx, i, rounds);
    if (rounds >= roundsMin) state.apart++;
  }
}

/** Whether a member is not silent, nor in an announced silence now or shortly before `fromS`. */
function isInReach(ctx: usize, index: u32, fromS: u32): bool {
  const entry = memberSeen(ctx, index);
  return !isSilent(ctx, index) && (entry.isolationFromS > missionS(ctx) || entry.isolationUntilS + ROUND_S < fromS);
}

/** Whether a member was heard since a round began: else nobody knows whether it agrees. */
function isHeardSince(ctx: usize, index: u32, round: u32): bool {
  return membership(ctx).livenessTick - ageOf(ctx, index) >= round * ROUND_TICKS;
}

/** Looks at which members are reported as absent, and why: a change shows that views differed. */
function watchStates(ctx: usize): void {
  const state = convergence(ctx);
  let states: u32 = 0;
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const reported: u32 = memberSeen(ctx, i).reportedState;
    states = fold32(states, reported > LIVENESS_SUSPECT ? reported : 0);
  }
  if (states != state.states) state.viewsS = missionS(ctx);
  state.states = states;
}

/** Last mission second at which something differed, as far as this node knows. */
export function apartS(ctx: usize): u32 {
  const state = convergence(ctx);
  return max<u32>(max<u32>(state.viewsS, state.boundS), state.conflictS);
}

/** Mission second from which on nothing differed, as far as this node knows. */
function convergedS(ctx: usize, seen: DisruptionSeen): u32 {
  return max<u32>(apartS(ctx), seen.onsetS);
}

/** Onset while nobody has fallen silent. */
const NO_ONSET: u32 = 0xffffffff;

/** Finds members that fell silent or came back. */
function watchMembers(ctx: usize): void {
  let isCommon = false;
  let back: u32 = 0;
  let subject: u32 = 0;
  let onsetS = NO_ONSET;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const now = load<u32>(everyoneAt(ctx) + offset) & ~liveWord(ctx, word);
    const before = load<u32>(seenSilentAt(ctx) + offset);
    if (now != before) setSeenSilent(ctx, offset, now);
    back += popcnt<u32>(before & ~now);
    let fresh = now & ~before;
    if (fresh != 0 && onsetS == NO_ONSET) {
      readMembers(ctx, members(ctx));
      countSilences(ctx);
    }
    while (fresh != 0) {
      subject = (word << 5) + ctz<u32>(fresh);
      fresh &= fresh - 1;
      const livenessTick = memberSeen(ctx, subject).lastLivenessTick;
      isCommon = isCommon || isCorrelatedSilence(ctx, livenessTick);
      const silentS = livenessTickStartS(livenessTick + 1) - (LIVENESS_TICK_S >>> 1);
      if (silentS < onsetS) onsetS = silentS;
    }
  }
  if (onsetS != NO_ONSET) disturb(ctx, isCommon ? SLA_CLASS_CLUSTER : SLA_CLASS_NODE, onsetS, subject, 0);
  if (back != 0)
    disturb(ctx, back < CORRELATED_SILENT_MIN ? SLA_CLASS_NODE : SLA_CLASS_CLUSTER, missionS(ctx), subject, 0);
}

/** Finds new notices of resources. */
function watchNotices(ctx: usize): void {
  const state = convergence(ctx);
  const sum = intents(ctx).noticeSum;
  if (sum == state.noticeSum) return;
  state.noticeSum = sum;
  let newest: u32 = 0;
  for (let i: u32 = 1; i < intents(ctx).noticeCount; i++)
    if (notice(ctx, i).observedS > notice(ctx, newest).observedS) newest = i;
  const onsetS = intents(ctx).noticeCount == 0 ? 0 : lossS(ctx, notice(ctx, newest));
  disturb(ctx, SLA_CLASS_CLUSTER, min<u32>(onsetS, missionS(ctx)), self(ctx), 0);
}

/**
 * Mission second at which the resource of a notice was lost. Members look out for units in their
 * contact windows, one after another: what an observer missed on its return was lost since the
 * window before that one. The middle is taken.
 */
function lossS(ctx: usize, fact: Notice): u32 {
  const observedS = fact.observedS;
  const untilS = member(ctx, fact.observer).isolationUntilS;
  if (fact.unit == 0 || observedS + LOOK_S < untilS || untilS + MERGE_S < observedS) return observedS;
  let lookS: u32 = 0;
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const beforeS = memberSeen(ctx, i).isolationUntilS;
    if (i != <u32>fact.observer && beforeS <= observedS) lookS = max<u32>(lookS, beforeS);
  }
  const betweenS = observedS - lookS;
  return betweenS > 2 * MERGE_S ? observedS : observedS - (betweenS >>> 1);
}

/** Whether a refused intent is older than CONFLICT_S. */
function isConflictOpen(ctx: usize): bool {
  for (let g: u32 = 0; g < GROUPS_MAX; g++) {
    if (group(ctx, g).length == 0) continue;
    arbitrate(ctx, g, NO_INDEX);
    let at: u32 = group(ctx, g).first;
    let steps: u32 = 0;
    while (at != NO_INDEX) {
      const record = intent(ctx, at);
      if (<u32>record.verdict == VERDICT_REFUSED && record.publishedS + CONFLICT_S < missionS(ctx)) return true;
      at = nextInChain(record, steps++);
    }
  }
  return false;
}

/** Whether a silent member has a claim that ends within BOUND_S. */
function silentOwnersHold(ctx: usize): bool {
  readIntents(ctx);
  for (let i: u32 = 0; i < INTENTS_MAX; i++) {
    const record = intentSeen(ctx, i);
    if (record.state == 0 || !bitGet(silentAt(ctx), record.owner) || !isSilent(ctx, record.owner)) continue;
    if (record.endS > missionS(ctx) && boundOf(ctx, record) < missionS(ctx) + BOUND_S) return true;
  }
  return false;
}

/** Closes a converged disruption: counts its duration, updates the trend, emits an event. */
function close(ctx: usize, seen: DisruptionSeen): void {
  const state = convergence(ctx);
  const atS = convergedS(ctx, seen);
  // A predicted silence is no delay: agreement needs the path that is back at its end.
  const beganS = max<u32>(seen.onsetS, seen.notBeforeS);
  const durationS = atS > beganS ? atS - beganS : 0;
  const tookS = min<u32>(durationS, 0xffff);
  state.breaches = <u8>((((<u32>state.breaches) << 1) | <u32>(durationS > slaS(seen.class))) & 7);
  const minutes = durationS / 60;
  let bin: u32 = minutes == 0 ? 0 : 31 - clz<u32>(minutes);
  if (bin >= HISTOGRAM_BINS) bin = HISTOGRAM_BINS - 1;
  const at = histogramAt(ctx, seen.class, bin);
  if (load<u16>(at) != 0xffff) store<u16>(at, load<u16>(at) + 1);
  if (seen.class == SLA_CLASS_NODE) {
    state.trendNodeS = trend(state.trendNodeS, tookS);
    state.lastNodeS = <u16>tookS;
  } else if (seen.class == SLA_CLASS_CLUSTER) {
    state.trendClusterS = trend(state.trendClusterS, tookS);
    state.lastClusterS = <u16>tookS;
  }
  const event = eventSpace(ctx);
  if (event != 0) {
    const m = changetype<Converged>(ctx + SCRATCH_OUT_AT);
    m.class = seen.class;
    m.onsetS = seen.onsetS;
    m.convergedS = atS;
    m.detectedS = seen.detectedS;
    m.agreedS = state.viewsS;
    m.freedS = state.boundS;
    m.settledS = state.conflictS;
    eventDone(ctx, event, encodeConverged(event, event + EVENT_BYTES_MAX - 1, m));
  }
  seen.class = 0;
  state.count--;
}

/** Moving average with a weight of a quarter for the new duration. */
function trend(average: u32, tookS: u32): u16 {
  return <u16>(average == 0 ? tookS : average - (average >>> 2) + (tookS >>> 2));
}

/**
 * Raises an alarm when three quarters of the limit are spent, or when the average plus twice its
 * rise would breach the limit (CVG-4); not once nothing has differed for CALM_S.
 */
function watchSla(ctx: usize, seen: DisruptionSeen): void {
  const now = missionS(ctx);
  const beganS = max<u32>(seen.onsetS, seen.notBeforeS);
  if (seen.alarmed != 0 || max<u32>(apartS(ctx), beganS) + CALM_S < now) return;
  const state = convergence(ctx);
  const limitS = slaS(seen.class);
  const elapsedS = now > beganS ? now - beganS : 0;
  const average =
    seen.class == SLA_CLASS_NODE ? state.trendNodeS : seen.class == SLA_CLASS_CLUSTER ? state.trendClusterS : 0;
  const last =
    seen.class == SLA_CLASS_NODE ? state.lastNodeS : seen.class == SLA_CLASS_CLUSTER ? state.lastClusterS : 0;
  const rising = last > average ? last - average : 0;
  // The average rose by a third of what the last duration is above it.
  if (elapsedS < limitS - (limitS >>> 2) && average + (2 * rising) / 3 < limitS) return;
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

/** Notes a restart of this node, once mission time is known: its own absence is a disruption. */
export function convergenceRestart(ctx: usize): void {
  if (node(ctx).incarnation > 1 && upS(ctx) < RESTART_S_MAX) noteRestart(ctx, self(ctx), upS(ctx));
}

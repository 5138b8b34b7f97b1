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
  MEMBERS_MAX,
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
  member,
  liveWord,
  agreeAt,
  everyoneAt,
  silentAt,
  readMembers,
  memberSeen,
} from '../membership/table';
import { livenessTickStartS, roundCutS } from '../membership/calendar';
import { countSilences, isCorrelatedSilence } from '../membership/correlated';
import { coordinator } from '../membership/member_state';
import { nextInChain } from '../intent/chain';
import { intents, intent, intentSeen, readIntents, group, notice } from '../intent/table';
import { arbitrate, boundOf } from '../intent/arbitration';
import { ageOf, isSilent } from '../membership/liveness';
import { bitGet } from '../base/bits';
import { Onset, encodeOnset, Converged, encodeConverged, Alarmed, encodeAlarmed } from '../wire/generated/messages';
import { convergence, disruption, DisruptionSeen, histogramAt, seenSilentAt, setSeenSilent } from './table';

/** A cluster has converged when nothing differed for so long, seconds, in whole rounds. */
const CONVERGED_S: u32 = 1800;
const CONVERGED_ROUNDS: u32 = CONVERGED_S / ROUND_S;
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
/** More members than one in so many differ: they are many. */
const MANY_SHARE: u32 = 32;
/**
 * Rounds in a row in which many members may differ, as frames are lost; and few, as what one member
 * lacks is fetched.
 */
const MANY_DIFFER_ROUNDS: u32 = 300 / ROUND_S;
const FEW_DIFFER_ROUNDS: u32 = 600 / ROUND_S;
/** Restarts count for one or two windows of so many rounds: such a member waits for its vote. */
const RESTART_ROUNDS: u32 = 240 / ROUND_S;
if (MANY_DIFFER_ROUNDS == 0 || CONVERGED_ROUNDS <= FEW_DIFFER_ROUNDS || CONVERGED_ROUNDS > 255)
  ERROR('what differs for long is seen before a disruption is closed');
/** Nobody knows who differs: the round has no quorum. */
const NO_QUORUM: u32 = 0xff;
/** A member that says that it booted longer ago than this is not believed, seconds. */
const RESTART_S_MAX: u32 = MERGE_S;

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
    const states = statesOfMembers(ctx);
    if (states != state.states) state.viewsS = now;
    state.states = states;
    if (intents(ctx).nextEvictionS < now + BOUND_S && silentOwnersHold(ctx)) state.boundS = now;
    if (isConflictOpen(ctx)) state.conflictS = now;
  }
  for (let i: u32 = 0; i < DISRUPTIONS_MAX; i++) {
    const seen = disruption(ctx, i);
    if (seen.class == 0) continue;
    if (<u32>state.agreedRun >= CONVERGED_ROUNDS && now >= convergedS(ctx, seen) + CONVERGED_S) close(ctx, seen);
    else if (seen.notBeforeS <= now) watchSla(ctx, seen);
  }
}

/** Begins to watch: what changed while no disruption was open does not count. */
function watchFromNow(ctx: usize): void {
  const state = convergence(ctx);
  state.lookS = missionS(ctx);
  state.states = statesOfMembers(ctx);
  state.round = 0;
  state.agreedRun = 0;
  state.fewRun = 0;
  state.manyRun = 0;
  state.restarts = 0;
  state.restartsBefore = 0;
}

/**
 * Notes that a member restarted, and says that it booted `upS` seconds ago: it is a disruption of
 * class node.
 */
export function noteRestart(ctx: usize, index: u32, upS: u32): void {
  disturb(ctx, SLA_CLASS_NODE, missionS(ctx) - min<u32>(min<u32>(upS, RESTART_S_MAX), missionS(ctx)), index, 0);
  const state = convergence(ctx);
  if (<u32>state.restarts < MEMBERS_MAX) state.restarts++;
}

/**
 * Notes how many live members differ in the present round, and judges the round before when it has
 * ended.
 */
function watchRound(ctx: usize): void {
  const state = convergence(ctx);
  const round = membership(ctx).round;
  if (state.round != round) {
    if (state.round != 0) judgeRound(ctx, state.round + 1 == round ? state.differing : NO_QUORUM);
    state.round = round;
    state.differing = <u8>NO_QUORUM;
    if (round % RESTART_ROUNDS == 0) {
      state.restartsBefore = state.restarts;
      state.restarts = 0;
    }
  }
  if (state.differing != 0) state.differing = <u8>min<u32>(state.differing, membersDiffering(ctx));
}

/**
 * Counts the round that ended. When members differed in more rounds in a row than they may, views
 * differed at its cut, and may have been equal from any moment between it and the next one: the
 * middle is taken.
 */
function judgeRound(ctx: usize, differing: u32): void {
  const state = convergence(ctx);
  const isMany = differing * MANY_SHARE > members(ctx);
  state.fewRun = differing == 0 || isMany ? 0 : <u8>min<u32>(<u32>state.fewRun + 1, FEW_DIFFER_ROUNDS + 1);
  state.manyRun = isMany ? <u8>min<u32>(<u32>state.manyRun + 1, MANY_DIFFER_ROUNDS + 1) : 0;
  if (<u32>state.fewRun > FEW_DIFFER_ROUNDS || <u32>state.manyRun > MANY_DIFFER_ROUNDS) {
    state.agreedRun = 0;
    state.viewsS = max<u32>(state.viewsS, roundCutS(state.round) + (ROUND_S >>> 1));
  } else if (!isMany) state.agreedRun = <u8>min<u32>(<u32>state.agreedRun + 1, CONVERGED_ROUNDS);
}

/** Returns a hash of which members are reported as absent, and why. */
function statesOfMembers(ctx: usize): u32 {
  readMembers(ctx, members(ctx));
  let states: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    const state: u32 = memberSeen(ctx, i).reportedState;
    states = fold32(states, state > LIVENESS_SUSPECT ? state : 0);
  }
  return states;
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
  let onsetS: u32 = 0;
  for (let i: u32 = 0; i < intents(ctx).noticeCount; i++) onsetS = max<u32>(onsetS, notice(ctx, i).observedS);
  disturb(ctx, SLA_CLASS_CLUSTER, min<u32>(onsetS, missionS(ctx)), self(ctx), 0);
}

/**
 * Counts the live members that are not known to agree with this node, NO_QUORUM without a majority.
 * A member that restarted has no vote for a while: as many are left out.
 */
function membersDiffering(ctx: usize): u32 {
  if (membership(ctx).quorum == 0) return NO_QUORUM;
  let missing: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    let left = liveWord(ctx, word) & ~load<u32>(agreeAt(ctx) + (word << 2));
    for (; left != 0; left &= left - 1) if (isHeardInRound(ctx, (word << 5) + ctz<u32>(left))) missing++;
  }
  const state = convergence(ctx);
  const excused = <u32>state.restarts + <u32>state.restartsBefore;
  return missing > excused ? missing - excused : 0;
}

/**
 * Whether a member was heard since the round began, and is not in a silence that it announced or
 * just back from it. Of another one nobody knows whether it differs.
 */
function isHeardInRound(ctx: usize, index: u32): bool {
  const now = missionS(ctx);
  const entry = member(ctx, index);
  if (entry.isolationFromS <= now && entry.isolationUntilS + ROUND_S >= now) return false;
  return membership(ctx).livenessTick - ageOf(ctx, index) >= membership(ctx).round * ROUND_TICKS;
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

/** Notes a restart of this node, once mission time is known: its own absence is a disruption. */
export function convergenceRestart(ctx: usize): void {
  if (node(ctx).incarnation > 1 && upS(ctx) < RESTART_S_MAX) noteRestart(ctx, self(ctx), upS(ctx));
}

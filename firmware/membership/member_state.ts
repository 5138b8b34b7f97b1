// Decides the state of each member from agreed facts, and reports changes.

import {
  LIVENESS_ALIVE,
  LIVENESS_DEAD,
  LIVENESS_SUSPECT,
  LIVENESS_UNKNOWN,
  LIVENESS_UNREACHABLE,
  LIVENESS_TICK_S,
} from '../wire/generated/codes';
import {
  CONTACT_S_MAX,
  TICKS_UNTIL_SILENT,
  UNREACHABLE_S_MAX,
  HEARING_GAP_S,
  HEARING_GAP_DOUBT_S,
  EVENT_BYTES_MAX,
} from '../memory/limits';
import { BITMAP_BYTES, SCRATCH_OUT_AT } from '../memory/map';
import { bitGet } from '../base/bits';
import { eventSpace, eventDone } from '../node/queues';
import { missionS, members, self } from '../node/table';
import { MemberState, encodeMemberState } from '../wire/generated/messages';
import { livenessTickStartS } from './calendar';
import { countSilences, isCorrelatedSilence } from './correlated';
import { isElsewhere } from './division';
import { ageOf, isSilent, lastLivenessTickOf } from './liveness';
import { noteReturn } from './revocation';
import { freshAt, suspectAt, memberSeen, membership, Member, hearing, memberToChange, readMembers } from './table';

/**
 * An announced silence explains a silence that begins this long before it, or ends this long after
 * it, seconds.
 */
const ISOLATION_DOUBT_S: u32 = 900;
/** The longest time after an announced silence that it still explains, seconds. */
const ISOLATION_DOUBT_S_MAX: u32 = 3600;

/** Liveness ticks without a sign of life from which on a member is called dead. */
const DEAD_TICKS: u32 = TICKS_UNTIL_SILENT + 4;
/** An announced contact window explains silence until so long after its end, seconds. */
const CONTACT_DOUBT_S: u32 = 300;
/**
 * After a contact window the first heartbeat shows whom peers have heard. This node reports with it
 * and with each one that follows, for so long, seconds.
 */
const RETURN_REPORTS_S: u32 = 60;
/** From this age on a suspicion shows. */
const SUSPECT_AGE: u32 = 3;

/** State of a member (STATE_*). Call readMembers() and countSilences() first. */
export function memberState(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  if (age >= TICKS_UNTIL_SILENT) return isElsewhere(ctx, index) ? LIVENESS_UNKNOWN : silentState(ctx, index);
  return age >= SUSPECT_AGE && bitGet(suspectAt(ctx), index) ? LIVENESS_SUSPECT : LIVENESS_ALIVE;
}

/** State of a silent member: a function of agreed facts only (last ticks, announcements, time). */
function silentState(ctx: usize, index: u32): u32 {
  const entry = memberSeen(ctx, index);
  if (entry.lastLivenessTick == 0) return LIVENESS_UNKNOWN;
  const now = missionS(ctx);
  const lastS = livenessTickStartS(entry.lastLivenessTick);
  if (
    entry.isolationUntilS - entry.isolationFromS <= CONTACT_S_MAX &&
    entry.isolationFromS <= lastS + 2 * LIVENESS_TICK_S &&
    now < entry.isolationUntilS + CONTACT_DOUBT_S
  )
    return LIVENESS_ALIVE;
  if (entry.isolationFromS <= lastS + ISOLATION_DOUBT_S && entry.isolationUntilS + isolationDoubtS(entry) > now)
    return LIVENESS_UNREACHABLE;
  if (isDeafForNow(ctx, lastS)) return entry.reportedState;
  if (now - lastS > UNREACHABLE_S_MAX) return LIVENESS_DEAD;
  if (entry.correlatedTick == entry.lastLivenessTick) return LIVENESS_UNREACHABLE;
  if (isCorrelatedSilence(ctx, entry.lastLivenessTick)) return LIVENESS_UNREACHABLE;
  if (<u32>entry.reportedState == LIVENESS_DEAD) return LIVENESS_DEAD;
  // Some more ticks, so that news of the member from others can arrive before it is called dead.
  return heardNobody(ctx, lastS) || membership(ctx).livenessTick <= entry.lastLivenessTick + DEAD_TICKS
    ? LIVENESS_UNREACHABLE
    : LIVENESS_DEAD;
}

/**
 * How long after its end an announced silence still explains that a member is not heard: an eighth
 * of its length. The longer members were apart, the more their clocks and TDMA slots differ.
 */
function isolationDoubtS(entry: Member): u32 {
  const share = (entry.isolationUntilS - entry.isolationFromS) >>> 3;
  return share < ISOLATION_DOUBT_S ? ISOLATION_DOUBT_S : share > ISOLATION_DOUBT_S_MAX ? ISOLATION_DOUBT_S_MAX : share;
}

/**
 * Whether this node itself is deaf for no longer than a contact window, or was when a member last
 * heard at `lastS` fell silent: it learns nothing new of others, and what it reported stays.
 */
function isDeafForNow(ctx: usize, lastS: u32): bool {
  const view = membership(ctx);
  const now = missionS(ctx);
  const heardS = hearing(ctx).heardS;
  if (now > heardS + HEARING_GAP_S) return now - heardS <= CONTACT_S_MAX;
  return view.gapEndS - view.gapStartS <= CONTACT_S_MAX && heardNobody(ctx, lastS);
}

/**
 * Whether this node hears nobody now, or heard nobody when a member last heard at `lastS` fell
 * silent.
 */
function heardNobody(ctx: usize, lastS: u32): bool {
  const view = membership(ctx);
  const now = missionS(ctx);
  // After a contact window the first heartbeat shows what peers know: it leaves no doubt.
  const doubtS = view.gapEndS - view.gapStartS <= CONTACT_S_MAX ? 0 : HEARING_GAP_DOUBT_S;
  return now > hearing(ctx).heardS + HEARING_GAP_S || (lastS <= view.gapEndS && now < view.gapEndS + doubtS);
}

/** Whether this node came back from a contact window just now. */
export function hasJustReturned(ctx: usize): bool {
  const view = membership(ctx);
  return missionS(ctx) - view.gapEndS < RETURN_REPORTS_S && view.gapEndS - view.gapStartS <= CONTACT_S_MAX;
}

/**
 * Marks a member that fell silent together with others, once per tick: it stays unreachable when
 * the others are heard again first. Call countSilences() first.
 */
function markCorrelated(ctx: usize, index: u32): void {
  const entry = memberSeen(ctx, index);
  const livenessTick = entry.lastLivenessTick;
  if (livenessTick == 0 || entry.correlatedTick == livenessTick || !isSilent(ctx, index)) return;
  if (!heardNobody(ctx, livenessTickStartS(livenessTick)) && isCorrelatedSilence(ctx, livenessTick))
    memberToChange(ctx, index).correlatedTick = livenessTick;
}

/**
 * The coordinator: the lowest member of the view that is not silent (MBR-2). Choosing it needs no
 * traffic.
 */
export function coordinator(ctx: usize): u32 {
  for (let i: u32 = 0; i < members(ctx); i++) if (!isSilent(ctx, i)) return i;
  return self(ctx);
}

/**
 * Members of word `word` whose state is ALIVE whatever their records contain: younger than
 * SUSPECT_AGE, or not suspected.
 */
function aliveWord(ctx: usize, word: u32): u32 {
  const at = freshAt(ctx, 0) + (word << 2);
  const f0 = load<u32>(at);
  const f1 = load<u32>(at + BITMAP_BYTES);
  const f2 = load<u32>(at + 2 * BITMAP_BYTES);
  return (f2 & (f0 | f1)) | ((f0 | f1 | f2) & ~load<u32>(suspectAt(ctx) + (word << 2)));
}

/** Reports every member whose state changed; `marks`: marks correlated silences first. */
export function reportStates(ctx: usize, marks: bool): void {
  readMembers(ctx, members(ctx));
  countSilences(ctx);
  const count = members(ctx);
  let alive: u32 = 0;
  for (let i: u32 = 0; i < count; i++, alive >>>= 1) {
    if ((i & 31) == 0) alive = aliveWord(ctx, i >>> 5);
    // Nearly all members, always.
    if ((alive & 1) != 0 && <u32>memberSeen(ctx, i).reportedState == LIVENESS_ALIVE) continue;
    if (marks) markCorrelated(ctx, i);
    reportState(ctx, i);
  }
}

/**
 * Emits a member-state event if the state of a member changed. Call readMembers() and
 * countSilences() first.
 */
function reportState(ctx: usize, index: u32): void {
  const state = memberState(ctx, index);
  const entry = memberSeen(ctx, index);
  if (<u32>entry.reportedState == state) return;
  if (state <= LIVENESS_SUSPECT && <u32>entry.reportedState > LIVENESS_SUSPECT) noteReturn(ctx, index);
  // Right after a restart silence means nothing: this node itself was off.
  const view = membership(ctx);
  if (
    state > LIVENESS_SUSPECT &&
    livenessTickStartS(entry.lastLivenessTick) < view.bootS &&
    missionS(ctx) < view.bootS + TICKS_UNTIL_SILENT * LIVENESS_TICK_S
  )
    return;
  const at = eventSpace(ctx);
  if (at == 0) return;
  memberToChange(ctx, index).reportedState = <u8>state;
  const m = changetype<MemberState>(ctx + SCRATCH_OUT_AT);
  m.member = index;
  m.state = state;
  m.lastLivenessTick = lastLivenessTickOf(ctx, index);
  eventDone(ctx, at, encodeMemberState(at, at + EVENT_BYTES_MAX - 1, m));
}

if (TICKS_UNTIL_SILENT - SUSPECT_AGE != 4) ERROR('a freshness of five to seven is younger than SUSPECT_AGE');

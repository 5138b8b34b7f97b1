// Decides the state of each member from agreed facts, and reports changes.

import {
  TICKS_UNTIL_SILENT,
  UNREACHABLE_S_MAX,
  DEAF_S,
  DEAF_DOUBT_S,
  CORRELATED_SILENT_MIN,
  LIVENESS_TICK_S,
  EVENT_BYTES_MAX,
} from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { bitGet } from '../base/bits';
import { eventSpace, eventDone } from '../node/queues';
import { missionS, members, self } from '../node/table';
import { MemberState, encodeMemberState } from '../wire/generated/messages';
import { livenessTickStartS } from './calendar';
import { ageOf, lastLivenessTickOf } from './liveness';
import {
  suspectAt,
  STATE_SUSPECT,
  STATE_ALIVE,
  memberSeen,
  STATE_UNKNOWN,
  STATE_UNREACHABLE,
  STATE_DEAD,
  membership,
  Member,
  hearing,
  memberToChange,
  readMembers,
} from './table';

/** So long before an announced silence, and at least so long after it, it explains that a member is not heard, seconds. */
const ISOLATION_DOUBT_S: u32 = 900;
/** At most so long after it. */
const ISOLATION_DOUBT_S_MAX: u32 = 3600;

/** After readMembers(). */
export function memberState(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  if (age >= TICKS_UNTIL_SILENT) return silentState(ctx, index);
  return age == 2 && bitGet(suspectAt(ctx), index) ? STATE_SUSPECT : STATE_ALIVE;
}

/** Why a gone member is gone: a function of agreed facts only (last beats, announcements, time). */
function silentState(ctx: usize, index: u32): u32 {
  const entry = memberSeen(ctx, index);
  if (entry.lastLivenessTick == 0) return STATE_UNKNOWN;
  const now = missionS(ctx);
  const lastS = livenessTickStartS(entry.lastLivenessTick);
  if (entry.isolationFromS <= lastS + ISOLATION_DOUBT_S && entry.isolationUntilS + doubtAfterS(entry) > now)
    return STATE_UNREACHABLE;
  if (now - lastS > UNREACHABLE_S_MAX) return STATE_DEAD;
  if (entry.togetherTick == entry.lastLivenessTick) return STATE_UNREACHABLE;
  if (fellTogether(ctx, entry.lastLivenessTick)) return STATE_UNREACHABLE;
  if (<u32>entry.told == STATE_DEAD) return STATE_DEAD;
  // One beat more for others' news of it to arrive before anybody is buried.
  return wasDeaf(ctx, lastS) || membership(ctx).livenessTick <= entry.lastLivenessTick + TICKS_UNTIL_SILENT
    ? STATE_UNREACHABLE
    : STATE_DEAD;
}

/** The longer members were apart, the further their clocks are, and the longer it takes until their slots fit again. */
function doubtAfterS(entry: Member): u32 {
  const share = (entry.isolationUntilS - entry.isolationFromS) >>> 3;
  return share < ISOLATION_DOUBT_S ? ISOLATION_DOUBT_S : share > ISOLATION_DOUBT_S_MAX ? ISOLATION_DOUBT_S_MAX : share;
}

/** Whether it is this node that hears nothing, or heard nothing when a member last heard at `lastS` fell silent. */
function wasDeaf(ctx: usize, lastS: u32): bool {
  const view = membership(ctx);
  const now = missionS(ctx);
  return now > hearing(ctx).heardS + DEAF_S || (lastS <= view.deafS && now < view.deafS + DEAF_DOUBT_S);
}

/** Once a beat: who fell silent together with others is marked, so that it stays unreachable when those are heard again first. */
export function markTogether(ctx: usize, index: u32): void {
  const entry = memberSeen(ctx, index);
  const livenessTick = entry.lastLivenessTick;
  if (livenessTick == 0 || entry.togetherTick == livenessTick || ageOf(ctx, index) < TICKS_UNTIL_SILENT) return;
  if (!wasDeaf(ctx, livenessTickStartS(livenessTick)) && fellTogether(ctx, livenessTick))
    memberToChange(ctx, index).togetherTick = livenessTick;
}

/** Whether many members fell silent within a beat of `beat`: then something stands between us. Some fall out a beat before the rest. */
function fellTogether(ctx: usize, livenessTick: u32): bool {
  let together: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    if (ageOf(ctx, i) < TICKS_UNTIL_SILENT) continue;
    const other = memberSeen(ctx, i).lastLivenessTick;
    if (other + 1 >= livenessTick && other <= livenessTick + 1) together++;
  }
  return together >= CORRELATED_SILENT_MIN;
}

/** MBR-2: the lowest live member of the view that is not barred coordinates. No traffic is needed to know it. */
export function coordinator(ctx: usize): u32 {
  for (let i: u32 = 0; i < members(ctx); i++) if (ageOf(ctx, i) < TICKS_UNTIL_SILENT) return i;
  return self(ctx);
}

/** Every member whose state changed is told. */
export function emitAll(ctx: usize): void {
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) tell(ctx, i);
}

/** Emits a member-state event if what is known of a member changed. After readMembers(). */
export function tell(ctx: usize, index: u32): void {
  const state = memberState(ctx, index);
  const entry = memberSeen(ctx, index);
  if (<u32>entry.told == state) return;
  // After a restart silence means nothing yet: the silent one was us.
  const view = membership(ctx);
  if (
    state > STATE_SUSPECT &&
    livenessTickStartS(entry.lastLivenessTick) < view.bootS &&
    missionS(ctx) < view.bootS + TICKS_UNTIL_SILENT * LIVENESS_TICK_S
  )
    return;
  const at = eventSpace(ctx);
  if (at == 0) return;
  memberToChange(ctx, index).told = <u8>state;
  const m = changetype<MemberState>(ctx + SCRATCH_OUT_AT);
  m.member = index;
  m.state = state;
  m.lastLivenessTick = lastLivenessTickOf(ctx, index);
  eventDone(ctx, at, encodeMemberState(at, at + EVENT_BYTES_MAX - 1, m));
}

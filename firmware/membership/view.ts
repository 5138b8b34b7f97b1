// The view: who was heard when, who is gone, who agrees. Bitmaps are merged word by word, so a frame costs O(members / 32).

import {
  MEMBER_WORDS,
  TICKS_UNTIL_SILENT,
  LIVENESS_TICK_S,
  ROUND_TICKS,
  CORRELATED_SILENT_MIN,
  UNREACHABLE_S_MAX,
  DEAF_S,
  DEAF_DOUBT_S,
  LEASE_S,
  LEASE_ADVANCE_S_MAX,
  REVOKE_VOTE_S,
  LEASE_GUARD_S,
  EVENT_BYTES_MAX,
} from '../memory/limits';
import { BITMAP_BYTES, SCRATCH_OUT_AT } from '../memory/map';
import { bitGet, bitSet, bitClear, bitCount } from '../base/bits';
import { mix64 } from '../base/hash';
import { changes } from '../memory/guard';
import { members, missionS, self, leaveToTick, DUE_REPORT, HOT } from '../node/table';
import { eventSpace, eventDone } from '../node/queues';
import { clockErrorMs } from '../node/clock';
import { MemberState, encodeMemberState } from '../wire/generated/messages';
import {
  membership,
  member,
  memberSeen,
  memberToChange,
  readMembers,
  Member,
  heardAt,
  agreeAt,
  agreedBeforeAt,
  baseAt,
  votersAt,
  silentAt,
  everyoneAt,
  suspectAt,
  STATE_UNKNOWN,
  STATE_ALIVE,
  STATE_SUSPECT,
  STATE_UNREACHABLE,
  STATE_DEAD,
  RECOVERING_ALL,
  AGREE,
  BITMAPS,
  hearing,
  HEARD,
  HEARD_LONG_AGO,
  VIEW,
} from './table';
import { livenessTickOf, roundCutS, livenessTickStartS } from './calendar';
import { clockAgreed } from './time_sync';

/** A member that was buried this often stays what it is. */
const REVOCATIONS_MAX: u32 = 254;

/** What a node agreed to before it restarted binds nobody after this, seconds since its boot. */
const FORGET_S: u32 = LEASE_S + 2 * LEASE_GUARD_S;
const FORGET_ALL_S: u32 = LEASE_ADVANCE_S_MAX + 2 * LEASE_GUARD_S;

/** Both slots of a platform that writes its checkpoints in turn shall hold a promise, and the last be written, before it is made. */
const STORE_PERIODS: u32 = 3;

/** Age of a member's newest sign of life in beats, TICKS_UNTIL_SILENT = gone. */
export function ageOf(ctx: usize, index: u32): u32 {
  const at = heardAt(ctx, 0) + ((index >>> 5) << 2);
  const bit: u32 = 1 << (index & 31);
  for (let age: u32 = 0; age < TICKS_UNTIL_SILENT; age++)
    if ((load<u32>(at + age * BITMAP_BYTES) & bit) != 0) return age;
  return TICKS_UNTIL_SILENT;
}

/** Newest beat in which a member was heard; 0 = never. */
export function lastLivenessTickOf(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  return age < TICKS_UNTIL_SILENT ? membership(ctx).livenessTick - age : member(ctx, index).lastLivenessTick;
}

/** A direct sign of life, now. */
export function markHeard(ctx: usize, index: u32): void {
  if (membership(ctx).livenessTick == 0) return;
  const h0 = heardAt(ctx, 0);
  if (bitGet(h0, index)) return;
  const back = ageOf(ctx, index) >= TICKS_UNTIL_SILENT;
  changes(ctx, HEARD);
  bitSet(h0, index);
  bitClear(heardAt(ctx, 1), index);
  if (bitGet(heardAt(ctx, 2), index) || bitGet(suspectAt(ctx), index)) {
    bitClear(heardAt(ctx, 2), index);
    bitClear(suspectAt(ctx), index);
    changes(ctx, HEARD_LONG_AGO);
  }
  if (back) returned(ctx, index >>> 5, 1 << (index & 31));
}

/** Merges what a peer heard in a word of members: bits by age relative to our beat. */
export function mergeHeard(ctx: usize, word: u32, age0: u32, age1: u32, age2: u32): void {
  const offset = word << 2;
  const a0 = heardAt(ctx, 0) + offset;
  const a1 = heardAt(ctx, 1) + offset;
  const a2 = heardAt(ctx, 2) + offset;
  const mask = load<u32>(everyoneAt(ctx) + offset);
  const h0 = load<u32>(a0);
  const h1 = load<u32>(a1);
  const h2 = load<u32>(a2);
  const n0 = h0 | (age0 & mask);
  const n1 = (h1 | (age1 & mask)) & ~n0;
  const n2 = (h2 | (age2 & mask)) & ~(n0 | n1);
  if (n0 == h0 && n1 == h1 && n2 == h2) return;
  if (n0 != h0 || n1 != h1) {
    store<u32>(a0, n0);
    store<u32>(a1, n1);
    changes(ctx, HEARD);
  }
  const suspects = suspectAt(ctx) + offset;
  const cleared = load<u32>(suspects) & n0 & ~h0;
  if (n2 != h2 || cleared != 0) {
    store<u32>(a2, n2);
    store<u32>(suspects, load<u32>(suspects) & ~cleared);
    changes(ctx, HEARD_LONG_AGO);
  }
  const back = (n0 | n1 | n2) & ~(h0 | h1 | h2);
  if (back != 0) returned(ctx, word, back);
}

/** Members that were gone are heard again: the bits `back` of a word. What that changes is summed up first, for half a cluster may come back with one frame. */
function returned(ctx: usize, word: u32, back: u32): void {
  leaveToTick(ctx, DUE_REPORT);
  const view = membership(ctx);
  changes(ctx, VIEW);
  view.returned += <u16>popcnt<u32>(back);
  // Late news that they were alive at the cut after all changes the agreed view.
  const at = silentAt(ctx) + (word << 2);
  const cut = view.epoch * ROUND_TICKS;
  let less: u64 = 0;
  let alive: u32 = 0;
  let bits = back & load<u32>(at);
  while (bits != 0) {
    const index = (word << 5) + ctz<u32>(bits);
    const lastLivenessTick = lastLivenessTickOf(ctx, index);
    if (lastLivenessTick + TICKS_UNTIL_SILENT > cut && lastLivenessTick < cut) {
      less += silentTerm(ctx, index);
      alive |= bits & (<u32>0 - bits);
    }
    bits &= bits - 1;
  }
  if (alive == 0) return;
  store<u32>(at, load<u32>(at) & ~alive);
  changes(ctx, BITMAPS);
  silentChanged(ctx, less);
}

/** A peer's word on when a gone member was last heard. */
export function learnLastLivenessTick(ctx: usize, index: u32, livenessTick: u32): void {
  if (ageOf(ctx, index) < TICKS_UNTIL_SILENT) return;
  const state = membership(ctx);
  if (livenessTick <= member(ctx, index).lastLivenessTick || livenessTick > state.livenessTick) return;
  const entry = memberToChange(ctx, index);
  if (!bitGet(silentAt(ctx), index)) {
    entry.lastLivenessTick = livenessTick;
    return;
  }
  const before = silentTerm(ctx, index);
  entry.lastLivenessTick = livenessTick;
  if (livenessTick + TICKS_UNTIL_SILENT > state.epoch * ROUND_TICKS) {
    bitClear(silentAt(ctx), index);
    changes(ctx, BITMAPS);
    silentChanged(ctx, before);
  } else silentChanged(ctx, before - silentTerm(ctx, index));
}

/** A peer's word on how often a member was buried and came back. */
export function learnRevocations(ctx: usize, index: u32, revocations: u32): void {
  if (revocations <= <u32>member(ctx, index).revocations) return;
  const before = revocationTerm(index, member(ctx, index).revocations);
  setRevocations(ctx, index, revocations);
  silentChanged(ctx, before - revocationTerm(index, revocations));
}

/** Until a majority is known to hold this, the member's vote does not count and yet is counted against (README, proof). */
function setRevocations(ctx: usize, index: u32, revocations: u32): void {
  changes(ctx, BITMAPS);
  memberToChange(ctx, index).revocations = <u8>revocations;
  bitClear(votersAt(ctx), index);
  bitSet(baseAt(ctx), index);
}

/** A member is a proven double-equivocator: that is part of what is agreed on, for it decides what is held. */
export function learnProven(ctx: usize, index: u32): void {
  memberToChange(ctx, index).proven = 1;
  silentChanged(ctx, <u64>0 - provenTerm(index));
}

function provenTerm(index: u32): u64 {
  return mix64(((<u64>3) << 62) | <u64>index);
}

/** At a cut after a quorum: the long gone lose their vote, who came back has it again. */
function revokeVotes(ctx: usize): void {
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = memberSeen(ctx, i);
    const revocations: u32 = entry.revocations;
    const gone = bitGet(silentAt(ctx), i);
    const long =
      gone &&
      entry.lastLivenessTick != 0 &&
      entry.lastLivenessTick + REVOKE_VOTE_S / LIVENESS_TICK_S <= membership(ctx).livenessTick;
    if ((revocations & 1) == 0 ? long && revocations < REVOCATIONS_MAX : !gone) setRevocations(ctx, i, revocations + 1);
  }
}

/** What a gone member adds to the digest, and what its revocations do. */
function silentTerm(ctx: usize, index: u32): u64 {
  return mix64(((<u64>index + 1) << 32) | <u64>member(ctx, index).lastLivenessTick);
}

function revocationTerm(index: u32, revocations: u32): u64 {
  return revocations == 0 ? 0 : mix64(((<u64>1) << 63) | ((<u64>index) << 32) | <u64>revocations);
}

/** What the gone members add to the digest is less by `less`: agreement starts anew. */
function silentChanged(ctx: usize, less: u64): void {
  const state = membership(ctx);
  state.silentDigest -= less;
  state.digest -= less;
  agreeAnew(ctx);
  state.boundsMoved = 1;
  changes(ctx, VIEW);
}

function digestOfSilent(ctx: usize): u64 {
  let sum: u64 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    let bits = load<u32>(silentAt(ctx) + (word << 2));
    while (bits != 0) {
      const index = (word << 5) + ctz<u32>(bits);
      bits &= bits - 1;
      sum += silentTerm(ctx, index);
    }
  }
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    sum += revocationTerm(i, memberSeen(ctx, i).revocations);
    if (memberSeen(ctx, i).proven != 0) sum += provenTerm(i);
  }
  return sum;
}

/**
 * Nobody but this node is known to hold the present digest; nor does it say so itself while it may have forgotten what it agreed to, or
 * would forget it with the next restart.
 */
export function agreeAnew(ctx: usize): void {
  changes(ctx, AGREE);
  memory.fill(agreeAt(ctx), 0, MEMBER_WORDS << 2);
  agreeSelf(ctx);
}

function agreeSelf(ctx: usize): void {
  if (membership(ctx).recovering != 0 || membership(ctx).unstored != 0) return;
  bitSet(agreeAt(ctx), self(ctx));
  changes(ctx, AGREE);
}

/** A lease extended in advance was heard of: it outlasts the time for which a restarted node counts for nothing, so it is stored first. */
export function promiseHeard(ctx: usize): void {
  membership(ctx).unstored = STORE_PERIODS;
  changes(ctx, VIEW);
}

/** A checkpoint is written, or the last has had a period to be. */
export function promiseStored(ctx: usize): void {
  membership(ctx).unstored--;
  changes(ctx, VIEW);
  agreeSelf(ctx);
}

/** One beat ends: the oldest signs of life fall out. */
function turnLivenessTick(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW | HOT | HEARD | HEARD_LONG_AGO);
  const oldest = state.livenessTick - 2;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    let falling = load<u32>(heardAt(ctx, 2) + offset);
    while (falling != 0) {
      memberToChange(ctx, (word << 5) + ctz<u32>(falling)).lastLivenessTick = oldest;
      falling &= falling - 1;
    }
    store<u32>(heardAt(ctx, 2) + offset, load<u32>(heardAt(ctx, 1) + offset));
    store<u32>(heardAt(ctx, 1) + offset, load<u32>(heardAt(ctx, 0) + offset));
    store<u32>(heardAt(ctx, 0) + offset, 0);
  }
  state.livenessTick++;
  hearing(ctx).heartbeatsHeard = 0;
  const me = self(ctx);
  bitSet(heardAt(ctx, 0), me);
  bitClear(heardAt(ctx, 1), me);
  bitClear(heardAt(ctx, 2), me);
}

/** Brings the planes to the present beat. Returns true if the epoch changed: the caller cuts it. */
export function turnTo(ctx: usize): bool {
  const state = membership(ctx);
  const livenessTick = livenessTickOf(missionS(ctx));
  if (state.livenessTick == 0) {
    state.livenessTick = livenessTick;
    bitSet(heardAt(ctx, 0), self(ctx));
    changes(ctx, VIEW | HEARD);
    return true;
  }
  if (livenessTick <= state.livenessTick) return false;
  const epoch = state.livenessTick / ROUND_TICKS;
  changes(ctx, VIEW);
  // Beyond three beats the planes are empty; jump.
  if (livenessTick - state.livenessTick > 4) {
    for (let i: u32 = 0; i < TICKS_UNTIL_SILENT; i++) turnLivenessTick(ctx);
    state.livenessTick = livenessTick;
  }
  while (state.livenessTick < livenessTick) turnLivenessTick(ctx);
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    markTogether(ctx, i);
    tell(ctx, i);
  }
  return livenessTick / ROUND_TICKS != epoch;
}

/** Starts the epoch of the present beat: freezes who is gone, keeps the agreement of the one before. The caller adds the intents' digest. */
export function cutRound(ctx: usize): void {
  const state = membership(ctx);
  const epoch = state.livenessTick / ROUND_TICKS;
  changes(ctx, VIEW | BITMAPS);
  memory.copy(agreedBeforeAt(ctx), agreeAt(ctx), MEMBER_WORDS << 2);
  if (state.epoch + 1 != epoch || state.quorum == 0) memory.fill(agreedBeforeAt(ctx), 0, MEMBER_WORDS << 2);
  const agreed = state.quorum != 0;
  state.previousRound = state.epoch;
  state.returnedBefore = state.epoch + 1 == epoch ? state.returned : 0;
  state.returned = 0;
  state.epoch = epoch;
  state.quorum = 0;
  // The ordinary leases that its agreement before the restart may have granted are over.
  if (missionS(ctx) >= state.bootS + (state.recovering == RECOVERING_ALL ? FORGET_ALL_S : FORGET_S))
    state.recovering = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const heard =
      load<u32>(heardAt(ctx, 0) + offset) | load<u32>(heardAt(ctx, 1) + offset) | load<u32>(heardAt(ctx, 2) + offset);
    store<u32>(silentAt(ctx) + offset, load<u32>(everyoneAt(ctx) + offset) & ~heard);
  }
  if (agreed) revokeVotes(ctx);
  state.silentDigest = digestOfSilent(ctx);
  agreeAnew(ctx);
}

/** Whether parts of the cluster came together in this epoch or the one before: as many came back as go together when a part is cut off. */
export function isMerging(ctx: usize): bool {
  const state = membership(ctx);
  return max<u32>(state.returned, state.returnedBefore) >= CORRELATED_SILENT_MIN;
}

/** Whether a majority of the base holds the present digest, by the votes of those who have one in it before and after every change. */
export function majorityAgrees(ctx: usize): bool {
  let agreeing: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++)
    agreeing += popcnt<u32>(load<u32>(agreeAt(ctx) + (word << 2)) & load<u32>(votersAt(ctx) + (word << 2)));
  return agreeing * 2 > bitCount(baseAt(ctx), MEMBER_WORDS);
}

/** After the agreement grew: brings the base up to date when a majority agrees. Returns true the first time in an epoch. */
export function checkQuorum(ctx: usize): bool {
  const state = membership(ctx);
  if (state.quorum != 0 || roundCutS(state.epoch) < state.bootS) return false;
  if (!majorityAgrees(ctx)) return false;
  changes(ctx, VIEW | BITMAPS);
  state.quorum = 1;
  state.quorumRound = state.epoch;
  state.formed = 1;
  clockAgreed(ctx);
  if (state.recovering != 0) {
    state.recovering = 0;
    agreeSelf(ctx);
  }
  memory.copy(baseAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) if (memberSeen(ctx, i).revocations & 1) bitClear(baseAt(ctx), i);
  memory.copy(votersAt(ctx), baseAt(ctx), MEMBER_WORDS << 2);
  return true;
}

/** End of the ordinary lease that agreement in the present epoch grants, mission seconds. */
export function grantedUntilS(ctx: usize): u32 {
  // All who agree heard us no earlier than two beats before the cut, so nobody lets go of our claims before this (README, proof).
  const cutS = roundCutS(membership(ctx).epoch);
  const heardS = cutS > LIVENESS_TICK_S ? cutS - LIVENESS_TICK_S : 0;
  return heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000;
}

/** So long before an announced silence, and at least so long after it, it explains that a member is not heard, seconds. */
const ISOLATION_DOUBT_S: u32 = 900;
/** At most so long after it. */
const ISOLATION_DOUBT_S_MAX: u32 = 3600;

/** The longer members were apart, the further their clocks are, and the longer it takes until their slots fit again. */
function doubtAfterS(entry: Member): u32 {
  const share = (entry.isolationUntilS - entry.isolationFromS) >>> 3;
  return share < ISOLATION_DOUBT_S ? ISOLATION_DOUBT_S : share > ISOLATION_DOUBT_S_MAX ? ISOLATION_DOUBT_S_MAX : share;
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

/** Whether it is this node that hears nothing, or heard nothing when a member last heard at `lastS` fell silent. */
function wasDeaf(ctx: usize, lastS: u32): bool {
  const view = membership(ctx);
  const now = missionS(ctx);
  return now > hearing(ctx).heardS + DEAF_S || (lastS <= view.deafS && now < view.deafS + DEAF_DOUBT_S);
}

/** Once a beat: who fell silent together with others is marked, so that it stays unreachable when those are heard again first. */
function markTogether(ctx: usize, index: u32): void {
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

/** After readMembers(). */
export function memberState(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  if (age >= TICKS_UNTIL_SILENT) return silentState(ctx, index);
  return age == 2 && bitGet(suspectAt(ctx), index) ? STATE_SUSPECT : STATE_ALIVE;
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
function tell(ctx: usize, index: u32): void {
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

/** End of a gone owner's hold on what it claimed, mission seconds, guard included (INT-5). `leaseS`: extended in advance until then. */
export function silentHoldsUntilS(ctx: usize, index: u32, leaseS: u32): u32 {
  const ordinary = livenessTickStartS(member(ctx, index).lastLivenessTick + 1) + LEASE_S;
  return (leaseS > ordinary ? leaseS : ordinary) + LEASE_GUARD_S;
}

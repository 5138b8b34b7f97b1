// The view: who was heard when, who is gone, who agrees. Bitmaps are merged word by word, so a frame costs O(members / 32).

import {
  MEMBER_WORDS,
  BEATS_GONE,
  BEAT_S,
  EPOCH_BEATS,
  CORRELATED_GONE_MIN,
  UNREACHABLE_S_MAX,
  DEAF_S,
  DEAF_DOUBT_S,
  LEASE_S,
  LEASE_ADVANCE_S_MAX,
  BURY_S,
  LEASE_GUARD_S,
  EVENT_BYTES_MAX,
} from "../memory/limits";
import { BITMAP_BYTES, SCRATCH_OUT_AT } from "../memory/map";
import { bitGet, bitSet, bitClear, bitCount } from "../base/bits";
import { mix64 } from "../base/hash";
import { changes } from "../memory/guard";
import { edge, members, missionS, self, leaveToTick, DUE_TELL, HOT } from "../node/table";
import { eventSpace, eventDone } from "../node/queues";
import { MemberState, encodeMemberState } from "../wire/generated/messages";
import { beatOf, beatStartS, epochCutS, clockErrorMs, clockAgreed } from "./clock";
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
  goneAt,
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
} from "./table";

/** A member that was buried this often stays what it is. */
const BURIALS_MAX: u32 = 254;

/** What a node agreed to before it restarted binds nobody after this, seconds since its boot. */
const FORGET_S: u32 = LEASE_S + 2 * LEASE_GUARD_S;
const FORGET_ALL_S: u32 = LEASE_ADVANCE_S_MAX + 2 * LEASE_GUARD_S;

/** Both slots of a platform that writes its checkpoints in turn shall hold a promise, and the last be written, before it is made. */
const STORE_PERIODS: u32 = 3;

/** Age of a member's newest sign of life in beats, BEATS_GONE = gone. */
export function ageOf(ctx: usize, index: u32): u32 {
  const at = heardAt(ctx, 0) + ((index >>> 5) << 2);
  const bit: u32 = 1 << (index & 31);
  for (let age: u32 = 0; age < BEATS_GONE; age++) if ((load<u32>(at + age * BITMAP_BYTES) & bit) != 0) return age;
  return BEATS_GONE;
}

/** Newest beat in which a member was heard; 0 = never. */
export function lastBeatOf(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  return age < BEATS_GONE ? membership(ctx).beat - age : member(ctx, index).lastBeat;
}

/** A direct sign of life, now. */
export function markHeard(ctx: usize, index: u32): void {
  if (membership(ctx).beat == 0) return;
  const h0 = heardAt(ctx, 0);
  if (bitGet(h0, index)) return;
  const back = ageOf(ctx, index) >= BEATS_GONE;
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
  leaveToTick(ctx, DUE_TELL);
  const view = membership(ctx);
  changes(ctx, VIEW);
  view.returned += <u16>popcnt<u32>(back);
  // Late news that they were alive at the cut after all changes the agreed view.
  const at = goneAt(ctx) + (word << 2);
  const cut = view.epoch * EPOCH_BEATS;
  let less: u64 = 0;
  let alive: u32 = 0;
  let bits = back & load<u32>(at);
  while (bits != 0) {
    const index = (word << 5) + ctz<u32>(bits);
    const lastBeat = lastBeatOf(ctx, index);
    if (lastBeat + BEATS_GONE > cut && lastBeat < cut) {
      less += goneTerm(ctx, index);
      alive |= bits & (<u32>0 - bits);
    }
    bits &= bits - 1;
  }
  if (alive == 0) return;
  store<u32>(at, load<u32>(at) & ~alive);
  changes(ctx, BITMAPS);
  goneChanged(ctx, less);
}

/** A peer's word on when a gone member was last heard. */
export function learnLastBeat(ctx: usize, index: u32, beat: u32): void {
  if (ageOf(ctx, index) < BEATS_GONE) return;
  const state = membership(ctx);
  if (beat <= member(ctx, index).lastBeat || beat > state.beat) return;
  const entry = memberToChange(ctx, index);
  if (!bitGet(goneAt(ctx), index)) {
    entry.lastBeat = beat;
    return;
  }
  const before = goneTerm(ctx, index);
  entry.lastBeat = beat;
  if (beat + BEATS_GONE > state.epoch * EPOCH_BEATS) {
    bitClear(goneAt(ctx), index);
    changes(ctx, BITMAPS);
    goneChanged(ctx, before);
  } else goneChanged(ctx, before - goneTerm(ctx, index));
}

/** A peer's word on how often a member was buried and came back. */
export function learnBurials(ctx: usize, index: u32, burials: u32): void {
  if (burials <= <u32>member(ctx, index).burials) return;
  const before = burialTerm(index, member(ctx, index).burials);
  setBurials(ctx, index, burials);
  goneChanged(ctx, before - burialTerm(index, burials));
}

/** Until a majority is known to hold this, the member's vote does not count and yet is counted against (README, proof). */
function setBurials(ctx: usize, index: u32, burials: u32): void {
  changes(ctx, BITMAPS);
  memberToChange(ctx, index).burials = <u8>burials;
  bitClear(votersAt(ctx), index);
  bitSet(baseAt(ctx), index);
}

/** A member is a proven double-dealer: that is part of what is agreed on, for it decides what is held. */
export function learnProven(ctx: usize, index: u32): void {
  memberToChange(ctx, index).proven = 1;
  goneChanged(ctx, <u64>0 - provenTerm(index));
}

function provenTerm(index: u32): u64 {
  return mix64((<u64>3 << 62) | <u64>index);
}

/** At a cut after a quorum: the long gone lose their vote, who came back has it again. */
function bury(ctx: usize): void {
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    const entry = memberSeen(ctx, i);
    const burials: u32 = entry.burials;
    const gone = bitGet(goneAt(ctx), i);
    const long = gone && entry.lastBeat != 0 && entry.lastBeat + BURY_S / BEAT_S <= membership(ctx).beat;
    if ((burials & 1) == 0 ? long && burials < BURIALS_MAX : !gone) setBurials(ctx, i, burials + 1);
  }
}

/** What a gone member adds to the digest, and what its burials do. */
function goneTerm(ctx: usize, index: u32): u64 {
  return mix64(((<u64>index + 1) << 32) | <u64>member(ctx, index).lastBeat);
}

function burialTerm(index: u32, burials: u32): u64 {
  return burials == 0 ? 0 : mix64((<u64>1 << 63) | (<u64>index << 32) | <u64>burials);
}

/** What the gone members add to the digest is less by `less`: agreement starts anew. */
function goneChanged(ctx: usize, less: u64): void {
  const state = membership(ctx);
  state.goneDigest -= less;
  state.digest -= less;
  agreeAnew(ctx);
  state.boundsMoved = 1;
  changes(ctx, VIEW);
}

function digestOfGone(ctx: usize): u64 {
  let sum: u64 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    let bits = load<u32>(goneAt(ctx) + (word << 2));
    while (bits != 0) {
      const index = (word << 5) + ctz<u32>(bits);
      bits &= bits - 1;
      sum += goneTerm(ctx, index);
    }
  }
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    sum += burialTerm(i, memberSeen(ctx, i).burials);
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
function turnBeat(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW | HOT | HEARD | HEARD_LONG_AGO);
  const oldest = state.beat - 2;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    let falling = load<u32>(heardAt(ctx, 2) + offset);
    while (falling != 0) {
      memberToChange(ctx, (word << 5) + ctz<u32>(falling)).lastBeat = oldest;
      falling &= falling - 1;
    }
    store<u32>(heardAt(ctx, 2) + offset, load<u32>(heardAt(ctx, 1) + offset));
    store<u32>(heardAt(ctx, 1) + offset, load<u32>(heardAt(ctx, 0) + offset));
    store<u32>(heardAt(ctx, 0) + offset, 0);
  }
  state.beat++;
  hearing(ctx).pulsesHeard = 0;
  const me = self(ctx);
  bitSet(heardAt(ctx, 0), me);
  bitClear(heardAt(ctx, 1), me);
  bitClear(heardAt(ctx, 2), me);
}

/** Brings the planes to the present beat. Returns true if the epoch changed: the caller cuts it. */
export function turnTo(ctx: usize): bool {
  const state = membership(ctx);
  const beat = beatOf(missionS(ctx));
  if (state.beat == 0) {
    state.beat = beat;
    bitSet(heardAt(ctx, 0), self(ctx));
    changes(ctx, VIEW | HEARD);
    return true;
  }
  if (beat <= state.beat) return false;
  const epoch = state.beat / EPOCH_BEATS;
  changes(ctx, VIEW);
  // Beyond three beats the planes are empty; jump.
  if (beat - state.beat > 4) {
    for (let i: u32 = 0; i < BEATS_GONE; i++) turnBeat(ctx);
    state.beat = beat;
  }
  while (state.beat < beat) turnBeat(ctx);
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) {
    markTogether(ctx, i);
    tell(ctx, i);
  }
  return beat / EPOCH_BEATS != epoch;
}

/** Starts the epoch of the present beat: freezes who is gone, keeps the agreement of the one before. The caller adds the intents' digest. */
export function cutEpoch(ctx: usize): void {
  const state = membership(ctx);
  const epoch = state.beat / EPOCH_BEATS;
  changes(ctx, VIEW | BITMAPS);
  memory.copy(agreedBeforeAt(ctx), agreeAt(ctx), MEMBER_WORDS << 2);
  if (state.epoch + 1 != epoch || state.quorum == 0) memory.fill(agreedBeforeAt(ctx), 0, MEMBER_WORDS << 2);
  const agreed = state.quorum != 0;
  state.previousEpoch = state.epoch;
  state.returnedBefore = state.epoch + 1 == epoch ? state.returned : 0;
  state.returned = 0;
  state.epoch = epoch;
  state.quorum = 0;
  // The ordinary leases that its agreement before the restart may have granted are over.
  if (missionS(ctx) >= state.bootS + (state.recovering == RECOVERING_ALL ? FORGET_ALL_S : FORGET_S)) state.recovering = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const heard =
      load<u32>(heardAt(ctx, 0) + offset) | load<u32>(heardAt(ctx, 1) + offset) | load<u32>(heardAt(ctx, 2) + offset);
    store<u32>(goneAt(ctx) + offset, load<u32>(everyoneAt(ctx) + offset) & ~heard);
  }
  if (agreed) bury(ctx);
  state.goneDigest = digestOfGone(ctx);
  agreeAnew(ctx);
}

/** Whether parts of the cluster came together in this epoch or the one before: as many came back as go together when a part is cut off. */
export function isMerging(ctx: usize): bool {
  const state = membership(ctx);
  return max<u32>(state.returned, state.returnedBefore) >= CORRELATED_GONE_MIN;
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
  if (state.quorum != 0 || epochCutS(state.epoch) < state.bootS) return false;
  if (!majorityAgrees(ctx)) return false;
  changes(ctx, VIEW | BITMAPS);
  state.quorum = 1;
  state.quorumEpoch = state.epoch;
  state.formed = 1;
  clockAgreed(ctx);
  if (state.recovering != 0) {
    state.recovering = 0;
    agreeSelf(ctx);
  }
  memory.copy(baseAt(ctx), everyoneAt(ctx), MEMBER_WORDS << 2);
  readMembers(ctx, members(ctx));
  for (let i: u32 = 0; i < members(ctx); i++) if (memberSeen(ctx, i).burials & 1) bitClear(baseAt(ctx), i);
  memory.copy(votersAt(ctx), baseAt(ctx), MEMBER_WORDS << 2);
  return true;
}

/** End of the ordinary lease that agreement in the present epoch grants, mission seconds. */
export function grantedUntilS(ctx: usize): u32 {
  // All who agree heard us no earlier than two beats before the cut, so nobody lets go of our claims before this (README, proof).
  const cutS = epochCutS(membership(ctx).epoch);
  const heardS = cutS > BEAT_S ? cutS - BEAT_S : 0;
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
function goneState(ctx: usize, index: u32): u32 {
  const entry = memberSeen(ctx, index);
  if (entry.lastBeat == 0) return STATE_UNKNOWN;
  const now = missionS(ctx);
  const lastS = beatStartS(entry.lastBeat);
  if (entry.isolationFromS <= lastS + ISOLATION_DOUBT_S && entry.isolationUntilS + doubtAfterS(entry) > now) return STATE_UNREACHABLE;
  if (now - lastS > UNREACHABLE_S_MAX) return STATE_DEAD;
  if (entry.togetherBeat == entry.lastBeat) return STATE_UNREACHABLE;
  if (fellTogether(ctx, entry.lastBeat)) return STATE_UNREACHABLE;
  if (<u32>entry.told == STATE_DEAD) return STATE_DEAD;
  // One beat more for others' news of it to arrive before anybody is buried.
  return wasDeaf(ctx, lastS) || membership(ctx).beat <= entry.lastBeat + BEATS_GONE ? STATE_UNREACHABLE : STATE_DEAD;
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
  const beat = entry.lastBeat;
  if (beat == 0 || entry.togetherBeat == beat || ageOf(ctx, index) < BEATS_GONE) return;
  if (!wasDeaf(ctx, beatStartS(beat)) && fellTogether(ctx, beat)) memberToChange(ctx, index).togetherBeat = beat;
}

/** Whether many members fell silent within a beat of `beat`: then something stands between us. Some fall out a beat before the rest. */
function fellTogether(ctx: usize, beat: u32): bool {
  let together: u32 = 0;
  for (let i: u32 = 0; i < members(ctx); i++) {
    if (ageOf(ctx, i) < BEATS_GONE) continue;
    const other = memberSeen(ctx, i).lastBeat;
    if (other + 1 >= beat && other <= beat + 1) together++;
  }
  return together >= CORRELATED_GONE_MIN;
}

/** After readMembers(). */
export function memberState(ctx: usize, index: u32): u32 {
  const age = ageOf(ctx, index);
  if (age >= BEATS_GONE) return goneState(ctx, index);
  return age == 2 && bitGet(suspectAt(ctx), index) ? STATE_SUSPECT : STATE_ALIVE;
}

/** MBR-2: the lowest live member of the view that is not barred coordinates. No traffic is needed to know it. */
export function coordinator(ctx: usize): u32 {
  for (let i: u32 = 0; i < members(ctx); i++) if (ageOf(ctx, i) < BEATS_GONE) return i;
  return self(ctx);
}

/** Every member whose state changed is told. */
export function tellAll(ctx: usize): void {
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
  if (state > STATE_SUSPECT && beatStartS(entry.lastBeat) < view.bootS && missionS(ctx) < view.bootS + BEATS_GONE * BEAT_S) return;
  const at = eventSpace(ctx);
  if (at == 0) return;
  memberToChange(ctx, index).told = <u8>state;
  const m = changetype<MemberState>(ctx + SCRATCH_OUT_AT);
  m.member = index;
  m.state = state;
  m.lastBeat = lastBeatOf(ctx, index);
  eventDone(ctx, at, encodeMemberState(at, at + EVENT_BYTES_MAX - 1, m));
}

/** End of a gone owner's hold on what it claimed, mission seconds, guard included (INT-5). `leaseS`: extended in advance until then. */
export function goneHoldsUntilS(ctx: usize, index: u32, leaseS: u32): u32 {
  const ordinary = beatStartS(member(ctx, index).lastBeat + 1) + LEASE_S;
  return (leaseS > ordinary ? leaseS : ordinary) + LEASE_GUARD_S;
}

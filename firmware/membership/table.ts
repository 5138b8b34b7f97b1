// Who is in the cluster and when each was last heard: layout and accessors. See README.md for the ideas.

import { BITMAP_BYTES, HEARING_AT, MEMBERSHIP_AT, MEMBERS_AT, MEMBER_BITMAPS_AT, LINES_AT } from '../memory/map';
import { changesLine, lineOf, readsLine, sweepsLines } from '../memory/guard';

@unmanaged
export class MembershipState {
  /** The beat of the heard planes; 0 = time not known yet. */
  livenessTick: u32 = 0;
  /** Epoch whose cut the digest and the agreement stand for. */
  epoch: u32 = 0;
  digest: u64 = 0;
  /** The part of `digest` that members gone at the cut contribute. */
  silentDigest: u64 = 0;
  previousRound: u32 = 0;
  /** Last epoch in which a majority of the base agreed with this node, and local second of noticing. */
  quorumRound: u32 = 0;
  /** Own lease: mission second until which work under ordinary leases may run. */
  leaseUntilS: u32 = 0;
  /** 1 = a majority agrees in the present epoch. */
  quorum: u32 = 0;
  /** 1 = this node has agreed with a majority since boot. */
  formed: u32 = 0;
  /** Mission second when time became known after boot: agreement counts for epochs cut from then on (a restarted node may have forgotten
   *  what it published last). */
  bootS: u32 = 0;
  /** Members that came back after they were gone, in this epoch and in the one before. */
  returned: u16 = 0;
  returnedBefore: u16 = 0;
  /** RECOVERING_*: restarted, and not yet known to hold again what it agreed to: it counts for no majority. */
  recovering: u32 = 0;
  /** Periods until what is held of leases extended in advance is stored; until then this node agrees to no digest that covers them. */
  unstored: u32 = 0;
  /** 1 = who is gone changed since verdicts were found: the bounds of what they hold may differ. */
  boundsMoved: u32 = 0;
  // ---- second line ----
  /** Mission second of the first heartbeat after a gap: what fell silent before it may only have been unheard; and that at which the gap began. */
  deafS: u32 = 0;
  quietS: u32 = 0;
  /** Walk over the members: position and stride of this round. */
  walkPosition: u32 = 0;
  walkStride: u32 = 0;
  walkLeft: u32 = 0;
  /** A relay's errand: requester + 1, its sequence, the target, and the sequence of our own probe. */
  errandFor: u32 = 0;
  errandSequence: u32 = 0;
  errandTarget: u32 = 0;
  errandProbe: u32 = 0;
  /** Suspicion to be told: member + 1, times left. */
  rumorMember: u32 = 0;
  rumorLeft: u32 = 0;
  incarnation: u32 = 0;
  /** Own refutations left to broadcast. */
  refuteLeft: u32 = 0;
  spare0: u32 = 0;
  spare1: u32 = 0;
  spare2: u32 = 0;
}

/** In the hot line. */
@unmanaged
export class Hearing {
  /** Heartbeats merged in this beat: 0 heard means it is we who are cut off. */
  heartbeatsHeard: u32 = 0;
  /** Mission second of the newest heartbeat merged. */
  heardS: u32 = 0;
  /** Probe in flight: target + 1 (0 = none), and its sequence number; likewise one that relays try for us. */
  probeTarget: u16 = 0;
  probeSequence: u16 = 0;
  relayedTarget: u16 = 0;
  relayedSequence: u16 = 0;
  /** Local health, 0 good to HEALTH_MAX. */
  health: u32 = 0;
}

@unmanaged
export class Member {
  /** Newest beat in which it was heard, once it fell out of the planes (0 = never). */
  lastLivenessTick: u32 = 0;
  incarnation: u16 = 0;
  /** State last told in a member-state event: 0 unknown 1 alive 2 suspect 3 unreachable 4 dead. */
  told: u8 = 0;
  generation: u8 = 0;
  /** Announced isolation, mission seconds [from, until). */
  isolationFromS: u32 = 0;
  isolationUntilS: u32 = 0;
  /** Sum of the 32-bit hashes of its intents held here: anti-entropy compares these by range. */
  intentSum: u32 = 0;
  /** Last beat of a silence that began together with others': it stays unreachable when those are heard again first. */
  togetherTick: u32 = 0;
  /** How often it lost its vote for being gone too long, and got it back: odd = it has none. Grows only; merged by maximum. */
  revocations: u8 = 0;
  /** Its versions passed on lately, and the mission minute (low 16 bits) for which that stands (intent/quota.ts). */
  tokensUsed: u8 = 0;
  tokensMinute: u16 = 0;
  /** 1 = it gave two contents under one version, and signed both: what it publishes counts for nothing. */
  proven: u8 = 0;
  pad0: u8 = 0;
  /** Mission minute (low 16 bits) of its newest signed word that was found valid (intent/witness.ts). */
  wordMinute: u16 = 0;
}

export const STATE_UNKNOWN: u32 = 0;
export const STATE_ALIVE: u32 = 1;
export const STATE_SUSPECT: u32 = 2;
export const STATE_UNREACHABLE: u32 = 3;
export const STATE_DEAD: u32 = 4;

// @inline
export function membership(ctx: usize): MembershipState {
  return changetype<MembershipState>(ctx + MEMBERSHIP_AT);
}

/** Two to a line. */
export const MEMBER_BYTES: u32 = 32;

// @inline
export function hearing(ctx: usize): Hearing {
  return changetype<Hearing>(ctx + HEARING_AT);
}

export function member(ctx: usize, index: u32): Member {
  readsLine(ctx, lineOf(MEMBERS_AT) + (index >>> 1));
  return memberSeen(ctx, index);
}
export function memberToChange(ctx: usize, index: u32): Member {
  changesLine(ctx, lineOf(MEMBERS_AT) + (index >>> 1));
  return memberSeen(ctx, index);
}
/** A member whose line was read in this call: after readMembers(), in walks over all. */
// @inline
export function memberSeen(ctx: usize, index: u32): Member {
  return changetype<Member>(ctx + MEMBERS_AT + index * MEMBER_BYTES);
}
/** Before walks over the first `count` members. */
export function readMembers(ctx: usize, count: u32): void {
  sweepsLines(ctx, lineOf(MEMBERS_AT), lineOf(MEMBERS_AT) + ((count + 1) >>> 1));
}

/** Heard in the present beat (age 0), the one before (1) and the one before that (2), not in a younger one. */
// @inline
export function heardAt(ctx: usize, age: u32): usize {
  return ctx + MEMBER_BITMAPS_AT + age * BITMAP_BYTES;
}
/** Members that agree with the epoch digest, as far as known here. */
// @inline
export function agreeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 4 * BITMAP_BYTES;
}
/** Final agreement of the epoch before. */
// @inline
export function agreedBeforeAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 5 * BITMAP_BYTES;
}
/** Members of which a majority must agree: all that have a vote, or had one when a majority was last seen to agree. */
// @inline
export function baseAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 6 * BITMAP_BYTES;
}
/** Members gone as of the epoch's cut: arbitration and leases use this, because it is covered by the digest. */
// @inline
export function silentAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 8 * BITMAP_BYTES;
}
/** All members of the cluster. */
// @inline
export function everyoneAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 9 * BITMAP_BYTES;
}
/** Own unacknowledged suspicion of members. */
// @inline
export function suspectAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 3 * BITMAP_BYTES;
}
/** Members whose agreement counts: those of the base whose revocations have not changed since. */
// @inline
export function votersAt(ctx: usize): usize {
  return ctx + MEMBER_BITMAPS_AT + 7 * BITMAP_BYTES;
}
export const MEMBER_BITMAPS: u32 = 10;

/** Core lines: the view; probing and rumours of members; who was heard in this beat and the one before; longer ago, and suspects; who agrees; all bitmaps. */
export const VIEW: u32 = 1 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
export const PROBING: u32 = 2 << ((MEMBERSHIP_AT - LINES_AT) >> 6);
const PLANES: u32 = (MEMBER_BITMAPS_AT - LINES_AT) >> 6;
export const HEARD: u32 = 1 << PLANES;
export const HEARD_LONG_AGO: u32 = 1 << (PLANES + ((2 * BITMAP_BYTES) >> 6));
export const AGREE: u32 = 1 << (PLANES + ((4 * BITMAP_BYTES) >> 6));
export const BITMAPS: u32 =
  (2 << ((MEMBER_BITMAPS_AT + MEMBER_BITMAPS * BITMAP_BYTES - 1 - LINES_AT) >> 6)) - (1 << PLANES);

/** Restarted from a checkpoint: it may have forgotten ordinary leases. Booted without one: those extended in advance, too. */
export const RECOVERING_LEASES: u32 = 1;
export const RECOVERING_ALL: u32 = 2;

if (offsetof<MembershipState>() != 128 || offsetof<MembershipState>('deafS') != 64)
  ERROR('the view has a line of its own');
if (offsetof<Hearing>() != 20) ERROR('room for hearing in the hot line');
if (offsetof<Member>() != MEMBER_BYTES) ERROR('stride of the member table');

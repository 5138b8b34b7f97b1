// Splits a cluster that has grown too large (FLT-4, CVG-3): orders the split as coordinator, checks
// and accepts the cut as any member, and learns of a split that it missed (docs/federation.md,
// Split). moving.ts moves this node to its half.

import { CHANGE_S, CHECKPOINT_S, COORDINATOR_ALLOWED, MEMBER_WORDS, TRY_S, WINDOW_S } from '../memory/limits';
import { SCRATCH_OUT_AT } from '../memory/map';
import { call, changes } from '../memory/guard';
import { ADDRESSEE_ALL, CLUSTER_MEMBERS_MAX, DECISION_KIND_SPLIT, LINE_BYTES, ROUND_S } from '../wire/generated/codes';
import {
  DUE_SPLIT,
  FIRST_HALF,
  leaveToTick,
  members,
  missionS,
  node,
  NODE,
  self,
  timeKnown,
  WHOLE,
} from '../node/table';
import { send, SEND_SPLIT } from '../node/outbox';
import { ballotAt, tryOf, tryStartS } from '../membership/ballot';
import { hashOfCut, isBetweenHalves, isSplitPending, secondHalfAt, switchS } from '../membership/division';
import { areNumbersPlausible, changeDecision, isWindow, learnDecision } from '../membership/decision';
import { isSilent } from '../membership/liveness';
import { coordinator } from '../membership/member_state';
import {
  Cut,
  decision,
  decisionToChange,
  division,
  divisionToChange,
  liveWord,
  membership,
  ReceivedSplit,
  receivedSplit,
  receivedSplitToChange,
} from '../membership/table';
import { convergence } from '../convergence/table';
import { Decision as DecisionMessage, encodeSplit, Split as SplitMessage } from '../wire/generated/messages';
import { findCut, isWhole } from './cut';
import { orderDecision } from './order';
import { moveToHalf } from './moving';

/** So many live members for so long, seconds, and the cluster is split (FLT-4). */
const LARGE_LIVE_MIN: u32 = 180;
const LARGE_S: u32 = 6 * 3600;
/** Two of three disruptions broke their SLA, and so many are live: it is split, too (CVG-3). */
const SLOW_LIVE_MIN: u32 = 125;
const SLOW_BREACHES: u32 = 2;
/** The switch lies so long after the try in which the split is proposed, seconds. */
const SWITCH_AFTER_S: u32 = CHANGE_S / 2;
/** A switch so long after the try of its ballot is refused, seconds. */
const SWITCH_AFTER_S_MAX: u32 = 86400;
/** Who saw no quorum for so many rounds may have missed a split. */
const MISSED_ROUNDS: u32 = 1800 / ROUND_S;
/** Members of the first half that announce the split, and for how long after it, seconds. */
const ANNOUNCERS: u32 = 3;
const ANNOUNCE_S: u32 = 32 * 86400;

/** Does the period's work on splits. */
export function splitStep(ctx: usize): void {
  const half: u32 = node(ctx).half;
  if (half == WHOLE) {
    if (division(ctx).decided != 0 && missionS(ctx) >= switchS(ctx)) moveToHalf(ctx);
    else if (COORDINATOR_ALLOWED) watchSize(ctx);
  } else if (half == FIRST_HALF) announceSplit(ctx);
}

// ---- as coordinator ----

/** Whether this cluster may be split at all: a half is not split again. */
export function mayBeSplit(ctx: usize): bool {
  return <u32>node(ctx).half == WHOLE && division(ctx).decided == 0;
}

function liveMembers(ctx: usize): u32 {
  let live: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) live += popcnt<u32>(liveWord(ctx, word));
  return live;
}

/** Orders a split when the cluster has been too large for long, or converges too slowly. */
function watchSize(ctx: usize): void {
  const now = missionS(ctx);
  const live = liveMembers(ctx);
  const sinceS = division(ctx).largeSinceS;
  const isLarge = live >= LARGE_LIVE_MIN;
  if (isLarge != (sinceS != 0)) divisionToChange(ctx).largeSinceS = isLarge ? max<u32>(now, 1) : 0;
  if (coordinator(ctx) != self(ctx) || convergence(ctx).count != 0 || !mayBeSplit(ctx) || isSplitPending(ctx)) return;
  const isSlow = live >= SLOW_LIVE_MIN && <u32>popcnt<u32>(convergence(ctx).breaches) >= SLOW_BREACHES;
  if ((isLarge && sinceS != 0 && now >= sinceS + LARGE_S) || isSlow) orderDecision(ctx, DECISION_KIND_SPLIT, 0, 0);
}

/** Puts a split into a proposal, if there is a place to cut. */
export function proposeSplit(ctx: usize, m: DecisionMessage): void {
  if (!mayBeSplit(ctx)) return;
  // What waits was judged before: its place is free.
  const cut = receivedSplitToChange(ctx);
  memory.fill(changetype<usize>(cut), 0, offsetof<ReceivedSplit>());
  cut.switchS = tryStartS(m.promised) + TRY_S + SWITCH_AFTER_S;
  if (!findCut(ctx, cut) || !isWhole(ctx, cut)) return;
  keepCut(ctx, cut, m.number, m.promised);
  const hash = hashOfCut(cut);
  m.kind = DECISION_KIND_SPLIT;
  m.contentHigh = <u32>(hash >>> 32);
  m.contentLow = <u32>hash;
}

/** Notes the later ballot in which the accepted split is proposed again. */
export function reproposeSplit(ctx: usize, m: DecisionMessage): void {
  divisionToChange(ctx).ballot = m.promised;
}

/** Keeps the cut that was accepted in a ballot of a decision. */
function keepCut(ctx: usize, cut: Cut, number: u32, ballot: u32): void {
  const split = divisionToChange(ctx);
  memory.copy(changetype<usize>(split), changetype<usize>(cut), offsetof<Cut>());
  split.number = number;
  split.ballot = ballot;
}

/** Notes that the accepted split is decided. A checkpoint is due: a reset must not forget that. */
export function noteSplitDecided(ctx: usize): void {
  divisionToChange(ctx).decided = 1;
  changes(ctx, NODE);
  node(ctx).checkpointS = call(ctx).localS - CHECKPOINT_S;
}

// ---- as any member ----

/** Whether a split can be: its numbers can, and nobody is in the second half who is no member. */
export function admitSplit(ctx: usize, m: SplitMessage): bool {
  if (m.accepted == 0 || !areNumbersPlausible(ctx, m.number, m.promised, m.accepted)) return false;
  const endS = tryStartS(m.accepted) + TRY_S;
  if (m.switchS < tryStartS(m.accepted) || m.switchS > endS + SWITCH_AFTER_S_MAX) return false;
  for (let bit = members(ctx); bit < m.membersLength << 3; bit++)
    if (((<u32>load<u8>(m.membersAt + (bit >>> 3)) >>> (bit & 7)) & 1) != 0) return false;
  return true;
}

/** Keeps a split that a member sent for the tick, unless another one waits. */
export function applySplit(ctx: usize, m: SplitMessage): void {
  if (node(ctx).placed == 0 || !timeKnown(ctx) || receivedSplit(ctx).number != 0) return;
  const received = receivedSplitToChange(ctx);
  received.switchS = m.switchS;
  received.groups = m.groups;
  received.divided = m.divided;
  memory.copy(secondHalfAt(received), m.membersAt, CLUSTER_BITMAP_BYTES);
  received.number = m.number;
  received.promised = m.promised;
  received.accepted = m.accepted;
  received.size = <u8>m.size;
  received.decided = <u8>m.decided;
  received.sender = <u16>call(ctx).sender;
  leaveToTick(ctx, DUE_SPLIT);
}

/** Takes the split that waits: as a proposal, and as word of what was decided. */
export function judgeSplit(ctx: usize): void {
  const received = receivedSplit(ctx);
  if (received.number == 0) return;
  const hash = hashOfCut(received);
  const m = changetype<DecisionMessage>(ctx + SCRATCH_OUT_AT);
  m.number = received.number;
  m.promised = received.promised;
  m.accepted = received.accepted;
  m.kind = DECISION_KIND_SPLIT;
  m.contentHigh = <u32>(hash >>> 32);
  m.contentLow = <u32>hash;
  m.size = received.size;
  if (received.decided != 0 && isWitnessed(ctx, received, <u32>hash)) takeDecided(ctx, m);
  else if (learnDecision(ctx, m, accepts(ctx, received))) keepCut(ctx, received, received.number, received.accepted);
  forgetReceivedSplit(ctx);
}

/** Restarts from a checkpoint: no tick takes what waited. */
export function forgetReceivedSplit(ctx: usize): void {
  if (receivedSplit(ctx).number != 0) receivedSplitToChange(ctx).number = 0;
}

/**
 * Whether this node accepts a split now. Nobody does after the try of its ballot: so it is known
 * until when it may have been decided. What this node accepted before it checks no more: it has
 * settled nothing on units since.
 */
function accepts(ctx: usize, received: ReceivedSplit): bool {
  if (!mayBeSplit(ctx) || tryOf(received.accepted) != tryOf(ballotAt(missionS(ctx), 0))) return false;
  if (!isWindow(ctx)) return false;
  const isKnown = isSplitPending(ctx) && hashOfCut(received) == hashOfCut(division(ctx));
  return isKnown || isWhole(ctx, received);
}

/**
 * Counts a sender among those that say that a split is decided. True for the third one: this node
 * missed the decision, because it saw no quorum for long, or because it accepted that split and the
 * time of the switch has come.
 */
function isWitnessed(ctx: usize, received: ReceivedSplit, hash: u32): bool {
  const view = membership(ctx);
  const isAwaited = isBetweenHalves(ctx) && decision(ctx).contentLow == hash;
  if (!mayBeSplit(ctx) || (!isAwaited && view.quorumRound + MISSED_ROUNDS > view.round)) return false;
  const split = divisionToChange(ctx);
  const mark: u32 = <u32>received.sender + 1;
  if (split.witnessed != hash) {
    split.witnessed = hash;
    split.witnessedBallot = 0;
    split.firstWitness = 0;
    split.secondWitness = 0;
  }
  split.witnessedBallot = max<u32>(split.witnessedBallot, received.accepted);
  if (split.firstWitness == 0) split.firstWitness = <u8>mark;
  else if (<u32>split.firstWitness == mark) return false;
  else if (split.secondWitness == 0) split.secondWitness = <u8>mark;
  else return <u32>split.secondWitness != mark;
  return false;
}

/**
 * Takes the split that waits, which was decided without this node: in the latest ballot that a
 * witness saw, so that the other half's leases are over when this half grants its units.
 */
function takeDecided(ctx: usize, m: DecisionMessage): void {
  keepCut(ctx, receivedSplit(ctx), m.number, division(ctx).witnessedBallot);
  noteSplitDecided(ctx);
  if (m.number < decision(ctx).number) return;
  changeDecision(ctx, m);
  decisionToChange(ctx).decided = 1;
}

// ---- sending ----

/**
 * Composes the split: the accepted one, or the one that divided this cluster, for those who missed
 * it. Returns the address after it; 0 if it does not fit.
 */
export function composeSplit(ctx: usize, at: usize, end: usize): usize {
  const record = decision(ctx);
  const split = division(ctx);
  const isPast = <u32>node(ctx).half != WHOLE;
  const m = changetype<SplitMessage>(ctx + SCRATCH_OUT_AT);
  m.number = isPast ? split.number : record.number;
  m.promised = isPast ? split.ballot : record.promised;
  m.accepted = isPast ? split.ballot : record.accepted;
  m.size = record.size;
  m.decided = isPast ? 1 : record.decided;
  m.switchS = split.switchS;
  m.groups = split.groups;
  m.divided = split.divided;
  m.membersAt = <u32>secondHalfAt(split);
  m.membersLength = CLUSTER_BITMAP_BYTES;
  return encodeSplit(at, end, m);
}

/** Has three members of the first half, which keeps number and key, announce the split. */
function announceSplit(ctx: usize): void {
  const now = missionS(ctx);
  if (!isWindow(ctx) || now % CHANGE_S >= WINDOW_S / 4 || now >= switchS(ctx) + ANNOUNCE_S) return;
  let before: u32 = 0;
  for (let i: u32 = 0; i < self(ctx) && before < ANNOUNCERS; i++) if (!isSilent(ctx, i)) before++;
  if (before < ANNOUNCERS) send(ctx, SEND_SPLIT, ADDRESSEE_ALL, 0, 0);
}

const CLUSTER_BITMAP_BYTES: u32 = 28;
if (CLUSTER_BITMAP_BYTES << 3 < CLUSTER_MEMBERS_MAX) ERROR('a bit for each member');
if (offsetof<ReceivedSplit>() > LINE_BYTES) ERROR('a received split has a line');

// Answers what a split means for this node: whether one is under way, to which half a member or a
// unit belongs, and from when on the halves are two clusters (docs/federation.md, Split).

import { MEMBER_WORDS, TRY_S } from '../memory/limits';
import { changes } from '../memory/guard';
import { mix64 } from '../base/hash';
import { bitClear, bitCount, bitGet, bitSet } from '../base/bits';
import { DECISION_KIND_SPLIT } from '../wire/generated/codes';
import { FIRST_HALF, isInSecondHalf, members, missionS, node, self, SECOND_HALF, WHOLE } from '../node/table';
import { livenessTickOf } from './calendar';
import { tryStartS } from './ballot';
import {
  AGREE,
  agreeAt,
  BITMAPS,
  baseAt,
  Cut,
  decision,
  division,
  everyoneAt,
  freshAt,
  HEARD,
  memberToChange,
  silentAt,
  SUSPECTS,
  suspectAt,
  votersAt,
} from './table';

/** The second half has the number of the cluster with this bit. */
const SISTER_BIT: u32 = 0x8000;

/** Bitmap of the members of a cut's second half. */
export function secondHalfAt(cut: Cut): usize {
  return changetype<usize>(cut) + offsetof<Cut>('m0');
}

/** Hash of a cut: the content of the value that is decided on. */
export function hashOfCut(cut: Cut): u64 {
  let hash: u64 = 0;
  for (let at: usize = 0; at < offsetof<Cut>(); at += 8) hash = mix64(hash ^ load<u64>(changetype<usize>(cut) + at));
  return hash;
}

/**
 * Whether a split is under way that this node accepted: then it settles no claim on a unit and
 * extends no lease in advance.
 */
export function isSplitPending(ctx: usize): bool {
  const record = decision(ctx);
  return <u32>record.kind == DECISION_KIND_SPLIT && record.accepted != 0 && <u32>node(ctx).half == WHOLE;
}

/**
 * Mission second from which on the halves are two clusters, if the accepted split is decided.
 * Nobody accepts a value after the try of its ballot, so it is decided by then, or not in that
 * ballot.
 */
export function switchS(ctx: usize): u32 {
  const split = division(ctx);
  return max<u32>(split.switchS, tryStartS(split.ballot) + TRY_S);
}

/**
 * Whether leases are not renewed any more: the split may have been decided in the first ballot in
 * which it was proposed, and then the halves are two clusters from that second on. A later ballot
 * does not undo that.
 */
export function isBetweenHalves(ctx: usize): bool {
  return isSplitPending(ctx) && missionS(ctx) >= division(ctx).switchS;
}

/** Whether the member of this number went to the other half. */
export function isElsewhere(ctx: usize, index: u32): bool {
  return !bitGet(everyoneAt(ctx), index);
}

/** Members of word `word` that went to the other half. */
export function elsewhereWord(ctx: usize, word: u32): u32 {
  const half: u32 = node(ctx).half;
  if (half == WHOLE) return 0;
  const second = load<u32>(secondHalfAt(division(ctx)) + (word << 2));
  return half == FIRST_HALF ? second : ~second & membersWord(ctx, word);
}

/** All numbers of members in word `word`. */
function membersWord(ctx: usize, word: u32): u32 {
  const first = word << 5;
  const count = members(ctx);
  if (count <= first) return 0;
  return count - first >= 32 ? 0xffffffff : (1 << (count - first)) - 1;
}

/** Members of this node's cluster: those of its half, once it was split. */
export function clusterSize(ctx: usize): u32 {
  const half: u32 = node(ctx).half;
  if (half == WHOLE) return members(ctx);
  const second = bitCount(secondHalfAt(division(ctx)), MEMBER_WORDS);
  return half == SECOND_HALF ? second : members(ctx) - second;
}

/** Whether a majority of each half agrees with this node on the digest of the round. */
export function halvesAgree(ctx: usize): bool {
  const secondAt = secondHalfAt(division(ctx));
  let all: u32 = 0;
  let allSecond: u32 = 0;
  let agreeing: u32 = 0;
  let agreeingSecond: u32 = 0;
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const base = load<u32>(baseAt(ctx) + offset);
    const agreed = load<u32>(agreeAt(ctx) + offset) & load<u32>(votersAt(ctx) + offset);
    const second = load<u32>(secondAt + offset);
    all += popcnt<u32>(base);
    allSecond += popcnt<u32>(base & second);
    agreeing += popcnt<u32>(agreed);
    agreeingSecond += popcnt<u32>(agreed & second);
  }
  return agreeingSecond * 2 > allSecond && (agreeing - agreeingSecond) * 2 > all - allSecond;
}

/** Whether a unit goes to the second half: with its group, or by its parity. */
export function isOfSecond(cut: Cut, group: u32, unit: u32): bool {
  return ((((cut.divided >>> group) & 1) != 0 ? unit : cut.groups >>> group) & 1) != 0;
}

/** Whether a unit went to the other half. Unit 0 is the group as a whole. */
export function isForeign(ctx: usize, group: u32, unit: u32): bool {
  if (<u32>node(ctx).half == WHOLE) return false;
  const split = division(ctx);
  if (unit == 0 && ((split.divided >>> group) & 1) != 0) return false;
  return isOfSecond(split, group, unit) != isInSecondHalf(ctx);
}

/**
 * What this node's half has of a group's capacity: nothing of one that went to the other half; of a
 * divided one a share by the number of members, so that the halves never exceed it together.
 */
export function shareOf(ctx: usize, group: u32, capacity: u32): u32 {
  if (<u32>node(ctx).half == WHOLE) return capacity;
  if (((division(ctx).divided >>> group) & 1) == 0) return isForeign(ctx, group, 0) ? 0 : capacity;
  const all = members(ctx);
  const size = clusterSize(ctx);
  return (capacity / all) * size + ((capacity % all) * size) / all;
}

/** Whether a group belongs to this half as a whole. */
export function isWholeGroup(ctx: usize, group: u32): bool {
  if (<u32>node(ctx).half == WHOLE) return true;
  return ((division(ctx).divided >>> group) & 1) == 0 && !isForeign(ctx, group, 0);
}

/** Takes the half that the decided split gives this node, and the number of its cluster. */
export function takeHalf(ctx: usize): void {
  const state = node(ctx);
  const isSecond = bitGet(secondHalfAt(division(ctx)), self(ctx));
  state.half = <u8>(isSecond ? SECOND_HALF : FIRST_HALF);
  takeNumber(ctx);
}

/** Sets the number in frames. */
export function takeNumber(ctx: usize): void {
  const state = node(ctx);
  const home: u32 = state.home;
  state.cluster = <u16>(isInSecondHalf(ctx) ? home ^ SISTER_BIT : home);
}

/**
 * Takes the members of the other half out of the view. They count as silent since the switch, so
 * that their claims on this half's units hold until their leases are over (lease.ts).
 */
export function leaveMembers(ctx: usize): void {
  changes(ctx, BITMAPS | HEARD | SUSPECTS | AGREE);
  const lastTick = livenessTickOf(switchS(ctx));
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    for (let elsewhere = elsewhereWord(ctx, word); elsewhere != 0; elsewhere &= elsewhere - 1) {
      const index = (word << 5) + ctz<u32>(elsewhere);
      memberToChange(ctx, index).lastLivenessTick = lastTick;
      for (let plane: u32 = 0; plane < 3; plane++) bitClear(freshAt(ctx, plane), index);
      bitClear(suspectAt(ctx), index);
      bitClear(agreeAt(ctx), index);
      bitClear(everyoneAt(ctx), index);
      bitClear(baseAt(ctx), index);
      bitClear(votersAt(ctx), index);
      bitSet(silentAt(ctx), index);
    }
  }
}

if (offsetof<Cut>() != 40) ERROR('a cut is hashed in whole words of 64 bits');

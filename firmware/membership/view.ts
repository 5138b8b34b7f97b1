// Computes what members contribute to the digest that is agreed on: silence, revocations,
// equivocators, the decision of the cluster.

import { MEMBER_WORDS, TICKS_UNTIL_SILENT, ROUND_TICKS } from '../memory/limits';
import { bitGet, bitClear } from '../base/bits';
import { mix64 } from '../base/hash';
import { changes } from '../memory/guard';
import { members } from '../node/table';
import {
  decision,
  membership,
  member,
  memberSeen,
  memberToChange,
  readMembers,
  silentAt,
  BITMAPS,
  everyoneAt,
  MARK_EQUIVOCATOR,
  VIEW,
} from './table';
import { isElsewhere } from './division';
import { ageOf } from './liveness';
import { restartAgreement } from './quorum';

/** Takes a peer's report of when a silent member was last heard. */
export function learnLastLivenessTick(ctx: usize, index: u32, livenessTick: u32): void {
  if (ageOf(ctx, index) < TICKS_UNTIL_SILENT || isElsewhere(ctx, index)) return;
  const state = membership(ctx);
  if (livenessTick <= member(ctx, index).lastLivenessTick || livenessTick > state.livenessTick) return;
  const entry = memberToChange(ctx, index);
  if (!bitGet(silentAt(ctx), index)) {
    entry.lastLivenessTick = livenessTick;
    return;
  }
  const before = silentTerm(ctx, index);
  entry.lastLivenessTick = livenessTick;
  if (livenessTick + TICKS_UNTIL_SILENT > state.round * ROUND_TICKS) {
    bitClear(silentAt(ctx), index);
    changes(ctx, BITMAPS);
    subtractFromDigest(ctx, before);
  } else subtractFromDigest(ctx, before - silentTerm(ctx, index));
}

/**
 * Marks a member as equivocator: that is part of what is agreed on, because it decides what is
 * stored.
 */
export function learnEquivocator(ctx: usize, index: u32): void {
  memberToChange(ctx, index).marks |= <u8>MARK_EQUIVOCATOR;
  subtractFromDigest(ctx, <u64>0 - equivocatorTerm(index));
}

/** Contribution of a proven equivocator. */
function equivocatorTerm(index: u32): u64 {
  return mix64(((<u64>3) << 62) | <u64>index);
}

/** Contribution of a silent member to the digest. */
export function silentTerm(ctx: usize, index: u32): u64 {
  return mix64(((<u64>index + 1) << 32) | <u64>member(ctx, index).lastLivenessTick);
}

/** Contribution of a member's revocations. */
export function revocationTerm(index: u32, revocations: u32): u64 {
  return revocations == 0 ? 0 : mix64(((<u64>1) << 63) | ((<u64>index) << 32) | <u64>revocations);
}

/** Subtracts `change` from what members contribute to the digest: agreement starts anew. */
export function subtractFromDigest(ctx: usize, change: u64): void {
  const state = membership(ctx);
  state.memberDigest -= change;
  state.digest -= change;
  restartAgreement(ctx);
  state.boundsMoved = 1;
  changes(ctx, VIEW);
}

/** Contribution of the decision of the cluster, once there is one. */
export function decisionTerm(ctx: usize): u64 {
  const record = decision(ctx);
  if (record.number == 0) return 0;
  const ballots = mix64(((<u64>record.promised) << 32) | <u64>record.accepted);
  const content = mix64(ballots ^ ((<u64>record.contentHigh) << 32) ^ <u64>record.contentLow);
  return mix64(content ^ ((<u64>record.number) << 32) ^ ((<u64>record.kind) << 8) ^ <u64>record.size);
}

/**
 * Sum of the contributions of all members, and of the decision. Members of the other half are left
 * out: those who saw the split decided in different ballots date their silence differently.
 */
export function digestOfMembers(ctx: usize): u64 {
  let sum = decisionTerm(ctx);
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    let bits = load<u32>(silentAt(ctx) + offset) & load<u32>(everyoneAt(ctx) + offset);
    while (bits != 0) {
      const index = (word << 5) + ctz<u32>(bits);
      bits &= bits - 1;
      sum += silentTerm(ctx, index);
    }
  }
  const count = members(ctx);
  readMembers(ctx, count);
  for (let i: u32 = 0; i < count; i++) {
    const entry = memberSeen(ctx, i);
    if (entry.revocations != 0) sum += revocationTerm(i, entry.revocations);
    if ((entry.marks & MARK_EQUIVOCATOR) != 0) sum += equivocatorTerm(i);
  }
  return sum;
}

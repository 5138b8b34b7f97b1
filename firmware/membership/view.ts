// The view: who was heard when, who is gone, who agrees. Bitmaps are merged word by word, so a frame costs O(members / 32).

import { MEMBER_WORDS, TICKS_UNTIL_SILENT, ROUND_TICKS } from '../memory/limits';
import { bitGet, bitClear } from '../base/bits';
import { mix64 } from '../base/hash';
import { changes } from '../memory/guard';
import { members } from '../node/table';
import { membership, member, memberSeen, memberToChange, readMembers, silentAt, BITMAPS, VIEW } from './table';
import { ageOf } from './liveness';
import { agreeAnew } from './quorum';

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

/** A member is a proven double-equivocator: that is part of what is agreed on, for it decides what is held. */
export function learnProven(ctx: usize, index: u32): void {
  memberToChange(ctx, index).proven = 1;
  silentChanged(ctx, <u64>0 - provenTerm(index));
}

function provenTerm(index: u32): u64 {
  return mix64(((<u64>3) << 62) | <u64>index);
}

/** What a gone member adds to the digest, and what its revocations do. */
export function silentTerm(ctx: usize, index: u32): u64 {
  return mix64(((<u64>index + 1) << 32) | <u64>member(ctx, index).lastLivenessTick);
}

export function revocationTerm(index: u32, revocations: u32): u64 {
  return revocations == 0 ? 0 : mix64(((<u64>1) << 63) | ((<u64>index) << 32) | <u64>revocations);
}

/** What the gone members add to the digest is less by `less`: agreement starts anew. */
export function silentChanged(ctx: usize, less: u64): void {
  const state = membership(ctx);
  state.silentDigest -= less;
  state.digest -= less;
  agreeAnew(ctx);
  state.boundsMoved = 1;
  changes(ctx, VIEW);
}

export function digestOfSilent(ctx: usize): u64 {
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

// Turns liveness ticks and cuts agreement rounds: at a cut it freezes who is silent, and agreement
// starts anew.

import { MERGE_ROUNDS, ROUND_TICKS, SHORT_LEASE_S_MAX, TICKS_UNTIL_SILENT, MEMBER_WORDS } from '../memory/limits';
import { LEASE_GUARD_S, LEASE_ADVANCE_S_MAX } from '../wire/generated/codes';
import { changes } from '../memory/guard';
import { bitSet } from '../base/bits';
import { missionS, node, self, HOT } from '../node/table';
import { livenessTickOf } from './calendar';
import { countDisagreement } from './disagreement';
import { elsewhereWord } from './division';
import { reportStates } from './member_state';
import { restartAgreement } from './quorum';
import { forgetUnchecked, revokeVotes } from './revocation';
import {
  membership,
  freshAt,
  liveWord,
  VIEW,
  HEARD,
  memberToChange,
  hearing,
  BITMAPS,
  agreedBeforeAt,
  agreedTwiceAt,
  agreeAt,
  RECOVERING_ALL,
  silentAt,
  everyoneAt,
} from './table';
import { digestOfMembers } from './view';

/**
 * Seconds after boot from which what a node agreed to before its restart binds nobody: ordinary
 * leases, and leases extended in advance.
 */
const RECOVERY_S: u32 = SHORT_LEASE_S_MAX + 2 * LEASE_GUARD_S;
const RECOVERY_ALL_S: u32 = LEASE_ADVANCE_S_MAX + 2 * LEASE_GUARD_S;

/**
 * Turns the bitmaps to the present liveness tick. Returns true if the round changed: the caller
 * cuts it.
 */
export function turnTicks(ctx: usize): bool {
  const state = membership(ctx);
  const livenessTick = livenessTickOf(missionS(ctx));
  if (state.livenessTick == 0) {
    state.livenessTick = livenessTick;
    markSelf(ctx);
    changes(ctx, VIEW | HEARD);
    return true;
  }
  if (livenessTick <= state.livenessTick) return false;
  const round = state.livenessTick / ROUND_TICKS;
  changes(ctx, VIEW);
  // After so many ticks without a call everybody is silent: the rest is skipped.
  if (livenessTick - state.livenessTick > TICKS_UNTIL_SILENT + 1) {
    for (let i: u32 = 0; i < TICKS_UNTIL_SILENT; i++) turnLivenessTick(ctx);
    state.livenessTick = livenessTick;
  }
  while (state.livenessTick < livenessTick) turnLivenessTick(ctx);
  reportStates(ctx, true);
  return livenessTick / ROUND_TICKS != round;
}

/** Ends one liveness tick: every member's freshness falls by one. */
function turnLivenessTick(ctx: usize): void {
  const state = membership(ctx);
  changes(ctx, VIEW | HOT | HEARD);
  const oldest = state.livenessTick - (TICKS_UNTIL_SILENT - 1);
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const a0 = freshAt(ctx, 0) + (word << 2);
    const a1 = freshAt(ctx, 1) + (word << 2);
    const a2 = freshAt(ctx, 2) + (word << 2);
    const f0 = load<u32>(a0);
    const f1 = load<u32>(a1);
    const f2 = load<u32>(a2);
    const live = f0 | f1 | f2;
    let falling = f0 & ~f1 & ~f2;
    while (falling != 0) {
      memberToChange(ctx, (word << 5) + ctz<u32>(falling)).lastLivenessTick = oldest;
      falling &= falling - 1;
    }
    store<u32>(a0, live & ~f0);
    store<u32>(a1, live & (f1 ^ ~f0));
    store<u32>(a2, live & (f2 ^ (~f0 & ~f1)));
  }
  state.livenessTick++;
  hearing(ctx).heartbeatsHeard = 0;
  markSelf(ctx);
}

/** Notes that this node is alive in the present tick. */
function markSelf(ctx: usize): void {
  const me = self(ctx);
  for (let plane: u32 = 0; plane < 3; plane++) bitSet(freshAt(ctx, plane), me);
}

/** Keeps who agreed in the round that ends; nobody, if `counts` is false. */
function keepAgreement(ctx: usize, counts: bool): void {
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const agreed = counts ? load<u32>(agreeAt(ctx) + offset) : 0;
    store<u32>(agreedTwiceAt(ctx) + offset, agreed & load<u32>(agreedBeforeAt(ctx) + offset));
    store<u32>(agreedBeforeAt(ctx) + offset, agreed);
  }
}

/**
 * Starts the round of the present tick: freezes who is silent and saves the agreement of the round
 * before. The caller adds the digest of the intents.
 */
export function cutRound(ctx: usize): void {
  const state = membership(ctx);
  const round = state.livenessTick / ROUND_TICKS;
  changes(ctx, VIEW | BITMAPS);
  const agreed = state.quorum != 0;
  keepAgreement(ctx, agreed && state.round + 1 == round);
  const windowsPassed = round / MERGE_ROUNDS - state.round / MERGE_ROUNDS;
  if (windowsPassed != 0) {
    state.returnedBefore = windowsPassed == 1 ? state.returned : 0;
    state.returned = 0;
  }
  state.round = round;
  state.quorum = 0;
  // The leases that this node's agreement before may have granted are over. An intent that was
  // discarded may have had a lease extended in advance.
  const sinceS = max<u32>(state.bootS, state.forgotS);
  const all = state.recovering == RECOVERING_ALL || state.forgotS != 0;
  // What was accepted of a decision binds for good: who may have forgotten it gets no vote by time.
  const isBound = state.recovering == RECOVERING_ALL && node(ctx).placed != 0;
  if (!isBound && missionS(ctx) >= sinceS + (all ? RECOVERY_ALL_S : RECOVERY_S)) {
    state.recovering = 0;
    state.forgotS = 0;
  }
  for (let word: u32 = 0; word < MEMBER_WORDS; word++) {
    const offset = word << 2;
    const silent = load<u32>(everyoneAt(ctx) + offset) & ~liveWord(ctx, word);
    store<u32>(silentAt(ctx) + offset, silent | elsewhereWord(ctx, word));
  }
  countDisagreement(ctx);
  if (agreed) revokeVotes(ctx);
  else forgetUnchecked(ctx);
  state.memberDigest = digestOfMembers(ctx);
  restartAgreement(ctx);
}

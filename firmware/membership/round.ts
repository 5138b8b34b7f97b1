// Turns liveness ticks and cuts agreement rounds.

import {
  LEASE_S,
  LEASE_GUARD_S,
  LEASE_ADVANCE_S_MAX,
  ROUND_TICKS,
  TICKS_UNTIL_SILENT,
  MEMBER_WORDS,
} from '../memory/limits';
import { changes } from '../memory/guard';
import { bitSet, bitClear } from '../base/bits';
import { missionS, self, members, HOT } from '../node/table';
import { livenessTickOf } from './calendar';
import { markTogether, tell } from './member_state';
import { agreeAnew } from './quorum';
import { revokeVotes } from './revocation';
import {
  membership,
  heardAt,
  VIEW,
  HEARD,
  readMembers,
  HEARD_LONG_AGO,
  memberToChange,
  hearing,
  BITMAPS,
  agreedBeforeAt,
  agreeAt,
  RECOVERING_ALL,
  silentAt,
  everyoneAt,
} from './table';
import { digestOfSilent } from './view';

/** What a node agreed to before it restarted binds nobody after this, seconds since its boot. */
const FORGET_S: u32 = LEASE_S + 2 * LEASE_GUARD_S;
const FORGET_ALL_S: u32 = LEASE_ADVANCE_S_MAX + 2 * LEASE_GUARD_S;

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

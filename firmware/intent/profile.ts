// Sums the use of a group's shared capacity over time, and knows which units are taken (INT-2).
// Accepted claims are listed as they come, those of exclusive units in chains. Most are well within
// the capacity: only when all of them together are not, they are sorted by start and by end, so
// that one pass over both finds the highest summed rate in an interval.

import { INTENTS_MAX, NO_INDEX } from '../memory/limits';
import { Intent, intentSeen, startsAt, boundsAt, resourceUnit } from './table';

@unmanaged
class Profile {
  /** Summed rate of all claims, kg/day. */
  rate: u64 = 0;
  /** Claims, and how many of them are sorted. */
  count: u32 = 0;
  sorted: u32 = 0;
}

/** In static memory, because it is valid within one call only. */
const PROFILE_AT = memory.data(offsetof<Profile>(), 8);
/**
 * First claim of each chain, and each claim's next: u16 each. A unit's chain is that of its low
 * bits.
 */
const UNIT_CHAINS: u32 = 32;
const FIRST_AT = memory.data(UNIT_CHAINS * 2, 4);
const NEXT_AT = memory.data(INTENTS_MAX * 2, 4);

// @inline
function profile(): Profile {
  return changetype<Profile>(PROFILE_AT);
}

function firstOfUnitAt(unit: u32): usize {
  return FIRST_AT + ((unit & (UNIT_CHAINS - 1)) << 1);
}

/** Removes all claims from the profile. */
export function clearProfile(): void {
  const state = profile();
  state.rate = 0;
  state.count = 0;
  state.sorted = 0;
  memory.fill(FIRST_AT, 0xff, UNIT_CHAINS * 2);
}

/** Adds a claim. Its record was read in this call, its bound is up to date. */
export function addToProfile(ctx: usize, index: u32): void {
  const state = profile();
  const record = intentSeen(ctx, index);
  const offset = state.count << 1;
  store<u16>(startsAt(ctx) + offset, <u16>index);
  store<u16>(boundsAt(ctx) + offset, <u16>index);
  state.count++;
  state.rate += record.rate;
  const unit = resourceUnit(record.resource);
  if (unit == 0) return;
  store<u16>(NEXT_AT + (index << 1), load<u16>(firstOfUnitAt(unit)));
  store<u16>(firstOfUnitAt(unit), <u16>index);
}

/** Whether a claim of the profile has the exclusive unit of `record` at the same time. */
export function isUnitTaken(ctx: usize, record: Intent): bool {
  const unit = resourceUnit(record.resource);
  if (unit == 0) return false;
  let at: u32 = load<u16>(firstOfUnitAt(unit));
  for (let steps: u32 = 0; at != NO_INDEX && steps < INTENTS_MAX; steps++) {
    const other = intentSeen(ctx, at);
    if (other.resource == record.resource && other.startS < record.boundS && record.startS < other.boundS) return true;
    at = load<u16>(NEXT_AT + (at << 1));
  }
  return false;
}

/** Whether the summed rate of the claims is at most `limit`, kg/day, throughout [startS, endS). */
export function staysWithin(ctx: usize, startS: u32, endS: u32, limit: u32): bool {
  return profile().rate <= <u64>limit || peakRate(ctx, startS, endS, limit) <= limit;
}

/** Sorts the claims that were added since the last time. */
function sortProfile(ctx: usize): void {
  const state = profile();
  for (; state.sorted < state.count; state.sorted++) {
    const end = state.sorted << 1;
    const begun: u32 = load<u16>(startsAt(ctx) + end);
    let at: usize = startsAt(ctx) + end;
    while (at > startsAt(ctx) && intentSeen(ctx, load<u16>(at - 2)).startS > intentSeen(ctx, begun).startS) {
      store<u16>(at, load<u16>(at - 2));
      at -= 2;
    }
    store<u16>(at, <u16>begun);
    const ended: u32 = load<u16>(boundsAt(ctx) + end);
    at = boundsAt(ctx) + end;
    while (at > boundsAt(ctx) && intentSeen(ctx, load<u16>(at - 2)).boundS > intentSeen(ctx, ended).boundS) {
      store<u16>(at, load<u16>(at - 2));
      at -= 2;
    }
    store<u16>(at, <u16>ended);
  }
}

/**
 * Highest summed rate of the claims in [startS, endS), kg/day; the first one above `limit` is
 * returned at once.
 */
export function peakRate(ctx: usize, startS: u32, endS: u32, limit: u32): u32 {
  sortProfile(ctx);
  const bytes = profile().count << 1;
  let begun: usize = startsAt(ctx);
  const begunEnd = begun + bytes;
  let ended: usize = boundsAt(ctx);
  const endedEnd = ended + bytes;
  let rate: u32 = 0;
  let most: u32 = 0;
  let timeS = startS;
  // At one second, ends are subtracted and starts are added. Each end belongs to an earlier start,
  // so it cannot underflow.
  for (;;) {
    while (begun < begunEnd && intentSeen(ctx, load<u16>(begun)).startS <= timeS) {
      rate += intentSeen(ctx, load<u16>(begun)).rate;
      begun += 2;
    }
    while (ended < endedEnd && intentSeen(ctx, load<u16>(ended)).boundS <= timeS) {
      rate -= intentSeen(ctx, load<u16>(ended)).rate;
      ended += 2;
    }
    if (rate > most) most = rate;
    if (most > limit || begun == begunEnd) break;
    timeS = intentSeen(ctx, load<u16>(begun)).startS;
    if (timeS >= endS) break;
  }
  return most;
}

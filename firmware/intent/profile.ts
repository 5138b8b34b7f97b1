// Sums the use of a group's shared capacity over time (INT-2). Claims are kept in the order of
// their starts and in that of their ends, so that one pass over both finds the highest summed rate
// in an interval.

import { intentSeen, startsAt, boundsAt } from './table';

/**
 * Adds a claim to the `count` claims of the profile. Its record was read in this call, its bound is
 * up to date.
 */
export function addToProfile(ctx: usize, count: u32, index: u32): void {
  const record = intentSeen(ctx, index);
  let at: usize = startsAt(ctx) + (count << 1);
  const starts = startsAt(ctx);
  while (at > starts && intentSeen(ctx, load<u16>(at - 2)).startS > record.startS) {
    store<u16>(at, load<u16>(at - 2));
    at -= 2;
  }
  store<u16>(at, <u16>index);
  const bounds = boundsAt(ctx);
  at = bounds + (count << 1);
  while (at > bounds && intentSeen(ctx, load<u16>(at - 2)).boundS > record.boundS) {
    store<u16>(at, load<u16>(at - 2));
    at -= 2;
  }
  store<u16>(at, <u16>index);
}

/**
 * Highest summed rate of the `count` claims in [startS, endS), kg/day; the first one above `limit`
 * is returned at once.
 */
export function peakRate(ctx: usize, count: u32, startS: u32, endS: u32, limit: u32): u32 {
  let begun: usize = startsAt(ctx);
  const begunEnd = begun + (count << 1);
  let ended: usize = boundsAt(ctx);
  const endedEnd = ended + (count << 1);
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

// Bounds how long work of this node may run.

import { LEASE_GUARD_S } from '../memory/limits';
import { clockErrorMs, clockTrusted } from '../node/clock';
import { timeKnown, missionS } from '../node/table';
import { membership } from '../membership/table';
import { own } from './table';

/** Until when this slot's lease lets it run, mission seconds: the ordinary lease, or one extended in advance less guard and clock error. */
export function leaseEndS(ctx: usize, slot: u32): u32 {
  const ordinary = membership(ctx).leaseUntilS;
  const extended = own(ctx, slot).settledLeaseS;
  const guardS = LEASE_GUARD_S + clockErrorMs(ctx) / 1000;
  return extended > guardS && extended - guardS > ordinary ? extended - guardS : ordinary;
}

/** Until when this slot may run, mission seconds. It ends a guard early, for the next holder may begin at the very second. */
export function runUntilS(ctx: usize, slot: u32): u32 {
  const lease = leaseEndS(ctx, slot);
  const end = own(ctx, slot).settledEndS - LEASE_GUARD_S - doubtS(ctx);
  return lease < end ? lease : end;
}

/** The guard covers a trusted clock. Who was cut off for days begins later and ends sooner by what its clock may be off, seconds. */
function doubtS(ctx: usize): u32 {
  return clockTrusted(ctx) ? 0 : clockErrorMs(ctx) / 1000;
}

/** INT-5: whether the slot's work may be under way now. */
export function mayRun(ctx: usize, slot: u32): bool {
  const mine = own(ctx, slot);
  if (mine.settledVersion == 0 || !timeKnown(ctx)) return false;
  const now = missionS(ctx);
  return now >= mine.settledStartS + doubtS(ctx) && now < runUntilS(ctx, slot);
}

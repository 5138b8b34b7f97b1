// Bounds the time in which work of this node may run: its settled claim and its lease (INT-5).

import { LEASE_GUARD_S, OWN_SLOTS } from '../../wire/generated/codes';
import { clockErrorMs, clockTrusted } from '../../node/clock';
import { timeKnown, missionS } from '../../node/table';
import { membership } from '../../membership/table';
import { oursNowUntilS } from '../rota';
import { own } from '../table';

/**
 * End of the lease of an own intent slot, mission seconds: the ordinary lease, or one extended in
 * advance minus guard and clock error.
 */
export function leaseEndS(ctx: usize, slot: u32): u32 {
  const ordinary = membership(ctx).leaseUntilS;
  const extended = own(ctx, slot).settledLeaseS;
  const guardS = LEASE_GUARD_S + clockErrorMs(ctx) / 1000;
  return extended > guardS && extended - guardS > ordinary ? extended - guardS : ordinary;
}

/**
 * Until when the work of an own intent slot may run, mission seconds. It ends a guard early,
 * because the next owner may begin at the very second of the end; and with the term of its cluster,
 * if others use the unit, too.
 */
export function runUntilS(ctx: usize, slot: u32): u32 {
  const lease = min<u32>(leaseEndS(ctx, slot), oursNowUntilS(ctx, own(ctx, slot).settledResource));
  const end = own(ctx, slot).settledEndS - LEASE_GUARD_S - clockMarginS(ctx);
  return lease < end ? lease : end;
}

/**
 * Margin for the clock, seconds. The guard covers a trusted clock. After days out of contact work
 * begins later and ends earlier by the error of the clock.
 */
function clockMarginS(ctx: usize): u32 {
  return clockTrusted(ctx) ? 0 : clockErrorMs(ctx) / 1000;
}

/** Whether the work of an own intent slot may run now (INT-5). */
export function mayRun(ctx: usize, slot: u32): bool {
  const mine = own(ctx, slot);
  if (mine.settledVersion == 0 || !timeKnown(ctx)) return false;
  const now = missionS(ctx);
  return now >= mine.settledStartS + clockMarginS(ctx) && now < runUntilS(ctx, slot);
}

/** Whether the work of any own intent slot may run now. */
export function mayRunAny(ctx: usize): bool {
  for (let slot: u32 = 0; slot < OWN_SLOTS; slot++) if (mayRun(ctx, slot)) return true;
  return false;
}

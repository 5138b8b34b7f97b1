// Bounds leases: what agreement grants this node, and how long others wait for a silent owner
// (INT-5).

import { LIVENESS_TICK_S, LEASE_S, LEASE_GUARD_S } from '../wire/generated/codes';
import { TICKS_UNTIL_SILENT } from '../memory/limits';
import { clockErrorMs } from '../node/clock';
import { roundStartS, livenessTickStartS } from './calendar';
import { membership, member } from './table';

/** The oldest liveness tick that counts as alive at a cut ends this long before it, seconds. */
const HEARD_BEFORE_CUT_S: u32 = (TICKS_UNTIL_SILENT - 2) * LIVENESS_TICK_S;

/** End of the ordinary lease that agreement in the present round grants, mission seconds. */
export function grantedLeaseEndS(ctx: usize): u32 {
  // All who agree heard this node within TICKS_UNTIL_SILENT ticks before the cut, so nobody evicts
  // its claims before this time (proof in README.md).
  const startS = roundStartS(membership(ctx).round);
  const heardS = startS > HEARD_BEFORE_CUT_S ? startS - HEARD_BEFORE_CUT_S : 0;
  return heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000;
}

/**
 * Until when others wait for a silent owner, mission seconds: the end of its lease plus the guard
 * (INT-5). `leaseS`: end of a lease extended in advance.
 */
export function leaseHoldEndS(ctx: usize, index: u32, leaseS: u32): u32 {
  const ordinary = livenessTickStartS(member(ctx, index).lastLivenessTick + 1) + LEASE_S;
  return (leaseS > ordinary ? leaseS : ordinary) + LEASE_GUARD_S;
}

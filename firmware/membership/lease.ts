// Bounds leases: what agreement grants this node, and how long others wait for a silent owner (INT-5).

import { LIVENESS_TICK_S, LEASE_S, LEASE_GUARD_S } from '../memory/limits';
import { clockErrorMs } from '../node/clock';
import { roundCutS, livenessTickStartS } from './calendar';
import { membership, member } from './table';

/** End of the ordinary lease that agreement in the present epoch grants, mission seconds. */
export function grantedUntilS(ctx: usize): u32 {
  // All who agree heard us no earlier than two beats before the cut, so nobody lets go of our claims before this (README, proof).
  const cutS = roundCutS(membership(ctx).epoch);
  const heardS = cutS > LIVENESS_TICK_S ? cutS - LIVENESS_TICK_S : 0;
  return heardS + LEASE_S - LEASE_GUARD_S - clockErrorMs(ctx) / 1000;
}

/** End of a gone owner's hold on what it claimed, mission seconds, guard included (INT-5). `leaseS`: extended in advance until then. */
export function silentHoldsUntilS(ctx: usize, index: u32, leaseS: u32): u32 {
  const ordinary = livenessTickStartS(member(ctx, index).lastLivenessTick + 1) + LEASE_S;
  return (leaseS > ordinary ? leaseS : ordinary) + LEASE_GUARD_S;
}

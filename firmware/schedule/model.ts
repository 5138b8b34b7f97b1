// Computes energy and mass from the beginning of one timeline entry to the next.

import { capability } from '../node/table';
import {
  CLAIM_SLOTS,
  CODE_MASK,
  CODE_REPLICATE,
  ROLE_HAUL,
  ROLE_MINE,
  ENTRY_S,
  batteryUnitsMax,
  powerUnits,
  radioWindow,
  schedule,
  work,
} from './table';

/** Returns the energy that contacts outside the cluster draw in `entry`. */
export function radioEnergy(ctx: usize, entry: u32): i32 {
  const count = schedule(ctx).windowCount;
  let energy: i32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const contact = radioWindow(ctx, i);
    if (entry >= contact.startS / ENTRY_S && entry * ENTRY_S < contact.endS) energy += contact.energy;
  }
  return energy;
}

/** Returns the energy that the activity itself draws per entry. */
export function activityEnergy(ctx: usize, code: u32): i32 {
  return code == 0 || code > CODE_REPLICATE ? 0 : work(ctx, code - 1).energy;
}

export function isMine(ctx: usize, code: u32): bool {
  return code != 0 && code <= CLAIM_SLOTS && work(ctx, code - 1).role == <u8>ROLE_MINE;
}

/** Returns the mass that the activity mines per entry. */
export function minedMass(ctx: usize, code: u32): i32 {
  return isMine(ctx, code) ? work(ctx, code - 1).mass : 0;
}

/** Returns the mass that hauls take away at the beginning of `entry`, where they end. */
export function hauledMass(ctx: usize, entry: u32): i32 {
  let mass: i32 = 0;
  for (let i: u32 = 0; i < CLAIM_SLOTS; i++) {
    const w = work(ctx, i);
    if (w.role == <u8>ROLE_HAUL && w.toEntry == entry) mass += w.mass;
  }
  return mass;
}

/** Returns energy in less energy out over `entry`, if it had this byte of the timeline. */
export function netEnergy(ctx: usize, entry: u32, byte: u32): i32 {
  return (
    powerUnits(schedule(ctx).solarW) -
    powerUnits(capability(ctx).baseW) -
    radioEnergy(ctx, entry) -
    activityEnergy(ctx, byte & CODE_MASK)
  );
}

/**
 * Returns the energy at the end of an entry. What the battery cannot store is lost, and the level
 * does not fall below empty.
 */
export function levelAfter(ctx: usize, level: i32, net: i32): i32 {
  return max<i32>(0, min<i32>(batteryUnitsMax(ctx), level + net));
}

/** Returns the mass in storage at the end of `entry`. */
export function massAfter(ctx: usize, mass: i32, entry: u32, byte: u32): i32 {
  return max<i32>(0, mass - hauledMass(ctx, entry)) + minedMass(ctx, byte & CODE_MASK);
}

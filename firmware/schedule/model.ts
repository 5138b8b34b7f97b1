// The physics that a plan is held to: energy and mass from one slot's beginning to the next.

import { capability } from '../node/table';
import {
  CLAIM_SLOTS,
  CODE_MASK,
  CODE_REPLICATE,
  ROLE_HAUL,
  ROLE_MINE,
  batteryUnitsMax,
  powerUnits,
  radioWindow,
  schedule,
  work,
} from './table';

/** Energy that contacts outside the cluster draw in `slot`. */
export function radioEnergy(ctx: usize, slot: u32): i32 {
  const count = schedule(ctx).windowCount;
  let energy: i32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const contact = radioWindow(ctx, i);
    if (slot >= contact.fromSlot && slot < contact.toSlot) energy += contact.energy;
  }
  return energy;
}

/** Energy that the activity itself draws per slot. */
export function activityEnergy(ctx: usize, code: u32): i32 {
  return code == 0 || code > CODE_REPLICATE ? 0 : work(ctx, code - 1).energy;
}

export function isMine(ctx: usize, code: u32): bool {
  return code != 0 && code <= CLAIM_SLOTS && work(ctx, code - 1).role == <u8>ROLE_MINE;
}

/** Mass won per slot. */
export function minedMass(ctx: usize, code: u32): i32 {
  return isMine(ctx, code) ? work(ctx, code - 1).mass : 0;
}

/** Mass that hauls ending with `slot`'s beginning have taken away. */
export function hauledMass(ctx: usize, slot: u32): i32 {
  let mass: i32 = 0;
  for (let i: u32 = 0; i < CLAIM_SLOTS; i++) {
    const w = work(ctx, i);
    if (w.role == <u8>ROLE_HAUL && w.toSlot == slot) mass += w.mass;
  }
  return mass;
}

/** Energy in less energy out over `slot` with this entry. */
export function netEnergy(ctx: usize, slot: u32, entry: u32): i32 {
  return (
    powerUnits(schedule(ctx).solarW) -
    powerUnits(capability(ctx).baseW) -
    radioEnergy(ctx, slot) -
    activityEnergy(ctx, entry & CODE_MASK)
  );
}

/** Energy at the end of a slot: what the battery cannot take is lost, and it does not go below empty. */
export function levelAfter(ctx: usize, level: i32, net: i32): i32 {
  return max<i32>(0, min<i32>(batteryUnitsMax(ctx), level + net));
}

/** Mass at the end of `slot`. */
export function massAfter(ctx: usize, mass: i32, slot: u32, entry: u32): i32 {
  return max<i32>(0, mass - hauledMass(ctx, slot)) + minedMass(ctx, entry & CODE_MASK);
}

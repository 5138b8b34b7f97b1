// Takes what comes from outside: telemetry, contact windows, maintenance.

import { COUNTER_RECORD_REJECTED, WINDOWS_MAX } from '../memory/limits';
import { countLoss } from '../node/queues';
import { capability, missionS, timeKnown } from '../node/table';
import { own } from '../intent/table';
import { jobAdd } from './maintain';
import { activityEnergy, radioEnergy, minedMass } from './model';
import { planDrifted } from './plan';
import { scheduleEnforce } from './orders';
import {
  AMOUNT_MAX,
  CODE_REPLICATE,
  DIRTY_STOCK,
  DIRTY_WINDOW,
  HELD_BATTERY,
  HELD_STORAGE,
  SLOTS_PER_DAY,
  SLOT_S,
  batteryUnitsMax,
  powerUnits,
  radioWindow,
  radioWindowToChange,
  reserveUnits,
  schedule,
  scheduleToChange,
  setFinishedVersion,
  storageUnitsMax,
} from './table';

/** Last known stored mass. */
export function scheduleStoredKg(ctx: usize): u32 {
  return scheduleToChange(ctx).storedKg;
}

/** Telemetry. It is taken back to the beginning of the present slot along what runs now, so that a plan may begin there. */
export function scheduleHealth(ctx: usize, batteryWh: u32, storedKg: u32, solarW: u32): void {
  const state = scheduleToChange(ctx);
  const before = state.solarW;
  state.storedKg = storedKg;
  state.solarW = solarW;
  const battery = <i32>(min<u32>(batteryWh, AMOUNT_MAX) * SLOTS_PER_DAY);
  const stored = <i32>(min<u32>(storedKg, AMOUNT_MAX) * SLOTS_PER_DAY);
  const heldBefore = state.held;
  hold(ctx, battery, stored);
  let net = powerUnits(solarW) - powerUnits(capability(ctx).baseW);
  let mined: i32 = 0;
  for (let code: u32 = 1; code <= CODE_REPLICATE; code++) {
    if (own(ctx, code - 1).running == 0) continue;
    net -= activityEnergy(ctx, code);
    mined += minedMass(ctx, code);
  }
  let elapsedS: i32 = 0;
  if (timeKnown(ctx) && state.known != 0) {
    net -= radioEnergy(ctx, state.baseSlot);
    elapsedS = min<i32>(<i32>SLOT_S, max<i32>(0, <i32>(missionS(ctx) - state.baseSlot * SLOT_S)));
  }
  state.batteryLevel = max<i32>(0, min<i32>(batteryUnitsMax(ctx), battery - (net / <i32>SLOT_S) * elapsedS));
  state.storedMass = max<i32>(0, stored - (mined / <i32>SLOT_S) * elapsedS);
  const change = solarW > before ? solarW - before : before - solarW;
  if (planDrifted(ctx) || change > before / 8) state.dirty |= DIRTY_STOCK;
  if (state.held != heldBefore) scheduleEnforce(ctx);
}

/** Below the reserve nothing that draws energy may run, and nothing mines into full storage, whatever the plan had foreseen. */
function hold(ctx: usize, battery: i32, stored: i32): void {
  const state = schedule(ctx);
  const reserve = reserveUnits(ctx);
  if (battery <= reserve) state.held |= HELD_BATTERY;
  else if (battery >= reserve + batteryUnitsMax(ctx) / 32) state.held &= ~HELD_BATTERY;
  if (stored >= storageUnitsMax(ctx)) state.held |= HELD_STORAGE;
  else state.held &= ~HELD_STORAGE;
}

/** A contact outside the cluster in mission seconds [startS, endS) that draws energyWh in all. A full table counts and refuses. */
export function scheduleWindow(ctx: usize, startS: u32, endS: u32, energyWh: u32): void {
  const state = scheduleToChange(ctx);
  dropPast(ctx);
  const fromSlot = startS / SLOT_S;
  const toSlot = endS / SLOT_S + (endS % SLOT_S == 0 ? 0 : 1);
  if (endS <= startS || state.windowCount >= WINDOWS_MAX) {
    countLoss(ctx, COUNTER_RECORD_REJECTED);
    return;
  }
  const units = min<u32>(energyWh, AMOUNT_MAX) * SLOTS_PER_DAY;
  const energy = <i32>((units + (toSlot - fromSlot) - 1) / (toSlot - fromSlot));
  for (let i: u32 = 0; i < state.windowCount; i++) {
    const known = radioWindow(ctx, i);
    if (known.fromSlot == fromSlot && known.toSlot == toSlot && known.energy == energy) return;
  }
  const contact = radioWindowToChange(ctx, state.windowCount);
  contact.fromSlot = fromSlot;
  contact.toSlot = toSlot;
  contact.energy = energy;
  state.windowCount++;
  state.dirty |= DIRTY_WINDOW;
}

/** Windows gone by leave the table; the rest keep their order. */
function dropPast(ctx: usize): void {
  const state = schedule(ctx);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < state.windowCount; i++) {
    const contact = radioWindow(ctx, i);
    if (contact.toSlot <= state.baseSlot) continue;
    const place = radioWindowToChange(ctx, kept);
    place.fromSlot = contact.fromSlot;
    place.toSlot = contact.toSlot;
    place.energy = contact.energy;
    kept++;
  }
  state.windowCount = kept;
}

/** Maintenance from outside: durationS to be done without a break in [startS, endS). It always runs in MAINTAIN_SLOT. */
export function scheduleMaintenance(ctx: usize, startS: u32, endS: u32, durationS: u32, priority: u32): void {
  scheduleToChange(ctx);
  if (!jobAdd(ctx, startS, endS, durationS, priority)) countLoss(ctx, COUNTER_RECORD_REJECTED);
}

/** A haul has ended: its mass is gone from storage, and its claim is not run again. */
export function haulDone(ctx: usize, slot: u32, movedKg: u32): void {
  const state = schedule(ctx);
  setFinishedVersion(ctx, slot, own(ctx, slot).settledVersion);
  state.storedKg = state.storedKg > movedKg ? state.storedKg - movedKg : 0;
  state.dirty |= (1 << slot) | DIRTY_STOCK;
}

// Accepts what the platform reports: telemetry, contact windows, maintenance.

import { WINDOWS_MAX } from '../memory/limits';
import { COUNTER_RECORD_REJECTED } from '../wire/generated/codes';
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
  HALT_BATTERY,
  HALT_STORAGE,
  ENTRIES_PER_DAY,
  ENTRY_S,
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

/** Returns the stored mass last reported, kg. */
export function scheduleStoredKg(ctx: usize): u32 {
  return scheduleToChange(ctx).storedKg;
}

/**
 * Accepts telemetry. The levels are extrapolated back to the beginning of the present entry along
 * what runs now, so that a plan may begin there.
 */
export function scheduleHealth(ctx: usize, batteryWh: u32, storedKg: u32, solarW: u32): void {
  const state = scheduleToChange(ctx);
  const before = state.solarW;
  state.storedKg = storedKg;
  state.solarW = solarW;
  const battery = <i32>(min<u32>(batteryWh, AMOUNT_MAX) * ENTRIES_PER_DAY);
  const stored = <i32>(min<u32>(storedKg, AMOUNT_MAX) * ENTRIES_PER_DAY);
  const haltedBefore = state.halted;
  updateHalts(ctx, battery, stored);
  let net = powerUnits(solarW) - powerUnits(capability(ctx).baseW);
  let mined: i32 = 0;
  for (let code: u32 = 1; code <= CODE_REPLICATE; code++) {
    if (own(ctx, code - 1).running == 0) continue;
    net -= activityEnergy(ctx, code);
    mined += minedMass(ctx, code);
  }
  let elapsedS: i32 = 0;
  if (timeKnown(ctx) && state.known != 0) {
    net -= radioEnergy(ctx, state.baseEntry);
    elapsedS = min<i32>(<i32>ENTRY_S, max<i32>(0, <i32>(missionS(ctx) - state.baseEntry * ENTRY_S)));
  }
  state.batteryLevel = max<i32>(0, min<i32>(batteryUnitsMax(ctx), battery - (net / <i32>ENTRY_S) * elapsedS));
  state.storedMass = max<i32>(0, stored - (mined / <i32>ENTRY_S) * elapsedS);
  const change = solarW > before ? solarW - before : before - solarW;
  if (planDrifted(ctx) || change > before / 8) state.dirty |= DIRTY_STOCK;
  if (state.halted != haltedBefore) scheduleEnforce(ctx);
}

/**
 * Halts everything that draws energy while the battery is at its reserve, and mining while storage
 * is full, whatever the plan foresaw.
 */
function updateHalts(ctx: usize, battery: i32, stored: i32): void {
  const state = schedule(ctx);
  const reserve = reserveUnits(ctx);
  if (battery <= reserve) state.halted |= HALT_BATTERY;
  else if (battery >= reserve + batteryUnitsMax(ctx) / 32) state.halted &= ~HALT_BATTERY;
  if (stored >= storageUnitsMax(ctx)) state.halted |= HALT_STORAGE;
  else state.halted &= ~HALT_STORAGE;
}

/**
 * Accepts a contact outside the cluster in mission seconds [startS, endS) that draws `energyWh` in
 * all. With a full table the record is refused and counted.
 */
export function scheduleWindow(ctx: usize, startS: u32, endS: u32, energyWh: u32): void {
  const state = scheduleToChange(ctx);
  forgetPastWindows(ctx);
  const fromEntry = startS / ENTRY_S;
  const toEntry = endS / ENTRY_S + (endS % ENTRY_S == 0 ? 0 : 1);
  if (endS <= startS || state.windowCount >= WINDOWS_MAX) {
    countLoss(ctx, COUNTER_RECORD_REJECTED);
    return;
  }
  const units = min<u32>(energyWh, AMOUNT_MAX) * ENTRIES_PER_DAY;
  const energy = <i32>((units + (toEntry - fromEntry) - 1) / (toEntry - fromEntry));
  for (let i: u32 = 0; i < state.windowCount; i++) {
    const known = radioWindow(ctx, i);
    if (known.startS == startS && known.endS == endS && known.energy == energy) return;
  }
  const contact = radioWindowToChange(ctx, state.windowCount);
  contact.startS = startS;
  contact.endS = endS;
  contact.energy = energy;
  state.windowCount++;
  state.dirty |= DIRTY_WINDOW;
}

/** Removes past windows; the rest keep their order. */
function forgetPastWindows(ctx: usize): void {
  const state = schedule(ctx);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < state.windowCount; i++) {
    const contact = radioWindow(ctx, i);
    if ((contact.endS + ENTRY_S - 1) / ENTRY_S <= state.baseEntry) continue;
    const place = radioWindowToChange(ctx, kept);
    place.startS = contact.startS;
    place.endS = contact.endS;
    place.energy = contact.energy;
    kept++;
  }
  state.windowCount = kept;
}

/**
 * Accepts maintenance of `durationS` without a break in [startS, endS). It always runs in
 * MAINTAIN_SLOT.
 */
export function scheduleMaintenance(ctx: usize, startS: u32, endS: u32, durationS: u32, priority: u32): void {
  scheduleToChange(ctx);
  if (!jobAdd(ctx, startS, endS, durationS, priority)) countLoss(ctx, COUNTER_RECORD_REJECTED);
}

/** Ends a haul: its mass is no longer in storage, and its claim is not run again. */
export function haulDone(ctx: usize, intentSlot: u32, movedKg: u32): void {
  const state = schedule(ctx);
  setFinishedVersion(ctx, intentSlot, own(ctx, intentSlot).settledVersion);
  state.storedKg = state.storedKg > movedKg ? state.storedKg - movedKg : 0;
  state.dirty |= (1 << intentSlot) | DIRTY_STOCK;
}

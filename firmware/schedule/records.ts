// Lays out the schedule's records: its state, candidates, orders to the platform, radio windows,
// maintenance jobs.

@unmanaged
export class ScheduleState {
  /** 1 = the timeline is at a mission time. */
  known: u32 = 0;
  /** Number of the present entry: mission seconds / ENTRY_S. */
  baseEntry: u32 = 0;
  /** DIRTY_* that wait for the next plan. */
  dirty: u32 = 0;
  /** The draft: PHASE_*, position in the timeline, and number of the pass. */
  phase: u32 = 0;
  cursor: u32 = 0;
  draftBase: u32 = 0;
  pass: u32 = 0;
  backward: u32 = 0;
  /** 1 = maintenance was placed in this plan, and what it displaced is filled in anew. */
  refill: u32 = 0;
  /** Energy and mass at `cursor` of a forward pass. */
  level: i32 = 0;
  mass: i32 = 0;
  /** Shedding: codes met so far (bit = code), and code and end of the stretch to clear. */
  met: u32 = 0;
  shedCode: u32 = 0;
  shedUntil: u32 = 0;
  shedOnce: u32 = 0;
  /** Intent slots by falling value density, 4 bits each, then REPLICATE_SLOT; their count. */
  order: u32 = 0;
  orderCount: u32 = 0;
  /**
   * Maintenance that is being placed: its job, jobs tried in this plan (mask), cost of the stretch
   * at the cursor, best stretch so far.
   */
  seeking: u32 = 0;
  sought: u32 = 0;
  job: u32 = 0;
  windowCost: u32 = 0;
  windowFixed: u32 = 0;
  bestCost: u32 = 0;
  bestEntry: u32 = 0;
  /**
   * Known or extrapolated levels at the beginning of the present entry, and what the plan foresaw
   * for it.
   */
  batteryLevel: i32 = 0;
  storedMass: i32 = 0;
  foreseenLevel: i32 = 0;
  foreseenMass: i32 = 0;
  solarW: u32 = 0;
  storedKg: u32 = 0;
  halted: u32 = 0;
  /** Entries that passed since the last plan. */
  rolled: u32 = 0;
  windowCount: u32 = 0;
  /**
   * Plans completed; entries processed in the last step and for the last plan, to prove the bound.
   */
  plans: u32 = 0;
  operationsStep: u32 = 0;
  operationsPlan: u32 = 0;
  /** 1 = even with everything taken out the battery will fall below the reserve. */
  shortfall: u32 = 0;
}

/** What an own intent is worth to the plan. 32 bytes. */
@unmanaged
export class Work {
  role: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
  /** Entries [fromEntry, toEntry) in which it may run; a haul loads in fromEntry. */
  fromEntry: u32 = 0;
  toEntry: u32 = 0;
  /** Mining: kg/day = mass units per entry. Hauling: mass units taken away at toEntry. */
  mass: i32 = 0;
  /** Energy units per entry. */
  energy: i32 = 0;
  /** Value of one entry, and per unit of energy. */
  value: u32 = 0;
  density: u32 = 0;
  /** Entries of this work before this one make room for better work that came. */
  clearUntil: u32 = 0;
}

/** The last order to the platform about an intent slot. 16 bytes. */
@unmanaged
export class WorkOrder {
  untilS: u32 = 0;
  rate: u32 = 0;
  resource: u32 = 0;
  /** Work that was blocked or failed is not tried again before this mission second. */
  retryS: u32 = 0;
}

@unmanaged
export class RadioWindow {
  /** Mission seconds. */
  startS: u32 = 0;
  endS: u32 = 0;
  /** Energy units in each entry. */
  energy: i32 = 0;
  pad0: u32 = 0;
}

@unmanaged
export class Job {
  state: u8 = 0;
  priority: u8 = 0;
  pad0: u16 = 0;
  startS: u32 = 0;
  endS: u32 = 0;
  durationS: u32 = 0;
  placedEntry: u32 = 0;
  startedS: u32 = 0;
  pad1: u64 = 0;
}

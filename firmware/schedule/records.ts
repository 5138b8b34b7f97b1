// Layouts of the schedule: its state, works, what the platform was told, radio windows, maintenance jobs.

@unmanaged
export class ScheduleState {
  /** 1 = the timeline stands at a mission time. */
  known: u32 = 0;
  /** Number of the present slot: mission seconds / SLOT_S. */
  baseSlot: u32 = 0;
  /** DIRTY_* waiting for the next plan. */
  dirty: u32 = 0;
  /** The plan in the making: PHASE_*, position in the timeline, and which pass. */
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
  /** Shedding: codes met so far (bit = code), and the code and end of the stretch to clear. */
  met: u32 = 0;
  shedCode: u32 = 0;
  shedUntil: u32 = 0;
  shedOnce: u32 = 0;
  /** Own slots by falling value density, 4 bits each, then the replication slot; how many. */
  order: u32 = 0;
  orderCount: u32 = 0;
  /** Maintenance being placed: which, which were tried in this plan (mask), cost of the stretch at the cursor, best so far. */
  seeking: u32 = 0;
  sought: u32 = 0;
  job: u32 = 0;
  windowCost: u32 = 0;
  windowFixed: u32 = 0;
  bestCost: u32 = 0;
  bestSlot: u32 = 0;
  /** Known or dead-reckoned stock at the beginning of the present slot, and what the plan had foreseen for it. */
  batteryLevel: i32 = 0;
  storedMass: i32 = 0;
  foreseenLevel: i32 = 0;
  foreseenMass: i32 = 0;
  solarW: u32 = 0;
  storedKg: u32 = 0;
  held: u32 = 0;
  /** Slots rolled on since the last plan. */
  rolled: u32 = 0;
  windowCount: u32 = 0;
  /** Plans finished; slot operations of the last step and of the last plan, for the bound's proof. */
  plans: u32 = 0;
  operationsStep: u32 = 0;
  operationsPlan: u32 = 0;
  /** 1 = even with everything shed the battery will go below the reserve. */
  shortfall: u32 = 0;
}

/** What an own slot is worth to the plan. 32 bytes. */
@unmanaged
export class Work {
  role: u8 = 0;
  pad0: u8 = 0;
  pad1: u16 = 0;
  /** Timeline slots [fromSlot, toSlot) in which it may run; of a haul fromSlot is the loading slot. */
  fromSlot: u32 = 0;
  toSlot: u32 = 0;
  /** Mining: kg/day = mass units per slot. Hauling: mass units taken away at toSlot. */
  mass: i32 = 0;
  /** Energy units per slot. */
  energy: i32 = 0;
  /** Value of one slot, and per unit of energy. */
  value: u32 = 0;
  density: u32 = 0;
  /** Entries of this slot before here make room for better work that came. */
  clearUntil: u32 = 0;
}

/** What the platform was told last about an own slot. 16 bytes. */
@unmanaged
export class Told {
  untilS: u32 = 0;
  rate: u32 = 0;
  resource: u32 = 0;
  /** Blocked or failed: not tried again before this mission second. */
  retryS: u32 = 0;
}

@unmanaged
export class RadioWindow {
  fromSlot: u32 = 0;
  toSlot: u32 = 0;
  /** Energy units in each slot. */
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
  placedSlot: u32 = 0;
  startedS: u32 = 0;
  pad1: u64 = 0;
}

// Lays out the watchdog's state and what it knows of the platform's tasks.

/** All times are local seconds: the watchdog works without mission time. */
@unmanaged
export class WatchdogState {
  /** Highest rung used since the last stable hour; 1 while its outcome is awaited. */
  level: u32 = 0;
  pending: u32 = 0;
  cause: u32 = 0;
  task: u32 = 0;
  /** When the pending recovery was ordered. */
  sinceS: u32 = 0;
  /** Since when there has been no trouble. */
  stableS: u32 = 0;
  lastFeedS: u32 = 0;
  /** When the next feed is due. */
  feedDueS: u32 = 0;
  sequence: u32 = 0;
  /** Modules that checked in since the last feed (mask). */
  modules: u32 = 0;
  /** Resets in a row: the platform's count, and resets ordered since that did not happen. */
  resets: u32 = 0;
  image: u32 = 0;
  /** 1 = safe mode, kept over every restart but a power-on. */
  safe: u32 = 0;
  beaconS: u32 = 0;
}

/** A task of the platform. */
@unmanaged
export class Task {
  heardS: u32 = 0;
  /** Telemetry records in a row without it. */
  missed: u8 = 0;
  restarts: u8 = 0;
  pad0: u16 = 0;
}

// Layouts of what the watchdog remembers.

/** All times are local seconds: the watchdog works without mission time. */
@unmanaged
export class WatchdogState {
  /** Highest rung used since the last stable hour, and 1 while its outcome is awaited. */
  level: u32 = 0;
  pending: u32 = 0;
  cause: u32 = 0;
  task: u32 = 0;
  /** When the pending recovery was ordered. */
  sinceS: u32 = 0;
  /** Since when there is no trouble. */
  stableS: u32 = 0;
  lastFeedS: u32 = 0;
  /** When the next feed is wanted. */
  feedDueS: u32 = 0;
  sequence: u32 = 0;
  /** Rooms that checked in since the last feed (mask). */
  rooms: u32 = 0;
  /** Resets in a row: the platform's count, and those ordered since that did not come about. */
  resets: u32 = 0;
  image: u32 = 0;
  /** 1 = safe mode, kept over every restart but a power-on. */
  safe: u32 = 0;
  beaconS: u32 = 0;
}

/** A platform task. */
@unmanaged
export class Task {
  heardS: u32 = 0;
  /** Telemetry records in a row without it. */
  missed: u8 = 0;
  restarts: u8 = 0;
  pad0: u16 = 0;
}

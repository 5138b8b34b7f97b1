// Who checked in since the last feed, and how far the ladder was climbed: layout and accessors. All times are local seconds.

import { WATCHDOG_AT } from "../memory/map";

export const ROOM_MEMBERSHIP: u32 = 0;
export const ROOM_INTENT: u32 = 1;
export const ROOM_SCHEDULE: u32 = 2;
export const ROOM_CONVERGENCE: u32 = 3;
export const ROOM_EDGE: u32 = 4;
export const ROOMS: u32 = 5;
export const ALL_ROOMS: u32 = (1 << ROOMS) - 1;

export const TASKS: u32 = 8;
export const NO_TASK: u32 = 0xff;

export const LEVEL_TASK: u32 = 1;
export const LEVEL_RUNTIME: u32 = 2;
export const LEVEL_PROCESSOR: u32 = 3;
export const LEVEL_ALTERNATE: u32 = 4;
export const LEVEL_SAFE: u32 = 5;

@unmanaged
export class WatchdogState {
  fedS: u32 = 0;
  sequence: u32 = 0;
  /** Bits of firmware rooms that checked in since the last feed. */
  rooms: u32 = 0;
  /** Ladder: level last ordered (0 = none), when, for which task, and how often this level was tried. */
  level: u32 = 0;
  orderedS: u32 = 0;
  task: u32 = 0;
  tries: u32 = 0;
  /** Resets in a row, this boot's configuration included; and whether the alternate image runs already. */
  resets: u32 = 0;
  image: u32 = 0;
  bootS: u32 = 0;
  /** In safe mode: when the last beacon left, and why. */
  beaconS: u32 = 0;
  cause: u32 = 0;
}

export function watchdog(ctx: usize): WatchdogState {
  return changetype<WatchdogState>(ctx + WATCHDOG_AT);
}

/** Local second at which a platform task last checked in. */
export function taskSeenAt(ctx: usize, task: u32): usize {
  return ctx + WATCHDOG_AT + 64 + (task << 2);
}

if (offsetof<WatchdogState>() > 64) ERROR("the times of the tasks begin at 64");

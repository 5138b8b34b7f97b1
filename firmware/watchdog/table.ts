// What the watchdog room remembers: layout and accessors. See README.md for the ladder.

import { COMMANDS_MAX, EVENTS_MAX, INTENTS_MAX, MEMBERS_MAX, OUTBOX_MAX } from '../memory/limits';
import { WATCHDOG_AT, CONVERGENCE_AT, LINES_AT } from '../memory/map';
import { readsAndChanges } from '../memory/guard';
import { CONTEXT_MAGIC, edge, queues } from '../node/table';
import { intents } from '../intent/table';
import { scheduleSane } from '../schedule/table';

export const TASKS: u32 = 8;
export const ROOM_MEMBERSHIP: u32 = 0;
export const ROOM_INTENT: u32 = 1;
export const ROOM_SCHEDULE: u32 = 2;
export const ROOM_CONVERGENCE: u32 = 3;
export const ROOM_EDGE: u32 = 4;
export const ROOMS_ALL: u32 = 31;

/** WDG-1: the hardware window is 30–900 s; fed inside [60, 600] with margin for the oscillator, aimed at its middle. */
export const FEED_S_MIN: u32 = 60;
export const FEED_S: u32 = 300;
export const FEED_S_MAX: u32 = 600;
/** A task not heard for this long hangs. Three telemetry periods of 300 s. */
export const TASK_SILENCE_S_MAX: u32 = 900;
/** After a recovery a task that misses this many telemetry records in a row, over at least this time, hangs: it was given grace. */
export const PROBATION_RECORDS_MISSED: u32 = 2;
export const PROBATION_SILENCE_S: u32 = 300;
/** How often one task is restarted before the runtime is. */
export const TASK_RESTARTS_MAX: u32 = 2;
/** How often the processor is reset in a row before the alternate image is tried. */
export const RESETS_MAX: u32 = 3;
/** How long an ordered recovery may take. A task restart twice over still leaves time to feed within FEED_S_MAX. */
export const TASK_RESTART_S_MAX: u32 = 150;
export const RUNTIME_RESTART_S_MAX: u32 = 120;
export const RESET_S_MAX: u32 = 120;
export const IMAGE_S_MAX: u32 = 180;
/** Trouble-free for this long: the ladder is climbed down. */
export const STABLE_S: u32 = 3600;
/** Safe mode beacons this often. */
export const BEACON_S: u32 = 600;

export const LEVEL_NONE: u32 = 0;
export const LEVEL_TASK: u32 = 1;
export const LEVEL_RUNTIME: u32 = 2;
export const LEVEL_RESET: u32 = 3;
export const LEVEL_IMAGE: u32 = 4;
export const LEVEL_SAFE: u32 = 5;

export const CAUSE_NONE: u32 = 0;
/** A platform task hangs. */
export const CAUSE_TASK: u32 = 1;
/** A firmware room did not check in. */
export const CAUSE_ROOM: u32 = 2;
/** Protected state failed its check. */
export const CAUSE_STATE: u32 = 3;
/** The runtime came back without its checkpoint. */
export const CAUSE_CHECKPOINT: u32 = 4;
/** An ordered recovery failed, or nothing came of it in time. */
export const CAUSE_RECOVERY: u32 = 5;
/** The hardware watchdog bit, RESETS_MAX times in a row. */
export const CAUSE_BITTEN: u32 = 6;

/** Why the processor began, as in `booted`. */
export const BOOT_POWER_ON: u32 = 1;
export const BOOT_WATCHDOG: u32 = 2;
export const BOOT_RESET: u32 = 3;
export const BOOT_RUNTIME: u32 = 4;
export const BOOT_IMAGE: u32 = 5;

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
const STATE_BYTES: u32 = 64;
const TASK_BYTES: u32 = 8;

const WATCHDOG: u32 =
  (2 << ((WATCHDOG_AT + STATE_BYTES + TASKS * TASK_BYTES - 1 - LINES_AT) >> 6)) -
  (1 << ((WATCHDOG_AT - LINES_AT) >> 6));

/** Nearly all who look at it write it, once a period: it counts as changed. */
export function watchdog(ctx: usize): WatchdogState {
  readsAndChanges(ctx, WATCHDOG);
  return changetype<WatchdogState>(ctx + WATCHDOG_AT);
}
export function task(ctx: usize, index: u32): Task {
  readsAndChanges(ctx, WATCHDOG);
  return changetype<Task>(ctx + WATCHDOG_AT + STATE_BYTES + index * TASK_BYTES);
}

/** The check of protected state: magic, and every cursor and count within its table (WDG-1). */
export function stateSane(ctx: usize): bool {
  const node = edge(ctx);
  if (node.magic != CONTEXT_MAGIC || node.members == 0 || node.members > MEMBERS_MAX || node.self >= node.members)
    return false;
  if (queues(ctx).outboxCount > OUTBOX_MAX || node.timeKnown > 1 || node.safeMode > 1) return false;
  if (<u32>queues(ctx).commandFirst >= COMMANDS_MAX || <u32>queues(ctx).commandCount > COMMANDS_MAX) return false;
  if (<u32>queues(ctx).eventFirst >= EVENTS_MAX || <u32>queues(ctx).eventCount > EVENTS_MAX) return false;
  if (intents(ctx).count > INTENTS_MAX) return false;
  const state = watchdog(ctx);
  if (state.level > LEVEL_SAFE || state.pending > 1 || state.task >= TASKS) return false;
  return scheduleSane(ctx);
}

if (offsetof<WatchdogState>() > STATE_BYTES) ERROR("room for the watchdog's state");
if (offsetof<Task>() != TASK_BYTES) ERROR('stride of the tasks');
if (WATCHDOG_AT + STATE_BYTES + TASKS * TASK_BYTES > CONVERGENCE_AT) ERROR('the watchdog fits before convergence');
if (FEED_S_MIN > FEED_S || FEED_S > FEED_S_MAX) ERROR('the feed is aimed inside its window');
